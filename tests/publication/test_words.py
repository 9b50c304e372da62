"""The account in plain words: what a reader is told, and what not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from duskwatch.publication.facts import held, measure
from duskwatch.publication.times_text import count, local, often, percent, utc, utc_after
from duskwatch.publication.words import headline, paragraphs, verdict
from duskwatch.records.report import Report
from duskwatch.records.signals import Gap
from duskwatch.records.times import parse_time
from tests.publication.build import (
    DOWN,
    MADE,
    REENACTMENT,
    SOME,
    UP,
    blind,
    dj,
    history,
    kp,
    one_family,
    ongoing,
    partial,
    quiet,
)
from tests.publication.test_report_json import made_reports


def told(report: Report) -> str:
    return " ".join(paragraphs(report))


def test_the_opening_tells_how_long_from_when_to_when_and_what_the_clock_said_there() -> None:
    assert headline(kp()) == (
        "North Korea (KP) could not be reached from the Internet for 9 h 31 min, from 16:15 UTC on Monday 22 December "
        "2014 (01:15 on Tuesday in Pyongyang) to 01:46 UTC on 23 December."
    )


def test_a_reenactment_says_so_before_anything_else() -> None:
    assert paragraphs(kp())[0] == REENACTMENT
    assert not any("re-enactment" in text for text in paragraphs(replace(kp(), reenactment="")))


def test_the_way_down_and_the_relapses_are_told() -> None:
    text = told(kp())
    assert "coming and going since 15:02 UTC, 1 h 13 min earlier" in text
    assert "All four of its prefixes" in text
    assert "went within 15 s, from 16:14:43 UTC on" in text
    assert (
        "lost again twice: 12 min from 07:41:00 UTC on 23 December and 31 min from 15:41 UTC on 23 December. "
        "After that it was not lost again in the 1 d 7 h to the end of the analysis."
    ) in text
    assert "further outage" not in text


def test_outages_that_are_no_relapses_are_told_apart_from_those_that_are() -> None:
    first, second, third = kp().outages
    third = replace(third, relapse_of=None)
    text = told(replace(kp(), outages=(replace(first, relapses=1), second, third)))
    assert "lost again once: 12 min from 07:41:00 UTC on 23 December." in text
    assert "Apart from these there was one further outage: 31 min from 15:41 UTC on 23 December." in text
    text = told(replace(kp(), outages=(first, second, third)))  # counts two, and the report holds one
    assert "lost again twice. " in text
    assert "After it there were two further outages: 12 min from 07:41:00 UTC" in text


def test_a_window_too_short_to_tell_whether_it_held_says_so_and_what_nobody_watched() -> None:
    short = replace(partial(), outages=(replace(partial().outages[0], stable=False),))
    assert (
        "After that it was not lost again in the 5 h 20 min to the end of the analysis. "
        "That is too little to tell whether it held."
    ) in told(short)
    level = short.history.level
    for at, words in (
        (short.until_us - 3600 * 10**6, "to the end of the analysis, 1 h of which nobody was watching. That is"),
        (
            short.outages[0].onset.best_us + 2400 * 10**6,
            "After that nobody was watching: whether it held is not known.",
        ),
    ):
        kept = level.time_us < at
        time_us = np.append(level.time_us[kept], at)
        columns = {
            name: np.append(getattr(level, name)[kept], np.nan)
            for name in ("prefixes", "slash24", "slash48", "held_slash24", "held_slash48", "voters")
        }
        blinded = replace(level, time_us=time_us, by_voters=np.zeros(len(time_us), np.uint8), **columns)
        assert words in told(replace(short, history=replace(short.history, level=blinded)))
    assert held(short, short.outages[0]) == "not known to hold"


def test_a_loss_of_most_is_not_called_a_total_one() -> None:
    assert headline(dj()).startswith(
        "Large parts of Djibouti (DJ) could not be reached from the Internet for 1 h 6 min"
    )
    assert "For 8 min 14 s of that, from 13:42:08 UTC to 13:50:22 UTC, nothing of it could be reached." in headline(
        dj()
    )
    assert "14 of them in the first minute" in told(dj())
    assert verdict(dj()) == "largely unreachable for 1 h 6 min"


def test_a_single_peer_is_said_to_be_one() -> None:
    assert "Only one full-feed peer" in told(dj())
    assert "a fault of that one peer would look the same" in told(dj())
    assert "Only one" not in told(kp())


def test_a_learned_state_is_said_to_be_learned() -> None:
    assert "no table dump" in told(dj())
    assert "no table dump" not in told(kp())


def test_a_partial_outage_tells_how_much_was_gone() -> None:
    assert headline(partial()).startswith(
        "Part of the network AS64500 could not be reached from the Internet for 40 min"
    )
    assert "At worst 50 % of it was gone (5 of 10 IPv4 /24 networks)." in headline(partial())


def test_an_outage_that_lasts_is_not_given_an_end() -> None:
    assert "for at least 7 h 5 min" in headline(ongoing())
    assert "until at least 12:00 UTC, where this analysis ends" in headline(ongoing())
    assert "how long it lasted in all is not known" in told(ongoing())


def test_no_outage_is_told_with_what_could_be_reached() -> None:
    assert headline(quiet()) == (
        "No outage of Pakistan (PK) was found between 00:00 UTC on Friday 30 May 2014 and 06:00 UTC; 2 IPv4 /24 "
        "networks of it could be reached all the time."
    )


def test_nobody_watching_is_neither_an_outage_nor_its_absence() -> None:
    assert headline(blind()).startswith("Nothing can be said about Eritrea (ER)")
    assert "No outage" not in told(blind())


def test_one_gap_and_two_gaps_are_counted_in_good_english() -> None:
    assert "There are two gaps in what the sources recorded, the longest of 15 min" in told(kp())
    one = replace(kp(), history=replace(kp().history, gaps=kp().history.gaps[:1]))
    assert "There is one gap in what the sources recorded, of 12 min: session down (1)." in told(one)
    assert "gap" not in told(replace(kp(), history=replace(kp().history, gaps=())))


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_account_says_that_routes_are_all_that_was_looked_at(name: str) -> None:
    assert "All this rests on Internet routes (BGP) alone" in paragraphs(MADE[name]())[-1]


@pytest.mark.parametrize("name", sorted(MADE))
def test_no_account_lets_a_blank_or_a_nan_through(name: str) -> None:
    for text in paragraphs(MADE[name]()):
        assert "nan" not in text.lower().split()
        assert "  " not in text
        assert ".." not in text
        assert text.endswith((".", ")"))


def test_a_place_whose_zone_is_unknown_has_no_local_time() -> None:
    assert local(parse_time("2014-12-22T16:15Z"), "No/Such") == ""
    assert local(parse_time("2014-12-22T16:15Z"), "../etc") == ""


def test_the_day_is_told_only_where_it_is_news() -> None:
    a = parse_time("2014-12-31T23:00Z")
    assert utc_after(a + 1_800_000_000, a) == "23:30 UTC"
    assert utc_after(a + 7_200_000_000, a) == "01:00 UTC on 1 January 2015"
    assert local(parse_time("2014-12-22T02:15Z"), "Asia/Pyongyang") == "11:15 in Pyongyang"


def test_minutes_are_rounded_and_seconds_are_not() -> None:
    assert utc(parse_time("2014-12-31T23:59:45Z")) == "00:00 UTC on Thursday 1 January 2015"
    assert utc(parse_time("2014-12-31T23:59:45Z"), seconds=True) == "23:59:45 UTC on Wednesday 31 December 2014"


def test_numbers_read_well() -> None:
    assert [count(n, "gap", "gaps") for n in (0, 1, 2, 11, 1024)] == ["no gaps", "one gap", "two gaps", "11 gaps",
                                                                      "1,024 gaps"]  # fmt: skip
    assert [often(n) for n in (1, 2, 3)] == ["once", "twice", "three times"]
    assert [percent(s) for s in (0, 0.004, 0.5, 0.996, 0.99999, 1)] == ["0 %", "0.4 %", "50 %", "99.6 %",
                                                                        "over 99.9 %", "100 %"]  # fmt: skip


def test_many_gaps_of_one_kind_are_summed_up() -> None:
    gaps = tuple(Gap(f"rrc00 AS{n}", 0, 60_000_000 * (n + 1), "session down", 1) for n in range(40))
    assert "There are 40 gaps in what the sources recorded, the longest of 40 min: session down (40)." in told(
        replace(kp(), history=replace(kp().history, gaps=gaps))
    )


@given(made_reports())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_report_can_be_told(report: Report) -> None:
    assert all(paragraphs(report))


def with_traces(until: str | None) -> Report:
    """Djibouti, whose last prefix some peers hold on to until a time, or all the time."""
    report = dj()
    dark, back, whole = (parse_time(f"2008-02-19T{at}Z") for at in ("13:42:08", "13:50:22", "14:13:17"))
    changes = [(parse_time("2008-02-19T13:07:06Z") + i, i, DOWN) for i in range(14)]
    changes += [(back + i, i, UP) for i in range(14)] + [(dark, 14, SOME), (whole, 14, UP)]
    if until is not None:
        changes.append((parse_time(until), 14, DOWN))
    past = history(report.from_us, report.until_us, report.history.changes.prefixes, changes)
    return replace(report, history=past)


def test_what_fewer_than_half_of_the_peers_still_held_is_told() -> None:
    assert ("Some peers, but not more than half, still held a route until 13:46:30 UTC; then nobody did.") in told(
        with_traces("2008-02-19T13:46:30Z")
    )
    assert "All through the total loss some peers, but not more than half, still held a route." in told(
        with_traces(None)
    )
    assert "still held a route" not in told(dj())


def test_an_interval_wider_than_a_minute_is_told() -> None:
    first, *more = kp().outages
    assert first.end is not None
    assert "known only as a time" not in told(kp())
    minute = 60_000_000
    wide = replace(first.onset, earliest_us=first.onset.best_us - 30 * minute)
    narrow = replace(first.end, latest_us=first.end.best_us + 2 * minute)
    text = told(replace(kp(), outages=(replace(first, onset=wide, end=narrow), *more)))
    assert "Its start is known only as a time between 15:45 UTC and 16:15 UTC." in text
    assert "Its end is known only as a time between 01:46:11 UTC on 23 December and 01:48:14 UTC." in text


def test_an_outage_of_ipv6_alone_says_that_ipv4_stayed() -> None:
    report = one_family("IPv6")
    assert headline(report) == (
        "Largeland (XQ) could not be reached from the Internet over IPv6 for 3 h, from 06:00 UTC on Saturday 1 May "
        "2021 to 09:00 UTC. Over IPv4 it could be reached all the time (3 IPv4 /24 networks)."
    )
    assert verdict(report) == "unreachable over IPv6 for 3 h; IPv4 stayed"
    assert "All four of its IPv6 prefixes" in told(report)
    assert measure(report).signal == "bgp.visible_slash48"


def test_an_outage_of_ipv4_alone_says_that_ipv6_stayed() -> None:
    report = one_family("IPv4")
    assert headline(report).startswith("Largeland (XQ) could not be reached from the Internet over IPv4 for 3 h, from")
    assert headline(report).endswith("Over IPv6 it could be reached all the time (4 IPv6 /48 networks).")
    assert verdict(report) == "unreachable over IPv4 for 3 h; IPv6 stayed"
    assert "All three of its IPv4 prefixes" in told(report)
    assert measure(report).signal == "bgp.visible_slash24"


def test_a_partial_loss_of_one_family_is_partial_and_of_that_family() -> None:
    whole = one_family("IPv6")
    log = whole.history.changes
    kept = log.prefix != 6  # this one never goes
    first = np.flatnonzero(log.prefix == 6)[0]
    kept[first] = True
    changes = [(int(log.time_us[row]), int(log.prefix[row]), log.state[row]) for row in np.flatnonzero(kept)]
    past = history(whole.from_us, whole.until_us, log.prefixes, changes)
    report = replace(whole, history=past, outages=(replace(whole.outages[0], depth=0.75),))
    assert headline(report).startswith(
        "Part of Largeland (XQ) could not be reached from the Internet over IPv6 for 3 h"
    )
    assert "At worst 75 % of it was gone (3 of 4 IPv6 /48 networks). Over IPv4 it could" in headline(report)
    assert verdict(report) == "partly unreachable over IPv6 for 3 h; IPv4 stayed"
    assert "3 of its 4 IPv6 prefixes" in told(report)


def with_ipv4(values: float) -> Report:
    """IPv6 lost alone by the signals, while IPv4 is at another level than before."""
    report = one_family("IPv6")
    level, outage = report.history.level, report.outages[0]
    inside = (level.time_us >= outage.onset.best_us) & (level.time_us < outage.onset.best_us + 3600 * 10**6)
    level = replace(level, slash24=np.where(inside, values, level.slash24))
    return replace(report, history=replace(report.history, level=level))


def test_what_stayed_is_not_claimed_to_be_whole_or_known_where_it_is_not() -> None:
    assert "Over IPv4 it could be reached all the time, at worst 2 of 3 IPv4 /24 networks." in headline(with_ipv4(2))
    assert "Over IPv4 too nothing was left at times, but not for long enough to count." in headline(with_ipv4(0))
    assert verdict(with_ipv4(0)) == "unreachable over IPv6 for 3 h"
    report = with_ipv4(2)
    level = report.history.level
    blinded = replace(level, slash24=np.where(level.time_us < report.outages[0].onset.best_us, 3.0, np.nan))
    report = replace(report, history=replace(report.history, level=blinded))
    assert "Whether it could be reached over IPv4 was not watched." in headline(report)
    assert verdict(report) == "unreachable over IPv6 for 3 h"


def test_an_entity_of_one_family_or_an_outage_of_both_names_none() -> None:
    for report in (kp(), dj(), partial(), ongoing()):
        assert "over IPv" not in told(report)
        assert "IPv4 stayed" not in verdict(report)
    both = one_family("IPv6")
    both = replace(both, outages=(replace(both.outages[0], signals=("bgp.visible_slash24", "bgp.visible_slash48")),))
    assert "over IPv" not in headline(both)
    late = one_family("IPv6")  # IPv4 routes that came only after it
    level, end = late.history.level, late.outages[0].end
    assert end is not None
    level = replace(level, slash24=np.where(level.time_us < end.best_us, 0.0, 3.0))
    late = replace(late, history=replace(late.history, level=level))
    assert "over IPv" not in headline(late)


def test_where_no_signal_is_of_one_family_the_lost_routes_tell() -> None:
    report = one_family("IPv6")
    report = replace(report, outages=(replace(report.outages[0], signals=("bgp.visible_prefixes",)),))
    assert verdict(report) == "unreachable over IPv6 for 3 h; IPv4 stayed"


def test_an_outage_of_one_family_is_named_so_among_others() -> None:
    report = one_family("IPv6")
    main = report.outages[0]
    later = main.onset.best_us + 6 * 3600 * 10**6
    onset = replace(main.onset, earliest_us=later, latest_us=later, best_us=later)
    small = replace(main, onset=onset, end=None, score=0.1, depth=0.5, duration_us=60_000_000)
    assert "one further outage: 1 min from 12:00:00 UTC, 50 % of IPv6 lost" in told(
        replace(report, outages=(main, small))
    )
