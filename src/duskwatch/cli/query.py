"""`duskwatch query`: what a store holds, as a table, CSV, JSON or Parquet."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from duskwatch.cli.entities import entity_named
from duskwatch.cli.exit_codes import ExitCodeOption, code_of
from duskwatch.cli.judging import not_judged_lines, reenactment_line, reenactment_of, spans_of
from duskwatch.cli.listing import listing_format
from duskwatch.cli.options import fail, unusable_input
from duskwatch.cli.store_options import DEFAULT_STORE, DatabaseOption, StorageOption, StoreOption, open_store
from duskwatch.records.entity import Entity
from duskwatch.records.text import printable
from duskwatch.records.times import parse_span, parse_time, span_text

FORMATS = ("table", "csv", "json", "jsonl", "parquet")
OTHERS = ("signals", "outages", "judged")
TABLES = ("changes", "levels", "dump_checks", "inputs", "gaps")
ROWS_AT_ONCE = 50_000
ISO = "%Y-%m-%dT%H:%M:%S%.fZ"


def command(
    what: Annotated[
        str,
        typer.Argument(
            help="A signal (bgp.visible_slash24), `signals` for all of them, "
            "or outages, judged, changes, levels, gaps, inputs, dump_checks."
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
    type_: Annotated[
        str | None, typer.Option("--type", help="Of outages: only those of a country, an asn or a prefix.")
    ] = None,
    longer: Annotated[str | None, typer.Option("--longer", help="Of outages: at least as long as 30m, 2h, 1d.")] = None,
    loss: Annotated[float | None, typer.Option("--loss", help="Of outages: at least this share lost, 0 to 1.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="At most so many rows, from the first on.")] = None,
    format_: Annotated[
        str, typer.Option("--format", help="table, csv, json (one document), jsonl (an object a line) or parquet.")
    ] = "table",
    json_: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write here; parquet needs it.")] = None,
    exit_code: ExitCodeOption = False,
) -> None:
    """Print what a store holds: any signal, the outages, the changes of prefixes, what went in.

    Times are UTC; an empty value is one that nobody was there to see. Exit code 1: nothing was found.

    A table of outages has the columns that fit a terminal; the other formats have all.

    Examples:

    duskwatch query bgp.visible_slash24 --entity KP --from 2014-12-22 --until 2014-12-24 --format csv

    duskwatch query outages --type country --longer 1h --loss 0.5 --limit 20
    """
    with unusable_input("query"):
        format_ = listing_format("query", format_, json_, FORMATS)
        wanted = _wanted(what, type_, longer, loss)
        if exit_code and what != "outages":
            fail("query", "--exit-code is for outages")
        if limit is not None and limit < 1:
            fail("query", f"--limit {limit}: at least 1")
        if format_ == "parquet" and out is None:
            fail("query", "parquet is not for the terminal: give --out FILE")
        if out is not None and (out.is_dir() or not out.parent.is_dir()):
            fail("query", f"--out {out}: {'a folder; name a file' if out.is_dir() else 'no such folder'}")
        entities = [entity_named(text) for text in entity] if entity else None
        from_us = parse_time(from_) if from_ else None
        until_us = parse_time(until) if until else None
        if from_us is not None and until_us is not None and from_us >= until_us:
            fail("query", f"--until {until} is not after --from {from_}")
        if what not in (*TABLES, *OTHERS) and "." not in what:
            fail("query", f"'{what}': a signal, such as bgp.peers_live, or {', '.join((*OTHERS, *TABLES))}")
        if what == "judged" and (not entities or from_us is None or until_us is None):
            fail("query", "judged: give --entity, --from and --until")
        opened = open_store(store, database, storage_option)
        rows = _rows(opened, what, entities, from_us, until_us, source, wanted)
        if what == "outages" and format_ == "table":
            rows = _for_the_terminal(rows)
        if limit is not None:
            rows = rows.head(limit)
        try:
            found = _write(rows, format_, out)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        if found and (mark := reenactment_line(opened, from_us, until_us)):
            print(f"duskwatch query: {mark}", file=sys.stderr)
        if what == "outages":
            for line in not_judged_lines(opened, entities, from_us, until_us):
                print(f"duskwatch query: {line}", file=sys.stderr)
        if exit_code:
            if not found:
                print("duskwatch query: nothing stored matches", file=sys.stderr)
            spans = [span for _, own in spans_of(opened, entities, from_us, until_us) for span in own]
            sys.exit(code_of(found, spans))
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
    wanted: Callable[[Any], bool],
) -> Any:
    window: dict[str, Any] = {"entities": entities, "from_us": from_us, "until_us": until_us}
    if what == "outages":
        import polars as pl

        from duskwatch.publication.documents.outages import outage_frame

        found = [one for one in opened.outages(**window) if not sources or set(sources) & set(one.sources)]
        found = [one for one in found if wanted(one)]
        marked = opened.reenactment()
        spans = [(one.newest.outage.onset.best_us, one.newest.outage.end) for one in found]
        told = [reenactment_of(marked, start, None if end is None else end.best_us) for start, end in spans]
        return outage_frame(found).with_columns(pl.Series("reenactment", told, pl.String)).lazy()
    if what == "judged":
        return _judged(opened, entities or [], from_us or 0, until_us or 0)
    if what in TABLES:
        return opened.rows(what, **window, sources=sources)
    return opened.signals(None if what == "signals" else [what], **window, sources=sources)


def _judged(opened: Any, entities: list[Entity], from_us: int, until_us: int) -> Any:
    """Stretches that could be judged and that could not, of each entity, with the reason."""
    import polars as pl

    from duskwatch.analysis.judged import judged_stored

    rows = [
        (one.type, one.code, span.from_us, span.until_us, span.judged, span.why_not)
        for one in entities
        for span in judged_stored(opened, one, from_us, until_us)
    ]
    kinds = {"entity_type": pl.String, "entity": pl.String, "from": pl.Int64, "until": pl.Int64}
    frame = pl.DataFrame(rows, schema={**kinds, "judged": pl.Boolean, "reason": pl.String}, orient="row")
    return frame.with_columns(pl.col("from", "until").cast(pl.Datetime("us", "UTC"))).lazy()


def _wanted(what: str, type_: str | None, longer: str | None, loss: float | None) -> Callable[[Any], bool]:
    """Whether an outage is one that was asked for."""
    if what != "outages" and (type_ or longer or loss is not None):
        fail("query", "--type, --longer and --loss are for outages")
    if type_ not in (None, "country", "asn", "prefix"):
        fail("query", f"--type {type_}: one of country, asn, prefix")
    if loss is not None and not 0 <= loss <= 1:
        fail("query", f"--loss {loss}: a share from 0 to 1")
    least_us = parse_span(longer) if longer else 0

    def wanted(one: Any) -> bool:
        outage = one.newest.outage
        return bool(
            (type_ is None or one.entity.type == type_)
            and outage.duration_us >= least_us
            and (loss is None or outage.depth >= loss)
        )

    return wanted


def _for_the_terminal(rows: Any) -> Any:
    """Who, when, how long and how much, in columns that fit a terminal."""
    import polars as pl

    def clock(name: str, instead: str) -> Any:
        return pl.col(name).dt.strftime("%Y-%m-%d %H:%M:%S").fill_null(instead).alias(name)

    def span(seconds: float) -> str:
        return span_text(round(seconds * 1e6))

    return rows.select(
        "id",
        pl.col("name").replace("", None).fill_null(pl.col("entity")).alias("entity"),
        clock("onset", "-"),
        clock("end", "not over"),
        pl.col("duration_seconds").map_elements(span, pl.String).alias("lasted"),
        (pl.col("depth") * 100).round(0).cast(pl.Int64).alias("lost_%"),
        "relapses",
        pl.col("within").fill_null("").alias("part_in"),
        "sources",
    )


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
        if format_ == "json" and out is None:
            print("[]")
        return False
    lines = {"csv": _csv, "json": _json, "jsonl": _json_lines, "table": _table}[format_]()
    ends = "]\n" if format_ == "json" else ""
    if out is None:
        for piece in _chain(first, pieces):
            sys.stdout.write(lines(piece))
        sys.stdout.write(ends)
        return True
    with whole_file(out) as path, path.open("w", encoding="utf-8", newline="") as file:
        for piece in _chain(first, pieces):
            file.write(lines(piece))
        file.write(ends)
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


def _json_lines() -> Callable[[Any], str]:
    return lambda piece: _plain(piece).write_ndjson()


def _json() -> Callable[[Any], str]:
    """One array, an object on each line; who writes closes it."""
    before = ["["]

    def lines(piece: Any) -> str:
        text: str = before[0] + _plain(piece).write_ndjson().rstrip("\n").replace("\n", ",\n ")
        before[0] = ",\n "
        return text

    return lines


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
