"""Which files belong to a window, whose they are, and what is missing between them."""

import gzip
import struct
from pathlib import Path

import pytest

from duskwatch.sources.bgp.archives import probe as archive_files
from duskwatch.sources.bgp.archives.find import (
    ArchiveError,
    ArchiveFile,
    collector_of,
    find_files,
    named_time,
    period_of,
    select,
)
from duskwatch.sources.bgp.archives.gaps import missing_files

SECOND, MINUTE = 1_000_000, 60_000_000
DAY = 1_419_206_400_000_000  # 2014-12-22


def record(seconds: int, kind: int = 16) -> bytes:
    return struct.pack("!IHHI", seconds, kind, 4, 4) + b"\0\0\0\0"


def write(path: Path, seconds: int, kind: int = 16) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(record(seconds, kind)))
    return path


def updates(*minutes: int, dumps: tuple[int, ...] = (), collector: str = "rrc00") -> list[ArchiveFile]:
    files = [ArchiveFile(collector, DAY + m * MINUTE, True, Path(f"u{m}"), 1) for m in minutes]
    files += [ArchiveFile(collector, DAY + m * MINUTE, False, Path(f"b{m}"), 1) for m in dumps]
    return sorted(files)


@pytest.mark.parametrize(
    ("path", "collector"),
    [
        ("a/rrc06/2014.12/updates.20141222.1615.gz", "rrc06"),
        ("a/route-views.jinx/bgpdata/2014.05/UPDATES/updates.20140530.2200.bz2", "route-views.jinx"),
        ("a/ris.rrc06.updates.1401488100.gz", "rrc06"),
        ("a/routeviews.route-views.jinx.ribs.1401487200.bz2", "route-views.jinx"),
        ("a/route-views2-2008-02-19/updates.20080219.0015.bz2", "route-views2"),
        ("a/route-views6-2015/rib.bz2", "route-views6"),
        ("a/mine/2014.12/updates.20141222.1615.gz", "mine"),
    ],
)
def test_the_collector_is_read_from_the_name_or_the_folders(path, collector):
    assert collector_of(Path(path)) == collector


def test_the_start_is_read_from_the_name():
    assert named_time("updates.20141222.0005.gz") == DAY + 5 * MINUTE
    assert named_time("ris.rrc06.updates.1419206400.gz") == DAY
    assert named_time("updates.20141399.9999.gz") is None
    assert named_time("rib.bz2") is None


def test_files_are_found_by_content_and_others_in_a_folder_are_passed_over(tmp_path):
    write(tmp_path / "rrc00" / "updates.20141222.0000.gz", 1419206400)
    write(tmp_path / "rrc00" / "bview.20141222.0000.gz", 1419206400, kind=13)
    (tmp_path / "rrc00" / "README.txt").write_text("not an archive, whatever its length is")
    found, passed = find_files([tmp_path, tmp_path / "rrc00"])
    assert [(file.collector, file.is_update) for file in found] == [("rrc00", False), ("rrc00", True)]
    assert {path.name for path in passed} == {"README.txt"}


def test_a_file_in_a_folder_that_cannot_be_read_is_what_its_name_says(tmp_path, monkeypatch):
    def unreadable(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    write(tmp_path / "rrc00" / "updates.20141222.0005.gz", 1419206700)
    for name in ("bview.20141222.0000.gz", "README.txt", "updates.20141299.0000.gz"):
        (tmp_path / "rrc00" / name).write_bytes(b"?")
    monkeypatch.setattr(archive_files, "open_pieces", unreadable)
    found, passed = find_files([tmp_path])
    assert [(file.start_us - DAY, file.is_update, file.size_bytes) for file in found] == [
        (0, False, 1),
        (5 * MINUTE, True, found[1].size_bytes),
    ]
    assert [path.name for path in passed] == ["README.txt", "updates.20141299.0000.gz"]
    with pytest.raises(PermissionError, match="bview"):
        find_files([tmp_path / "rrc00" / "bview.20141222.0000.gz"])


def test_a_file_that_is_linked_to_counts_once_and_belongs_where_it_lies(tmp_path, monkeypatch):
    real = write(tmp_path / "rrc00" / "updates.20141222.0005.gz", 1419206700)
    linked = tmp_path / "links"
    linked.mkdir()
    (linked / "rrc07").mkdir()
    (linked / "rrc07" / "mine.gz").symlink_to(real)
    (tmp_path / "same").symlink_to(real.parent)
    found, passed = find_files([linked])
    assert [(file.collector, file.path) for file in found] == [("rrc00", linked / "rrc07" / "mine.gz")]
    monkeypatch.chdir(real.parent)
    for more in (real, Path(real.name), tmp_path / "same", tmp_path / "same" / real.name, tmp_path):
        found, passed = find_files([linked, more])
        assert ([file.collector for file in found], passed) == (["rrc00"], [])


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b garbage", b"PK\x03\x04" + b"\0" * 40])
def test_what_is_no_mrt_is_refused_by_name(tmp_path, content):
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"x\.gz: this is not an MRT file"):
        find_files([path])
    with pytest.raises(ArchiveError, match="no MRT file in this folder"):
        find_files([tmp_path])


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ArchiveError, match="nowhere: no such file or folder"):
        find_files([tmp_path / "nowhere"])


def test_the_cadence_is_the_most_common_step_else_the_projects_own():
    assert period_of("rrc00", updates(0, 5, 10, 25)) == 5 * MINUTE
    assert period_of("route-views2", updates(0)) == 15 * MINUTE
    assert period_of("rrc00", updates(0)) == 5 * MINUTE


def test_a_window_starts_from_the_last_dump_before_it():
    files = updates(0, 5, 10, 15, 20, dumps=(0, 10, 20))
    chosen = select(files, DAY + 12 * MINUTE, DAY + 20 * MINUTE)
    assert [(f.path.name) for f in chosen] == ["b10", "u10", "u15"]


def test_without_a_dump_all_earlier_updates_are_taken():
    chosen = select(updates(0, 5, 10, 15), DAY + 10 * MINUTE, DAY + 15 * MINUTE)
    assert [f.path.name for f in chosen] == ["u0", "u5", "u10"]


def test_missing_files_are_gaps_at_the_start_between_and_at_the_end():
    gaps = missing_files(updates(5, 10, 20, 25), DAY, DAY + 40 * MINUTE)
    assert [((g.from_us - DAY) // MINUTE, (g.until_us - DAY) // MINUTE) for g in gaps] == [(0, 5), (15, 20), (30, 40)]


def test_a_whole_window_has_no_gap():
    assert missing_files(updates(0, 5, 10), DAY + MINUTE, DAY + 15 * MINUTE) == []


def test_the_last_second_of_a_window_is_a_gap_where_its_file_lacks():
    (gap,) = missing_files(updates(0, 5, 10), DAY, DAY + 15 * MINUTE + SECOND)
    assert gap.until_us - gap.from_us == SECOND


def test_only_dumps_is_a_gap_from_end_to_end():
    assert len(missing_files(updates(dumps=(0,)), DAY, DAY + MINUTE)) == 1
