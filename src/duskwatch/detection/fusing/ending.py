"""When an outage began and ended, as several witnesses tell: one definition for any mix of signals."""

from collections.abc import Iterable, Sequence
from math import inf
from typing import NamedTuple

from duskwatch.detection.config import FuseConfig
from duskwatch.detection.dating.moments import Moments
from duskwatch.records.outages import When
from duskwatch.records.reason import reason
from duskwatch.records.times import MINUTE

BESIDE_US = 15 * MINUTE  # bins may be read at their start, at their end, or late


class Told(NamedTuple):
    """One loss of a signal, or of the signals of a level together, with its moments."""

    family: str
    name: str  # of the signal
    deciding: bool  # the outage is measured by it, and its onset is looked for here first
    holds: bool  # the outage is not over before it is back, or on its way; else it only speaks for an end
    moments: Moments


class _Return(NamedTuple):
    """How a signal came back: from ``way_us`` on it climbed, from ``unseen_us`` to ``back_us`` nobody watched it."""

    told: Told
    way_us: float
    unseen_us: float
    back_us: float  # infinite where it is not known to be back


def onset_of(all_told: Sequence[Told], floor_us: int | None, config: FuseConfig) -> When:
    """The first onset; signals that decide date it where they fell soon after one that does not.

    Where a moment known to the second lies beside it, that is told. Nothing lies before ``floor_us``, the end of the
    outage before.
    """
    deciding = [told for told in all_told if told.deciding]
    near, first = min(deciding, key=_by_onset), min(all_told, key=_by_onset)
    chosen = near if near.moments.onset.best_us - first.moments.onset.best_us < config.join_us else first
    exact = [told for told in deciding if told.moments.onset_to_the_second]
    beside = [told for told in exact if _beside(told.moments.onset, chosen.moments.onset)]
    when = min(beside or [chosen], key=_by_onset).moments.onset
    if floor_us is None or when.earliest_us >= floor_us:
        return when
    best = max(when.best_us, floor_us)
    return When(max(when.earliest_us, floor_us), max(when.latest_us, best), best, when.reason)


def end_of(all_told: Sequence[Told], onset: When, config: FuseConfig) -> When | None:
    """The first moment at which at least half of the families that watch are back, and each other one is on its way.

    A family is back when all of its signals that are watched are. A signal is on its way from the start of a climb
    that ends in its normal band within ``lag_us``. One that nobody watches neither confirms nor denies; what a single
    service sees counts once it is back. Where a moment known to the second lies beside the one so found, that is told.
    None where there is no such moment.
    """
    returns = _last_returns(all_told, config)
    times = sorted({at for one in returns for at in (one.way_us, one.unseen_us, one.back_us) if at < inf})
    at = next((at for at in times if _over(returns, at)), None)
    if at is None:
        return None
    when = _told_at(returns, int(at))
    exact = [one.told.moments.end for one in returns if one.told.moments.end_to_the_second]
    beside = [end for end in exact if end is not None and _beside(end, when)]
    when = max(beside, key=_best, default=when)
    best, earliest = max(when.best_us, onset.best_us), max(when.earliest_us, onset.earliest_us)
    return When(min(earliest, best), max(when.latest_us, best), best, when.reason)


def _last_returns(all_told: Iterable[Told], config: FuseConfig) -> list[_Return]:
    """Of each signal the return from its last loss."""
    last: dict[str, _Return] = {}
    for told in all_told:
        moments = told.moments
        back = float(moments.end.best_us) if moments.end is not None else inf
        climbed = float(moments.climbed_us) if moments.climbed_us is not None else inf
        way = min(climbed, back) if back - climbed <= config.lag_us else back
        unseen = float(moments.unseen_us) if moments.unseen_us is not None else back
        one = _Return(told, way, min(unseen, back), back)
        if told.name not in last or one.back_us > last[told.name].back_us:
            last[told.name] = one
    return [last[name] for name in sorted(last)]


def _over(returns: Sequence[_Return], at: float) -> bool:
    """Whether an outage is over at a time."""
    families: dict[str, bool] = {}  # whether each that watches is back
    for one in returns:
        if at >= one.back_us:
            families.setdefault(one.told.family, True)
        elif at >= one.unseen_us or not one.told.holds:
            continue
        elif at >= one.way_us:
            families[one.told.family] = False
        else:
            return False
    return bool(families) and 2 * sum(families.values()) >= len(families)


def _told_at(returns: Sequence[_Return], at: int) -> When:
    """What makes an outage over at a time: a signal that was back, one on its way, or one that nobody watched on."""
    ends = [(one, end) for one in returns if (end := one.told.moments.end) is not None]
    back = [(end.latest_us - end.earliest_us, one.told.name, end) for one, end in ends if one.back_us == at]
    if back:
        return min(back, key=lambda item: item[:2])[2]
    on_way = next((end for one, end in ends if one.way_us == at), None)
    if on_way is not None:
        return When(at, on_way.latest_us, at, reason("return-began", on_way.reason))
    unseen = next(one for one in returns if one.unseen_us == at)
    end = unseen.told.moments.end
    return When(
        at, at if end is None else end.latest_us, at, reason("rest-unwatched", signal=unseen.told.name, at_us=at)
    )


def _beside(exact: When, told: When) -> bool:
    """Whether a moment lies in an interval, or no further from it than it is wide, or than a bin may be."""
    wide = max(told.latest_us - told.earliest_us, BESIDE_US)
    return told.earliest_us - wide <= exact.best_us <= told.latest_us + wide


def _by_onset(told: Told) -> tuple[int, int, str]:
    onset = told.moments.onset
    return onset.best_us, onset.latest_us - onset.earliest_us, told.name


def _best(when: When) -> int:
    return when.best_us
