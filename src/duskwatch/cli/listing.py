"""Listed things in the formats that every listing has: a table, CSV, one JSON document, or JSON by the line."""

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from duskwatch.cli.options import fail
from duskwatch.records.text import printable

FORMATS = ("table", "csv", "json", "jsonl")
FORMAT_HELP = "table, csv, json (one document) or jsonl (one object a line)."
Json = dict[str, Any]


def listing_format(command: str, format_: str, json_: bool, formats: Sequence[str] = FORMATS) -> str:
    """The format asked for by ``--format`` or ``--json``; exits with 2 where there is no such format."""
    if format_ not in formats:
        fail(command, f"--format {format_}: one of {', '.join(formats)}")
    if json_ and format_ not in ("table", "json"):
        fail(command, f"--json and --format {format_}: give one of them")
    return "json" if json_ else format_


def print_json(documents: Sequence[Json], format_: str) -> None:
    """Objects as one document (``json``), an array with an object on each line, or each by itself (``jsonl``)."""
    lines = [json.dumps(document, ensure_ascii=False) for document in documents]
    print("\n".join(lines) if format_ == "jsonl" else "[" + ",\n ".join(lines) + "]")


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """Columns as wide as they need, two spaces apart, nothing in them that a terminal obeys."""
    cells = [tuple(map(printable, row)) for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    put: list[Callable[[str, int], str]] = [str.rjust if one else str.ljust for one in right]
    return "".join(
        "  ".join(how(word, width) for how, word, width in zip(put, row, widths, strict=True)).rstrip() + "\n"
        for row in cells
    )


def print_rows(rows: Sequence[Json], format_: str, about: Json, columns: Mapping[str, tuple[str, bool]]) -> None:
    """Rows in one of FORMATS; ``json`` is one document: ``about`` with the rows in it.

    columns   of the table: the key, its heading, and whether the column is set to the right
    """
    if format_ == "jsonl":
        print("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), end="")
    elif format_ == "json":
        print(json.dumps({**about, "rows": list(rows)}, ensure_ascii=False, indent=1))
    elif format_ == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(rows[0] if rows else columns)
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
    else:
        heads, right = zip(*columns.values(), strict=True)
        print(text_table(heads, [[_cell(row[key]) or "-" for key in columns] for row in rows], right), end="")


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_cell, value))
    return "" if value is None else str(value)
