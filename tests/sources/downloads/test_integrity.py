"""Whether files are whole: real ones, and each way of not being so."""

import bz2
import gzip
import hashlib
import lzma
import random
from pathlib import Path

import pytest

from duskwatch.sources.downloads.checksum import Checksum
from duskwatch.sources.downloads.integrity import damage, matches, wrong_magic

NOISE = random.Random(8).randbytes(50_000)
PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def test_of_the_real_files_those_that_were_cut_off_are_found_and_no_others(shared_data):
    """168 files of RIPE RIS and Route Views, 1999 to 2021, as published; those in `truncated` were cut after 1 MB."""
    files = [path for path in (shared_data / "mrt").rglob("*") if path.suffix in (".gz", ".bz2") and path.is_file()]
    assert len(files) > 100
    for path in files:
        with path.open("rb") as file:
            assert wrong_magic(path.name, file.read(16)) is None
        assert (damage(path, path.name) is not None) == (path.parent.name == "truncated"), path


@pytest.mark.parametrize("ending", PACK)
def test_what_is_cut_off_anywhere_is_damaged(tmp_path, ending):
    whole = PACK[ending](NOISE)
    path = tmp_path / f"x{ending}"
    path.write_bytes(whole)
    assert damage(path, path.name) is None
    for length in (0, 1, 5, 100, len(whole) // 2, len(whole) - 9, len(whole) - 4, len(whole) - 1):
        path.write_bytes(whole[:length])
        if length == 0 and ending != ".bz2":
            continue  # an empty file has no stream at all; it is refused before this is asked
        assert damage(path, path.name) is not None, length


@pytest.mark.parametrize("ending", PACK)
def test_streams_one_after_the_other_are_whole(tmp_path, ending):
    path = tmp_path / f"x{ending}"
    path.write_bytes(PACK[ending](NOISE) + PACK[ending](b"more"))
    assert damage(path, path.name) is None


@pytest.mark.parametrize("ending", [".gz", ".xz"])
def test_a_flipped_bit_is_found(tmp_path, ending):
    whole = bytearray(PACK[ending](NOISE))
    whole[len(whole) // 2] ^= 4
    path = tmp_path / f"x{ending}"
    path.write_bytes(whole)
    assert damage(path, path.name) is not None


def test_plain_files_are_what_they_are(tmp_path):
    path = tmp_path / "delegated-apnic-extended-20141222"
    path.write_bytes(b"2|apnic|")
    assert damage(path, path.name) is None
    assert wrong_magic(path.name, b"2|apnic|") is None


@pytest.mark.parametrize(
    ("name", "head", "words"),
    [
        ("x.gz", b"<!DOCTYPE html>", "it is no gzip file; it begins with '<!DOCTYPE html>'"),
        ("x.bz2", b"\x1f\x8b\x08\x00", "it is no bzip2 file; it begins with '....'"),
        ("x.xz", b"BZh9", "it is no xz file; it begins with 'BZh9'"),
        ("x.gz", b"\x1f\x8b\x08\x00", None),
        ("x.bz2", b"BZh9", None),
    ],
)
def test_what_is_of_another_kind_is_described(name, head, words):
    assert wrong_magic(name, head) == words


def test_a_sum_may_be_of_the_file_or_of_what_is_in_it(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(NOISE, mtime=0))

    def md5(data: bytes) -> Checksum:
        return Checksum("md5", hashlib.md5(data).hexdigest())

    assert matches(path, path.name, md5(path.read_bytes()))
    assert matches(path, path.name, md5(NOISE))
    assert not matches(path, path.name, md5(NOISE[1:]))
    cut = Path(tmp_path / "cut.gz")
    cut.write_bytes(path.read_bytes()[:-5])
    assert not matches(cut, cut.name, md5(NOISE))
