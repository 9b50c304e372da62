import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.detection import detect_series, find_alarms
from duskwatch.records.times import DAY, HOUR, MINUTE
from tests.detection.series import FIVE, START, at, block, daily, flat, time_of


def alarms_by(detector, *rows, names=("bgp",), bin_us=FIVE):
    return [alarm for alarm in find_alarms(block(*rows, names=names, bin_us=bin_us)) if alarm.detector == detector]


def decline(days, begin, length, share, noise=0.01, seed=1):
    values = flat(days, 1000, noise, seed)
    fall = np.clip((np.arange(len(values)) / 288 - begin) / length, 0, 1)
    return values * (1 - share * fall)


def test_a_decline_that_the_baseline_follows_is_told_and_called():
    values = decline(60, 30, 10, 0.5)
    assert not alarms_by("partial-loss", values)
    (alarm,) = alarms_by("slow-decline", values)
    assert START + 30 * DAY <= alarm.from_us <= START + 34 * DAY
    assert alarm.expected == pytest.approx(1000, rel=0.01)
    assert alarm.threshold == 0.2
    (outage,) = detect_series(block(values))
    assert outage.onset.latest_us - outage.onset.earliest_us == DAY
    assert outage.depth == pytest.approx(0.5, abs=0.05)


def test_the_end_of_a_decline_is_the_day_it_came_back():
    values = decline(80, 30, 8, 0.5)
    values[60 * 288 :] = flat(20, 1000, 0.01)
    (alarm,) = alarms_by("slow-decline", values)
    assert alarm.until_us == START + 60 * DAY


@pytest.mark.parametrize(
    "values",
    [
        decline(60, 30, 10, 0.1),
        daily(60, weekend=0.5),
        flat(60, 1000, 0.15),
        np.where(np.arange(60 * 288) // 288 % 9 == 0, np.nan, flat(60, 1000, 0.01)),
    ],
    ids=["a tenth", "weekends", "noise", "missing days"],
)
def test_no_decline(values):
    assert not alarms_by("slow-decline", values)


def test_what_a_telescope_hears_declines_by_itself():
    assert not alarms_by("slow-decline", decline(60, 30, 10, 0.5), names=("telescope",))


def test_an_outage_is_no_decline_after_it():
    values = flat(60, 1000, 0.01)
    values[30 * 288 : 45 * 288] *= 0.3
    assert not alarms_by("slow-decline", values)


def storm(first, after, size=2000):
    values = np.random.default_rng(1).poisson(3, 10 * 288) * 1.0
    values[first:after] += size
    return values


def test_a_storm_of_updates_is_told_and_makes_no_outage():
    quiet = flat(10, 100)
    rows = (quiet, storm(at(5, 3), at(5, 4)), storm(0, 0))
    names = ("bgp.visible_slash24", "bgp.announcements", "bgp.withdrawals")
    (alarm,) = alarms_by("update-storm", *rows, names=names)
    assert (alarm.signal, alarm.from_us, alarm.until_us) == ("bgp.announcements", time_of(at(5, 3)), time_of(at(5, 4)))
    assert alarm.observed > 2000
    assert alarm.threshold == max(50, 5 * alarm.expected)
    assert detect_series(block(*rows, names=names)) == ()


def test_a_storm_is_told_with_the_outage_that_it_comes_with():
    values = flat(10, 100)
    values[at(5, 3) : at(5, 6)] = 0
    names = ("bgp.visible_slash24", "bgp.withdrawals")
    (outage,) = detect_series(block(values, storm(at(5, 3), at(5, 3, FIVE) + 4), names=names))
    assert "bgp.withdrawals" in outage.signals
    assert outage.signals[0] == "bgp.visible_slash24"
    assert outage.depth == 1


def test_one_bin_a_first_day_and_few_messages_are_no_storm():
    assert not alarms_by("update-storm", storm(at(5), at(5) + 1), names=("bgp.announcements",))
    assert not alarms_by("update-storm", storm(at(0, 3), at(0, 4)), names=("bgp.announcements",))
    assert not alarms_by("update-storm", storm(at(5), at(5, 1), size=10), names=("bgp.announcements",))
    assert not alarms_by("update-storm", storm(at(5), at(5, 1)), names=("bgp",))


def test_short_losses_again_and_again_are_flapping_and_no_outage():
    values = flat(10, 100)
    for k in range(6):
        values[at(5, 2 + k)] = 85
    (alarm,) = alarms_by("flapping", values)
    assert (alarm.from_us, alarm.until_us) == (time_of(at(5, 2)), time_of(at(5, 7)) + FIVE)
    assert (alarm.expected, alarm.observed) == (100, 85)
    assert detect_series(block(values)) == ()
    for k in range(6):
        values[at(5, 2 + k)] = 100
    for k in range(6):
        values[at(5, 3 * k)] = 85
    assert not alarms_by("flapping", values)


def test_flaps_are_one_outage_with_relapses_and_an_unstable_phase():
    values = flat(10, 100)
    for k in range(3):
        values[at(5, 2 + k) : at(5, 2.5 + k)] = 0
    (outage,) = detect_series(block(values))
    assert outage.relapses == 2
    assert [phase.phase for phase in outage.phases] == ["dark", "unstable", "dark", "unstable", "dark", "restored"]


def test_losses_before_that_made_no_outage_are_a_degrading_phase():
    values = flat(10, 100)
    for hour in (1, 3):
        values[at(5, hour)] = 85
    values[at(5, 5) : at(5, 8)] = 0
    (outage,) = detect_series(block(values))
    assert outage.phases[0].phase == "degrading"
    assert outage.phases[0].from_us == time_of(at(5, 1))


@pytest.mark.parametrize("lost", [1, 2, 3, 4])
def test_four_prefixes_go_one_by_one(lost):
    values = flat(6, 4.0)
    values[at(4, 3) : at(4, 5)] -= lost
    (outage,) = detect_series(block(values))
    assert outage.depth == lost / 4
    assert outage.onset.best_us == time_of(at(4, 3))
    assert (outage.dark_from is not None) == (lost == 4)


@given(
    st.lists(st.tuples(st.integers(1, 2), st.integers(1, 8)), min_size=1, max_size=30),
    st.sampled_from([0, 100, 1000]),
    st.integers(0, 287),
)
@settings(max_examples=60, deadline=None)
def test_one_prefix_of_four_that_flaps_for_a_bin_or_two_is_no_outage(flaps, earlier, begin):
    values = flat(30, 4.0)
    if earlier:  # a signal that flapped before is not asked for less
        values[np.random.default_rng(1).integers(0, at(24) // 2, earlier) * 2] = 3
    where = at(25) + begin
    for low, up in flaps:
        values[where : where + low] = 3
        where += low + up
    assert detect_series(block(values)) == ()


def test_one_prefix_of_four_that_is_gone_for_three_bins_is_an_outage():
    values = flat(30, 4.0)
    values[at(25) : at(25) + 3] = 3
    assert len(detect_series(block(values))) == 1


def test_alarms_carry_what_they_compare():
    values = flat(6, 100.0)
    values[at(4, 3) : at(4, 5)] = 40
    coverage = np.ones(len(values))
    coverage[at(4, 3) : at(4, 4)] = 0.95
    alarms = find_alarms(block(values, coverage=[coverage]))
    assert {alarm.detector for alarm in alarms} == {"deep-loss", "partial-loss"}
    for alarm in alarms:
        assert (alarm.expected, alarm.observed) == (100, 40)
        assert alarm.coverage == pytest.approx(0.975)
        assert alarm.from_us == time_of(at(4, 3))
        assert alarm.from_us < alarm.raised_us <= alarm.from_us + 3 * FIVE
        assert alarm.until_us == time_of(at(4, 5))
    assert {alarm.threshold for alarm in alarms} == {60, 108}


def test_noise_that_hides_single_bins_does_not_hide_an_hour():
    random = np.random.default_rng(7)
    values = random.poisson(6, 30 * 288) * 1.0
    values[at(28, 3) : at(28, 5)] = 0
    alarms = find_alarms(block(values, names=("telescope",)))
    assert {alarm.detector for alarm in alarms} == {"lasting-loss"}
    (outage,) = detect_series(block(values, names=("telescope",)))
    assert abs(outage.onset.best_us - time_of(at(28, 3))) <= FIVE
    assert abs(outage.end.best_us - time_of(at(28, 5))) <= FIVE


@pytest.mark.parametrize(
    "name",
    ["bgp.peers_live", "ping-slash24-loss.p95", "latency", "upstream-delay", "probing.packet_loss", "attacks.ntp_gbps",
     "bgp.hegemony.AS4837"],
)  # fmt: skip
def test_less_of_these_is_no_loss(name):
    values = flat(6, 100.0)
    values[at(4, 3) : at(4, 5)] = 0
    assert detect_series(block(values, names=(name,))) == ()
    assert find_alarms(block(values, names=(name,))) == ()


def test_a_site_check_is_a_witness_of_its_own_and_calls_alone():
    values = flat(12, 1.0)
    values[at(8, 3) : at(8, 4)] = 0
    (alone,) = detect_series(block(values, names=("sites.http_up",)))
    (both,) = detect_series(block(values, values, names=("sites.http_up", "probing.slash24_up")))
    (same,) = detect_series(block(values, values, names=("sites.http_up", "sites.dns_up")))
    assert both.confidence > alone.confidence
    assert same.confidence == alone.confidence


def test_one_service_alone_must_lose_more_and_longer():
    values = daily(20, noise=0.01)
    short = values.copy()
    short[at(15, 9) : at(15, 11)] *= 0.65
    deep = values.copy()
    deep[at(15, 9) : at(15, 10)] *= 0.1
    probing = flat(20, 600, 0.01)
    probing[at(15, 9) : at(15, 11)] *= 0.5
    assert find_alarms(block(short, names=("google",)))
    assert detect_series(block(short, names=("google",))) == ()
    assert len(detect_series(block(deep, names=("google",)))) == 1
    (outage,) = detect_series(block(short, probing, names=("google", "probing")))
    assert outage.signals == ("probing", "google")


def test_more_signals_of_the_same_loss_do_not_change_the_score_but_the_confidence():
    rows = [flat(8, 100, 0.01, seed=k) for k in range(3)]
    for row in rows:
        row[at(6, 3) : at(6, 6)] *= 0.4
    one = detect_series(block(rows[0]))[0]
    three = detect_series(block(*rows, names=("bgp", "probing", "telescope")))[0]
    assert one.score == pytest.approx(1.8, rel=0.05)
    assert three.score == pytest.approx(one.score, rel=0.05)
    assert three.confidence > one.confidence
    same = detect_series(block(*rows, names=("bgp", "bgp.visible_slash24", "routes")))[0]
    assert same.confidence == pytest.approx(one.confidence, abs=0.02)
    quiet = detect_series(block(rows[0], flat(8), flat(8), names=("bgp", "probing", "telescope")))[0]
    assert quiet.confidence < one.confidence


def test_bins_of_different_width_fuse():
    fast = flat(8, 100, 0.01)
    fast[at(6, 3) : at(6, 6)] *= 0.4
    half = flat(8, 100, 0.01, bin_us=30 * MINUTE)
    half[at(6, 3, 30 * MINUTE) : at(6, 6, 30 * MINUTE)] *= 0.2
    (outage,) = detect_series([block(fast), block(half, names=("probing",), bin_us=30 * MINUTE)])
    assert outage.onset.best_us == time_of(at(6, 3))
    assert outage.depth == pytest.approx(0.8, abs=0.03)
    assert outage.duration_us == 3 * HOUR
    assert outage.signals == ("probing", "bgp")


def test_an_outage_that_lasts_has_no_end():
    values = flat(8, 100, 0.01)
    values[at(6, 3) :] = 0
    (outage,) = detect_series(block(values))
    assert outage.end is None
    assert outage.duration_us == time_of(len(values)) - time_of(at(6, 3))


def test_nothing_to_read_is_no_outage():
    assert detect_series(()) == ()
    assert detect_series(block(np.full(500, np.nan))) == ()
    assert detect_series(block(np.zeros(500))) == ()
    assert detect_series(block(np.empty(0))) == ()


def test_a_loss_as_large_as_the_width_begins_where_it_fell_not_where_chance_took_more():
    values = flat(35, 1000)
    values[at(30, 3) : at(30, 15)] = 900  # a tenth: not below the low
    values[at(30, 4) : at(30, 7)] = 850
    (outage,) = detect_series(block(values))
    assert outage.alarms[0].from_us == time_of(at(30, 4))
    assert outage.onset.best_us == outage.onset.earliest_us == time_of(at(30, 3))


def test_an_onset_is_not_looked_for_in_the_outage_before():
    values = flat(35, 1000)
    values[at(30, 2) : at(30, 14)] = 0
    values[at(30, 16) : at(30, 18)] = 0
    first, second = detect_series(block(values))
    assert first.onset.best_us == time_of(at(30, 2))
    assert second.onset.best_us == second.onset.earliest_us == time_of(at(30, 16))


@pytest.mark.parametrize("hours", [1, 2, 6])
@pytest.mark.parametrize("size", [15, 300, 40_000])
@pytest.mark.parametrize(("name", "late"), [("bgp", 1.0), ("probing", 0.5)])  # told at the end of a bin; of all of it
def test_a_slow_fall_begins_where_it_began(name, late, size, hours):
    bins = hours * 12
    values = flat(35, float(size))
    begin = at(30, 3)
    fallen = np.clip((np.arange(len(values)) + late - begin) / bins, 0.0, 1.0)
    fallen[at(30, 12) :] = 0
    (outage,) = detect_series(block(np.round(values * (1 - fallen)), names=(name,)))
    tenth = time_of(begin) + bins * FIVE // 10
    one_prefix = bins * FIVE // size
    assert time_of(begin) - FIVE // 2 <= outage.onset.best_us <= tenth + FIVE + one_prefix
    assert outage.onset.earliest_us <= tenth
