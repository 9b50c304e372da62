"""Files as users have them: records decide what a file is and which time it holds, names are hints."""

import gzip
import random
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from duskwatch.analysis.entity import analyze as analyze_files
from duskwatch.publication.reasons import reason_text
from duskwatch.records.entity import parse_entity
from duskwatch.records.report import Report
from duskwatch.sources.bgp.formats import mrt_write as mrt
from tests.analysis.test_faults import report
from tests.analysis.test_inputs_voters import about, minutes
from tests.small_archive import OTHERS, OWN, START, START_US, Archive, analyze, at, delegations, replay

Said = list[tuple[int, bytes]]


def made(hours: float = 4, peers: int = 4, lost: tuple[float, float] = (100, 160)) -> Archive:
    """Peers of one collector of one's own that lose the prefixes for an hour."""
    archive = Archive({"lab": peers}, hours=hours)
    archive.talk()
    archive.lose(archive.peers(), *lost)
    return archive


def records(archive: Archive, collector: str = "lab") -> Said:
    """All records of a collector with their second, in order."""
    rows = sorted(
        ((second, n, peer, said) for n, peer in enumerate(archive.peers(collector))
         for second, said in archive.said[peer]),
        key=lambda row: row[:2],
    )  # fmt: skip
    return [(START + int(second), archive.record(peer, START + int(second), said)) for second, _, peer, said in rows]


def store(folder: Path, name: str, *parts: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(gzip.compress(b"".join(parts), 1, mtime=0))


def between(said: Said, first: float, last: float) -> bytes:
    """Records from one minute to another."""
    return b"".join(record for second, record in said if first * 60 <= second - START < last * 60)


def by_hour(folder: Path, archive: Archive, name: str, shift_s: int = 0, collector: str = "lab") -> None:
    """A dump and hourly files named by strftime, on a clock that is off."""
    said = records(archive, collector)
    moment = datetime.fromtimestamp(START + shift_s, UTC)
    store(folder, moment.strftime(name).replace("KIND", "bview"), archive.dump(collector, START))
    for hour in range(int(archive.hours)):
        moment = datetime.fromtimestamp(START + shift_s + 3600 * hour, UTC)
        store(folder, moment.strftime(name).replace("KIND", "updates"), between(said, 60 * hour, 60 * hour + 60))


def watched(found: Report) -> float:
    """The least share of the voters that watched at any time."""
    voters = found.history.level.voters
    return float(voters.min() / voters.max())


@pytest.mark.parametrize(
    ("folder", "until", "outage"),
    [
        ("05-one-long-update-file", "T06:00Z", (120, 240)),
        ("06-names-in-local-time", "T23:59Z", (960, 1080)),
        ("08-first-record-of-1970", "T06:00Z", (121, 240)),
        ("10-peer-index-with-as-zero", "T06:00Z", (120, 240)),
    ],
)
def test_folders_that_went_wrong(folder: str, until: str, outage: tuple[float, float]) -> None:
    found = report(folder, until=f"2014-12-22{until}")
    assert minutes(found) == about(outage)
    assert found.history.gaps == ()


# Names.


@pytest.mark.parametrize(
    "name",
    ["KIND.%Y%m%d%H.gz", "KIND-%Y-%m-%dT%H:%M:%SZ.mrt.gz", "%Y%m%d_%H%M.KIND", "KIND.%Y%m%d%H%M%S.gz", "KIND.%s.gz"],
)
@pytest.mark.parametrize("shift_s", [0, -5 * 3600, 20700, 13 * 3600])
def test_names_of_other_patterns_and_other_clocks(tmp_path: Path, name: str, shift_s: int) -> None:
    by_hour(tmp_path / "mrt" / "lab", archive := made(), name, shift_s)
    found = replay(archive, tmp_path / "mrt", tmp_path)
    assert minutes(found) == about((100, 160))
    assert watched(found) == 1
    assert any("local clock" in text for text in found.warnings) == (shift_s != 0)


@pytest.mark.parametrize(
    "name", ["KIND.%j-%H.gz", "router1.KIND.part%H", "KIND.20010101.0000.%H.gz", "KIND.%Y%m%d.%Hh"]
)
def test_names_without_a_time_or_with_one_that_cannot_be(tmp_path: Path, name: str) -> None:
    by_hour(tmp_path / "mrt" / "lab", archive := made(), name)
    found = replay(archive, tmp_path / "mrt", tmp_path)
    assert minutes(found) == about((100, 160))
    assert watched(found) == 1
    assert any("2001-01-01" in text for text in found.warnings) == ("2001" in name)


def test_summer_time_ends_within_the_names(tmp_path: Path) -> None:
    folder, archive = tmp_path / "mrt" / "lab", made()
    by_hour(tmp_path / "one", archive, "KIND.%Y%m%d.%H%M.gz", 2 * 3600)
    by_hour(tmp_path / "two", archive, "KIND.%Y%m%d.%H%M.gz", 3600)
    for source, hours in (("one", (0, 1)), ("two", (2, 3))):
        for hour in hours:
            name = f"updates.20200302.{hour + (2 if source == 'one' else 1):02}00.gz"
            folder.mkdir(parents=True, exist_ok=True)
            to = folder / (name if not (folder / name).exists() else name.replace("updates", "updates-b"))
            shutil.copy(tmp_path / source / name, to)
    shutil.copy(tmp_path / "one" / "bview.20200302.0200.gz", folder)
    found = replay(archive, tmp_path / "mrt", tmp_path)
    assert minutes(found) == about((100, 160))
    assert watched(found) == 1


def test_a_missing_file_among_files_without_a_time_is_a_gap(tmp_path: Path) -> None:
    by_hour(tmp_path / "mrt" / "lab", archive := made(hours=6, lost=(190, 230)), "KIND.part%H")
    (tmp_path / "mrt" / "lab" / "updates.part03").unlink()
    found = replay(archive, tmp_path / "mrt", tmp_path)
    assert found.outages == ()
    (gap,) = [gap for gap in found.history.gaps if gap.reason == "missing file"]
    assert (at(175) <= gap.from_us <= at(180), at(240) <= gap.until_us <= at(245)) == (True, True)


# Length.


@pytest.mark.parametrize("collector", ["lab", "rrc00", "route-views2"])
def test_one_update_file_for_hours(tmp_path: Path, collector: str) -> None:
    archive = Archive({collector: 4})
    archive.talk()
    archive.lose(archive.peers(), 100, 160)
    folder, said = tmp_path / "mrt" / collector, records(archive, collector)
    store(folder, "bview.20200302.0000.gz", archive.dump(collector, START))
    store(folder, "updates.20200302.0000.gz", between(said, 0, 240))
    found = replay(archive, tmp_path / "mrt", tmp_path)
    assert minutes(found) == about((100, 160))
    assert (watched(found), found.history.gaps) == (1, ())


def test_a_long_file_among_short_ones(tmp_path: Path) -> None:
    """The usual files for an hour, then one for three; their span is known by then, and their clock trusted."""
    archive = Archive({"rrc00": 4})
    archive.talk()
    archive.lose(archive.peers(), 100, 160)
    folder = archive.write(tmp_path / "mrt")
    for path in folder.rglob("updates*"):
        if int(path.name.split(".")[2]) >= 100:
            path.unlink()
    store(folder / "rrc00" / "2020.03", "updates.20200302.0100.gz", between(records(archive, "rrc00"), 60, 240))
    found = replay(archive, folder, tmp_path)
    assert minutes(found) == about((100, 160))
    assert (watched(found), found.history.gaps) == (1, ())
    assert any("goes on for longer" in text for text in found.warnings)
    assert "clock step" not in {one.kind for one in found.coverage.artefacts}


def test_a_file_for_days_of_which_the_last_is_asked_for(tmp_path: Path) -> None:
    archive = made(hours=72, lost=(60 * 60, 61 * 60))
    folder = tmp_path / "mrt" / "lab"
    store(folder, "bview.20200302.0000.gz", archive.dump("lab", START))
    store(folder, "updates.20200302.0000.gz", between(records(archive), 0, 72 * 60))
    window = START_US + 48 * 3_600_000_000, at(72 * 60)
    found = analyze_files(parse_entity("KP"), *window, [folder], geo=[delegations(tmp_path)], threads=1)
    assert minutes(found) == about((720, 780))
    assert watched(found) == 1


@pytest.mark.parametrize("name", ["lab.mrt.gz", "bview.20200302.0000.gz", "all"])
@pytest.mark.parametrize("dumps", [(0,), (0, 120)])
def test_a_dump_and_updates_in_one_file(tmp_path: Path, name: str, dumps: tuple[int, ...]) -> None:
    archive, folder = made(), tmp_path / "mrt" / "lab"
    said, parts = records(archive), []
    for first, last in zip(dumps, (*dumps[1:], 240), strict=True):
        lacking = OWN if first == 120 else ()
        parts += [archive.dump("lab", START + 60 * first, lacking), between(said, first, last)]
    store(folder, name, *parts)
    found = replay(archive, folder, tmp_path)
    assert minutes(found) == about((100, 160))
    assert (watched(found), found.history.learned) == (1, False)


def test_updates_among_the_routes_of_a_dump(tmp_path: Path) -> None:
    """A router goes on telling updates while it writes its table: the dump is one, and whole."""
    archive, folder = made(), tmp_path / "mrt" / "lab"
    said, dump = records(archive), archive.dump("lab", START)
    cuts, at_ = [], 0
    while at_ < len(dump):
        size = 12 + int.from_bytes(dump[at_ + 8 : at_ + 12], "big")
        cuts.append(dump[at_ : at_ + size])
        at_ += size
    early = [record for second, record in said if second < START + 60]
    mixed = [part for k, part in enumerate(cuts) for part in (part, *early[k - 10 : k - 9])]
    store(folder, "table", *mixed, between(said, 1, 240))
    found = replay(archive, folder, tmp_path)
    assert minutes(found) == about((100, 160))
    level = found.history.level
    assert set(level.voters[level.time_us > at(2)].tolist()) == {4}
    assert not found.history.learned


# First records, and what is no archive.


@pytest.mark.parametrize("stamps", [(0,), (4_200_000_000,), (0, 1, 2), (946684800,)])
@pytest.mark.parametrize("kind", ["updates", "bview"])
def test_first_records_of_a_wrong_time(tmp_path: Path, stamps: tuple[int, ...], kind: str) -> None:
    archive = made()
    folder = tmp_path / "mrt" / "lab"
    by_hour(folder, archive, "KIND.%Y%m%d.%H%M.gz")
    path = folder / f"{kind}.20200302.0{'1' if kind == 'updates' else '0'}00.gz"
    data = bytearray(gzip.decompress(path.read_bytes()))
    at_ = 0
    for stamp in stamps:
        data[at_ : at_ + 4] = stamp.to_bytes(4, "big")
        at_ += 12 + int.from_bytes(data[at_ + 8 : at_ + 12], "big")
    path.write_bytes(gzip.compress(bytes(data)))
    found = replay(archive, tmp_path / "mrt", tmp_path)
    assert minutes(found) == about((100, 160))
    assert watched(found) == 1
    assert any(f"{path.name} begins with a record of" in text for text in found.warnings)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html><body>504 Gateway Time-out</body></html>", "is an HTML page"),
        (gzip.compress(b"<html><head><title>404</title></head></html>", mtime=0), "is an HTML page"),
        (b"", "is empty"),
        (b'{"error": "rate limited"}', "is XML or JSON"),
        (b"nothing that is known", "is no MRT"),
    ],
    ids=["page", "compressed page", "empty", "JSON", "unknown"],
)
@pytest.mark.parametrize("name", ["updates.20200302.0200.gz", "bview.20200302.0000.gz"])
def test_what_is_no_archive_is_named(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    by_hour(tmp_path / "mrt" / "lab", archive := made(lost=(130, 140)), "KIND.%Y%m%d.%H%M.gz")
    (tmp_path / "mrt" / "lab" / name).write_bytes(content)
    (tmp_path / "mrt" / "lab" / "README").write_text("hourly files")
    found = replay(archive, tmp_path / "mrt", tmp_path)
    assert any(text.startswith(f"{name} {what}") for text in found.warnings)
    assert any("README" in text for text in found.warnings)
    if name.startswith("updates"):
        assert [(gap.from_us, gap.until_us, gap.reason) for gap in found.history.gaps if "file" in gap.reason] == [
            (at(120), at(180), "file that is no MRT")
        ]
    else:
        assert found.history.learned


def test_a_file_that_is_no_mrt_beside_one_that_is_missing(tmp_path: Path) -> None:
    by_hour(tmp_path / "mrt" / "lab", archive := made(hours=6, lost=(20, 40)), "KIND.%Y%m%d.%H%M.gz")
    (tmp_path / "mrt" / "lab" / "updates.20200302.0200.gz").write_bytes(b"<html>503</html>")
    (tmp_path / "mrt" / "lab" / "updates.20200302.0300.gz").unlink()
    found = replay(archive, tmp_path / "mrt", tmp_path)
    told = [(gap.from_us, gap.until_us, gap.reason) for gap in found.history.gaps if "file" in gap.reason]
    assert told == [(at(120), at(180), "file that is no MRT"), (at(180), at(240), "missing file")]


# Records.


def test_records_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    """Withdrawals stand eight minutes late in their file; what else is there is shuffled by half a minute."""
    archive, folder = made(), tmp_path / "mrt" / "lab"
    rng = random.Random(5)
    said = [
        (second + (480 if START + 6000 <= second < START + 6010 else rng.randint(0, 30)), record)
        for second, record in records(archive)
    ]
    store(folder, "bview.20200302.0000.gz", archive.dump("lab", START))
    store(folder, "updates.20200302.0000.gz", *(record for _, record in sorted(said, key=lambda row: row[0])))
    found = replay(archive, tmp_path / "mrt", tmp_path)
    assert minutes(found) == about((100, 160))
    assert any("out of order, up to 7 min" in text for text in found.warnings)


def test_statements_that_come_late_from_another_file_are_told_with_what_that_does(tmp_path: Path) -> None:
    archive, folder = made(), tmp_path / "mrt" / "lab"
    said = records(archive)
    late = [(second, record) for second, record in said if START + 6000 <= second < START + 6010]
    store(folder, "bview.20200302.0000.gz", archive.dump("lab", START))
    store(folder, "updates.part1.gz", between([row for row in said if row not in late], 0, 105))
    store(folder, "updates.part2.gz", *(record for _, record in late), between(said, 105, 240))
    found = replay(archive, tmp_path / "mrt", tmp_path)
    ((begin, _),) = minutes(found)
    assert 103 <= begin <= 105.1
    (outage,) = found.outages
    # The true time, minute 100, lies in the interval; the delay of the latest is no more than five minutes.
    assert at(95) <= outage.onset.earliest_us <= at(100) <= outage.onset.latest_us
    assert "records-late" in {part.code for part in outage.onset.reason.parts}
    assert outage.end is not None
    assert outage.end.latest_us - outage.end.earliest_us < 60 * 1_000_000
    assert any("the interval of an onset or an end in that time is wider by as much" in text for text in found.warnings)
    assert "late, so that it may have been earlier by as much" in reason_text(outage.onset.reason)


def test_statements_later_than_the_bound_are_left_out_and_counted(tmp_path: Path) -> None:
    """The withdrawals of minute 100 stand behind those of minute 130; until a dump says it, nobody lost anything."""
    archive, folder = made(), tmp_path / "mrt" / "lab"
    said = records(archive)
    late = [(second, record) for second, record in said if START + 6000 <= second < START + 6010]
    store(folder, "bview.20200302.0000.gz", archive.dump("lab", START))
    store(folder, "updates.part1.gz", between([row for row in said if row not in late], 0, 130))
    store(folder, "updates.part2.gz", *(record for _, record in late), between(said, 130, 240))
    found = replay(archive, tmp_path / "mrt", tmp_path)
    assert found.outages == ()
    (told,) = [text for text in found.warnings if "more than 15 min" in text]
    assert int(told.split()[1]) >= len(OWN) * len(archive.peers())
    assert "out of order (up to 29 min " in told
    assert "the first of 2020-03-02T01:40:0" in told


@pytest.mark.parametrize("fault", ["origin", "path", "overrun", "no path"])
def test_announcements_with_malformed_attributes_are_withdrawals(tmp_path: Path, fault: str) -> None:
    archive = Archive({"lab": 4})
    archive.talk()
    for k, peer in enumerate(archive.peers()):
        good = archive.announcement(peer, OWN)
        raw = mrt.attributes(archive.route(peer, OWN[0]))
        broken = {
            "origin": raw.replace(b"\x40\x01\x01\x00", b"\x40\x01\x01\x07"),
            "path": raw.replace(b"\x02\x04", b"\x02\x09", 1),
            "overrun": raw[:-1],
            "no path": raw[:4] + raw[raw.index(b"\x40\x03") :],
        }[fault]
        assert broken != raw
        archive.said[peer] += [(6000 + k, mrt.update(b"", broken, mrt.nlri(OWN))), (9600 + k, good)]
    found = analyze(archive, tmp_path)
    assert minutes(found) == about((100, 160))
    assert any("taken as withdrawals (RFC 7606)" in text for text in found.warnings)


def test_a_dump_that_names_none_of_the_peers_is_said_not_to_fit(tmp_path: Path) -> None:
    archive = made()
    folder = archive.write(tmp_path / "mrt")
    other = Archive({"elsewhere": 1, "lab": 4})
    (path,) = folder.rglob("bview*")
    path.write_bytes(gzip.compress(other.dump("lab", START)))
    found = replay(archive, folder, tmp_path)
    assert any("name no peer in common" in text for text in found.warnings)


@pytest.mark.parametrize("asn", [0, 23456, 64999])
@pytest.mark.parametrize("minute", [0, 90])
def test_peers_that_dump_and_updates_name_by_different_as_numbers(tmp_path: Path, asn: int, minute: int) -> None:
    """At the start of the window or within it; the address tells the peer."""
    archive = made()
    folder = archive.write(tmp_path / "mrt", dumps=(minute,))
    own = archive.peer
    archive.peer = lambda peer: mrt.Peer(asn, own(peer).address, own(peer).bgp_id)  # type: ignore[method-assign]
    (path,) = folder.rglob("bview*")
    path.write_bytes(gzip.compress(archive.dump("lab", START + 60 * minute)))
    archive.peer = own  # type: ignore[method-assign]
    found = replay(archive, folder, tmp_path)
    assert minutes(found) == about((100, 160))
    assert any("peers by different AS numbers" in text for text in found.warnings)
    assert {row.split()[1] for row in (gap.source for gap in found.history.gaps if " AS" in gap.source)} <= {
        f"AS{own(peer).asn}" for peer in archive.peers()
    }


def test_the_background_is_talked_of() -> None:
    assert len(OTHERS) > 40


@pytest.mark.parametrize("collector", ["lab", "rrc00"])
def test_a_dump_and_its_hour_of_updates_in_each_file(tmp_path: Path, collector: str) -> None:
    archive = Archive({collector: 4})
    archive.talk()
    archive.lose(archive.peers(), 100, 160)
    said = records(archive, collector)
    for hour in range(4):
        lacking = OWN if hour == 2 else ()
        dump = archive.dump(collector, START + 3600 * hour, lacking)
        store(tmp_path / "mrt" / collector, f"20200302{hour:02}.mrt", dump, between(said, 60 * hour, 60 * hour + 60))
    found = replay(archive, tmp_path / "mrt", tmp_path)
    assert minutes(found) == about((100, 160))
    assert (watched(found), found.history.gaps) == (1, ())


def test_a_dump_and_updates_in_one_file_and_more_updates_in_others(tmp_path: Path) -> None:
    archive, folder = made(), tmp_path / "mrt" / "lab"
    said = records(archive)
    store(folder, "first.gz", archive.dump("lab", START), between(said, 0, 60))
    for hour in (1, 2, 3):
        store(folder, f"updates.20200302.0{hour}00.gz", between(said, 60 * hour, 60 * hour + 60))
    found = replay(archive, tmp_path / "mrt", tmp_path)
    assert minutes(found) == about((100, 160))
    assert (watched(found), found.history.gaps) == (1, ())
