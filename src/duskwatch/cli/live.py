"""`duskwatch live`: watch as it happens, or watch a past outage happen."""

import asyncio
import math
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duskwatch.cli.entities import entity_named
from duskwatch.cli.options import GeoOption, fail, unusable_input
from duskwatch.cli.store_options import DEFAULT_STORE, DatabaseOption, StorageOption, open_store
from duskwatch.records.times import HOUR, MINUTE, SECOND, parse_time

if TYPE_CHECKING:
    from duskwatch.drivers.live.run import LiveRun

COMMAND = "live"


def command(
    entity: Annotated[
        list[str] | None,
        typer.Argument(help='What to watch: KP or "North Korea", AS131279, 175.45.176.0/22. Several may be named.'),
    ] = None,
    replay: Annotated[
        list[Path] | None,
        typer.Option("--replay", help="MRT file, or folder of them, to be watched as if it happened now. Repeatable."),
    ] = None,
    speed: Annotated[
        str, typer.Option("--speed", help="Of --replay: so many times as fast as it happened; max: without waiting.")
    ] = "max",
    from_: Annotated[
        str | None, typer.Option("--from", help="Of --replay: start of the window. Without: that of the files.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Of --replay: end of the window.")] = None,
    geo: GeoOption = None,
    store: Annotated[
        str, typer.Option("--store", envvar="DUSKWATCH_STORE", help="Folder or URL; made where it is not there.")
    ] = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
    bin_seconds: Annotated[int, typer.Option("--bin", help="Length of a bin in seconds, 60 to 3600.")] = 300,
    config: Annotated[
        Path | None, typer.Option("--config", help="TOML file with what is watched, sources, store and alerts.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="With --config: tell all its faults, and end.")] = False,
    dump: Annotated[
        bool, typer.Option("--dump", help="With --config: print it with all defaults, without secrets, and end.")
    ] = False,
    log_format: Annotated[str, typer.Option("--log", help="Of --config: logs on stderr as json or text.")] = "json",
    json_: Annotated[bool, typer.Option("--json", help="Print the outages at the end as JSON.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="No lines meanwhile; what was found is printed at the end.")
    ] = False,
) -> None:
    """Watch countries, networks and prefixes, and tell outages as they begin and end.

    With --config, feeds are watched as a file says: RIS Live, routers that speak BMP, Kafka.

    With --replay, archives are watched as if they happened now; the outages found are those that `duskwatch analyze`
    finds in the same files. They are recorded in the store, under the source bgp-live.

    Examples:

    duskwatch live --config duskwatch.toml

    duskwatch live KP --replay demo/archives --geo demo/delegated --speed 600

    duskwatch live DJ --replay route-views2/ --geo delegated-afrinic-extended-20160130 --from 2008-02-19

    Ctrl-C or SIGTERM ends it: what was told until then is judged and written.
    """
    with unusable_input(COMMAND):
        if config is not None:
            if replay or entity:
                fail(COMMAND, "--config says what is watched and how; --replay and entities are without it")
            _configured(config, check=check, dump=dump, log_format=log_format, quiet=quiet)
            return
        if check or dump:
            fail(COMMAND, "--check and --dump are for --config")
        if not replay:
            fail(COMMAND, "no source: give --config with a file, or --replay with a folder of MRT archives")
        entities = [entity_named(each) for each in entity or []]
        if not entities:
            fail(COMMAND, "nothing to watch: name a country, a network or a prefix")
        for path in [*replay, *(geo or [])]:
            if not path.exists():
                fail(COMMAND, f"{path}: no such file or folder")
        if not MINUTE <= bin_seconds * SECOND <= HOUR:
            fail(COMMAND, f"--bin {bin_seconds}: bins last 60 to 3600 seconds")
        from duskwatch.drivers.live.logs import log_to_stderr, no_logs
        from duskwatch.drivers.live.run import replay_run

        if quiet or json_ or sys.stderr.isatty():
            no_logs()  # there is the screen, or nobody wants to know
        else:
            log_to_stderr("text")

        run, _ = replay_run(
            replay,
            entities,
            open_store(store, database, storage_option, create=True),
            geo=geo or (),
            speed=_speed(speed),
            from_us=parse_time(from_) if from_ is not None else None,
            until_us=parse_time(until) if until is not None else None,
            bin_us=bin_seconds * SECOND,
        )
        _go(run, quiet=quiet or json_)
        _tell(run, as_json=json_)
    if run.recorder.failures:
        sys.exit(1)


def _configured(path: Path, *, check: bool, dump: bool, log_format: str, quiet: bool) -> None:
    from duskwatch.drivers.live.settings import dumped, read_settings

    if log_format not in ("json", "text"):
        fail(COMMAND, f"--log {log_format}: json or text")
    settings = read_settings(path)
    if dump:
        print(dumped(settings))
        return
    from duskwatch.drivers.live.configured import configured_run, watched_of
    from duskwatch.drivers.live.logs import log_to_stderr, no_logs
    from duskwatch.sources.bgp.live.clock import now_us

    if check:
        watched_of(settings, path.absolute().parent, now_us())
        print(f"{path}: fine")
        return
    screen = sys.stderr.isatty() and not quiet
    if screen:
        no_logs()
    else:
        log_to_stderr(log_format)
    from duskwatch.drivers.live.steady import SteadyClock

    run = configured_run(settings, path.absolute().parent, clock=SteadyClock())
    _go(run, quiet=not screen)


def _speed(text: str) -> float:
    if text in ("max", "0"):
        return math.inf
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        fail(COMMAND, f"--speed {text}: a number above 0, or max")
    return value


def _go(run: "LiveRun", *, quiet: bool) -> None:
    """Run until it ends or a signal comes; a second one ends it at once."""
    from duskwatch.cli.live_screen import shown

    async def whole() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, _stop, run, loop, number)
        async with shown(run, quiet=quiet):
            await run.run()

    asyncio.run(whole())


def _stop(run: "LiveRun", loop: asyncio.AbstractEventLoop, number: int) -> None:
    run.stop.set()
    loop.remove_signal_handler(number)


def _tell(run: "LiveRun", *, as_json: bool) -> None:
    """The outages found, and up to when was watched."""
    from duskwatch.publication.documents.live import run_document, run_text

    found: dict[str, Any] = {
        "from_us": min(lot.from_us for lot in run.watch.lots),
        "until_us": run.watch.rolled_us,
        "reports": [run.latest[code] for lot in run.watch.lots for code in _codes(lot) if code in run.latest],
    }
    if as_json:
        import json

        print(json.dumps(run_document(**found), indent=1))
    else:
        print(run_text(**found))


def _codes(lot: Any) -> list[str]:
    return [entity.code for entity in lot.watched.entities]
