"""Rows for people and programs: table, csv, json, jsonl or parquet, piece by piece."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from duskwatch.cli.options import fail
from duskwatch.records.text import printable

FORMATS = ("table", "csv", "json", "jsonl", "parquet")
ISO = "%Y-%m-%dT%H:%M:%S%.fZ"


def check_format(command: str, format_: str, as_json: bool, out: Path | None) -> str:
    """The format that is wanted, or one line and exit code 2."""
    if as_json and format_ not in ("table", "json"):
        fail(command, f"--json and --format {format_} are two formats; take one")
    format_ = "json" if as_json else format_
    if format_ not in FORMATS:
        fail(command, f"--format {format_}: one of {', '.join(FORMATS)}")
    if format_ == "parquet" and out is None:
        fail(command, "parquet is not for the terminal: give --out FILE")
    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        fail(command, f"--out {out}: {'a folder; name a file' if out.is_dir() else 'no such folder'}")
    return format_


def write_frames(
    frames: Iterable[Any], format_: str, out: Path | None, about: Callable[[], dict[str, Any]], schema: str
) -> int:
    """Write polars frames of the same columns, one after the other; how many rows there were.

    about   what a JSON document says beside its rows, asked for once they are written
    schema  its version
    A file takes its name once it is whole. Times are written as ISO 8601 with Z.
    """
    from duskwatch.sources.bgp.formats.whole_file import whole_file

    if format_ == "parquet":
        assert out is not None
        with whole_file(out) as path:
            return _parquet(frames, path)
    with ExitStack() as stack:
        write: Callable[[str], Any] = sys.stdout.write
        if out is not None:
            path = stack.enter_context(whole_file(out))
            write = stack.enter_context(path.open("w", encoding="utf-8", newline="")).write
        rows = 0
        for text, count in _texts(frames, format_, about, schema):
            write(text)
            rows += count
        return rows


def _texts(
    frames: Iterable[Any], format_: str, about: Callable[[], dict[str, Any]], schema: str
) -> Iterator[tuple[str, int]]:
    if format_ == "table":
        yield from _table(frames)
        return
    if format_ == "json":
        yield f'{{"schema": {json.dumps(schema)},\n"rows": [', 0
    first = True
    for frame in frames:
        if format_ == "csv":
            yield _plain(frame).write_csv(include_header=first), frame.height
        else:
            lines = _plain(frame).write_ndjson()
            if format_ == "json" and frame.height:
                lines = ("\n" if first else ",\n") + lines.rstrip("\n").replace("\n", ",\n")
            yield lines, frame.height
        first = first and not frame.height
    if format_ == "json":
        rest = json.dumps(about(), indent=1)
        yield f"\n],\n{rest[1:].lstrip()}\n" if rest != "{}" else "\n]}\n", 0


def _plain(frame: Any) -> Any:
    """Times as ISO 8601 with Z, numbers that are not there as null."""
    import polars.selectors as cs

    return frame.with_columns(cs.datetime().dt.strftime(ISO), cs.float().fill_nan(None))


def _table(frames: Iterable[Any]) -> Iterator[tuple[str, int]]:
    """Columns of text, as wide as the first frame needs."""
    import polars as pl
    import polars.selectors as cs

    widths: list[int] = []
    for frame in frames:
        numbers = [dtype.is_numeric() for dtype in frame.dtypes]
        texts = _plain(frame.with_columns(cs.float().map_elements(_digits, pl.String)))
        texts = texts.select(pl.all().cast(pl.String).fill_null("-"))
        lines = []
        if not widths:
            longest = texts.select(pl.all().str.len_chars().max().fill_null(0)).row(0)
            widths = [max(len(name), width) for name, width in zip(texts.columns, longest, strict=True)]
            lines.append(_line(texts.columns, widths, numbers))
        lines += [_line(row, widths, numbers) for row in texts.iter_rows()]
        yield "".join(lines), frame.height


def _line(words: Iterable[str], widths: list[int], numbers: list[bool]) -> str:
    cells = (
        printable(word).rjust(width) if number else printable(word).ljust(width)
        for word, width, number in zip(words, widths, numbers, strict=True)
    )
    return "  ".join(cells).rstrip() + "\n"


def _digits(number: float) -> str:
    """Four digits; none behind the point of a large number."""
    return f"{number:.0f}" if abs(number) >= 1000 or number == int(number) else f"{number:.4g}"


def table_text(frame: Any) -> str:
    """A frame as columns of text."""
    return "".join(text for text, _ in _table([frame]))


def plain_rows(frame: Any) -> list[dict[str, Any]]:
    """The rows of a frame as they stand in JSON."""
    rows: list[dict[str, Any]] = _plain(frame).to_dicts()
    return rows


def _parquet(frames: Iterable[Any], path: Path) -> int:
    """Pieces beside the file, put together at the end: what is in memory does not grow with them."""
    import polars as pl

    pieces: list[Path] = []
    rows = 0
    for frame in frames:
        piece = path.with_name(f"piece{len(pieces)}")
        frame.write_parquet(piece)
        pieces.append(piece)
        rows += frame.height
    if len(pieces) == 1:
        pieces[0].replace(path)
    else:
        pl.scan_parquet(pieces).sink_parquet(path)
    return rows
