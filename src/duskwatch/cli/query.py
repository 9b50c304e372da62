"""`duskwatch query`: what a store holds, as a table, CSV, JSON lines or Parquet."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from duskwatch.cli.options import fail, unusable_input
from duskwatch.cli.store_options import DEFAULT_STORE, DatabaseOption, StorageOption, StoreOption, open_store
from duskwatch.records.entity import Entity, parse_entity
from duskwatch.records.text import printable
from duskwatch.records.times import parse_time

FORMATS = ("table", "csv", "json", "parquet")
TABLES = ("changes", "levels", "dump_checks", "inputs", "gaps")
ROWS_AT_ONCE = 50_000
ISO = "%Y-%m-%dT%H:%M:%S%.fZ"


def command(
    what: Annotated[
        str,
        typer.Argument(
            help="A signal (bgp.visible_slash24), `signals` for all of them, "
            "or outages, changes, levels, gaps, inputs, dump_checks."
        ),
    ],
    entity: Annotated[
        list[str] | None,
        typer.Option("--entity", help="KP, AS131279 or 175.45.176.0/22; all if not given. Repeatable."),
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Start of the window.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="End of the window (not part of it).")] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Who recorded it: bgp, probing; all if not given. Repeatable.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
    format_: Annotated[
        str, typer.Option("--format", help="table, csv, json (one object a line) or parquet.")
    ] = "table",
    out: Annotated[Path | None, typer.Option("--out", help="Write here; parquet needs it.")] = None,
) -> None:
    """Print what a store holds: any signal, the outages, the changes of prefixes, what went in.

    Times are UTC; an empty value is one that nobody was there to see. Exit code 1: nothing was found.

    Example: duskwatch query bgp.visible_slash24 --entity KP --from 2014-12-22 --until 2014-12-24 --format csv
    """
    with unusable_input("query"):
        if format_ not in FORMATS:
            fail("query", f"--format {format_}: one of {', '.join(FORMATS)}")
        if format_ == "parquet" and out is None:
            fail("query", "parquet is not for the terminal: give --out FILE")
        if out is not None and (out.is_dir() or not out.parent.is_dir()):
            fail("query", f"--out {out}: {'a folder; name a file' if out.is_dir() else 'no such folder'}")
        entities = [parse_entity(text) for text in entity] if entity else None
        from_us = parse_time(from_) if from_ else None
        until_us = parse_time(until) if until else None
        if from_us is not None and until_us is not None and from_us >= until_us:
            fail("query", f"--until {until} is not after --from {from_}")
        if what not in (*TABLES, "outages", "signals") and "." not in what:
            fail(
                "query", f"'{what}': a signal, such as bgp.peers_live, or {', '.join(('signals', 'outages', *TABLES))}"
            )
        opened = open_store(store, database, storage_option)
        rows = _rows(opened, what, entities, from_us, until_us, source)
        try:
            found = _write(rows, format_, out)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        if not found:
            names = opened.signal_names() if "." in what else []
            if "." in what and what not in names:
                there = f"there are {', '.join(names)}" if names else "there are none"
                fail("query", f"no signal '{what}' in this store; {there}")
            print("duskwatch query: nothing stored matches", file=sys.stderr)
            sys.exit(1)


def _rows(
    opened: Any,
    what: str,
    entities: list[Entity] | None,
    from_us: int | None,
    until_us: int | None,
    sources: list[str] | None,
) -> Any:
    window: dict[str, Any] = {"entities": entities, "from_us": from_us, "until_us": until_us}
    if what == "outages":
        from duskwatch.publication.documents.outages import outage_frame

        found = opened.outages(**window)
        return outage_frame(one for one in found if not sources or set(sources) & set(one.sources)).lazy()
    if what in TABLES:
        return opened.rows(what, **window, sources=sources)
    return opened.signals(None if what == "signals" else [what], **window, sources=sources)


def _write(rows: Any, format_: str, out: Path | None) -> bool:
    """Write rows piece by piece; whether there were any. Where there were none, no file is made or changed."""
    from duskwatch.sources.bgp.formats.whole_file import whole_file

    if format_ == "parquet":
        assert out is not None
        try:
            with whole_file(out) as path:
                _parquet(rows, path)
        except _NothingFound:
            return False
        return True
    pieces = (piece for piece in _pieces(rows) if piece.height)
    first = next(pieces, None)
    if first is None:
        return False
    lines = {"csv": _csv, "json": _json, "table": _table}[format_]()
    if out is None:
        for piece in _chain(first, pieces):
            sys.stdout.write(lines(piece))
        return True
    with whole_file(out) as path, path.open("w", encoding="utf-8", newline="") as file:
        for piece in _chain(first, pieces):
            file.write(lines(piece))
    return True


class _NothingFound(Exception):
    pass


def _parquet(rows: Any, path: Path) -> None:
    import polars as pl

    rows.sink_parquet(path, maintain_order=True)
    if not pl.scan_parquet(path, glob=False).select(pl.len()).collect().item():
        raise _NothingFound


def _pieces(rows: Any) -> Iterator[Any]:
    yield from rows.collect_batches(chunk_size=ROWS_AT_ONCE, maintain_order=True, engine="streaming")


def _chain(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _plain(piece: Any) -> Any:
    """Times as ISO 8601 with Z, numbers that are not there as null."""
    import polars.selectors as cs

    return piece.with_columns(cs.datetime().dt.strftime(ISO), cs.date().dt.to_string("iso"), cs.float().fill_nan(None))


def _csv() -> Callable[[Any], str]:
    head = [True]

    def lines(piece: Any) -> str:
        text: str = _plain(piece).write_csv(include_header=head[0])
        head[0] = False
        return text

    return lines


def _json() -> Callable[[Any], str]:
    return lambda piece: _plain(piece).write_ndjson()


def _table() -> Callable[[Any], str]:
    """Columns of text; as wide as the first piece needs."""
    import polars as pl
    import polars.selectors as cs

    widths: list[int] = []

    def lines(piece: Any) -> str:
        numbers = [dtype.is_numeric() for dtype in piece.dtypes]
        # Coverage is stored in single precision; the digits that this leaves over say nothing.
        texts = _plain(piece.with_columns(cs.float().round(6))).select(pl.all().cast(pl.String).fill_null("-"))
        head = []
        if not widths:
            longest = texts.select(pl.all().str.len_chars().max()).row(0)
            widths.extend(max(len(name), width) for name, width in zip(texts.columns, longest, strict=True))
            head = [texts.columns]
        return "".join(
            "  ".join(
                printable(word).rjust(width) if number else printable(word).ljust(width)
                for word, width, number in zip(row, widths, numbers, strict=True)
            ).rstrip()
            + "\n"
            for row in (*head, *texts.iter_rows())
        )

    return lines
