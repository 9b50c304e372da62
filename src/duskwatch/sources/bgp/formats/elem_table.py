"""Elems as a Parquet file, written piece by piece."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from duskwatch.records.elems import ElemBlock, Kind, PeerTable
from duskwatch.sources.bgp.formats.attributes import decode_attributes, path_text
from duskwatch.sources.bgp.formats.elem_json import attribute_fields, has_path_id, prefix_text, state_text
from duskwatch.sources.bgp.formats.elem_text import PeerTexts, Remembered, address_text
from duskwatch.sources.bgp.formats.whole_file import whole_file

ROWS_PER_PIECE = 250_000
TYPES = ("rib", "announce", "withdraw", "state")  # by Kind

# From the columns of a block; from path attributes; for state changes.
ELEM: dict[str, Any] = {
    "type": pl.Enum(TYPES),
    "time": pl.Datetime("us", "UTC"),
    "peer_ip": pl.String,
    "peer_asn": pl.UInt32,
    "prefix": pl.String,
    "safi": pl.UInt8,
    "path_id": pl.UInt32,
}
ATTRIBUTES: dict[str, Any] = {
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
}
STATES: dict[str, Any] = {"old_state": pl.String, "new_state": pl.String}
SCHEMA = ELEM | ATTRIBUTES | STATES


class ElemTable:
    """Writes a Parquet file; a context manager, so that the file appears only once it is whole.

    Up to ROWS_PER_PIECE rows (and a block) wait in memory; pieces are kept beside the file until they are put together.
    OSError where it cannot be written, or is no regular file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._prefixes: Remembered[tuple[int, int, int, int], str] = Remembered(lambda key: prefix_text(*key))
        self._addresses = PeerTexts(lambda afi, hi, lo, _: address_text(afi, hi, lo))
        self._frames: list[pl.DataFrame] = []
        self._waiting = 0
        self._pieces: list[Path] = []
        self._stack = ExitStack()

    def __enter__(self) -> "ElemTable":
        # What cannot be written is told now, not after hours; and a device must not be replaced by a file.
        if self._path.exists() and not self._path.is_file():
            raise OSError(errno.EINVAL, "not a regular file", str(self._path))
        self._whole = self._stack.enter_context(whole_file(self._path))
        return self

    def add(self, block: ElemBlock, peers: PeerTable, rows: npt.NDArray[np.int64]) -> None:
        """Take some rows (int64 [K]) of a block."""
        frame = pl.concat(
            [self._elems(block, peers, rows), _attributes(block, rows), _states(block, rows)], how="horizontal"
        )
        self._frames.append(frame)
        self._waiting += len(rows)
        if self._waiting >= ROWS_PER_PIECE:
            self._flush()

    def _elems(self, block: ElemBlock, peers: PeerTable, rows: npt.NDArray[np.int64]) -> pl.DataFrame:
        addresses = self._addresses.of(peers)
        of_peer = block.peer[rows].tolist()
        key = (block.afi, block.prefix_hi, block.prefix_lo, block.prefix_length)
        prefixes = self._prefixes
        with_prefix = block.safi[rows] != 0
        columns = {
            "type": pl.Series(block.kind[rows].astype(np.uint32)).cast(pl.UInt32).replace_strict(
                list(range(len(TYPES))), list(TYPES), return_dtype=pl.Enum(TYPES)
            ),
            "time": pl.Series(block.time_us[rows]).cast(pl.Datetime("us", "UTC")),
            "peer_ip": [addresses[peer] for peer in of_peer],
            "peer_asn": [peers.asn[peer] for peer in of_peer],
            "prefix": [
                prefixes[prefix] if prefix[0] else None
                for prefix in zip(*(column[rows].tolist() for column in key), strict=True)
            ],
            "safi": _where(with_prefix, block.safi[rows]),
            "path_id": _where(has_path_id(block, rows), block.path_id[rows]),
        }  # fmt: skip
        return pl.DataFrame(columns, schema=pl.Schema(ELEM))

    def _flush(self) -> None:
        piece = self._whole.with_name(f"piece{len(self._pieces)}")
        frame = pl.concat(self._frames) if self._frames else pl.DataFrame(schema=pl.Schema(SCHEMA))
        with self._told():
            frame.write_parquet(piece)
        self._pieces.append(piece)
        self._frames, self._waiting = [], 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._flush()
            with self._told():
                pl.scan_parquet(self._pieces).sink_parquet(self._whole)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """A failure to write as an OSError; Polars makes another one of it, and loses what the system said."""
        try:
            yield
        except pl.exceptions.ComputeError as error:
            text = " ".join(str(error).split())
            raise OSError(errno.EIO, f"not written; is there room? ({text})", str(self._path)) from None


def _where(there: npt.NDArray[np.bool_], values: npt.NDArray[Any]) -> pl.Series:
    """Values, null where they are not there."""
    return pl.select(pl.when(pl.Series(there)).then(pl.Series(values))).to_series()


def _attributes(block: ElemBlock, rows: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Each different bytes of attributes decoded once, then spread over the rows that carry them."""
    data = block.data.tobytes()
    places: dict[tuple[bytes, int, int, int], int] = {}
    routes = (block.kind[rows] == Kind.RIB) | (block.kind[rows] == Kind.ANNOUNCE)
    columns = (block.attr_start, block.attr_length, block.as_size, block.afi, block.safi)
    spread = [
        places.setdefault((data[start : start + length], size, afi, safi), len(places)) if route else None
        for route, start, length, size, afi, safi in zip(
            routes.tolist(), *(column[rows].tolist() for column in columns), strict=True
        )
    ]
    found = [_fields(raw, size, (afi, safi)) for raw, size, afi, safi in places]
    unique = pl.DataFrame({name: [each.get(name) for each in found] for name in ATTRIBUTES}, pl.Schema(ATTRIBUTES))
    none = pl.DataFrame({name: [None] for name in ATTRIBUTES}, pl.Schema(ATTRIBUTES))
    return pl.concat([unique, none])[[len(found) if place is None else place for place in spread]]


def _fields(raw: bytes, as_size: int, family: tuple[int, int]) -> dict[str, Any]:
    found = attribute_fields(raw, as_size, family)
    aggregator = found["aggregator"] or {}
    return found | {
        "as_path": path_text(decode_attributes(raw, as_size).as_path),
        "aggregator_asn": aggregator.get("asn"),
        "aggregator_ip": aggregator.get("ip"),
    }


def _states(block: ElemBlock, rows: npt.NDArray[np.int64]) -> pl.DataFrame:
    states = [
        (state_text(state >> 8), state_text(state & 255)) if kind == Kind.STATE else (None, None)
        for kind, state in zip(block.kind[rows].tolist(), block.state[rows].tolist(), strict=True)
    ]
    columns = {"old_state": [old for old, _ in states], "new_state": [new for _, new in states]}
    return pl.DataFrame(columns, schema=pl.Schema(STATES))
