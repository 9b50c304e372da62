"""Many entities from one walk equal each from a walk of its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.elems import Kind
from duskwatch.signals.bgp import votes as visibility
from duskwatch.signals.bgp.entities import split
from duskwatch.signals.bgp.measures import Extent, measure
from duskwatch.signals.bgp.roll import close
from duskwatch.signals.bgp.votes import merge_votes
from tests.signals.bgp.build import block, dump_of, everything, folded, nothing, same, started

A, W, S, R, K = Kind.ANNOUNCE, Kind.WITHDRAW, Kind.STATE, Kind.RIB, Kind.ALIVE
US, BIN = 1_000_000, 300
FROM, UNTIL = 600, 3000
PREFIXES = ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/23", "2001:db8::/32"]
ORIGINS = (7, 8, 9)


def part(collector, asns, dump, elems, watch, origins=None):
    state = started(*asns, name=collector, from_s=FROM, bin_s=BIN, watch=watch, origins=origins)
    state, _ = folded(state, *dump_of(0, *((peer, *rest) for _, peer, _, *rest in dump)), block(*elems), until_s=UNTIL)
    return close(state, UNTIL * US)


def history(votes):
    return measure(votes, Extent(np.ones(len(votes.afi), bool)), BIN * US)


held = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(PREFIXES), st.sampled_from(ORIGINS)),
    max_size=10,
    unique_by=lambda t: t[:2],
)
said = st.lists(
    st.tuples(
        st.integers(1, UNTIL - 1),
        st.integers(0, 2),
        st.sampled_from([A, A, A, W, W, S]),
        st.sampled_from(PREFIXES),
        st.sampled_from(ORIGINS),
        st.booleans(),
    ),
    max_size=30,
)


def elems(rows):
    """What was drawn; before the window nothing is announced, lest an AS have a prefix then and only then."""
    out = []
    for time, peer, kind, prefix, origin, up in sorted(rows):
        if kind == A and time < FROM:
            continue
        if kind == S:
            out.append((time, peer, S, None, (1, 6) if up else (6, 1)))
        else:
            out.append((time, peer, kind, prefix, (100 + peer, 50, origin) if kind == A else None))
    return out


def table(rows):
    """Fillers make every peer a voter."""
    filler = [(0, p, R, f"172.16.{i}.0/24", (1, 2)) for i in range(8) for p in range(3)]
    filler += [(0, p, R, f"2001:db8:{i:x}::/48", (1, 2)) for i in range(1, 9) for p in range(3)]
    return filler + [(0, peer, R, prefix, (100 + peer, 50, origin)) for peer, prefix, origin in rows]


@settings(deadline=None, max_examples=40)
@given(st.tuples(held, said), st.tuples(held, said), st.sampled_from([1, 1 << 20]))
def test_an_as_from_the_whole_table_equals_the_as_alone(one, two, room):
    sides = [("rrc00", (101, 102, 103), *one), ("rrc01", (101, 104, 105), *two)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visibility, "WALK_BYTES", room)  # one prefix at a time, and all at once
        votes = merge_votes(
            [part(name, asns, table(dump), elems(rows), everything) for name, asns, dump, rows in sides],
            FROM * US,
            UNTIL * US,
            all_origins_bin_us=BIN * US,
        )
    found = dict(split(votes, votes.origin_of))
    for asn in ORIGINS:
        alone = merge_votes(
            [
                part(name, asns, table(dump), elems(rows), nothing, np.array([asn], np.uint32))
                for name, asns, dump, rows in sides
            ],
            FROM * US,
            UNTIL * US,
        )
        if not len(alone.afi):
            assert asn not in found
            continue
        differ = same(history(found[asn]), history(alone))
        # Of what several ASes announce, the neighbour named first may be another session's.
        assert [name for name in differ if name not in ("changes.upstream", "changes.beyond")] == []


def test_votes_on_a_prefix_of_two_origins_are_counted_for_each():
    dump = table([(0, PREFIXES[0], 7), (1, PREFIXES[0], 7), (2, PREFIXES[0], 9)])
    later = [(900, 1, A, PREFIXES[0], (101, 50, 9)), (1200, 0, W, PREFIXES[0], None)]
    votes = merge_votes(
        [part("rrc00", (101, 102, 103), dump, later, everything)], FROM * US, UNTIL * US, all_origins_bin_us=BIN * US
    )
    found = {asn: history(own) for asn, own in split(votes, votes.origin_of)}
    assert found[7].signals.series("bgp.visible_slash24").tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert found[9].signals.series("bgp.visible_slash24").tolist() == [0, 1, 1, 1, 1, 1, 1, 1]
    # Another origin's announcement is neither an announcement nor a withdrawal of this one's.
    assert np.nansum(found[7].signals.series("bgp.withdrawals")) == 1
    assert np.nansum(found[9].signals.series("bgp.announcements")) == 1
    whole = votes.any_origin & (votes.hi == (0x0A000000 << 32))
    ((_, own),) = split(votes, np.where(whole, 0, -1))
    assert history(own).signals.series("bgp.visible_slash24").tolist() == [1] * 8
