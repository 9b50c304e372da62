"""The date of an article, as headers, feeds and datelines write it."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST = 100  # characters of a date that are looked at
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_WRITTEN = re.compile(rf"\b(?:{_DAY}\s+{_MONTH}|{_MONTH.replace('month', 'm2')}\s+{_DAY.replace('day', 'd2')}),?\s+"
                      r"(?P<year>(?:19|20)\d\d)\b")  # fmt: skip
_CLOCK = re.compile(r"\b(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2}))(?::\d{2})?\s*(?P<half>[ap]\.?m\b\.?)?")
_ZONES = {
    "et": "America/New_York", "est": "Etc/GMT+5", "edt": "Etc/GMT+4", "ct": "America/Chicago", "pt":
    "America/Los_Angeles", "pst": "Etc/GMT+8", "pdt": "Etc/GMT+7", "gmt": "UTC", "utc": "UTC", "bst": "Etc/GMT-1",
    "cet": "Etc/GMT-1", "cest": "Etc/GMT-2", "eet": "Etc/GMT-2", "eat": "Etc/GMT-3", "msk": "Etc/GMT-3",
    "wat": "Etc/GMT-1", "cat": "Etc/GMT-2", "sast": "Etc/GMT-2", "jst": "Etc/GMT-9", "kst": "Etc/GMT-9",
}  # fmt: skip
_ZONE = re.compile(rf"\b(?:{'|'.join(_ZONES)})\b")
_OFFSET = re.compile(r"\b(?:utc|gmt)\s*([+-]\d{1,2})(?::?(\d{2}))?")


class When(NamedTuple):
    """A date as found: microseconds since the epoch, and whether the text gives no more than the day."""

    time_us: int
    day_only: bool


def read_date(text: str) -> When | None:
    """The moment that ``text`` gives; UTC where it names no zone. None where it is no date with a year."""
    text = " ".join(text[:LONGEST].split())
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return _when(_iso(text), day_only=True)
    if found := _iso(text.replace(" UTC", "Z").replace(" GMT", "Z").removeprefix("on ")):
        return _when(found)
    if re.match(r"(?:[A-Za-z]{3},? )?\d{1,2} [A-Za-z]{3} \d{2,4} \d", text):
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            moment = None
        if moment is not None and moment.tzinfo is not None:  # a zone that it does not know leaves none
            return _when(moment)
    return _written(text.lower())


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None


def _written(text: str) -> When | None:
    match = _WRITTEN.search(text)
    if match is None:
        return None
    month = MONTHS.index(match["month"] or match["m2"]) + 1
    try:
        day = datetime(int(match["year"]), month, int(match["day"] or match["d2"]))
    except ValueError:
        return None
    rest = text[: match.start()] + " " + text[match.end() :]
    clock = _CLOCK.search(rest)
    if clock is None:
        return _when(day, day_only=True)
    hour = int(clock["hour"]) % 12 + (12 if clock["half"][0] == "p" else 0) if clock["half"] else int(clock["hour"])
    if hour > 23 or int(clock["minute"]) > 59:
        return _when(day, day_only=True)
    moment = day.replace(hour=hour, minute=int(clock["minute"]))
    if offset := _OFFSET.search(rest):
        hours = int(offset[1])
        minutes = int(offset[2] or 0) * (-1 if hours < 0 else 1)
        return _when(moment.replace(tzinfo=UTC) - timedelta(hours=hours, minutes=minutes))
    zone = _ZONE.search(rest)
    return _when(moment.replace(tzinfo=ZoneInfo(_ZONES[zone[0]]) if zone else UTC))


def _when(moment: datetime | None, *, day_only: bool = False) -> When | None:
    if moment is None or not 1990 <= moment.year <= 2100:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return When((moment - EPOCH) // timedelta(microseconds=1), day_only)
