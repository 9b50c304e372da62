"""Users by network, and shares of people online, from tables that a person supplies; none is shipped.

Users by network: CSV or JSON with columns for the AS (``as``, ``asn``), the country (``cc``, ``country``, ``economy``)
and users (``users``, ``users (est.)``, ``estimated users``), as APNIC Labs publishes them. People online: CSV with a
country code of two letters, a percentage (``percent``, ``online``, ``value``) and, if any, a ``year``: the latest
counts.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from duskwatch.records.impact import Users
from duskwatch.records.report import InputFile
from duskwatch.records.text import clean_name
from duskwatch.sources.reference.files import ReferenceDataError, StoredFile, describe, read_stored

MAX_BYTES = 256 << 20
MOST_USERS = 1e10  # of one network: there are fewer people
_AS = ("as", "asn", "autnum", "as number")
_COUNTRY = ("cc", "country", "country code", "economy", "code")
_USERS = ("users", "users (est.)", "estimated users", "user_count", "population")
_PERCENT = ("percent", "online", "value", "share", "percentage", "% of people online")
_YEAR = ("year", "date", "time")
_DATES = ("date", "generated", "as of")

Row = Mapping[str, object]


def load_users(networks: Sequence[Path | str] = (), online: Sequence[Path | str] = ()) -> Users:
    """Read both kinds of tables. ReferenceDataError, in one line, where a file cannot be read or holds no row."""
    by_network: dict[tuple[str, int], float] = {}
    shares: dict[str, float] = {}
    inputs: list[InputFile] = []
    notes: list[str] = []
    dates: list[str] = []
    for paths, is_online in ((networks, False), (online, True)):
        for path in paths:
            file = read_stored(path, MAX_BYTES)
            if is_online:
                found, bad, date = read_online(file)
                shares.update(found)
                count = len(found)
            else:
                users, bad, date = read_networks(file)
                other = sum(by_network.get(key, count) != count for key, count in users.items())
                notes += [f"{file.name}: {other} networks have another number here, which counts"] if other else []
                by_network.update(users)
                count = len(users)
            kind = "online" if is_online else "users"
            inputs.append(InputFile(file.name, file.sha256, kind, None, None, count, bad, size_bytes=file.size_bytes))
            notes += (
                [f"{file.name}: {bad} rows left out: not readable, or a second number for one network"] if bad else []
            )
            dates += [date] if date and date not in dates else []
    source = "; ".join(one.name for one in inputs)
    return Users(by_network, shares, source, "; ".join(dates), tuple(inputs), tuple(notes))


def read_networks(file: StoredFile) -> tuple[dict[tuple[str, int], float], int, str]:
    """Users by country and AS, rows that cannot be used, and the date that the file gives or ''."""
    rows, date = _rows(file)
    users: dict[tuple[str, int], float] = {}
    bad = 0
    for row in rows:
        asn, code, count = _asn(_cell(row, _AS)), _country(_cell(row, _COUNTRY)), _number(_cell(row, _USERS))
        if asn is None or code is None or count is None or count > MOST_USERS:
            bad += 1
        elif users.get((code, asn), count) != count:
            bad += 1  # another number for the same network: the first one is kept
        else:
            users[code, asn] = count
    if not users:
        raise _wrong(file, "no row with an AS, a country and a number of users", "as, cc and users")
    return users, bad, date


def read_online(file: StoredFile) -> tuple[dict[str, float], int, str]:
    """Share of people online by country, rows that cannot be read, and the latest year that counted or ''."""
    rows, _ = _rows(file)
    latest: dict[str, tuple[str, float]] = {}
    bad = 0
    for row in rows:
        code, percent, year = (
            _country(_cell(row, _COUNTRY)),
            _number(_cell(row, _PERCENT)),
            str(_cell(row, _YEAR) or ""),
        )
        if code is None or percent is None or percent > 100:
            bad += 1
        elif code not in latest or year >= latest[code][0]:
            latest[code] = (year, percent / 100)
    if not latest:
        raise _wrong(file, "no row with a country and a percentage", "country and percent")
    years = max((year for year, _ in latest.values()), default="")
    return {code: share for code, (_, share) in latest.items()}, bad, clean_name(years, 20)


def _wrong(file: StoredFile, what: str, columns: str) -> ReferenceDataError:
    return ReferenceDataError(
        f"{file.name}: this is {describe(file.data)}, and {what} is in it; expected a table with the columns {columns}"
    )


def _rows(file: StoredFile) -> tuple[Iterable[Row], str]:
    text = file.data.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if text[:1] in ("{", "["):
        return _json(text)
    return _csv(text), ""


def _json(text: str) -> tuple[list[Row], str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return [], ""
    date = ""
    if isinstance(document, dict):
        named = {str(key).strip().lower(): value for key, value in document.items()}
        date = next((clean_name(str(named[key]), 40) for key in _DATES if named.get(key)), "")
        document = next((value for value in document.values() if isinstance(value, list)), [])
    if not isinstance(document, list):
        return [], date
    return [_lower(row) if isinstance(row, dict) else {} for row in document], date


def _csv(text: str) -> Iterator[Row]:
    # Line by line: a quote that nobody closes must not swallow what follows.
    lines = (line for line in io.StringIO(text) if line.strip() and not line.startswith("#"))
    titles = _cells(next(lines, ""))
    for line in lines:
        yield _lower(dict(zip(titles, _cells(line), strict=False)))


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader((line,), strict=True), [])
    except csv.Error:
        return []


def _lower(row: Mapping[object, object]) -> Row:
    return {str(key).strip().lower(): value for key, value in row.items()}


def _cell(row: Row, names: Sequence[str]) -> object:
    return next((row[name] for name in names if name in row), None)


def _asn(value: object) -> int | None:
    text = str(value).strip() if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    text = text[2:] if text[:2].upper() == "AS" else text
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or not 0 < int(text) < 1 << 32:
        return None
    return int(text)


def _country(value: object) -> str | None:
    text = value.strip().upper() if isinstance(value, str) else ""
    return text if len(text) == 2 and text.isascii() and text.isalpha() else None


def _number(value: object) -> float | None:
    try:
        number = float(value.replace(",", "")) if isinstance(value, str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 and not isinstance(value, bool) else None
