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


class DatedLoss(NamedTuple):
    """One loss of a signal, or of the signals of a level together, with its moments."""

    family: str
    name: str  # of the signal
    deciding: bool  # the outage is measured by it, and its onset is looked for here first
    holds: bool  # the outage is not over before it is back, or on its way; else it only speaks for an end
    moments: Moments


class _Return(NamedTuple):
    """How a signal came back: from ``way_us`` on it climbed, from ``unseen_us`` to ``back_us`` nobody watched it."""

    loss: DatedLoss
    way_us: float
    unseen_us: float
    back_us: float  # infinite where it is not known to be back


def onset_of(all_losses: Sequence[DatedLoss], floor_us: int | None, config: FuseConfig) -> When:
    """The first onset; signals that decide date it where they fell soon after one that does not.

    Where a moment known to the second lies beside it, that moment is the onset. Nothing lies before ``floor_us``, the
    end of the outage before.
    """
    if len(all_losses) == 1:
        return _not_before(all_losses[0].moments.onset, floor_us)
    deciding = [loss for loss in all_losses if loss.deciding]
    near, first = min(deciding, key=_by_onset), min(all_losses, key=_by_onset)
    chosen = near if near.moments.onset.best_us - first.moments.onset.best_us < config.join_us else first
    exact = [loss for loss in deciding if loss.moments.onset_to_the_second]
    beside = [loss for loss in exact if _beside(loss.moments.onset, chosen.moments.onset)]
    return _not_before(min(beside or [chosen], key=_by_onset).moments.onset, floor_us)


def _not_before(when: When, floor_us: int | None) -> When:
    if floor_us is None or when.earliest_us >= floor_us:
        return when
    best = max(when.best_us, floor_us)
    return When(max(when.earliest_us, floor_us), max(when.latest_us, best), best, when.reason)


def end_of(all_losses: Sequence[DatedLoss], onset: When, config: FuseConfig) -> When | None:
    """The first moment at which at least half of the families that watch are back, and each other one is on its way.

    A family is back when all of its signals that are watched are. A signal is on its way from the start of a climb
    that ends in its normal band within ``lag_us``. One that nobody watches neither confirms nor denies; what a single
    service sees counts once it is back. Where a moment known to the second lies beside the one so found, that moment is
    the end. None where there is no such moment.
    """
    if len(all_losses) == 1:
        return _after(all_losses[0].moments.end, onset)
    returns = _last_returns(all_losses, config)
    times = sorted({at for one in returns for at in (one.way_us, one.unseen_us, one.back_us) if at < inf})
    at = next((at for at in times if _over(returns, at)), None)
    if at is None:
        return None
    when = _moment_over(returns, int(at))
    exact = [one.loss.moments.end for one in returns if one.loss.moments.end_to_the_second]
    beside = [end for end in exact if end is not None and _beside(end, when)]
    return _after(max(beside, key=_best, default=when), onset)


def _after(end: When | None, onset: When) -> When | None:
    """An end is never before its onset."""
    if end is None or (end.best_us >= onset.best_us and end.earliest_us >= onset.earliest_us):
        return end
    best, earliest = max(end.best_us, onset.best_us), max(end.earliest_us, onset.earliest_us)
    return When(min(earliest, best), max(end.latest_us, best), best, end.reason)


def _last_returns(all_losses: Iterable[DatedLoss], config: FuseConfig) -> list[_Return]:
    """Of each signal the return from its last loss."""
    last: dict[str, _Return] = {}
    for loss in all_losses:
        moments = loss.moments
        back = float(moments.end.best_us) if moments.end is not None else inf
        climbed = float(moments.climbed_us) if moments.climbed_us is not None else inf
        way = min(climbed, back) if back - climbed <= config.lag_us else back
        unseen = float(moments.unseen_us) if moments.unseen_us is not None else back
        one = _Return(loss, way, min(unseen, back), back)
        if loss.name not in last or one.back_us > last[loss.name].back_us:
            last[loss.name] = one
    return [last[name] for name in sorted(last)]


def _over(returns: Sequence[_Return], at: float) -> bool:
    """Whether an outage is over at a time."""
    families: dict[str, bool] = {}  # whether each that watches is back
    for one in returns:
        if at >= one.back_us:
            families.setdefault(one.loss.family, True)
        elif at >= one.unseen_us or not one.loss.holds:
            continue
        elif at >= one.way_us:
            families[one.loss.family] = False
        else:
            return False
    return bool(families) and 2 * sum(families.values()) >= len(families)


def _moment_over(returns: Sequence[_Return], at: int) -> When:
    """What makes an outage over at a time: a signal that was back, one on its way, or one that nobody watched on."""
    ends = [(one, end) for one in returns if (end := one.loss.moments.end) is not None]
    back = [(end.latest_us - end.earliest_us, one.loss.name, end) for one, end in ends if one.back_us == at]
    if back:
        return min(back, key=lambda item: item[:2])[2]
    on_way = next((end for one, end in ends if one.way_us == at), None)
    if on_way is not None:
        return When(at, on_way.latest_us, at, reason("return-began", on_way.reason))
    unseen = next(one for one in returns if one.unseen_us == at)
    end = unseen.loss.moments.end
    return When(
        at, at if end is None else end.latest_us, at, reason("rest-unwatched", signal=unseen.loss.name, at_us=at)
    )


def _beside(exact: When, coarse: When) -> bool:
    """Whether a moment lies in an interval, or no further from it than it is wide, or than a bin may be."""
    wide = max(coarse.latest_us - coarse.earliest_us, BESIDE_US)
    return coarse.earliest_us - wide <= exact.best_us <= coarse.latest_us + wide


def _by_onset(loss: DatedLoss) -> tuple[int, int, str]:
    onset = loss.moments.onset
    return onset.best_us, onset.latest_us - onset.earliest_us, loss.name


def _best(when: When) -> int:
    return when.best_us
