"""Times: microseconds since 1970-01-01 UTC inside, ISO 8601 at the edges."""

import re
from calendar import isleap
from datetime import UTC, datetime, timedelta

from duskwatch.records.errors import InputError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_LONGEST = 64  # characters of a time; what is longer is none
_MOMENT = re.compile(
    r"(?P<day>\d{4}(?:-\d\d-\d\d|/\d\d/\d\d|\d{4}|-?W\d\d(?:-?\d)?|-\d{3}|\d{3}))"
    r"(?:[T ](?P<clock>\d\d(?::?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?)"
    r"(?P<zone> ?(?:Z|UTC|GMT|[+\N{MINUS SIGN}-]\d\d(?::?\d\d)?))?)?",
    re.ASCII | re.IGNORECASE,
)
_LEAP = re.compile(r"(?<=\d\d:59:)60|(?<=\d\d59)60")
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})")


def parse_time(text: str) -> int:
    """Microseconds since the epoch of an ISO 8601 time; UTC where it names no offset.

    A date alone is its midnight; nine digits or more are seconds since the epoch. Raises InputError naming the text.
    """
    stripped = text.strip()
    if stripped.isascii() and stripped.isdigit() and 9 <= len(stripped) <= 12:
        return int(stripped) * SECOND
    time_us = calendar_time(stripped)
    if time_us is None:
        shown = "".join(letter if letter.isprintable() else "?" for letter in text[:60])
        raise InputError(f"'{shown}' is not a time; write it like 2014-12-22T16:15Z or 2014-12-22")
    return time_us


def calendar_time(text: str) -> int | None:
    """Microseconds since the epoch of a time that people write as a date, with or without a clock; None for others.

    Read are the forms of ISO 8601 (basic and extended, weeks, ordinal days, 24:00, a comma before fractions, offsets of
    hours alone as PostgreSQL writes them), a space for the T, slashes in the date, and UTC or GMT for Z. A leap second
    is the second after it. UTC where no offset is named.
    """
    match = _MOMENT.fullmatch(text[:_LONGEST])
    if match is None:
        return None
    day, clock, zone = match["day"].replace("/", "-"), match["clock"] or "", match["zone"] or ""
    later = timedelta()
    if clock.startswith("24"):
        if clock.strip("0:.,") != "24":
            return None
        clock, later = "", timedelta(days=1)
    if _LEAP.search(clock):
        clock, later = _LEAP.sub("59", clock), timedelta(seconds=1)
    if ordinal := _ORDINAL.fullmatch(day):
        day, later = f"{ordinal[1]}-01-01", later + timedelta(days=int(ordinal[2]) - 1)
        if not 1 <= int(ordinal[2]) <= 365 + isleap(int(ordinal[1])):
            return None
    offset = (
        "+00:00" if zone.strip().upper() in ("", "Z", "UTC", "GMT") else zone.strip().replace("\N{MINUS SIGN}", "-")
    )
    try:
        moment = datetime.fromisoformat(f"{day}T{clock.replace(',', '.') or '00:00'}{offset}") + later
    except (ValueError, OverflowError):
        return None
    return (moment - EPOCH) // timedelta(microseconds=1)


def to_datetime(time_us: int) -> datetime:
    """The moment as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=int(time_us))


def iso(time_us: int) -> str:
    """ISO 8601 with Z; microseconds only where there are any."""
    moment = to_datetime(time_us)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moment.microsecond:06d}" if moment.microsecond else "") + "Z"


def parse_span(text: str) -> int:
    """Microseconds of ``90s``, ``30m``, ``1.5h``, ``2d``, or ``9h31m``. InputError where it is none."""
    word = text.strip().lower()
    if len(word) > _LONGEST or not re.fullmatch(r"(\d{1,9}(\.\d{1,6})?\s*(d|h|m|min|s)\s*)+", word):
        raise InputError(f"'{text}' is no length of time; write 90s, 30m, 1.5h, 2d or 9h31m")
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(d|h|m|s)", word)
    return round(sum(float(value) * {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}[unit] for value, unit in parts))


def span_text(duration_us: int) -> str:
    """A duration in words a person reads: ``9 h 31 min``, ``2 d 3 h``, ``45 s``."""
    seconds = round(duration_us / SECOND)
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    if days:
        parts = [(days, "d"), (hours, "h")]
    elif hours:
        parts = [(hours, "h"), (minutes, "min")]
    elif minutes:
        parts = [(minutes, "min"), (seconds, "s")]
    else:
        return f"{seconds} s"
    return " ".join(f"{n} {unit}" for i, (n, unit) in enumerate(parts) if n or i == 0)
