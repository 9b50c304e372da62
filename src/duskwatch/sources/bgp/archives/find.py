"""Archive files on disk: which ones are MRT, whose they are, what they hold and which of them a window needs."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from duskwatch.records.errors import InputError
from duskwatch.records.text import clean_name
from duskwatch.records.times import MINUTE, SECOND
from duskwatch.sources.bgp.archives.collectors import COLLECTORS
from duskwatch.sources.bgp.archives.names import is_archive_name, is_update_name, stamp_time
from duskwatch.sources.bgp.formats.reenactment import HEAD_BYTES as MARK_BYTES
from duskwatch.sources.bgp.formats.reenactment import reenactment_of
from duskwatch.sources.files.pieces import TransportDamage, open_pieces

COLLECTOR = re.compile(
    r"(?<![a-z0-9])(rrc\d{2}|route-views\d{0,2}(?:\.(?!(?:ribs?|bview|updates?|gz|bz2)(?![a-z0-9]))[a-z][a-z0-9-]*)?)"
    r"(?![a-z0-9])"
)
LAYOUT_FOLDERS = re.compile(r"\d{4}\.\d{2}|RIBS|UPDATES|bgpdata|mrt", re.IGNORECASE)
NAME_TIME = re.compile(r"\.(\d{8}\.\d{4})(?!\d)")
NAME_EPOCH = re.compile(r"\.(\d{9,10})(?!\d)")
# MRT types (RFC 6396 section 4, and the deprecated ones of its appendix): the first record tells what a file is.
DUMP_TYPES = {12, 13}
UPDATE_TYPES = {5, 16, 17}
LONGEST_RECORD = 16 << 20
HEAD_BYTES = 1 << 12  # of a file are read to tell what it is
EARLIEST = 800_000_000  # 1995, before any archive


class ArchiveError(InputError):
    """Files given for analysis cannot be used; the message says which and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class ArchiveFile:
    """One MRT file. Files sort by collector, then by time, table dumps ahead of updates of the same time."""

    collector: str
    start_us: int  # from its name, else the time of its first record
    is_update: bool
    path: Path
    size_bytes: int
    reenactment: str = ""  # the sentence that says that it was generated; empty for recordings


def find_files(paths: list[Path]) -> tuple[list[ArchiveFile], list[Path]]:
    """MRT files among the paths and below the folders, sorted, and the files passed over in folders.

    One in a folder that cannot be read is taken for what its name says, if it is named as archives name theirs: who
    needs it will be told. Raises ArchiveError where a path does not exist, a file named outright is no MRT, or a folder
    holds none; OSError where a file named outright cannot be read.
    """
    found: dict[Path, ArchiveFile] = {}  # by where they are in truth: a file may be named twice
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
            here = {at: file for _, at, file in probed if file}
            if not here:
                raise ArchiveError(
                    f"{path}: no MRT file in this folder; give the folder that holds the bview/rib and updates files"
                )
            found |= here
            passed += [child for child, _, file in probed if not file]
        elif (file := probe(path)) is None:
            raise ArchiveError(f"{path}: this is not an MRT file (RFC 6396); give bview/rib or updates files")
        else:
            found[place(path)] = file
    return sorted(found.values()), passed


def probe(path: Path, folder: Path | None = None) -> ArchiveFile | None:
    """What the file's first record says it is; None where it is no MRT. OSError where it cannot be read.

    ``folder`` is where it lies, resolved, if that is known.
    """
    head = b""
    try:
        for piece in open_pieces(path, piece_bytes=HEAD_BYTES):
            head += bytes(piece[:MARK_BYTES])
            if len(head) >= MARK_BYTES:
                break
    except TransportDamage:
        pass
    if len(head) < 12:
        return None
    time_s = int.from_bytes(head[0:4], "big")
    kind = int.from_bytes(head[4:6], "big")
    length = int.from_bytes(head[8:12], "big")
    if kind not in DUMP_TYPES | UPDATE_TYPES or length > LONGEST_RECORD or time_s < EARLIEST:
        return None
    collector = collector_of(path, folder)
    start_us = named_time(path.name, collector) or time_s * SECOND
    return ArchiveFile(collector, start_us, kind in UPDATE_TYPES, path, path.stat().st_size, reenactment_of(head))


def _in_folder(path: Path, folder: Path) -> ArchiveFile | None:
    try:
        return probe(path, folder)
    except OSError:
        collector = collector_of(path, folder)
        start_us = named_time(path.name, collector) if is_archive_name(path.name) else None
        if start_us is None:
            return None
        return ArchiveFile(collector, start_us, is_update_name(path.name), path, path.stat().st_size)


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


def named_time(name: str, collector: str = "") -> int | None:
    """Start time in a file's name, microseconds; None where it has none. Early names are on a collector's own clock."""
    if match := NAME_TIME.search(name):
        return stamp_time(match[1], collector)
    if match := NAME_EPOCH.search(name):
        return int(match[1]) * SECOND
    return None


def period_of(collector: str, updates: list[ArchiveFile]) -> int:
    """How long one update file lasts: the most common step between starts, else the project's own cadence."""
    starts = sorted({file.start_us for file in updates})
    steps = Counter(b - a for a, b in pairwise(starts))
    if steps:
        common = max(steps.values())
        return min(step for step, times in steps.items() if times == common)
    known = COLLECTORS.get(collector)
    route_views = collector.startswith("route-views") if known is None else known.project == "route-views"
    return 15 * MINUTE if route_views else 5 * MINUTE


def select(files: list[ArchiveFile], from_us: int, until_us: int) -> list[ArchiveFile]:
    """The files of one collector that a window needs: from the last table dump at or before its start on.

    Without such a dump all earlier updates are taken, so that the state is learned from them.
    """
    updates = [file for file in files if file.is_update]
    period = period_of(files[0].collector, updates)
    dumps = [file for file in files if not file.is_update and file.start_us <= from_us]
    since = max((file.start_us for file in dumps), default=None)
    chosen = []
    for file in files:
        end_us = file.start_us + (period if file.is_update else 0)
        if file.start_us >= until_us or (since is not None and end_us <= since and file.start_us != since):
            continue
        chosen.append(file)
    return chosen
