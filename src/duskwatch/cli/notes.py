"""`duskwatch notes`: what people write beside an outage or an incident."""

import re
import sys
from typing import Annotated, Any

import typer

from duskwatch.cli.listing import listing_format, print_json
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
    format_: Annotated[str, typer.Option("--format", help="table, json (one document) or jsonl.")] = "table",
    json_: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
) -> None:
    """List notes, oldest first. Exit code 1: there are none."""
    with unusable_input("notes list"):
        format_ = listing_format("notes list", format_, json_, ("table", "json", "jsonl"))
        outage, incident = _subject(about) if about else (None, None)
        opened = open_store(store, database, storage_option)
        from duskwatch.store.revisions import annotations

        found = annotations(opened.events(), outage=outage, incident=incident)
        if not found:
            if format_ == "json":
                print("[]")
            print("duskwatch notes list: there is none", file=sys.stderr)
            sys.exit(1)
        if format_ != "table":
            print_json([_document(note) for note in found], format_)
            return
        for note in found:
            by = "" if note["by"] == NOBODY else f"{printable(note['by'])}: "
            print(f"{note['id']}  {iso(note['at_us'])}  {_about(note)}  {by}{printable(note['text'])}")


def _about(note: dict[str, Any]) -> str:
    return str(note["outage"] or note["incident_id"] or note["entity"])


def _document(note: dict[str, Any]) -> dict[str, Any]:
    return {"id": note["id"], "about": _about(note), "at": iso(note["at_us"]), "by": note["by"], "text": note["text"]}


def _subject(about: str) -> tuple[str | None, int | None]:
    if re.fullmatch(r"[0-9]{1,9}", about):
        return None, int(about)
    if not re.fullmatch(r"[0-9A-Za-z.:_-]{1,120}", about):
        fail("notes", f"'{about}': name an outage by its id (KP-20141222T161500Z) or an incident by its number")
    return about, None
