"""Files, plain or compressed, as pieces of unpacked bytes.

Compression is told by magic bytes, not by name. Only pieces are held, so that what a file unpacks to is not bounded
by memory.
"""

import bz2
import lzma
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

STORED_BYTES = 1 << 20
LEAST_WINDOW = 1 << 10  # stored bytes handed on at once where streams are tiny
ZSTD_BYTES = 1024  # handed to zstd at once: 4 may unpack to 128 KiB, so that this unpacks to 32 MiB at most
GZIP, BZIP2, XZ, ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"


class TransportDamage(Exception):
    """Compressed data that cannot be unpacked any further. ``offset`` counts unpacked bytes."""

    def __init__(self, offset: int, expected: str, found: str) -> None:
        super().__init__(f"byte {offset}: expected {expected}, found {found}")
        self.offset = offset
        self.expected = expected
        self.found = found


class Digest(Protocol):
    """What hashlib's objects offer."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""


def open_pieces(
    path: str | Path, *, piece_bytes: int = 4 << 20, threads: int = 1, digest: Digest | None = None
) -> Iterator[bytes]:
    """Unpacked bytes of a file in pieces of at most ``piece_bytes``; ``-`` is standard input.

    gzip is unpacked by isal, bzip2 by rapidgzip's reader with that many threads, xz, zstd and the rest of
    bzip2 by their own libraries. ``digest`` is fed with the bytes as stored: all of a file's, even where the file is
    damaged or reading is given up. Raises OSError where the file cannot be read, TransportDamage after everything that
    could be unpacked where it is damaged or cut off.
    """
    if str(path) == "-":
        yield from _pieces(sys.stdin.buffer, piece_bytes, digest)
        return
    with Path(path).open("rb") as file:
        try:
            if threads > 1 and file.seekable() and file.peek(3).startswith(BZIP2):
                yield from _parallel_bzip2(file, Path(path), piece_bytes, threads, digest)
            else:
                yield from _pieces(file, piece_bytes, digest)
        finally:
            while digest is not None and (stored := file.read(STORED_BYTES)):
                digest.update(stored)


def _pieces(file: BinaryIO, piece_bytes: int, digest: Digest | None) -> Iterator[bytes]:
    def read() -> bytes:
        data = file.read(STORED_BYTES)
        if digest is not None:
            digest.update(data)
        return data

    stored = read()
    new = _unpacker(stored[:6])
    if new is None:
        while stored:
            for start in range(0, len(stored), piece_bytes):
                yield stored[start : start + piece_bytes]
            stored = read()
        return
    unpacker, offset = new(), 0
    # How much is handed on at once. What a stream leaves is copied, so where streams are tiny, little is handed on.
    at, window, taken = 0, STORED_BYTES, 0
    while True:
        part = stored[at : at + window]
        at += len(part)
        taken += len(part)
        try:
            piece = unpacker.decompress(part, piece_bytes)
        except Exception as error:  # each library has its own exceptions, and they all mean the same
            raise TransportDamage(offset, "compressed data", str(error) or type(error).__name__) from None
        if piece:
            offset += len(piece)
            yield piece
        if unpacker.eof:
            # Files may be several streams one after the other; zero octets may pad what follows.
            left = len(unpacker.unused_data)
            window = min(max(4 * (taken - left), LEAST_WINDOW), STORED_BYTES)
            at, taken = at - left, 0
            while not (rest := stored[at : at + window].lstrip(b"\0")):
                at += window
                if at >= len(stored):
                    stored, at = read(), 0
                    if not stored:
                        return
            at = min(at + window, len(stored)) - len(rest)
            unpacker = new()
        elif unpacker.needs_input:
            window = min(2 * window, STORED_BYTES)
            if at == len(stored):
                stored, at = read(), 0
                if not stored:
                    raise TransportDamage(offset, "more compressed data", "the end of the file")


def _unpacker(magic: bytes) -> Callable[[], Any] | None:
    """Makes objects with the interface of bz2.BZ2Decompressor; None where nothing is compressed."""
    if magic.startswith(GZIP):
        from isal import igzip_lib

        return lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    if magic.startswith(BZIP2):
        return bz2.BZ2Decompressor
    if magic.startswith(XZ):
        return lzma.LZMADecompressor
    if magic.startswith(ZSTD):
        import zstandard

        context = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        return lambda: _Zstd(context)
    return None


class _Zstd:
    """One zstd frame, with the interface of bz2.BZ2Decompressor."""

    def __init__(self, context: Any) -> None:
        self._object = context.decompressobj(write_size=1 << 17)
        self._stored = b""
        self._at = 0  # how much of what is stored was handed on
        self._unpacked = b""
        self._error: Exception | None = None

    @property
    def eof(self) -> bool:
        """Whether the frame has ended and all of it was handed out."""
        return self._object.eof and not self._unpacked

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without more stored bytes."""
        return not (self._unpacked or self._error or self._at < len(self._stored) or self.eof)

    @property
    def unused_data(self) -> bytes:
        """Stored bytes behind the end of the frame; empty before it."""
        return self._object.unused_data + self._stored[self._at :] if self.eof else b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most ``max_length`` unpacked bytes; empty where more stored bytes are needed first."""
        import zstandard

        if data:
            self._stored, self._at = self._stored[self._at :] + data, 0
        pieces, room = [], max_length
        while room:
            if not self._unpacked:
                if self._error is not None or self._at == len(self._stored) or self._object.eof:
                    break
                part = self._stored[self._at : self._at + ZSTD_BYTES]
                self._at += len(part)
                try:
                    self._unpacked = self._object.decompress(part)
                except zstandard.ZstdError as error:
                    self._error = error
                    break
            pieces.append(self._unpacked[:room])
            self._unpacked = self._unpacked[room:]
            room -= len(pieces[-1])
        if self._error is not None and not pieces:
            raise self._error
        return b"".join(pieces)  # what stands before the damage comes first


def _parallel_bzip2(
    file: BinaryIO, path: Path, piece_bytes: int, threads: int, digest: Digest | None
) -> Iterator[bytes]:
    try:
        import rapidgzip
    except ImportError:
        yield from _pieces(file, piece_bytes, digest)
        return
    offset = 0
    try:
        with rapidgzip.IndexedBzip2File(str(path), parallelization=threads) as unpacked:
            while piece := unpacked.read(piece_bytes):
                yield piece
                offset += len(piece)
            whole = _only_zeros(file, (unpacked.tell_compressed() + 7) // 8)
    except GeneratorExit:
        raise
    except Exception:
        whole = False
    if whole:
        return
    # Unpack again, one block after the other, to give what stands before the damage and to say where it is.
    for piece in _pieces(file, piece_bytes, digest):
        skip = min(offset, len(piece))
        offset -= skip
        if skip < len(piece):
            yield piece[skip:]


def _only_zeros(file: BinaryIO, at: int) -> bool:
    """Whether nothing but padding stands behind a position; the file is at its start again."""
    try:
        file.seek(at)
        while stored := file.read(STORED_BYTES):
            if stored.strip(b"\0"):
                return False
        return True
    finally:
        file.seek(0)
