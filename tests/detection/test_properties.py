"""What holds for any history: order, bounds, phases, and that nothing of it changes what is told twice."""

import dataclasses
import pickle

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.detection import detect
from duskwatch.publication.reasons import reason_text
from duskwatch.records.outages import Outage, When
from duskwatch.records.signals import ChangeLog, EntityHistory, Level
from duskwatch.records.times import SECOND
from tests.detection.build import VOTERS, cut, history, lose

DAYS = 4
UNTIL = DAYS * 86_400


@st.composite
def histories(draw: st.DrawFn) -> EntityHistory:
    prefixes = draw(st.integers(1, 6))
    events = []
    for _ in range(draw(st.integers(0, 8))):
        at = draw(st.integers(100, UNTIL - 100))
        length = draw(st.sampled_from([0, 20, 100, 200, 900, 3_000, 20_000, 90_000]))
        for prefix in draw(st.sets(st.integers(0, prefixes - 1), min_size=1)):
            events += lose(prefix, at + draw(st.integers(0, 40)), length)
    gaps = []
    at = 0
    for _ in range(draw(st.integers(0, 4))):
        at += draw(st.integers(1, 80_000))
        length = draw(st.sampled_from([60, 120, 5_000]))
        gaps.append((at, at + length))
        at += length
    voters = [
        (draw(st.integers(0, UNTIL)), draw(st.sampled_from([0, 1, 5, 9, 11, 19, 20])))
        for _ in range(draw(st.integers(0, 3)))
    ]
    return history(
        prefixes, events, until=UNTIL, gaps=gaps, voter_steps=voters, learned=draw(st.booleans()),
        start_votes=draw(st.sampled_from([VOTERS, VOTERS, 0])),
    )  # fmt: skip


def check(outage: Outage, entity: EntityHistory) -> None:
    start, until = int(entity.level.time_us[0]), entity.level.until_us
    moments = [when for when in (outage.onset, outage.dark_from, outage.dark_until, outage.end) if when]
    for when in moments:
        assert start <= when.earliest_us <= when.best_us <= when.latest_us <= until
        assert reason_text(when.reason)
    if outage.dark_from:
        assert outage.onset.best_us <= outage.dark_from.best_us
        assert outage.depth == 1.0 or len(outage.signals) > 1
    if outage.dark_until and outage.dark_from:
        assert outage.dark_from.best_us < outage.dark_until.best_us
    if outage.end:
        assert outage.onset.best_us < outage.end.best_us
        assert outage.dark_until is None or outage.dark_until.best_us <= outage.end.best_us
        assert outage.duration_us == outage.end.best_us - outage.onset.best_us
    else:
        assert not outage.stable
        assert outage.duration_us == until - outage.onset.best_us
    assert 0.1 <= outage.depth <= 1
    assert 0 <= outage.confidence <= 1
    assert outage.score > 0
    assert outage.phases
    for phase in outage.phases:
        assert start <= phase.from_us < phase.until_us <= until
    for one, other in zip(outage.phases, outage.phases[1:], strict=False):
        assert one.until_us == other.from_us
        assert one.phase != other.phase
    assert ("dark" in [phase.phase for phase in outage.phases]) == (outage.dark_from is not None)


@settings(max_examples=150, deadline=None)
@given(histories())
def test_outages_are_in_order_and_each_is_whole(entity: EntityHistory) -> None:
    found = detect(entity)
    for k, outage in enumerate(found):
        check(outage, entity)
        assert outage.relapse_of is None or 0 <= outage.relapse_of < k
        if k:
            earlier: When | None = found[k - 1].end
            assert earlier
            assert earlier.best_us <= outage.onset.earliest_us
    assert pickle.loads(pickle.dumps(found)) == found


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(1, DAYS * 24 - 1))
def test_what_was_called_stays_called_as_data_come(entity: EntityHistory, hours: int) -> None:
    early = detect(cut(entity, int(entity.level.time_us[0]) + hours * 3_600 * SECOND))
    alarms = {(a.detector, a.signal, a.from_us, a.raised_us) for outage in detect(entity) for a in outage.alarms}
    assert {(a.detector, a.signal, a.from_us, a.raised_us) for outage in early for a in outage.alarms} <= alarms


@settings(max_examples=60, deadline=None)
@given(histories())
def test_rows_told_twice_change_nothing(entity: EntityHistory) -> None:
    level, changes = entity.level, entity.changes
    twice = dataclasses.replace(
        entity,
        level=Level(level.until_us, *(np.repeat(column, 2) for column in _columns(level))),
        changes=ChangeLog(changes.prefixes, *(np.repeat(column, 2) for column in _columns(changes))),
    )
    without_alarms = [dataclasses.replace(outage, alarms=()) for outage in detect(entity)]
    again = [dataclasses.replace(outage, alarms=()) for outage in detect(twice)]
    assert [(o.onset, o.end, o.dark_from, o.dark_until, o.phases) for o in again] == [
        (o.onset, o.end, o.dark_from, o.dark_until, o.phases) for o in without_alarms
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(100, 100_000), st.integers(60, 150_000), st.integers(1, 5), st.booleans())
def test_gaps_in_quiet_time_make_no_outage(at: int, length: int, prefixes: int, learned: bool) -> None:
    gaps = [(at, at + length), (at + length + 30, at + length + 90)]
    assert detect(history(prefixes, [], until=UNTIL, gaps=gaps, learned=learned)) == ()


@settings(max_examples=60, deadline=None)
@given(st.integers(20_100, 39_000), st.integers(60, 15_000))
def test_a_gap_neither_ends_nor_splits_an_outage(at: int, length: int) -> None:
    lost = [event for prefix in range(4) for event in lose(prefix, 20_000, 20_000)]
    (plain,) = detect(history(4, lost, until=UNTIL))
    (broken,) = detect(history(4, lost, until=UNTIL, gaps=[(at, at + length)]))
    assert broken.onset == plain.onset
    assert broken.end
    assert plain.end
    assert broken.end.earliest_us <= plain.end.best_us <= broken.end.latest_us
    assert broken.relapses == 0


def _columns(part: Level | ChangeLog) -> list[np.ndarray]:
    return [value for name in part.__dataclass_fields__ if isinstance(value := getattr(part, name), np.ndarray)]
