"""Events that people investigated, as facts with a cause: the list behind "Destination Unreachable" (SIGCOMM 2023).

Columns are found by their beginning: ``Begin time``, ``End time``, ``Country``, ``IODA BGP``, ``IODA AP``,
``IODA IBR``, ``Scope``, ``Cause``. Times are UTC, as ``Tuesday, July 28, 2020, 11:10:00 AM``,
``7/28/2020 17:00:00 PM`` or ISO 8601.
An end before its begin, or none, leaves the length unmeasured; a row without a begin or a known country is left out.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from duskwatch.records.errors import InputError
from duskwatch.records.evidence import NAN, Fact, Facts, facts_of
from duskwatch.sources.reference.names import UnknownCountryError, country_code, main_time_zone

MAX_BYTES = 64 << 20
BIN_MIN = 5.0  # series that the events were read from have bins of 5 and 10 minutes
AGAIN_HOURS = 12.0  # an event sooner after another one is taken as the same
CAUSES = {
    "exams": "exam-shutdown",
    "government-ordered": "government-shutdown",
    "cable-cut": "cable",
    "power-outage": "power",
    "weather": "disaster",
    "earthquake": "disaster",
    "natural-disaster": "disaster",
    "fire": "disaster",
    "misc-routing-problem": "configuration",
    "route-leak": "configuration",
    "generic-technical": "configuration",
    "equipment-failure": "configuration",
    "maintenance": "maintenance",
    "ddos": "attack",
}
UNKNOWN = ("", "unknown", "n/a")
_NEEDED = ("begin time", "end time", "country", "ioda bgp", "ioda ap", "ioda ibr", "scope", "cause")
# What the list calls countries that CLDR calls otherwise.
_ALSO = {
    "myanmar/burma": "MM",
    "kyrgyz republic (kyrgyzstan)": "KG",
    "great britain": "GB",
    "democratic republic of (drc)": "CD",
    "russian federation": "RU",
    "ivory coast (cote d'ivoire)": "CI",
    "united states of america (usa)": "US",
    "brunei darussalam": "BN",
    "congo": "CG",
    "bonaire, sint eustatius and saba": "BQ",
    "swaziland": "SZ",
    "federated states of micronesia": "FM",
    "macedonia": "MK",
    "european union": "EU",
    "turkey": "TR",
    "timor leste": "TL",
    "saint martin": "MF",
    "hong kong": "HK",
    "macau": "MO",
    "palestine": "PS",
    "czech republic": "CZ",
}


class LabelsError(InputError):
    """A list of events cannot be used; the message names the file, the place and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Event:
    """One investigated event."""

    country: str  # ISO 3166-1 alpha-2; splits the events, and is no fact
    begin: datetime  # UTC
    cause: str | None  # name of a hypothesis; None where nobody found one
    facts: Facts


@dataclass(frozen=True, slots=True)
class Labels:
    """The national events of a list, in order of time, and what of it was left out."""

    events: tuple[Event, ...]
    name: str
    notes: tuple[str, ...] = ()


def read_labels(path: Path) -> Labels:
    """National events of a CSV file. LabelsError, in one line, where it cannot be read or holds none."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LabelsError(f"{path}: more than {MAX_BYTES} bytes is no list of events")
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise LabelsError(f"{path}: cannot be read: {error.strerror or error}") from None
    return labels_of(text, path.name)


def labels_of(text: str, name: str) -> Labels:
    """National events of a CSV text."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise LabelsError(f"{name}: no CSV: {error}") from None
    at = _columns(rows[0] if rows else [], name)
    left_out: Counter[str] = Counter()
    found: list[tuple[str, datetime, float, list[str], str | None]] = []
    codes = _codes()
    for row in rows[1:]:
        cells = {key: row[k].strip() if k < len(row) else "" for key, k in at.items()}
        if not any(cells.values()):
            continue
        if not cells["scope"].lower().startswith("country"):
            left_out["of a region or a network"] += 1
            continue
        begin, code = _time(cells["begin time"]), _code(cells["country"], codes)
        cause = cells["cause"].lower()
        if begin is None:
            left_out["without a begin that can be read"] += 1
        elif code is None:
            left_out["of a country that nobody knows"] += 1
        elif cause not in UNKNOWN and cause not in CAUSES:
            left_out["with a cause that no hypothesis stands for"] += 1
        else:
            end = _time(cells["end time"])
            hours = NAN if end is None or end <= begin else (end - begin).total_seconds() / 3600
            seen = [cells[key] for key in ("ioda bgp", "ioda ap", "ioda ibr")]
            found.append((code, begin, hours, seen, CAUSES.get(cause)))
    if not found:
        raise LabelsError(f"{name}: no national event in it; the scope of such a row begins with 'Country'")
    blind = sum(1 for event in found if event[2] != event[2])
    notes = [f"{count} rows {why} left out" for why, count in sorted(left_out.items())]
    notes += [f"{blind} events without an end that can be used: their length is not measured"] if blind else []
    return Labels(_events(sorted(found, key=lambda one: (one[1], one[0]))), name, tuple(notes))


def _columns(titles: Sequence[str], name: str) -> dict[str, int]:
    lower = [title.strip().lower() for title in titles]
    at = {key: next((k for k, title in enumerate(lower) if title.startswith(key)), -1) for key in _NEEDED}
    missing = [key for key, k in at.items() if k < 0]
    if missing:
        raise LabelsError(
            f"{name}: no column '{missing[0]}' in its first line; docs/how-to/evaluate-causes.md lists them"
        )
    return at


def _events(rows: Iterable[tuple[str, datetime, float, list[str], str | None]]) -> tuple[Event, ...]:
    earlier: dict[str, list[datetime]] = {}
    events = []
    for code, begin, hours, seen, cause in rows:
        before = earlier.setdefault(code, [])
        gaps = (((begin - other).total_seconds() / 3600) for other in reversed(before))
        gap = next((hours for hours in gaps if hours >= AGAIN_HOURS), NAN)
        before.append(begin)
        zone = main_time_zone(code)
        local = begin.astimezone(ZoneInfo(zone)) if zone else None
        facts = facts_of(
            Fact("onset.local_minute", NAN if local is None else local.hour * 60.0 + local.minute, "minutes", "labels"),
            Fact("onset.width_min", BIN_MIN, "minutes", "labels"),
            Fact("end.width_min", BIN_MIN, "minutes", "labels"),
            Fact("outage.hours", hours, "hours", "labels"),
            Fact("history.gap_days", gap / 24, "days", "labels"),
            *(
                Fact(f"fell.{family}", _truth(said), "", "labels")
                for family, said in zip(("routing", "probing", "telescope"), seen, strict=True)
            ),
        )
        events.append(Event(code, begin, cause, facts))
    return tuple(events)


def _truth(text: str) -> float:
    return {"true": 1.0, "ture": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}.get(text.lower(), NAN)


_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_LONG = re.compile(r"(?:[a-z]+,? )?([a-z]+) (\d{1,2}), (\d{4}),? (\d{1,2}):(\d{1,2})(?::(\d{1,2}))? ?([ap]m)?", re.I)
_SHORT = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})\s+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))? ?([ap]m)?", re.I)


def _time(text: str) -> datetime | None:
    text = text.strip()
    try:
        if match := _LONG.fullmatch(text):
            month = _MONTHS.index(match[1].lower()) + 1
            return _moment(int(match[3]), month, int(match[2]), match.groups()[3:])
        if match := _SHORT.fullmatch(text):
            return _moment(int(match[3]), int(match[1]), int(match[2]), match.groups()[3:])
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _moment(year: int, month: int, day: int, clock: Sequence[str | None]) -> datetime:
    hour, minute, second = (int(part or 0) for part in clock[:3])
    half = (clock[3] or "").lower()
    if half and hour <= 12:  # "16:10:00 PM" is written too: 16 is the hour
        hour = hour % 12 + (12 if half == "pm" else 0)
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _codes() -> Mapping[str, str]:
    from babel import Locale

    names = Locale("en").territories.items()
    return {_plain(str(name)): str(code) for code, name in names if len(code) == 2 and code.isalpha()} | {
        _plain(name): code for name, code in _ALSO.items()
    }


def _code(name: str, codes: Mapping[str, str]) -> str | None:
    if found := codes.get(_plain(name)):
        return found
    try:
        return country_code(name)
    except UnknownCountryError:
        return None


def _plain(name: str) -> str:
    import unicodedata

    text = unicodedata.normalize("NFKD", name.lower())
    text = "".join(c for c in text if not unicodedata.combining(c))
    return re.sub(r"\bsaint\b|\bst\b\.?", "st", text.replace("&", "and")).replace("-", " ").replace("’", "'").strip()
