"""Binned signals of many entities as their bins come in: the outages of a replay, at the cost of what happens."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from duskwatch.detection.baselines import seasonal
from duskwatch.detection.baselines.seasonal import BaselineState
from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.detectors.detector import LatestBin
from duskwatch.detection.fusing.findings import Finding, judged
from duskwatch.detection.fusing.fuse import fuse
from duskwatch.detection.view import F64, I64, U16, BinnedView, Bool, Judged
from duskwatch.kernels import baseline as kernel
from duskwatch.records.outages import Outage
from duskwatch.records.signals import SignalSpec
from duskwatch.records.times import DAY, HOUR

F32 = npt.NDArray[np.float32]

KEEP_US = 35 * DAY  # of an entity that is never still, no more is kept than this, beside its alarms
LONG_AGO = -(2**62)  # a bin, or a time, before all others


@dataclass(frozen=True, slots=True)
class Standing:
    """The outages of an entity since it was last still. ``relapse_of`` counts within them.

    ``earlier`` is how many were reported, and closed, before them; ``closed`` says that these will not change any more.
    """

    entity: int
    earlier: int
    outages: tuple[Outage, ...]
    closed: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Episode:
    """What is kept of the R series of an entity that is not still."""

    since: int  # the first bin kept
    data: F64  # [R, 5, room] value, coverage, expected, low, bits
    watched: I64  # [R] the last bin watched before ``since``, below 0 where there is none


@dataclass(frozen=True, slots=True, eq=False)
class StreamState:
    """What is remembered of N series of E entities, all of one bin width.

    Of each series the state of its baseline (4 kB), and the last L bins (two days and an hour; 26 bytes for each); of
    entities that are not still all bins since two days before. Given to ``step`` it is used up.
    """

    config: DetectionConfig
    specs: tuple[SignalSpec, ...] = field(repr=False)
    entity: I64 = field(repr=False)  # [N] ascending
    first: I64 = field(repr=False)  # [E + 1] the first series of each
    reach: Bool = field(repr=False)  # [N] shows what can be reached
    calls: Bool = field(repr=False)  # [N] less of it is a loss
    passive: Bool = field(repr=False)  # [N] may make one when its loss has lasted
    heard: Bool = field(repr=False)  # [N] detectors look at it
    start_us: int
    bins: int  # that came so far
    baseline: BaselineState
    amounts: F32 = field(repr=False)  # [L, 2, N] values and coverage of the last bins, in the place of bin modulo L
    expected: F64 = field(repr=False)  # [L, 2, N] expected and low
    bits: U16 = field(repr=False)  # [L, N]
    watched: I64 = field(repr=False)  # [N] the last bin that left the L bins and had been watched
    counted: Bool = field(repr=False)  # [N] had ever a value above zero
    out: Bool = field(repr=False)  # [N] out of what is normal in the last bin
    out_last: I64 = field(repr=False)  # [N] the last bin that was, or LONG_AGO
    out_before: I64 = field(repr=False)  # [N] the same, before the excursion that goes on
    alarm_stood: Bool = field(repr=False)  # [N] an alarm stood in that excursion
    standing: I64 = field(repr=False)  # [N] alarms that stood in the last bin, a bit for each detector
    alarmed: I64 = field(repr=False)  # [E] the last bin in which an alarm stood that may call, or LONG_AGO
    closed: I64 = field(repr=False)  # [E] outages of episodes that are over
    ended_us: I64 = field(repr=False)  # [E] the end of the last of them, or LONG_AGO
    episodes: dict[int, _Episode] = field(repr=False)

    @property
    def bytes_per_series(self) -> int:
        """Memory of one series of an entity that is still."""
        ring = self.amounts.itemsize * 2 + self.expected.itemsize * 2 + self.bits.itemsize
        return self.baseline.bytes_per_series + ring * len(self.bits)


def begin(
    entities: Sequence[Sequence[SignalSpec]], bin_us: int, start_us: int, config: DetectionConfig = DetectionConfig()
) -> StreamState:
    """A state that has seen nothing, of entities by what their signals are; the first bin starts at ``start_us``.

    Detectors that look at weeks (``recent`` False: slow-decline, update-storm) are left out: a replay of what is
    stored, once a day, tells what they say. Raises ValueError for bins shorter than a second or longer than a day.
    """
    config = replace(config, detectors=tuple(one for one in config.detectors if one.recent))
    specs = tuple(spec for of in entities for spec in of)
    sizes = np.array([len(of) for of in entities], np.int64)
    if not len(sizes) or not sizes.min():
        raise ValueError("each entity needs at least one signal")
    roles = np.array([spec.role for spec in specs])
    falls = np.array([spec.less_is_loss for spec in specs])
    count = len(specs)
    fuse = config.fuse
    # An alarm may begin a day before the first bin that is out, its onset is looked for one more day before, and what
    # is said of an outage depends on the day after it.
    still_us = DAY + max(DAY, fuse.stability_us + fuse.repeat_us, fuse.precursor_us) + HOUR
    length = -(-still_us // bin_us) + 4
    return StreamState(
        config,
        specs,
        np.repeat(np.arange(len(sizes)), sizes),
        np.concatenate([[0], np.cumsum(sizes)]),
        falls & (roles == "reach"),
        falls,
        falls & (roles == "passive"),
        np.array([judged(spec) for spec in specs]),
        start_us,
        0,
        seasonal.begin(count, bin_us, start_us, config.rules, config.seasonal, [spec.sampled for spec in specs]),
        np.full((length, 2, count), np.nan, np.float32),
        np.full((length, 2, count), np.nan),
        np.zeros((length, count), np.uint16),
        np.full(count, -1),
        np.zeros(count, bool),
        np.zeros(count, bool),
        np.full(count, LONG_AGO),
        np.full(count, LONG_AGO),
        np.zeros(count, bool),
        np.zeros(count, np.int64),
        np.full(len(sizes), LONG_AGO),
        np.zeros(len(sizes), np.int64),
        np.full(len(sizes), LONG_AGO),
        {},
    )


def step(state: StreamState, values: F32, coverage: F32) -> tuple[StreamState, tuple[Standing, ...]]:
    """The next bin of all N series; returns entities of which an alarm began or ended, and those that are still again.

    values, coverage   [N], taken as float32 (whole numbers up to 16,777,216 are exact); NaN: not watched

    What is said of an entity at any bin is what ``detect_series`` says of all bins so far, with the detectors of the
    state. Raises ValueError for another number of series.
    """
    amounts = np.stack([values, coverage]).astype(np.float32)
    now, length = state.bins, len(state.bits)
    at = now % length
    baseline, latest = seasonal.step(state.baseline, amounts[0].astype(np.float64), amounts[1].astype(np.float64))
    if now >= length:
        seen = (state.bits[at] & kernel.JUDGED) > 0
        state.watched[seen] = now - length
    state.amounts[at] = amounts
    state.expected[at, 0], state.expected[at, 1] = latest.expected, latest.low
    state.bits[at] = latest.bits
    with np.errstate(invalid="ignore"):
        np.logical_or(state.counted, amounts[0] > 0, out=state.counted)
    out, standing = _heard(state, latest, now)
    _note(state, out, standing, now)
    changed = state.calls & ((standing != state.standing) | (state.passive & (standing > 0)))
    state.standing[:] = standing
    calling = np.unique(state.entity[np.flatnonzero((standing > 0) & state.calls)])
    state.alarmed[calling] = now
    state = replace(state, baseline=baseline, bins=now + 1)
    over = _keep(state, now)
    affected = set(np.unique(state.entity[np.flatnonzero(changed)]).tolist())
    standings = [Standing(e, int(state.closed[e]), outages(state, e), False) for e in sorted(affected - set(over))]
    for e in over:
        last = outages(state, e) if state.alarmed[e] >= state.episodes[e].since else ()
        if last:
            standings.append(Standing(e, int(state.closed[e]), last, True))
        state.closed[e] += len(last)
        if last and last[-1].end is not None:
            state.ended_us[e] = last[-1].end.best_us
        del state.episodes[e]
    _open(state, over, now)
    return state, tuple(standings)


def outages(state: StreamState, entity: int) -> tuple[Outage, ...]:
    """The outages of an entity since it was last still; none where it is."""
    episode = state.episodes.get(entity)
    if episode is None:
        return ()
    found = [
        Finding(_view(state, episode, k, row), state.config.detectors, counted=bool(state.counted[row]))
        for k, row in enumerate(range(int(state.first[entity]), int(state.first[entity + 1])))
        if state.heard[row]
    ]
    ended = int(state.ended_us[entity])
    return fuse(found, state.config, after_us=ended if ended != LONG_AGO else None)


def _heard(state: StreamState, latest: Judged, now: int) -> tuple[Bool, I64]:
    """What the detectors make of the newest bin: series that they look at, and alarms that stand, a bit for each."""
    day = DAY // state.baseline.bin_us
    before = None
    if 1 <= day <= now:
        then = (now - day) % len(state.bits)
        before = Judged(state.expected[then, 0], state.expected[then, 1], state.bits[then])
    values = state.amounts[now % len(state.bits), 0].astype(np.float64)
    bin_now = LatestBin(latest, values, state.config.rules, state.calls, state.reach, before)
    out, standing = bin_now.none(), np.zeros(len(state.calls), np.int64)
    for k, detector in enumerate(state.config.detectors):
        step_now = detector.step(bin_now)
        out |= step_now.out
        standing |= step_now.stands.astype(np.int64) << k
    return out, standing


def _note(state: StreamState, out: Bool, standing: I64, now: int) -> None:
    """Which series are out of what is normal, and since when the others are not."""
    began = out & ~state.out
    state.out_before[began] = state.out_last[began]
    state.alarm_stood[began] = False
    np.logical_or(state.alarm_stood, standing > 0, out=state.alarm_stood)
    # What does not show reachability counts only where an alarm stood.
    passed = state.out & ~out & ~state.alarm_stood & ~state.reach
    state.out_last[passed] = state.out_before[passed]
    state.out_last[out] = now
    state.out[:] = out


def _keep(state: StreamState, now: int) -> list[int]:
    """Put the bin to what is kept of entities that are not still; returns those whose episode is over."""
    length = len(state.bits)
    last = np.maximum.reduceat(state.out_last, state.first[:-1])
    most = KEEP_US // state.baseline.bin_us
    over: list[int] = []
    if state.episodes:
        at = now % length
        bin_now = np.concatenate(
            [state.amounts[at].astype(np.float64), state.expected[at], state.bits[at][None].astype(np.float64)]
        ).T
        for e, episode in state.episodes.items():
            n = now - episode.since
            if n >= episode.data.shape[2]:
                room = np.empty((*episode.data.shape[:2], n + length))
                room[:, :, :n] = episode.data
                episode = state.episodes[e] = replace(episode, data=room)
            episode.data[:, :, n] = bin_now[state.first[e] : state.first[e + 1]]
            if now - last[e] >= length or (n >= most and now - state.alarmed[e] >= length):
                over.append(e)
    fresh = np.flatnonzero(last == now)
    _open(state, [e for e in fresh.tolist() if e not in state.episodes], now)
    return over


def _open(state: StreamState, entities: Sequence[int], now: int) -> None:
    """Begin episodes of those that are not still: the last L bins of all their series."""
    length = len(state.bits)
    opened = [e for e in entities if now - state.out_last[state.first[e] : state.first[e + 1]].max() < length]
    if not opened:
        return
    since = max(0, now - length + 1)
    order = np.arange(since, now + 1) % length
    rows = np.concatenate([np.arange(state.first[e], state.first[e + 1]) for e in opened])
    room = np.empty((len(rows), 5, len(order) + length // 4))
    for b, at in enumerate(order.tolist()):
        room[:, :2, b] = state.amounts[at][:, rows].T
        room[:, 2:4, b] = state.expected[at][:, rows].T
        room[:, 4, b] = state.bits[at][rows]
    begin = 0
    for e in opened:
        count = int(state.first[e + 1] - state.first[e])
        mine = slice(begin, begin + count)
        state.episodes[e] = _Episode(since, room[mine], state.watched[rows[mine]].copy())
        begin += count


def _view(state: StreamState, episode: _Episode, k: int, row: int) -> BinnedView:
    """One series of an episode, judged."""
    values, coverage, expected, low, bits = episode.data[k, :, : state.bins - episode.since]
    since, flags = episode.since, bits.astype(np.uint16)
    missing = episode.since - int(episode.watched[k]) if episode.watched[k] >= 0 else 0
    seen = np.flatnonzero(flags & kernel.JUDGED)
    if missing and (not len(seen) or seen[0] > 0):
        # Not watched since before it: judged from the last bin that was.
        none = np.full(missing, np.nan)
        values, expected, low = (np.concatenate([none, part]) for part in (values, expected, low))
        coverage = np.concatenate([np.zeros(missing), coverage])
        flags = np.concatenate([np.zeros(missing, np.uint16), flags])
        flags[0] = kernel.JUDGED
        since -= missing
    return BinnedView(
        state.specs[row],
        state.start_us + since * state.baseline.bin_us,
        state.baseline.bin_us,
        values,
        coverage,
        Judged(expected, low, flags),
        state.config.rules,
        state.baseline.scale_bins,
    )
