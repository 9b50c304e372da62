"""`duskwatch feed`: what live feeds say, from recorded files and from routers that connect."""

import asyncio
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duskwatch.cli.elem_options import elem_filter
from duskwatch.cli.options import fail, unusable_input

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duskwatch.cli.feed_output import FeedOutput

FORMATS = ("text", "json", "jsonl")
VIEWS = ("adj-rib-in", "adj-rib-in-post", "adj-rib-out", "adj-rib-out-post", "loc-rib")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="What live feeds say: RIS Live, BMP and OpenBMP, from recorded files and from routers that connect.",
)

FormatOption = Annotated[
    str, typer.Option("--format", help="text (as bgpdump -m), json (one document) or jsonl (one object a line).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
EventsOption = Annotated[
    bool,
    typer.Option("--events", help="Sessions, routers, ends of tables and statistics in place of elems; json or jsonl."),
]
CollectorOption = Annotated[
    list[str] | None, typer.Option("--collector", help="Only this collector or routing table. Repeatable.")
]
RibOption = Annotated[
    list[str] | None, typer.Option("--rib", help=f"Of BMP, only this table: {', '.join(VIEWS)}. Repeatable.")
]
PrefixOption = Annotated[list[str] | None, typer.Option("--prefix", help="Only elems of this prefix. Repeatable.")]
MatchOption = Annotated[
    str, typer.Option("--match", help="exact; more (and what lies in it); less (and what covers it); any of these.")
]
OriginOption = Annotated[list[str] | None, typer.Option("--origin", help="Only routes of this AS. Repeatable.")]
PeerOption = Annotated[
    list[str] | None, typer.Option("--peer", help="Only what this peer says: AS number or address. Repeatable.")
]
TypeOption = Annotated[str, typer.Option("--type", help="Any of A(nnouncements), W(ithdrawals), S(tates): AW.")]


@app.command()
def show(
    files: Annotated[list[Path], typer.Argument(help="Recorded feeds, plain or compressed; - is standard input.")],
    format_: FormatOption = "text",
    as_json: JsonOption = False,
    events: EventsOption = False,
    collector: CollectorOption = None,
    rib: RibOption = None,
    prefix: PrefixOption = None,
    match: MatchOption = "exact",
    origin: OriginOption = None,
    peer: PeerOption = None,
    kind: TypeOption = "RAWS",
) -> None:
    """Print what recorded feeds say: one statement of one peer about one prefix a line, as bgpdump -m does.

    A file may hold frames of RIS Live (one JSON object a line, or an array), a BMP stream, a packet capture with BMP
    in it, or raw messages of OpenBMP. Its first bytes tell which.

    Examples:

    duskwatch feed show ris-live.jsonl.gz --prefix 175.45.176.0/22 --match more

    duskwatch feed show bmp.pcap --rib loc-rib --format jsonl

    duskwatch feed show bmp.pcap --events --format jsonl

    What was read, and what could not be, is said on stderr. Exit code 1: something did not follow its form.
    """
    format_ = "json" if as_json else format_
    with unusable_input("feed show"):
        _check(format_, events)
        for file in files:
            if file.is_dir():
                fail("feed show", f"{file}: a folder; name files")
            if str(file) != "-" and not file.exists():
                fail("feed show", f"{file}: no such file")
        wanted = elem_filter("feed show", prefix or [], match, origin or [], peer or [], [], None, None, kind)
        with _unread_output():
            faulty = _show(files, format_, events, frozenset(collector or ()), _views("feed show", rib), wanted)
    if faulty:
        sys.exit(1)


def _show(
    files: list[Path], format_: str, events: bool, collectors: frozenset[str], views: frozenset[str], wanted: Any
) -> bool:
    from duskwatch.cli.feed_output import FeedOutput, say_counts
    from duskwatch.sources.bgp.formats.bmp import BmpOptions
    from duskwatch.sources.bgp.formats.feed_files import open_feed

    faulty = False
    with FeedOutput(format_, events, collectors, wanted) as output:
        for file in files:
            feed = open_feed(file, BmpOptions(views))
            for batch in feed:
                output.add(batch.blocks, batch.events)
            faulty |= say_counts("feed show", str(file), feed.counts, feed.damage, feed.unread)
    return faulty


@app.command()
def listen(
    address: Annotated[str, typer.Option("--bmp", help="Address and port to listen on for BMP.")] = "127.0.0.1:1790",
    allow: Annotated[
        list[str] | None, typer.Option("--allow", help="Routers of this network may connect. Repeatable.")
    ] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1, help="Stop after this time.")] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="Stop after so many elems or events.")] = None,
    certificate: Annotated[Path | None, typer.Option("--tls-certificate", help="Speak TLS: our certificate.")] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", help="Speak TLS: its key.")] = None,
    authority: Annotated[
        Path | None, typer.Option("--tls-authority", help="Take only routers with a certificate of this authority.")
    ] = None,
    format_: FormatOption = "text",
    as_json: JsonOption = False,
    events: EventsOption = False,
    collector: CollectorOption = None,
    rib: RibOption = None,
    prefix: PrefixOption = None,
    match: MatchOption = "exact",
    origin: OriginOption = None,
    peer: PeerOption = None,
    kind: TypeOption = "RAWS",
) -> None:
    """Listen for routers that speak BMP and print what they say, as it comes.

    Without --allow, routers of this machine alone may connect: name networks to take others, and an address of this
    machine that they reach.

    Examples:

    duskwatch feed listen --seconds 60

    duskwatch feed listen --bmp 192.0.2.1:1790 --allow 192.0.2.0/24 --rib adj-rib-in --format jsonl

    It ends after --seconds, after --count lines, or with Ctrl-C, and says on stderr who was connected and who refused.
    """
    format_ = "json" if as_json else format_
    with unusable_input("feed listen"):
        _check(format_, events, json_ends=seconds is not None or count is not None)
        wanted = elem_filter("feed listen", prefix or [], match, origin or [], peer or [], [], None, None, kind)
        settings = _settings(address, allow or [], _views("feed listen", rib), certificate, key, authority)
        from duskwatch.cli.feed_output import FeedOutput

        output = FeedOutput(format_, events, frozenset(collector or ()), wanted, count)
        with _unread_output(), output, suppress(KeyboardInterrupt):
            asyncio.run(_listen(settings, output, seconds))


def _settings(
    address: str,
    allow: list[str],
    views: frozenset[str],
    certificate: Path | None,
    key: Path | None,
    authority: Path | None,
) -> Any:
    import ipaddress

    from duskwatch.sources.bgp.formats.bmp import BmpOptions
    from duskwatch.sources.bgp.formats.feed_counts import ClockRules
    from duskwatch.sources.bgp.live.bmp_station import LOOPBACK, StationSettings, server_tls

    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        fail("feed listen", f"--bmp {address}: write it like 127.0.0.1:1790 or [::1]:1790")
    if (certificate is None) != (key is None) or (authority is not None and certificate is None):
        fail("feed listen", "--tls-certificate and --tls-key go together, and --tls-authority needs both")
    networks = []
    for text in allow:
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError as error:
            fail("feed listen", f"--allow: {error}")
    return StationSettings(
        host=host.strip("[]"),
        port=int(port),
        allow=tuple(networks) or LOOPBACK,
        reader=BmpOptions(views, ClockRules()),
        tls=server_tls(certificate, key, authority) if certificate is not None and key is not None else None,
    )


async def _listen(settings: Any, output: "FeedOutput", seconds: float | None) -> None:
    from duskwatch.cli.feed_output import say_station
    from duskwatch.sources.bgp.live.bmp_station import BmpStation

    station = BmpStation(settings)
    await station.start()
    print(f"duskwatch feed listen: BMP on {station.address}", file=sys.stderr, flush=True)
    try:
        async with asyncio.timeout(seconds):
            async for message in station.messages():
                output.message(message)
                if output.done:
                    break
    except TimeoutError:
        pass
    finally:
        await station.close()
        say_station("feed listen", station)


def _check(format_: str, events: bool, *, json_ends: bool = True) -> None:
    if format_ not in FORMATS:
        fail("feed", f"--format {format_}: one of {', '.join(FORMATS)}")
    if events and format_ == "text":
        fail("feed", "--events needs --format json or jsonl")
    if format_ == "json" and not json_ends:
        fail("feed", "--format json is one document: say with --seconds or --count when it ends, or use jsonl")


def _views(command: str, names: list[str] | None) -> frozenset[str]:
    for name in names or ():
        if name not in VIEWS:
            fail(command, f"--rib {name}: one of {', '.join(VIEWS)}")
    return frozenset(names or VIEWS)


@contextmanager
def _unread_output() -> "Iterator[None]":
    """Whoever read the output may have enough; the interpreter must not complain about it at exit."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
