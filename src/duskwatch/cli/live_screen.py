"""What a live run shows in a terminal while it runs: how far it is, its sources, and what lasts."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from duskwatch.drivers.live.run import LiveRun

EVERY_S = 0.5


@asynccontextmanager
async def shown(run: "LiveRun", *, quiet: bool) -> AsyncIterator[None]:
    """Show the run on stderr while the context lasts; nothing where it is no terminal, or with ``quiet``."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:

        async def refresh() -> None:
            while True:
                live.update(screen(run), refresh=True)
                await asyncio.sleep(EVERY_S)

        task = asyncio.create_task(refresh())
        try:
            yield
        finally:
            task.cancel()


def screen(run: "LiveRun") -> "Table":
    """What is watched, how far, by which sources; the outages that last."""
    from rich.table import Table

    from duskwatch.publication.terminal import clean
    from duskwatch.publication.times_text import percent, table_time

    watch = run.watch
    table = Table(title=f"duskwatch live: told up to {table_time(watch.judged_us)} UTC", title_justify="left")
    for name in ("what", "state", "since (UTC)", "more"):
        table.add_column(name)
    for one in watch.sources:
        state = "ended" if one.ended else "running" if one.running else "failed"
        more = _fields(one.source.status()) if not one.last_error or one.running else one.last_error
        table.add_row(f"source {one.source.name}", state, "", clean(more))
    for lot in watch.lots:
        for entity in lot.watched.entities:
            outages = watch.found.get(entity.code)
            lasting = [outage for outage in outages or () if outage.end is None]
            if outages is None:
                table.add_row(entity.code, "not judged yet", "", "")
            elif lasting:
                newest = lasting[-1]
                phase = newest.phases[-1].phase if newest.phases else "out"
                table.add_row(
                    entity.code,
                    phase,
                    table_time(newest.onset.best_us),
                    f"{percent(newest.depth)} lost",
                    style="bold red",
                )
            else:
                summary = f"{len(outages)} over" if outages else "no outage in what was judged"
                table.add_row(entity.code, "no outage lasts", "", summary)
    return table


def _fields(status: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in status.items() if value not in ("", None))
