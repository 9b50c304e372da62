"""`duskwatch incidents`: what a store knows of incidents, one line each or one in full."""

import json
import sys
from typing import Annotated, Any

import typer

from duskwatch.cli.entities import entity_named
from duskwatch.cli.exit_codes import OUTAGE, ExitCodeOption, code_of
from duskwatch.cli.judging import not_judged_lines, reenactment_line, reenactment_of, spans_of
from duskwatch.cli.listing import FORMAT_HELP, listing_format, print_json
from duskwatch.cli.options import fail, unusable_input
from duskwatch.cli.store_options import DEFAULT_STORE, NOBODY, DatabaseOption, StorageOption, StoreOption, open_store
from duskwatch.publication.documents.incidents import COLUMNS, incident_cell, incident_document, incident_in_full
from duskwatch.records.text import printable
from duskwatch.records.times import DAY, parse_time, span_text

COMMAND = "incidents"
MOST_MEMBERS = 20

Number = Annotated[int, typer.Argument(help="Number of the incident, as the list has it.")]
Why = Annotated[str, typer.Option("--why", help="The reason; it is kept.")]
By = Annotated[str, typer.Option("--by", help="Who says so; not stored unless given.")]

app = typer.Typer(
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="List the incidents of a store, show one in full, close one, dismiss an outage.",
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
    limit: Annotated[int | None, typer.Option("--limit", help="At most so many, from the first on.")] = None,
    format_: Annotated[str, typer.Option("--format", help=FORMAT_HELP)] = "table",
    json_: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    exit_code: ExitCodeOption = False,
) -> None:
    """List incidents, one line each: who, when, how much, and what explains it. Exit code 1: there are none.

    Example: duskwatch incidents --entity KP --from 2014-12-22 --until 2014-12-24
    """
    if context.invoked_subcommand is not None:
        return
    with unusable_input(COMMAND):
        format_ = listing_format(COMMAND, format_, json_)
        if limit is not None and limit < 1:
            fail(COMMAND, f"--limit {limit}: at least 1")
        entities = [entity_named(text) for text in entity] if entity else None
        from_us = parse_time(from_) if from_ else None
        until_us = parse_time(until) if until else None
        if from_us is not None and until_us is not None and from_us >= until_us:
            fail(COMMAND, f"--until {until} is not after --from {from_}")
        opened = open_store(store, database, storage_option)
        from duskwatch.store.incidents import stored_incidents

        found = stored_incidents(opened.events(), entities=entities, from_us=from_us, until_us=until_us)
        if not found:
            if format_ == "json":
                print("[]")
            print(f"duskwatch {COMMAND}: none stored matches", file=sys.stderr)
            for line in not_judged_lines(opened, entities, from_us, until_us):
                print(f"duskwatch {COMMAND}: {line}", file=sys.stderr)
            spans = [span for _, own in spans_of(opened, entities, from_us, until_us) for span in own]
            sys.exit(code_of(False, spans) if exit_code else 1)
        _print(opened, found[:limit], format_)
        if mark := reenactment_line(opened, from_us, until_us):
            print(f"duskwatch {COMMAND}: {mark}", file=sys.stderr)
        if limit is not None and len(found) > limit:
            print(f"duskwatch {COMMAND}: {limit} of {len(found)} are shown", file=sys.stderr)
        if exit_code:
            sys.exit(OUTAGE)


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
        document = incident_in_full(past, outages, annotations(where, incident=number))
        document["judged"] = _judged(opened, now)
        document["reenactment"] = reenactment_of(opened.reenactment(), now.from_us, now.until_us)
        if json_:
            print(json.dumps(document, ensure_ascii=False, indent=1))
        else:
            _show(document)


@app.command("close")
def close(
    number: Number,
    why: Why,
    by: By = "",
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
) -> None:
    """Close an incident: a person has dealt with it. Later analyses add what they find, and leave it closed.

    Example: duskwatch incidents close 3 --why "cable repaired" --by "NOC"
    """
    _say_state("close", number, "closed", why, by, open_store(store, database, storage_option))


@app.command("reopen")
def reopen(
    number: Number,
    why: Why,
    by: By = "",
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
) -> None:
    """Take back that an incident was closed."""
    _say_state("reopen", number, "open", why, by, open_store(store, database, storage_option))


@app.command("dismiss")
def dismiss(
    outage: Annotated[str, typer.Argument(help="Id of the outage, as `show` has it: KP-20141222T161500Z.")],
    why: Why,
    by: By = "",
    restore: Annotated[bool, typer.Option("--restore", help="Take the dismissal back.")] = False,
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
) -> None:
    """Say of an outage that it was none. What was measured stays in the store, with who said so and why.

    Example: duskwatch incidents dismiss KP-20141222T161500Z --why "our collector was moved" --by "NOC"
    """
    with unusable_input(f"{COMMAND} dismiss"):
        opened = open_store(store, database, storage_option)
        from duskwatch.store.outages import dismiss_outage

        dismiss_outage(opened.events(), outage, by=by.strip() or NOBODY, why=why, restore=restore)
        print(f"{outage} {'is an outage again' if restore else 'is dismissed'}")


def _say_state(verb: str, number: int, state: str, why: str, by: str, opened: Any) -> None:
    with unusable_input(f"{COMMAND} {verb}"):
        from duskwatch.store.incidents import revise_incident

        revise_incident(opened.events(), number, by=by.strip() or NOBODY, why=why, state=state)
        print(f"incident {number} is {'closed' if state == 'closed' else 'no longer closed'}")


def _judged(opened: Any, one: Any) -> list[dict[str, Any]] | None:
    """What could be judged of the entity of an incident, over the UTC days that it touches; None where it has none."""
    if one.entity is None or one.from_us is None:
        return None
    from duskwatch.analysis.judged import judged_stored
    from duskwatch.publication.documents.judged import judged_document

    start = one.from_us - one.from_us % DAY
    lasts_us = max([end_us for _, end_us in opened.recorded(one.from_us)], default=one.from_us + 1) - 1
    last = one.until_us if one.until_us is not None else lasts_us
    spans = judged_stored(opened, one.entity, start, last - last % DAY + DAY)
    return [judged_document(span) for span in spans]


def _print(opened: Any, found: list[Any], format_: str) -> None:
    documents = [incident_document(one) for one in found]
    if format_ in ("json", "jsonl"):
        marked = opened.reenactment()
        documents = [
            one | {"judged": _judged(opened, each), "reenactment": reenactment_of(marked, each.from_us, each.until_us)}
            for one, each in zip(documents, found, strict=True)
        ]
        print_json(documents, format_)
        return
    if format_ == "csv":
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        for document in documents:
            writer.writerow(incident_cell(name, document) for name in COLUMNS)
        return
    width = max(2, *(len(str(document["id"])) for document in documents))
    for document in documents:
        closed = " (closed)" if document["state"] == "closed" else ""
        print(f"{document['id']:>{width}}  {printable(document['title'])}{closed}")


def _show(document: dict[str, Any]) -> None:
    from duskwatch.publication.times_text import percent
    from duskwatch.publication.transit_json import ways_lines

    print(printable(document["title"]))
    if document["reenactment"]:
        print(printable(document["reenactment"]))
    print(f"\nstate    {document['state']}, revision {document['revision']}")
    print(f"from     {document['from'] or '-'}\nuntil    {document['until'] or 'not over'}")
    if document["lost"] is not None:
        print(f"lost     {percent(document['lost'])}")
    for one in document["explained_by"]:
        print(f"because  {one['entity']}: {percent(one['share'])} of the whole, and took {percent(one['lost'])} of it")
    for span in document["judged"] or ():
        if not span["judged"]:
            print(f"unsure   {span['from']} to {span['until']} could not be judged: {span['text']}")
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
        if one["transit"] is not None and one["entity"] == document["entity"]:
            for text in ways_lines(one["transit"]):
                print(f"      {text}")
    if len(members) > MOST_MEMBERS:
        print(f"  and {len(members) - MOST_MEMBERS} more; --json has all")
    if document["notes"]:
        print("\nnotes")
    for note in document["notes"]:
        by = "" if note["by"] == NOBODY else f"{printable(note['by'])}: "
        print(f"  {note['id']}  {note['at']}  {by}{printable(note['text'])}")
    print("\nrevisions")
    for one in document["revisions"]:
        print(f"  {one['number']}  {one['at']}  {printable(one['by'])}: {printable(one['why'])} ({one['state']})")
