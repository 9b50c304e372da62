"""Whole stories: histories shaped like Djibouti in 2008 and North Korea in 2014, large ones, and the real files."""

import time
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest

from duskwatch.detection import detect
from duskwatch.records.entity import Entity
from duskwatch.records.outages import Outage, When
from duskwatch.records.times import iso, parse_time, span_text
from tests.detection.build import history, lose, seconds

H = 3_600


def names(outage: Outage) -> list[str]:
    return [phase.phase for phase in outage.phases]


def holds(when: When | None, moment_us: int) -> bool:
    """Whether a moment lies in an interval and within a minute of its best guess."""
    return (
        when is not None and when.earliest_us <= moment_us <= when.latest_us and abs(when.best_us - moment_us) <= 60e6
    )


def test_a_country_that_hunts_through_its_upstreams_is_dark_only_when_the_last_prefix_is_gone() -> None:
    at = 47_000.0
    late = [(at + 2_061, 14, 36), (at + 2_101, 14, 18), (at + 2_357, 14, 0), (at + 3_958, 14, 12), (at + 3_964, 14, 37)]
    first = [
        event
        for p in range(14)
        for event in [(at - 40, p, 36), (at, p, 16), (at + 333, p, 0), (at + 2_589, p, 10), (at + 2_599, p, 37)]
    ]
    gaps = [(k * 7_320.0 + 60, k * 7_320.0 + 180) for k in range(12)]
    entity = history(15, first + late, until=64_800, voters=37, gaps=gaps)
    (outage,) = detect(entity)
    assert (outage.onset.reason.value("count"), outage.onset.reason.value("of")) == (14, 15)
    assert outage.dark_from
    assert outage.dark_until
    assert outage.end
    moments = (outage.onset, outage.dark_from, outage.dark_until, outage.end)
    assert [seconds(entity, when.best_us) - at for when in moments] == [0, 2_101, 2_599, 3_964]
    assert seconds(entity, outage.dark_from.latest_us) == at + 2_357
    assert seconds(entity, outage.dark_until.earliest_us) == at + 2_589
    assert seconds(entity, outage.end.earliest_us) == at + 3_958  # of the last prefix, not of the 14 before it
    assert names(outage) == ["partial", "dark", "recovering", "restored"]


def test_four_prefixes_degrade_go_dark_and_relapse() -> None:
    day = 86_400
    weekend = [event for k in range(14) for event in lose(k % 4, 3 * day + k * 11_000, 200 + 20 * k)]
    main = 4 * day + 16 * H + 15 * 60
    outages = [(main, 34_260), (main + 55_900, 480), (main + 84_360, 1_860), (main + 4 * day + 18 * H, 5 * H)]
    events = weekend + [e for at, length in outages for p in range(4) for e in lose(p, at + 4 * p, length + 8 - 4 * p)]
    found = detect(history(4, events, until=11 * day, gaps=[(7.2 * day, 7.2 * day + 300)]))
    assert [round(outage.duration_us / 60e6) for outage in found] == [571, 8, 31, 300]
    assert span_text(found[0].duration_us) == "9 h 31 min"
    assert names(found[0]) == ["degrading", "partial", "dark", "unstable"]
    assert [outage.relapse_of for outage in found] == [None, 0, 0, None]
    assert [outage.relapses for outage in found] == [2, 1, 0, 0]
    assert all(outage.depth == 1.0 for outage in found)


def test_forty_thousand_prefixes_are_as_good_as_four() -> None:
    count, until, at = 40_000, 86_400, 50_000.0
    entity = history(4, [e for p in range(4) for e in lose(p, at, 7_200)], until=until)
    log = entity.changes
    many = replace(
        log,
        prefixes=tuple(str(p) for p in range(count)),
        prefix=(
            np.repeat(log.prefix, count // 4) * (count // 4) + np.tile(np.arange(count // 4), len(log.prefix))
        ).astype(np.int32),
        **{
            name: np.repeat(getattr(log, name), count // 4)
            for name in ("time_us", "state", "votes", "voters", "origin", "upstream", "by_voters")
        },
    )
    level = replace(
        entity.level,
        **{
            name: getattr(entity.level, name) * (count // 4)
            for name in ("prefixes", "slash24", "slash48", "held_slash24", "held_slash48")
        },
    )
    begun = time.perf_counter()
    (outage,) = detect(replace(entity, changes=many, level=level))
    spent = time.perf_counter() - begun
    (small,) = detect(entity)
    assert (outage.onset.best_us, outage.end, outage.depth) == (small.onset.best_us, with_reason_of(outage, small), 1.0)
    assert (outage.onset.reason.value("count"), outage.onset.reason.value("of")) == (40000, 40000)
    assert spent < 5  # 0.1 s where nothing else runs


def with_reason_of(outage: Outage, small: Outage) -> When:
    assert outage.end
    assert small.end
    return replace(small.end, reason=outage.end.reason)


def test_a_year_of_two_hundred_thousand_steps_takes_about_a_second() -> None:
    steps, until = 10_000 if numba.config.DISABLE_JIT else 200_000, 365 * 86_400
    entity = history(4, [e for p in range(4) for e in lose(p, 200 * 86_400, 7_200)], until=until)
    rng = np.random.default_rng(1)
    extra = np.sort(rng.integers(0, until, steps)) * 1_000_000 + int(entity.level.time_us[0])
    at = np.searchsorted(entity.level.time_us, extra, side="right") - 1
    time_us = np.concatenate([entity.level.time_us, extra])
    source = np.concatenate([np.arange(len(entity.level.time_us)), at])
    order = np.argsort(time_us, kind="stable")
    wobble = np.concatenate([np.zeros(len(entity.level.time_us)), rng.integers(-30, 30, steps)])[order]
    columns = {
        name: getattr(entity.level, name)[source][order]
        for name in ("prefixes", "slash24", "slash48", "held_slash24", "held_slash48", "voters")
    }
    columns["slash24"] = columns["slash24"] * 1_000 + np.where(columns["slash24"] == 4, wobble, 0)
    by_voters = np.concatenate([entity.level.by_voters, np.zeros(steps, np.uint8)])[order]
    level = replace(entity.level, time_us=time_us[order], by_voters=by_voters, **columns)
    whole = replace(entity, level=level)
    detect(whole)
    begun = time.perf_counter()
    found = detect(whole)
    spent = time.perf_counter() - begun
    assert [round(outage.duration_us / 1e6) for outage in found] == [7_200]
    assert spent < 5 or numba.config.DISABLE_JIT  # 0.2 s where nothing else runs


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="tells the time of compiled code")
def test_ten_times_the_outages_take_about_ten_times_as_long() -> None:
    def spent(count: int) -> float:
        lost = [e for k in range(count) for p in range(2) for e in lose(p, 1_000 + 5_000 * k, 1_200)]
        entity = history(4, lost, until=5_000 * (count + 1))
        detect(entity)
        begun = time.process_time()
        assert len(detect(entity)) == count
        return time.process_time() - begun

    assert spent(1_500) < 40 * spent(150)


@pytest.mark.slow
def test_the_outages_of_a_real_day_are_found_and_no_others(shared_data: Path) -> None:
    from tests.analysis.many import analyze_countries

    geo = sorted((shared_data / "reference/delegated-2016").glob("*afrinic*"))
    day = "2008-02-19T"
    found = {
        report.entity: report.outages
        for report in analyze_countries(
            parse_time(f"{day}00:00Z"), parse_time(f"{day}18:15Z"), [shared_data / "mrt/route-views2-2008-02-19"], geo
        )
        if report.outages
    }
    assert sorted(entity.code for entity in found) == ["BI", "DJ", "GA", "RW"]
    (outage,) = next(outages for entity, outages in found.items() if entity.code == "DJ")
    assert isinstance(next(iter(found)), Entity)
    assert holds(outage.onset, parse_time(f"{day}13:07:06Z"))
    assert holds(outage.dark_from, parse_time(f"{day}13:42:08Z"))
    assert outage.dark_from
    assert iso(outage.dark_from.latest_us) == f"{day}13:46:30Z"
    assert holds(outage.dark_until, parse_time(f"{day}13:50:22Z"))
    assert holds(outage.end, parse_time(f"{day}14:13:17Z"))
    assert (outage.depth, names(outage)) == (1.0, ["partial", "dark", "recovering", "restored"])
