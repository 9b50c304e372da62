"""Files of any of the kinds people have into one table: CSV, Parquet, JSON, lines of JSON, answers of an API."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from duskwatch.records.errors import InputError
from duskwatch.sources.tables.ioda import is_ioda, signal_rows

MOST_JSON_BYTES = 1 << 30
MOST_COLUMNS = 2000
SNIFF = 65536
_SEPARATORS = (",", ";", "\t", "|")
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"\x78\x01", b"\x78\xda")


class TableError(InputError):
    """A file that holds no table; the text says why and what to do."""


def open_table(path: Path) -> tuple[pl.LazyFrame, int]:
    """The table of a file, and how many of its records could not be read.

    Columns of CSV come as text, others with the types they have. Raises TableError, or OSError.
    """
    with path.open("rb") as file:
        head = file.read(SNIFF)
    if not head.strip():
        raise TableError("the file is empty")
    try:
        if head[:4] == b"PAR1":
            return _checked(pl.scan_parquet(path)), 0
        first = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if first in (b"{", b"["):
            return _json(path, head)
        if head[:2] in _PACKED or head[:4] in _PACKED:
            return _csv(path, None), 0
        if b"\x00" in head:
            raise TableError("neither text nor Parquet; give CSV, Parquet, JSON or lines of JSON")
        return _csv(path, head), 0
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"cannot be read as a table: {str(error).splitlines()[0][:160]}") from None


def _csv(path: Path, head: bytes | None) -> pl.LazyFrame:
    if head is None:
        frame = pl.read_csv(path, n_rows=0, infer_schema=False, encoding="utf8-lossy", separator="\x01")
        line = frame.columns[0] if frame.columns else ""
    else:
        line = head.decode("utf-8", "replace").lstrip("\ufeff").splitlines()[0]
    separator = max(_SEPARATORS, key=line.count)
    if not line.count(separator):
        raise TableError(f"its first line is no header of a table: '{line[:60]}'")
    options: dict[str, Any] = {
        "separator": separator,
        "infer_schema": False,
        "truncate_ragged_lines": True,
        "encoding": "utf8-lossy",
    }
    return _checked(pl.scan_csv(path, **options))


def _json(path: Path, head: bytes) -> tuple[pl.LazyFrame, int]:
    size = path.stat().st_size
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" and _is_line(head):
        return _lines(path)
    if size > MOST_JSON_BYTES:
        raise TableError(f"one JSON document of {size:,} bytes; give lines of JSON, CSV or Parquet for more than 1 GiB")
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise TableError(f"JSON that cannot be read: {str(error)[:120]}") from None
    return _document(document)


def _is_line(head: bytes) -> bool:
    """Whether the first line is a JSON object by itself and more follow."""
    line, more, rest = head.partition(b"\n")
    if not more or not rest.strip():
        return False
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _lines(path: Path) -> tuple[pl.LazyFrame, int]:
    rows: list[Any] = []
    bad = 0
    with path.open("rb") as file:
        for line in file:
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                bad += 1
                continue
            if isinstance(row, dict):
                rows.append(row)
            else:
                bad += 1
    return _rows(rows), bad


def _document(document: Any) -> tuple[pl.LazyFrame, int]:
    if is_ioda(document):
        found = list(signal_rows(document))
        columns = list(zip(*found, strict=True)) if found else [(), (), (), ()]
        data = {
            "time": list(columns[0]),
            "entity": list(columns[1]),
            "signal": list(columns[2]),
            "value": [None if value is None else str(value) for value in columns[3]],
        }
        return pl.LazyFrame(
            data, schema={"time": pl.Int64, "entity": pl.String, "signal": pl.String, "value": pl.String}
        ), 0
    if isinstance(document, dict):
        for key in ("data", "rows", "results", "series"):
            if isinstance(document.get(key), list):
                return _document(document[key])
        lists = {key: value for key, value in document.items() if isinstance(value, list)}
        if not lists or len({len(value) for value in lists.values()}) != 1:
            raise TableError("JSON that is neither rows, nor columns of one length, nor an answer of IODA's API")
        return _checked(pl.LazyFrame({key: [_text(item) for item in value] for key, value in lists.items()})), 0
    if isinstance(document, list):
        rows = [row for row in document if isinstance(row, dict)]
        return _rows(rows), len(document) - len(rows)
    raise TableError("JSON that holds no rows")


def _rows(rows: list[dict[str, Any]]) -> pl.LazyFrame:
    if not rows:
        raise TableError("it holds no rows of names and values")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _checked(pl.LazyFrame({name: [_text(row.get(name)) for row in rows] for name in names}))


def _text(value: Any) -> str | None:
    """A value as text; what is nested is none."""
    if value is None or isinstance(value, (dict, list)):
        return None
    return str(value)


def _checked(frame: pl.LazyFrame) -> pl.LazyFrame:
    columns = frame.collect_schema().names()
    if len(columns) > MOST_COLUMNS:
        raise TableError(f"{len(columns):,} columns; give at most {MOST_COLUMNS:,}, or a row for each value")
    if len(columns) < 2:
        raise TableError("one column alone; a table of times and values has two or more")
    return frame
