"""Lines and values of text against what the standard library reads."""

import ipaddress
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels import text_lines, text_values
from duskwatch.sources.flows.text import FLAG_NAMES, PROTOCOL_NAMES

KEYS = ("a", "bytes", "src_addr", "é", "x" * 32)


def octets(data: bytes) -> np.ndarray:
    return np.frombuffer(data or b"\0", np.uint8)


def find(line: bytes) -> tuple[bool, list[bytes | None]]:
    """Whether a line is an object, and the raw values of KEYS in it."""
    names = np.zeros((len(KEYS), text_lines.KEY_OCTETS), np.uint8)
    sizes = np.zeros(len(KEYS), np.int64)
    heads, following = np.full(text_lines.HASHES, -1, np.int64), np.full(len(KEYS), -1, np.int64)
    for k, key in enumerate(KEYS):
        name = octets(key.encode())
        names[k, : len(name)], sizes[k] = name, len(name)
        slot = text_lines.hash_key(name, 0, len(name))
        following[k], heads[slot] = heads[slot], k
    places, good = np.zeros((len(KEYS), 1, 3), np.int64), np.zeros(1, np.uint8)
    ended, at, lines = text_lines.json_lines(octets(line + b"\n"), 0, names, sizes, heads, following, places, good)
    assert (ended, at, lines) == (text_lines.ALL, len(line) + 1, 1)
    values = [line[at : at + size] if kind else None for (at, size, kind) in places[:, 0].tolist()]
    return bool(good[0] == 1), values


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.text(max_size=20), st.floats(allow_nan=False)
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from((*KEYS, "other", "")), JSON, max_size=6), st.booleans())
@settings(max_examples=200, deadline=None)
def test_values_of_objects_are_found(made, escaped):
    line = json.dumps(made, ensure_ascii=escaped).encode()
    good, values = find(line)
    assert good
    for key, raw in zip(KEYS, values, strict=True):
        if key in made and (key.isascii() or not escaped):
            assert raw is not None
            text = raw.decode()
            assert json.loads(f'"{text}"' if isinstance(made[key], str) else text) == made[key]
        else:
            assert raw is None


@pytest.mark.parametrize(
    "line",
    [
        b"", b"[]", b"{", b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'{"a":1}x', b'{"a" 1}', b"{a:1}", b'{"a":"1}',
        b'{"a":[1}', b'{"a":{"b":1}', b"x{}", b'{"a":}',
    ],
)  # fmt: skip
def test_what_is_no_object_is_told(line):
    good, _ = find(line)
    assert not good


@given(st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_an_object_or_not(data):
    line = data.replace(b"\n", b" ")
    good, _ = find(b'{"a":' + line)
    try:
        json.loads(b'{"a":' + line)
    except (ValueError, RecursionError):
        return
    assert good


def test_deep_nesting_costs_no_more_than_its_length():
    good, values = find(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b',"bytes":7}')
    assert good
    assert values[1] == b"7"


@given(st.one_of(st.ip_addresses(), st.text(max_size=40)))
@settings(max_examples=400, deadline=None)
def test_addresses_are_what_the_standard_library_reads(value):
    check_address(str(value))


@pytest.mark.parametrize(
    "text",
    [
        "::", "::1", "1::", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8", "1::8", "1:2::7:8", "1:::8", "1::2::3", ":1::", "1:2:3:4:5:6:7:8:9", "12345::", "1.2.3",
        "1.2.3.4.5", "1.2.3.256", "1.2.3.4 ", ":", "1:", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "0.0.0.0",
        "255.255.255.255", "::1.2.3.4", "1.2.3.4:80",
    ],
)  # fmt: skip
def test_odd_addresses_are_what_the_standard_library_reads(text):
    check_address(text)


def check_address(text: str) -> None:
    data = text.encode()
    family, hi, lo = text_values.parse_address(octets(data), 0, len(data))
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        # What the library refuses beside: octets that begin with a zero, and scopes.
        odd = any(part.startswith("0") and len(part) > 1 for part in text.split("."))
        assert family == 0 or odd
        return
    if "%" in text:
        return
    value = int(address) << (96 if address.version == 4 else 0)
    assert (family, int(hi) << 64 | int(lo)) == (1 if address.version == 4 else 2, value)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31)))
@settings(deadline=None)
def test_times_are_what_the_standard_library_writes(moment):
    expected = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    for text in (moment.isoformat(" "), moment.isoformat() + "Z"):
        found = text_values.parse_time(octets(text.encode()), 0, len(text))
        assert found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1677577599.000000", 1_677_577_599_000_000), ("0", 0), ("1.5", 1_500_000), ("1.23456789", 1_234_567),
        ("2023-02-28 10:46:39", 1_677_581_199_000_000), ("2023-02-28T10:46:39.25Z", 1_677_581_199_250_000),
        ("", -1), ("2023-13-28 10:46:39", -1), ("2023-02-28 24:46:39", -1), ("2023-02-28", -1), ("-1", -1), ("1.x", -1),
        ("2023-02-28x10:46:39", -1), ("99999999999999999999", -1), ("2023-02-28 10:46:39+02:00", -1),
    ],
)  # fmt: skip
def test_times_are_read_or_refused(text, expected):
    assert text_values.parse_time(octets(text.encode()), 0, len(text)) == expected


@given(st.integers(0, 10**21))
@settings(deadline=None)
def test_numbers_of_64_bits_are_read(value):
    text = str(value)
    good, found = text_values.parse_number(octets(text.encode()), 0, len(text))
    limit = (1 << 64) - 1
    if good:
        assert int(found) == value
    else:
        assert value > limit - limit % 10 - 10


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("18", 18), ("...A..S.", 18), (".AP.SF", 27), ("........", 0), ('["ACK", "PSH"]', 24), ("[]", 0),
        ("SYN|ECE|CWR", 194), ("CEUAPRSF", 255), ("NS", 256), ("ack", 16), ("65535", 511),
    ],
)  # fmt: skip
def test_tcp_flags_are_read_in_every_way_they_are_written(text, flags):
    assert text_values.parse_flags(octets(text.encode()), 0, len(text), FLAG_NAMES) == flags


@pytest.mark.parametrize(
    ("text", "number"), [("tcp", 6), ("IPv6-ICMP", 58), ("17", 17), ("256", -1), ("nonsense", -1), ("", -1)]
)
def test_protocols_are_read_by_number_and_name(text, number):
    assert text_values.parse_protocol(octets(text.encode()), 0, len(text), *PROTOCOL_NAMES) == number
