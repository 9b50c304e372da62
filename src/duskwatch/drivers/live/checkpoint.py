"""A live run on disk: routing state, what was rolled, and up to when each collector was heard.

A file is a head (magic, version, length and SHA-256 of what follows) and a pickle. Files are replaced as a whole, and
the one before is kept: whenever a writer is killed, one of the two is whole. A pickle can run code when it is read;
the folder must be writable by nobody else.
"""

import hashlib
import io
import os
import pickle
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duskwatch.analysis.rolling import Rolling
from duskwatch.drivers.live.breaks import Breaks
from duskwatch.records.countries import CountryRanges
from duskwatch.records.errors import DuskwatchError

MAGIC, VERSION = b"dwlive\r\n", 1
HEAD = struct.Struct("<8sIQ32s")
NAME, BEFORE = "live.checkpoint", "live.checkpoint.before"
RANGES = "ranges"  # stands for what the reference files say, which are read again


class CheckpointError(DuskwatchError):
    """A checkpoint that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a run goes on from.

    made_us    by the clock on the wall
    heard_us   by collector, the time up to which all of it was told
    source_of  by collector, the source that told of it
    positions  by source, from where it can go on
    breaks     names of collectors that were learned anew
    """

    lots: tuple[Rolling, ...]
    made_us: int
    judged_us: int
    lasting_us: int | None
    heard_us: dict[str, int]
    source_of: dict[str, str]
    positions: dict[str, dict[str, int]]
    breaks: Breaks


def packed(checkpoint: Checkpoint, ranges: CountryRanges | None) -> bytes:
    """The file's content. The reference data is left out, wherever it is pointed to."""

    class Writer(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return RANGES if obj is ranges and ranges is not None else None

    out = io.BytesIO()
    out.write(bytes(HEAD.size))
    Writer(out, protocol=5).dump(checkpoint)
    data = out.getbuffer()
    data[: HEAD.size] = HEAD.pack(MAGIC, VERSION, len(data) - HEAD.size, hashlib.sha256(data[HEAD.size :]).digest())
    return bytes(data)


def write(folder: Path, content: bytes) -> None:
    """Put a checkpoint in place of the one that is there, which becomes the one before. OSError where that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    part, newest = folder / f".{NAME}.part", folder / NAME
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if newest.exists():
        newest.replace(folder / BEFORE)
    part.replace(newest)
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def read(folder: Path, lots: tuple[Rolling, ...], ranges: CountryRanges | None) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole and of the same entities, and why newer ones were not taken.

    lots  as the run would begin them: entities and bins must be the same
    """
    faults = []
    for name in (NAME, BEFORE):
        path = folder / name
        if not path.exists():
            continue
        try:
            found = unpacked(path.read_bytes(), ranges)
            _fits(found, lots)
        except (CheckpointError, OSError) as error:
            faults.append(f"{path.name}: {error}")
            continue
        return found, faults
    return None, faults


def unpacked(content: bytes, ranges: CountryRanges | None) -> Checkpoint:
    """What a file holds. CheckpointError where it is damaged, or of another version."""
    if len(content) < HEAD.size:
        raise CheckpointError(f"cut off after {len(content)} bytes")
    magic, version, length, digest = HEAD.unpack_from(content)
    if magic != MAGIC:
        raise CheckpointError("no checkpoint")
    if version != VERSION:
        raise CheckpointError(f"of version {version}; this program reads {VERSION}")
    body = memoryview(content)[HEAD.size :]
    if len(body) != length or hashlib.sha256(body).digest() != digest:
        raise CheckpointError("damaged: its checksum does not hold")

    class Reader(pickle.Unpickler):
        def persistent_load(self, pid: Any) -> Any:
            return ranges

    try:
        found = Reader(io.BytesIO(body)).load()
    except (pickle.UnpicklingError, AttributeError, ImportError, TypeError, KeyError) as error:
        raise CheckpointError(f"written by another version of duskwatch: {error}") from None
    if not isinstance(found, Checkpoint):
        raise CheckpointError("holds something else")
    return found


def _fits(found: Checkpoint, lots: tuple[Rolling, ...]) -> None:
    def what(one: Rolling) -> tuple[tuple[str, ...], int]:
        return tuple(entity.code for entity in one.watched.entities), one.watched.bin_us

    if [what(one) for one in found.lots] != [what(one) for one in lots]:
        raise CheckpointError("of other entities or other bins")
