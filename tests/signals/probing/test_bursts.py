"""Bursts of disconnects: found where they are, and told from what the platform does by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.probes import ConnectionLog
from duskwatch.records.times import HOUR, MINUTE, SECOND, parse_time
from duskwatch.signals.probing.bursts import find_bursts
from duskwatch.signals.probing.candidates import poisson_tail
from duskwatch.signals.probing.platform import changes_chance
from duskwatch.signals.probing.presence import NEVER, presence
from duskwatch.sources.probing.connections import read_connections
from tests.signals.probing import slow
from tests.signals.probing.logs import DAY_S, HOUR_S, leave, log_of, ordinary


def at(text: str) -> int:
    return parse_time(text)


def connection_log(shared_data, name: str) -> ConnectionLog:
    return read_connections([shared_data / "atlas" / "connections" / name])


def kenya(log: ConnectionLog):
    return find_bursts(log, dict.fromkeys(map(int, log.probe), "KE"))


def test_the_cut_of_7_june_2016_is_an_outage_of_part_of_kenya(shared_data):
    found = kenya(connection_log(shared_data, "ke.dat"))
    (cut,) = [one for one in found.bursts if at("2016-06-07T08:00Z") < one.from_us < at("2016-06-07T09:00Z")]
    assert cut.kind == "partial outage"
    assert cut.entity.code == "KE"
    assert cut.from_us == at("2016-06-07T08:31:16Z")
    assert len(cut.left) == 5
    assert cut.lasting == 3
    assert cut.away_us[2] // MINUTE == 274


def test_the_departure_of_all_at_13_03_is_an_artefact_of_the_platform(shared_data):
    found = kenya(connection_log(shared_data, "ke.dat"))
    (all_,) = [one for one in found.bursts if at("2016-06-07T13:00Z") < one.from_us < at("2016-06-07T14:00Z")]
    assert all_.kind == "artefact"
    assert all_.from_us == at("2016-06-07T13:03:17Z")
    assert len(all_.left) == 17
    assert "controllers" in all_.why


def test_that_day_alone_says_the_same(shared_data):
    log = connection_log(shared_data, "ke.dat")
    found = kenya(part_of(log, at("2016-06-07"), at("2016-06-08")))
    kinds = [(one.kind, one.from_us // HOUR % 24) for one in found.bursts]
    assert ("artefact", 13) in kinds
    assert ("artefact", 8) not in kinds
    assert not [one for one in found.bursts if one.kind != "artefact" and one.from_us >= at("2016-06-07T13:00Z")]


def part_of(log: ConnectionLog, from_us: int, until_us: int) -> ConnectionLog:
    kept = (log.time_us >= from_us) & (log.time_us < until_us)
    return ConnectionLog(
        log.time_us[kept], log.probe[kept], log.asn[kept], log.controller[kept], log.connects[kept], log.controllers
    )


NAMED = [
    ("generalApril29_7000_20160429.json.gz", "AS38229", "2016-04-29T08:30Z", "2016-04-29T08:40Z", 14),
    ("generalApril29_7000_20160429.json.gz", "AS43754", "2016-04-29T09:40Z", "2016-04-29T09:50Z", 11),
    ("2016-07-26_msmId7000.json.gz", "AS31334", "2016-07-26T00:20Z", "2016-07-26T00:30Z", 14),
    ("2016-07-26_msmId7000.json.gz", "AS15895", "2016-07-26T22:40Z", "2016-07-26T22:50Z", 9),
]


@pytest.mark.parametrize(("name", "entity", "after", "before", "probes"), NAMED)
def test_the_bursts_that_are_known_are_found(shared_data, name, entity, after, before, probes):
    found = find_bursts(connection_log(shared_data, name))
    (burst,) = [
        one
        for one in found.bursts
        if one.entity.code == entity and at(after) <= one.from_us and one.until_us < at(before)
    ]
    assert burst.kind in ("outage", "partial outage")
    assert len(burst.left) == probes


def test_departures_on_the_half_hour_all_over_the_platform_are_its_beat(shared_data):
    found = find_bursts(connection_log(shared_data, "generalApril29_7000_20160429.json.gz"))
    (beat,) = [one for one in found.bursts if one.entity.code == "AS6830"]
    assert beat.kind == "artefact"
    assert "other hours" in beat.why


def test_a_log_of_few_probes_is_not_judged(shared_data):
    found = find_bursts(connection_log(shared_data, "2011-01-15_msmId7000.json.gz"))
    assert found.bursts == ()
    assert found.judged == ()
    assert len(found.unjudged) == 65
    assert all("needed" in one.why for one in found.unjudged)
    assert any("no controller" in note for note in found.notes)


def test_a_cut_of_a_whole_network_is_an_outage_with_its_end():
    rows = ordinary(20, 64500, seed=1, days=2) + ordinary(60, 64501, seed=2, first=100, days=2)
    quiet = [row for row in rows if not (12 * HOUR_S - 1800 < row[0] < 15 * HOUR_S and row[2] == 64500)]
    found = find_bursts(log_of(quiet + leave(range(1, 21), 64500, 12 * HOUR_S, 2 * HOUR_S)))
    (cut,) = [one for one in found.bursts if one.from_us == (DAY_S + 12 * HOUR_S) * SECOND]
    assert (cut.kind, cut.entity.code) == ("outage", "AS64500")
    assert cut.left == tuple(range(1, 21))
    assert cut.lasting == 20
    assert cut.back_us == (DAY_S + 14 * HOUR_S + 9 * 5) * SECOND


def test_a_controller_that_loses_everybody_is_an_artefact():
    rows = ordinary(20, 64500, seed=3, days=2, controllers=2)
    mates = []
    for number in range(10):  # ten networks with three probes each on the same controller
        mates += ordinary(3, 65000 + number, seed=10 + number, first=1000 + 10 * number, days=2, controllers=1)
        mates += leave(
            range(1000 + 10 * number, 1003 + 10 * number), 65000 + number, 86_400 + number, 400, controllers=1
        )
    on_it = [probe for probe in range(1, 21) if probe % 2 == 0]
    burst = [
        row for probe in on_it for row in leave(range(probe, probe + 1), 64500, 86_400 + probe, 400, controllers=2)
    ]
    quiet = [row for row in rows + mates if row in mates or not 80_000 < row[0] < 90_000]
    found = find_bursts(log_of(quiet + burst))
    (one,) = [each for each in found.bursts if each.entity.code == "AS64500"]
    assert one.kind == "artefact"
    assert "one controller" in one.why


def test_controllers_that_restart_in_turn_are_an_artefact_for_each_network():
    """Too few probes of the network for the order alone to tell; everybody else's probes do."""
    rows = [row for row in ordinary(8, 64500, seed=3, days=2, controllers=4) if not 80_000 < row[0] < 90_000]
    for controller in range(4):
        turn = 86_400 + controller * 100
        rows += [
            row
            for probe in range(1, 9)
            if probe % 4 == controller
            for row in leave(range(probe, probe + 1), 64500, turn + probe, 2000, controllers=4)
        ]
        for number in range(6):
            first = 1000 + 100 * controller + 10 * number
            mates = leave(range(first, first + 2), 65000 + number, turn + number, 400)
            rows += [(when, probe, asn, controller, came) for when, probe, asn, _, came in mates]
    found = find_bursts(log_of(rows))
    (one,) = [each for each in found.bursts if each.entity.code == "AS64500"]
    assert one.kind == "artefact"
    assert "4 controllers" in one.why


def test_a_cut_of_one_network_on_a_controller_is_no_fall_of_the_controller():
    rows = ordinary(10, 64500, seed=4, days=2, controllers=1)
    rows = [row for row in rows if not 80_000 < row[0] < 90_000]
    for number in range(10):
        rows += ordinary(3, 65000 + number, seed=10 + number, first=1000 + 10 * number, days=2, controllers=1)
    found = find_bursts(log_of(rows + leave(range(1, 11), 64500, 86_400, 400, controllers=1)))
    (one,) = [each for each in found.bursts if each.entity.code == "AS64500"]
    assert one.kind == "outage"


@pytest.mark.parametrize("seed", range(6))
def test_ordinary_days_have_no_outage(seed):
    found = find_bursts(log_of(ordinary(25, 64500, seed, days=3, rate=3)))
    assert len(found.judged) == 1
    assert found.bursts == ()


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_who_is_connected_is_what_the_slow_twin_says(seed):
    random = np.random.default_rng(seed)
    events = sorted(
        {
            (int(random.integers(0, 40)), int(random.integers(1, 6))): bool(random.integers(0, 2)) for _ in range(30)
        }.items()
    )
    rows = [(float(time), probe, 64500, 0, came) for (time, probe), came in events]
    log = log_of(rows)
    held = presence(log)
    for time in range(0, 42):
        moment = (DAY_S + time) * SECOND
        now = set(held.probe[held.at(moment)].tolist())
        assert now == slow.connected([(time_, probe, came) for (time_, probe), came in events], time)


def test_a_probe_that_never_comes_back_is_away_for_ever():
    held = presence(log_of([(10.0, 1, 64500, 0, False), (20.0, 2, 64500, 0, False), (30.0, 2, 64500, 0, True)]))
    assert held.back_us.tolist() == [NEVER, (DAY_S + 30) * SECOND, NEVER]


def test_turns_by_chance_are_what_counting_says():
    # 2 of one kind and 2 of another: of six orders, two change once.
    assert changes_chance(np.array([0, 0, 1, 1], np.int32), 1) == pytest.approx(2 / 6, abs=0.02)


def test_the_tail_of_a_poisson_count():
    assert poisson_tail(0, 3.0) == 1.0
    assert poisson_tail(1, 2.0) == pytest.approx(1 - np.exp(-2))
    assert poisson_tail(3, 0.5) == pytest.approx(1 - np.exp(-0.5) * (1 + 0.5 + 0.125))


def test_an_empty_log_is_not_an_all_clear():
    found = find_bursts(log_of([]))
    assert found.judged == ()
    assert "nothing was judged" in found.notes[0]
