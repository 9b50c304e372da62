"""What tasks leave for each other comes back as it was, or is told to be broken."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from duskwatch.drivers.backfill import results as backfill_files
from duskwatch.drivers.backfill.results import leave, take
from duskwatch.signals.bgp.votes import NO_EARLIER

VALUE = {
    "long": np.arange(100_001, dtype=np.int64),
    "empty": np.empty((0, 3), np.uint8),
    "one": np.float32(3.5),
    "columns": np.asfortranarray(np.arange(12, dtype=np.uint16).reshape(3, 4)),
    "strided": np.arange(20)[::3],
    "flags": np.array([True, False, True]),
    "text": ["175.45.176.0/22"] * 3,
    "known": NO_EARLIER,
    "last": np.empty(0, np.int64),
}


def assert_same(found, value):
    assert list(found) == list(value)
    for name, own in value.items():
        if isinstance(own, np.ndarray):
            assert found[name].dtype == own.dtype
            assert np.array_equal(found[name], own), name
        elif name != "known":
            assert found[name] == own


@pytest.fixture(params=["read", "mapped"])
def kept(request, tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(backfill_files, "MAPPED_FROM", 0 if request.param == "mapped" else 1 << 40)
    path = tmp_path / "new" / "value.pickle"
    leave(path, VALUE)
    return path


def test_a_value_comes_back_as_it_was(kept):
    assert_same(take(kept), VALUE)
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_what_was_taken_can_be_changed_and_the_file_stays_as_it_was(kept):
    found = take(kept)
    found["long"][:] = -1
    assert_same(take(kept), VALUE)


def test_what_was_taken_outlives_the_file(kept):
    found = take(kept)
    kept.unlink()
    assert_same(found, VALUE)


def test_a_file_that_is_left_again_is_another_one(kept):
    before = take(kept)
    leave(kept, {"long": np.zeros(3)})
    assert_same(before, VALUE)
    assert take(kept)["long"].tolist() == [0, 0, 0]


def test_a_file_that_was_cut_off_is_told_wherever_it_was(kept, tmp_path):
    whole = kept.read_bytes()
    path = tmp_path / "cut"
    for length in [*range(0, 3000, 7), *range(3000, len(whole), 9973), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises((EOFError, pickle.UnpicklingError)):
            take(path)


def test_a_file_of_something_else_is_told(kept, tmp_path):
    path = tmp_path / "other"
    path.write_bytes(pickle.dumps(VALUE))
    with pytest.raises(pickle.UnpicklingError, match="not a file of a backfill"):
        take(path)


def test_arrays_begin_where_they_can_be_read_at_once(kept):
    found = take(kept)
    assert all(found[name].ctypes.data % found[name].itemsize == 0 for name in ("long", "columns", "strided"))


def test_what_cannot_be_left_leaves_nothing(tmp_path):
    with pytest.raises((pickle.PicklingError, AttributeError)):
        leave(tmp_path / "new" / "value.pickle", lambda: None)
    assert not list((tmp_path / "new").iterdir())
