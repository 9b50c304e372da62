"""Checkpoints: whole or not used, of the same entities, replaced in one go."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from duskwatch.analysis.replay import BIN_US
from duskwatch.analysis.rolling import Rolling, begin_rolling, roll_to, take, watched_lots
from duskwatch.drivers.live.breaks import Breaks
from duskwatch.drivers.live.checkpoint import (
    BEFORE,
    HEAD,
    NAME,
    Checkpoint,
    CheckpointError,
    packed,
    read,
    unpacked,
    write,
)
from duskwatch.drivers.live.replaying import find_recording
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import to_datetime
from duskwatch.sources.bgp.archives.read import messages, open_ahead
from duskwatch.sources.reference.geo import load_geo
from tests.small_archive import START_US, Archive, at, delegations


@pytest.fixture(scope="module")
def lots(tmp_path_factory):
    """Two lots half way through a small archive, and their reference data."""
    folder = tmp_path_factory.mktemp("archive")
    archive = Archive({"rrc91": 4}, hours=1)
    archive.talk()
    mrt = archive.write(folder / "mrt")
    ranges = load_geo([delegations(folder)], to_datetime(START_US).date())
    recording = find_recording([mrt], BIN_US)
    made = tuple(
        begin_rolling(lot, START_US) for lot in watched_lots([parse_entity("KP"), parse_entity("AS131279")], ranges)
    )
    files = recording.files["rrc91"]
    for message in messages(files, open_ahead(files), START_US, at(60)):
        for lot in made:
            take(lot, "rrc91", message, at(60))
    for lot in made:
        roll_to(lot, at(30))
    return made, ranges


def checkpoint(lots: tuple[Rolling, ...]) -> Checkpoint:
    return Checkpoint(lots, 17, at(30), None, {"rrc91": at(30)}, {"rrc91": "replay"}, {}, Breaks())


def test_what_is_written_is_read(lots, tmp_path):
    made, ranges = lots
    write(tmp_path, packed(checkpoint(made), ranges))
    found, faults = read(tmp_path, made, ranges)
    assert not faults
    assert found is not None
    assert (found.made_us, found.judged_us, found.heard_us) == (17, at(30), {"rrc91": at(30)})
    state, other = found.lots[0].collectors["rrc91"].state, made[0].collectors["rrc91"].state
    assert state.peers == other.peers
    assert (state.held == other.held).all()
    assert found.lots[0].watched.ranges is ranges, "reference data is not in it"


@pytest.mark.parametrize("at_byte", [0, 8, 12, 20, 60, 1000, -1])
def test_any_byte_that_changed_is_noticed(lots, at_byte):
    made, ranges = lots
    content = bytearray(packed(checkpoint(made), ranges))
    content[at_byte] ^= 1
    with pytest.raises(CheckpointError):
        unpacked(bytes(content), ranges)


@pytest.mark.parametrize("length", [0, 10, HEAD.size, 5000])
def test_a_file_cut_off_is_noticed(lots, length):
    made, ranges = lots
    with pytest.raises(CheckpointError):
        unpacked(packed(checkpoint(made), ranges)[:length], ranges)


def test_the_one_before_is_taken_where_the_newest_is_damaged(lots, tmp_path):
    made, ranges = lots
    write(tmp_path, packed(checkpoint(made), ranges))
    write(tmp_path, packed(replace(checkpoint(made), made_us=18), ranges))
    newest = tmp_path / NAME
    newest.write_bytes(newest.read_bytes()[:-1])
    found, faults = read(tmp_path, made, ranges)
    assert found is not None
    assert found.made_us == 17
    assert faults == [f"{NAME}: damaged: its checksum does not hold"]
    (tmp_path / BEFORE).unlink()
    assert read(tmp_path, made, ranges)[0] is None


def test_one_of_other_entities_or_of_another_version_is_not_taken(lots, tmp_path):
    made, ranges = lots
    content = packed(checkpoint(made), ranges)
    write(tmp_path, content)
    found, faults = read(tmp_path, made[:1], ranges)
    assert found is None
    assert "other entities" in faults[0]
    newer = content[:8] + struct.pack("<I", 2) + content[12:]
    with pytest.raises(CheckpointError, match="of version 2"):
        unpacked(newer, ranges)


def test_a_write_that_fails_leaves_the_one_before(lots, tmp_path, monkeypatch):
    made, ranges = lots
    write(tmp_path, packed(checkpoint(made), ranges))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, packed(replace(checkpoint(made), made_us=18), ranges))
    found, _ = read(tmp_path, made, ranges)
    assert found is not None
    assert found.made_us == 17


def test_nothing_there_is_nothing_wrong(lots, tmp_path: Path):
    assert read(tmp_path / "none", *lots) == (None, [])
