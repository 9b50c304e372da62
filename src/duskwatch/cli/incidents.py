"""`duskwatch incidents`: what a store knows of incidents, one line each or one in full."""

import json
import sys
from typing import Annotated, Any

import typer

from duskwatch.cli.options import fail, unusable_input
from duskwatch.cli.store_options import DEFAULT_STORE, DatabaseOption, StorageOption, StoreOption, open_store
from duskwatch.records.entity import Entity, parse_entity
from duskwatch.records.times import iso, parse_time, span_text

COMMAND = "incidents"
FORMATS = ("table", "json", "csv")
COLUMNS = (
    "id", "state", "entity", "name", "from", "until", "lost", "explained_by", "explained", "outages", "revision",
    "title",
)  # fmt: skip
MOST_MEMBERS = 20
NOBODY = "unnamed"  # who wrote a note is not stored unless it was said

app = typer.Typer(
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="List the incidents of a store, or show one in full.",
)


@app.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    entity: Annotated[
        list[str] | None, typer.Option("--entity", help="Only those that it was out in: KP, AS131279. Repeatable.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Start of the window.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="End of the window (not part of it).")] = None,
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
    format_: Annotated[str, typer.Option("--format", help="table, json (one object a line) or csv.")] = "table",
) -> None:
    """List incidents, one line each: who, when, how much, and what explains it. Exit code 1: there are none.

    Example: duskwatch incidents --entity KP --from 2014-12-22 --until 2014-12-24
    """
    if context.invoked_subcommand is not None:
        return
    with unusable_input(COMMAND):
        if format_ not in FORMATS:
            fail(COMMAND, f"--format {format_}: one of {', '.join(FORMATS)}")
        entities = [parse_entity(text) for text in entity] if entity else None
        from_us = parse_time(from_) if from_ else None
        until_us = parse_time(until) if until else None
        if from_us is not None and until_us is not None and from_us >= until_us:
            fail(COMMAND, f"--until {until} is not after --from {from_}")
        opened = open_store(store, database, storage_option)
        from duskwatch.store.incidents import stored_incidents

        found = stored_incidents(opened.events(), entities=entities, from_us=from_us, until_us=until_us)
        if not found:
            print(f"duskwatch {COMMAND}: none stored matches", file=sys.stderr)
            sys.exit(1)
        _print(found, format_)


@app.command("show")
def show(
    number: Annotated[int, typer.Argument(help="Number of the incident, as the list has it.")],
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """One incident in full: its outages, the share and loss of each, notes, and every revision."""
    with unusable_input(f"{COMMAND} show"):
        opened = open_store(store, database, storage_option)
        from duskwatch.store.incidents import incident_history
        from duskwatch.store.revisions import annotations, stored_outages

        where = opened.events()
        past = incident_history(where, number)
        now = past[-1]
        states = ("open", "ended", "withdrawn", "superseded", "dismissed")
        outages = stored_outages(where, uids=now.outages, states=states)
        notes = annotations(where, incident=number)
        document = _document(now) | {
            "members": [_member(now, one) for one in outages],
            "notes": [{"id": n["id"], "by": n["by"], "at": iso(n["at_us"]), "text": n["text"]} for n in notes],
            "revisions": [
                {"number": r.revision, "at": iso(r.at_us), "by": r.by, "why": r.why, "state": r.state, "title": r.title}
                for r in past
            ],
        }
        if json_:
            print(json.dumps(document, ensure_ascii=False, indent=1))
        else:
            _show(document)


def _document(one: Any) -> dict[str, Any]:
    told = one.document or {}
    by = told.get("explained_by", [])
    return {
        "id": one.number,
        "state": one.state,
        "entity": _entity(one.entity),
        "from": None if one.from_us is None else iso(one.from_us),
        "until": None if one.until_us is None else iso(one.until_us),
        "lost": told.get("lost"),
        "explained_by": [{"entity": m["entity"], "share": m["share"], "lost": m["lost"]} for m in by],
        "explained": told.get("explained"),
        "outages": list(one.outages),
        "revision": one.revision,
        "title": one.title,
    }


def _entity(entity: Entity | None) -> dict[str, str] | None:
    return None if entity is None else {"type": entity.type, "code": entity.code, "name": entity.name}


def _member(now: Any, one: Any) -> dict[str, Any]:
    outage = one.newest.outage
    told = next((m for m in (now.document or {}).get("members", []) if m["outage"] == one.uid), None)
    return {
        "outage": one.uid,
        "entity": _entity(one.entity),
        "state": one.newest.state,
        "from": iso(outage.onset.best_us),
        "until": None if outage.end is None else iso(outage.end.best_us),
        "duration_seconds": outage.duration_us / 1e6,
        "depth": outage.depth,
        "share": None if told is None else told["share"],
        "lost": None if told is None else told["lost"],
    }


def _print(found: list[Any], format_: str) -> None:
    documents = [_document(one) for one in found]
    if format_ == "json":
        for document in documents:
            print(json.dumps(document, ensure_ascii=False))
        return
    if format_ == "csv":
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        for document in documents:
            writer.writerow(_cell(name, document) for name in COLUMNS)
        return
    width = max(2, *(len(str(document["id"])) for document in documents))
    for document in documents:
        closed = " (closed)" if document["state"] == "closed" else ""
        print(f"{document['id']:>{width}}  {clean(document['title'])}{closed}")


def _cell(name: str, document: dict[str, Any]) -> Any:
    entity = document["entity"] or {"code": "", "name": ""}
    values = {
        "entity": entity["code"],
        "name": entity["name"],
        "explained_by": " ".join(one["entity"] for one in document["explained_by"]),
        "outages": " ".join(document["outages"]),
    }
    value = values.get(name, document.get(name))
    return "" if value is None else value


def _show(document: dict[str, Any]) -> None:
    from duskwatch.publication.times_text import percent

    print(clean(document["title"]))
    print(f"\nstate    {document['state']}, revision {document['revision']}")
    print(f"from     {document['from'] or '-'}\nuntil    {document['until'] or 'not over'}")
    if document["lost"] is not None:
        print(f"lost     {percent(document['lost'])}")
    for one in document["explained_by"]:
        print(f"because  {one['entity']}: {percent(one['share'])} of the whole, and took {percent(one['lost'])} of it")
    print("\noutages")
    members = sorted(
        document["members"], key=lambda m: (m["entity"] != document["entity"], -(m["share"] or 0), m["from"])
    )
    for one in members[:MOST_MEMBERS]:
        share = "" if one["share"] is None else f"  share {percent(one['share'])}"
        end = one["until"] or "not over"
        span = span_text(round(one["duration_seconds"] * 1e6))
        state = "" if one["state"] in ("open", "ended") else f"  ({one['state']})"
        print(f"  {one['outage']}  {one['from']} to {end}  {span}  {percent(one['depth'])} lost{share}{state}")
    if len(members) > MOST_MEMBERS:
        print(f"  and {len(members) - MOST_MEMBERS} more; --json has all")
    if document["notes"]:
        print("\nnotes")
    for note in document["notes"]:
        by = "" if note["by"] == NOBODY else f"{clean(note['by'])}: "
        print(f"  {note['id']}  {note['at']}  {by}{clean(note['text'])}")
    print("\nrevisions")
    for one in document["revisions"]:
        print(f"  {one['number']}  {one['at']}  {clean(one['by'])}: {clean(one['why'])} ({one['state']})")


def clean(text: str) -> str:
    """No character in it that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
