"""Libraries that unpack, behind one interface, and the magic bytes that tell which one is needed."""

from typing import Any, Protocol

GZIP, BZIP2, XZ, ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
LONGEST_MAGIC = 8  # octets that are enough to tell
ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # behind a first octet of 0x50 to 0x5F (RFC 8878 section 3.1.2)
XZ_MEMORY = 512 << 20  # what a stream may ask for; xz -9 asks for 65 MiB
ZSTD_WINDOW = 128 << 20  # zstd --long asks for as much
ZSTD_STORED = 128  # stored bytes per call: four of them may stand for 128 KiB


class Unpacker(Protocol):
    """One compressed stream, as bz2.BZ2Decompressor takes it apart."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take stored bytes and give at most so many unpacked ones; what is left is kept for the next call."""


def magic_of(data: bytes) -> bytes:
    """The magic bytes that data begin with; empty where nothing is compressed."""
    if data[1:4] == ZSTD_SKIPPABLE and 0x50 <= data[0] <= 0x5F:
        return ZSTD
    for magic in (GZIP, BZIP2, XZ, ZSTD):
        if data.startswith(magic):
            return magic
    return b""


class Unpackers:
    """What unpacks the streams of one file, one after the other."""

    def __init__(self) -> None:
        self._zstd: Any = None

    def of(self, data: bytes) -> Unpacker:
        """What unpacks a stream that begins with these bytes; ValueError where nothing does."""
        magic = magic_of(data)
        made: Any
        if magic == GZIP:
            from isal import igzip_lib

            made = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        elif magic == BZIP2:
            import bz2

            made = bz2.BZ2Decompressor()
        elif magic == XZ:
            import lzma

            made = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
        elif magic == ZSTD:
            if self._zstd is None:
                import zstandard

                # Its memory is what takes the time of tiny frames: one serves them all.
                self._zstd = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
            made = _Zstd(self._zstd.decompressobj(write_size=1 << 17))
        else:
            raise ValueError("not compressed in a known way")
        return made  # type: ignore[no-any-return]


class _Zstd:
    """One zstd frame. The library's own object has no bound on what one call gives; feeding it little sets one."""

    def __init__(self, unpacks: Any) -> None:
        self._object = unpacks
        self._stored = memoryview(b"")
        self._ready = bytearray()
        self._error: Exception | None = None  # raised once all that came before it is given
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if data:
            self._stored = memoryview(bytes(self._stored) + data)
        try:
            while len(self._ready) < max_length and self._stored and not self._object.eof and self._error is None:
                step, self._stored = self._stored[:ZSTD_STORED], self._stored[ZSTD_STORED:]
                self._ready += self._object.decompress(step)
        except Exception as error:
            self._error = error
        if self._error is not None and not self._ready:
            raise self._error
        piece = bytes(self._ready[:max_length])
        del self._ready[:max_length]
        done = self._object.eof and not self._ready
        if done:
            self.eof = True
            self.unused_data = self._object.unused_data + bytes(self._stored)
        self.needs_input = not self._ready and not self._stored and not done and self._error is None
        return piece
