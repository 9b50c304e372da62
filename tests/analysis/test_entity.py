"""The main job, from files to reports: the documented cases, and what must not change an answer."""

import gzip
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duskwatch.analysis.entity import analyze, report_on, watch_of
from duskwatch.analysis.replay import BIN_US, Replay, Window
from duskwatch.cases.build import BuiltCase
from duskwatch.publication.reasons import reason_text
from duskwatch.records.entity import parse_entity
from duskwatch.records.networks import Holding
from duskwatch.records.outages import When
from duskwatch.records.report import Report
from duskwatch.records.times import SECOND, iso, parse_time, to_datetime
from duskwatch.signals.bgp.fold import fold
from duskwatch.signals.bgp.roll import close
from duskwatch.signals.bgp.state import begin
from duskwatch.signals.bgp.votes import merge_votes
from duskwatch.sources.bgp.archives.find import ArchiveError, find_files, select
from duskwatch.sources.bgp.archives.read import messages, open_ahead
from duskwatch.sources.reference.geo import load_geo
from tests.analysis.many import analyze_countries

KP = parse_entity("KP")
DAY = parse_time("2014-12-22T08:00Z"), parse_time("2014-12-23T08:30Z")


@pytest.fixture(scope="session")
def story(case: BuiltCase) -> Report:
    return analyze(KP, case.from_us, case.until_us, [case.mrt], geo=[case.geo])


def near(when: When | None, text: str) -> bool:
    """The published moment lies in the interval, and within a minute of the best estimate."""
    moment = parse_time(text)
    return (
        when is not None and when.earliest_us <= moment <= when.latest_us and abs(when.best_us - moment) <= 60 * SECOND
    )


def test_the_main_outage_is_timed_as_published(story):
    main = max(story.outages, key=lambda outage: outage.score)
    assert near(main.onset, "2014-12-22T16:15Z")
    assert near(main.end, "2014-12-23T01:46Z")
    assert main.duration_us // (60 * SECOND) == 9 * 60 + 31
    assert main.depth == 1.0
    assert main.phases[0].phase == "degrading"
    assert parse_time("2014-12-19T20:00Z") <= main.phases[0].from_us <= parse_time("2014-12-22T00:00Z")


def test_why_is_weighed_as_the_analysts_did(story):
    """Attack and power stay open, cable and artefact are weak, and nothing here could test an order."""
    found = story.explanation
    assert found is not None
    assert story.outages[found.outage].onset.best_us < parse_time("2014-12-22T16:15Z")
    verdicts = {one.hypothesis: one.verdict for one in found.hypotheses}
    assert {name for name, verdict in verdicts.items() if verdict == "consistent with"} == {"attack", "power"}
    assert {verdicts[name] for name in ("cable", "artefact", "maintenance", "exam-shutdown")} == {"weak"}
    for name in ("government-shutdown", "configuration", "disaster"):
        assert verdicts[name] == "not testable from these data"


def test_the_later_losses_are_outages_of_their_own_that_relapse_from_the_first(story):
    main, morning, afternoon, saturday = story.outages
    assert main.onset.best_us < morning.onset.best_us < parse_time("2014-12-23T08:00Z")
    assert near(afternoon.onset, "2014-12-23T15:41Z")
    assert near(afternoon.end, "2014-12-23T16:12Z")
    assert near(saturday.onset, "2014-12-27T10:30Z")
    assert (morning.relapse_of, afternoon.relapse_of, saturday.relapse_of) == (0, 0, None)
    assert (main.relapses, main.stable) == (2, False)


def test_the_collector_reset_and_the_missing_file_are_gaps_and_nothing_else(story, case):
    resets = [gap for gap in story.history.gaps if gap.reason == "session down"]
    missing = [gap for gap in story.history.gaps if gap.reason == "missing file"]
    assert len(resets) >= 6
    assert len(missing) == 1
    for gap in [*missing, *resets]:
        if gap.until_us < parse_time("2014-12-22T16:00Z") or gap.from_us > parse_time("2014-12-24T00:00Z"):
            assert not any(
                outage.onset.earliest_us < gap.until_us and gap.from_us < outage.onset.latest_us
                for outage in story.outages
            )


def test_an_end_that_lies_in_missing_files_lies_in_the_interval(case):
    """Routes that came back while nothing was recorded are not announced again until something changes."""
    gone = ("updates.20141223.0145", "updates.20141223.0150")
    files = [path for path in (case.mrt / "rrc97").rglob("*.gz") if not path.name.startswith(gone)]
    window = parse_time("2014-12-22T08:00Z"), parse_time("2014-12-23T09:00Z")
    report = analyze(KP, *window, files, geo=[case.geo])
    main = max(report.outages, key=lambda outage: outage.score)
    for when in (main.end, main.dark_until):
        assert when.earliest_us == parse_time("2014-12-23T01:45Z")
        assert when.earliest_us <= parse_time("2014-12-23T01:46Z") <= when.latest_us
        assert "nobody was watching 01:45:00 to 01:55:00, and it may have come back then" in reason_text(when.reason)


def test_no_country_of_the_background_has_an_outage(case):
    found = {
        report.entity.code: len(report.outages)
        for report in analyze_countries(case.from_us, case.until_us, [case.mrt], [case.geo])
    }
    assert len(found) > 40
    assert {code for code, outages in found.items() if outages} == {"KP"}


def test_the_network_and_the_prefix_tell_the_same_story_as_the_country(case, story):
    for code in ("AS131279", "175.45.176.0/22"):
        report = analyze(parse_entity(code), *DAY, [case.mrt])
        assert len(report.outages) == 2
        assert report.outages[0].onset == replace(story.outages[0].onset, reason=report.outages[0].onset.reason)
        assert report.outages[0].end == replace(story.outages[0].end, reason=report.outages[0].end.reason)


def same(one: Report, other: Report) -> None:
    """Equal but for the order in which inputs are listed."""
    assert one.outages == other.outages
    assert one.history.gaps == other.history.gaps
    assert one.history.transit == other.history.transit
    assert sorted(read.sha256 for read in one.inputs) == sorted(read.sha256 for read in other.inputs)
    for part in ("level", "changes", "signals"):
        a, b = getattr(one.history, part), getattr(other.history, part)
        for name in a.__dataclass_fields__:
            assert np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name not in ("specs", "prefixes")), name


@pytest.fixture(scope="session")
def day(case: BuiltCase) -> Report:
    return analyze(KP, *DAY, [case.mrt], geo=[case.geo], threads=2)


def test_the_order_of_files_changes_nothing(case, day):
    files = sorted(path for path in case.mrt.rglob("*") if path.is_file())
    shuffled = [files[i] for i in np.random.default_rng(7).permutation(len(files))]
    same(day, analyze(KP, *DAY, shuffled, geo=[case.geo]))


def test_one_thread_or_two_change_nothing(case, day):
    same(day, analyze(KP, *DAY, [case.mrt], geo=[case.geo], threads=1))


def test_a_day_cut_in_two_runs_and_merged_is_the_same_day(case, day):
    """Each run ends where it happens to, in the middle of a file; the other goes on from what it left."""
    ranges = load_geo([case.geo], iso_date(DAY[0]))
    parts = []
    by_collector: dict[str, list] = {}
    for file in find_files([case.mrt])[0]:
        by_collector.setdefault(file.collector, []).append(file)
    for name, files in by_collector.items():
        chosen = select(files, *DAY)
        told = list(messages(chosen, open_ahead(chosen), *DAY))
        state = begin(name, DAY[0], BIN_US, watch_of([KP], ranges))
        for number, message in enumerate(told):
            if number == len(told) // 2:
                state = pickle.loads(pickle.dumps(state))
            state, _ = fold(state, message, DAY[1])
        parts.append(close(state, DAY[1]))
    votes = merge_votes(parts, *DAY)
    replay = Replay(Window(*DAY), tuple(parts), day.inputs, ())
    other = report_on(KP, replay, votes, ranges)
    same(replace(day, inputs=()), replace(other, inputs=()))


def iso_date(time_us):
    return to_datetime(time_us).date()


def test_a_file_given_twice_under_two_names_changes_nothing(case, day, tmp_path):
    twice = tmp_path / "rrc98" / "updates.20141222.1615.gz"
    twice.parent.mkdir()
    (original,) = case.mrt.rglob("rrc98/**/updates.20141222.1615.gz")
    shutil.copy(original, twice)
    report = analyze(KP, *DAY, [case.mrt, twice], geo=[case.geo])
    assert any("given twice" in warning for warning in report.warnings)
    assert report.outages == day.outages


def test_a_damaged_file_is_named_and_is_a_gap_in_coverage(case, day, tmp_path):
    folder = tmp_path / "mrt"
    shutil.copytree(case.mrt, folder)
    (file,) = folder.rglob("rrc98/**/updates.20141222.1200.gz")
    whole = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(whole)[: len(file.read_bytes()) // 2])
    report = analyze(KP, *DAY, [folder], geo=[case.geo])
    assert any(gap.reason == "damaged file" and gap.source == "rrc98" for gap in report.history.gaps)
    assert [read.name for read in report.inputs if read.damage] == ["updates.20141222.1200.gz"]
    assert [outage.onset.best_us for outage in report.outages] == [outage.onset.best_us for outage in day.outages]


def test_losing_a_whole_collector_is_no_outage(case, tmp_path):
    """All of one collector's files from noon on are missing; nothing else happens before 15:00."""
    folder = tmp_path / "mrt"
    shutil.copytree(case.mrt, folder)
    for file in folder.rglob("rrc98/**/updates.20141222.1[2-9]*.gz"):
        file.unlink()
    window = parse_time("2014-12-22T08:00Z"), parse_time("2014-12-22T15:00Z")
    report = analyze(KP, *window, [folder], geo=[case.geo])
    assert report.outages == ()
    assert any(gap.source == "rrc98" and gap.reason == "missing file" for gap in report.history.gaps)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (("2013-01-01", "2013-01-02"), "no MRT file covers 2013-01-01T00:00:00Z to 2013-01-02T00:00:00Z"),
        (("2015-06-01", "2015-06-02"), "those given begin between 2014-12-18T00:00:00Z"),
    ],
)
def test_a_window_without_files_is_refused_with_what_there_is(case, window, message):
    with pytest.raises(ArchiveError, match=message):
        analyze(KP, *(parse_time(text) for text in window), [case.mrt], geo=[case.geo])


def test_a_collector_that_is_not_there_is_refused_with_those_that_are(case):
    with pytest.raises(ArchiveError, match="no file of collector rrc01 among those given; there are route-views"):
        analyze(KP, *DAY, [case.mrt], geo=[case.geo], collectors=["rrc01"])


def test_djibouti_on_the_real_archive(shared_data: Path):
    """Times folded from bgpdump's output by a separate script, as the README of the data gives them."""
    report = analyze(
        parse_entity("DJ"),
        parse_time("2008-02-19T00:15Z"),
        parse_time("2008-02-19T18:00Z"),
        [shared_data / "mrt" / "route-views2-2008-02-19"],
        geo=[shared_data / "reference" / "delegated-2016" / "delegated-afrinic-extended-latest"],
    )
    (outage,) = report.outages
    assert near(outage.onset, "2008-02-19T13:07:06Z")
    assert near(outage.dark_from, "2008-02-19T13:42:08Z")
    assert outage.dark_from.latest_us == parse_time("2008-02-19T13:46:30Z")
    assert near(outage.dark_until, "2008-02-19T13:50:22Z")
    assert near(outage.end, "2008-02-19T14:13:17Z")
    assert report.history.learned
    assert any("learned from updates" in warning for warning in report.warnings)
    during = report.history.changes.time_us > parse_time("2008-02-19T12:00Z")
    named = set(report.history.changes.upstream[during].tolist()) | set(report.history.changes.beyond[during].tolist())
    assert {5511, 8966} <= named
    (incident,) = report.networks.incidents
    assert [(m.entity.code, m.part, m.outage.depth) for m in incident.explained_by] == [("AS30990", 1, 1)]
    assert report.networks.lost[0].before == (Holding("bgp.visible_slash24", 15, 15),)
    assert report.networks.total == 1


def test_a_hijack_of_another_network_is_no_outage_of_pakistan(shared_data: Path):
    report = analyze(
        parse_entity("PK"),
        parse_time("2008-02-24T18:07Z"),
        parse_time("2008-02-24T23:00Z"),
        [shared_data / "mrt" / "route-views2-2008-02-24"],
        geo=[shared_data / "reference" / "delegated-2016" / "delegated-apnic-extended-latest"],
    )
    assert report.outages == ()
    assert np.nanmax(report.history.level.slash24) > 1000


def test_one_full_feed_peer_is_said_to_be_one(shared_data: Path):
    geo = sorted((shared_data / "reference" / "delegated-2016").iterdir())
    window = parse_time("2014-05-30T22:00Z"), parse_time("2014-05-31T00:00Z")
    report = analyze(KP, *window, [shared_data / "mrt" / "jinx-rrc06-2014-05-30"], geo=geo)
    assert report.outages == ()
    assert report.history.level.voters.max() == 1
    # The dump is of 22:00, and the next file of 23:45: until then nobody was watching.
    assert np.isnan(report.history.level.slash24[0])
    assert report.history.level.slash24[-1] == 4
    assert {4837} == set(report.history.changes.upstream[report.history.changes.upstream > 0].tolist())


@pytest.mark.parametrize(
    ("folder", "window"),
    [
        ("jinx-rrc06-2014-05-30", ("2014-05-30T22:00Z", "2014-05-31T00:00Z")),
        ("rrc06-2021-01-02", ("2021-01-02T05:05Z", "2021-01-02T07:35Z")),
    ],
)
def test_quiet_hours_hold_no_national_outage(shared_data: Path, folder, window):
    geo = sorted((shared_data / "reference" / "delegated-2016").iterdir())
    found = [
        (report.entity.code, iso(report.outages[0].onset.best_us))
        for report in analyze_countries(*map(parse_time, window), [shared_data / "mrt" / folder], geo)
        if report.outages
    ]
    assert found == []
