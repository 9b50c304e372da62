"""Objects of JSON files in every form they come in, and damaged."""

import gzip
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.sources.files.json_entries import json_entries

THREE = [{"a": 1}, {"a": "}{[,\n"}, {"a": {"b": []}}]


def read(folder: Path, data: bytes, **limits):
    path = folder / "file.json"
    path.write_bytes(data)
    return list(json_entries(path, **limits))


FORMS = {
    "array": json.dumps(THREE),
    "array over lines": json.dumps(THREE, indent=2),
    "lines": "\n".join(map(json.dumps, THREE)),
    "lines with blanks between and at the end": "\n\n".join(map(json.dumps, THREE)) + "\n\n",
    "lines of another system": "\r\n".join(map(json.dumps, THREE)),
    "objects over lines": "\n".join(json.dumps(one, indent=1) for one in THREE),
    "comments first": "// a\n// b\n" + json.dumps(THREE, indent=1),
    "a mark first": "\ufeff" + json.dumps(THREE),
    "a mark before lines": "\ufeff" + "\n".join(map(json.dumps, THREE)),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_entries(tmp_path, form, packed):
    data = FORMS[form].encode()
    found = read(tmp_path, gzip.compress(data) if packed else data)
    assert [json.loads(entry.data) for entry in found] == THREE
    assert not any(entry.fault for entry in found)


def test_a_bad_line_costs_that_line(tmp_path):
    found = read(tmp_path, b'{"a":1}\n{"a":\n{"a":3}\n')
    assert [entry.place for entry in found] == ["line 1", "line 2", "line 3"]
    assert json.loads(found[2].data) == {"a": 3}


def test_a_line_that_is_too_long_is_one_fault(tmp_path):
    found = read(tmp_path, b'{"a":1}\n{"a":"' + b"x" * 500 + b'"}\n{"a":3}', longest=100)
    assert [bool(entry.fault) for entry in found] == [False, True, False]
    assert "100" in found[1].fault


def test_an_array_that_is_cut_off_keeps_what_came_before(tmp_path):
    found = read(tmp_path, json.dumps(THREE, indent=1).encode()[:-9])
    assert [json.loads(entry.data) for entry in found[:2]] == THREE[:2]
    assert "not read" in found[2].fault


def test_a_packed_file_that_is_cut_off_says_so(tmp_path):
    data = gzip.compress("\n".join(json.dumps({"a": number, "b": "q" * 50}) for number in range(9000)).encode())
    found = read(tmp_path, data[: len(data) // 2])
    assert json.loads(found[0].data)["a"] == 0
    assert "damaged" in found[-1].fault


def test_an_array_that_is_too_large_is_cut(tmp_path):
    found = read(tmp_path, json.dumps(THREE * 100, indent=1).encode(), largest=300)
    assert "more than 300 bytes" in found[-1].fault
    assert len(found) > 3


@pytest.mark.parametrize("data", [b"", b"\n\n", b"// only words\n"])
def test_a_file_with_nothing_in_it_has_no_entry(tmp_path, data):
    assert read(tmp_path, data) == []


def test_deep_nesting_is_a_fault_and_no_crash(tmp_path):
    assert read(tmp_path, b"[" * 200_000)[0].fault
    assert read(tmp_path, b'{"a":' * 200_000)[0].fault


@settings(max_examples=150)
@given(st.binary(max_size=300) | st.text('[]{},:"\\\n\r 0a/', max_size=80).map(str.encode))
def test_any_bytes_give_entries_or_faults(data):
    with tempfile.TemporaryDirectory() as folder:
        for entry in read(Path(folder), data, longest=60, largest=200):
            assert bool(entry.data) != bool(entry.fault)
