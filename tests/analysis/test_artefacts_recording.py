"""Missing files, stepped clocks, wrong and doubled files: faults of the recording, and outages in their midst."""

import gzip
import shutil

import numpy as np
import pytest

from duskwatch.analysis.entity import analyze as analyze_files
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import MINUTE, SECOND
from tests.analysis.artefact_checks import BALANCED, LOPSIDED, archive, kinds, near, reasons, the, the_outage
from tests.small_archive import OWN, START_US, analyze, at, delegations, replay


def test_a_missing_day_is_no_outage(tmp_path):
    made = archive(hours=72, talk_s=1500)
    report = analyze(made, tmp_path, missing=dict.fromkeys(BALANCED, (1440, 2880)))
    assert report.outages == ()
    nothing = the(report, "nothing recorded")
    assert (nothing.from_us, nothing.until_us) == (at(1440), at(2880))
    assert np.isnan(report.history.level.slash24[report.history.level.voters == 0]).all()
    assert "missing file" in reasons(report)


def test_a_missing_day_of_one_collector_is_no_outage(tmp_path):
    made = archive(LOPSIDED, hours=60, talk_s=500)
    report = analyze(made, tmp_path, missing={"rrc91": (1440, 2880)})
    assert report.outages == ()
    assert kinds(report) == []


def test_true_outages_before_and_after_a_missing_day_are_found(tmp_path):
    made = archive(hours=72, talk_s=1500)
    made.lose(made.peers(), 1400, 1420)
    made.lose(made.peers(), 2900, 2930)
    report = analyze(made, tmp_path, missing=dict.fromkeys(BALANCED, (1440, 2880)))
    assert [near(outage.onset, minute) for outage, minute in zip(report.outages, (1400, 2900), strict=True)] == [
        True
    ] * 2
    assert [near(outage.end, minute) for outage, minute in zip(report.outages, (1420, 2930), strict=True)] == [True] * 2


def test_all_collectors_without_data_at_once_is_our_gap(tmp_path):
    """Our own uplink: nothing of any peer is recorded for half an hour."""
    made = archive()
    made.silence(made.peers(), 100, 130)
    report = analyze(made, tmp_path)
    assert report.outages == ()
    nothing = the(report, "nothing recorded")
    assert (nothing.source, nothing.from_us, nothing.until_us) == ("", at(100), at(130))


def test_an_outage_that_begins_where_nothing_was_recorded_says_so(tmp_path):
    made = archive()
    made.lose(made.peers(), 120, 170)
    made.silence(made.peers(), 115, 119)
    report = analyze(made, tmp_path, missing=dict.fromkeys(BALANCED, (120, 125)))
    # The withdrawals were in the missing files; the peers are taken to hold what they held.
    assert report.outages == ()
    assert "nothing recorded" in kinds(report)


def test_an_outage_that_begins_in_a_gap_says_that_its_length_is_not_sure(tmp_path):
    """Nothing is recorded for ten minutes; the table dump after that lacks the country."""
    made = archive()
    made.lose(made.peers(), 120, 170)
    folder = made.write(tmp_path / "mrt", missing=dict.fromkeys(BALANCED, (115, 125)))
    for name in BALANCED:
        dump = made.dump(name, START_US // SECOND + 125 * 60, lacking=OWN)
        (folder / name / "2020.03" / "bview.20200302.0205.gz").write_bytes(gzip.compress(dump))
    report = replay(made, folder, tmp_path)
    (outage,) = report.outages
    assert outage.onset.earliest_us <= at(120) <= outage.onset.latest_us
    assert near(outage.end, 170)
    (witnesses,) = report.coverage.witnesses
    assert "in a gap" in witnesses.doubts


# Clocks.

STEPS = [3 * 3600, 1200, 86400 * 700, -1200, -86400 * 700, -600_000_000]


@pytest.mark.parametrize("seconds", STEPS)
def test_a_clock_step_is_no_outage(tmp_path, seconds):
    """A loss of a minute, whose end is written with another time: left out as too old, it would never end."""
    made = archive()
    made.lose(made.peers(), 100, 101)
    report = analyze(made, tmp_path, clock={name: [(100.9, 112, seconds)] for name in BALANCED})
    assert report.outages == ()
    assert kinds(report) == ["clock step"] * 3
    assert report.history.level.slash24[-1] == 4


@pytest.mark.parametrize("seconds", STEPS)
def test_a_true_outage_after_a_clock_step_is_found(tmp_path, seconds):
    """One minute of records from another time must not make all that follows look old."""
    made = archive()
    made.lose(made.peers(), 130, 170)
    report = analyze(made, tmp_path, clock={name: [(101, 102, seconds)] for name in BALANCED})
    witnesses = the_outage(report, 130, 170)
    assert witnesses.verdict == "no"
    assert kinds(report) == ["clock step"] * 3


@pytest.mark.parametrize("seconds", STEPS)
def test_a_true_outage_that_begins_while_the_clock_is_wrong_is_found(tmp_path, seconds):
    """The step is known to the time between two records, here up to half a minute."""
    made = archive(talk_s=60)
    made.lose(made.peers(), 130, 170)
    report = analyze(made, tmp_path, clock={name: [(128, 133, seconds)] for name in BALANCED})
    (outage,) = report.outages
    assert abs(outage.onset.best_us - at(130)) <= MINUTE
    (witnesses,) = report.coverage.witnesses
    assert "in a gap" in witnesses.doubts


@pytest.mark.parametrize("seconds", STEPS)
def test_a_table_dump_with_a_wrong_time_is_taken_as_of_its_name(tmp_path, seconds):
    """Of an outage in which the dump was taken. Taken at its word, it would end the outage, or keep updates out."""
    made = archive()
    made.lose(made.peers(), 110, 150)
    folder = made.write(tmp_path / "mrt")
    for name in BALANCED:
        dump = made.dump(name, START_US // SECOND + 7200 + seconds, lacking=OWN)
        (folder / name / "2020.03" / "bview.20200302.0200.gz").write_bytes(gzip.compress(dump))
    report = replay(made, folder, tmp_path)
    assert the_outage(report, 110, 150).verdict == "no"
    # A dump may take half an hour to write.
    assert kinds(report) == ([] if seconds == 1200 else ["clock step"] * 3)
    assert report.warnings == ()


@pytest.mark.parametrize("seconds", [86400 * 700, -86400 * 700, 5 * 3600 + 500])
def test_so_is_the_dump_that_a_window_begins_with(tmp_path, seconds):
    made = archive()
    made.lose(made.peers(), 30, 70)
    folder = made.write(tmp_path / "mrt")
    for name in BALANCED:
        dump = made.dump(name, START_US // SECOND + seconds)
        (folder / name / "2020.03" / "bview.20200302.0000.gz").write_bytes(gzip.compress(dump))
    report = replay(made, folder, tmp_path)
    the_outage(report, 30, 70)
    assert report.history.level.voters.min() == 15
    assert kinds(report) == ["clock step"] * 3


def test_a_file_with_the_records_of_another_hour_is_left_out(tmp_path):
    """A copy under a wrong name: what it says of 100 min must not be taken for 150 min, nor the gap for quiet."""
    made = archive()
    made.lose(made.peers(), 101, 102)
    folder = made.write(tmp_path / "mrt")
    for name in BALANCED:
        old, new = (folder / name / "2020.03" / f"updates.20200302.{hour}.gz" for hour in ("0140", "0230"))
        shutil.copy(old, new)
    report = replay(made, folder, tmp_path)
    assert report.outages == ()
    assert reasons(report) == {"records of another time"}
    assert all(gap.from_us == at(150) and gap.until_us == at(155) for gap in report.history.gaps)


def test_an_archive_whose_names_are_in_local_time_is_taken_as_it_is(tmp_path):
    made = archive()
    made.lose(made.peers(), 100, 160)
    folder = tmp_path / "mrt"
    made.write(folder)
    for file in sorted(folder.rglob("*.gz"), reverse=True):
        stem, day, clock, _ = file.name.split(".")
        hour = int(clock[:2]) + 9
        file.rename(file.with_name(f"{stem}.{int(day) + hour // 24}.{hour % 24:02d}{clock[2:]}.gz"))
    window = (START_US, at(60 * (made.hours + 9)))
    report = analyze_files(parse_entity("KP"), *window, [folder], geo=[delegations(tmp_path)], threads=1)
    assert "clock step" not in kinds(report)
    assert "records of another time" not in reasons(report)


# Doubled files.


def test_a_doubled_file_is_no_outage(tmp_path):
    made = archive()
    made.lose(made.peers(), 101, 102)
    folder = made.write(tmp_path / "mrt")
    for name in BALANCED:
        twice = tmp_path / "again" / name
        twice.mkdir(parents=True)
        for file in ("updates.20200302.0140.gz", "updates.20200302.0145.gz"):
            shutil.copy(folder / name / "2020.03" / file, twice / file)
    geo = [delegations(tmp_path)]
    report = analyze_files(parse_entity("KP"), START_US, at(240), [folder, tmp_path / "again"], geo=geo, threads=1)
    assert report.outages == ()
    assert kinds(report) == ["doubled file"] * 6
    assert report.history.level.slash24[-1] == 4


def test_a_true_outage_in_a_doubled_file_is_found_as_it_was(tmp_path):
    made = archive()
    made.lose(made.peers(), 101, 160)
    folder = made.write(tmp_path / "mrt")
    once = replay(made, folder, tmp_path)
    for name in BALANCED:
        file = folder / name / "2020.03" / "updates.20200302.0140.gz"
        (folder / name / "copy").mkdir()
        shutil.copy(file, folder / name / "copy" / file.name)
    twice = replay(made, folder, tmp_path)
    assert twice.outages == once.outages
    the_outage(twice, 101, 160)


# Restarts and table transfers.
