"""Faults of the recording, each at the edge of its rule."""

from dataclasses import replace

import numpy as np
import pytest

from duskwatch.records.coverage import Artefact
from duskwatch.records.elems import Kind
from duskwatch.records.messages import Silence
from duskwatch.records.report import InputFile
from duskwatch.signals.bgp.artefacts.faults import find_faults
from duskwatch.signals.bgp.artefacts.heard import Heard
from duskwatch.signals.bgp.state import DumpCheck
from duskwatch.signals.bgp.votes import merge_votes
from tests.signals.bgp.test_votes import MINE, OTHERS, PATH, A, S, part

US = 1_000_000
MINUTE, HOUR = 60 * US, 3600 * US
END_US = 4 * HOUR
DOWN, UP = (6, 1), (5, 6)


def ends(*seconds_of_peers):
    return [(seconds, peer, S, None, DOWN) for peer, seconds in enumerate(seconds_of_peers) if seconds is not None]


def comes_back(peer, seconds):
    rows = [(seconds, peer, S, None, UP)]
    return rows + [(seconds + k, peer, A, prefix, PATH) for k, prefix in enumerate((*OTHERS, MINE))]


def heard_of(name, said):
    """said: (bin, peer, announcements)."""
    counts = np.zeros((48, 4, 2), np.int32)
    for place, peer, many in said:
        counts[place, peer, 0] += many
    return Heard(name, 0, 5 * MINUTE, counts)


def faults_of(parts, heard=(), inputs=()):
    return find_faults(parts, heard, inputs, merge_votes(parts, 0, END_US))


def kinds(faults):
    return [artefact.kind for artefact in faults.artefacts]


@pytest.mark.parametrize(
    ("peers", "downs", "restarts"),
    [
        (6, [60, 61, 62, None, None, None], 1),  # half of them
        (6, [60, 61, None, None, None, None], 0),  # two are not many
        (7, [60, 61, 62, None, None, None, None], 0),  # under half
        (4, [60, 200, 360, None], 1),  # within five minutes
        (4, [60, 200, 361, None], 0),  # not
        (2, [60, 61], 0),
    ],
)
def test_many_sessions_that_end_together_are_a_restart(peers, downs, restarts):
    faults = faults_of([part("rrc00", range(1, peers + 1), ends(*downs))])
    assert kinds(faults) == ["collector restart"] * restarts
    assert [time_us // US for time_us, _ in faults.downs] == sorted(down for down in downs if down is not None)


def test_a_restart_lasts_until_half_of_the_sessions_are_back():
    rows = ends(60, 61, 62, 63) + [row for peer in range(4) for row in comes_back(peer, 200 + 100 * peer)]
    (restart,) = faults_of([part("rrc00", (1, 2, 3, 4), rows)]).artefacts
    assert (restart.from_us, restart.until_us) == (60 * US, 300 * US)
    assert restart.detail == "4 of 4 sessions went down within 3 s"


def test_two_restarts_are_two():
    rows = ends(60, 61, 62) + [row for peer in range(3) for row in comes_back(peer, 400)]
    rows += [(7200, peer, S, None, DOWN) for peer in range(3)]
    restarts = faults_of([part("rrc00", (1, 2, 3), rows)]).artefacts
    assert [restart.from_us // US for restart in restarts] == [60, 7200]


# The table of each peer holds 21 prefixes.
@pytest.mark.parametrize(
    ("said", "spans"),
    [
        ([(10, 2, 11)], [(10, 11)]),
        ([(10, 2, 10)], []),
        ([(10, 2, 5), (11, 2, 6)], [(10, 12)]),
        ([(10, 2, 5), (12, 2, 6)], []),
        ([(10, 2, 21), (30, 2, 21)], [(10, 11), (30, 31)]),
        ([(0, 2, 21)], [(0, 1)]),
        ([(47, 2, 21)], [(47, 48)]),
    ],
)
def test_half_of_a_table_within_two_bins_is_a_transfer(said, spans):
    faults = faults_of([part("rrc00", (1, 2, 3, 4), [])], [heard_of("rrc00", said)])
    told = [(transfer.from_us // (5 * MINUTE), transfer.until_us // (5 * MINUTE)) for transfer in faults.transfers]
    assert told == spans
    assert all(transfer.session == 2 for transfer in faults.transfers)


def test_learned_tables_know_no_transfer():
    learned = part(
        "rrc00", (1, 2, 3, 4), [(10, peer, A, prefix, PATH) for peer in range(4) for prefix in OTHERS], dump=False
    )
    assert faults_of([learned], [heard_of("rrc00", [(10, 2, 100)])]).transfers == ()


def test_transfers_of_many_sessions_without_an_end_are_a_restart():
    whole = part("rrc00", (1, 2, 3, 4), [])
    three = faults_of([whole], [heard_of("rrc00", [(10, peer, 21) for peer in range(3)])])
    assert sorted(kinds(three)) == ["collector restart", "table transfer"]
    assert three.artefacts[0].voters == 3
    two = faults_of([whole], [heard_of("rrc00", [(10, peer, 21) for peer in range(2)])])
    assert kinds(two) == ["table transfer"]
    apart = faults_of([whole], [heard_of("rrc00", [(10 + 8 * peer, peer, 21) for peer in range(3)])])
    assert kinds(apart) == ["table transfer"] * 3


def test_sessions_count_on_over_collectors_by_name():
    parts = [part("rrc01", (1, 2), []), part("rrc00", (1, 2, 3), [])]
    faults = faults_of(parts, [heard_of("rrc01", [(10, 1, 21)])])
    (transfer,) = faults.transfers
    assert transfer.session == 4
    assert faults.offsets == (3,)


@pytest.mark.parametrize(
    ("held", "matched", "missing", "told"), [(100, 98, 0, 0), (100, 97, 0, 1), (97, 97, 3, 1), (98, 98, 2, 0)]
)
def test_a_table_that_differs_from_a_dump_by_more_than_two_in_a_hundred(held, matched, missing, told):
    own = part("rrc00", (64500, 2, 3), [])
    own = replace(own, checks=(DumpCheck(0, HOUR, held, matched, missing),))
    artefacts = faults_of([own]).artefacts
    assert len(artefacts) == told
    if told:
        assert artefacts[0].source == "rrc00 AS64500"
        assert f"{matched:,} agree" in artefacts[0].detail


def test_checks_ahead_of_the_window_do_not_count():
    own = replace(part("rrc00", (1, 2, 3), []), checks=(DumpCheck(0, -HOUR, 100, 50, 0),))
    assert faults_of([own]).artefacts == ()


def test_nothing_recorded_takes_all_of_several_collectors():
    hole = Silence(HOUR, 2 * HOUR, "missing file")
    both = [part("rrc00", (1, 2, 3), [], gaps=[hole]), part("rrc01", (1, 2, 3), [], gaps=[hole])]
    assert faults_of(both).artefacts == (
        Artefact("nothing recorded", "", HOUR, 2 * HOUR, "no data of any of 2 collectors: missing file"),
    )
    assert faults_of([both[0], part("rrc01", (1, 2, 3), [])]).artefacts == ()
    assert faults_of(both[:1]).artefacts == ()


def read(name, sha256, collector, kind="mrt"):
    return InputFile(name, sha256, kind, 0, HOUR, 1, collector=collector)


def test_the_same_file_twice_and_for_two_collectors():
    inputs = [
        read("a", "1", "rrc00"),
        read("a", "1", "rrc00", "doubled"),
        read("b", "2", "rrc00"),
        read("b", "2", "rrc07"),
    ]
    faults = faults_of([part("rrc00", (1, 2, 3), [])], inputs=inputs)
    assert kinds(faults) == ["doubled file"] * 2
    assert faults.same == {"rrc07": "rrc00"}
    assert [artefact.detail for artefact in faults.artefacts] == [
        "a was given 2 times; it counts once",
        "b was given 2 times for rrc00 and rrc07: they count as one collector",
    ]


def test_files_without_a_record_are_not_doubled():
    empty = [replace(read("a", "1", name), from_us=None, until_us=None) for name in ("rrc00", "rrc01")]
    assert faults_of([part("rrc00", (1, 2, 3), [])], inputs=empty).same == {}


def test_the_order_of_collectors_does_not_matter():
    parts = [part(name, (1, 2, 3), ends(60, 61, 62)) for name in ("rrc02", "rrc00", "rrc01")]
    heard = [heard_of(own.collector, [(20, 1, 21)]) for own in parts]
    assert faults_of(parts, heard) == replace(faults_of(parts[::-1], heard[::-1]), heard=faults_of(parts, heard).heard)


def test_kind_of_elems_that_a_tally_counts():
    assert (Kind.ANNOUNCE, Kind.WITHDRAW) == (1, 2)


def test_later_downs_of_one_restart_are_no_other():
    """Sessions that are told to be down once more, before half of them are back."""
    rows = ends(60, 61, 62) + ends(400, 401, 402) + [row for peer in range(3) for row in comes_back(peer, 600)]
    (restart,) = faults_of([part("rrc00", (1, 2, 3), sorted(rows, key=lambda row: row[0]))]).artefacts
    assert (restart.from_us, restart.until_us) == (60 * US, 600 * US)


def test_transfers_that_touch_are_together():
    """One in a bin, two in the next: three sessions, as many as make a restart."""
    whole = part("rrc00", (1, 2, 3, 4), [])
    found = faults_of([whole], [heard_of("rrc00", [(10, 0, 21), (11, 1, 21), (11, 2, 21)])])
    assert "collector restart" in kinds(found)


@pytest.mark.parametrize(("size", "told"), [(49, 0), (50, 1)])
def test_a_partial_peer_that_sends_all_it_has_makes_no_transfer(size, told):
    """Its table is under half of the largest; whole peers hold a hundred prefixes."""
    whole = part("rrc00", (1, 2, 3, 4), [])
    sizes = np.full(whole.sizes.shape, [100, 0], np.int32)
    sizes[:, 2, 0] = size
    found = faults_of([replace(whole, sizes=sizes)], [heard_of("rrc00", [(10, 2, size)])])
    assert len(found.transfers) == told


@pytest.mark.parametrize(
    ("from_us", "length_us", "told"),
    [(0, HOUR, 1), (HOUR, US, 1), (HOUR, US - 1, 0), (3 * HOUR, HOUR, 1)],
)
def test_nothing_recorded_from_the_first_to_the_last_second(from_us, length_us, told):
    hole = Silence(from_us, from_us + length_us, "missing file")
    found = faults_of([part(name, (1, 2, 3), [], gaps=[hole]) for name in ("rrc00", "rrc01")])
    spans = [(one.from_us, one.until_us) for one in found.artefacts if one.kind == "nothing recorded"]
    assert spans == [(from_us, from_us + length_us)] * told
