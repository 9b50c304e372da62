"""Some days of some collectors, small: a country goes dark over a midnight, and loses half of its prefixes later."""

from collections.abc import Mapping
from pathlib import Path

from duskwatch.records.prefix import Prefix
from tests.small_archive import OWN, START, Archive, at, store_file

COLLECTORS = {"rrc00": 3, "rrc01": 3, "route-views2": 3}
FILE_S = 7200
DAY_MIN = 1440
# Minutes from the start; the first over a midnight.
DARK = (1350, 1515)
HALF = (2 * DAY_MIN + 600, 2 * DAY_MIN + 660)


def day_us(number: int) -> int:
    """Start of a day of the archive, counted from 0."""
    return at(number * DAY_MIN)


def build(folder: Path, days: int = 3, collectors: Mapping[str, int] = COLLECTORS) -> Path:
    """Write the files: a table dump at each midnight, updates of two hours each."""
    archive = Archive(collectors, hours=24 * days, talk_s=600)
    peers = archive.peers()
    archive.lose(peers, DARK[0], DARK[1])
    archive.lose(peers, HALF[0], HALF[1], prefixes=OWN[:2])
    archive.talk()
    for collector in collectors:
        for day in range(days):
            second = START + day * DAY_MIN * 60
            store_file(folder, collector, "bview", second, archive.dump(collector, second, _lacking(day * DAY_MIN)))
        rows = sorted(
            (second, peer[1], n, peer, said)
            for peer in archive.peers(collector)
            for n, (second, said) in enumerate(archive.said[peer])
        )
        files = {n: bytearray() for n in range(days * DAY_MIN * 60 // FILE_S)}
        for second, _, _, peer, said in rows:
            if int(second) // FILE_S in files:
                files[int(second) // FILE_S] += archive.record(peer, START + int(second), said)
        for n, data in files.items():
            store_file(folder, collector, "updates", START + n * FILE_S, bytes(data))
    return folder


def updates_of(folder: Path, collector: str, day: int, hour: int = 0) -> Path:
    """The file of two hours of updates that begins at an hour of a day."""
    (path,) = folder.glob(f"{collector}/*/updates.202003{2 + day:02}.{hour:02}00.gz")
    return path


def dump_of(folder: Path, collector: str, day: int) -> Path:
    """The table dump at the start of a day."""
    (path,) = folder.glob(f"{collector}/*/bview.202003{2 + day:02}.0000.gz")
    return path


def _lacking(minute: int) -> tuple[Prefix, ...]:
    return OWN if DARK[0] <= minute < DARK[1] else ()
