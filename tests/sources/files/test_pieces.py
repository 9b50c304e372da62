"""Files of every kind of compression, whole, cut off, corrupt and hostile."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard

from duskwatch.sources.files.pieces import EMPTY_STREAMS, TransportDamage, open_pieces

# Neither all noise nor all alike, and some blocks of bzip2 long.
CONTENT = b"".join(b"%d|%x\n" % (i, random.Random(i).getrandbits(40)) for i in range(150_000))
PACK = {
    "plain": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: zstandard.ZstdCompressor(level=1, write_checksum=True).compress(data),
}
PACKED = {kind: pack(CONTENT) for kind, pack in PACK.items()}
COMPRESSED = ("gz", "bz2", "xz", "zst")
EACH = [(kind, threads) for kind in PACK for threads in ((1, 2) if kind == "bz2" else (1,))]


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "no-telling-name"
    path.write_bytes(data)
    return path


def damaged(path: Path, threads: int = 1) -> tuple[bytes, TransportDamage]:
    pieces = []

    def collect() -> None:
        for piece in open_pieces(path, threads=threads, piece_bytes=50_000):
            pieces.append(piece)

    with pytest.raises(TransportDamage) as caught:
        collect()
    return b"".join(pieces), caught.value


@pytest.mark.parametrize(("kind", "threads"), EACH)
def test_what_was_packed_comes_out(tmp_path, kind, threads):
    path = write(tmp_path, PACKED[kind])
    assert b"".join(open_pieces(path, threads=threads)) == CONTENT


@pytest.mark.parametrize(("kind", "threads"), EACH)
@pytest.mark.parametrize("size", [1000, 1 << 17])
def test_no_piece_is_longer_than_asked_for(tmp_path, kind, threads, size):
    pieces = list(open_pieces(write(tmp_path, PACKED[kind]), threads=threads, piece_bytes=size))
    assert max(map(len, pieces)) <= size
    assert min(map(len, pieces)) > 0
    assert b"".join(pieces) == CONTENT


@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize("threads", [1, 2])
def test_streams_one_after_the_other_are_one_file(tmp_path, kind, threads):
    data = PACK[kind](CONTENT[:70_001]) + PACK[kind](b"") + PACK[kind](CONTENT[70_001:])
    assert b"".join(open_pieces(write(tmp_path, data), threads=threads)) == CONTENT


@pytest.mark.parametrize(("kind", "threads"), [each for each in EACH if each[0] != "plain"])
@pytest.mark.parametrize("padding", [1, 512, 3_000_000])
def test_zeros_behind_a_compressed_file_are_padding(tmp_path, kind, threads, padding):
    path = write(tmp_path, PACKED[kind] + bytes(padding))
    assert b"".join(open_pieces(path, threads=threads)) == CONTENT


@pytest.mark.parametrize("kind", COMPRESSED)
def test_zeros_between_streams_are_padding(tmp_path, kind):
    parts = [CONTENT[at : at + 1000] for at in range(0, 20_000, 1000)]
    path = write(tmp_path, b"".join(PACK[kind](part) + bytes(at * 37) for at, part in enumerate(parts)))
    assert b"".join(open_pieces(path)) == CONTENT[:20_000]


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_many_tiny_streams_take_time_in_proportion_to_their_number(tmp_path, kind):
    tiny = PACK[kind](b"a")

    def seconds(streams: int) -> float:
        path = write(tmp_path, streams * tiny)
        began = time.process_time()
        assert b"".join(open_pieces(path)) == streams * b"a"
        return time.process_time() - began

    few = (1 << 17) // len(tiny)
    # Were the rest of what is stored copied for each stream, it would be more than 30.
    assert seconds(8 * few) < 20 * seconds(few)


@pytest.mark.parametrize("kind", ["gz", "xz", "zst"])
def test_streams_that_hold_nothing_are_passed_over_up_to_a_count(tmp_path, kind):
    nothing, some = PACK[kind](b""), PACK[kind](b"some")
    path = write(tmp_path, (some + nothing * EMPTY_STREAMS) * 3)
    assert b"".join(open_pieces(path)) == b"some" * 3
    path = write(tmp_path, some + nothing * (EMPTY_STREAMS + 1) + some)
    pieces = []
    with pytest.raises(TransportDamage) as damage:
        pieces.extend(open_pieces(path))
    assert b"".join(pieces) == b"some"
    assert str(damage.value) == (
        f"byte 4: expected a compressed stream that holds something, found {EMPTY_STREAMS + 1} empty ones in a row"
    )


@pytest.mark.parametrize("threads", [1, 2])
def test_empty_streams_of_bzip2_are_passed_over_by_both_readers(tmp_path, threads):
    noise = random.Random(2).randbytes(300_000)  # enough for the parallel reader
    path = write(tmp_path, bz2.compress(noise) + bz2.compress(b"") * (EMPTY_STREAMS + 1) + bz2.compress(noise))
    assert b"".join(open_pieces(path, threads=threads)) == noise * 2


def test_frames_without_content_cost_nothing_past_the_count(tmp_path):
    path = write(tmp_path, PACK["zst"](b"") * 200_000)
    began = time.process_time()
    with pytest.raises(TransportDamage):
        list(open_pieces(path))
    assert time.process_time() - began < 1


def test_two_files_of_zstd_are_read_in_turn(tmp_path):
    """What unpacks frames is kept from frame to frame of a file, not from file to file."""
    (tmp_path / "other").mkdir()
    paths = [write(tmp_path, PACK["zst"](CONTENT) * 2), write(tmp_path / "other", PACK["zst"](CONTENT[::-1]) * 2)]
    both = [open_pieces(path, piece_bytes=10_000) for path in paths]
    pairs = list(zip(*both, strict=True))
    assert b"".join(one for one, _ in pairs) == CONTENT * 2
    assert b"".join(other for _, other in pairs) == CONTENT[::-1] * 2


def test_zstd_without_a_checksum_may_be_wrong_unnoticed_and_with_one_is_not(tmp_path):
    """As docs/reference/mrt.md says."""
    noise = random.Random(1).randbytes(10_000)  # stored as it is, so that an octet can change alone
    for check in (False, True):
        packed = bytearray(zstandard.ZstdCompressor(write_checksum=check).compress(noise))
        packed[5000] ^= 1
        path = write(tmp_path, bytes(packed))
        if check:
            found, damage = damaged(path)
            assert len(found) == damage.offset == len(noise)
            assert "checksum" in damage.found
        else:
            found = b"".join(open_pieces(path))
            assert len(found) == len(noise)
            assert found != noise


@pytest.mark.parametrize("kind", PACK)
def test_a_pipe_is_read_like_a_file(tmp_path, kind):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(PACKED[kind],))
    writer.start()
    assert b"".join(open_pieces(pipe, threads=2)) == CONTENT
    writer.join()


@pytest.mark.parametrize("kind", PACK)
def test_standard_input_is_read_like_a_file(monkeypatch, kind):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(PACKED[kind])))
    digest = hashlib.sha256()
    assert b"".join(open_pieces("-", digest=digest)) == CONTENT
    assert digest.digest() == hashlib.sha256(PACKED[kind]).digest()


@pytest.mark.parametrize(("kind", "threads"), EACH)
def test_the_digest_is_that_of_the_file_as_stored(tmp_path, kind, threads):
    digest = hashlib.sha256()
    for _ in open_pieces(write(tmp_path, PACKED[kind]), threads=threads, digest=digest):
        pass
    assert digest.hexdigest() == hashlib.sha256(PACKED[kind]).hexdigest()


@pytest.mark.parametrize(("kind", "threads"), EACH)
def test_the_digest_is_that_of_the_whole_file_where_reading_is_given_up(tmp_path, kind, threads):
    digest = hashlib.sha256()
    pieces = open_pieces(write(tmp_path, PACKED[kind]), threads=threads, digest=digest, piece_bytes=1000)
    next(pieces)
    pieces.close()
    assert digest.hexdigest() == hashlib.sha256(PACKED[kind]).hexdigest()


@pytest.mark.parametrize(("kind", "threads"), [each for each in EACH if each[0] != "plain"])
def test_the_digest_is_that_of_the_whole_file_where_it_is_damaged(tmp_path, kind, threads):
    stored = bytearray(PACKED[kind])
    stored[len(stored) // 3 : len(stored) // 3 + 64] = b"\xff" * 64
    digest = hashlib.sha256()
    with pytest.raises(TransportDamage):
        list(open_pieces(write(tmp_path, stored), threads=threads, digest=digest))
    assert digest.hexdigest() == hashlib.sha256(stored).hexdigest()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize("share", [0.1, 0.6, 0.999])
def test_of_a_file_that_was_cut_off_everything_before_comes_out(tmp_path, kind, threads, share):
    stored = PACKED[kind][: int(len(PACKED[kind]) * share)]
    found, damage = damaged(write(tmp_path, stored), threads)
    assert CONTENT.startswith(found)
    assert damage.offset == len(found)
    # At most a block is lost: 900 kB of bzip2, 128 KiB of zstd, next to nothing of gzip and xz.
    lost = {"gz": 1 << 16, "bz2": 950_000, "xz": 1 << 16, "zst": 1 << 18}[kind]
    assert len(found) >= len(CONTENT) * share * 0.9 - lost
    assert "end of the file" in damage.found


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", COMPRESSED)
def test_of_a_corrupt_file_what_stands_before_comes_out(tmp_path, kind, threads):
    good, bad = PACK[kind](CONTENT[:1_000_000]), bytearray(PACK[kind](CONTENT[1_000_000:]))
    middle = len(bad) // 2
    bad[middle : middle + 64] = b"\xff" * 64
    found, damage = damaged(write(tmp_path, good + bad), threads)
    assert found[:1_000_000] == CONTENT[:1_000_000]
    assert damage.offset == len(found)


@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize("threads", [1, 2])
def test_text_behind_a_compressed_file_is_damage_at_its_end(tmp_path, kind, threads):
    found, damage = damaged(write(tmp_path, PACKED[kind] + b"this is no stream"), threads)
    assert found == CONTENT
    assert damage.offset == len(CONTENT)


def test_an_empty_file_has_no_pieces(tmp_path):
    assert list(open_pieces(write(tmp_path, b""))) == []


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="absent"):
        list(open_pieces(tmp_path / "absent"))


MEASURE = """
import resource, sys
from duskwatch.sources.files.pieces import open_pieces
path, threads = sys.argv[1], int(sys.argv[2])
warm = sys.argv[3]
for _ in open_pieces(warm, threads=threads): pass
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
total = sum(map(len, open_pieces(path, threads=threads)))
print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_bomb_takes_no_memory(tmp_path, kind):
    size, piece = 300_000_000, bytes(1_000_000)
    bomb, warm = tmp_path / "bomb", tmp_path / "warm"
    opened = {
        "gz": lambda p: gzip.open(p, "wb", compresslevel=1),  # noqa: SIM115
        "bz2": lambda p: bz2.open(p, "wb"),  # noqa: SIM115
        "xz": lambda p: lzma.open(p, "wb", preset=0),  # noqa: SIM115
        "zst": lambda p: zstandard.open(p, "wb"),
    }[kind]
    with opened(bomb) as file:
        for _ in range(size // len(piece)):
            file.write(piece)
    warm.write_bytes(PACK[kind](b"warm"))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(bomb), "1", str(warm)], capture_output=True, text=True, check=True
    )
    total, grown_kib = map(int, done.stdout.split())
    assert total == size
    assert grown_kib < 100 * 1024
