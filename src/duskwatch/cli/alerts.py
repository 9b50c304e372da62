"""`duskwatch alerts`: what was told of outages, to whom, and who has seen it."""

import asyncio
import sys
import time
from pathlib import Path
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
    help="Alerts of a live run: list them, test a channel, say that somebody has seen one.",
)


@app.command("list")
def list_(
    outage: Annotated[str, typer.Argument(help="Id of an outage; all if not given.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="So many, the newest first.")] = 100,
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
    format_: Annotated[str, typer.Option("--format", help="table, json (one document) or jsonl.")] = "table",
    json_: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
) -> None:
    """List alerts, the newest first, with what became of each. Exit code 1: there are none.

    Example: duskwatch alerts list KP-20141222T161500Z
    """
    with unusable_input("alerts list"):
        format_ = listing_format("alerts list", format_, json_, ("table", "json", "jsonl"))
        opened = open_store(store, database, storage_option)
        from duskwatch.store.outbox import stored_alerts

        found = stored_alerts(opened.events(), outage=outage or None, limit=limit)
        if format_ != "table":
            print_json([_document(one) for one in found], format_)
        else:
            for one in found:
                told = ", ".join(_told(*each) for each in one.deliveries) or "to nobody"
                seen = f"; seen by {one.acked_by}" if one.acked_us is not None else ""
                print(printable(f"{iso(one.at_us)}  {one.key}  {told}{seen}"))
                print(printable(f"  {one.document['text']}"))
    if not found:
        of = f" of {printable(outage)}" if outage else ""
        print(f"no alert{of} was told: no rule asked for one, or no outage was found", file=sys.stderr)
        sys.exit(1)


def _told(channel: str, state: str, attempts: int, error: str) -> str:
    why = f" after {attempts} attempts: {error}" if error else ""
    return f"{channel} {state}{why}"


def _document(one: Any) -> dict[str, Any]:
    return {
        **one.document,
        "made": iso(one.made_us),
        "seen": None if one.acked_us is None else {"at": iso(one.acked_us), "by": one.acked_by},
        "deliveries": [
            {"channel": channel, "state": state, "attempts": attempts, "error": error or None}
            for channel, state, attempts, error in one.deliveries
        ],
    }


@app.command("ack")
def ack(
    what: Annotated[str, typer.Argument(help="Id of an outage, or of one alert of it.")],
    author: Annotated[str, typer.Option("--author", help="Who has seen it; not stored unless given.")] = "",
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
) -> None:
    """Say that somebody has seen the alerts of an outage.

    Example: duskwatch alerts ack KP-20141222T161500Z --author NOC
    """
    with unusable_input("alerts ack"):
        opened = open_store(store, database, storage_option)
        from duskwatch.store.outbox import acknowledge

        keys = acknowledge(opened.events(), what, by=author.strip() or NOBODY)
        print(f"{len(keys)} alert{'' if len(keys) == 1 else 's'} seen")


@app.command("test")
def send_test(
    config: Annotated[Path, typer.Option("--config", help="The configuration of the live run.")],
    channel: Annotated[list[str] | None, typer.Argument(help="Names of channels; all if none is named.")] = None,
) -> None:
    """Send an alert that says that it is a test to channels of a configuration. Exit code 1: one did not take it.

    Example: duskwatch alerts test --config duskwatch.toml noc-webhook
    """
    with unusable_input("alerts test"):
        from duskwatch.drivers.live.settings import channel_of, read_settings

        settings = read_settings(config)
        tables = {table.name: table for table in settings.channel}
        for name in channel or ():
            if name not in tables:
                fail("alerts test", f"no channel '{name}'; there are {', '.join(tables) or 'none'}")
        chosen = [channel_of(tables[name], config.absolute().parent) for name in channel or tables]
        if not chosen:
            fail("alerts test", f"{config}: no [[channel]]")
        failed = asyncio.run(_test(chosen))
    if failed:
        sys.exit(1)


async def _test(channels: list[Any]) -> int:
    from duskwatch.publication.alerts.alert import test_document
    from duskwatch.publication.alerts.channels import UndeliveredError

    failed = 0
    for one in channels:
        try:
            await one.send(test_document(one.name, time.time_ns() // 1000))
            print(f"{one.name}: taken")
        except UndeliveredError as error:
            failed += 1
            print(f"{one.name}: {printable(str(error))}")
    return failed
