"""OPEN messages, and what two of them agree on."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.sources.bgp.formats.bgp_open import Open, read_open, with_path_ids
from duskwatch.sources.bgp.formats.mrt_write import message
from duskwatch.sources.bgp.formats.update_parts import end_of_rib, families_inside, split
from tests.sources.bgp.formats import bmp_make as make


def test_an_open_says_who_speaks_and_what_it_can():
    opened, length = read_open(make.open_message(131279, paths=[(1, 1, 3)]) + b"more")
    assert length == len(make.open_message(131279, paths=[(1, 1, 3)]))
    assert opened == Open(131279, 180, "10.0.0.9", True, frozenset({(1, 1), (2, 1)}), {(1, 1): 3})


def test_without_capabilities_a_speaker_speaks_ipv4_with_narrow_numbers():
    opened, _ = read_open(message(1, struct.pack("!BHH4sB", 4, 64500, 90, b"\n\0\0\1", 0)))
    assert opened == Open(64500, 90, "10.0.0.1", False, frozenset({(1, 1)}))


def test_optional_parameters_may_be_longer_than_255_octets():
    """RFC 9072 section 2."""
    capabilities = struct.pack("!BBI", 65, 4, 131279) + 60 * struct.pack("!BBHBB", 1, 4, 1, 0, 1)
    parameters = struct.pack("!BH", 2, len(capabilities)) + capabilities
    body = struct.pack("!BHH4sBBH", 4, 23456, 90, b"\n\0\0\1", 255, 255, len(parameters)) + parameters
    opened, _ = read_open(message(1, body))
    assert opened is not None
    assert (opened.asn, opened.address_families) == (131279, {(1, 1)})


@pytest.mark.parametrize(
    "data", [b"", bytes(40), make.open_message(1)[:-1], message(2, bytes(20)), message(1, bytes(9))]
)
def test_what_is_no_open_is_none(data):
    assert read_open(data) == (None, 0)


@given(st.binary(max_size=120))
def test_any_capabilities_are_read_without_an_exception(data):
    body = struct.pack("!BHH4sB", 4, 64500, 90, b"\n\0\0\1", min(len(data), 255)) + data
    opened, length = read_open(message(1, body))
    assert opened is not None
    assert length == 19 + len(body)


@pytest.mark.parametrize(
    ("sent", "received", "inwards", "outwards", "alike"),
    [(1, 2, True, False, False), (2, 1, False, True, False), (3, 3, True, True, True), (2, 2, False, False, True),
     (1, 1, False, False, True), (0, 3, False, False, False)],
)  # fmt: skip
def test_who_can_receive_and_who_can_send_decides_on_path_identifiers(sent, received, inwards, outwards, alike):
    here, there = (Open(1, 180, "", True, frozenset(), {(1, 1): flags}) for flags in (sent, received))
    assert bool(with_path_ids(here, there, False)) == inwards
    assert bool(with_path_ids(here, there, True)) == outwards
    assert bool(with_path_ids(here, there, False, True)) == (alike or inwards)


def test_ends_of_tables():
    assert end_of_rib(make.end_of_rib(1)) == (1, 1)
    assert end_of_rib(make.end_of_rib(2)) == (2, 1)
    extended = message(2, b"\0\0\0\7" + b"\x90\x0f\0\3\0\1\x80")
    assert end_of_rib(extended) == (1, 128)
    assert end_of_rib(make.withdraw([make.KP])) is None
    assert end_of_rib(message(4, b"")) is None


def test_families_of_updates():
    assert families_inside(make.announce(make.ROUTE, [make.KP])) == (True, frozenset())
    assert families_inside(make.announce(make.ROUTE6, [make.V6])) == (False, {(2, 1)})
    assert families_inside(make.withdraw([make.V6])) == (False, {(2, 1)})


@given(st.binary(max_size=200))
def test_any_update_is_taken_apart_without_an_exception(body):
    whole = message(2, body)
    outside, inside = families_inside(whole)
    one, other = split(whole)
    assert one[18] == 2
    if outside and other:
        assert families_inside(one) == (True, frozenset())
    assert inside == (families_inside(other)[1] if other else frozenset())
