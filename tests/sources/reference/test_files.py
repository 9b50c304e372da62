"""Reading whole files: bounded, hashed as stored, faults named in one line."""

import bz2
import gzip
import hashlib

import pytest

from duskwatch.sources.reference.files import ReferenceDataError, is_mmdb, read_stored


def test_the_hash_is_that_of_the_file_as_stored(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"abc" * 100))
    file = read_stored(path)
    assert file.data == b"abc" * 100
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (file.name, file.size_bytes, file.packed) == ("a.gz", path.stat().st_size, True)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_file_that_unpacks_to_too_much_is_refused(pack, tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(pack(bytes(5_000_000)))
    with pytest.raises(ReferenceDataError, match="unpacks to more than 1000000 bytes"):
        read_stored(path, 1_000_000)


def test_a_file_that_is_too_large_as_stored_is_refused(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(2000))
    with pytest.raises(ReferenceDataError, match="2000 bytes is more"):
        read_stored(path, 1000)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_file_that_ends_early_is_named(pack, tmp_path):
    path = tmp_path / "cut"
    path.write_bytes(pack(bytes(range(256)) * 5000)[:-40])
    with pytest.raises(ReferenceDataError, match=r"cut: cannot be unpacked after \d+ bytes"):
        read_stored(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(ReferenceDataError, match=r"nowhere: cannot be read: No such file"):
        read_stored(tmp_path / "nowhere")
    with pytest.raises(ReferenceDataError, match="is a folder; name a file"):
        read_stored(tmp_path)


def test_a_database_is_known_by_its_mark(mmdb):
    assert is_mmdb(mmdb([("10.0.0.0/8", {"country_code": "KP"})]))
    assert not is_mmdb(b"2|apnic|20141222|5|19830613|20141221|+1000\n")
