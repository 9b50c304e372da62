"""Bins one by one tell what a replay tells, at every bin."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duskwatch.detection import DetectionConfig, detect_series, stream
from duskwatch.kernels import baseline as kernel
from duskwatch.records.signals import SignalBlock
from duskwatch.records.times import DAY, HOUR, MINUTE
from duskwatch.sources.tables.naming import spec_of
from tests.detection.series import START

RECENT = DetectionConfig(detectors=tuple(one for one in DetectionConfig().detectors if one.recent))
ENTITIES = (
    ("bgp.visible_slash24",),
    ("bgp.visible_slash24", "probing", "telescope"),
    ("telescope", "google", "bgp.visible_prefixes"),
    ("google", "peers_live", "bgp.announcements"),
)
NAMES = [name for of in ENTITIES for name in of]
SPECS = [tuple(map(spec_of, of)) for of in ENTITIES]
BGP = (spec_of("bgp"),)
FIRST = np.concatenate([[0], np.cumsum([len(of) for of in ENTITIES])])


def drawn(seed, days, bin_us, losses, gaps):
    """Series of all kinds with losses, surges, flaps and gaps of every length; [N, B] values and coverage, float32."""
    random = np.random.default_rng(seed)
    bins = days * DAY // bin_us
    per_day = DAY // bin_us
    rows = []
    for _ in NAMES:
        at = np.arange(bins) / per_day
        kinds = (np.full(bins, 40.0), 1000 * (1 - 0.5 * np.cos(2 * np.pi * at)), random.poisson(30, bins) * 1.0)
        rows.append(kinds[random.integers(3)] * random.lognormal(0, random.choice([0, 0.01, 0.05]), bins))
    values = np.round(np.array(rows))
    for _ in range(losses):
        entity = random.integers(len(ENTITIES))
        some = [row for row in range(FIRST[entity], FIRST[entity + 1]) if random.random() < 0.7]
        begin = int(random.integers(0, bins))
        long = int(random.choice([1, 2, per_day // 12, per_day // 2, 2 * per_day, 5 * per_day]))
        values[some, begin : begin + long] *= random.choice([0.0, 0.0, 0.4, 0.7, 0.85, 3.0])
    for _ in range(gaps):
        begin = int(random.integers(0, bins))
        some = random.random(len(NAMES)) < 0.4
        values[some, begin : begin + int(random.choice([1, 3, per_day // 2, 4 * per_day]))] = np.nan
    coverage = np.where(np.isnan(values), 0.0, random.choice([1.0, 1.0, 1.0, 0.95, 0.7, 0.3], values.shape))
    return values.astype(np.float32), coverage.astype(np.float32)


def replayed(entity, values, coverage, bin_us):
    mine = slice(FIRST[entity], FIRST[entity + 1])
    block = SignalBlock(
        SPECS[entity], START, bin_us, values[mine].astype(np.float64), coverage[mine].astype(np.float64)
    )
    return detect_series(block, RECENT)


def shifted(outages, by):
    return tuple(
        replace(outage, relapse_of=None if outage.relapse_of is None else outage.relapse_of + by) for outage in outages
    )


@given(
    st.integers(0, 10**6), st.sampled_from([30 * MINUTE, HOUR, 2 * HOUR]), st.integers(0, 30), st.integers(0, 6),
    st.data(),
)  # fmt: skip
@settings(max_examples=12, deadline=None)
@example(5, HOUR, 21, 3, None)  # a loss in a gap that reaches back before the end of the outage before
def test_bins_one_by_one_tell_what_a_replay_tells(seed, bin_us, losses, gaps, data):
    values, coverage = drawn(seed, 20, bin_us, losses, gaps)
    bins = values.shape[1]
    asked = {bins - 1}
    if data is not None:
        asked |= data.draw(st.sets(st.integers(0, bins - 1), max_size=6))
    state = stream.begin(SPECS, bin_us, START)
    closed = [[] for _ in ENTITIES]
    last = [()] * len(ENTITIES)  # of each outage that stands: whether it is over
    for b in range(bins):
        state, standings = stream.step(state, values[:, b], coverage[:, b])
        for one in standings:
            assert one.earlier == len(closed[one.entity])
            if one.closed:
                closed[one.entity] += shifted(one.outages, one.earlier)
                last[one.entity] = ()
            else:
                last[one.entity] = one.outages
        if b in asked:
            state = pickle.loads(pickle.dumps(state))  # as a driver that is stopped and goes on
            for entity in range(len(ENTITIES)):
                now = stream.outages(state, entity)
                whole = (*closed[entity], *shifted(now, len(closed[entity])))
                assert whole == replayed(entity, values[:, : b + 1], coverage[:, : b + 1], bin_us)
                assert len(now) == len(last[entity])  # none began untold
                assert [one.end is None for one in now] == [one.end is None for one in last[entity]]  # nor ended


def test_an_entity_that_is_still_costs_its_last_two_days_and_nothing_is_told_of_it():
    state = stream.begin([BGP] * 3, HOUR, START)
    for b in range(10 * 24):
        values = np.full(3, 100, np.float32)
        if 200 <= b < 204:
            values[1] = 0
        state, standings = stream.step(state, values, np.ones(3, np.float32))
        # Raised with the first bin, over with the first that is back.
        assert [(one.entity, one.closed) for one in standings] == ([(1, False)] if b in (200, 204) else [])
        assert set(state.episodes) == ({1} if b >= 200 else set())
    assert stream.outages(state, 0) == ()
    assert len(stream.outages(state, 1)) == 1
    for _ in range(3 * 24):
        state, standings = stream.step(state, np.full(3, 100, np.float32), np.ones(3, np.float32))
        if standings:
            (last,) = standings
            assert (last.entity, last.closed, last.outages[0].stable) == (1, True, True)
    assert not state.episodes
    assert state.closed.tolist() == [0, 1, 0]
    assert state.bytes_per_series < 6000


def test_of_an_entity_that_is_never_still_no_more_is_kept_than_some_weeks(monkeypatch):
    monkeypatch.setattr(stream, "KEEP_US", 4 * DAY)
    state = stream.begin([BGP], HOUR, START)
    closed, kept = [], []
    for b in range(300 + 5 * 40 + 1):
        value = 0 if 300 <= b < 304 else 100
        if b > 304 and b % 40 == 20:  # a little out of what is normal: too small for an alarm
            value = 0.99 * state.expected[(b - 1) % len(state.bits), 0, 0] * (1 - state.baseline.table[0, kernel.WIDTH])
        state, standings = stream.step(state, np.array([value], np.float32), np.ones(1, np.float32))
        closed += [(b, len(one.outages)) for one in standings if one.closed]
        kept.append([state.bins - episode.since for episode in state.episodes.values()])
    assert kept[-1]
    assert len(closed) == 1
    (at, count), room = closed[0], len(state.bits)
    assert count == 1
    assert at == 303 + room  # no alarm stood for so long
    assert kept[at - 1][0] > 4 * 24
    assert kept[at] == [room]
    assert max(kept[at:]) == [4 * 24]


def test_what_looks_at_weeks_is_left_to_a_replay():
    state = stream.begin([BGP], HOUR, START)
    assert [one.name for one in state.config.detectors] == [
        "deep-loss", "partial-loss", "lasting-loss", "flapping",
    ]  # fmt: skip


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="at least one signal"):
        stream.begin([BGP, ()], HOUR, START)
    with pytest.raises(ValueError, match="at least one signal"):
        stream.begin([], HOUR, START)
    with pytest.raises(ValueError, match="2 series needs 2 values"):
        stream.step(stream.begin([BGP, BGP], HOUR, START), np.ones(3, np.float32), np.ones(3, np.float32))
