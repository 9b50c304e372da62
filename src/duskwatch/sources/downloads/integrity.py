"""Whether a packed file is what its name says, and whether it is whole."""

import bz2
import hashlib
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from duskwatch.records.errors import InputError
from duskwatch.sources.downloads.checksum import Checksum, digest_of
from duskwatch.sources.downloads.errors import RefusedError

MAGIC = {".gz": (b"\x1f\x8b", "gzip"), ".bz2": (b"BZh", "bzip2"), ".xz": (b"\xfd7zXZ\x00", "xz")}
PIECE = 1 << 20
# Routing data pack to a tenth at most. What unpacks to this many times its size, and to more than a GiB, is no archive.
MOST_TIMES, SMALL = 200, 1 << 30
# Ends every bzip2 stream, at any bit; 32 bits of checksum and up to 7 of padding follow.
BZ2_END = 0x177245385090
BZ2_TAIL = 11


class DamagedError(InputError):
    """A packed file cannot be unpacked to its end."""


def wrong_magic(name: str, head: bytes) -> str | None:
    """What is wrong with a file that begins with ``head`` (4 octets or more), by its name; None where nothing is."""
    for ending, (magic, words) in MAGIC.items():
        if name.endswith(ending) and not head.startswith(magic[: len(head)]):
            shown = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in head[:16])
            return f"it is no {words} file; it begins with '{shown}'"
    return None


def damage(path: Path, name: str) -> str | None:
    """Why a packed file is not whole; None where it is, or where it is not packed.

    gzip and xz are unpacked to the end, their own checksums with them (isal takes about a second per GB unpacked). Of
    bzip2, whose unpacking would take longer than most downloads, only the mark that ends it is looked for; damage in
    its middle is found when it is read. Raises RefusedError for a file that unpacks without end.
    """
    if name.endswith(".bz2"):
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - BZ2_TAIL))
            if _ends_bz2(file.read()):
                return None
    elif not name.endswith((".gz", ".xz")):
        return None
    try:
        for _ in _unpacked(path, name):
            pass
    except DamagedError as error:
        return f"it cannot be unpacked to its end ({error})"
    return None


def _ends_bz2(tail: bytes) -> bool:
    """Whether the end-of-stream mark stands where it must, at one of the eight bit positions."""
    number = int.from_bytes(tail, "big")
    return any((number >> (32 + padding)) & ((1 << 48) - 1) == BZ2_END for padding in range(8))


def _unpacked(path: Path, name: str) -> Iterator[bytes]:
    from isal import igzip, igzip_lib

    failures: tuple[Any, ...] = (OSError, EOFError, ValueError, lzma.LZMAError, igzip_lib.IsalError)
    opened: Any
    if name.endswith(".gz"):
        opened = igzip.open(path, "rb")
    elif name.endswith(".bz2"):
        opened = bz2.open(path, "rb")  # noqa: SIM115
    else:
        opened = lzma.open(path, "rb")  # noqa: SIM115
    most = max(SMALL, MOST_TIMES * path.stat().st_size)
    total = 0
    try:
        with opened as stream:
            while piece := stream.read(PIECE):
                total += len(piece)
                if total > most:
                    raise RefusedError(f"it unpacks to more than {most} bytes, which no archive file does")
                yield piece
    except failures as error:
        raise DamagedError(str(error)) from None


def matches(path: Path, name: str, checksum: Checksum) -> bool:
    """Whether a file has a published sum, as stored or (registries sum the plain file and pack it later) unpacked."""
    if digest_of(path, checksum.algorithm) == checksum.hex:
        return True
    if not name.endswith(tuple(MAGIC)):
        return False
    total = hashlib.new(checksum.algorithm)
    try:
        for piece in _unpacked(path, name):
            total.update(piece)
    except DamagedError:
        return False
    return total.hexdigest() == checksum.hex
