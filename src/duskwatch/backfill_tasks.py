"""What a backfill is cut into: parts to be folded, days to be counted and stored; and where they leave their results.

Tasks are functions of plain values. They run in this process, in local ones or on other machines, and a task that is
done twice, or by two workers at once, leaves the same.
"""

import errno
import hashlib
import pickle
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from duskwatch import __version__, daily
from duskwatch.backfill_files import leave, take
from duskwatch.daily import DaySummary, Plan, Search
from duskwatch.everything import watch_all
from duskwatch.pipeline import replay_collector
from duskwatch.records.signals import Gap
from duskwatch.records.times import DAY, iso, to_datetime
from duskwatch.signals.visibility import NOTHING_KNOWN, Known
from duskwatch.sources.bgp.archive_files import ArchiveError, ArchiveFile, select

# Part of every key: results of an older layout are not taken up.
LAYOUT = 3
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Part:
    """One collector on one day: the files it needs, from the table dump at or before its start on."""

    collector: str
    from_us: int
    until_us: int
    files: tuple[ArchiveFile, ...]

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
class DayRecord:
    """What is left of a day that is in the store."""

    made_of: str  # key of its parts, entities and store
    before: str  # key of what was known before it; empty: nothing
    known: str  # and after it
    lost: tuple[tuple[str, str], ...]  # parts that it lacks, and why
    summary: DaySummary


@dataclass(frozen=True, slots=True)
class Counted:
    """A day whose votes are counted, and that is not in the store yet: the keys of its record."""

    made_of: str
    before: str
    after: str


def plan_parts(files: Sequence[ArchiveFile], from_us: int, until_us: int) -> list[Part]:
    """Cut a window into parts by UTC day and collector, in that order. ArchiveError where no file covers any of it."""
    by_collector: dict[str, list[ArchiveFile]] = {}
    for file in sorted(files):
        by_collector.setdefault(file.collector, []).append(file)
    parts = []
    for start in range(from_us - from_us % DAY, until_us, DAY):
        low, high = max(start, from_us), min(start + DAY, until_us)
        for collector, own in by_collector.items():
            chosen = select(own, low, high)
            if any(file.start_us >= low - DAY for file in chosen):
                parts.append(Part(collector, low, high, tuple(chosen)))
    if not parts:
        raise ArchiveError(f"no MRT file covers {iso(from_us)} to {iso(until_us)}")
    return parts


def part_key(part: Part, plan: Plan) -> str:
    """What a part depends on, as a word: the files as they are, the window, the bins, the version."""
    digest = hashlib.sha256(f"{LAYOUT} {__version__} {part.from_us} {part.until_us} {plan.bin_us}".encode())
    for file in part.files:
        digest.update(_as_it_is(file.path))
    return digest.hexdigest()[:16]


def day_key(day: date, keys: Sequence[str], plan: Plan) -> str:
    """What a day depends on, as a word: its parts, whose addresses were whose, entities and store."""
    digest = hashlib.sha256(repr((LAYOUT, sorted(keys), plan.kinds, plan.prefixes, plan.store)).encode())
    for path in plan.geo_of(day):
        digest.update(_as_it_is(path))
    return digest.hexdigest()[:16]


def known_key(known: Known) -> str:
    """What is known, as a word."""
    digest = hashlib.sha256()
    for each in fields(known):
        digest.update(getattr(known, each.name).tobytes())
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
    """A day's record; None where there is none that this version can read."""
    try:
        found = take(record_path(plan, day))
    except (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, TypeError):
        return None
    return found if isinstance(found, DayRecord) else None


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


def known_path(plan: Plan, day: date, key: str) -> Path:
    """Where it lies what is known after a day."""
    return plan.work / "known" / f"{day}-{key}.pickle"


def known_paths(plan: Plan, day: date) -> Iterator[Path]:
    """All that lies there of a day."""
    return (plan.work / "known").glob(f"{day}-*.pickle")


def clear_unfinished(work: Path) -> None:
    """Remove what killed tasks left behind. Only for who has the folder to himself."""
    for path in work.glob("*/*.tmp"):
        path.unlink(missing_ok=True)
    for folder in ("counted", "spool", "outages"):
        shutil.rmtree(work / folder, ignore_errors=True)


def fold_part(part: Part, plan: Plan, path: Path) -> str:
    """Fold one part and leave it at ``path``. Returns why that cannot be done, empty where it was.

    OSError where the disk is full: that is no fault of the part.
    """
    try:
        replay = replay_collector(
            part.collector,
            part.files,
            part.from_us,
            part.until_us,
            watch_all,
            bin_us=plan.bin_us,
            threads=plan.threads,
        )
        leave(path, replay)
    except Exception as error:  # one part's fault, whatever it is, is not the others'
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        return reason_of(error)
    return ""


def count_day(
    day: date, made_of: str, files: Sequence[Path], plan: Plan, before: str, before_path: Path | None, path: Path
) -> str:
    """Merge a day's parts: leave what was counted below ``path``, what is known after the day, and its key.

    made_of, before  keys of the parts, and of what was known before the day, which lies at ``before_path``; empty:
                     nothing
    Returns why it cannot be done, empty where it was.
    """
    replays = []
    for file in files:
        try:
            replays.append(take(file))
        except (EOFError, pickle.UnpicklingError):
            file.unlink(missing_ok=True)
            return f"{file} was damaged and is removed; run the same command again"
    known = NOTHING_KNOWN if before_path is None else take(before_path)
    votes, known = daily.count_day(day, replays, plan, known)
    after = known_key(known)
    leave(known_path(plan, day, after), known)
    leave(path / "votes.pickle", votes)
    leave(path / "after.pickle", Counted(made_of, before, after))
    return ""


def store_day(day: date, counted: Path, lost: Sequence[Gap], plan: Plan) -> str:
    """Measure a day that ``count_day`` left and write it into the store; leave its record.

    lost  parts that could not be folded, as gaps
    Returns why it cannot be done, empty where it was; raises what daily.store_day does.
    """
    done: Counted = take(counted / "after.pickle")
    votes = [take(counted / "votes.pickle")]
    path = record_path(plan, day)
    # From here on the store may hold anything of the day, until the record says what.
    path.unlink(missing_ok=True)
    summary = daily.store_day(day, votes.pop(), lost, plan)
    for stale in known_paths(plan, day):
        if stale != known_path(plan, day, done.after):
            stale.unlink(missing_ok=True)
    told = tuple((f"{gap.source} {day}", gap.reason) for gap in lost)
    leave(path, DayRecord(done.made_of, done.before, done.after, told, summary))
    return ""


def store_nothing(day: date, lost: Sequence[Gap], plan: Plan) -> str:
    """Of a day of which no part could be read: leave what the store has of it, or tell there that nothing is known."""
    record_path(plan, day).unlink(missing_ok=True)
    store = plan.open_store()
    if day not in store.days("bgp"):
        store.write_gaps(day, lost)
    return "none of its parts could be read"


def search_part(plan: Plan, search: Search, path: Path) -> str:
    """Find the outages of some entities and leave them at ``path``. Returns why it cannot be done, empty where it was.

    OSError where the disk is full.
    """
    try:
        leave(path, daily.find_outages(plan, search))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        return reason_of(error)
    return ""


def reason_of(error: BaseException) -> str:
    """What went wrong, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
