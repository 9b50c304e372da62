"""From archives with faults to reports: no fault of the recording is an outage, and none hides one."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from duskwatch.analysis.entity import analyze as analyze_files
from duskwatch.analysis.replay import Window, replay_archives
from duskwatch.cli.app import app
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import SECOND, parse_time
from tests.analysis.artefact_checks import (
    LOPSIDED,
    archive,
    by_collector,
    kinds,
    near,
    reasons,
    the,
    the_outage,
)
from tests.analysis.many import analyze_countries
from tests.small_archive import OTHERS, OWN, START_US, Archive, analyze, at, delegations, replay


def test_a_quiet_archive_has_neither_outage_nor_artefact(tmp_path):
    report = analyze(archive(), tmp_path)
    assert report.outages == ()
    assert report.coverage.artefacts == ()
    assert report.history.gaps == ()


def test_a_true_outage_was_not_us_and_the_numbers_say_so(tmp_path):
    made = archive()
    made.lose(made.peers(), 100, 160)
    witnesses = the_outage(analyze(made, tmp_path), 100, 160)
    assert witnesses.verdict == "no"
    assert by_collector(witnesses) == {"rrc91": (6, 0, 0), "rrc92": (5, 0, 0), "route-views.a": (4, 0, 0)}
    assert (witnesses.lost, witnesses.asked, witnesses.prefixes) == (15, 15, 4)
    assert (witnesses.voters_before, witnesses.voters_least, witnesses.voters_after) == (15, 15, 15)
    assert (witnesses.resets, witnesses.gaps) == (0, 0)
    assert witnesses.talking == 15
    # All that was said from 100 min to 160 min, but for the withdrawals themselves.
    said = sum(100 * 60 <= second < 160 * 60 for peer in made.peers() for second, _ in made.said[peer])
    assert witnesses.statements == said - 15


# A single collector's loss.


def test_a_single_collectors_loss_is_no_outage(tmp_path):
    """Ten of fourteen voters are at one collector. All ten lose the country, the four elsewhere do not."""
    made = archive(LOPSIDED)
    made.lose(made.peers("rrc91"), 100, 160)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    lone = the(report, "lone collector")
    assert (lone.source, lone.voters) == ("rrc91", 10)
    assert "10 of 10 voters of rrc91" in lone.detail
    assert "4 of 4 at other collectors" in lone.detail
    assert at(100) <= lone.from_us <= at(100.2)
    assert at(160) <= lone.until_us <= at(160.2)
    # The four are enough to say that it was there.
    assert np.nanmin(report.history.level.slash24) == 4
    assert not np.isnan(report.history.level.slash24).any()


@pytest.mark.parametrize("minutes", [1, 3, 9, 180])
def test_nor_is_one_of_any_length(tmp_path, minutes):
    made = archive(LOPSIDED, hours=6)
    made.lose(made.peers("rrc91"), 100, 100 + minutes)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert "lone collector" in kinds(report)


def test_nor_is_one_that_lasts_to_the_end_of_the_window(tmp_path):
    made = archive(LOPSIDED)
    made.lose(made.peers("rrc91"), 100)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert the(report, "lone collector").until_us == at(240)


def test_nor_is_one_with_a_stuck_route_at_the_collector_itself(tmp_path):
    made = archive(LOPSIDED)
    made.lose(made.peers("rrc91")[1:], 100, 160)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert "9 of 10 voters of rrc91" in the(report, "lone collector").detail


def test_a_collector_without_the_majority_needs_no_excuse(tmp_path):
    made = archive()
    made.lose(made.peers("rrc91"), 100, 160)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert kinds(report) == []


def test_a_loss_seen_at_two_collectors_is_an_outage_though_a_third_holds_on(tmp_path):
    made = archive(LOPSIDED)
    made.lose([*made.peers("rrc91"), *made.peers("rrc92")], 100, 160)
    witnesses = the_outage(analyze(made, tmp_path), 100, 160)
    assert by_collector(witnesses) == {"rrc91": (10, 0, 0), "rrc92": (2, 0, 0), "route-views.a": (0, 2, 0)}
    assert witnesses.verdict == "no"


def test_too_few_elsewhere_cannot_overrule_a_collector_but_are_told(tmp_path):
    """Two voters that hold on may be two stuck routes: the outage is called, and the doubt with it."""
    made = archive({"rrc91": 12, "rrc92": 2})
    made.lose(made.peers("rrc91"), 100, 160)
    witnesses = the_outage(analyze(made, tmp_path), 100, 160)
    assert witnesses.verdict == "cannot be ruled out"
    assert witnesses.doubts == ("one collector",)
    assert by_collector(witnesses) == {"rrc91": (12, 0, 0), "rrc92": (0, 2, 0)}


def test_others_that_follow_within_minutes_make_one_outage_with_the_first_onset(tmp_path):
    made = archive(LOPSIDED)
    made.lose(made.peers("rrc91"), 100, 160)
    made.lose([*made.peers("rrc92"), *made.peers("route-views.a")], 105, 160)
    report = analyze(made, tmp_path)
    witnesses = the_outage(report, 100, 160)
    assert witnesses.verdict == "no"
    assert kinds(report) == []


def test_a_true_outage_that_one_collector_saw_too_early_begins_with_the_others(tmp_path):
    made = archive(LOPSIDED)
    made.lose(made.peers("rrc91"), 100, 160)
    made.lose([*made.peers("rrc92"), *made.peers("route-views.a")], 125, 160)
    report = analyze(made, tmp_path)
    witnesses = the_outage(report, 125, 160)
    assert (witnesses.verdict, witnesses.doubts) == ("partly", ("lone spell",))
    assert the(report, "lone collector").until_us <= at(125.1)


def test_a_true_outage_that_one_collector_keeps_seeing_ends_with_the_others(tmp_path):
    made = archive(LOPSIDED)
    made.lose(made.peers("rrc91"), 100, 200)
    made.lose([*made.peers("rrc92"), *made.peers("route-views.a")], 100, 160)
    witnesses = the_outage(analyze(made, tmp_path), 100, 160)
    assert witnesses.doubts == ("lone spell",)


def test_a_copy_of_a_collector_under_another_name_is_no_second_witness(tmp_path):
    made = archive(LOPSIDED)
    made.lose(made.peers("rrc91"), 100, 160)
    folder = made.write(tmp_path / "mrt")
    shutil.copytree(folder / "rrc91", folder / "rrc81")
    report = replay(made, folder, tmp_path)
    assert report.outages == ()
    assert "doubled file" in kinds(report)
    assert "lone collector" in kinds(report)


def test_nor_is_one_when_those_who_contradict_it_go_away(tmp_path):
    """The other collectors restart while one alone has lost the country: what is left is its word, and no outage."""
    made = archive({"rrc91": 7, "rrc92": 7})
    made.lose(made.peers("rrc91"), 100, 140)
    made.reset(made.peers("rrc92"), 108, 130)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert "lone collector" in kinds(report)


def test_collectors_are_told_apart_by_their_whole_names(tmp_path):
    """Folders are called as people like; two that begin with the same word are two."""
    made = archive({"my exchange": 10, "my office": 2, "my home": 2})
    made.lose(made.peers("my exchange"), 100, 160)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert the(report, "lone collector").source == "my exchange"


# Peers lost.


def test_half_of_the_peers_lost_at_once_is_no_outage(tmp_path):
    made = archive({"rrc91": 6, "rrc92": 4, "route-views.a": 4})
    gone = [*made.peers("rrc91")[:3], *made.peers("rrc92")[:2], *made.peers("route-views.a")[:2]]
    made.reset(gone, 100, 160)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert report.history.level.voters.min() == 7
    assert sum(gap.reason == "session down" for gap in report.history.gaps) == 7


@pytest.mark.parametrize("many", [1, 3, 7, 14])
def test_nor_are_fewer_or_more(tmp_path, many):
    made = archive()
    made.reset(made.peers()[:many], 100, 160)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert report.history.level.voters.min() == 15 - many


def test_half_of_the_peers_silent_is_no_outage(tmp_path):
    made = archive()
    made.silence([peer for k, peer in enumerate(made.peers()) if k % 2], 60, 235)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert "nothing heard for an hour" in reasons(report)


@pytest.mark.parametrize("minute", [100, 100.5, 104.9])
@pytest.mark.parametrize("many", [3, 7, 8])
def test_nor_are_peers_that_take_back_their_whole_tables_with_their_sessions_up(tmp_path, many, minute):
    """They have lost their own way to the Internet. What they take back until it shows is no word on the country."""
    made = archive({"rrc91": 6, "rrc92": 4, "route-views.a": 4})
    made.lose(made.peers()[:many], minute, 180, [*OTHERS, *OWN])
    report = analyze(made, tmp_path)
    assert report.outages == ()
    fell = [gap for gap in report.history.gaps if gap.reason == "its table fell"]
    assert len(fell) == many
    assert all(at(100) <= gap.from_us <= at(minute + 0.2) and at(180) < gap.until_us <= at(185) for gap in fell)
    assert report.history.level.voters.min() == 14 - many


def test_a_true_outage_as_half_of_the_peers_take_back_their_tables_is_found(tmp_path):
    made = archive({"rrc91": 6, "rrc92": 4, "route-views.a": 4})
    made.lose(made.peers()[:7], 101, 180, [*OTHERS, *OWN])
    made.lose(made.peers()[7:], 103, 150)
    witnesses = the_outage(analyze(made, tmp_path), 103, 150)
    assert (witnesses.lost, witnesses.asked) == (7, 7)
    assert "voters left" in witnesses.doubts


def test_a_true_outage_as_half_of_the_peers_are_lost_is_found(tmp_path):
    made = archive()
    made.lose(made.peers(), 101, 150)
    made.reset(made.peers()[:7], 100, 170)
    witnesses = the_outage(analyze(made, tmp_path), 101, 150)
    assert (witnesses.verdict, witnesses.doubts) == ("partly", ("voters left",))
    assert (witnesses.lost, witnesses.asked) == (8, 8)
    assert witnesses.resets == 7


@pytest.mark.parametrize(("minutes", "verdict"), [(4, "no"), (19, "partly")])
def test_a_reset_in_the_middle_of_an_outage_matters_where_it_takes_a_good_part_of_it(tmp_path, minutes, verdict):
    made = archive()
    made.lose(made.peers(), 40, 190)
    made.reset(made.peers("rrc91"), 100, 100 + minutes, without=OWN)
    witnesses = the_outage(analyze(made, tmp_path), 40, 190)
    assert (witnesses.verdict, witnesses.voters_least) == (verdict, 9)
    assert witnesses.gaps >= 6


def test_peers_that_leave_in_an_outage_are_told_apart_from_those_that_saw_it(tmp_path):
    made = archive()
    made.reset(made.peers("rrc92"), 101, 140, without=OWN)
    made.lose([peer for peer in made.peers() if peer[0] != "rrc92"], 100, 160)
    witnesses = the_outage(analyze(made, tmp_path), 100, 160)
    assert by_collector(witnesses)["rrc92"] == (0, 0, 5)
    assert (witnesses.lost, witnesses.asked) == (10, 10)
    assert "voters left" in witnesses.doubts


# Nothing recorded.


def test_a_collector_restart_is_no_outage(tmp_path):
    made = archive(LOPSIDED)
    made.reset(made.peers("rrc91"), 100, 104)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    restart = the(report, "collector restart")
    assert (restart.source, restart.voters, restart.from_us) == ("rrc91", 10, at(100))
    assert at(104) <= restart.until_us <= at(105)
    assert reasons(report) == {"session down", "its table is less than a full feed"}  # while tables come again


def test_a_restart_of_all_collectors_is_no_outage(tmp_path):
    made = archive()
    made.reset(made.peers(), 100, 104)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert np.isnan(report.history.level.slash24[report.history.level.voters == 0]).all()
    assert kinds(report).count("collector restart") == 3


def test_a_true_outage_during_a_restart_is_found(tmp_path):
    """One collector restarts as the outage begins: those of it that are back see the same as the others."""
    made = archive()
    made.lose(made.peers(), 100, 160)
    made.reset(made.peers("rrc91"), 100.1, 104, without=OWN)
    witnesses = the_outage(analyze(made, tmp_path), 100, 160)
    assert witnesses.resets == 6
    assert "voters left" in witnesses.doubts
    assert witnesses.verdict == "partly"


def test_a_table_transfer_is_no_outage_and_no_news(tmp_path):
    """All peers of one collector send their whole tables again, without any end of a session."""
    made = archive()
    for peer in made.peers("rrc91"):
        made.send_table(peer, 100)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert the(report, "table transfer").voters == 6
    assert "no end of theirs was recorded" in the(report, "collector restart").detail
    assert np.nansum(report.history.signals.series("bgp.announcements")) == 0


def test_a_table_transfer_of_one_peer_is_told_with_its_session(tmp_path):
    made = archive()
    made.send_table(("rrc92", 2), 100)
    report = analyze(made, tmp_path)
    transfer = the(report, "table transfer")
    assert transfer.source == "rrc92 AS65502 192.0.3.12"
    # 64 of the table, and up to three others in each of two bins.
    assert 64 <= int(transfer.detail.split(" ", 1)[0]) <= 70


def test_a_true_outage_at_the_time_of_a_table_transfer_is_found(tmp_path):
    made = archive()
    for peer in made.peers():
        made.send_table(peer, 98)
    made.lose(made.peers(), 100, 160)
    witnesses = the_outage(analyze(made, tmp_path), 100, 160)
    assert witnesses.verdict == "no"


# Stuck routes.


def test_a_stuck_route_at_one_peer_does_not_hide_a_true_outage(tmp_path):
    made = archive()
    made.lose(made.peers()[1:], 30, 210)
    report = analyze(made, tmp_path)
    witnesses = the_outage(report, 30, 210)
    assert witnesses.verdict == "no"
    assert by_collector(witnesses)["rrc91"] == (5, 1, 0)
    stuck = the(report, "stuck route")
    assert stuck.source == "rrc91 AS64500"
    assert "kept 4 prefixes for 2 h 59 min that 14 other voters lost" in stuck.detail


def test_nor_do_stuck_routes_at_all_but_one_collector(tmp_path):
    """Two of fourteen, at a collector of their own."""
    made = archive({"rrc91": 12, "rrc92": 2})
    made.lose(made.peers("rrc91"), 30, 210)
    report = analyze(made, tmp_path)
    the_outage(report, 30, 210)
    assert kinds(report) == ["stuck route"] * 2


def test_a_route_that_is_kept_by_a_silent_peer_is_not_called_stuck(tmp_path):
    made = archive()
    made.lose(made.peers()[1:], 30, 210)
    made.silence(made.peers()[:1], 25, 215)
    report = analyze(made, tmp_path)
    the_outage(report, 30, 210)
    assert "stuck route" not in kinds(report)


def test_a_table_that_differs_from_the_next_dump_is_told(tmp_path):
    """Withdrawals of a dozen prefixes were never recorded: the next dump shows it."""
    made = archive()
    folder = made.write(tmp_path / "mrt", dumps=(0, 120))
    lacking = folder / "rrc92" / "2020.03" / "bview.20200302.0200.gz"
    lacking.write_bytes(gzip.compress(made.dump("rrc92", START_US // SECOND + 7200, OTHERS[:12])))
    report = replay(made, folder, tmp_path)
    assert report.outages == ()
    told = [artefact for artefact in report.coverage.artefacts if artefact.kind == "table disagreement"]
    assert [artefact.source for artefact in told] == [f"rrc92 AS{65500 + n}" for n in range(5)]
    assert "12 known to be held were not in it, 52 agree" in told[0].detail


# The answer.


def test_one_peer_can_never_rule_it_out(tmp_path):
    made = archive({"rrc91": 1}, talk_s=60)
    made.lose(made.peers(), 100, 160)
    witnesses = the_outage(analyze(made, tmp_path), 100, 160)
    assert (witnesses.verdict, witnesses.doubts) == ("cannot be ruled out", ("few voters",))


def test_a_loss_after_which_nothing_is_recorded_is_a_gap(tmp_path):
    """What they say last is that the country is gone, and then nothing of anybody: that may be their own end."""
    made = archive(hours=3)
    made.lose(made.peers(), 99)
    made.silence(made.peers(), 100, 181)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    assert the(report, "nothing recorded").until_us == at(180)


def test_a_loss_in_a_stretch_that_was_not_recorded_in_whole_is_partly_ours(tmp_path):
    made = archive(hours=3)
    made.lose(made.peers(), 99)
    made.silence(made.peers(), 100, 150)
    report = analyze(made, tmp_path)
    (outage,) = report.outages
    assert near(outage.onset, 99)
    (witnesses,) = report.coverage.witnesses
    assert (witnesses.verdict, witnesses.doubts) == ("partly", ("voters left",))


def test_peers_that_say_nothing_else_after_a_loss_are_doubtful_witnesses(tmp_path):
    """Their sessions are up, but no word of any other network comes: their own feeds may have died."""
    made = archive(hours=3)
    made.lose(made.peers(), 99)
    made.silence(made.peers(), 100, 181)
    made.keep_alive(made.peers(), 100, 180)
    report = analyze(made, tmp_path)
    (outage,) = report.outages
    assert near(outage.onset, 99)
    (witnesses,) = report.coverage.witnesses
    assert (witnesses.lost, witnesses.talking, witnesses.statements) == (15, 0, 0)
    assert (witnesses.verdict, witnesses.doubts) == ("cannot be ruled out", ("silent",))


def test_where_everything_is_watched_what_went_elsewhere_is_the_control(tmp_path):
    """The background of another country goes in the same seconds: that is no outage of one country alone."""
    alone, both = archive(), archive()
    alone.lose(alone.peers(), 100, 160)
    both.lose(both.peers(), 100, 160)
    both.lose(both.peers(), 100.1, 160, OTHERS[:40])
    elsewhere = []
    for name, made in (("alone", alone), ("both", both)):
        folder = made.write(tmp_path / name)
        geo = [delegations(tmp_path)]
        reports = analyze_countries(START_US, at(240), [folder], geo, threads=1)
        (report,) = [report for report in reports if report.entity.code == "KP"]
        (witnesses,) = report.coverage.witnesses
        elsewhere.append((witnesses.elsewhere, witnesses.elsewhere_lost, witnesses.verdict))
    assert elsewhere == [(60, 0, "no"), (60, 40, "cannot be ruled out")]


def test_a_run_of_all_countries_gives_the_same_outages_and_faults(tmp_path):
    made = archive(LOPSIDED)
    made.lose(made.peers("rrc91"), 40, 80)
    made.lose(made.peers(), 100, 160)
    made.reset(made.peers("rrc92"), 180, 184)
    folder = made.write(tmp_path / "mrt")
    one = replay(made, folder, tmp_path)
    all_ = analyze_countries(START_US, at(240), [folder], [delegations(tmp_path)], threads=1)
    (other,) = [report for report in all_ if report.entity.code == "KP"]
    assert one.outages == other.outages
    assert one.coverage.artefacts == other.coverage.artefacts


def test_the_command_answers_on_the_terminal_and_in_its_files(tmp_path):
    made = archive()
    made.lose(made.peers(), 100, 160)
    made.reset(made.peers("rrc92"), 200, 204)
    folder = made.write(tmp_path / "mrt")
    command = ["analyze", "KP", "--from", "2020-03-02", "--until", "2020-03-02T04:00Z", "--mrt", str(folder)]
    done = CliRunner().invoke(app, [*command, "--geo", str(delegations(tmp_path)), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert (
        "Was it us? no: 15 of 15 observers that held a route lost it, at three collectors, and all of them kept" in told
    )
    assert "route-views.a: 4 of 4 observers lost it; rrc91: 6 of 6; rrc92: 5 of 5." in told
    assert "collector restart rrc92: 5 of 5 sessions went down in the same second" in told
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    own = document["outages"][0]["was_it_us"]
    assert own["verdict"] == "no"
    named = [peer for view in own["collectors"] for peer in view["peers"]]
    assert len(named) == 15
    assert all(peer["saw"] == "lost" and peer["asn"] > 0 and peer["addresses"] for peer in named)
    assert all(peer["first_lost"].startswith("2020-03-02T") for peer in named)
    assert [fault["kind"] for fault in document["coverage"]["artefacts"]] == ["collector restart", "table transfer"]
    assert 'id="was-it-us"' in (tmp_path / "out" / "report.html").read_text()


# Real archives.


def test_djibouti_2008_was_not_us(shared_data: Path):
    report = analyze_files(
        parse_entity("DJ"),
        parse_time("2008-02-19T00:15Z"),
        parse_time("2008-02-19T18:00Z"),
        [shared_data / "mrt" / "route-views2-2008-02-19"],
        geo=[shared_data / "reference" / "delegated-2016" / "delegated-afrinic-extended-latest"],
    )
    (witnesses,) = report.coverage.witnesses
    assert witnesses is not None
    assert (witnesses.verdict, witnesses.prefixes) == ("no", 15)
    assert by_collector(witnesses) == {"route-views2": (25, 0, 0)}
    assert (witnesses.voters_before, witnesses.talking) == (37, 25)
    assert witnesses.statements is not None
    assert witnesses.statements > 100_000
    assert "clock step" not in kinds(report)


@pytest.mark.parametrize(
    ("folder", "window"),
    [
        ("rrc06-2021-01-02", ("2021-01-02T05:05Z", "2021-01-02T07:35Z")),
        ("jinx-rrc06-2014-05-30", ("2014-05-30T22:00Z", "2014-05-31T00:00Z")),
        ("route-views2-2008-02-24", ("2008-02-24T18:00Z", "2008-02-24T23:00Z")),
    ],
)
def test_real_archives_have_no_wrong_clocks(shared_data: Path, folder: str, window: tuple[str, str]):
    def none(afi, hi, lo, length):
        return np.zeros(len(afi), np.uint8)

    run = replay_archives(Window(*map(parse_time, window)), [shared_data / "mrt" / folder], watch=none)
    assert [heard.steps for heard in run.heard] == [()] * len(run.heard)
    assert all(heard.counts.sum() > 1000 for heard in run.heard)


@pytest.mark.parametrize(("apart", "outages"), [(30, 0), (4, 1)])
def test_two_collectors_with_losses_of_their_own_at_once_are_no_outage(tmp_path, apart, outages):
    """Each loses the country for an hour by itself, half an hour apart; the third holds on.

    Together they are two thirds of the voters. Where they begin within minutes it is one loss that many saw.
    """
    archive = Archive({"rrc00": 4, "rrc01": 4, "rrc02": 4})
    archive.talk()
    archive.lose(archive.peers("rrc00"), 100, 160)
    archive.lose(archive.peers("rrc01"), 100 + apart, 190)
    found = analyze(archive, tmp_path)
    assert len(found.outages) == outages
    kinds = [(one.kind, one.source) for one in found.coverage.artefacts]
    assert (("lone collector", "rrc00 and rrc01") in kinds) == (outages == 0)
