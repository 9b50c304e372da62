"""Elems as a Parquet file, written piece by piece."""

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from duskwatch.records.elems import ElemBlock, PeerTable
from duskwatch.sources.bgp.formats.attributes import decode_attributes, path_text
from duskwatch.sources.bgp.formats.elem_json import ElemObjects
from duskwatch.sources.bgp.formats.elem_text import AttributeCache

ROWS_PER_PIECE = 200_000
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "type": pl.Enum(["rib", "announce", "withdraw", "state"]),
    "time": pl.Datetime("us", "UTC"),
    "peer_ip": pl.String,
    "peer_asn": pl.UInt32,
    "prefix": pl.String,
    "safi": pl.UInt8,
    "path_id": pl.UInt32,
    "as_path": pl.String,
    "origin_asns": pl.List(pl.UInt32),
    "origin": pl.String,
    "next_hop": pl.String,
    "local_pref": pl.UInt32,
    "med": pl.UInt32,
    "communities": pl.List(pl.String),
    "large_communities": pl.List(pl.String),
    "extended_communities": pl.List(pl.String),
    "atomic_aggregate": pl.Boolean,
    "aggregator_asn": pl.UInt32,
    "aggregator_ip": pl.String,
    "originator_id": pl.String,
    "cluster_list": pl.List(pl.String),
    "malformed": pl.String,
    "old_state": pl.String,
    "new_state": pl.String,
}


class ElemTable:
    """Writes a Parquet file; a context manager, so that the file appears only once it is whole.

    Rows wait in memory up to ROWS_PER_PIECE; pieces are kept beside the file until they are put together.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._objects = ElemObjects()
        self._paths = AttributeCache(lambda raw, size, _: path_text(decode_attributes(raw, size).as_path))
        self._rows: list[dict[str, Any]] = []
        self._pieces: list[Path] = []

    def __enter__(self) -> "ElemTable":
        return self

    def add(self, block: ElemBlock, peers: PeerTable, rows: npt.NDArray[np.int64]) -> None:
        """Take some rows of a block."""
        data = block.data.tobytes()
        for row, found in zip(rows.tolist(), self._objects.objects(block, peers, rows), strict=True):
            start, size = int(block.attr_start[row]), int(block.attr_length[row])
            aggregator = found.pop("aggregator", None) or {}
            path = (
                self._paths.get(data[start : start + size], int(block.as_size[row]), 0) if "as_path" in found else None
            )
            self._rows.append(
                found
                | {
                    "time": int(block.time_us[row]),
                    "as_path": path,
                    "aggregator_asn": aggregator.get("asn"),
                    "aggregator_ip": aggregator.get("ip"),
                }
            )
        if len(self._rows) >= ROWS_PER_PIECE:
            self._flush()

    def _flush(self) -> None:
        piece = self._path.with_name(f".{self._path.name}.{len(self._pieces)}")
        self._pieces.append(piece)
        columns = {name: [row.get(name) for row in self._rows] for name in SCHEMA}
        pl.DataFrame(columns, schema=pl.Schema(SCHEMA)).write_parquet(piece)
        self._rows = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
                whole = self._path.with_name(f".{self._path.name}.whole")
                self._pieces.append(whole)
                pl.scan_parquet(self._pieces[:-1]).sink_parquet(whole)
                whole.replace(self._path)
        finally:
            for piece in self._pieces:
                piece.unlink(missing_ok=True)
