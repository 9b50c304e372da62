"""Archive files as messages: what names, gaps and damage of files tell, and in which order."""

import gzip
from pathlib import Path

import pytest

from duskwatch.records.elems import ElemBlock, RibBlock
from duskwatch.records.messages import DumpBegin, DumpEnd, FileSpan, InputDone, Silence
from duskwatch.records.times import MINUTE, SECOND
from duskwatch.sources.bgp.archives.find import ArchiveFile, find_files
from duskwatch.sources.bgp.archives.gaps import silences_before
from duskwatch.sources.bgp.archives.read import messages, open_ahead
from tests.small_archive import START_US, Archive, at


def written(folder: Path, minutes: float = 20, **faults) -> Path:
    archive = Archive({"rrc91": 2}, hours=minutes / 60)
    archive.talk()
    return archive.write(folder, **faults)


def told(folder: Path, from_us: int = START_US, until_us: int = at(20)) -> list:
    files, _ = find_files([folder])
    return list(messages(files, open_ahead(files), from_us, until_us))


def kinds(folder: Path, **window) -> list[str]:
    return [type(message).__name__ for message in told(folder, **window)]


def update_file(folder: Path, minute: int) -> Path:
    (path,) = folder.rglob(f"updates.*.00{minute:02}.gz")
    return path


def test_a_dump_and_update_files_are_told_in_order_each_with_its_span(tmp_path):
    assert kinds(written(tmp_path)) == [
        "DumpBegin",
        "RibBlock",
        "DumpEnd",
        "InputDone",
        *["FileSpan", "ElemBlock", "InputDone"] * 4,
    ]
    out = told(tmp_path)
    dump, end = out[0], out[2]
    assert (dump.name, dump.time_us, dump.named_us) == ("bview.20200302.0000.gz", START_US, START_US)
    assert end == DumpEnd(complete=True)
    spans = [message for message in out if isinstance(message, FileSpan)]
    assert [(span.from_us, span.until_us) for span in spans] == [
        (at(0), at(15)),  # until two files show the usual step
        (at(5), at(20)),
        (at(10), at(15)),
        (at(15), at(20)),
    ]
    peers = {id(m.peers) for m in out if isinstance(m, ElemBlock | RibBlock)}
    assert len(peers) == 1


def test_a_missing_file_is_a_silence_ahead_of_the_file_after_it(tmp_path):
    folder = written(tmp_path, 25, missing={"rrc91": (5, 15)})
    out = told(folder, until_us=at(25))
    at_ = out.index(Silence(at(5), at(15), "missing file"))
    assert isinstance(out[at_ + 1], FileSpan)
    assert out[at_ + 1].from_us == at(15)


def test_a_silence_over_a_dump_is_told_ahead_of_it_and_after_it(tmp_path):
    folder = written(tmp_path, 25, missing={"rrc91": (5, 15)})
    archive = Archive({"rrc91": 2})
    path = folder / "rrc91" / "2020.03" / "bview.20200302.0010.gz"
    path.write_bytes(gzip.compress(archive.dump("rrc91", at(10) // SECOND)))
    out = [m for m in told(folder, until_us=at(25)) if isinstance(m, Silence | DumpBegin)]
    assert [type(m).__name__ for m in out] == ["DumpBegin", "Silence", "DumpBegin", "Silence"]
    assert out[1::2] == [Silence(at(5), at(10), "missing file"), Silence(at(10), at(15), "missing file")]


def test_what_is_missing_at_either_end_is_told_of_the_window_and_what_leads_to_it(tmp_path):
    folder = written(tmp_path, missing={"rrc91": (0.5, 10)})
    update_file(folder, 0).unlink()
    assert [m for m in told(folder, from_us=at(10), until_us=at(30)) if isinstance(m, Silence)] == [
        Silence(at(0), at(10), "missing file"),
        Silence(at(20), at(30), "missing file"),
    ]


def test_dumps_alone_leave_everything_else_unseen():
    dumps = [ArchiveFile("rrc91", at(minute), False, Path("bview"), 1) for minute in (0, 480)]
    assert silences_before(dumps, at(0), at(600)) == [
        [],
        [Silence(at(0), at(480), "no update file")],
        [Silence(at(480), at(600), "no update file")],
    ]


@pytest.mark.parametrize("late_s", [45, 46])
def test_a_file_may_begin_a_little_late(late_s):
    starts = (0, 5 * MINUTE, 10 * MINUTE + late_s * SECOND)
    files = [ArchiveFile("rrc91", START_US + start, True, Path("u"), 1) for start in starts]
    silences = silences_before(files, START_US, at(15))
    assert sum(map(len, silences)) == (late_s > 45)


def test_a_damaged_file_is_silent_from_its_last_good_record_to_the_next_file(tmp_path):
    folder = written(tmp_path)
    path = update_file(folder, 5)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-30]))
    out = told(folder)
    (silence,) = [m for m in out if isinstance(m, Silence)]
    done = out[out.index(silence) + 1]
    assert isinstance(done, InputDone)
    assert done.input.damage
    assert (silence.from_us, silence.until_us, silence.reason) == (done.input.until_us, at(10), "damaged file")


def test_a_damaged_dump_is_not_complete(tmp_path):
    folder = written(tmp_path)
    (path,) = folder.rglob("bview.*")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-30]))
    assert [m for m in told(folder) if isinstance(m, DumpEnd)] == [DumpEnd(complete=False)]


def test_a_dump_of_which_nothing_can_be_read_is_none(tmp_path):
    folder = written(tmp_path)
    (path,) = folder.rglob("bview.*")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:14]))
    out = told(folder)
    assert not any(isinstance(m, DumpBegin | DumpEnd) for m in out)
    assert isinstance(out[0], InputDone)
    assert out[0].input.damage


def test_a_file_without_a_time_in_its_name_has_no_span(tmp_path):
    folder = written(tmp_path)
    for path in folder.rglob("updates.*"):
        path.rename(path.with_name(f"said-{path.name[-6:-3]}"))
    assert "FileSpan" not in kinds(folder)


def test_a_file_given_twice_is_told_to_be_doubled(tmp_path):
    folder = written(tmp_path)
    path = update_file(folder, 5)
    (path.parent / "again.20200302.0005.gz").write_bytes(path.read_bytes())
    given = [m.input for m in told(folder) if isinstance(m, InputDone)]
    assert [file.kind for file in given if ".0005." in file.name] == ["mrt", "doubled"]


def test_nothing_is_read_before_it_is_asked_for_and_what_is_open_is_closed(tmp_path):
    files, _ = find_files([written(tmp_path)])
    opened = open_ahead(files, threads=2)
    out = messages(files, opened, START_US, at(20))
    next(out)
    out.close()
    opened.close()
