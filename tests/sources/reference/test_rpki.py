"""Validated payloads in every form, and origin validation against RFC 6811 written down plainly."""

import contextlib
import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.prefix import Prefix
from duskwatch.sources.reference.files import ReferenceDataError, StoredFile
from duskwatch.sources.reference.rpki import Validity, load_payloads, payloads_of, read_payloads, validate

NOT_FOUND, VALID, INVALID = Validity.NOT_FOUND, Validity.VALID, Validity.INVALID
P = Prefix.parse


def stored(data, name="vrps"):
    data = data if isinstance(data, bytes) else data.encode()
    return StoredFile(Path(name), data, "", len(data))


WANTED = [(P("175.45.176.0/22"), 22, 131279), (P("2001:db8::/32"), 48, 4200000000)]

FORMS = {
    "routinator csv": (
        "ASN,IP Prefix,Max Length,Trust Anchor\nAS131279,175.45.176.0/22,22,ap\nAS4200000000,2001:db8::/32,48,ap\n"
    ),
    "routinator csvcompat": (
        '"ASN","IP Prefix","Max Length","Trust Anchor"\n"AS131279","175.45.176.0/22","22","apnic"\n'
        '"AS4200000000","2001:DB8::/32","48","apnic"\n'
    ),
    "archive of RIPE NCC": (
        "URI,ASN,IP Prefix,Max Length,Not Before,Not After\n"
        "rsync://x/y.roa,AS131279,175.45.176.0/22,,2025-03-18 09:30:15,2026-03-18 09:30:15\n"
        "rsync://x/z.roa,AS4200000000,2001:db8::/32,48,2025-01-01 00:00:00,2026-01-01 00:00:00\n"
    ),
    "rpki-client csv": (
        "ASN,IP Prefix,Max Length,Trust Anchor,Expires\nAS131279,175.45.176.0/22,22,apnic,1773000000\n"
        "AS4200000000,2001:db8::/32,48,apnic,1773000000\n"
    ),
    "json": (
        '{"metadata": {"roas": 2}, "roas": [{"asn": 131279, "prefix": "175.45.176.0/22", "maxLength": 22, "ta": "ap", '
        '"expires": 1773000000}, {"asn": "AS4200000000", "prefix": "2001:DB8::/32", "maxLength": 48}], "aspas": []}'
    ),
    "bare list": (
        '[{"asn": "131279", "prefix": "175.45.176.0/22", "maxLength": 22}, '
        '{"asn": "AS4200000000", "prefix": "2001:db8::/32", "maxLength": 48}]'
    ),
    "openbgpd": "roa-set {\n\t175.45.176.0/22 source-as 131279\n\t2001:db8::/32 maxlen 48 source-as 4200000000\n}\n",
    "bird": "roa 175.45.176.0/22 max 22 as 131279;\nroute 2001:db8::/32 max 48 as 4200000000;\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(form):
    rows, bad, out = read_payloads(stored(FORMS[form]))
    assert (sorted(rows), bad, out) == (sorted(WANTED), 0, 0)


def test_payloads_of_another_day_are_left_out():
    at = 1742300000_000000  # 18 March 2025, 12:13
    text = FORMS["archive of RIPE NCC"]
    assert len(read_payloads(stored(text), at)[0]) == 2
    rows, bad, out = read_payloads(stored(text), at - 3 * 3600_000000)  # before it was signed
    assert (len(rows), bad, out) == (1, 0, 1)
    assert read_payloads(stored(FORMS["rpki-client csv"]), 1773000000_000000)[2] == 2


def test_entries_that_are_no_payload_are_counted():
    bad_rows = [
        "x,1.0.0.0/8,8",
        "AS1,1.0.0.1/8,8",
        "AS1,1.0.0.0/8,7",
        "AS1,1.0.0.0/8,33",
        "AS4294967296,1.0.0.0/8,8",
        "AS1",
    ]
    text = "ASN,IP Prefix,Max Length\nAS0,10.0.0.0/8,32\n" + "\n".join(bad_rows)
    rows, bad, _ = read_payloads(stored(text))
    assert rows == [(P("10.0.0.0/8"), 32, 0)]
    assert bad == len(bad_rows)


def test_a_quote_that_nobody_closes_costs_its_own_line_alone():
    lines = "".join(f"AS{k},10.{k}.0.0/16,24,x\n" for k in range(1, 200))
    text = f'ASN,IP Prefix,Max Length,Trust Anchor\nAS1,"10.0.0.0/8,8,x\n{lines}'
    rows, bad, _ = read_payloads(stored(text))
    assert (len(rows), bad) == (199, 1)


def test_a_payload_whose_end_cannot_be_read_is_no_payload():
    one = '{"prefix": "10.0.0.0/8", "asn": 1, "expires": %s}'
    text = '{"roas": [' + ", ".join(one % end for end in ('"tomorrow"', "1e9", "2e9", "[]", "null")) + "]}"
    rows, bad, out = read_payloads(stored(text), 1742300000_000000)
    assert (len(rows), bad, out) == (2, 2, 1)


def test_files_come_packed_and_doubles_are_kept_once(tmp_path):
    one, two = tmp_path / "a.csv.xz", tmp_path / "b.json.gz"
    one.write_bytes(lzma.compress(FORMS["archive of RIPE NCC"].encode()))
    two.write_bytes(gzip.compress(FORMS["json"].encode()))
    found = load_payloads([one, two])
    assert len(found) == 2
    assert found.source == "a.csv.xz; b.json.gz"
    assert [each.kind for each in found.inputs] == ["rpki", "rpki"]


@pytest.mark.parametrize("data", [b"", b"{}", b"{", b"[1]", b"asn,b\n1,2\n", b"\x00" * 20, b"hello", b"[" * 50_000])
def test_what_holds_no_payload_is_named(data):
    with pytest.raises(ReferenceDataError, match="vrps: this is"):
        read_payloads(stored(data))


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_named(data):
    for start in (b"", b"ASN,IP Prefix,Max Length\n", b'{"roas": [', b"roa-set {\n"):
        with contextlib.suppress(ReferenceDataError):
            read_payloads(stored(start + data), 0)


def test_every_real_file_is_read(shared_data):
    for path in sorted((shared_data / "rpki" / "routinator-output").iterdir()):
        has_origins = path.name[0] == "1" and path.suffix not in (".slurm", ".slurm2", ".summary")
        if path.name.startswith(("slurm", "validate")) or not has_origins:
            continue
        found = load_payloads([path])
        assert len(found) == 1, path.name
        assert (int(found.asn[0]), int(found.length[0])) == (1234, 24)
    counts = {
        path.name.split(".")[0]: len(load_payloads([path])) for path in (shared_data / "rpki" / "others").iterdir()
    }
    assert counts == {
        "ntt-aspas": 1,
        "octorpki": 1,
        "roas-before": 3,
        "rpki-client-2020-12-11": 2,
        "rpki-client-2021-07-21": 1,
        "rpki-client-2021-07-27": 18,
    }


def test_an_expired_payload_is_out(shared_data):
    (path,) = (shared_data / "rpki" / "others").glob("*expired*")
    assert len(load_payloads([path], 1626888360_000000)) == 0
    assert len(load_payloads([path], 1027049908_000000)) == 1


def check(rows, routes):
    payloads = payloads_of(rows)
    prefixes = [prefix for prefix, _ in routes]
    return validate(
        payloads,
        np.array([p.afi for p in prefixes], np.uint8),
        np.array([p.hi for p in prefixes], np.uint64),
        np.array([p.lo for p in prefixes], np.uint64),
        np.array([p.length for p in prefixes], np.uint8),
        np.array([origin for _, origin in routes], np.uint32),
    ).tolist()


def plainly(rows, route):
    """RFC 6811, section 2.1, as its pseudocode goes."""
    prefix, origin = route
    covered = False
    for place, longest, asn in rows:
        if place.afi == prefix.afi and place.contains(prefix):
            covered = True
            if prefix.length <= longest and origin == asn != 0:
                return VALID
    return INVALID if covered else NOT_FOUND


def test_the_wrong_roa_of_march_2025_makes_four_routes_invalid():
    rows = [(P("175.45.176.0/22"), 22, 131279)]
    routes = [(P(f"175.45.{k}.0/24"), 131279) for k in range(176, 180)]
    assert check(rows, routes) == [INVALID] * 4
    assert check(rows, [(P("175.45.176.0/22"), 131279), (P("175.45.180.0/24"), 131279)]) == [VALID, NOT_FOUND]
    assert check([(P("175.45.176.0/22"), 24, 131279)], routes) == [VALID] * 4


def test_one_payload_that_allows_a_route_is_enough_and_as_0_allows_none():
    rows = [(P("10.0.0.0/8"), 8, 0), (P("10.0.0.0/8"), 8, 7), (P("10.0.0.0/8"), 24, 5)]
    routes = [(P("10.1.0.0/24"), 5), (P("10.1.0.0/24"), 7), (P("10.0.0.0/8"), 0), (P("10.1.0.0/25"), 5)]
    assert check(rows, routes) == [VALID, INVALID, INVALID, INVALID]


def test_nothing_is_found_without_payloads_or_routes():
    assert check([], [(P("10.0.0.0/8"), 1)]) == [NOT_FOUND]
    assert check([(P("10.0.0.0/8"), 8, 1)], []) == []


@st.composite
def prefixes(draw):
    afi = draw(st.sampled_from([1, 2]))
    bits = 32 if afi == 1 else 128
    length = draw(
        st.one_of(st.integers(0, 8), st.integers(0, bits), st.sampled_from([bits, min(bits, 64), min(65, bits)]))
    )
    # Few leading values, so that one lies in another; bits at both ends of the half words.
    value = draw(st.sampled_from([0, 1 << (bits - 1), (1 << (bits - 1)) | 1, (1 << bits) - 1, 1 << (bits // 2), 3]))
    value = value >> (bits - length) << (bits - length)
    return Prefix(1, value << 32, 0, length) if afi == 1 else Prefix(2, value >> 64, value & ((1 << 64) - 1), length)


@st.composite
def rows(draw):
    prefix = draw(prefixes())
    longest = draw(st.integers(prefix.length, 32 if prefix.afi == 1 else 128))
    return prefix, longest, draw(st.sampled_from([0, 1, 2, 4294967295]))


@given(
    st.lists(rows(), max_size=12), st.lists(st.tuples(prefixes(), st.sampled_from([0, 1, 2, 4294967295])), max_size=12)
)
@settings(max_examples=300, deadline=None)
def test_validation_is_that_of_the_rfc(some_rows, routes):
    assert check(some_rows, routes) == [plainly(some_rows, route) for route in routes]
