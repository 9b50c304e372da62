"""Conclusions of several sources made outages: by what they say, in whatever order they say it."""

from dataclasses import replace
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.detection import DetectionConfig
from duskwatch.detection.conclusions import fuse_conclusions
from duskwatch.records.findings import Conclusion, kind_of
from duskwatch.records.outages import Alarm, Outage, Phase, When
from duskwatch.records.reason import in_words, reason
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND

START = 16_000 * DAY
JOIN = DetectionConfig().fuse.join_us


def when(at: int, slack: int) -> When:
    return When(at - slack, at + slack, at, in_words("told"))


def conclusion(
    source: str, begin: int, end: int | None, *, slack: int = SECOND, confidence: float = 0.5, score: float = 1.0
):
    """What a source concluded: dark from ``begin`` to ``end``, microseconds after the start."""
    begin += START
    until = START + 10 * DAY if end is None else START + end
    outage = Outage(
        when(begin, slack),
        None if end is None else when(until, slack),
        None,
        None,
        until - begin,
        0.8,
        (Phase("degrading", begin, until),),
        0,
        None,
        end is not None,
        (f"{source}.signal",),
        score,
        confidence,
        (Alarm(f"{source}.signal", "d", begin, begin + MINUTE, None if end is None else until, 1.0, 0.0, 0.5, 1.0),),
    )
    return Conclusion(source, "d/1", (START, START + 10 * DAY), outage)


def test_one_conclusion_alone_is_the_outage():
    one = conclusion("bgp", HOUR, 3 * HOUR)
    (fused,) = fuse_conclusions([one])
    assert (fused.outage, fused.members) == (one.outage, (0,))
    assert fuse_conclusions([]) == ()


def test_who_knows_to_the_second_dates_it():
    routes, probes = (
        conclusion("bgp", HOUR, 3 * HOUR),
        conclusion("probing", HOUR + 4 * MINUTE, 3 * HOUR + MINUTE, slack=5 * MINUTE),
    )
    (fused,) = fuse_conclusions([probes, routes])
    outage = fused.outage
    assert outage.onset.best_us == routes.outage.onset.best_us
    assert outage.onset.latest_us - outage.onset.earliest_us <= 2 * SECOND
    assert set(outage.signals) == {"bgp.signal", "probing.signal"}
    assert len(outage.alarms) == 2
    assert outage.confidence == 0.75


def test_votes_date_it_however_long_the_first_and_the_last_of_them_took_and_bins_however_short_they_are():
    """As where the measurements of both are at hand (``with_signals``)."""
    slow = conclusion("bgp", HOUR, 3 * HOUR, slack=4 * MINUTE)
    quick = conclusion("probing", HOUR - 20 * SECOND, 3 * HOUR + 20 * SECOND, slack=20 * SECOND)

    def reasons(one, onset, end):
        outage = one.outage
        return replace(
            one,
            outage=replace(
                outage,
                onset=replace(outage.onset, reason=reason(onset)),
                end=replace(outage.end, reason=reason(end)),
            ),
        )

    for code in ("majorities", "border"):
        lost, back = ("majorities-lost", "majorities-back") if code == "majorities" else ("border-crossed",) * 2
        routes, probes = reasons(slow, lost, back), reasons(quick, "fell", "back")
        (fused,) = fuse_conclusions([routes, probes])
        assert (fused.outage.onset, fused.outage.end) == (routes.outage.onset, routes.outage.end)


def test_recorders_of_one_kind_are_no_second_witness():
    one = [conclusion("bgp", HOUR, 3 * HOUR, confidence=0.5), conclusion("bgp-oslo", HOUR, 3 * HOUR, confidence=0.7)]
    (fused,) = fuse_conclusions(one)
    assert fused.outage.confidence == 0.7
    assert [kind_of(each.source) for each in one] == ["bgp", "bgp"]


def test_what_lies_farther_apart_than_joined_is_two_and_what_lies_nearer_one():
    first = conclusion("bgp", HOUR, 2 * HOUR)
    for apart, many in ((JOIN - SECOND, 1), (JOIN + SECOND, 2)):
        later = conclusion("probing", 2 * HOUR + apart, 2 * HOUR + apart + HOUR)
        assert len(fuse_conclusions([first, later])) == many


def test_two_of_one_source_are_two_unless_another_tells_them_as_one():
    halves = [conclusion("bgp", HOUR, 2 * HOUR), conclusion("bgp", 3 * HOUR, 4 * HOUR)]
    assert len(fuse_conclusions(halves)) == 2
    (fused,) = fuse_conclusions([*halves, conclusion("probing", HOUR, 4 * HOUR)])
    assert fused.members == (0, 1, 2)
    assert fused.outage.relapses == 1


def test_one_that_follows_before_the_first_was_stable_relapses_from_it():
    first, second = fuse_conclusions(
        [conclusion("bgp", HOUR, 2 * HOUR), conclusion("bgp", 2 * HOUR + 20 * MINUTE, 3 * HOUR)]
    )
    assert (first.outage.relapse_of, second.outage.relapse_of) == (None, 0)
    first, second = fuse_conclusions([conclusion("bgp", HOUR, 2 * HOUR), conclusion("bgp", 5 * DAY, 5 * DAY + HOUR)])
    assert (first.outage.relapse_of, second.outage.relapse_of) == (None, None)


def test_an_outage_lasts_while_a_kind_sees_no_return_at_all():
    routes, probes = conclusion("bgp", HOUR, 3 * HOUR), conclusion("probing", HOUR, None)
    (fused,) = fuse_conclusions([routes, probes])
    assert fused.outage.end is None
    assert not fused.outage.stable
    flows = conclusion("flows", HOUR, 3 * HOUR)
    assert fuse_conclusions([routes, flows, probes])[0].outage.end is None


@pytest.mark.parametrize(("later", "ends"), [(0, False), (2 * HOUR, False), (4 * HOUR, True)])
def test_who_was_not_analysed_for_long_holds_no_outage_open(later, ends):
    """An analysis that is a little older than another still holds: its source comes again in a moment."""
    window = (START, START + 10 * DAY + later)
    routes, probes = replace(conclusion("bgp", HOUR, 3 * HOUR), window=window), conclusion("probing", HOUR, None)
    (fused,) = fuse_conclusions([routes, probes])
    assert (fused.outage.end is not None) == ends
    if ends:
        assert fused.outage.end.best_us == START + 10 * DAY
        assert fused.outage.end.reason.code == "rest-unwatched"


def in_a_row(source: str, slack: int, spans: list[tuple[int, int]], lasts: bool) -> list[Conclusion]:
    """Outages of one source: each a pause after the one before; the last one may last."""
    out, at = [], 0
    for k, (pause, length) in enumerate(spans):
        begin, at = at + pause, at + pause + length
        open_ = lasts and k == len(spans) - 1
        out.append(conclusion(source, begin * MINUTE, None if open_ else at * MINUTE, slack=slack * SECOND))
    return out


spans = st.lists(st.tuples(st.integers(10, 2000), st.integers(10, 900)), max_size=3)
conclusions = st.tuples(
    *(
        st.builds(in_a_row, st.just(source), st.integers(0, 300), spans, st.booleans())
        for source in ("bgp", "bgp-oslo", "probing")
    )
).map(lambda rows: [one for row in rows for one in row][:6])


@settings(max_examples=150, deadline=None)
@given(conclusions)
def test_the_order_means_nothing_and_every_conclusion_is_in_one_outage(some):
    fused = fuse_conclusions(some)
    assert sorted(k for one in fused for k in one.members) == list(range(len(some)))
    onsets = [one.outage.onset.best_us for one in fused]
    assert onsets == sorted(onsets)
    for one in fused:
        outage, members = one.outage, [some[k] for k in one.members]
        assert outage.onset.earliest_us <= outage.onset.best_us <= outage.onset.latest_us
        assert min(c.outage.onset.earliest_us for c in members) <= outage.onset.best_us
        if outage.end is not None:
            assert outage.end.best_us >= outage.onset.best_us
            assert any(c.outage.end is not None for c in members)
        spans = [(phase.from_us, phase.until_us) for phase in outage.phases]
        assert all(start < stop for start, stop in spans)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        assert outage.relapse_of is None or 0 <= outage.relapse_of < len(fused)
        if len(members) == 1:
            assert replace(outage, relapse_of=None) == members[0].outage
    for shuffled in list(permutations(range(len(some))))[:: max(1, len(some) ** 3)]:
        again = fuse_conclusions([some[k] for k in shuffled])
        assert [one.outage for one in again] == [one.outage for one in fused]
        # Equal conclusions may stand for each other.
        mine = [sorted(repr(some[k]) for k in one.members) for one in fused]
        assert [sorted(repr(some[shuffled[k]]) for k in one.members) for one in again] == mine
