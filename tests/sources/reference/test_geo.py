"""Files of both kinds as one CountryRanges, on made and on real files."""

import ipaddress
import random
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.records.prefix import Prefix
from duskwatch.sources.reference.files import ReferenceDataError
from duskwatch.sources.reference.geo import load_geo

DAY = date(2014, 12, 22)
VERSION = "2|apnic|20141222|5|19830613|20141221|+1000\n"


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def code_of(table, text):
    prefix = Prefix.parse(text)
    columns = (np.array([value], dtype=kind) for value, kind in zip(prefix, ("u1", "u8", "u8", "u1"), strict=True))
    found = int(table.countries_of(*columns)[0])
    return table.countries[found] if found >= 0 else ""


def as_tuples(table):
    columns = (table.afi, table.first_hi, table.first_lo, table.last_hi, table.last_lo)
    return [
        (*row, table.countries[c])
        for *row, c in zip(*(c.tolist() for c in columns), table.country.tolist(), strict=True)
    ]


def test_files_merge_and_say_where_they_come_from(write):
    one = write("delegated-apnic", VERSION + "apnic|KP|ipv4|175.45.176.0|1024|20091221|allocated\n")
    two = write(
        "delegated-afrinic",
        "2|afrinic|20141101|2|00000000|20141101|00000\n"
        "afrinic|DJ|ipv4|196.201.192.0|4096|20040729|allocated\nafrinic|DJ|asn|30990|1|20040908|allocated\nnonsense\n",
    )
    table = load_geo([one, two], DAY)
    assert code_of(table, "175.45.178.0/24") == "KP"
    assert code_of(table, "196.201.192.0/20") == "DJ"
    assert table.asn_country[30990] == "DJ"
    assert table.dated == date(2014, 12, 21)
    assert table.source == "delegated-apnic (2014-12-21); delegated-afrinic (2014-11-01)"
    assert [(each.name, each.kind, each.records, each.bad_records) for each in table.inputs] == [
        ("delegated-apnic", "delegated", 1, 0),
        ("delegated-afrinic", "delegated", 2, 1),
    ]
    assert "line 4: expected 7 fields" in table.inputs[1].damage
    assert len(table.inputs[0].sha256) == 64
    assert any("1 damaged line was left out (line 4" in note for note in table.notes)
    assert any("dated before the day analysed (2014-12-22)" in n and "delegated-afrinic" in n for n in table.notes)


def test_a_database_and_a_registry_file_give_the_same_ranges(write, mmdb):
    text = write("delegated", VERSION + "apnic|KP|ipv4|175.45.176.0|1024|20091221|allocated\n")
    registry = load_geo([text], DAY)
    database = load_geo([write("a.mmdb", mmdb([("175.45.176.0/22", {"country_code": "KP"})]))], DAY)
    assert as_tuples(registry) == as_tuples(database)
    assert database.dated == DAY
    assert database.inputs[0].kind == "mmdb"
    assert len(database.asn_country) == 0


def test_the_later_record_has_the_addresses_and_the_contradiction_is_noted(write):
    old = write("old", VERSION + "apnic|AU|ipv4|203.0.112.0|1024|19960101|allocated\n")
    new = write("new", VERSION + "apnic|NZ|ipv4|203.0.113.0|256|20080101|allocated\n")
    for paths in ([old, new], [new, old]):
        table = load_geo(paths, DAY)
        assert code_of(table, "203.0.113.0/24") == "NZ"
        assert code_of(table, "203.0.114.0/24") == "AU"
        assert any("1 records contradict another" in note for note in table.notes)
        assert (table.slash24_count("AU"), table.slash24_count("NZ")) == (3, 1)


def test_at_the_same_date_the_file_named_first_is_right(write):
    one = write("one", VERSION + "apnic|AU|ipv4|203.0.112.0|1024|20080101|allocated\n")
    two = write("two", VERSION + "apnic|NZ|ipv4|203.0.112.0|1024|20080101|allocated\n")
    assert code_of(load_geo([one, two], DAY), "203.0.112.0/22") == "AU"
    assert code_of(load_geo([two, one], DAY), "203.0.112.0/22") == "NZ"


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 20), st.sampled_from(["AA", "BB"])), min_size=1, max_size=8
    ),
    seed=st.randoms(),
)
def test_the_order_of_files_does_not_matter_where_dates_differ(rows, seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("geo")
    paths = []
    for n, (start, count, code) in enumerate(rows):
        path = folder / f"file-{n}"
        path.write_text(VERSION + f"apnic|{code}|ipv4|10.0.{start}.0|{256 * count}|{20000101 + n}|allocated\n")
        paths.append(path)
    shuffled = seed.sample(paths, len(paths))
    assert as_tuples(load_geo(paths, DAY)) == as_tuples(load_geo(shuffled, DAY))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            bytes.fromhex("53866f00 000d 0001 00000020") + bytes(64),
            "this is an MRT file (routing data: give it with --mrt)",
        ),
        (b"network,country\n10.0.0.0/8,US\n", "this is a comma-separated file"),
        (b"", "this is an empty file"),
    ],
)
def test_a_file_of_the_wrong_kind_is_named(write, content, words):
    with pytest.raises(ReferenceDataError, match=r"^wrong: ") as caught:
        load_geo([write("wrong", content)], DAY)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_is_an_error_too():
    with pytest.raises(ReferenceDataError, match="no file"):
        load_geo([], DAY)


# real files


@pytest.fixture(scope="module")
def delegated_2016(shared_data):
    return sorted((shared_data / "reference" / "delegated-2016").iterdir())


def test_north_korea_holds_one_slash22_and_one_as_number(delegated_2016):
    table = load_geo(delegated_2016, DAY)
    assert table.slash24_count("KP") == 4
    assert table.slash48_count("KP") == 0
    ranges = table.ranges_of("KP", 1)
    assert (int(ranges.first_hi[0]), len(ranges.first_hi)) == (Prefix.parse("175.45.176.0/22").hi, 1)
    assert code_of(table, "175.45.176.0/22") == "KP"
    assert table.asn_country.runs_of("KP") == ((131279, 131279),)


def test_djibouti_of_2008_lacks_what_it_was_given_later(delegated_2016):
    then = load_geo(delegated_2016, date(2008, 2, 19))
    assert then.slash24_count("DJ") == 16
    assert code_of(then, "196.201.192.0/24") == "DJ"
    assert code_of(then, "217.78.64.0/20") == ""
    assert 30990 in then.asn_country
    assert 327779 not in then.asn_country
    assert any("dated after 2008-02-19 and were left out" in note for note in then.notes)
    later = load_geo(delegated_2016, date(2016, 1, 1))
    assert code_of(later, "217.78.64.0/20") == "DJ"
    assert later.slash24_count("DJ") == 16 + 32 + 128 + 16 + 2


def test_lookups_on_real_delegations_agree_with_the_standard_library(delegated_2016):
    table = load_geo(delegated_2016, DAY)
    rng = random.Random(3)
    lines = [line.split("|") for path in delegated_2016 for line in path.read_text().splitlines() if "|ipv" in line]
    records = [f for f in lines if len(f) > 6 and f[6] in ("allocated", "assigned") and int(f[5] or 0) <= 20141222]
    for fields in rng.sample(records, 300):
        first = ipaddress.ip_address(fields[3])
        size = int(fields[4]) if first.version == 4 else 1 << (128 - int(fields[4]))
        inside = first + rng.randrange(size)
        assert code_of(table, f"{inside}/{inside.max_prefixlen}") == fields[1], fields


def test_the_real_files_of_ipverse_agree_on_north_korea(delegated_2016, shared_data):
    # today's list of another project, made from the same registries
    aggregated = shared_data / "reference" / "rir-ip" / "country" / "kp"
    text = "".join(path.read_text() for path in sorted(aggregated.rglob("*")) if path.is_file())
    assert "175.45.176.0/22" in text
    assert code_of(load_geo(delegated_2016, DAY), "175.45.176.0/22") == "KP"
