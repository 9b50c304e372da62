"""Files of AS names in the forms they come in."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.text import clean_name
from duskwatch.sources.reference.asnames import MAX_NAME, load_as_names, read_as_names
from duskwatch.sources.reference.files import ReferenceDataError, StoredFile

WANTED = {4837: "CHINA169-BACKBONE, CN", 131279: "STAR-KP Ryugyong-dong, KP"}


def read(data, name="names"):
    data = data if isinstance(data, bytes) else data.encode()
    return read_as_names(StoredFile(Path(name), data, "", len(data)))


@pytest.mark.parametrize(
    "text",
    [
        '{"4837": "CHINA169-BACKBONE, CN", "AS131279": "STAR-KP Ryugyong-dong, KP"}',
        '{"4837": {"name": "CHINA169-BACKBONE, CN"}, "131279": {"description": "STAR-KP Ryugyong-dong, KP"}}',
        '[{"asn": 4837, "name": "CHINA169-BACKBONE, CN"}, {"asn": "131279", "name": "STAR-KP Ryugyong-dong, KP"}]',
        '{"asn": 4837, "name": "CHINA169-BACKBONE, CN"}\n{"asn": 131279, "name": "STAR-KP Ryugyong-dong, KP"}\n',
        "4837 CHINA169-BACKBONE, CN\n131279 STAR-KP Ryugyong-dong, KP\n",
        "AS4837\tCHINA169-BACKBONE, CN\r\nAS131279\tSTAR-KP Ryugyong-dong, KP\r\n",
        "# made by hand\n4837|CHINA169-BACKBONE, CN\n\n131279|STAR-KP Ryugyong-dong, KP\n",
        'asn,name\n4837,"CHINA169-BACKBONE, CN"\n131279,"STAR-KP Ryugyong-dong, KP"\n',
        '4837,"CHINA169-BACKBONE, CN"\n131279,"STAR-KP Ryugyong-dong, KP"\n',
        "country\tas_name\tasn\nCN\tCHINA169-BACKBONE, CN\t4837\nKP\tSTAR-KP Ryugyong-dong, KP\t131279\n",
        (
            "# format:org_id|changed|org_name|country|source\nX-1|20141001|Some Org|CN|APNIC\n"
            "# format:aut|changed|aut_name|org_id|source\n4837|20141001|CHINA169-BACKBONE, CN|X-1|APNIC\n"
            "131279|20141001|STAR-KP Ryugyong-dong, KP|X-2|APNIC\n"
        ),
    ],
)
def test_every_form_is_read(text):
    assert read(text) == (WANTED, 0)
    assert read("\ufeff" + text) == (WANTED, 0)


def test_entries_that_name_no_as_are_counted():
    assert read("4837 NAME, CN\nnonsense\n99999999999 X\n4294967296 X\n7\n8 \x07\n")[1] == 5
    assert read('{"4837": "NAME", "x": "y", "5": 6, "7": ""}')[1] == 3


def test_the_first_name_of_an_as_is_kept():
    assert read("1 FIRST\n1 SECOND\n") == ({1: "FIRST"}, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"{}", "a JSON file"),
        (b'{"4837": ', "a JSON file, and no AS is named in it (the JSON cannot be read"),
        (b"[" * 100_000, "a JSON file"),
        (b"hello\nworld\n", "a text file"),
        (b"network,country\n10.0.0.0/8,US\n", "a comma-separated file"),
        (bytes(64), "a binary file of an unknown kind"),
        (b"<html></html>", "an HTML or XML page"),
    ],
)
def test_a_file_without_names_is_refused_in_one_line(data, words):
    with pytest.raises(ReferenceDataError) as caught:
        read(data, "some.file")
    message = str(caught.value)
    assert message.startswith(f"some.file: this is {words}")
    assert 'expected lines such as "4837 NAME, CC"' in message
    assert "\n" not in message


def test_names_are_cleaned_for_terminals_and_pages():
    assert clean_name("A\x1b[31mB\r\n C\u202e\x00D\t E") == "A[31mB CD E"
    assert clean_name("x" * 1000, MAX_NAME) == "x" * (MAX_NAME - 1) + "…"
    assert read("1 A\x1b]0;title\x07B\n")[0] == {1: "A]0;titleB"}


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_arbitrary_bytes_give_clean_names_or_one_error(data):
    try:
        names, _ = read(data)
    except ReferenceDataError:
        return
    for asn, name in names.items():
        assert 0 <= asn < 1 << 32
        assert name.isprintable()
        assert 0 < len(name) <= MAX_NAME


def test_files_merge_and_the_first_named_is_right(tmp_path):
    one, two = tmp_path / "one.txt", tmp_path / "two.json.gz"
    one.write_text("4837 MINE, CN\nbad\n")
    two.write_bytes(gzip.compress(b'{"4837": "THEIRS", "1": "OTHER"}'))
    found = load_as_names([one, two])
    assert dict(found.names) == {4837: "MINE, CN", 1: "OTHER"}
    assert found.source == "one.txt; two.json.gz"
    assert [(each.kind, each.records, each.bad_records) for each in found.inputs] == [
        ("asnames", 1, 1),
        ("asnames", 2, 0),
    ]
    assert found.notes == ("one.txt: 1 entries that name no AS left out",)
    assert dict(load_as_names([]).names) == {}


def test_the_real_list_of_pyasn_is_read(shared_data):
    found = load_as_names([shared_data / "reference" / "pfx2as" / "asnames.json.gz"])
    assert len(found.names) > 70_000
    assert found.notes == ()
    assert found.names[131279] == "STAR-KP Ryugyong-dong, KP"
