"""What tasks of a backfill leave for each other: values whose arrays are mapped into memory, not read.

A file is a head, a pickle without the bytes of arrays (PEP 574), and these one after the other. Who takes a value reads
from the disk what is looked at, and the system may drop it again: the parts of many collectors need not fit in memory.
"""

import mmap
import os
import pickle
import struct
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"duskwork"
HEAD = struct.Struct("<8sQQ")  # magic, bytes of the pickle, number of arrays
ALIGNED = 64  # bytes; where arrays begin
# A file that is mapped stays open as long as its arrays live: small ones, of which a run holds hundreds, are read.
MAPPED_FROM = 32 << 20


def leave(path: Path, value: Any) -> None:
    """Write a value so that the file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    arrays: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=arrays.append)
    raws = [array.raw() for array in arrays]
    try:
        with part.open("wb") as file:
            file.write(HEAD.pack(MAGIC, len(pickled), len(raws)))
            file.write(struct.pack(f"<{len(raws)}Q", *(raw.nbytes for raw in raws)))
            file.write(pickled)
            for raw in raws:
                _align(file)
                file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def take(path: Path) -> Any:
    """What ``leave`` left; its arrays may be changed without changing the file.

    The work folder is this program's own: nothing from elsewhere is read so. EOFError where the file was cut off,
    pickle.UnpicklingError where it is none of ours.
    """
    with path.open("rb") as file:
        head = file.read(HEAD.size)
        if len(head) < HEAD.size:
            raise EOFError(f"{path}: cut off")
        magic, pickled, count = HEAD.unpack(head)
        if magic != MAGIC:
            raise pickle.UnpicklingError(f"{path}: not a file of a backfill")
        size = file.seek(0, os.SEEK_END)
        if HEAD.size + 8 * count + pickled > size:
            raise EOFError(f"{path}: cut off")
        file.seek(0)
        # Of what is mapped, a page that is written to becomes private; the others stay the file's.
        mapped = memoryview(
            bytearray(file.read()) if size < MAPPED_FROM else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        )
    lengths = struct.unpack_from(f"<{count}Q", mapped, HEAD.size)
    begin = HEAD.size + 8 * count
    places = list(_places(begin + pickled, lengths))
    if places and places[-1][1] > size:
        raise EOFError(f"{path}: cut off")
    return pickle.loads(mapped[begin : begin + pickled], buffers=[mapped[start:end] for start, end in places])


def _places(at: int, lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    for length in lengths:
        start = -(-at // ALIGNED) * ALIGNED
        at = start + length
        yield start, at


def _align(file: BinaryIO) -> None:
    file.write(bytes(-file.tell() % ALIGNED))
