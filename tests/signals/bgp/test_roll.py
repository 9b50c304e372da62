"""Windows that are rolled from one to the next, and joined again, against one window."""

import pickle
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.elems import Kind
from duskwatch.records.messages import DumpBegin, DumpEnd, FileSpan, InputDone, Silence
from duskwatch.records.report import InputFile
from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.fold import fold
from duskwatch.signals.bgp.log import Op
from duskwatch.signals.bgp.roll import close, join, roll
from duskwatch.signals.bgp.votes import merge_votes
from tests.signals.bgp.build import block, dump_of, folded, nothing, started

A, W, S, R, K = Kind.ANNOUNCE, Kind.WITHDRAW, Kind.STATE, Kind.RIB, Kind.ALIVE
US, MINUTE, HOUR = 1_000_000, 60, 3600
FROM, END = HOUR, 7 * HOUR
PREFIXES = ["10.0.0.0/24", "10.0.1.0/24", "2001:db8::/32"]
DONE = InputDone(InputFile("updates", "", "mrt", None, None))


def plain(value):
    """A record as lists, to be compared."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    return [plain(each) for each in value] if isinstance(value, tuple | list) else value


def told(part: CollectorPart):
    """All that a part tells; rows of the log in order of time and peer, of one peer in the order in which they came.

    The log promises the order per peer. Silences of two peers that begin at one time are told in either order.
    """
    order = np.lexsort((part.log.peer, part.log.time_us))  # stable
    return plain(replace(part, log=part.log.of(order)))


times = st.integers(0, END - 1)
detail = st.sampled_from([(1, 7), (2, 7), (1, 4, 9)])


@st.composite
def streams(draw):
    """Messages of one collector in order of time: (the earliest time that a message may be of, message)."""
    rows = draw(
        st.lists(st.tuples(times, st.integers(0, 2), st.sampled_from([A, A, W, S, K]), st.sampled_from(PREFIXES),
                           detail, st.booleans()), max_size=25)
    )  # fmt: skip
    rows = [(t, p, k, prefix if k in (A, W) else None, ((6, 1) if up else (1, 6)) if k == S else path)
            for t, p, k, prefix, path, up in rows]  # fmt: skip
    dumps = draw(st.lists(st.tuples(times, st.lists(st.tuples(st.integers(0, 2), st.sampled_from(PREFIXES), detail),
                                                    max_size=6, unique_by=lambda e: e[:2])), max_size=3))  # fmt: skip
    silences = draw(st.lists(st.tuples(times, st.integers(1, 2 * HOUR), st.sampled_from(["missing file", "down"]),
                                       ), max_size=3))  # fmt: skip
    cuts = draw(st.lists(times, max_size=3))
    items = [(t, 0, [Silence(t * US, (t + lasts) * US, why)]) for t, lasts, why in silences]
    items += [(t, 1, list(dump_of(t, *table))) for t, table in dumps]
    items += [(t, 2, [DONE, FileSpan("updates", t * US, END * US)]) for t in cuts]
    edges = sorted({0, END, *(t for t, _, _ in items), *draw(st.lists(times, max_size=6))})
    for low, high in pairwise(edges):
        own = sorted((row for row in rows if low <= row[0] < high), key=lambda row: row[0])
        if own:
            items.append((low, 3, [block(*own)]))
    items.sort(key=lambda item: item[:2])
    return [(t, message) for t, _, messages in items for message in messages]


def rolled(stream, cuts, late, watch=None, dumped=False):
    """The parts of windows cut at some times, each once ``late`` messages more than needed were folded."""
    state = started(1, 2, 3, from_s=FROM, **({} if watch is None else {"watch": nothing, "origins": watch}))
    parts, cuts = [], sorted(cuts)
    for number, (_, message) in enumerate(stream):
        state, _ = fold(state, message, END * US)
        if dumped:
            state = pickle.loads(pickle.dumps(state))
        # A window can be closed when all that is still to come is of later times.
        sure = stream[number + 1 - late][0] if 0 <= number + 1 - late < len(stream) else -1
        while cuts and cuts[0] <= sure and not 0 <= state.dump_us < cuts[0] * US:
            part, state = roll(state, cuts.pop(0) * US)
            parts.append(part)
    for cut in cuts:
        part, state = roll(state, cut * US)
        parts.append(part)
    return [*parts, close(state, END * US)]


cut_times = st.sets(st.integers(FROM + 1, END - 1), max_size=5)
watches = st.sampled_from([None, [7]])


@settings(deadline=None, max_examples=200)
@given(streams(), cut_times, st.integers(0, 40), watches)
def test_parts_joined_are_the_part_of_one_window(stream, cuts, late, watch):
    whole = rolled(stream, [], 0, watch)[0]
    parts = rolled(stream, cuts, late, watch)
    assert told(join(parts)) == told(whole)
    for part, low, high in zip(parts, [FROM, *sorted(cuts)], [*sorted(cuts), END], strict=True):
        assert (part.from_us, part.until_us) == (low * US, high * US)
        assert (part.log.time_us < high * US).all()
        assert (part.log.time_us[part.log.op != Op.SILENT] >= low * US).all()
        assert all(gap.until_us <= high * US for gap in part.gaps)


@settings(deadline=None, max_examples=50)
@given(streams())
def test_rolling_every_five_minutes_or_all_at_the_end_is_one_window_too(stream):
    whole = told(rolled(stream, [], 0)[0])
    cuts = range(FROM + 300, END, 300)
    assert told(join(rolled(stream, cuts, 0))) == whole
    assert told(join(rolled(stream, cuts, 10**6))) == whole


@settings(deadline=None, max_examples=50)
@given(streams(), cut_times, st.data())
def test_joining_is_associative(stream, cuts, data):
    parts = rolled(stream, cuts, 0)
    at = data.draw(st.integers(1, len(parts)))
    grouped = [join(parts[:at]), *([join(parts[at:])] if parts[at:] else [])]
    assert plain(join(grouped)) == plain(join(parts))


@settings(deadline=None, max_examples=50)
@given(streams(), cut_times)
def test_a_state_may_be_stored_between_any_two_messages(stream, cuts):
    assert plain(rolled(stream, cuts, 0, dumped=True)) == plain(rolled(stream, cuts, 0))


@settings(deadline=None, max_examples=50)
@given(streams(), cut_times)
def test_at_the_end_of_a_window_the_same_stands_as_after_all_windows_so_far(stream, cuts):
    parts = rolled(stream, cuts, 0)
    for number in range(1, len(parts)):
        assert ends(parts[number]) == ends(join(parts[: number + 1]))


def ends(part: CollectorPart):
    """What stands when a window ends."""
    start = part.start.copy()
    start.absorb(part.log, part.until_us)
    return plain(start)


def quiet(*minutes):
    return block(*((60 * m, p, K, None, None) for m in minutes for p in range(2)))


def test_what_comes_late_for_a_closed_window_counts_from_the_next_ones_beginning_on():
    state, _ = folded(started(1, 2), *dump_of(0, *((p, PREFIXES[0], (1, 7)) for p in range(2))), quiet(1))
    part, state = roll(state, 10 * MINUTE * US)
    assert part.left_out.before == 0
    # One peer's backlog of eight minutes, from a feed that hung; the other goes on.
    late = [(120, 0, W, PREFIXES[0], None), (180, 0, A, PREFIXES[0], (1, 9)), (540, 0, W, PREFIXES[0], None)]
    state, log = fold(state, block((601, 1, K, None, None), *late, (660, 0, A, PREFIXES[0], (1, 7))))
    assert [(int(t) // US, Op(op).name) for t, op in zip(log.time_us, log.op, strict=True)] == [
        (600, "LOSE"),
        (600, "HOLD"),
        (600, "LOSE"),
        (660, "HOLD"),
    ]
    assert close(state, 20 * MINUTE * US).left_out.before == 3


def test_of_one_peer_what_is_older_than_its_latest_is_late_by_its_own_clock():
    state, _ = fold(started(1), block((0, 0, K, None, None)))
    _, state = roll(state, HOUR * US)
    elems = [(600, 0, A, PREFIXES[0], (1, 7)), (599, 0, A, PREFIXES[1], (1, 7)), (2400, 0, K, None, None),
             (1000, 0, W, PREFIXES[0], None)]  # fmt: skip
    state, _ = fold(state, block(*elems))
    left_out = close(state, 2 * HOUR * US).left_out
    assert (left_out.before, left_out.late, left_out.too_late) == (3, 1, 1)
    assert state.sizes[0].tolist() == [2, 0]


def test_a_silence_is_told_by_the_window_in_which_it_lasts_an_hour():
    """Nobody is heard any more: peer or collector, the window that ends does not know who is there."""
    state, _ = folded(started(1, 2), *dump_of(0, *((p, PREFIXES[0], (1, 7)) for p in range(2))), quiet(5))
    first, state = roll(state, 2 * HOUR * US)
    silent = [(int(t) // US, int(p)) for t, p in zip(first.log.time_us, first.log.peer, strict=True)]
    assert (silent[-2:], first.log.op[-2:].tolist()) == ([(3900, 0), (3900, 1)], [Op.SILENT] * 2)
    state, _ = fold(state, block((2 * HOUR + 60, 0, K, None, None)))
    second = close(state, 3 * HOUR * US)
    spoken = [(int(t) // US, int(p), Op(op).name) for t, p, op in zip(second.log.time_us, second.log.peer,
                                                                    second.log.op, strict=True)]  # fmt: skip
    assert spoken == [(7260, 0, "HEARD")]
    votes = merge_votes([second], 2 * HOUR * US, 3 * HOUR * US)
    assert [(gap.from_us // US, gap.until_us // US, gap.reason) for gap in votes.gaps] == [
        (7200, 7260, "nothing heard for an hour"),
        (7200, 10800, "nothing heard for an hour"),
    ]


def test_a_window_votes_from_its_beginning_on_where_ever_that_is():
    """Between two samples of table sizes the last one counts."""
    table = [(p, prefix, (1, 7)) for p in range(2) for prefix in PREFIXES[:2]]
    state, _ = folded(started(1, 2), *dump_of(0, *table), quiet(*range(1, 30)))
    _, state = roll(state, 17 * MINUTE * US)
    votes = merge_votes([close(state, 30 * MINUTE * US)], 17 * MINUTE * US, 30 * MINUTE * US)
    assert (votes.step_us.tolist(), votes.voters4.tolist()) == ([17 * MINUTE * US], [2])


def test_a_peer_that_was_doubted_before_a_window_has_no_vote_in_it_until_a_dump_agrees():
    table = [(p, f"10.0.{k}.0/24", (1, 7)) for p in range(2) for k in range(10)]
    state, _ = folded(started(1, 2), *dump_of(0, *table), quiet(5), *dump_of(600, *table[:10], *table[10:13]))
    _, state = roll(state, 900 * US)
    state, _ = folded(state, quiet(16), *dump_of(1200, *table), quiet(21))
    votes = merge_votes([close(state, 1500 * US)], 900 * US, 1500 * US)
    assert list(zip((votes.step_us // US).tolist(), votes.voters4.tolist(), strict=True)) == [(900, 1), (1200, 2)]


def test_a_window_cannot_end_in_the_middle_of_a_dump():
    state, _ = folded(started(1), *dump_of(600, (0, PREFIXES[0], (1, 7)))[:2])
    with pytest.raises(ValueError, match="rrc00: a window cannot end in the middle of a table dump"):
        roll(state, 601 * US)
    part, state = roll(state, 600 * US)
    assert part.dumps == 0
    state, _ = fold(state, DumpEnd(True))
    assert close(state, 900 * US).dumps == 1


@pytest.mark.parametrize("at", [0, -1])
def test_a_window_holds_some_time(at):
    with pytest.raises(ValueError, match="after it begins"):
        roll(started(1), at)


def test_only_windows_that_follow_each_other_are_joined():
    state, _ = folded(started(1), quiet(1))
    first, state = roll(state, 600 * US)
    second, state = roll(state, 1200 * US)
    third = close(state, 1800 * US)
    for wrong in ([first, third], [second, first], [first, replace(second, collector="rrc01")], []):
        with pytest.raises(ValueError, match=r"does not follow|no part"):
            join(wrong)
    assert join([second]) is second


def test_parts_do_not_change_when_their_state_goes_on():
    state, _ = folded(started(1, 2), *dump_of(0, *((p, PREFIXES[0], (1, 7)) for p in range(2))), quiet(1))
    part, state = roll(state, 600 * US)
    before = plain(part)
    more = [(700 + k, p, A, f"10.{k}.0.0/16", (5, 6, k + 1)) for k in range(200) for p in range(2)]
    state, _ = folded(state, block(*more), DumpBegin("rib", 1000 * US), DumpEnd(True))
    roll(state, 1200 * US)
    assert plain(part) == before
