"""Files, plain or compressed, as pieces of unpacked bytes.

Compression is known by magic bytes, not by name. Only pieces are held, so that what a file unpacks to is not bounded
by memory.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from duskwatch.sources.files.unpackers import BZIP2, LONGEST_MAGIC, Unpackers, magic_of

STORED_BYTES = 1 << 20
LEAST_WINDOW = 1 << 10
EMPTY_STREAMS = 1000  # so many in a row that hold nothing are passed over
SMALL_CALL = 4096  # unpacked bytes asked for at once where damage is near
# rapidgzip takes a while to load; below this the standard library is done before.
RAPIDGZIP_FROM_BYTES = 256 << 10


class TransportDamage(Exception):
    """Compressed data that cannot be unpacked any further. ``offset`` counts unpacked bytes."""

    def __init__(self, offset: int, expected: str, found: str) -> None:
        super().__init__(f"byte {offset}: expected {expected}, found {found}")
        self.offset = offset
        self.expected = expected
        self.found = found


class _Unclear(TransportDamage):
    """Damage that a library met in a call which, without it, would have given something."""


class Digest(Protocol):
    """What hashlib's objects offer."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""


def open_pieces(
    path: str | Path, *, piece_bytes: int = 4 << 20, threads: int = 1, digest: Digest | None = None
) -> Iterator[bytes]:
    """Unpacked bytes of a file in pieces of at most ``piece_bytes``; ``-`` is standard input.

    gzip is unpacked by isal, bzip2 by rapidgzip with that many threads (one thread, small files and pipes: by the
    standard library), xz and zstd by their own libraries. Several streams one after the other are one file, of which
    up to EMPTY_STREAMS in a row may be empty (any number of bzip2); zeros may pad the end. ``digest`` is fed with all
    bytes as stored, also where unpacking ends early or the iterator is closed.

    Raises OSError where the file cannot be read, and TransportDamage where compressed data are broken or cut off,
    after every byte that can be unpacked before that was given (of a pipe, all but the last SMALL_CALL).
    """
    if str(path) == "-":
        yield from _pieces(_Stored(sys.stdin.buffer, digest, chunk=piece_bytes), piece_bytes)
        return
    with Path(path).open("rb") as file:
        magic = file.read(4)
        size = file.seek(0, 2) if file.seekable() else 0
        if size:
            file.seek(0)
        if threads > 1 and magic_of(magic) == BZIP2 and size >= RAPIDGZIP_FROM_BYTES:
            yield from _rapid_bzip2(Path(path), _Stored(file, digest), piece_bytes, threads)
        else:
            yield from _pieces(_Stored(file, digest, b"" if size else magic, piece_bytes), piece_bytes)


class _Stored:
    """A file's bytes as stored; each goes into the digest once, however often it is read."""

    def __init__(self, file: BinaryIO, digest: Digest | None, ahead: bytes = b"", chunk: int = STORED_BYTES) -> None:
        self.chunk = min(STORED_BYTES, max(chunk, LONGEST_MAGIC))  # bytes to be read at once
        self._file = file
        self._digest = digest
        self._ahead = ahead  # bytes already taken off a pipe
        self.at = self._digested = 0

    def read(self, size: int) -> bytes:
        data = self._ahead + self._file.read(size)
        self._ahead = b""
        self.at += len(data)
        if self._digest is not None and self.at > self._digested:
            self._digest.update(data[len(data) - (self.at - self._digested) :])
            self._digested = self.at
        return data

    def rewind(self) -> bool:
        """Whether the file could be set back to its start."""
        if not self._file.seekable():
            return False
        self._file.seek(0)
        self.at = 0
        return True

    def finish(self) -> None:
        if self._digest is not None:
            while self.read(STORED_BYTES):
                pass


def _pieces(stored: _Stored, piece_bytes: int, given: int = 0) -> Iterator[bytes]:
    """Pieces behind the first ``given`` unpacked bytes."""
    try:
        first = stored.read(max(piece_bytes, LONGEST_MAGIC))
        if not magic_of(first):
            while first:
                for start in range(0, len(first), piece_bytes):
                    yield first[start : start + piece_bytes]
                first = stored.read(piece_bytes)
            return
        if not stored.rewind():
            # What broken data held may be asked for once only: never ask for much.
            yield from _gathered(_unpacked(stored, first, min(SMALL_CALL, piece_bytes), 0), piece_bytes)
            return
        near = None  # where in the stored bytes damage is near
        for call in (piece_bytes, min(SMALL_CALL, piece_bytes), 1):
            # A call that meets damage gives nothing. The next pass goes on from there in smaller steps, the last one
            # in single bytes, so that what stands before the damage is out before the damage is met.
            try:
                parts = _unpacked(stored, b"", call, given, near if call == 1 else None)
                for piece in parts if call == piece_bytes else _gathered(parts, piece_bytes):
                    yield piece
                    given += len(piece)
            except _Unclear as damage:
                if call == 1:
                    raise TransportDamage(damage.offset, damage.expected, damage.found) from None
                near = stored.at - stored.chunk
                stored.rewind()
            else:
                return
    finally:
        stored.finish()


def _gathered(parts: Iterator[bytes], piece_bytes: int) -> Iterator[bytes]:
    """Small parts joined into pieces; of what raises, first what came before."""
    held: list[bytes] = []
    have = 0
    try:
        for part in parts:
            if have + len(part) > piece_bytes:
                yield b"".join(held)
                held, have = [], 0
            held.append(part)
            have += len(part)
    except TransportDamage:
        if held:
            yield b"".join(held)
        raise
    if held:
        yield b"".join(held)


def _unpacked(stored: _Stored, ahead: bytes, call: int, given: int, near: int | None = None) -> Iterator[bytes]:
    """What one pass unpacks, ``call`` bytes at a time, without the first ``given``. ``ahead`` was read before.

    From the stored byte ``near`` on, stored bytes are taken one by one.
    """

    def read() -> bytes:
        return stored.read(stored.chunk if near is None or stored.at < near else 1)

    offset = 0
    chunk, at = ahead or stored.read(stored.chunk if near is None or near > 0 else LONGEST_MAGIC), 0
    window = STORED_BYTES
    unpackers, empty = Unpackers(), 0
    while True:
        magic = chunk[at : at + LONGEST_MAGIC]
        stream = unpackers.of(magic)
        fed, begin = 0, offset
        while not stream.eof:
            part = b""
            if stream.needs_input:
                if at == len(chunk):
                    chunk, at = read(), 0
                    if not chunk:
                        raise TransportDamage(offset, "more compressed data", "the end of the file")
                part = chunk[at : at + window]
                at += len(part)
                fed += len(part)
            room = min(STORED_BYTES, given - offset) if offset < given else call
            try:
                piece = stream.decompress(part, room)
            except Exception as error:  # each library has its own exceptions, and they all mean the same
                raise _Unclear(offset, "compressed data", str(error) or type(error).__name__) from None
            if piece:
                offset += len(piece)
                if offset > given:
                    yield piece
        empty = empty + 1 if offset == begin else 0
        if empty > EMPTY_STREAMS and magic_of(magic) != BZIP2:  # the parallel reader of bzip2 has no such limit
            raise TransportDamage(offset, "a compressed stream that holds something", f"{empty} empty ones in a row")
        # What a stream leaves is copied: where streams are tiny, little is handed on.
        left = len(stream.unused_data)
        window = min(max(4 * (fed - left), LEAST_WINDOW), STORED_BYTES)
        at -= left
        while at == len(chunk) or chunk[at] == 0:
            if at < len(chunk):
                chunk, at = chunk[at:].lstrip(b"\0"), 0
            else:
                chunk, at = read(), 0
                if not chunk:
                    return
        if len(chunk) - at < LONGEST_MAGIC:
            chunk, at = chunk[at:] + stored.read(LONGEST_MAGIC), 0
        if not magic_of(chunk[at : at + LONGEST_MAGIC]):
            raise TransportDamage(offset, "another compressed stream or the end", chunk[at : at + 8].hex(" "))


def _rapid_bzip2(path: Path, stored: _Stored, piece_bytes: int, threads: int) -> Iterator[bytes]:
    try:
        import rapidgzip
    except ImportError:
        yield from _pieces(stored, piece_bytes)
        return
    given = 0
    try:
        try:
            with rapidgzip.IndexedBzip2File(str(path), parallelization=threads) as file:
                while piece := file.read(piece_bytes):
                    yield piece
                    given += len(piece)
                whole = _only_zeros(path, (file.tell_compressed() + 7) // 8)
        except (RuntimeError, ValueError, EOFError):
            whole = False
        if not whole:
            # Once more, one block after the other: to give what stands before the damage and to say where it is.
            yield from _pieces(stored, piece_bytes, given)
    finally:
        stored.finish()


def _only_zeros(path: Path, at: int) -> bool:
    """Whether nothing but padding stands behind a stored position, which the reader passes over whatever it is."""
    with path.open("rb") as file:
        file.seek(at)
        while stored := file.read(STORED_BYTES):
            if stored.strip(b"\0"):
                return False
    return True
