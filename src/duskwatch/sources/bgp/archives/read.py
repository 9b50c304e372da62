"""Archive files of one collector as messages (``records.messages``): what records, names, gaps and damage tell.

Files are unpacked ahead in threads; open_ahead() gives what messages() reads.
"""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np

from duskwatch.records.elems import ElemBlock, PeerTable
from duskwatch.records.messages import FileSpan, InputDone, Message, Silence
from duskwatch.records.report import InputFile
from duskwatch.records.times import MINUTE, span_text
from duskwatch.sources.bgp.archives.contents import Contents
from duskwatch.sources.bgp.archives.find import ArchiveFile, has_cadence, period_of
from duskwatch.sources.bgp.archives.gaps import Reach
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.files.ahead import read_ahead
from duskwatch.sources.files.digest import ThreadedSha256
from duskwatch.sources.files.pieces import open_pieces

PIECE_BYTES = 4 << 20
# What a file that is unpacked ahead takes: pieces that wait, the one being made, and its stored bytes.
FILE_AHEAD_BYTES = 8 * PIECE_BYTES
# The span of a file is the usual step between the files up to it, of so many at most.
STEPS_OF = 50
# A file whose records go on behind its span, without a break of so much, is longer than others; no clock stepped.
BREAK_US = 5 * MINUTE
# The middle one of so many elems tells when a block ends: one alone may be of a wrong time.
LAST_ELEMS = 5
NO_ROUTES = "holds no route: it was not taken for a table dump"
LONGER = "goes on for longer than the files of its collector usually do; its records were taken"

Opened = tuple[Iterator[bytes], "hashlib._Hash | ThreadedSha256"]
"""A file's unpacked pieces, and the SHA-256 that is fed with its stored bytes as they are read."""


def open_file(file: ArchiveFile, threads: int = 1, hashing: Executor | None = None) -> Opened:
    """Open a file to be read; OSError, at the first piece, where it cannot be. ``hashing``: does the digest."""
    digest = hashlib.sha256() if hashing is None else ThreadedSha256(hashing)
    return open_pieces(file.path, piece_bytes=PIECE_BYTES, threads=threads, digest=digest), digest


def open_ahead(files: Sequence[ArchiveFile], threads: int = 1, memory: int = 0) -> Generator[Opened, None, None]:
    """Each file opened in turn.

    threads  1, or one that reads and the others that unpack ahead: several files at once where there are more than two
    memory   bytes that unpacking ahead may take; 0: as many files as threads
    """
    if threads <= 1:
        for file in files:
            yield open_file(file)
        return
    with ThreadPoolExecutor(1, "sha256") as hashing:
        sources = [open_file(file, threads, hashing) for file in files]
        room = max(1, memory // FILE_AHEAD_BYTES) if memory else threads
        pieces = read_ahead((source for source, _ in sources), threads=threads - 1, ahead=min(room, 2 * threads))
        try:
            yield from zip(pieces, (digest for _, digest in sources), strict=True)
        finally:
            pieces.close()


def messages(
    files: Sequence[ArchiveFile], opened: Iterable[Opened], from_us: int, until_us: int, unusable: Sequence[int] = ()
) -> Iterator[Message]:
    """What the files of one collector tell, in the order that they sort by, as it is needed for a window.

    unusable  when files begin, by their names, that are there and are no MRT

    What is missing is a silence from the first file on, or from the window's beginning where that is earlier, up to the
    window's end. OSError where a file cannot be read.
    """
    peers = PeerTable()
    inputs: list[InputFile] = []
    usual_us = period_of(files[0].collector, [file for file in files if file.is_update])
    reach = Reach(files, min(from_us, files[0].start_us), until_us, unusable)
    for number, (file, (pieces, digest)) in enumerate(zip(files, opened, strict=True)):
        yield from reach.before(file)
        reader = MrtReader(pieces, peers)
        contents = Contents(file, reader)
        later = files[number + 1 :]
        span = _span(files[: number + 1]) if file.is_update else None
        if span is not None:
            yield span
        last_us, longer = None, False
        for message in contents:
            if isinstance(message, ElemBlock) and not contents.in_dump and len(message.time_us):
                last_us = _end_of(message)
                if span is not None and span.until_us is not None and message.last_us >= span.until_us:
                    until = _carried(message, span.from_us, span.until_us)
                    if until > span.until_us:
                        span, longer = FileSpan(span.name, span.from_us, until), True
                        yield span
            yield message
        if reader.damage is not None and not contents.ended_in_dump and (file.is_update or last_us is not None):
            yield from _damaged(file, reader, later, until_us)
        notes = [file.note] if file.note else []
        notes += [NO_ROUTES] if not file.is_update and not contents.dumps else []
        notes += [LONGER] if longer and last_us is not None and last_us >= file.start_us + 2 * usual_us else []
        if contents.late:
            notes.append(
                f"holds {contents.late} statements out of order, up to {span_text(contents.late_us)} late: they were "
                "put in order, so that times told are as right as those of the records"
            )
        reach.read(file, _within(last_us, file, span, later))
        sha256 = digest.hexdigest()
        inputs.append(
            InputFile(
                file.path.name,
                sha256,
                "doubled" if sha256 in {other.sha256 for other in inputs} else "mrt",
                reader.first_us,
                reader.last_us,
                reader.records,
                reader.bad_records,
                str(reader.damage) if reader.damage else "",
                file.collector,
                file.size_bytes,
                "; ".join(notes),
            )
        )
        yield InputDone(inputs[-1])
    yield from reach.rest()


def _end_of(block: ElemBlock) -> int:
    """About when a block of updates ends, whatever single records of it say."""
    return int(np.median(block.time_us[-LAST_ELEMS:]))


def _within(last_us: int | None, file: ArchiveFile, span: FileSpan | None, later: Sequence[ArchiveFile]) -> int | None:
    """Up to where a file's records can be said to lead: no further than its span, nor than the next file begins."""
    if last_us is None or (span is not None and span.until_us is not None):
        return None if last_us is None or span is None else min(last_us, span.until_us or last_us)
    following = [other.start_us for other in later if other.is_update and other.start_us > file.start_us]
    return min([last_us, *following])


def _carried(block: ElemBlock, from_us: int, until_us: int) -> int:
    """The end of a file's span, behind which records go on: the last of them before a break of BREAK_US."""
    times = np.unique(block.time_us)
    before = times[(times >= from_us) & (times < until_us)]
    behind = times[times >= until_us]
    steps = np.diff(np.concatenate([before[-1:] if len(before) else [until_us], behind]))
    broken = np.flatnonzero(steps > BREAK_US)
    going_on = behind[: broken[0]] if len(broken) else behind
    return int(going_on[-1]) + 1 if len(going_on) else until_us


def _damaged(file: ArchiveFile, reader: MrtReader, later: Sequence[ArchiveFile], until_us: int) -> Iterator[Silence]:
    """What a damaged update file leaves unseen, from its last good record to the next file."""
    start_us = reader.last_us if reader.last_us is not None else file.start_us
    end_us = min([other.start_us for other in later if other.is_update and other.start_us > file.start_us] + [until_us])
    if start_us < end_us:
        yield Silence(start_us, end_us, "damaged file")


def _span(files: Sequence[ArchiveFile]) -> FileSpan | None:
    """Which time the last of some files says by its name that it covers; None where it says none."""
    file = files[-1]
    if file.named_us is None:
        return None
    updates = [other for other in files[-STEPS_OF - 1 :] if other.is_update]
    if len(updates) > 2:
        return FileSpan(file.path.name, file.named_us, file.named_us + period_of(file.collector, updates))
    cadence = has_cadence(file.collector)
    return FileSpan(file.path.name, file.named_us, file.named_us + 15 * MINUTE if cadence else None)
