"""What one file is, by its first records: whether it is MRT, whose it is, which time its records and its name say."""

from dataclasses import dataclass
from pathlib import Path

from duskwatch.records.times import HOUR, MINUTE, SECOND, iso
from duskwatch.sources.bgp.archives.names import NamedTime, times_in
from duskwatch.sources.bgp.formats.reenactment import HEAD_BYTES as MARK_BYTES
from duskwatch.sources.bgp.formats.reenactment import reenactment_of
from duskwatch.sources.files.pieces import TransportDamage, open_pieces

# MRT types (RFC 6396 section 4, and the deprecated ones of its appendix) tell what a file is.
DUMP_TYPES = {12, 13}
UPDATE_TYPES = {5, 16, 17}
HIGHEST_TYPE = 64  # of the MRT types that were ever assigned
LONGEST_RECORD = 16 << 20
HEAD_BYTES = 1 << 12  # of a file are read to tell what it is
MOST_HEADS = 16  # records that are looked at: the first alone may be wrong
EARLIEST, LATEST = 800_000_000, 4_100_000_000  # 1995, before any archive; 2099
# Records of one head that are further from the middle one than this are of a wrong time.
FAR_US = 24 * HOUR
SLACK_US = 2 * MINUTE


@dataclass(frozen=True, slots=True, order=True)
class ArchiveFile:
    """One MRT file. Files sort by collector, then by time, table dumps ahead of updates of the same time."""

    collector: str
    start_us: int  # when its records begin: as its name says where that agrees with them, else by themselves
    is_update: bool  # its first records are updates; a table dump may be followed by some in one file
    path: Path
    size_bytes: int
    reenactment: str = ""  # the sentence that says that it was generated; empty for recordings
    named_us: int | None = None  # what its name says, put right where names are on a local clock; None: nothing usable
    by_records: bool = False  # it begins with its first record, as its name says nothing usable
    note: str = ""  # what is odd about it, to go on with its name; empty: nothing


@dataclass(frozen=True, slots=True)
class Head:
    """What a file's first records say, and its name."""

    path: Path
    is_update: bool
    time_us: int | None  # of the first record whose time can be right; None: of none
    first_us: int  # what the first of all says
    named: NamedTime | None  # of the times in the name the one next to that
    size_bytes: int
    reenactment: str


def read_head(path: Path, collector: str) -> Head | None:
    """The head of an MRT file; None where it is no MRT. OSError where it cannot be read."""
    data = first_bytes(path)
    records = _records(data)
    kinds = [kind for _, kind in records if kind in DUMP_TYPES | UPDATE_TYPES]
    if not kinds:
        return None
    times = [time_s for time_s, _ in records if EARLIEST <= time_s <= LATEST]
    if not times and len(records) < 2:
        return None  # twelve bytes that might be anything
    middle = sorted(times)[len(times) // 2] if times else 0
    time_us = next((t * SECOND for t in times if abs(t - middle) * SECOND <= FAR_US), None)
    named = times_in(path.name, collector)
    if time_us is not None:
        named.sort(key=lambda one: abs(one.time_us - time_us))
    return Head(
        path,
        kinds[0] in UPDATE_TYPES,
        time_us,
        records[0][0] * SECOND,
        named[0] if named else None,
        path.stat().st_size,
        reenactment_of(data),
    )


def first_bytes(path: Path) -> bytes:
    """What a file begins with, unpacked; less than HEAD_BYTES where it is damaged. OSError where it cannot be read."""
    head = b""
    try:
        for piece in open_pieces(path, piece_bytes=HEAD_BYTES):
            head += bytes(piece[: max(MARK_BYTES, HEAD_BYTES)])
            if len(head) >= HEAD_BYTES:
                break
    except TransportDamage:
        pass
    return head


def _records(data: bytes) -> list[tuple[int, int]]:
    """(seconds, type) of the records that a file begins with, as long as one follows the other."""
    out: list[tuple[int, int]] = []
    at = 0
    while at + 12 <= len(data) and len(out) < MOST_HEADS:
        time_s, kind = int.from_bytes(data[at : at + 4], "big"), int.from_bytes(data[at + 4 : at + 6], "big")
        length = int.from_bytes(data[at + 8 : at + 12], "big")
        if kind > HIGHEST_TYPE or length > LONGEST_RECORD or not any(data[at : at + 12]):
            break
        out.append((time_s, kind))
        at += 12 + length
    return out


def what_is(path: Path) -> str:
    """What a file that is no MRT is, for people: "an HTML page"."""
    try:
        head = first_bytes(path)
    except OSError as error:
        return f"cannot be read ({error.strerror or type(error).__name__})"
    begin = head.lstrip().lower()
    if not head:
        return "is empty, or damaged at its first byte"
    if begin.startswith((b"<!doctype html", b"<html")):
        return "is an HTML page, no MRT"
    if begin.startswith((b"<?xml", b"{", b"[")):
        return "is XML or JSON, no MRT"
    return "is no MRT (RFC 6396)"


def wrong_first_record(head: Head) -> str:
    """The note on a first record with a time that those after it do not have; empty: nothing."""
    if head.time_us is None:
        return f"has no record of a time that can be (the first says {iso(head.first_us)})"
    if abs(head.first_us - head.time_us) <= FAR_US:
        return ""
    return f"begins with a record of {iso(head.first_us)}; those after it are of {iso(head.time_us)}"
