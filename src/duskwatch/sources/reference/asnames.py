"""Names of autonomous systems, from a file the user names; none is shipped, and none is needed.

Told apart by content: a JSON object of numbers to names (or to objects with a name), lines of JSON objects, lines of
"4837 NAME, CC" as RIPE's ``asn.txt`` has them, and tables split by ``|``, ``,`` or tabs whose header (a first line, or
a ``# format:`` comment as CAIDA writes it) names the columns; without a header the first two columns are taken.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from duskwatch.records.report import InputFile
from duskwatch.records.text import clean_name
from duskwatch.sources.reference.files import ReferenceDataError, StoredFile, describe, read_stored

MAX_BYTES = 256 << 20
MAX_NAME = 120  # characters kept of a name
_LINE = 4096
_NUMBER_COLUMNS = ("asn", "aut", "as", "as_number", "asnumber", "number")
_NAME_COLUMNS = ("aut_name", "as_name", "asname", "description", "name", "org_name", "organization", "handle")
_NUMBERED = re.compile(r"(?:AS)?(\d{1,10})\s+(\S.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AsNames:
    """AS numbers to names, cleaned for display, and where they come from."""

    names: Mapping[int, str]
    source: str = ""  # names of the files
    inputs: tuple[InputFile, ...] = ()
    notes: tuple[str, ...] = ()


def load_as_names(paths: Sequence[Path | str]) -> AsNames:
    """Read files of any of the forms above; where two name the same AS, the file named first is right.

    ReferenceDataError, in one line, where a file cannot be read or no line of it names an AS.
    """
    names: dict[int, str] = {}
    inputs: list[InputFile] = []
    notes: list[str] = []
    for path in paths:
        file = read_stored(path, MAX_BYTES)
        found, bad = read_as_names(file)
        names = {**found, **names}
        inputs.append(
            InputFile(file.name, file.sha256, "asnames", None, None, len(found), bad, size_bytes=file.size_bytes)
        )
        if bad:
            notes.append(f"{file.name}: {bad} entries that name no AS left out")
    return AsNames(names, "; ".join(each.name for each in inputs), tuple(inputs), tuple(notes))


def read_as_names(file: StoredFile) -> tuple[dict[int, str], int]:
    """Names of one file, and how many entries could not be read. ReferenceDataError where there is no name at all."""
    if b"\x00" in file.data[:4096]:
        raise _wrong(file)
    text = file.data.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    pairs = _json(file, text) if text[:1] in ("{", "[") else _lines(text)
    names: dict[int, str] = {}
    bad = 0
    for number, name in pairs:
        asn, cleaned = _asn(number), clean_name(name, MAX_NAME) if isinstance(name, str) else ""
        if asn is None or not cleaned:
            bad += 1
        else:
            names.setdefault(asn, cleaned)
    if not names:
        raise _wrong(file)
    return names, bad


def _wrong(file: StoredFile, detail: str = "") -> ReferenceDataError:
    return ReferenceDataError(
        f"{file.name}: this is {describe(file.data)}, and no AS is named in it{detail}; "
        'expected lines such as "4837 NAME, CC", a table with the columns asn and name, or JSON {"4837": "NAME"}'
    )


def _asn(value: object) -> int | None:
    text = str(value).strip()
    if text[:2].upper() == "AS":
        text = text[2:]
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or int(text) >= 1 << 32:
        return None
    return int(text)


def _json(file: StoredFile, text: str) -> Iterator[tuple[object, object]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        lines = text.splitlines()
        if len(lines) > 1 and lines[0].rstrip().endswith("}"):
            yield from _json_lines(lines)
            return
        raise _wrong(file, f" (the JSON cannot be read: {error})") from None
    if isinstance(document, dict) and _asn(document.get("asn")) is None:
        for number, value in document.items():
            yield number, _name_in(value) if isinstance(value, dict) else value
    else:
        yield from _objects(document if isinstance(document, list) else [document])


def _json_lines(lines: Iterable[str]) -> Iterator[tuple[object, object]]:
    for line in lines:
        if not line.strip():
            continue
        try:
            yield from _objects([json.loads(line[: 16 * _LINE])])
        except (ValueError, RecursionError):
            yield None, None


def _objects(values: Iterable[object]) -> Iterator[tuple[object, object]]:
    for value in values:
        if isinstance(value, dict):
            number = next((value[key] for key in _NUMBER_COLUMNS if key in value), None)
            yield number, _name_in(value)
        else:
            yield None, None


def _name_in(value: Mapping[str, object]) -> object:
    lower = {str(key).lower(): each for key, each in value.items()}
    return next((lower[key] for key in _NAME_COLUMNS if isinstance(lower.get(key), str) and lower[key]), None)


def _lines(text: str) -> Iterator[tuple[object, object]]:
    lines = text.splitlines()
    sample = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if any(line.startswith("# format:") and "|" in line for line in lines[:1000]):
        separator = "|"
    else:
        separator = next((mark for mark in ("|", "\t", ",") if _splits(sample, mark)), "")
    if not separator:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                match = _NUMBERED.match(line[:_LINE].strip())
                yield (match[1], match[2]) if match else (None, None)
        return
    yield from _table(lines, separator)


def _splits(sample: str, mark: str) -> bool:
    """Whether the mark splits columns: the first of them must be a number or a title, so not "4837 NAME, CC"."""
    first = sample.split(mark)[0].strip().strip('"')
    return mark in sample and (_asn(first) is not None or re.fullmatch(r"[A-Za-z_ ]+", first) is not None)


def _table(lines: Sequence[str], separator: str) -> Iterator[tuple[object, object]]:
    number_at, name_at = 0, 1
    in_body = False
    for line in lines:
        if line.startswith("#"):
            # CAIDA puts several tables in one file; each begins with its own format line
            if match := re.match(r"#\s*format:\s*(.+)", line[:_LINE]):
                number_at, name_at = _columns(match[1].split(separator)) or (-1, -1)
                in_body = True
            continue
        if not line.strip() or number_at < 0:
            continue
        row = _row(line[:_LINE], separator)
        if not in_body:
            in_body = True
            if found := _columns(row):
                number_at, name_at = found
                continue
        if len(row) > max(number_at, name_at):
            yield row[number_at], row[name_at]
        else:
            yield None, None


def _row(line: str, separator: str) -> list[str]:
    if '"' not in line or separator == "|":
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _columns(titles: Sequence[str]) -> tuple[int, int] | None:
    """Where number and name stand in a header; None where this is no header of such a table."""
    lower = [title.strip().strip('"').lower() for title in titles]
    number = next((lower.index(title) for title in _NUMBER_COLUMNS if title in lower), None)
    name = next((lower.index(title) for title in _NAME_COLUMNS if title in lower), None)
    return None if number is None or name is None else (number, name)
