"""What stands before the damage in broken files and pipes, to the octet; which reader takes bzip2."""

import bz2
import gzip
import hashlib
import io
import lzma
import random
import sys
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.sources.files.pieces import RAPIDGZIP_FROM_BYTES, SMALL_CALL, TransportDamage, open_pieces


def _xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=1)


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": _xz, "zst": _zstd}
# 3 MB, of which some can be packed well and some cannot; more than three blocks of bzip2.
RAW = b"".join(n.to_bytes(4, "big") + random.Random(n).randbytes(8) + b"65536 4837 " * (n % 8) for n in range(60_000))
LARGE = pytest.mark.parametrize("threads", [1, 2])
EVERY = pytest.mark.parametrize("kind", PACK)


def unpack(path: Path | str, **options) -> tuple[bytes, TransportDamage | None]:
    """What comes out, and the damage; checks the digest where there is a file."""
    digest, pieces, damage = hashlib.sha256(), [], None
    try:
        pieces.extend(open_pieces(path, digest=digest, **options))
    except TransportDamage as met:
        damage = met
    if path != "-":
        assert digest.digest() == hashlib.sha256(Path(path).read_bytes()).digest()
    assert all(pieces)
    assert max(map(len, pieces), default=0) <= options.get("piece_bytes", 4 << 20)
    return b"".join(pieces), damage


@pytest.fixture
def pipe(monkeypatch):
    """Makes standard input a pipe that holds some bytes."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_args: int) -> int:
            raise OSError("a pipe")

    def fill(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe(data)))

    return fill


def test_a_skippable_zstd_frame_is_skipped(tmp_path):
    path = tmp_path / "file"
    skippable = b"\x53\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    path.write_bytes(skippable + _zstd(RAW) + skippable)
    assert unpack(path) == (RAW, None)


@LARGE
@EVERY
def test_a_broken_octet_in_the_middle_costs_nothing_that_stands_before_it(tmp_path, kind, threads):
    path = tmp_path / "file"
    head, tail = PACK[kind](RAW[:1_000_000]), bytearray(PACK[kind](RAW[1_000_000:]))
    tail[len(tail) // 2] ^= 0xFF
    path.write_bytes(head + bytes(tail))
    found, damage = unpack(path, threads=threads)
    assert found[:1_000_000] == RAW[:1_000_000]
    assert damage is not None
    assert damage.offset == len(found)
    assert unpack(path, threads=threads, piece_bytes=5000)[0] == found


@EVERY
def test_a_checksum_that_does_not_hold_is_damage_after_the_last_octet(tmp_path, kind):
    path = tmp_path / "file"
    packed = bytearray(PACK[kind](RAW[:50_000]))
    if kind == "xz":
        index = (int.from_bytes(packed[-8:-4], "little") + 1) * 4  # its size stands in the footer of 12 octets
        packed[-12 - index - 1] ^= 1  # the block's check stands before both
    else:
        packed[-1 if kind == "zst" else -6] ^= 1
    path.write_bytes(packed)
    found, damage = unpack(path)
    assert RAW[:50_000].startswith(found)
    assert len(found) >= 49_990
    assert damage is not None
    assert damage.expected == "compressed data"


def test_large_bzip2_files_are_read_by_the_parallel_reader(tmp_path, monkeypatch):
    rapidgzip = pytest.importorskip("rapidgzip")
    opened = []

    class Spy(rapidgzip.IndexedBzip2File):
        def __init__(self, path, parallelization):
            opened.append(parallelization)
            super().__init__(path, parallelization=parallelization)

    monkeypatch.setattr(rapidgzip, "IndexedBzip2File", Spy)
    path = tmp_path / "file"
    packed = bz2.compress(RAW)
    assert len(packed) > RAPIDGZIP_FROM_BYTES
    path.write_bytes(packed)
    assert unpack(path, threads=2) == (RAW, None)
    assert opened == [2]
    assert unpack(path, threads=1) == (RAW, None)
    path.write_bytes(bz2.compress(RAW[:10_000]))
    assert unpack(path, threads=2) == (RAW[:10_000], None)
    assert opened == [2]


@EVERY
def test_of_a_broken_pipe_all_but_a_little_before_the_damage_comes_out(pipe, kind):
    tail = bytearray(PACK[kind](RAW[1_000_000:]))
    tail[len(tail) // 2] ^= 0xFF
    pipe(PACK[kind](RAW[:1_000_000]) + bytes(tail))
    found, damage = unpack("-")
    assert found[: 1_000_000 - SMALL_CALL] == RAW[: 1_000_000 - SMALL_CALL]
    assert damage is not None
    assert damage.offset == len(found)


def test_a_file_that_is_not_there_raises_what_the_system_says(tmp_path):
    with pytest.raises(FileNotFoundError):
        next(open_pieces(tmp_path / "absent"))
    with pytest.raises(IsADirectoryError):
        next(open_pieces(tmp_path))


def test_an_xz_stream_that_asks_for_too_much_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("duskwatch.sources.files.unpackers.XZ_MEMORY", 1 << 20)
    path = tmp_path / "file"
    path.write_bytes(lzma.compress(RAW, preset=9))
    assert "emory" in str(unpack(path)[1])


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(PACK)), st.data())
def test_no_bytes_raise_anything_but_damage(kind, data):
    import tempfile

    packed = bytearray(PACK[kind](RAW[:20_000]))
    for _ in range(data.draw(st.integers(1, 5))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.NamedTemporaryFile() as file:
        file.write(packed)
        file.flush()
        unpack(file.name)
