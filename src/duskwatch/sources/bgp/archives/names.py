"""The time in an archive file's name, and whose clock it was read from.

Names are in UTC today. They were not always: collectors of Route Views named files by Pacific time until 3 February
2003, about 19:00 UTC, and route-views.eqix until 1 February 2006, about 21:00 UTC (routeviews.org/data.html); the
names of RIPE RIS' first months are in Amsterdam's time (updates.19990903.1041 begins with a record of 08:41:39 UTC),
those of December 1999 no longer.
"""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from duskwatch.records.times import SECOND, to_datetime

NAME = re.compile(r"(?P<kind>bview|rib|updates?)\.(?P<stamp>\d{8}\.\d{4})\.(?:gz|bz2|xz|zst)")
STAMP = "%Y%m%d.%H%M"
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
    until, zone = local_clock(collector)
    if until is not None and moment < until:
        return int(moment.replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND
    return int(moment.replace(tzinfo=UTC).timestamp()) * SECOND


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
