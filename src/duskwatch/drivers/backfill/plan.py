"""What every task of a backfill needs to know, what a window is cut into, and where results lie."""

import hashlib
import pickle
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from duskwatch import __version__
from duskwatch.analysis.replay import BIN_US
from duskwatch.analysis.whole_tables import KINDS
from duskwatch.detection.config import DetectionConfig
from duskwatch.drivers.backfill.results import take
from duskwatch.records.signals import Late
from duskwatch.records.times import DAY, iso, to_datetime
from duskwatch.signals.bgp.from_log import VoterSteps
from duskwatch.signals.bgp.votes import EarlierPrefixes
from duskwatch.sources.bgp.archives.find import ArchiveError, ArchiveFile, select, touches
from duskwatch.store import Store

DETECTOR = "duskwatch/1"  # under which outages are recorded that the usual thresholds give
# Part of every key: results of an older layout are not taken up.
LAYOUT = 8
FAULTS = "faults.pickle"  # beside the testimony of a day
VOTES = "votes.pickle"  # of a day that is counted


@dataclass(frozen=True, slots=True)
class Plan:
    """What every task of a backfill needs to know. Plain values: it travels to other processes and machines."""

    store: str
    work: Path
    database: str = ""
    storage_options: tuple[tuple[str, str], ...] = ()
    geo: tuple[Path, ...] = ()  # whose addresses are whose: files for all days
    geo_from: tuple[tuple[date, tuple[Path, ...]], ...] = ()  # or for the days from this one to the next, in order
    kinds: tuple[str, ...] = KINDS
    prefixes: tuple[str, ...] = ()
    bin_us: int = BIN_US
    threads: int = 1
    source: str = "bgp"  # under which the store keeps what this run records
    detection: DetectionConfig = field(default_factory=DetectionConfig)

    @property
    def detector(self) -> str:
        """Under which name outages are recorded: other thresholds are another detector, and give another result."""
        if self.detection == DetectionConfig():
            return DETECTOR
        return f"{DETECTOR}+{hashlib.sha256(repr(self.detection).encode()).hexdigest()[:8]}"

    @property
    def dip(self) -> float:
        """What single sessions said is kept with a day of entities that lost so large a share in it.

        Half of what a detector needs to call an outage: an outage may begin on one day and deepen on the next.
        """
        return self.detection.least_loss / 2

    def geo_of(self, day: date) -> tuple[Path, ...]:
        """The files that say whose addresses were whose on a day."""
        begun = [paths for first, paths in self.geo_from if first <= day]
        return begun[-1] if begun else self.geo

    def open_store(self, create: bool = False) -> Store:
        """The store that is written."""
        return Store.open(
            self.store, create=create, database=self.database, storage_options=dict(self.storage_options) or None
        )


@dataclass(frozen=True, slots=True)
class Part:
    """One collector on one day: the files it needs, from the table dump at or before its start on."""

    collector: str
    from_us: int
    until_us: int
    files: tuple[ArchiveFile, ...]
    unusable: tuple[int, ...] = ()  # when files begin, by their names, that are there and are no MRT

    @property
    def day(self) -> date:
        """The UTC day."""
        return to_datetime(self.from_us).date()

    @property
    def size_bytes(self) -> int:
        """Stored bytes to be read."""
        return sum(file.size_bytes for file in self.files)

    @property
    def name(self) -> str:
        """For people: route-views2 2008-02-19."""
        return f"{self.collector} {self.day}"


@dataclass(frozen=True, slots=True)
class DaySummary:
    """What detection needs to know of a stored day before it reads any of it. E entities."""

    day: date
    from_us: int
    until_us: int
    codes: tuple[str, ...]  # [E]
    low: npt.NDArray[np.float32]  # [E, 3] least of prefixes, /24s and /48s; NaN where nobody was watching
    high: npt.NDArray[np.float32]  # [E, 3] and most
    known_share: npt.NDArray[np.float64]  # [E]
    learned: bool
    warnings: tuple[str, ...]
    damaged: tuple[str, ...]
    voters: VoterSteps
    homes: Mapping[str, str] = field(default_factory=dict)  # of networks that fell: where each lies whole
    # Networks that do not lie in one country whole, and a country that fell, where they lost something: code of both.
    parts: tuple[tuple[str, str], ...] = ()
    rows: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # [E] of its changes; or none
    late: tuple[Late, ...] = ()  # statements that came late
    reenactment: str = ""  # what its files say of themselves, where they are no recordings


@dataclass(frozen=True, slots=True)
class DayRecord:
    """What is left of a day that is in the store."""

    made_of: str  # key of its parts, entities and store
    before: str  # key of what was known before it; empty: nothing
    after: str  # and after it
    lost: tuple[tuple[str, str], ...]  # parts that it lacks, and why
    summary: DaySummary


@dataclass(frozen=True, slots=True)
class Counted:
    """A day whose votes are counted, and that is not in the store yet: the keys of its record."""

    made_of: str
    before: str
    after: str


def plan_parts(
    files: Sequence[ArchiveFile], from_us: int, until_us: int, unusable: Mapping[str, Sequence[int]] = {}
) -> list[Part]:
    """Cut a window into parts by UTC day and collector, in that order. ArchiveError where no file covers any of it.

    unusable  of each collector, when files begin, by their names, that are there and are no MRT
    """
    by_collector: dict[str, list[ArchiveFile]] = {}
    for file in sorted(files):
        by_collector.setdefault(file.collector, []).append(file)
    parts = []
    for start in range(from_us - from_us % DAY, until_us, DAY):
        low, high = max(start, from_us), min(start + DAY, until_us)
        for collector, of_collector in by_collector.items():
            chosen = select(of_collector, low, high)
            if touches(chosen, low, high):
                beside = tuple(sorted(at_us for at_us in unusable.get(collector, ()) if low - DAY <= at_us < high))
                parts.append(Part(collector, low, high, tuple(chosen), beside))
    if not parts:
        raise ArchiveError(f"no MRT file covers {iso(from_us)} to {iso(until_us)}")
    return parts


def part_key(part: Part, plan: Plan) -> str:
    """What a part depends on, as a word: the files as they are, the window, the bins, the version."""
    digest = hashlib.sha256(f"{LAYOUT} {__version__} {part.from_us} {part.until_us} {plan.bin_us}".encode())
    digest.update(repr(part.unusable).encode())
    for file in part.files:
        digest.update(_as_it_is(file.path))
    return digest.hexdigest()[:16]


def day_key(day: date, keys: Sequence[str], plan: Plan) -> str:
    """What a day depends on, as a word: its parts, whose addresses were whose, entities and store."""
    digest = hashlib.sha256(
        repr((LAYOUT, sorted(keys), plan.kinds, plan.prefixes, plan.store, plan.source, plan.dip)).encode()
    )
    for path in plan.geo_of(day):
        digest.update(_as_it_is(path))
    return digest.hexdigest()[:16]


def known_key(earlier: EarlierPrefixes) -> str:
    """What is known, as a word."""
    digest = hashlib.sha256()
    for each in fields(earlier):
        digest.update(getattr(earlier, each.name).tobytes())
    return digest.hexdigest()[:16]


def _as_it_is(path: Path) -> bytes:
    try:
        stat = path.stat()
    except OSError:  # reading it will tell why
        return f"\n{path.name} is not there".encode()
    return f"\n{path.name} {stat.st_size} {stat.st_mtime_ns}".encode()


def part_path(plan: Plan, part: Part, key: str) -> Path:
    """Where a part's result lies until its day is in the store."""
    return plan.work / "parts" / f"{part.day}-{part.collector}-{key}.pickle"


def record_path(plan: Plan, day: date) -> Path:
    """Where the DayRecord of a day lies while the day is in the store as the record says."""
    return plan.work / "days" / f"{day}.pickle"


def record_of(plan: Plan, day: date) -> DayRecord | None:
    """A day's record; None where there is none that this version can read, or what goes with it is gone."""
    try:
        found = take(record_path(plan, day))
    except (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, TypeError):
        return None
    whole = isinstance(found, DayRecord) and (testimony_path(plan, day) / FAULTS).exists()
    return found if whole else None


def counted_path(plan: Plan, day: date) -> Path:
    """The folder where the votes of a day lie until it is in the store."""
    return plan.work / "counted" / str(day)


def key_after(plan: Plan, day: date) -> str:
    """Key of what is known after a day that was counted; empty where nothing says it."""
    try:
        found = take(counted_path(plan, day) / "after.pickle")
    except (OSError, EOFError, pickle.UnpicklingError):
        return ""
    return found.after if isinstance(found, Counted) else ""


def testimony_path(plan: Plan, day: date) -> Path:
    """The folder of what single sessions said of what was lost on a day that is in the store."""
    return plan.work / "testimony" / str(day)


def known_path(plan: Plan, day: date, key: str) -> Path:
    """Where it lies what is known after a day."""
    return plan.work / "known" / f"{day}-{key}.pickle"


def known_paths(plan: Plan, day: date) -> Iterator[Path]:
    """All that lies there of a day."""
    return (plan.work / "known").glob(f"{day}-*.pickle")


def clear_unfinished(work: Path) -> None:
    """Remove what killed tasks left behind. Only for who has the folder to himself."""
    for path in work.glob("*/*.tmp"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    for folder in ("counted", "spool", "outages"):
        shutil.rmtree(work / folder, ignore_errors=True)
