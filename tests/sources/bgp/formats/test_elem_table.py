"""Elems as Parquet: the same as the JSON says, in typed columns, in pieces, whole or not at all."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from duskwatch.records.elems import Kind
from duskwatch.sources.bgp.formats import elem_table
from duskwatch.sources.bgp.formats.elem_json import ElemObjects
from duskwatch.sources.bgp.formats.elem_table import SCHEMA, ElemTable
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
    return " ".join("{" + ",".join(map(str, part)) + "}" if isinstance(part, list) else str(part) for part in path)


def test_the_table_says_what_the_json_says(tmp_path):
    said = write(tmp_path / "elems.parquet", 3)
    frame = pl.read_parquet(tmp_path / "elems.parquet")
    assert dict(frame.schema) == SCHEMA
    assert len(frame) == len(said) > 300
    assert {"announce", "withdraw", "state"} == set(frame["type"].unique())
    for row, found in zip(frame.iter_rows(named=True), said, strict=True):
        assert {name: row[name] for name in SAME} == {name: found.get(name) for name in SAME}
        assert row["time"] == datetime.fromtimestamp(found["time"], UTC)
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
