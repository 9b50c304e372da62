"""`duskwatch notes`: what people write beside an outage or an incident."""

import json
import re
import sys
from typing import Annotated

import typer

from duskwatch.cli.options import fail, unusable_input
from duskwatch.cli.store_options import DEFAULT_STORE, NOBODY, DatabaseOption, StorageOption, StoreOption, open_store
from duskwatch.records.text import printable
from duskwatch.records.times import iso

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Write a note beside an outage or an incident; list them.",
)
Subject = Annotated[str, typer.Argument(help="Id of an outage (KP-20141222T161500Z), or number of an incident (3).")]


@app.command("add")
def add(
    about: Subject,
    text: Annotated[str, typer.Argument(help="The note.")],
    author: Annotated[str, typer.Option("--author", help="Who writes; not stored unless given.")] = "",
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
) -> None:
    """Write a note.

    Example: duskwatch notes add KP-20141222T161500Z "The provider says: planned work" --author "NOC"
    """
    with unusable_input("notes add"):
        outage, incident = _subject(about)
        opened = open_store(store, database, storage_option)
        from duskwatch.store.revisions import annotate

        number = annotate(opened.events(), text, by=author.strip() or NOBODY, outage=outage, incident=incident)
        print(f"note {number} on {about}")


@app.command("list")
def list_(
    about: Annotated[str, typer.Argument(help="An outage or incident, as for add; all notes if not given.")] = "",
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List notes, oldest first. Exit code 1: there are none."""
    with unusable_input("notes list"):
        outage, incident = _subject(about) if about else (None, None)
        opened = open_store(store, database, storage_option)
        from duskwatch.store.revisions import annotations

        found = annotations(opened.events(), outage=outage, incident=incident)
        if not found:
            print("duskwatch notes list: there is none", file=sys.stderr)
            sys.exit(1)
        for note in found:
            on = note["outage"] or note["incident_id"] or note["entity"]
            if json_:
                document = {"id": note["id"], "about": str(on), "at": iso(note["at_us"]), "by": note["by"],
                            "text": note["text"]}  # fmt: skip
                print(json.dumps(document, ensure_ascii=False))
            else:
                by = "" if note["by"] == NOBODY else f"{printable(note['by'])}: "
                print(f"{note['id']}  {iso(note['at_us'])}  {on}  {by}{printable(note['text'])}")


def _subject(about: str) -> tuple[str | None, int | None]:
    if re.fullmatch(r"[0-9]{1,9}", about):
        return None, int(about)
    if not re.fullmatch(r"[0-9A-Za-z.:_-]{1,120}", about):
        fail("notes", f"'{about}': name an outage by its id (KP-20141222T161500Z) or an incident by its number")
    return about, None
