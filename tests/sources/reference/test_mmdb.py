"""MaxMind-format databases, written here and read back; maxminddb's own walk over the networks is the slow twin."""

import gzip
import ipaddress
import random
from datetime import date

import maxminddb
import pytest

from duskwatch.sources.reference.files import ReferenceDataError, read_stored
from duskwatch.sources.reference.mmdb import country_of, read_mmdb

KP, DJ, SO = ({"country": {"iso_code": code}} for code in ("KP", "DJ", "SO"))


def slow_twin(path):
    """Address runs per family as maxminddb lists them."""
    held = {4: {}, 6: {}}
    with maxminddb.open_database(path, maxminddb.MODE_MEMORY) as reader:
        for network, record in reader:
            if code := country_of(record):
                held[network.version][int(network.network_address)] = (int(network.broadcast_address), code)
    return {version: joined(sorted((a, b, c) for a, (b, c) in rows.items())) for version, rows in held.items()}


def joined(rows):
    out = []
    for first, last, code in rows:
        if out and out[-1][1] + 1 == first and out[-1][2] == code:
            out[-1] = (out[-1][0], last, code)
        else:
            out.append((first, last, code))
    return out


def plain(rows):
    return [(row.first, row.last, row.country) for row in rows]


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("record_size", [24, 28, 32])
def test_random_trees_are_read_as_maxminddb_lists_them(mmdb, tmp_path, version, record_size):
    rng = random.Random(f"{version}-{record_size}")
    networks = []
    for _ in range(200):
        length = rng.randint(4, 32)
        networks.append(
            (
                f"{ipaddress.IPv4Address(rng.getrandbits(length) << (32 - length))}/{length}",
                rng.choice([KP, DJ, SO, {}]),
            )
        )
        if version == 6:
            length = rng.randint(4, 128)
            value = 1 << 125 | rng.getrandbits(125)  # 2000::/3
            networks.append(
                (
                    f"{ipaddress.IPv6Address(value >> (128 - length) << (128 - length))}/{length}",
                    rng.choice([KP, DJ, {}]),
                )
            )
    networks.sort(key=lambda each: int(each[0].split("/")[1]))
    path = tmp_path / "made.mmdb"
    path.write_bytes(mmdb(networks, version=version, record_size=record_size))
    found = read_mmdb(read_stored(path))
    assert plain(found.ipv4) == slow_twin(path)[4]
    assert plain(found.ipv6) == slow_twin(path)[6]
    assert found.ipv4
    assert bool(found.ipv6) == (version == 6)


def test_subtrees_that_only_repeat_ipv4_are_left_out(mmdb, tmp_path):
    path = tmp_path / "made.mmdb"
    path.write_bytes(mmdb([("175.45.176.0/22", KP), ("2001:4298::/32", DJ)], aliases=["2002::/16", "::ffff:0:0/96"]))
    found = read_mmdb(read_stored(path))
    assert plain(found.ipv4) == [(0xAF2DB000, 0xAF2DB3FF, "KP")]
    assert len(found.ipv6) == 1
    assert slow_twin(path)[6] == plain(found.ipv6)


def test_it_is_dated_by_its_metadata(mmdb, tmp_path):
    path = tmp_path / "made.mmdb"
    path.write_bytes(mmdb([("175.45.176.0/22", KP)], built=1_419_206_400))
    found = read_mmdb(read_stored(path))
    assert found.dated == date(2014, 12, 22)
    assert found.ipv4[0].since == 20141222


def test_a_compressed_database_reads_the_same(mmdb, tmp_path):
    raw = mmdb([("175.45.176.0/22", KP), ("2001:4298::/32", DJ)])
    path = tmp_path / "made.mmdb.gz"
    path.write_bytes(gzip.compress(raw))
    assert plain(read_mmdb(read_stored(path)).ipv4) == [(0xAF2DB000, 0xAF2DB3FF, "KP")]


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"country": {"iso_code": "KP"}, "registered_country": {"iso_code": "CN"}}, "KP"),
        ({"country": {"names": {"en": "x"}}, "registered_country": {"iso_code": "CN"}}, "CN"),
        ({"registered_country": {"iso_code": "CN"}}, "CN"),
        ({"country": "North Korea", "country_code": "KP", "asn": "AS131279"}, "KP"),
        ({"country": "KP", "country_name": "North Korea"}, "KP"),
        ({"country_code": "kp"}, "KP"),
        ({"country_code": "ZZ"}, ""),
        ({"autonomous_system_number": 131279}, ""),
        ({"country": 7, "country_code": ["KP"]}, ""),
        ("KP", ""),
        (None, ""),
    ],
)
def test_the_country_is_found_in_every_common_layout(record, code):
    assert country_of(record) == code


def test_a_database_without_countries_is_named_as_such(mmdb, tmp_path):
    path = tmp_path / "asn.mmdb"
    path.write_bytes(mmdb([("175.45.176.0/22", {"autonomous_system_number": 131279})], kind="Test-ASN"))
    with pytest.raises(ReferenceDataError, match=r"asn\.mmdb: no network .* has a country \(its type is 'Test-ASN'\)"):
        read_mmdb(read_stored(path))


def test_a_tree_with_a_loop_ends_in_an_error(mmdb, tmp_path):
    raw = bytearray(mmdb([("175.45.176.0/22", KP)], version=4))
    raw[0:6] = bytes(6)  # both records of the root point to the root
    path = tmp_path / "loop.mmdb"
    path.write_bytes(raw)
    with pytest.raises(ReferenceDataError, match="loop"):
        read_mmdb(read_stored(path))


def test_damaged_databases_end_in_an_error_or_an_answer_never_otherwise(mmdb, tmp_path):
    rng = random.Random(5)
    whole = mmdb([("175.45.176.0/22", KP), ("2001:4298::/32", DJ), ("10.0.0.0/8", SO)])
    errors: list[str] = []
    for n in range(400):
        raw = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        if n % 3 == 0:
            del raw[rng.randrange(len(raw)) :]
        path = tmp_path / f"{n}.mmdb"
        path.write_bytes(raw)
        try:
            read_mmdb(read_stored(path))
        except ReferenceDataError as error:
            errors.append(str(error))
    assert len(errors) > 50
    assert all(error.isprintable() for error in errors)
