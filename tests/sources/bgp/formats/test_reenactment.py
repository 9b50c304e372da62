"""The mark of generated archives: what is marked is known by any one file, and what is recorded never is."""

from hypothesis import given
from hypothesis import strategies as st

from duskwatch.sources.bgp.formats.mrt_write import (
    BgpState,
    Peer,
    bgp4mp,
    keepalive,
    peer_index_table,
    state_change,
)
from duskwatch.sources.bgp.formats.reenactment import MARK, SENTENCE, VIEW, reenactment_of, view_name

PEER, HERE = Peer(64500, "192.0.2.10", "192.0.2.10"), Peer(64512, "192.0.2.1", "192.0.2.1")
PEER6, HERE6 = Peer(64500, "2001:db8::10", "192.0.2.10"), Peer(64512, "2001:db8::1", "192.0.2.1")


def test_every_kind_of_record_that_a_case_writes_bears_the_mark() -> None:
    for peer, here in ((PEER, HERE), (PEER6, HERE6)):
        assert reenactment_of(bgp4mp(1, peer, here, keepalive(), interface=MARK)) == SENTENCE
        assert reenactment_of(bgp4mp(1, peer, here, keepalive(), interface=MARK, microseconds=5)) == SENTENCE
        change = state_change(1, peer, here, BgpState.ESTABLISHED, BgpState.IDLE, interface=MARK)
        assert reenactment_of(change) == SENTENCE
    assert reenactment_of(peer_index_table(1, "192.0.2.1", [PEER], view_name("It is made up."))) == "It is made up."
    assert reenactment_of(peer_index_table(1, "192.0.2.1", [PEER], VIEW)) == SENTENCE


def test_what_collectors_write_bears_none() -> None:
    assert reenactment_of(bgp4mp(1, PEER, HERE, keepalive())) == ""
    assert reenactment_of(bgp4mp(1, PEER, HERE, keepalive(), interface=3)) == ""
    assert reenactment_of(peer_index_table(1, "192.0.2.1", [PEER])) == ""
    assert reenactment_of(peer_index_table(1, "192.0.2.1", [PEER], "rib of a router")) == ""
    assert reenactment_of(b"") == ""


def test_a_long_sentence_is_cut_and_control_characters_are_blanks() -> None:
    marked = peer_index_table(1, "192.0.2.1", [PEER], view_name("x" * 1000))
    assert reenactment_of(marked) == "x" * (400 - len(VIEW))
    name = f"{VIEW}a\x1b[2Jb".encode()
    odd = peer_index_table(1, "192.0.2.1", [PEER], "y" * len(name)).replace(b"y" * len(name), name)
    assert reenactment_of(odd) == "a [2Jb"


@given(st.binary(max_size=600))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    assert isinstance(reenactment_of(data), str)


@given(st.binary(max_size=80), st.sampled_from([4, 5, 0, 1, 7]), st.sampled_from([16, 17, 13]))
def test_any_bytes_in_a_record_are_read_without_an_error(data: bytes, subtype: int, kind: int) -> None:
    head = (1).to_bytes(4, "big") + kind.to_bytes(2, "big") + subtype.to_bytes(2, "big") + len(data).to_bytes(4, "big")
    assert len(reenactment_of(head + data)) <= 400
