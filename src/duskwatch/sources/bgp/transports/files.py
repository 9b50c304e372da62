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
    bzip2 by their own libraries. ``digest`` is fed with the bytes as stored. Raises OSError where the file cannot be
    read, TransportDamage after everything that could be unpacked where it is damaged or cut off.
    """
    if str(path) == "-":
        yield from _pieces(sys.stdin.buffer, piece_bytes, digest)
        return
    with Path(path).open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        if magic[:3] == BZIP2 and threads > 1 and file.seekable():
            yield from _parallel_bzip2(file, Path(path), piece_bytes, threads, digest)
        else:
            yield from _pieces(file, piece_bytes, digest)


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
    while True:
        try:
            piece = unpacker.decompress(stored, piece_bytes)
        except Exception as error:  # each library has its own exceptions, and they all mean the same
            raise TransportDamage(offset, "compressed data", str(error) or type(error).__name__) from None
        stored = b""
        if piece:
            offset += len(piece)
            yield piece
        if unpacker.eof:
            # Files may be several streams one after the other; zero octets may pad the end.
            stored = unpacker.unused_data or read()
            if not stored.strip(b"\0"):
                stored = read()
                if not stored:
                    return
            unpacker = new()
        elif unpacker.needs_input:
            stored = read()
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
        return _Zstd
    return None


class _Zstd:
    """zstandard's decompressor behind the interface of the others."""

    def __init__(self) -> None:
        import zstandard

        self._pending = b""
        self._object = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj(write_size=1 << 20)
        self.eof = False
        self.unused_data = b""

    @property
    def needs_input(self) -> bool:
        return not self._pending

    def decompress(self, stored: bytes, piece_bytes: int) -> bytes:
        if not self._pending:
            # A little at a time: one block may unpack to a thousand times its size.
            self._rest = getattr(self, "_rest", b"") + stored
            self._pending = self._object.decompress(self._rest[:65536])
            self._rest = self._rest[65536:]
        piece, self._pending = self._pending[:piece_bytes], self._pending[piece_bytes:]
        if self._object.eof and not self._pending:
            self.eof = True
            self.unused_data = self._object.unused_data + self._rest
        elif not self._pending and self._rest and not piece:
            return self.decompress(b"", piece_bytes)
        return piece


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
    except GeneratorExit:
        raise
    except Exception:
        # Unpack again, one block after the other, to give what stands before the damage and to say where it is.
        for piece in _pieces(file, piece_bytes, digest):
            skip = min(offset, len(piece))
            offset -= skip
            if skip < len(piece):
                yield piece[skip:]
        return
    if digest is not None:
        while stored := file.read(STORED_BYTES):
            digest.update(stored)
