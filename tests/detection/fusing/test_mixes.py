"""Outages that several families see, or one alone, with gaps in each: one engine tells them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.detection import detect
from duskwatch.records.outages import Outage
from duskwatch.records.signals import SignalBlock
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND
from duskwatch.sources.tables.naming import spec_of
from tests.detection.mixes import DAYS, UNTIL, Seen, history
from tests.detection.series import START

AT = 5 * DAY
HOURS = (AT, AT + 4 * HOUR)
OTHERS = ("probing", "sites.http_up", "telescope")


def moments(outage: Outage) -> tuple[float, float | None]:
    """Onset and end in minutes after the loss began."""
    end = None if outage.end is None else round((outage.end.best_us - START - AT) / MINUTE, 1)
    return round((outage.onset.best_us - START - AT) / MINUTE, 1), end


@pytest.mark.parametrize("name", OTHERS)
def test_what_one_family_sees_and_routes_do_not_is_an_outage_and_the_reverse(name: str) -> None:
    seen = Seen(lost=(HOURS,), noise=0.02)
    (theirs,) = detect(history(Seen(), **{name: seen}))
    (ours,) = detect(history(Seen(lost=(HOURS,)), **{name: replace(seen, lost=())}))
    assert (theirs.signals, ours.signals[0]) == ((name,), "bgp.visible_slash24")
    assert moments(theirs) == pytest.approx((0, 240), abs=0.3)
    assert moments(ours) == pytest.approx((0, 240), abs=0.3)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("ahead", [-90, 90], ids=["routes last", "routes first"])
def test_losses_that_overlap_are_one_outage_in_either_order(name: str, ahead: int) -> None:
    early, late = (AT, AT + 3 * HOUR), (AT + 90 * MINUTE, AT + 5 * HOUR)
    routes, other = (early, late) if ahead > 0 else (late, early)
    (outage,) = detect(history(Seen(lost=(routes,)), **{name: Seen(lost=(other,))}))
    assert outage.relapses == 0
    assert {"bgp.visible_slash24", name} <= set(outage.signals)
    assert outage.end
    # The last to come back had no slow return: the outage lasts as long as it does.
    assert moments(outage)[1] == pytest.approx(300, abs=0.3)
    reach = ahead > 0 or spec_of(name).role == "reach"
    assert moments(outage)[0] == pytest.approx(0, abs=0.3) if reach else outage.onset.best_us


def test_an_outage_is_over_when_half_are_back_and_the_others_on_their_way() -> None:
    """Routes are back after four hours; what answers comes back by and by, within two hours or within five."""
    for hours, end in ((2, 240), (5, 540)):
        whole = history(Seen(lost=(HOURS,)), probing=Seen(lost=(HOURS,), noise=0.002))
        (block,) = whole.series
        first = (AT + 4 * HOUR) // block.bin_us
        bins = hours * HOUR // block.bin_us
        values = block.values.copy()
        values[0, first : first + bins] *= (np.arange(bins) + 1) / bins
        (outage,) = detect(replace(whole, series=(replace(block, values=values),)))
        assert outage.end
        assert moments(outage)[1] == pytest.approx(end, abs=0.3 if hours == 2 else 40)
    (service,) = detect(history(Seen(lost=(HOURS,)), http=Seen(lost=((AT, AT + 9 * HOUR),))))
    assert moments(service)[1] == pytest.approx(240, abs=0.3)  # one service alone holds no outage


@pytest.mark.parametrize("families", [(), ("probing",), ("probing", "sites.http_up"), OTHERS])
def test_more_witnesses_change_the_confidence_alone(families: tuple[str, ...]) -> None:
    alone = detect(history(Seen(lost=(HOURS,))))[0]
    (outage,) = detect(
        history(Seen(lost=(HOURS,)), **{name: Seen(lost=(HOURS,), seed=k) for k, name in enumerate(families)})
    )
    assert (outage.onset, outage.end, outage.dark_from, outage.dark_until) == (
        alone.onset, alone.end, alone.dark_from, alone.dark_until,
    )  # fmt: skip
    assert outage.depth == alone.depth
    assert outage.score == pytest.approx(alone.score, rel=0.01)
    assert (outage.confidence > alone.confidence) == bool(families)


def test_who_watches_and_sees_nothing_lowers_the_confidence() -> None:
    seen = history(Seen(lost=(HOURS,)), probing=Seen())
    assert detect(seen)[0].confidence < detect(history(Seen(lost=(HOURS,))))[0].confidence
    assert (
        detect(history(Seen(), probing=Seen(lost=(HOURS,))))[0].confidence
        < detect(history(None, probing=Seen(lost=(HOURS,))))[0].confidence
    )


BLIND = {
    "at the end": (AT + 3 * HOUR, AT + 9 * HOUR),
    "from within on": (AT + HOUR, DAYS * DAY),
    "within": (AT + HOUR, AT + 2 * HOUR),
    "at the onset": (AT - HOUR, AT + HOUR),
}


@pytest.mark.parametrize("families", [("routes",), ("routes", "probing"), ("routes", "probing", "sites.http_up")])
@pytest.mark.parametrize("when", BLIND)
def test_a_gap_in_one_family_does_not_move_what_the_others_saw(families: tuple[str, ...], when: str) -> None:
    for blind in families:
        seen = {name: Seen(lost=(HOURS,), blind=(BLIND[when],) if name == blind else ()) for name in families}
        routes = seen.pop("routes")
        (outage,) = detect(history(routes, **seen))
        if len(families) > 1:
            assert moments(outage) == pytest.approx((0, 240), abs=0.3), blind
        elif when == "from within on":
            assert outage.end is None
        assert outage.relapses == 0


def test_a_gap_of_one_family_joins_no_outages_of_another() -> None:
    """Routes are not watched from half an hour after the first loss until after the second, nine hours later."""
    twice = (HOURS, (AT + 13 * HOUR, AT + 15 * HOUR))
    both = history(Seen(lost=twice, blind=((AT + 30 * MINUTE, AT + 20 * HOUR),)), probing=Seen(lost=twice))
    first, second = detect(both)
    assert moments(first) == pytest.approx((0, 240), abs=0.3)
    assert moments(second) == pytest.approx((780, 900), abs=0.3)
    assert second.relapse_of == 0


@pytest.mark.parametrize("returns", [None, 20 * HOUR, 8 * HOUR + 50 * MINUTE], ids=["never", "after", "before"])
@pytest.mark.parametrize("swapped", [False, True], ids=["probes first", "routes first"])
def test_a_family_that_stops_does_not_take_a_later_loss_of_another_into_its_outage(
    returns: int | None, swapped: bool
) -> None:
    """One family alone sees a loss and stops an hour later; nine hours after the onset another sees a loss."""
    later = (AT + 9 * HOUR, AT + 11 * HOUR)
    stops = Seen(lost=(HOURS,), blind=((AT + HOUR, DAYS * DAY if returns is None else AT + returns),))
    goes_on = Seen(lost=(later,))
    first, second = detect(history(stops, probing=goes_on) if swapped else history(goes_on, probing=stops))
    assert moments(first)[0] == pytest.approx(0, abs=0.3)
    assert first.end is not None
    assert first.end.best_us <= START + AT + 9 * HOUR
    if returns is None or returns > 9 * HOUR:
        # Nobody saw it last longer than an hour, nor saw it end.
        assert moments(first)[1] == pytest.approx(60, abs=6)
        assert first.end.latest_us == pytest.approx(START + AT + 9 * HOUR, abs=6 * MINUTE)
        assert first.end.reason.code == "next-began"
        assert first.score == pytest.approx(1, abs=0.1)
    assert moments(second) == pytest.approx((540, 660), abs=0.3)
    assert second.relapse_of == 0


def test_a_loss_that_stands_after_a_gap_is_one_outage_with_what_others_lost_meanwhile() -> None:
    stands = Seen(lost=((AT, AT + 24 * HOUR),), blind=((AT + HOUR, AT + 20 * HOUR),))
    (outage,) = detect(history(Seen(lost=((AT + 9 * HOUR, AT + 11 * HOUR),)), probing=stands))
    assert moments(outage) == pytest.approx((0, 1440), abs=0.3)


def test_what_was_lost_after_the_last_that_watched_left_counts_for_no_score() -> None:
    (outage,) = detect(history(None, probing=Seen(lost=(HOURS,), blind=((AT + HOUR, DAYS * DAY),))))
    assert outage.end is None
    assert outage.score == pytest.approx(1, abs=0.1)


def test_an_outage_whose_every_witness_went_away_lasts() -> None:
    away = ((AT + HOUR, DAYS * DAY),)
    (outage,) = detect(history(Seen(lost=(HOURS,), blind=away), probing=Seen(lost=(HOURS,), blind=away)))
    assert outage.end is None
    assert outage.duration_us == pytest.approx(UNTIL - START - AT, abs=12 * SECOND)


def test_a_family_that_did_not_watch_neither_confirms_nor_denies() -> None:
    away = ((AT - HOUR, AT + 4 * HOUR + 30 * HOUR),)
    for routes, other in ((Seen(lost=(HOURS,)), Seen(blind=away)), (Seen(blind=away), Seen(lost=(HOURS,)))):
        both = detect(history(routes, probing=other))
        alone = detect(history(routes)) if routes.lost else detect(history(None, probing=other))
        assert both == alone


def test_address_space_of_routes_silences_a_count_of_prefixes_wherever_it_comes_from() -> None:
    assert detect(history(Seen(), bgp__visible_prefixes=Seen(lost=(HOURS,)))) == ()
    assert len(detect(history(None, bgp__visible_prefixes=Seen(lost=(HOURS,))))) == 1


def test_a_loss_at_the_same_time_of_the_next_day_is_a_repeat_and_no_relapse_by_routes_too() -> None:
    daily = tuple((AT + k * DAY, AT + k * DAY + 4 * HOUR) for k in range(3))
    outages = detect(history(Seen(lost=daily)))
    assert [outage.relapse_of for outage in outages] == [None, None, None]
    other = tuple((AT + k * 20 * HOUR, AT + k * 20 * HOUR + 4 * HOUR) for k in range(3))
    assert [outage.relapse_of for outage in detect(history(Seen(lost=other)))] == [None, 0, 0]


@st.composite
def mixes(draw):
    dice = np.random.default_rng(draw(st.integers(0, 10**6)))

    def spans(most: int, longest_h: float) -> tuple[tuple[int, int], ...]:
        out, at = [], int(dice.integers(DAY, 3 * DAY))
        for _ in range(int(dice.integers(0, most + 1))):
            end = at + int(dice.integers(600, int(longest_h * 3600))) * SECOND
            out.append((at // SECOND * SECOND, end // SECOND * SECOND))
            at = end + int(dice.integers(600, 40 * 3600)) * SECOND
        return tuple(out)

    shared = spans(3, 20)

    def seen(k: int) -> Seen:
        return Seen(
            lost=shared if dice.random() < 0.6 else spans(3, 10), blind=spans(2, 30) if dice.random() < 0.6 else (),
            share=float(dice.choice([1.0, 0.7, 0.4])), bin_us=int(dice.choice([5, 10, 30])) * MINUTE, seed=k,
        )  # fmt: skip

    routes = seen(0) if dice.random() < 0.8 else None
    names = ["probing", "sites.http_up", "telescope", "google", "bgp"]
    chosen = dice.permutation(names)[: int(dice.integers(0 if routes else 1, 4))]
    return history(routes, **{str(name): seen(k) for k, name in enumerate(chosen)})


@given(mixes())
@settings(max_examples=40, deadline=None)
def test_outages_of_any_mix_are_whole(mix) -> None:
    outages = detect(mix)
    assert detect(mix) == outages
    for k, outage in enumerate(outages):
        end = outage.end.best_us if outage.end else UNTIL
        assert START <= outage.onset.best_us <= end <= UNTIL
        assert outage.duration_us == end - outage.onset.best_us
        assert 0 < outage.depth <= 1
        assert 0 <= outage.confidence <= 1
        assert outage.signals
        assert outage.alarms
        assert (outage.dark_until is None) == (outage.dark_from is None or outage.end is None)
        if outage.dark_from and outage.dark_until:
            assert outage.onset.best_us <= outage.dark_from.best_us <= outage.dark_until.best_us <= end
        for one, after in zip(outage.phases, outage.phases[1:], strict=False):
            assert one.until_us <= after.from_us
        if k + 1 < len(outages):
            assert outage.end is not None
            assert end <= outages[k + 1].onset.best_us
            assert outages[k + 1].relapse_of in (None, k, outage.relapse_of)


@given(mixes(), st.randoms())
@settings(max_examples=30, deadline=None)
def test_the_order_of_signals_changes_nothing(mix, random) -> None:
    series = list(mix.series)
    random.shuffle(series)
    assert detect(replace(mix, series=tuple(series))) == detect(mix)
    five = [block for block in mix.series if block.bin_us == 5 * MINUTE]
    if len(five) > 1:
        random.shuffle(five)
        parts = [np.concatenate([getattr(b, name) for b in five]) for name in ("values", "coverage")]
        one = SignalBlock(tuple(spec for b in five for spec in b.specs), START, 5 * MINUTE, *parts)
        rest = tuple(block for block in mix.series if block.bin_us != 5 * MINUTE)
        assert detect(replace(mix, series=(one, *rest))) == detect(mix)


@given(
    mixes(),
    st.sampled_from(["probing.new", "sites.new", "telescope", "http"]),
    st.sampled_from(["nan", "unwatched", "empty"]),
)
@settings(max_examples=30, deadline=None)
def test_a_signal_without_data_changes_nothing(mix, name, kind) -> None:
    values = np.full((1, DAYS * 96), np.nan if kind == "nan" else 0.0)
    if kind == "empty":
        values = values[:, :0]
    none = SignalBlock((spec_of(name),), START + 7 * SECOND, 15 * MINUTE, values, np.zeros(values.shape))
    assert detect(replace(mix, series=(*mix.series, none))) == detect(mix)
    assert detect(replace(mix, series=(none, *mix.series))) == detect(mix)
