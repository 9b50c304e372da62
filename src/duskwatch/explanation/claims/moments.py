"""What a time in prose means: an interval of UTC, by the zone of the place and the day of the publication."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from duskwatch.explanation.claims.expression import Expression

Interval = tuple[int | None, int | None]  # microseconds since the epoch, UTC; None: not given
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ABOUT = timedelta(minutes=12)  # either side of "around 4:15"
SHORTLY = timedelta(minutes=40)  # "just before noon", "shortly after 9"


@dataclass(frozen=True, slots=True)
class Dateline:
    """When an article was published: what relative words count from."""

    time_us: int | None
    day_only: bool = False

    def day(self, tz: tzinfo) -> date | None:
        """The day of publication in a zone; where only a day is known, that day in any zone."""
        if self.time_us is None:
            return None
        moment = EPOCH + timedelta(microseconds=self.time_us)
        return moment.date() if self.day_only else moment.astimezone(tz).date()

    def latest_us(self, tz: tzinfo = UTC) -> int | None:
        """The last moment at which it can have been written."""
        if self.time_us is None:
            return None
        if not self.day_only:
            return self.time_us
        day = (EPOCH + timedelta(microseconds=self.time_us)).date()
        return _us(_local(day + timedelta(days=1), 0, tz))


def resolve(one: Expression, zone: str, now: Dateline, anchor: date | None = None) -> Interval | None:
    """The interval of UTC that an expression means; None where nothing tells the day.

    ``zone`` is that of the place; ``anchor`` a day that the text spoke of before ("the following morning").
    """
    tz = _zone(one.zone) or _zone(zone) or UTC
    if one.ago is not None:
        if now.time_us is None:
            return None
        return now.time_us - int(one.ago[1] * 1e6), now.time_us - int(one.ago[0] * 1e6)
    days = _days(one, tz, now, anchor)
    if days is None:
        return None
    first, last = days
    if one.clock is None:
        low, high = _local(first, 0, tz), _local(last + timedelta(days=1), 0, tz)
    else:
        low, high = _local(first, one.clock[0], tz), _local(last, one.clock[1], tz)
    exact = low == high
    if one.bound == "about" and exact:
        low, high = low - ABOUT, high + ABOUT
    elif one.bound == "shortly after":
        low, high = (low, low + SHORTLY) if exact else (low, high)
    elif one.bound == "shortly before":
        low, high = (high - SHORTLY, high) if exact else (low, high)
    if one.bound == "after":
        return _us(low), None
    if one.bound == "before":
        return None, _us(high)
    return _us(low), _us(high)


def _days(one: Expression, tz: tzinfo, now: Dateline, anchor: date | None) -> tuple[date, date] | None:
    today = now.day(tz)
    kind, number = one.day or ("", 0)
    if kind == "date":
        day = date.fromordinal(number)
        return day, day
    if kind == "next":
        base = anchor or (today - timedelta(days=1) if today else None)
        return None if base is None else (base + timedelta(days=number),) * 2
    if today is None:
        return None
    if "weekend" in one.span:
        back = (today.weekday() - 5) % 7
        saturday = today - timedelta(days=back if back or today.weekday() == 5 else 7)
        if "last" in one.span and today.weekday() >= 5:
            saturday -= timedelta(days=7)
        return saturday, saturday + timedelta(days=1)
    if one.span.endswith("week") or "days" in one.span:
        monday = today - timedelta(days=today.weekday() + (7 if "last" in one.span else 0))
        if "days" in one.span:
            return today - timedelta(days=6), today
        return monday, min(monday + timedelta(days=6), today)
    if one.span.endswith("month") and kind != "month":
        first = today.replace(day=1)
        if "last" in one.span:
            last = first - timedelta(days=1)
            return last.replace(day=1), last
        return first, today
    if kind == "month":
        year, month = divmod(number, 100)
        year = year or (today.year if month <= today.month else today.year - 1)
        first, last = date(year, month, 1), date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        if one.span == "early month":
            return first, first.replace(day=12)
        if one.span == "mid month":
            return first.replace(day=10), first.replace(day=20)
        return (first.replace(day=19) if one.span == "late month" else first), last
    if kind == "year":
        return date(number, 1, 1), date(number, 12, 31)
    if kind == "yearless":
        this_year = date.fromordinal(number)
        for year in (today.year, today.year - 1):
            try:
                day = this_year.replace(year=year)
            except ValueError:
                continue
            if day <= today + timedelta(days=2):
                return day, day
        return None
    if kind == "monthday":
        day = today
        for _ in range(62):
            if day.day == number:
                return day, day
            day -= timedelta(days=1)
        return None
    if kind in ("weekday", "lastweekday"):
        back = (today.weekday() - number) % 7
        if kind == "lastweekday" and back == 0:
            back = 7
        day = today - timedelta(days=back)
        if back == 0 and one.clock and now.time_us is not None and not now.day_only:
            begins = _us(_local(day, one.clock[0], tz))
            if (
                begins > now.time_us + 3600 * 10**6
                and one.bound not in ("before",)
                and one.role not in ("until", "by", "till")
            ):
                day -= timedelta(days=7)
        return day, day
    if kind == "nextweekday":
        base = anchor or today - timedelta(days=7)
        day = base + timedelta(days=(number - base.weekday() - 1) % 7 + 1)
        return day, day
    if kind == "offset":
        day = today + timedelta(days=number)
        return day, day
    if kind.startswith("nth"):
        step = {"day": 1, "night": 1, "week": 7}.get(kind[4:], 1)
        first = today - timedelta(days=step * (number - 1) + (1 if kind == "nth night" else 0))
        return first - timedelta(days=6 if step == 7 else 0), first
    if kind:
        return None
    return _undated(one, tz, now, anchor, today)


def _undated(one: Expression, tz: tzinfo, now: Dateline, anchor: date | None, today: date) -> tuple[date, date]:
    """A clock without a day: the day spoken of before, else the last time it struck before the publication."""
    if anchor is not None:
        return anchor, anchor
    day = today
    if one.clock and now.time_us is not None and not now.day_only and _us(_local(day, one.clock[0], tz)) > now.time_us:
        day -= timedelta(days=1)
    return day, day


@cache
def _fixed(hours: float) -> tzinfo:
    return timezone(timedelta(hours=hours))


def _zone(zone: str | float | None) -> tzinfo | None:
    if zone is None or zone == "":
        return None
    if isinstance(zone, (int, float)):
        return _fixed(float(zone)) if abs(zone) <= 15 else None
    return _iana(zone)


@cache
def _iana(zone: str) -> tzinfo | None:
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return None


def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name; UTC where it is none."""
    return _iana(name) or UTC


def zone_in(one: Expression, zone: str) -> tzinfo:
    """The zone of an expression: its own, else that of the place, else UTC."""
    return _zone(one.zone) or _zone(zone) or UTC


def _local(day: date, hours: float, tz: tzinfo) -> datetime:
    naive = datetime(day.year, day.month, day.day) + timedelta(seconds=round(hours * 3600))
    return naive.replace(tzinfo=tz).astimezone(UTC)


def _us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
