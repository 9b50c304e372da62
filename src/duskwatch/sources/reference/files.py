"""Reference files as bytes: unpacked whole, bounded in size, hashed as stored, told apart by what is in them."""

import bz2
import gzip
import hashlib
import io
import lzma
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duskwatch.records.errors import InputError

MAX_BYTES = 1 << 30  # unpacked; the largest address databases in use are below this
_PIECE = 1 << 20
_MMDB_MARK = b"\xab\xcd\xefMaxMind.com"  # starts the metadata, within the last 128 KiB (MaxMind DB format, section 2)
_MMDB_TAIL = 128 * 1024
_MRT_TYPES = frozenset({5, 11, 12, 13, 16, 17, 32, 33, 48, 49})  # RFC 6396 sections 4 and 5


class ReferenceDataError(InputError):
    """A reference file cannot be used; the message names the file, the place and what was expected, in one line."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file, read whole."""

    path: Path
    data: bytes  # unpacked
    sha256: str  # of the file as stored
    size_bytes: int  # as stored

    @property
    def name(self) -> str:
        """The name without the folders above."""
        return self.path.name

    @property
    def packed(self) -> bool:
        """Whether the file is stored compressed."""
        return len(self.data) != self.size_bytes


def read_stored(path: Path | str, max_bytes: int = MAX_BYTES) -> StoredFile:
    """Read a plain, gzip, bzip2 or xz file. ReferenceDataError where it cannot be read or unpacks to too much."""
    path = Path(path)
    try:
        if path.is_dir():
            raise ReferenceDataError(f"{path}: is a folder; name a file")
        size = path.stat().st_size
        if size > max_bytes:
            raise ReferenceDataError(f"{path}: {size} bytes is more than a reference file may hold ({max_bytes})")
        stored = path.read_bytes()
    except OSError as error:
        raise ReferenceDataError(f"{path}: cannot be read: {error.strerror or error}") from None
    return StoredFile(path, _unpacked(path, stored, max_bytes), hashlib.sha256(stored).hexdigest(), len(stored))


_PACKED: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)


def _unpacked(path: Path, stored: bytes, max_bytes: int) -> bytes:
    opener = next((opener for magic, opener in _PACKED if stored.startswith(magic)), None)
    if opener is None:
        return stored
    pieces, total = [], 0
    try:
        with opener(io.BytesIO(stored)) as stream:
            while piece := stream.read(_PIECE):
                pieces.append(piece)
                total += len(piece)
                if total > max_bytes:
                    raise ReferenceDataError(f"{path}: unpacks to more than {max_bytes} bytes, too much for this kind")
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ReferenceDataError(f"{path}: cannot be unpacked after {total} bytes: {error}") from None
    return b"".join(pieces)


def is_mmdb(data: bytes) -> bool:
    """Whether these bytes carry the mark of a MaxMind-format database."""
    return data.rfind(_MMDB_MARK, max(0, len(data) - _MMDB_TAIL)) >= 0


def describe(data: bytes) -> str:
    """What unpacked bytes look like, in words that finish "this is ...": for messages about files of the wrong kind."""
    if not data:
        return "an empty file"
    if is_mmdb(data):
        return "a MaxMind-format database"
    head = data[:4096]
    for magic, words in _MAGIC:
        if head.startswith(magic):
            return words
    if len(data) >= 12 and int.from_bytes(data[4:6], "big") in _MRT_TYPES and data[4:5] == b"\x00":
        length = int.from_bytes(data[8:12], "big")
        if 0 < length < 1 << 20:
            return "an MRT file (routing data: give it with --mrt)"
    if b"\x00" in head:
        return "a binary file of an unknown kind"
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if text[:1] in ("{", "["):
        return "a JSON file"
    if text[:1] == "<":
        return "an HTML or XML page"
    line = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    if re.match(r"(AS)?\d+[ \t]+\S", line):
        return "a text file of numbers and names"
    if line.count(",") >= 1:
        return "a comma-separated file"
    if re.match(r"[\w.-]+\|.*\|", line):
        return "a file of fields split by |"
    return "a text file"


_MAGIC = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a ZIP archive (unpack it first)"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file (unpack it first)"),
    (b"%PDF", "a PDF document"),
)
