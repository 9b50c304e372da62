"""The benchmarks' workloads are genuine files of the shape they claim."""

import gzip
import shutil
import subprocess
from collections import Counter

import pytest

from benchmarks import workloads
from duskwatch.records.elems import Kind, PeerTable
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.files.pieces import open_pieces


@pytest.fixture(scope="module", params=["gz", "bz2"])
def small(request, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr(workloads, "DATA", tmp_path_factory.mktemp("data"))
    yield workloads.workload(request.param, 0.005, 0.5, jobs=1, dump_hours=0.25)
    patch.undo()


def kinds_of(small, kind):
    counts, peers = Counter(), PeerTable()
    for path in small.of(kind):
        reader = MrtReader(open_pieces(path), peers)
        for block in reader:
            assert not block.record_status.any()
            counts.update(Kind(value) for value in block.kind.tolist())
        assert reader.damage is None
    return counts


def test_our_reader_finds_as_many_elems_as_the_manifest_says(small):
    assert kinds_of(small, "rib")[Kind.RIB] == small.total("elems", "rib")
    updates = kinds_of(small, "updates")
    assert updates[Kind.ANNOUNCE] + updates[Kind.WITHDRAW] == small.total("elems", "updates")
    assert updates[Kind.ANNOUNCE] > 5 * updates[Kind.WITHDRAW] > 0


def test_a_later_dump_has_what_the_updates_before_it_left(small):
    first, later = small.of("rib")
    names = [file.path for file in small.files]
    between = [small.folder / path for path in names[1 : names.index(str(later.relative_to(small.folder)))]]
    peers = PeerTable()

    def routes(path):
        reader = MrtReader(open_pieces(path), peers)
        for block in reader:
            columns = (block.kind, block.peer, block.afi, block.prefix_hi, block.prefix_length)
            yield from zip(*(column.tolist() for column in columns), strict=True)

    held = {tuple(key) for _, *key in routes(first)}
    before = set(held)
    for path in between:
        for kind, *key in routes(path):
            (held.add if kind == Kind.ANNOUNCE else held.discard)(tuple(key))
    assert held == {tuple(key) for _, *key in routes(later)}
    assert len(before - held) > 10
    assert len(held - before) > 10


def test_dumps_must_fall_between_two_files():
    with pytest.raises(ValueError, match="not a multiple of the 300 s"):
        workloads.workload("gz", 0.005, 0.5, dump_hours=0.1)


def test_bgpdump_finds_as_many_and_does_not_complain(small):
    if not (program := shutil.which("bgpdump")):
        pytest.skip("bgpdump is not installed")
    for kind in ("rib", "updates"):
        lines = 0
        for path in small.of(kind):
            done = subprocess.run([program, "-m", str(path)], capture_output=True, text=True, check=True)
            assert not [line for line in done.stderr.splitlines() if "[info]" not in line]
            lines += done.stdout.count("\n")
        assert lines == small.total("elems", kind)


def test_the_table_has_the_claimed_shape(small):
    tables = workloads.make_tables(0.05, 1)
    assert 0.9 * 50_000 < len(tables.hi4) <= 50_000
    assert 0.9 * 10_000 < len(tables.hi6) <= 10_000
    assert 0.5 < (tables.length4 == 24).mean() < 0.65
    # 40 peers lack one prefix in sixty.
    prefixes = small.total("records", "rib") - len(small.of("rib"))
    assert 0.97 * 40 < small.total("elems", "rib") / prefixes < 40


def test_a_gzip_file_made_in_pieces_is_one_member(tmp_path):
    pieces = [bytes([k]) * 100_000 for k in range(9)]
    raw, stored = workloads.store(tmp_path / "a.gz", pieces, jobs=2)
    assert raw == 900_000
    data = (tmp_path / "a.gz").read_bytes()
    assert len(data) == stored
    assert gzip.decompress(data) == b"".join(pieces)
    unpacker = workloads.zlib.decompressobj(31)
    assert unpacker.decompress(data) == b"".join(pieces)
    assert unpacker.eof
    assert not unpacker.unused_data


def test_a_workload_is_written_once(small, monkeypatch):
    def refuse(*_):
        raise AssertionError("written again")

    monkeypatch.setattr(workloads, "_write", refuse)
    packing = small.files[0].path.rsplit(".", 1)[1]
    assert workloads.workload(packing, 0.005, 0.5, dump_hours=0.25).files == small.files
