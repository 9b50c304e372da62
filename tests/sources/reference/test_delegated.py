"""The reader of RIR delegated files: the formats met in the wild, damaged lines, hostile bytes."""

import bz2
import gzip
import lzma
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.sources.reference.delegated import MAX_DAMAGED_NAMED, REGISTRIES, read_delegated
from duskwatch.sources.reference.files import ReferenceDataError, StoredFile, read_stored

DAY = date(2014, 12, 22)
EXTENDED = """2|apnic|20141222|5|19830613|20141221|+1000
apnic|*|asn|*|1|summary
apnic|*|ipv4|*|2|summary
apnic|KP|ipv4|175.45.176.0|1024|20091221|allocated|A9183010
apnic|KP|asn|131279|1|20091221|allocated|A9183010
apnic|JP|ipv6|2001:200::|35|19990813|allocated|A91A7381
apnic||ipv4|175.45.180.0|1024||available|
apnic|AU|ipv4|203.0.113.0|300|20150301|assigned|A1
"""
OLDER = """2|apnic|20041222|3|19830613|20041221|+1000
apnic|*|ipv4|*|2|summary
apnic|AU|ipv4|203.0.112.0|768|19960101|assigned
apnic|JP|asn|1000|10||allocated
"""


def read(text, on=DAY, name="delegated-test"):
    data = text if isinstance(text, bytes) else text.encode()
    return read_delegated(StoredFile(Path(name), data, "", len(data)), on)


def plain(found):
    """All that was read, as values that can be compared."""
    told = (found.dated, found.records, found.later, found.unheld, found.damaged, found.damage, found.damaged_of)
    return [sorted(table.rows()) for table in (found.ipv4, found.ipv6, found.asn)], told


def test_an_extended_file_is_read():
    found = read(EXTENDED)
    assert found.ipv4.rows() == [(0xAF2DB000, 0xAF2DB3FF, "KP", 20091221)]
    first = 0x2001_0200 << 96
    assert found.ipv6.rows() == [(first, first + (1 << 93) - 1, "JP", 19990813)]
    assert found.asn.rows() == [(131279, 131279, "KP", 20091221)]
    assert found.dated == date(2014, 12, 21)
    assert (found.records, found.damaged) == (5, 0)


def test_the_older_form_without_opaque_id_and_counts_that_are_no_power_of_two_are_read():
    found = read(OLDER)
    assert found.ipv4.rows() == [(0xCB007000, 0xCB0072FF, "AU", 19960101)]
    assert found.asn.rows() == [(1000, 1009, "JP", 0)]


def test_the_joint_file_of_all_registries_is_read():
    head = "2|nro|20141222|2|19830101|20141222|+0000\n"
    found = read(head + "ripencc|FR|ipv4|2.0.0.0|1048576|20100712|allocated|x|e-stats\n")
    assert [row.country for row in found.ipv4.rows()] == ["FR"]


def test_records_dated_after_the_day_are_counted_and_left_out():
    assert read(EXTENDED).later == 1
    found = read(EXTENDED, date(2015, 3, 1))
    assert found.later == 0
    assert found.ipv4.rows()[1] == (0xCB007100, 0xCB007100 + 299, "AU", 20150301)


def test_space_that_nobody_holds_is_left_out():
    assert read(EXTENDED).unheld == 1
    zz = read("2|apnic|20141222|1|19830613|20141221|+1000\napnic|ZZ|ipv4|10.0.0.0|256|20000101|allocated\n")
    assert (zz.unheld, len(zz.ipv4)) == (1, 0)


def test_comments_blank_lines_and_windows_line_ends_are_no_damage():
    found = read("#\n# CONDITIONS\n\n" + EXTENDED.replace("\n", "\r\n") + "\r\n")
    assert (found.records, found.damaged) == (5, 0)


def test_the_date_of_the_serial_is_taken_where_the_version_line_has_no_end_date():
    assert read("2|afrinic|20160130|1|00000000|00000000|0000\n").dated == date(2016, 1, 30)
    assert read("2|arin|1450000000000|1|19700101|99999999|-0500\n").dated is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("apnic|KP|ipv4|175.45.176.0|1024|20091221", "expected 7 fields or more split by |, found 6"),
        ("apnic|KP|ipv4|175.45.176|1024|20091221|allocated", "expected an IPv4 address, found '175.45.176'"),
        ("apnic|KP|ipv4|175.45.176.0|0|20091221|allocated", "expected a count or length above zero, found '0'"),
        ("apnic|KP|ipv4|175.45.176.0|-5|20091221|allocated", "found '-5'"),
        ("apnic|KP|ipv4|255.255.255.0|1024|20091221|allocated", "run past 255.255.255.255"),
        ("apnic|KP|ipv6|2001:db8::|129|20091221|allocated", "expected a prefix length up to 128, found 129"),
        ("apnic|KP|ipv6|2001:db8::1|32|20091221|allocated", "has bits set beyond its length"),
        ("apnic|KP|ipv6|x|32|20091221|allocated", "expected an IPv6 address, found 'x'"),
        ("apnic|KP|asn|4294967295|2|20091221|allocated", "expected an AS number below 4294967296"),
        ("apnic|KP|ipv5|1|2|20091221|allocated", "expected ipv4, ipv6 or asn, found 'ipv5'"),
        ("apnic|KPX|ipv4|175.45.176.0|1024|20091221|allocated", "expected a country code of two letters, found 'KPX'"),
        ("apnic|KP|ipv4|175.45.176.0|1024|20091321|allocated", "expected a date such as 20091221, found '20091321'"),
        ("apnic|KP|ipv4|175.45.176.0|1024|20091221|sold", "expected a status such as allocated, found 'sold'"),
        ("apnik|KP|ipv4|175.45.176.0|1024|20091221|allocated", "in field 1, found 'apnik'"),
        ("apnic|K\x1b|ipv4|175.45.176.0|1024|20091221|allocated", "found 'K?'"),
        ("apnic|KP|" + "x" * 2000, "a line of 2009 bytes, longer than 1024"),
    ],
)
def test_a_damaged_line_is_counted_and_named_and_costs_only_itself(line, words):
    found = read(EXTENDED + line + "\n" + EXTENDED.splitlines()[3].replace("176.0", "184.0"))
    assert found.damaged == 1
    assert found.damage[0].startswith("line 9: ")
    assert words in found.damage[0]
    assert len(found.ipv4) == 2


def test_only_the_first_damaged_lines_are_described():
    found = read(EXTENDED + "nonsense\n" * 100)
    assert found.damaged == 100
    assert len(found.damage) == MAX_DAMAGED_NAMED


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"hello world\n", "a text file"),
        (b"network,country\n10.0.0.0/8,US\n", "a comma-separated file"),
        (b'{"4837": "CHINA169"}', "a JSON file"),
        (b"<html>moved</html>", "an HTML or XML page"),
        (bytes.fromhex("53866f00 000d 0001 00000020") + bytes(64), "an MRT file (routing data: give it with --mrt)"),
        (b"PAR1" + bytes(20), "a Parquet file"),
        (bytes(range(256)), "a binary file of an unknown kind"),
        (b"4837 CHINA169-BACKBONE, CN\n", "a text file of numbers and names"),
    ],
)
def test_a_file_of_another_kind_is_named_in_one_line(data, words):
    with pytest.raises(ReferenceDataError) as caught:
        read(data, name="some.file")
    message = str(caught.value)
    assert message.startswith(f"some.file: this is {words}, not a RIR delegated statistics file; ")
    assert "line 1" in message
    assert "expected a version line" in message
    assert "\n" not in message


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_read_or_refused(data):
    try:
        found = read(data)
    except ReferenceDataError:
        return
    assert found.records + found.damaged + found.unheld >= 0


FIELD = st.one_of(
    st.sampled_from(
        ["apnic", "KP", "ipv4", "ipv6", "asn", "175.45.176.0", "2001:db8::", "1024", "32", "0", "20091221"]
    ),
    st.sampled_from(["allocated", "assigned", "reserved", "", "*", "summary", "٣", "1" * 30, "-1", "\x00", "#"]),
    st.text(max_size=8).filter(lambda text: "\n" not in text),
)


@settings(max_examples=300)
@given(st.lists(st.lists(FIELD, max_size=9).map("|".join), max_size=8))
def test_every_line_is_counted_once(lines):
    found = read("2|apnic|20141222|5|19830613|20141221|+1000\n" + "".join(line + "\n" for line in lines))
    passed_over = 0
    for line in lines:
        fields = [field.strip(" ") for field in line.strip("\ufeff \t\r").split("|")]
        version = (
            len(fields) >= 6
            and fields[1].lower() in REGISTRIES
            and re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", fields[0])
        )
        summary = len(fields) >= 6 and fields[5] == "summary"
        passed_over += bool(fields == [""] or fields[0].startswith("#") or version or summary)
    assert found.records + found.damaged + passed_over == len(lines)
    held = len(found.ipv4) + len(found.ipv6) + len(found.asn)
    assert held + found.later + found.unheld == found.records


def test_regular_lines_are_read_as_lines_that_somebody_looks_at_one_by_one():
    """The kernel reads regular lines, Python the others: a space at the end of each line makes all of them others."""
    addresses = (
        "175.45.176.0",
        "0.0.0.0",
        "255.255.255.0",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "256.1.1.1",
        "1..2.3",
        "",
    )
    sixes = (
        "2001:db8::",
        "::",
        "2001:db8:1::",
        "2001:DB8::",
        "2001:db8::1",
        "2001:db8:1:2:3::",
        "20010::",
        "2001:::",
        ":",
    )
    lines = ["2|apnic|20141222|5|19830613|20141221|+1000"]
    for kind, starts in (
        ("ipv4", addresses),
        ("ipv6", sixes),
        ("asn", ("0", "131279", "4294967295", "4294967296", "x")),
    ):
        for start in starts:
            for value in ("1", "256", "32", "64", "65", "128", "129", "0", "", "4294967296", "-1"):
                lines.append(f"apnic|KP|{kind}|{start}|{value}|20091221|allocated|A1")
    for code in ("KP", "kp", "ZZ", "*", "", "K1"):
        for status in ("allocated", "assigned", "available", "reserved", "lost", ""):
            for day in ("20091221", "", "00000000", "20150301", "20091321", "2009", "2009122x"):
                lines.append(f"apnic|{code}|ipv4|10.0.0.0|256|{day}|{status}")
    for registry in ("apnic", "ripencc", "APNIC", "ripe", ""):
        lines += [f"{registry}|KP|asn|7|1|20091221|assigned{more}" for more in ("", "|", "|a|b|c")]
    regular = read("\n".join(lines))
    looked_at = read(" \n".join([*lines, ""]))
    assert plain(regular) == plain(looked_at)
    assert (regular.records, regular.damaged) != (0, 0)


def test_a_damaged_line_is_named_with_its_number_for_the_country_that_it_names():
    found = read(
        EXTENDED + "apnic|KP|ipv4|175.45.300.0|1024|20091221|allocated\napnic|KP|ipv4|10.0.0.0|x|20091221|allocated\n"
    )
    assert found.damaged_of == {
        "KP": [
            "line 9: expected an IPv4 address, found '175.45.300.0'",
            "line 10: expected a count or length above zero, found 'x'",
        ]
    }


def test_a_wrong_registry_says_which_registries_there_are_and_where():
    with pytest.raises(
        ReferenceDataError, match=r"line 1: expected a registry \(afrinic, apnic, .*\) in field 1, found 'apnik'"
    ):
        read("apnik|KP|ipv4|175.45.176.0|1024|20091221|allocated")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_read_the_same(pack, tmp_path):
    path = tmp_path / "delegated-test"
    path.write_bytes(pack(EXTENDED.encode()))
    assert plain(read_delegated(read_stored(path), DAY)) == plain(read(EXTENDED))


def test_the_real_files_of_february_2016_have_no_damaged_line(shared_data):
    for registry, records in (("afrinic", 7544), ("apnic", 73407), ("lacnic", 36550)):
        file = read_stored(shared_data / "reference" / "delegated-2016" / f"delegated-{registry}-extended-latest")
        found = read_delegated(file, DAY)
        assert found.damaged == 0
        assert found.records == records
        assert found.dated in (date(2016, 1, 29), date(2016, 1, 30))
