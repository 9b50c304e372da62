"""`duskwatch mrt`: the elems of MRT files, filtered, as text, JSON or Parquet."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from duskwatch.cli.elem_options import elem_filter
from duskwatch.cli.options import fail, unusable_input

FORMATS = ("bgpdump", "json", "jsonl", "parquet")
BAD_SHOWN = 3
KINDS_SHOWN = 5
HEADER = "an MRT record header"  # what was expected where a file is of another kind, not cut off
LINES_AT_ONCE = 4096


def command(
    files: Annotated[list[Path], typer.Argument(help="MRT files, plain or compressed; - is standard input.")],
    format_: Annotated[
        str, typer.Option("--format", help="bgpdump, json (one document), jsonl (one object a line) or parquet.")
    ] = "bgpdump",
    json_: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    prefix: Annotated[list[str] | None, typer.Option("--prefix", help="Only elems of this prefix. Repeatable.")] = None,
    match: Annotated[
        str, typer.Option("--match", help="exact; more (and what lies in it); less (and what covers it); any of these.")
    ] = "exact",
    origin: Annotated[list[str] | None, typer.Option("--origin", help="Only routes of this AS. Repeatable.")] = None,
    peer: Annotated[
        list[str] | None, typer.Option("--peer", help="Only what this peer says: AS number or address. Repeatable.")
    ] = None,
    path_contains: Annotated[
        list[str] | None, typer.Option("--path-contains", help="Only paths through this AS; repeated: through all.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Only from this time on.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Only before this time.")] = None,
    kind: Annotated[
        str, typer.Option("--type", help="Any of A(nnouncements), W(ithdrawals), R(IB entries), S(tates): AW.")
    ] = "RAWS",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write to this file (parquet needs it); it appears once it is whole.")
    ] = None,
) -> None:
    """Print the elems of MRT files: one statement of one peer about one prefix a line.

    `--format bgpdump` prints what `bgpdump -m` prints, `jsonl` one object a line with every attribute, `json` the
    same objects as one array, `parquet` writes them as a table.

    Examples:

    duskwatch mrt updates.20141222.1615.gz --prefix 175.45.176.0/22 --match more

    duskwatch mrt rib.bz2 --origin AS131279 --format jsonl

    duskwatch mrt updates.*.gz --path-contains 4837 --type A --format parquet --out routes.parquet

    Of a damaged file everything before the damage is printed; where it is, is said on stderr, and the exit code is 1.
    It is also 1 where single records do not follow the RFC: those are counted and left out.
    """
    with unusable_input("mrt"):
        wanted = elem_filter(
            "mrt", prefix or [], match, origin or [], peer or [], path_contains or [], from_, until, kind
        )
        if format_ not in FORMATS:
            fail("mrt", f"--format {format_}: one of {', '.join(FORMATS)}")
        if json_ and format_ not in ("bgpdump", "json"):
            fail("mrt", f"--json and --format {format_}: give one of them")
        format_ = "json" if json_ else format_
        if format_ == "parquet" and out is None:
            fail("mrt", "--format parquet needs --out FILE")
        for file in files:
            if file.is_dir():
                fail("mrt", f"{file}: a folder; name files")
            if str(file) != "-" and not file.exists():
                fail("mrt", f"{file}: no such file")
            if out is not None and out.exists() and file.exists() and out.samefile(file):
                fail("mrt", f"--out {out}: that is a file to read; it would be lost")
        try:
            found_fault = _print(files, format_, wanted, out)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read the output has enough; the interpreter must not complain about it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
    if found_fault:
        sys.exit(1)


def _print(files: list[Path], format_: str, wanted: Any, out: Path | None) -> bool:
    # What is imported and loaded here stays: looking through it for garbage costs a tenth of the start.
    gc.disable()
    from duskwatch.records.elems import PeerTable
    from duskwatch.sources.bgp.formats.mrt import MrtReader
    from duskwatch.sources.files.pieces import open_pieces

    faulty = False
    with ExitStack() as stack:
        sink = _sink(stack, format_, out)
        for file in files:
            peers = PeerTable()
            # Small pieces, so that the first line of a large file comes at once.
            reader = MrtReader(open_pieces(file, piece_bytes=1 << 20), peers)
            for block in reader:
                gc.enable()
                rows = wanted.rows(block, peers)
                if len(rows):
                    sink.add(block, peers, rows)
            if reader.records == 0 and (reader.damage is None or reader.damage.expected.startswith(HEADER)):
                fail("mrt", f"{file}: {_no_mrt(reader)}")
            faulty |= _report(file, reader)
        if left_out := sink.left_out():
            print(
                f"duskwatch mrt: {left_out} entries of multicast tables and RIB_GENERIC records are not printed, as by "
                "bgpdump; --format jsonl has them",
                file=sys.stderr,
            )
    return faulty


def _no_mrt(reader: Any) -> str:
    if reader.damage is None:
        return "the file is empty"
    return f"this is not an MRT file (RFC 6396): at {reader.damage}"


class _Sink(NamedTuple):
    """What takes rows of a block, and how many of them the format has no line for."""

    add: Callable[..., None]
    left_out: Callable[[], int]


def _sink(stack: ExitStack, format_: str, out: Path | None) -> _Sink:
    if format_ == "parquet":
        from duskwatch.sources.bgp.formats.elem_table import ElemTable

        # Polars takes Ctrl-C over in a way that goes on with a read that waits; ours is to end it.
        if hasattr(signal, "siginterrupt"):
            signal.siginterrupt(signal.SIGINT, True)
        assert out is not None
        return _Sink(stack.enter_context(ElemTable(out)).add, lambda: 0)
    write = stack.enter_context(_opened(stack, out)).write if out else sys.stdout.write
    if format_ in ("json", "jsonl"):
        from duskwatch.sources.bgp.formats.elem_json import ElemObjects

        if format_ == "json":
            write = stack.enter_context(_array(write))
        return _Sink(_writer(write, ElemObjects().lines), lambda: 0)
    from duskwatch.sources.bgp.formats.bgpdump import BgpdumpText

    text = BgpdumpText()
    return _Sink(_writer(write, text.lines), lambda: text.left_out)


def _opened(stack: ExitStack, out: Path) -> Any:
    from duskwatch.sources.bgp.formats.whole_file import whole_file

    return stack.enter_context(whole_file(out)).open("w", encoding="utf-8", newline="\n")


@contextmanager
def _array(write: Callable[[str], Any]) -> Iterator[Callable[[str], None]]:
    """Lines of JSON as one array. Where an error ends it the array stays open: it is not whole."""
    begun = False

    def items(lines: str) -> None:
        nonlocal begun
        write((",\n" if begun else "[\n") + lines.rstrip("\n").replace("\n", ",\n"))
        begun = True

    yield items
    write("\n]\n" if begun else "[]\n")


def _writer(write: Callable[[str], Any], lines: Callable[..., Iterable[str]]) -> Callable[..., None]:
    def add(block: Any, peers: Any, rows: Any) -> None:
        for chunk in batched(lines(block, peers, rows), LINES_AT_ONCE):
            write("".join(chunk))

    return add


def batched(lines: Iterable[str], count: int) -> Iterator[list[str]]:
    """Lists of up to ``count`` lines."""
    rest = iter(lines)
    while chunk := list(islice(rest, count)):
        yield chunk


def _report(file: Path, reader: Any) -> bool:
    """Say on stderr what was wrong with a file; whether anything was."""
    name = "standard input" if str(file) == "-" else str(file)
    for offset, reason in reader.bad[:BAD_SHOWN]:
        print(f"duskwatch mrt: {name}: bad record at byte {offset}: {reason}", file=sys.stderr)
    if reader.bad_records > BAD_SHOWN:
        print(f"duskwatch mrt: {name}: {reader.bad_records} bad records in all", file=sys.stderr)
    if reader.unsupported:
        shown = reader.unsupported.most_common(KINDS_SHOWN)
        kinds = ", ".join(f"{count} {kind}" for kind, count in shown)
        if rest := reader.unsupported.total() - sum(count for _, count in shown):
            kinds += f", {rest} of other kinds"
        print(f"duskwatch mrt: {name}: records that are not read here: {kinds}", file=sys.stderr)
    if reader.damage is not None:
        print(f"duskwatch mrt: {name}: damaged at {reader.damage}", file=sys.stderr)
    return bool(reader.bad_records or reader.damage is not None)
