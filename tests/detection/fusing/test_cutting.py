"""A family that stops within one outage and comes back within the next does not make them one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duskwatch.detection import detect
from duskwatch.records.outages import Outage
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND
from tests.detection.mixes import DAYS, Seen, Spans, history
from tests.detection.series import START

AT = 5 * DAY
FIRST, SECOND_LOSS = (AT, AT + 8 * HOUR), (AT + 23 * HOUR, AT + 31 * HOUR)
AWAY = (AT + 3 * HOUR, AT + 29 * HOUR)


def hours(outage: Outage) -> tuple[float, float | None]:
    """Onset and end in hours after the first loss."""
    end = None if outage.end is None else (outage.end.best_us - START - AT) / HOUR
    return (outage.onset.best_us - START - AT) / HOUR, end


@pytest.mark.parametrize("other", ["probing", "telescope", "sites.http_up"])
@pytest.mark.parametrize("routes_stop", [False, True])
def test_who_watched_tells_two_outages_where_another_was_away_from_one_to_the_next(
    other: str, routes_stop: bool
) -> None:
    stops, goes_on = Seen(lost=(FIRST, SECOND_LOSS), blind=(AWAY,)), Seen(lost=(FIRST, SECOND_LOSS))
    routes, its = (stops, goes_on) if routes_stop else (goes_on, stops)
    first, second = detect(history(routes, **{other: its}))
    assert hours(first) == pytest.approx((0, 8), abs=0.1)
    assert hours(second) == pytest.approx((23, 31), abs=0.1)
    assert second.relapse_of == 0
    # Both witnessed both: what lies before the gap is of the first, what comes after it of the second.
    for outage in (first, second):
        assert {"bgp.visible_slash24", other} <= set(outage.signals)
        whole = outage.end
        assert whole is not None
        assert all(alarm.from_us <= alarm.raised_us for alarm in outage.alarms)
        assert max(alarm.from_us for alarm in outage.alarms) < whole.best_us
    mine = [[alarm for alarm in one.alarms if alarm.signal != "bgp.visible_slash24"] for one in (first, second)]
    assert not set(mine[0]) & set(mine[1])


def test_one_saw_the_return_and_a_third_the_next_loss() -> None:
    both = (FIRST, SECOND_LOSS)
    mix = history(
        Seen(lost=both, blind=((AT + 12 * HOUR, AT + 40 * HOUR),)),
        probing=Seen(lost=both, blind=(AWAY,)),
        telescope=Seen(lost=both, blind=((AT - HOUR, AT + 20 * HOUR),)),
    )
    first, second = detect(mix)
    assert hours(first) == pytest.approx((0, 8), abs=0.1)
    assert hours(second) == pytest.approx((23, 31), abs=0.2)


@pytest.mark.parametrize("lost", [(), (SECOND_LOSS,), (FIRST,)], ids=["neither", "the second", "the first"])
def test_nobody_cuts_it_who_did_not_see_both(lost: Spans) -> None:
    """It may have been lost all the time: that another was back meanwhile, or was without later, says nothing of it."""
    (outage,) = detect(history(Seen(lost=lost), probing=Seen(lost=(FIRST, SECOND_LOSS), blind=(AWAY,))))
    assert hours(outage) == pytest.approx((0, 31), abs=0.1)


def drawn(dice: np.random.Generator, many: int, first: float, least: float, most: float, up: tuple[int, int]) -> Spans:
    """Stretches in a row; hours."""
    out: list[tuple[int, int]] = []
    at = int(first * HOUR) + int(dice.integers(0, DAY // SECOND)) * SECOND
    for _ in range(many):
        end = at + int(dice.integers(int(least * 3600), int(most * 3600))) * SECOND
        if end > DAYS * DAY - 12 * HOUR:
            break
        out.append((at, end))
        at = end + int(dice.integers(up[0] * 3600, up[1] * 3600)) * SECOND
    return tuple(out)


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
@example(23)
@example(19)
@example(51)
def test_whoever_comes_and_goes_beside_one_who_stays_moves_nothing(seed: int) -> None:
    """All lose the same; one of them watches all the time: the outages are those that this one tells alone."""
    dice = np.random.default_rng(seed)
    losses = drawn(dice, 3, 72, 1, 12, (3, 30))
    stays = str(dice.choice(["routes", "probing"]))
    seen: dict[str, Seen] = {}
    for k, name in enumerate(("routes", "probing", "telescope")):
        if name != "telescope" or dice.random() < 0.5:
            blind = () if name == stays else drawn(dice, int(dice.integers(1, 4)), 60, 0.5, 40, (1, 30))
            seen[name] = Seen(lost=losses, blind=blind, seed=k + 1)
    routes = seen.pop("routes")
    alone = detect(history(routes) if stays == "routes" else history(None, probing=replace(seen["probing"])))
    together = detect(history(routes, **seen))
    assert len(together) == len(alone)
    for one, other in zip(together, alone, strict=True):
        assert one.onset.best_us == pytest.approx(other.onset.best_us, abs=10 * MINUTE)
        assert one.end is not None
        assert other.end is not None
        assert one.end.best_us == pytest.approx(other.end.best_us, abs=10 * MINUTE)
