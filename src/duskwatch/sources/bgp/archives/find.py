"""Archive files on disk: which ones are MRT, whose they are, and which of them a window needs."""

import contextlib
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from duskwatch.records.elems import PeerTable
from duskwatch.records.errors import InputError
from duskwatch.records.text import clean_name
from duskwatch.records.times import DAY, MINUTE
from duskwatch.sources.bgp.archives.clocks import dated
from duskwatch.sources.bgp.archives.collectors import COLLECTORS
from duskwatch.sources.bgp.archives.names import is_archive_name, is_update_name, named_time
from duskwatch.sources.bgp.archives.probe import ArchiveFile, Head, read_head, what_is
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.files.pieces import open_pieces

__all__ = [
    "ArchiveError",
    "ArchiveFile",
    "collector_of",
    "find_files",
    "has_cadence",
    "named_time",
    "passed_over",
    "period_of",
    "probe",
    "select",
    "touches",
    "unusable_updates",
]

COLLECTOR = re.compile(
    r"(?<![a-z0-9])(rrc\d{2}|route-views\d{0,2}(?:\.(?!(?:ribs?|bview|updates?|gz|bz2)(?![a-z0-9]))[a-z][a-z0-9-]*)?)"
    r"(?![a-z0-9])"
)
LAYOUT_FOLDERS = re.compile(r"\d{4}\.\d{2}|RIBS|UPDATES|bgpdata|mrt", re.IGNORECASE)
LIKE_AN_ARCHIVE = re.compile(r"bview|rib|update|\.mrt|\.(gz|bz2|xz|zst|lz4)$", re.IGNORECASE)
MOST_NAMED = 5


class ArchiveError(InputError):
    """Files given for analysis cannot be used; the message says which and what to do."""


def find_files(paths: list[Path]) -> tuple[list[ArchiveFile], list[Path]]:
    """MRT files among the paths and below the folders, sorted, and the files passed over in folders.

    One in a folder that cannot be read is taken for what its name says, if it is named as archives name theirs: who
    reads it will see. Raises ArchiveError where a path does not exist, a file named outright is no MRT, or a folder
    holds none; OSError where a file named outright cannot be read.
    """
    found: dict[Path, tuple[str, Head | ArchiveFile]] = {}  # by where they are in truth: a file may be named twice
    passed: list[Path] = []
    resolved = cache(Path.resolve)  # of a folder with thousands of files, once

    def place(path: Path) -> Path:
        return path.resolve() if path.is_symlink() else resolved(path.parent) / path.name

    for path in paths:
        if not path.exists():
            raise ArchiveError(f"{path}: no such file or folder")
        if path.is_dir():
            inside = [child for child in sorted(path.rglob("*")) if child.is_file()]
            probed = [(child, place(child), _in_folder(child, resolved(child.parent))) for child in inside]
            here = {at: probed_file for _, at, probed_file in probed if probed_file}
            if not here:
                raise ArchiveError(
                    f"{path}: no MRT file in this folder; give the folder that holds the bview/rib and updates files"
                )
            found |= here
            passed += [child for child, _, probed_file in probed if not probed_file]
            continue
        collector = collector_of(path)
        head = read_head(path, collector)
        if head is None:
            raise ArchiveError(f"{path}: this is not an MRT file (RFC 6396); give bview/rib or updates files")
        found[place(path)] = (collector, head)
    heads: dict[str, list[Head]] = {}
    files = []
    for collector, probed_file in found.values():
        if isinstance(probed_file, Head):
            heads.setdefault(collector, []).append(probed_file)
        else:
            files.append(probed_file)
    for collector, collector_heads in heads.items():
        files += dated(collector, collector_heads)
    return sorted(files), passed


def probe(path: Path, folder: Path | None = None) -> ArchiveFile | None:
    """What one file's first records say it is; None where it is no MRT. OSError where it cannot be read.

    ``folder`` is where it lies, resolved, if that is known.
    """
    collector = collector_of(path, folder)
    head = read_head(path, collector)
    return None if head is None else dated(collector, [head])[0]


def passed_over(paths: Sequence[Path]) -> list[str]:
    """What to tell of files in folders that are no MRT: those that are named like archives one by one."""
    like = [path for path in paths if LIKE_AN_ARCHIVE.search(path.name)]
    others = [path for path in paths if not LIKE_AN_ARCHIVE.search(path.name)]
    out = [f"{path.name} {what_is(path)}, and was passed over" for path in like[:MOST_NAMED]]
    if len(like) > MOST_NAMED:
        out.append(f"{len(like) - MOST_NAMED} more files that are named like archives are no MRT and were passed over")
    if others:
        names = ", ".join(path.name for path in others[:3]) + (" and more" if len(others) > 3 else "")
        what = (
            "1 other file is no MRT and was" if len(others) == 1 else f"{len(others)} other files are no MRT and were"
        )
        out.append(f"{what} passed over: {names}")
    return out


def unusable_updates(paths: Sequence[Path]) -> dict[str, list[int]]:
    """When files that were passed over begin, by collector, if their names are those of update files."""
    out: dict[str, list[int]] = {}
    for path in paths:
        if is_archive_name(path.name) and is_update_name(path.name):
            start_us = named_time(path.name, collector := collector_of(path))
            if start_us is not None:
                out.setdefault(collector, []).append(start_us)
    return out


def _in_folder(path: Path, folder: Path) -> tuple[str, Head | ArchiveFile] | None:
    collector = collector_of(path, folder)
    try:
        head = read_head(path, collector)
        return None if head is None else (collector, head)
    except OSError:
        start_us = named_time(path.name, collector) if is_archive_name(path.name) else None
        if start_us is None:
            return None
        size = path.stat().st_size
        return collector, ArchiveFile(collector, start_us, is_update_name(path.name), path, size, named_us=start_us)


def collector_of(path: Path, folder: Path | None = None) -> str:
    """The collector's name, from the file's name or the folders above it; else the nearest telling folder's name."""
    if folder is None or path.is_symlink():
        folder = path.resolve().parent
    parts = [path.name, folder.name, *(parent.name for parent in folder.parents)]
    for part in parts:
        if part.lower() in COLLECTORS:
            return part.lower()
        if match := COLLECTOR.search(part.lower()):
            return match[1]
    telling = (clean_name(part) for part in parts[1:] if not LAYOUT_FOLDERS.fullmatch(part))
    return next((name for name in telling if name), "local")


def has_cadence(collector: str) -> bool:
    """Whether it is known how long a collector's update files are, though only one is there."""
    return collector in COLLECTORS or collector.startswith(("rrc", "route-views"))


def period_of(collector: str, updates: list[ArchiveFile]) -> int:
    """How long one update file lasts: the most common step between starts, else the project's own cadence.

    Where files begin with their first records no step is like another: then it is the middle one.
    """
    starts = sorted({file.start_us for file in updates})
    steps = Counter(b - a for a, b in pairwise(starts))
    if steps and any(file.by_records for file in updates):
        return sorted(steps.elements())[len(starts) // 2 - 1]
    if steps:
        common = max(steps.values())
        return min(step for step, times in steps.items() if times == common)
    collector_entry = COLLECTORS.get(collector)
    route_views = (
        collector.startswith("route-views") if collector_entry is None else collector_entry.project == "route-views"
    )
    return 15 * MINUTE if route_views else 5 * MINUTE


def select(files: list[ArchiveFile], from_us: int, until_us: int) -> list[ArchiveFile]:
    """The files of one collector that a window needs: from the last table dump at or before its start on.

    Without such a dump all earlier updates are taken, so that the state is learned from them. An update file may go on
    until the next one begins, however short files usually are; where there are table dumps alone, updates may follow
    them in one file.
    """
    updates = [file for file in files if file.is_update]
    period = period_of(files[0].collector, updates)
    starts = sorted({file.start_us for file in updates})
    dumps = [file for file in files if not file.is_update and file.start_us <= from_us]
    since = max((file.start_us for file in dumps), default=None) if updates else None
    chosen = []
    for file in files:
        end_us = file.start_us
        if file.is_update:
            later = bisect_right(starts, file.start_us)
            end_us = max(file.start_us + period, starts[later]) if later < len(starts) else until_us
        if file.start_us >= until_us or (since is not None and end_us <= since and file.start_us != since):
            continue
        chosen.append(file)
    return chosen


def touches(chosen: Sequence[ArchiveFile], from_us: int, until_us: int) -> bool:
    """Whether files may say something about a window: one begins in it or in the day before, or goes on up to it."""
    early = [file for file in chosen if file.start_us < until_us]
    if any(file.start_us >= from_us - DAY for file in early):
        return True
    return any(_last_us(file.path) >= from_us for file in early[-1:])


@cache
def _last_us(path: Path) -> int:
    """The latest time of an elem of a file, which is read whole for it; -1 where there is none."""
    latest = -1
    with contextlib.suppress(OSError):
        for block in MrtReader(open_pieces(path), PeerTable()):
            latest = max(latest, block.last_us)
    return latest
