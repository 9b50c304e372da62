"""The account in plain words: what it says, and what it may not say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from duskwatch.publication.facts import held, measure
from duskwatch.publication.facts_box import four
from duskwatch.publication.finding import finding, headline, way_text
from duskwatch.publication.losing import Way, last_trace_us
from duskwatch.publication.times_text import (
    about_words,
    count,
    dates,
    duration_words,
    local,
    often,
    percent,
    share_words,
    utc,
    utc_after,
)
from duskwatch.publication.words import paragraphs
from duskwatch.publication.words_coverage import limits
from duskwatch.records.entity import Entity
from duskwatch.records.report import Report
from duskwatch.records.signals import Gap, PrefixState
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, parse_time
from tests.publication.build import (
    DOWN,
    MADE,
    REENACTMENT,
    SOME,
    UP,
    Change,
    blind,
    dj,
    history,
    kp,
    one_family,
    ongoing,
    others,
    partial,
    quiet,
)
from tests.publication.test_report_json import made_reports


def told(report: Report) -> str:
    return " ".join(paragraphs(report))


def lead(report: Report) -> str:
    return finding(report).lead


def test_the_headline_is_one_that_a_newspaper_would_print() -> None:
    assert {name: headline(MADE[name]()) for name in MADE} == {
        "kp": "North Korea was offline for 9½ hours on 22-23 December 2014",
        "dj": "Nearly all of Djibouti was offline for 50 minutes on 19 February 2008",
        "partial": "Half of AS64500 was offline for 40 minutes on 1 March 2021",
        "quiet": "No outage of Pakistan was found on 30 May 2014",
        "ongoing": "Tonga was offline for at least 7 hours 45 minutes on 15 January 2022",
        "blind": "Eritrea could not be judged on 1 July 2019",
        "ipv6": "Largeland was offline over IPv6 for 3 hours on 1 May 2021; IPv4 stayed up",
        "ipv4": "Largeland was offline over IPv4 for 3 hours on 1 May 2021; IPv6 stayed up",
        "explained": "About two thirds of Papua New Guinea was offline for 40 minutes on 1 March 2021",
        "shared": "About two thirds of Papua New Guinea was offline for 40 minutes on 1 March 2021",
        "spread": "About two thirds of Papua New Guinea was offline for 40 minutes on 1 March 2021",
        "alone": "No outage of Papua New Guinea was found on 1 March 2021",
        "others": "Connectivity in Iraq fell by about two thirds for 4 hours on 24 August 2023",
        "seen": "Half of AS64500 was offline for 40 minutes on 1 March 2021",
    }


def test_the_lead_tells_how_long_from_when_to_when_what_the_clock_said_there_and_through_whom() -> None:
    assert lead(kp()) == (
        "North Korea (KP) could not be reached from the Internet for 9 h 31 min, from 16:15 UTC on Monday 22 December "
        "2014 (01:15 on Tuesday in Pyongyang) to 01:46 UTC on 23 December. The routes were lost, and came back, "
        "through AS4837 (China Unicom, CN)."
    )


def test_a_loss_of_most_is_told_by_its_worst_stretch_and_the_return_of_all_is_told_too() -> None:
    assert lead(dj()) == (
        "Nearly all of Djibouti (DJ), 14 of 15 networks, could not be reached from the Internet for 50 min 14 s, from "
        "13:07:08 UTC on Tuesday 19 February 2008 (16:07:08 in Djibouti) to 13:57:22 UTC. For 8 min 14 s of that "
        "nothing was left, from 13:42:08 UTC to 13:50:22 UTC. The first loss came at 13:07:06 UTC; all of it was back "
        "at 14:13:17 UTC, 1 h 6 min after the first loss. The routes were lost, and came back, through AS8966 "
        "(Etisalat)."
    )
    assert "14 of 15 networks vanished within 4 seconds; the last one followed at 13:42:08 UTC." in told(dj())


def test_a_way_of_two_is_told_from_the_neighbour_outwards_and_neighbours_as_alternatives() -> None:
    behind = Way((8966, 8961), 14, 15, ((8961, 14), (5511, 1)))
    assert way_text(kp(), behind) == "AS8961 behind AS8966 (14 of 15)"
    assert way_text(kp(), Way((), 0, 4, ((8961, 2), (5511, 2)))) == "AS8961 and AS5511"


def test_a_share_that_held_for_most_of_an_outage_is_told_beside_the_worst_as_such() -> None:
    how_much = next(fact for fact in four(dj()) if fact.label == "How much")
    assert (how_much.value, how_much.notes[0]) == ("100 %", "at worst; 14 of 15 networks for most of it")
    how_much = next(fact for fact in four(kp()) if fact.label == "How much")
    assert how_much.notes[0] == "all 4 networks"


def test_a_reenactment_says_so_before_anything_else() -> None:
    assert paragraphs(kp())[0] == REENACTMENT
    assert not any("re-enactment" in text for text in paragraphs(replace(kp(), reenactment="")))


def test_the_way_down_and_the_relapses_are_told() -> None:
    text = told(kp())
    assert "Routes had been flapping for about an hour, since 15:02 UTC." in text
    assert "All four networks vanished within 15 seconds." in text
    assert (
        "The outage came back twice: 12 min from 07:41:00 UTC on 23 December; 31 min from 15:41 UTC on 23 December. "
        "After that nothing was lost in the 1 d 7 h to the end of the analysis."
    ) in text
    assert "further outage" not in text


def test_outages_that_are_no_relapses_are_told_apart_from_those_that_are() -> None:
    first, second, third = kp().outages
    third = replace(third, relapse_of=None)
    text = told(replace(kp(), outages=(replace(first, relapses=1), second, third)))
    assert "The outage came back once: 12 min from 07:41:00 UTC on 23 December." in text
    assert "Apart from these there was one further outage: 31 min from 15:41 UTC on 23 December." in text
    text = told(replace(kp(), outages=(first, second, third)))  # counts two, and the report holds one
    assert "The outage came back twice. " in text
    assert "After it there were two further outages: 12 min from 07:41:00 UTC" in text


def test_many_further_outages_are_summed_up_and_left_to_the_table() -> None:
    first, second, third = kp().outages
    more = [replace(third, relapse_of=None, depth=depth) for depth in (0.7, 0.8, 1.0)]
    text = told(replace(kp(), outages=(replace(first, relapses=0), *more)))
    assert "After it there were three further outages, of 31 min, with 70 % to 100 % lost at worst;" in text
    assert second.relapse_of == 0


def test_a_window_too_short_to_tell_whether_it_held_says_so_and_what_nobody_watched() -> None:
    short = replace(partial(), outages=(replace(partial().outages[0], stable=False),))
    assert (
        "After that nothing was lost in the 5 h 20 min to the end of the analysis. "
        "That is too short to tell whether the return held."
    ) in told(short)
    level = short.history.level
    for at, words in (
        (short.until_us - HOUR, "to the end of the analysis (nobody was watching for 1 h of that). That is"),
        (
            short.outages[0].onset.best_us + 40 * MINUTE,
            "After that nobody was watching: whether the return held is not known.",
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


def test_a_single_peer_is_said_to_be_one() -> None:
    assert "Only one observer (full-feed peer: a router that knows nearly all routes" in told(dj())
    assert "A fault of that one would look the same as an outage." in told(dj())
    assert "Only one" not in told(kp())


def voters_at(report: Report, *voters: float) -> Report:
    """The report with so many observers at the first moments of its level."""
    level = report.history.level
    now = level.voters.copy()
    now[: len(voters)] = voters
    return replace(report, history=replace(report.history, level=replace(level, voters=now)))


@pytest.mark.parametrize(
    ("voters", "warned"), [((1,), True), ((0, 1), True), ((float("nan"), 1), True), ((2, 3), False), ((0,), False)]
)
def test_that_one_observer_was_alone_at_times_is_said_also_where_none_was_at_others(
    voters: tuple[float, ...], warned: bool
) -> None:
    text = told(voters_at(kp(), *voters))
    assert ("At times only one observer was there: a fault of that one would look the same" in text) == warned


@pytest.mark.parametrize(
    ("share", "words"), [(1.0, ""), (0.94, "heard for 94 % of"), (0.9999, "heard for over 99.9 % of")]
)
def test_how_much_of_a_country_was_heard_is_told_where_it_is_not_all(share: float, words: str) -> None:
    report = dj()
    text = told(replace(report, history=replace(report.history, known_share=share)))
    assert words in text
    assert ("Routes were heard for" in text) == bool(words)
    network = replace(report, entity=Entity("asn", "AS30990", ""))
    assert "Routes were heard for" not in told(replace(network, history=replace(network.history, known_share=share)))


def test_a_worst_that_lasted_less_than_most_of_an_outage_is_told_beside_what_was_lost_for_most_of_it() -> None:
    assert "At worst" not in lead(partial())
    report = partial()
    first = report.outages[0]
    middle, later = first.onset.best_us + 20 * MINUTE, first.onset.best_us + 22 * MINUTE
    deeper: list[Change] = [(middle, 5, DOWN), (middle, 6, DOWN), (later, 5, UP), (later, 6, UP)]
    log = report.history.changes
    rows: list[Change] = list(zip(log.time_us.tolist(), log.prefix.tolist(), log.state.tolist(), strict=True))[10:]
    past = history(report.from_us, report.until_us, log.prefixes, [*rows, *deeper], origin=64500, upstream=64501)
    text = lead(replace(report, history=past, outages=(replace(first, depth=0.7),)))
    assert "Half of AS64500, 5 of 10 networks," in text
    assert "At worst 70 % was lost." in text


def test_a_learned_state_is_said_to_be_learned() -> None:
    assert "no table dump" in told(dj())
    assert "no table dump" not in told(kp())


def test_an_outage_that_lasts_is_not_given_an_end() -> None:
    assert "for at least 7 h 45 min" in lead(ongoing())
    assert "until at least 12:00 UTC, where this analysis ends" in lead(ongoing())
    assert "How long the outage lasted in all is not known" in told(ongoing())


def test_no_outage_is_told_with_what_could_be_reached() -> None:
    assert lead(quiet()) == (
        "No outage of Pakistan (PK) was found between 00:00 UTC on Friday 30 May 2014 and 06:00 UTC. 2 networks could "
        "be reached all the time."
    )


def test_nobody_watching_is_neither_an_outage_nor_its_absence() -> None:
    assert lead(blind()).startswith("Nothing can be said about Eritrea (ER)")
    assert "No outage" not in told(blind())


def test_a_window_watched_in_part_says_so_in_the_headline() -> None:
    report = quiet()
    half = report.from_us + (report.until_us - report.from_us) // 2
    past = history(report.from_us, report.until_us, ["192.0.2.0/24"], [], blind=[(report.from_us, half)])
    assert headline(replace(report, history=past)).endswith("on 30 May 2014 in the 50 % of the time that was watched")


def test_time_in_which_observers_had_said_nothing_yet_is_not_told_as_unwatched() -> None:
    report = quiet()
    level = report.history.level
    at = report.from_us + 2 * HOUR
    columns = {
        name: np.array([np.nan, getattr(level, name)[0]]) for name in ("prefixes", "slash24", "slash48")
    }  # nothing is known, though the voters are there
    voters = np.repeat(level.voters[:1], 2)
    late = replace(level, time_us=np.array([report.from_us, at]), voters=voters, by_voters=np.zeros(2, np.uint8),
                   held_slash24=columns["slash24"], held_slash48=columns["slash48"], **columns)  # fmt: skip
    text = told(replace(report, history=replace(report.history, level=late)))
    assert "For 2 h in all (33 % of the time) observers were there, but had not mentioned any route of it yet." in text
    assert "nobody was watching" not in text


def test_one_gap_and_two_gaps_are_counted_in_good_english() -> None:
    assert "The recording has two gaps, the longest of 15 min" in told(kp())
    one = replace(kp(), history=replace(kp().history, gaps=kp().history.gaps[:1]))
    assert "The recording has one gap of 12 min: session down (1). It is not counted as an outage." in told(one)
    assert "gap" not in told(replace(kp(), history=replace(kp().history, gaps=())))


@pytest.mark.parametrize("name", sorted(set(MADE) - {"others"}))
def test_every_account_says_that_routes_are_all_that_was_looked_at(name: str) -> None:
    last = paragraphs(MADE[name]())[-1]
    assert last == limits(MADE[name]())
    assert last.startswith("This rests on Internet routes (BGP) alone.")
    assert last.endswith("not why the routes disappeared, or who caused it.")


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


def test_words_match_the_loss() -> None:
    assert [share_words(share) for share in (0.02, 0.1, 0.2, 0.25, 0.33, 0.48, 0.5, 0.66, 0.75, 0.85, 0.97, 1)] == [
        "a small part", "about a tenth", "about a fifth", "a quarter", "about a third", "about half", "half",
        "about two thirds", "three quarters", "most", "nearly all", "all",
    ]  # fmt: skip
    for depth in (0.97, 0.999):
        outage = replace(partial().outages[0], depth=depth)
        assert headline(replace(partial(), outages=(outage,))).startswith("Nearly all of AS64500 was offline")


def test_lengths_are_rounded_in_headlines_only_where_nothing_is_lost() -> None:
    lengths = (45 * SECOND, 43 * MINUTE + 19 * SECOND, HOUR + 6 * MINUTE, 4 * HOUR, 9 * HOUR + 31 * MINUTE,
               7 * HOUR + 45 * MINUTE, 2 * DAY + 14 * HOUR, 3 * DAY)  # fmt: skip
    assert [duration_words(length) for length in lengths] == [
        "45 seconds", "43 minutes", "1 hour 6 minutes", "4 hours", "9½ hours", "7 hours 45 minutes", "2 days 14 hours",
        "3 days",
    ]  # fmt: skip
    assert [about_words(length) for length in (2 * DAY + 14 * HOUR, HOUR, 40 * MINUTE)] == [
        "two and a half days", "about an hour", "40 minutes",
    ]  # fmt: skip


def test_days_are_told_as_a_headline_tells_them() -> None:
    spans = (("2014-12-22", "2014-12-23"), ("2014-12-22T16:15Z", "2014-12-23T01:46Z"), ("2014-12-18", "2014-12-29"),
             ("2014-11-30", "2014-12-02"), ("2014-12-31", "2015-01-02"))  # fmt: skip
    assert [dates(parse_time(a), parse_time(b)) for a, b in spans] == [
        "on 22 December 2014", "on 22-23 December 2014", "from 18 to 28 December 2014",
        "from 30 November to 1 December 2014", "from 31 December 2014 to 1 January 2015",
    ]  # fmt: skip


def test_many_gaps_of_one_kind_are_summed_up() -> None:
    gaps = tuple(Gap(f"rrc00 AS{n}", 0, 60_000_000 * (n + 1), "session down", 1) for n in range(40))
    assert "The recording has 40 gaps, the longest of 40 min: session down (40)." in told(
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
    assert "The last observer lost its route at 13:46:30 UTC." in told(with_traces("2008-02-19T13:46:30Z"))
    assert "Throughout, a minority of the observers still held a route." in told(with_traces(None))
    assert "lost its route at" not in told(dj())


def test_a_moment_of_return_is_no_return() -> None:
    """A prefix that is back for seconds while it goes is lost once, at its first loss, as the reason counts it."""
    report = with_traces("2008-02-19T13:46:30Z")
    log = report.history.changes
    at = parse_time("2008-02-19T13:07:06Z")
    rows = zip(log.time_us.tolist(), log.prefix.tolist(), log.state.tolist(), strict=True)
    changes = [row for row in rows if row[0] > report.from_us]
    changes += [(at + 2 * SECOND, 0, UP), (at + 8 * SECOND, 0, DOWN)]
    past = history(report.from_us, report.until_us, log.prefixes, changes)
    assert "14 of 15 networks vanished in the same second" in told(replace(report, history=past))


def test_an_interval_wider_than_a_minute_is_told() -> None:
    first, *more = kp().outages
    assert first.end is not None
    assert "The loss began between" not in told(kp())
    minute = 60_000_000
    wide = replace(first.onset, earliest_us=first.onset.best_us - 30 * minute)
    narrow = replace(first.end, latest_us=first.end.best_us + 2 * minute)
    text = told(replace(kp(), outages=(replace(first, onset=wide, end=narrow), *more)))
    assert "The loss began between 15:45 UTC and 16:15 UTC." in text
    assert "All was back between 01:46:11 UTC on 23 December and 01:48:14 UTC." in text


def test_an_outage_of_one_family_says_that_the_other_stayed() -> None:
    for lost, stayed, many, kept in (("IPv6", "IPv4", "four", "3"), ("IPv4", "IPv6", "three", "4")):
        report = one_family(lost)
        assert lead(report).startswith(
            f"Largeland (XQ) could not be reached from the Internet over {lost} for 3 h, from 06:00 UTC on Saturday "
            f"1 May 2021 to 09:00 UTC. Over {stayed} it stayed reachable all the time ({kept} networks)."
        )
        assert f"All {many} {lost} networks vanished" in told(report)
        assert measure(report).signal == f"bgp.visible_slash{48 if lost == 'IPv6' else 24}"


def test_a_partial_loss_of_one_family_is_partial_and_of_that_family() -> None:
    whole = one_family("IPv6")
    log = whole.history.changes
    kept = log.prefix != 6  # this one never goes
    first = np.flatnonzero(log.prefix == 6)[0]
    kept[first] = True
    changes = [(int(log.time_us[row]), int(log.prefix[row]), log.state[row]) for row in np.flatnonzero(kept)]
    past = history(whole.from_us, whole.until_us, log.prefixes, changes)
    report = replace(whole, history=past, outages=(replace(whole.outages[0], depth=0.75),))
    assert lead(report).startswith("Three quarters of Largeland (XQ), 3 of 4 IPv6 networks, could not be reached")
    assert headline(report) == (
        "Three quarters of Largeland was offline over IPv6 for 3 hours on 1 May 2021; IPv4 stayed up"
    )
    assert "3 of 4 IPv6 networks vanished" in told(report)


def with_ipv4(values: float) -> Report:
    """IPv6 lost alone by the signals, while IPv4 is at another level than before."""
    report = one_family("IPv6")
    level, outage = report.history.level, report.outages[0]
    inside = (level.time_us >= outage.onset.best_us) & (level.time_us < outage.onset.best_us + 3600 * 10**6)
    level = replace(level, slash24=np.where(inside, values, level.slash24))
    return replace(report, history=replace(report.history, level=level))


def test_what_stayed_is_not_claimed_to_be_whole_or_known_where_it_is_not() -> None:
    assert "Over IPv4 it stayed reachable all the time, at worst 2 of 3 networks." in lead(with_ipv4(2))
    assert "Over IPv4 nothing was left at times either, but not for long enough to count." in lead(with_ipv4(0))
    assert headline(with_ipv4(0)) == "Largeland was offline over IPv6 for 3 hours on 1 May 2021"
    report = with_ipv4(2)
    level = report.history.level
    blinded = replace(level, slash24=np.where(level.time_us < report.outages[0].onset.best_us, 3.0, np.nan))
    report = replace(report, history=replace(report.history, level=blinded))
    assert "Nobody watched whether it could be reached over IPv4." in lead(report)
    assert headline(report) == "Largeland was offline over IPv6 for 3 hours on 1 May 2021"


def test_an_entity_of_one_family_or_an_outage_of_both_names_none() -> None:
    for report in (kp(), dj(), partial(), ongoing()):
        assert "over IPv" not in told(report)
        assert "stayed up" not in headline(report)
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
    assert headline(report).endswith("offline over IPv6 for 3 hours on 1 May 2021; IPv4 stayed up")


def test_an_outage_of_one_family_is_named_so_among_others() -> None:
    report = one_family("IPv6")
    main = report.outages[0]
    later = main.onset.best_us + 6 * 3600 * 10**6
    onset = replace(main.onset, earliest_us=later, latest_us=later, best_us=later)
    small = replace(main, onset=onset, end=None, score=0.1, depth=0.5, duration_us=60_000_000)
    assert "one further outage: 1 min from 12:00:00 UTC (50 % of IPv6 lost)" in told(
        replace(report, outages=(main, small))
    )


def test_signals_that_fell_those_that_were_low_and_those_that_stayed_are_told_apart() -> None:
    report = others()
    assert lead(report) == (
        "Connectivity in Iraq (IQ) fell by about two thirds (ping-slash24: from 600 to 200) for 4 h, from 01:00 UTC on "
        "Thursday 24 August 2023 (04:00 in Baghdad) to 05:00 UTC. Of three signals measured, ping-slash24 fell out of "
        "its normal range; gtr was lower than usual too, without leaving its normal range; bgp stayed near its normal."
    )
    assert paragraphs(report)[-1] == (
        "This rests on what others measured, each signal in its own way. The signals do not show what they do not "
        "reach, why anything was lost, or who caused it."
    )
    bgp = report.history.series[0]
    silent = replace(bgp, values=np.where(np.arange(2)[:, None] == 1, np.nan, bgp.values))
    blank = replace(report, history=replace(report.history, series=(silent, *report.history.series[1:])))
    assert "bgp was not measured then." in lead(blank)


@pytest.mark.parametrize("lost", ["IPv6", "IPv4"])
def test_of_one_family_the_last_observer_is_read_in_that_family(lost: str) -> None:
    report = one_family(lost)
    (outage,) = report.outages
    level, log = report.history.level, report.history.changes
    total = int(log.time_us[log.state == PrefixState.DARK].max())
    last = total + HOUR
    times = np.sort(np.append(level.time_us, last))
    at = np.searchsorted(level.time_us, times, side="right") - 1
    names = ("prefixes", "slash24", "slash48", "held_slash24", "held_slash48", "voters", "by_voters")
    columns = {name: getattr(level, name)[at] for name in names}
    mine, other = ("held_slash48", "held_slash24") if lost == "IPv6" else ("held_slash24", "held_slash48")
    columns[mine][(times >= total) & (times < last)] = 1.0  # one observer has one route left, for an hour
    for kept in (columns[other], np.zeros(len(times))):  # what is held in the other family says nothing
        traced = replace(level, time_us=times, **{**columns, other: kept})
        assert last_trace_us(replace(report, history=replace(report.history, level=traced)), outage) == last
    assert last_trace_us(report, outage) == total
