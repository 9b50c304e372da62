"""The time in an archive file's name, and whose clock it was read from. A name is a hint: records are what counts.

Names are in UTC today. They were not always: collectors of Route Views named files by Pacific time until 3 February
2003, about 19:00 UTC, and route-views.eqix until 1 February 2006, about 21:00 UTC (routeviews.org/data.html); the
names of RIPE RIS' first months are in Amsterdam's time (updates.19990903.1041 begins with a record of 08:41:39 UTC),
those of December 1999 no longer.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, to_datetime

NAME = re.compile(r"(?P<kind>bview|rib|updates?)\.(?P<stamp>\d{8}\.\d{4})\.(?:gz|bz2|xz|zst)")
STAMP = "%Y%m%d.%H%M"
# A date in any name, with as much of the time of day as follows it: 20141222.1615, 2014122216, 2014-12-22T16:15:00.
DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])"
    r"(?:[-_. T]?([01]\d|2[0-3])(?:[-_:.h]?([0-5]\d)(?:[-_:.m]?([0-5]\d))?)?)?(?!\d)"
)
EPOCH = re.compile(r"(?<!\d)(\d{9,10})(?!\d)")
EARLIEST_US = 800_000_000 * SECOND  # 1995, before any archive
# Up to which moment, on the clock of that zone, names are in it. Of RIS only that it was before December 1999 is known.
RIS_LOCAL = (datetime(1999, 11, 1), "Europe/Amsterdam")
ROUTE_VIEWS_LOCAL = (datetime(2003, 2, 3, 11), "America/Los_Angeles")
EQIX_LOCAL = (datetime(2006, 2, 1, 13), "America/Los_Angeles")


def is_archive_name(name: str) -> bool:
    """Whether a file of this name is a table dump or an update file of RIPE RIS or Route Views."""
    return NAME.fullmatch(name) is not None


def is_update_name(name: str) -> bool:
    """Whether it is named as an update file."""
    return name.startswith("update")


def stamp_time(stamp: str, collector: str = "") -> int | None:
    """Microseconds since the epoch of ``20141222.1615`` in a name of a collector; None where it is no time."""
    try:
        moment = datetime.strptime(stamp, STAMP)
    except ValueError:
        return None
    return _on_clock(moment, collector)


def _on_clock(moment: datetime, collector: str) -> int:
    until, zone = local_clock(collector)
    if until is not None and moment < until:
        return int(moment.replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND
    return int(moment.replace(tzinfo=UTC).timestamp()) * SECOND


@dataclass(frozen=True, slots=True)
class NamedTime:
    """A time that a name holds, and how long the unit is that it is written to: a minute, an hour, a day."""

    time_us: int
    unit_us: int


def times_in(name: str, collector: str = "") -> list[NamedTime]:
    """What a name may say of when a file begins, the likeliest first. Ten digits may be a date or seconds."""
    out = []
    for match in DATE.finditer(name):
        numbers = [int(part) for part in match.groups(default="0")]
        try:
            moment = datetime(*numbers)  # type: ignore[arg-type]
        except ValueError:
            continue
        given = sum(part is not None for part in match.groups())
        out.append(NamedTime(_on_clock(moment, collector), {3: DAY, 4: HOUR, 5: MINUTE, 6: SECOND}[given]))
    out += [NamedTime(int(match[1]) * SECOND, SECOND) for match in EPOCH.finditer(name)]
    return [each for each in out if each.time_us >= EARLIEST_US]


def named_time(name: str, collector: str = "") -> int | None:
    """Start time in a file's name, microseconds; None where it has none. Early names are on a collector's own clock."""
    found = times_in(name, collector)
    return found[0].time_us if found else None


def stamp_of(time_us: int, collector: str = "") -> str:
    """How a collector writes a moment into names; the inverse of ``stamp_time``."""
    moment = to_datetime(time_us)
    until, zone = local_clock(collector)
    if until is not None and moment < until.replace(tzinfo=ZoneInfo(zone)):
        moment = moment.astimezone(ZoneInfo(zone))
    return moment.strftime(STAMP)


def local_clock(collector: str) -> tuple[datetime | None, str]:
    """Until when (on the clock of the zone) a collector's names were in local time, and the zone."""
    if re.fullmatch(r"rrc\d\d", collector):
        return RIS_LOCAL
    if collector == "route-views.eqix":
        return EQIX_LOCAL
    if collector.startswith("route-views"):
        return ROUTE_VIEWS_LOCAL
    return None, "UTC"
