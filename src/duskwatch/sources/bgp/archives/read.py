"""Archive files of one collector as messages (``records.messages``): what names, gaps and damage of files tell.

Files are unpacked ahead in threads; open_ahead() gives what messages() reads.
"""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

from duskwatch.records.elems import ElemBlock, Kind, PeerTable, RibBlock
from duskwatch.records.messages import DumpBegin, DumpEnd, FileSpan, InputDone, Message, Silence
from duskwatch.records.report import InputFile
from duskwatch.records.times import MINUTE
from duskwatch.sources.bgp.archives.find import ArchiveFile, named_time, period_of
from duskwatch.sources.bgp.archives.gaps import silences_before
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.files.ahead import read_ahead
from duskwatch.sources.files.digest import ThreadedSha256
from duskwatch.sources.files.pieces import open_pieces

PIECE_BYTES = 4 << 20
# What a file that is unpacked ahead takes: pieces that wait, the one being made, and its stored bytes.
FILE_AHEAD_BYTES = 8 * PIECE_BYTES
# The span of a file is the usual step between the files up to it, of so many at most.
STEPS_OF = 50
NO_ROUTES = "holds no route; it was not taken for a table dump"

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


def messages(files: Sequence[ArchiveFile], opened: Iterable[Opened], from_us: int, until_us: int) -> Iterator[Message]:
    """What the files of one collector tell, in the order that they sort by, as it is needed for a window.

    What is missing is told from the first file on, or from the window's beginning where that is earlier, up to the
    window's end. OSError where a file cannot be read.
    """
    peers = PeerTable()
    inputs: list[InputFile] = []
    since_us = min(from_us, files[0].start_us)
    silences = silences_before(files, since_us, until_us)
    for number, (file, (pieces, digest)) in enumerate(zip(files, opened, strict=True)):
        yield from silences[number]
        reader, note = MrtReader(pieces, peers), ""
        if file.is_update:
            span = _span(files[: number + 1])
            if span is not None:
                yield span
            yield from reader
            if reader.damage is not None:
                yield from _damaged(file, reader, files[number + 1 :], until_us)
        else:
            note = "" if (yield from _dump(file, reader)) else NO_ROUTES
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
                note,
            )
        )
        yield InputDone(inputs[-1])
    yield from silences[-1]


def _dump(file: ArchiveFile, reader: MrtReader) -> Generator[Message, None, bool]:
    """A table dump; returns whether it holds any route."""
    begun = False
    for block in reader.routes():
        if not begun and not _has_routes(block):
            continue  # the peer index table; a dump of which no route follows is none
        if not begun:
            said_us = int(block.time_us[0]) if len(block.time_us) else file.start_us
            yield DumpBegin(file.path.name, said_us, named_time(file.path.name, file.collector))
            begun = True
        yield block
    if begun:
        yield DumpEnd(complete=reader.damage is None)
    return begun


def _has_routes(block: ElemBlock | RibBlock) -> bool:
    return len(block.time_us) > 0 and (isinstance(block, RibBlock) or bool((block.kind == Kind.RIB).any()))


def _damaged(file: ArchiveFile, reader: MrtReader, later: Sequence[ArchiveFile], until_us: int) -> Iterator[Silence]:
    """What a damaged update file leaves unseen, from its last good record to the next file."""
    start_us = reader.last_us if reader.last_us is not None else file.start_us
    end_us = min([other.start_us for other in later if other.is_update and other.start_us > file.start_us] + [until_us])
    if start_us < end_us:
        yield Silence(start_us, end_us, "damaged file")


def _span(files: Sequence[ArchiveFile]) -> FileSpan | None:
    """Which time the last of some files says by its name that it covers; None where it says none."""
    file = files[-1]
    start_us = named_time(file.path.name, file.collector)
    if start_us is None:
        return None
    updates = [other for other in files[-STEPS_OF - 1 :] if other.is_update]
    if len(updates) > 2:
        return FileSpan(file.path.name, start_us, start_us + period_of(file.collector, updates))
    known = file.collector.startswith(("rrc", "route-views"))
    return FileSpan(file.path.name, start_us, start_us + 15 * MINUTE if known else None)
