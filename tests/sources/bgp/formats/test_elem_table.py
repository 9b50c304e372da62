"""Elems as Parquet: the same as the JSON says, in typed columns, in pieces, whole or not at all."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from duskwatch.records.elems import Kind, PeerTable
from duskwatch.sources.bgp.formats import elem_table
from duskwatch.sources.bgp.formats.elem_columns import SCHEMA
from duskwatch.sources.bgp.formats.elem_json import ElemObjects
from duskwatch.sources.bgp.formats.elem_table import ElemTable
from duskwatch.sources.bgp.formats.mrt import MrtReader
from tests.sources.bgp.formats import random_mrt
from tests.sources.bgp.formats.test_elem_filter import read, records

SAME = ("type", "peer_ip", "peer_asn", "prefix", "safi", "path_id", "origin_asns", "origin", "next_hop", "local_pref",
        "med", "communities", "large_communities", "extended_communities", "atomic_aggregate", "originator_id",
        "cluster_list", "malformed", "old_state", "new_state")  # fmt: skip


def write(path: Path, blocks: int = 1) -> list[dict]:
    """Writes some blocks; what their JSON says."""
    said = []
    with ElemTable(path) as table:
        for seed in range(blocks):
            block, peers = read(records(seed))
            rows = np.flatnonzero(block.kind <= Kind.STATE)
            table.add(block, peers, rows)
            said += ElemObjects().objects(block, peers, rows)
    return said


def flat(path: list) -> str:
    """The path as bgpdump writes it."""
    words = []
    for part in path:
        if isinstance(part, list):
            words.append("{" + ",".join(map(str, part)) + "}")
        elif isinstance(part, dict):
            ((kind, members),) = part.items()
            words.append("({})" if kind == "confed_sequence" else "[{}]")
            words[-1] = words[-1].format((" " if kind == "confed_sequence" else ",").join(map(str, members)))
        else:
            words.append(str(part))
    return " ".join(words)


def test_the_table_says_what_the_json_says(tmp_path):
    said = write(tmp_path / "elems.parquet", 3)
    frame = pl.read_parquet(tmp_path / "elems.parquet")
    assert dict(frame.schema) == SCHEMA
    assert len(frame) == len(said) > 300
    assert {"announce", "withdraw", "state"} == set(frame["type"].unique())
    assert_same(frame, said)


@pytest.mark.parametrize("flips", [0, 1, 4])
def test_of_any_record_whole_or_damaged_the_table_says_what_the_json_says(tmp_path, flips):
    random, said, broken = np.random.default_rng(flips), [], 0
    with ElemTable(tmp_path / "elems.parquet") as table:
        for seed in range(6):
            raw = []
            for each in random_mrt.records(seed, 150):
                octets = np.frombuffer(each, np.uint8).copy()
                at = random.integers(12, len(octets), flips)
                octets[at] = random.integers(0, 256, flips)
                raw.append(octets.tobytes() if len(raw) else each)  # the table of peers stays as it is
            peers = PeerTable()
            for block in MrtReader([b"".join(raw)], peers):
                rows = np.flatnonzero(block.kind <= Kind.STATE)
                table.add(block, peers, rows)
                objects = list(ElemObjects().objects(block, peers, rows))
                broken += sum("malformed" in each for each in objects)
                said += objects
    frame = pl.read_parquet(tmp_path / "elems.parquet")
    assert len(frame) == len(said) > 500
    assert broken > 10 or not flips
    assert_same(frame, said)


def test_large_attributes_of_many_rows_are_cut_into_pieces(tmp_path, monkeypatch):
    write(tmp_path / "one.parquet", 3)
    monkeypatch.setattr(elem_table, "OCTETS_PER_PIECE", 500)
    flushed = []
    flush = ElemTable._flush
    monkeypatch.setattr(ElemTable, "_flush", lambda self: (flushed.append(self._octets), flush(self)))
    write(tmp_path / "many.parquet", 3)
    assert len(flushed) > 20
    assert max(flushed) < 500 + 400  # one row's more
    assert pl.read_parquet(tmp_path / "one.parquet").equals(pl.read_parquet(tmp_path / "many.parquet"))


def assert_same(frame: pl.DataFrame, said: list[dict]) -> None:
    for row, found in zip(frame.iter_rows(named=True), said, strict=True):
        assert {name: row[name] for name in SAME} == {name: found.get(name) for name in SAME}
        assert row["time"] == datetime.fromtimestamp(found["time"], UTC)
        if found.get("as_path") is None or [] not in found["as_path"]:  # after an empty set, bgpdump leaves no blank
            assert row["as_path"] == (flat(found["as_path"]) if "as_path" in found else None)
        aggregator = found.get("aggregator") or {}
        assert (row["aggregator_asn"], row["aggregator_ip"]) == (aggregator.get("asn"), aggregator.get("ip"))


def test_pieces_are_put_together_in_order_and_taken_away(tmp_path, monkeypatch):
    write(tmp_path / "one.parquet", 5)
    monkeypatch.setattr(elem_table, "ROWS_PER_PIECE", 100)
    write(tmp_path / "many.parquet", 5)
    assert pl.read_parquet(tmp_path / "one.parquet").equals(pl.read_parquet(tmp_path / "many.parquet"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.parquet", "one.parquet"]


def test_a_table_without_rows_has_its_columns(tmp_path):
    with ElemTable(tmp_path / "none.parquet"):
        pass
    frame = pl.read_parquet(tmp_path / "none.parquet")
    assert (dict(frame.schema), len(frame)) == (SCHEMA, 0)


def test_what_was_there_stays_where_writing_fails(tmp_path):
    path = tmp_path / "elems.parquet"
    path.write_bytes(b"older")
    block, peers = read(records(0))
    table = ElemTable(path)
    table.__enter__()
    table.add(block, peers, np.arange(3))
    table.__exit__(KeyError, KeyError(), None)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_or_a_missing_folder_is_refused_at_once(tmp_path):
    with pytest.raises(OSError, match="not a regular file"), ElemTable(Path("/dev/null")):
        pass
    with pytest.raises(FileNotFoundError), ElemTable(tmp_path / "no" / "folder"):
        pass
    assert Path("/dev/null").is_char_device()
