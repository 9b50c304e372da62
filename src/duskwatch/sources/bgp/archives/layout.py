"""How an archive is laid out: folders below its address, names of files, and how often they are written.

RIPE RIS      rrc00/2014.12/bview.20141222.0800.gz          every 8 h
              rrc00/2014.12/updates.20141222.1615.gz        every 5 min; 15 min before 23 July 2003
Route Views   route-views.jinx/bgpdata/2014.12/RIBS/rib.20141222.1600.bz2            every 2 h
              route-views.jinx/bgpdata/2014.12/UPDATES/updates.20141222.1615.bz2     every 15 min
              bgpdata/2014.12/...                           is route-views2

The cadence is what a project says of itself, and used only where no index page tells what there is: early files begin
at odd minutes (bview.20010101.0609, updates.20010131.2236), and servers were down.
"""

from datetime import UTC, datetime, timedelta

from duskwatch.records.times import HOUR, MINUTE, SECOND
from duskwatch.sources.bgp.archives.collectors import Collector, Project
from duskwatch.sources.bgp.archives.names import stamp_of

PUBLIC: dict[Project, str] = {"ris": "https://data.ris.ripe.net", "route-views": "https://archive.routeviews.org"}
RIS_FASTER_US = int(datetime(2003, 7, 23, tzinfo=UTC).timestamp()) * SECOND
# More than this is refused unseen. The largest table dumps were about 1.5 GB in 2022 (rrc00).
MOST_DUMP_BYTES = 8 << 30
MOST_UPDATE_BYTES = 1 << 30


def update_period(collector: Collector, time_us: int) -> int:
    """How long one update file lasts, microseconds."""
    if collector.project == "route-views":
        return 15 * MINUTE
    return 5 * MINUTE if time_us >= RIS_FASTER_US else 15 * MINUTE


def dump_period(collector: Collector) -> int:
    """Time from one table dump to the next, microseconds."""
    return 2 * HOUR if collector.project == "route-views" else 8 * HOUR


def months(from_us: int, until_us: int, collector: str = "") -> list[str]:
    """Folders of months that hold files named from one moment until another: ``2014.12``. In order."""
    first, last = stamp_of(from_us, collector), stamp_of(max(from_us, until_us - 1), collector)
    at = datetime.strptime(first[:6], "%Y%m")
    out = []
    while at.strftime("%Y%m") <= last[:6]:
        out.append(at.strftime("%Y.%m"))
        at = (at + timedelta(days=32)).replace(day=1)
    return out


def folders(collector: Collector, month: str, *, updates: bool) -> list[str]:
    """Folders, relative to an archive's address, that may hold a month's files, the usual one first."""
    if collector.project == "ris":
        return [f"{collector.name}/{month}/"]
    part = "UPDATES" if updates else "RIBS"
    out = [f"{collector.name}/bgpdata/{month}/{part}/", f"{collector.name}/{month}/{part}/"]
    return [f"bgpdata/{month}/{part}/", *out] if collector.name == "route-views2" else out


def file_name(collector: Collector, time_us: int, *, updates: bool) -> str:
    """The name of the file that begins at a moment."""
    kind = "updates" if updates else "bview" if collector.project == "ris" else "rib"
    return f"{kind}.{stamp_of(time_us, collector.name)}.{'gz' if collector.project == 'ris' else 'bz2'}"


def expected(collector: Collector, from_us: int, until_us: int, *, updates: bool) -> list[tuple[int, str]]:
    """Starts and names of the files that the cadence promises: those that begin in [from, until), in order.

    Of update files also the one that is being written at ``from_us``.
    """
    period = update_period(collector, from_us) if updates else dump_period(collector)
    at = from_us - from_us % period
    if at < from_us and not updates:
        at += period
    out = []
    while at < until_us:
        out.append((at, file_name(collector, at, updates=updates)))
        at += update_period(collector, at) if updates else period
    return out


def month_of(time_us: int, collector: str = "") -> str:
    """The folder of the month that a moment's file lies in."""
    stamp = stamp_of(time_us, collector)
    return f"{stamp[:4]}.{stamp[4:6]}"
