"""Elems as the columns of a table: what many rows share is read once and spread over them."""

import socket
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from duskwatch.kernels.attributes import NO_HEADER, RUNS_PAST, clip_next_hops, find_attributes
from duskwatch.records.elems import ElemBlock, Kind, PeerTable
from duskwatch.sources.bgp.formats.attributes import (
    ABBREVIATED,
    AGGREGATOR,
    AS4_AGGREGATOR,
    AS4_PATH,
    AS_PATH,
    ATOMIC_AGGREGATE,
    CLUSTER_LIST,
    COMMUNITIES,
    EXTENDED_COMMUNITIES,
    LARGE_COMMUNITIES,
    LOCAL_PREF,
    MED,
    MP_REACH_NLRI,
    NEXT_HOP,
    NO_WHOLE_HEADER,
    ORIGIN,
    ORIGINATOR_ID,
    ORIGINS,
    Attributes,
    aggregator,
    ipv4_text,
    mp_next_hop,
    numbers,
    octets_text,
    parts,
    path_text,
    read_path,
    runs_past_text,
    split_attributes,
    whole_path,
)
from duskwatch.sources.bgp.formats.elem_json import has_path_id, prefix_text, state_text
from duskwatch.sources.bgp.formats.elem_text import PeerTexts, address_text

TYPES = ("rib", "announce", "withdraw", "state")  # by Kind

SCHEMA: dict[str, Any] = {
    "type": pl.Enum(TYPES),
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
CODES = (
    ORIGIN, AS_PATH, NEXT_HOP, MED, LOCAL_PREF, ATOMIC_AGGREGATE, AGGREGATOR, COMMUNITIES, ORIGINATOR_ID, CLUSTER_LIST,
    MP_REACH_NLRI, EXTENDED_COMMUNITIES, AS4_PATH, AS4_AGGREGATOR, LARGE_COMMUNITIES,
)  # fmt: skip
COLUMN_OF = np.full(256, -1, np.int16)
COLUMN_OF[list(CODES)] = np.arange(len(CODES))
# Columns that are lists of words, made of the octets of one attribute alone.
LISTS: dict[str, tuple[int, Callable[[bytes], Iterable[str]]]] = {
    "communities": (COMMUNITIES, lambda raw: (f"{value >> 16}:{value & 0xFFFF}" for value in numbers(raw))),
    "large_communities": (
        LARGE_COMMUNITIES,
        lambda raw: (":".join(map(str, numbers(part))) for part in parts(raw, 12)),
    ),
    "extended_communities": (EXTENDED_COMMUNITIES, lambda raw: (part.hex() for part in parts(raw, 8))),
    "cluster_list": (CLUSTER_LIST, lambda raw: (socket.inet_ntoa(part) for part in parts(raw, 4))),
}
ORIGIN_TEXTS = [ORIGINS.get(code, str(code)) for code in range(256)]
MERGED = -2  # stands for the width of AS numbers where the octets are all attributes, as AS4 ones count

Codes = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]


class Distinct:
    """Different values in the order first met; a row of a column is the number of one. Number 0 is null."""

    def __init__(self) -> None:
        self.places: dict[Hashable, int] = {None: 0}

    def of(self, keys: Iterable[Hashable]) -> Codes:
        """Numbers of some values."""
        places = self.places
        return np.array([places.setdefault(key, len(places)) for key in keys], np.int64)

    def made(self, make: Callable[[Any], Any]) -> list[Any]:
        """What ``make`` makes of each of them, by number; None of null."""
        return [None if key is None else make(key) for key in self.places]


class ElemColumns:
    """Rows that wait to become a table.

    Octets of attributes are kept once, however many rows carry them; the table has them in each row.
    """

    def __init__(self) -> None:
        self._columns: defaultdict[str, list[Codes]] = defaultdict(list)
        self._distinct: defaultdict[str, Distinct] = defaultdict(Distinct)
        self._addresses = PeerTexts(lambda afi, hi, lo, _: address_text(afi, hi, lo))
        self._data: npt.NDArray[np.uint8] | None = None
        self._octets = b""

    def add(self, block: ElemBlock, peers: PeerTable, rows: Rows) -> None:
        """Take some rows (int64 [K]) of a block."""
        kind, addresses = block.kind[rows], self._addresses.of(peers)
        texts = self._distinct["peer_ip"].of(addresses)
        asns = np.array(peers.asn, np.int64)
        self._take(
            kind=kind,
            time=block.time_us[rows],
            peer_ip=texts[block.peer[rows]],
            peer_asn=asns[block.peer[rows]],
            prefix=self._prefixes(block, rows),
            safi=np.where(block.safi[rows] != 0, block.safi[rows].astype(np.int64), -1),
            path_id=np.where(has_path_id(block, rows), block.path_id[rows].astype(np.int64), -1),
            state=np.where(kind == Kind.STATE, block.state[rows].astype(np.int64), -1),
        )
        self._attributes(block, rows, (kind == Kind.RIB) | (kind == Kind.ANNOUNCE))

    def _take(self, **columns: npt.NDArray[Any]) -> None:
        for name, values in columns.items():
            self._columns[name].append(values.astype(np.int64))

    def _prefixes(self, block: ElemBlock, rows: Rows) -> Codes:
        key = [column[rows] for column in (block.afi, block.prefix_hi, block.prefix_lo, block.prefix_length)]
        # In a table dump, many rows in turn are of one prefix.
        begins = np.ones(len(rows), np.bool_)
        begins[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in key])
        runs = [column[begins].tolist() for column in key]
        codes = self._distinct["prefix"].of(each if each[0] else None for each in zip(*runs, strict=True))
        return np.repeat(codes, np.diff(np.flatnonzero(np.append(begins, True))))

    def _attributes(self, block: ElemBlock, rows: Rows, routes: npt.NDArray[np.bool_]) -> None:
        of = rows[routes]
        start, length = np.empty((len(of), len(CODES)), np.int64), np.empty((len(of), len(CODES)), np.int32)
        fault = np.empty(len(of), np.uint16)
        find_attributes(block.data, block.attr_start, block.attr_length, of, COLUMN_OF, start, length, fault)
        if block.data is not self._data:
            self._data, self._octets = block.data, block.data.tobytes()
        values = _Values(self._octets, start, length)
        found = {name: self._distinct[name].of(values.of(code)) for name, (code, _) in LISTS.items()}
        found["originator_id"] = self._distinct["originator_id"].of(values.of(ORIGINATOR_ID))
        found["local_pref"] = values.numbers(LOCAL_PREF)
        found["med"] = values.numbers(MED)
        found["origin"] = values.first_octets(ORIGIN)
        found["atomic_aggregate"] = values.there(ATOMIC_AGGREGATE).astype(np.int64)
        found["fault"] = fault.astype(np.int64)
        found["next_hop"] = self._next_hops(block, of, values)
        size = block.as_size[of].astype(np.int64)
        whole = list(zip(block.attr_start[of].tolist(), block.attr_length[of].tolist(), strict=True))
        for name, code, other in (("path", AS_PATH, AS4_PATH), ("aggregator", AGGREGATOR, AS4_AGGREGATOR)):
            keys = list(zip(size.tolist(), values.of(code), strict=True))
            for row in np.flatnonzero((size == 2) & values.there(other)).tolist():
                begin, octets = whole[row]
                keys[row] = (MERGED, self._octets[begin : begin + octets])
            found[name] = self._distinct[name].of(keys)
        for name, column in found.items():
            spread = np.full(len(rows), 0 if name in self._distinct else -1, np.int64)
            spread[routes] = column
            self._columns[name].append(spread)

    def _next_hops(self, block: ElemBlock, of: Rows, values: "_Values") -> Codes:
        column = COLUMN_OF[MP_REACH_NLRI]
        clipped = values.length[:, column].copy()
        clip_next_hops(block.data, values.start[:, column].copy(), clipped)
        values.length[:, column] = clipped
        address_families = zip(block.afi[of].tolist(), block.safi[of].tolist(), strict=True)
        keys = zip(address_families, values.of(NEXT_HOP), values.of(MP_REACH_NLRI), strict=True)
        return self._distinct["next_hop"].of(keys)

    def frame(self) -> pl.DataFrame:
        """The table of all rows taken so far."""
        columns = {
            name: np.concatenate(parts) if parts else np.empty(0, np.int64) for name, parts in self._columns.items()
        }
        if not columns:
            return pl.DataFrame(schema=pl.Schema(SCHEMA))
        made = {
            "type": _spread(list(TYPES), SCHEMA["type"], columns["kind"]),
            "time": pl.Series(columns["time"]).cast(SCHEMA["time"]),
            "peer_asn": pl.Series(columns["peer_asn"]).cast(pl.UInt32),
            "atomic_aggregate": _where_there(columns["atomic_aggregate"]).cast(pl.Boolean),
            "origin": _spread(
                [*ORIGIN_TEXTS, None], pl.String, np.where(columns["origin"] < 0, 256, columns["origin"])
            ),
        }
        for name in ("safi", "path_id", "local_pref", "med"):
            made[name] = _where_there(columns[name]).cast(SCHEMA[name])
        made["peer_ip"] = self._spread("peer_ip", columns, str)
        made["prefix"] = self._spread("prefix", columns, lambda key: prefix_text(*key))
        made["next_hop"] = self._spread("next_hop", columns, _next_hop)
        made["originator_id"] = self._spread("originator_id", columns, ipv4_text)
        for name, (_, words_of) in LISTS.items():
            texts = self._distinct[name].made(partial(_words_text, words_of=words_of))
            made[name] = _lists(texts, SCHEMA[name]).gather(columns[name])
        paths = [path or (None, None, None) for path in self._distinct["path"].made(_path)]
        texts, origins, faults = (list(part) for part in zip(*paths, strict=True))
        made["as_path"] = _spread(texts, pl.String, columns["path"])
        made["origin_asns"] = _lists(origins, SCHEMA["origin_asns"]).gather(columns["path"])
        frames, codes = np.unique(columns["fault"], return_inverse=True)
        framing = _spread([_fault_text(each) for each in frames.tolist()], pl.String, codes)
        made["malformed"] = framing.zip_with(framing.is_not_null(), _spread(faults, pl.String, columns["path"]))
        aggregators = [each or (None, None) for each in self._distinct["aggregator"].made(_aggregator)]
        made["aggregator_asn"] = _spread([each[0] for each in aggregators], pl.UInt32, columns["aggregator"])
        made["aggregator_ip"] = _spread([each[1] for each in aggregators], pl.String, columns["aggregator"])
        states, codes = np.unique(columns["state"], return_inverse=True)
        for name, shift in (("old_state", 8), ("new_state", 0)):
            words = [None if each < 0 else state_text(each >> shift & 255) for each in states.tolist()]
            made[name] = _spread(words, pl.String, codes)
        return pl.DataFrame({name: made[name] for name in SCHEMA}, schema=pl.Schema(SCHEMA))

    def _spread(self, name: str, columns: dict[str, Codes], make: Callable[[Any], Any]) -> pl.Series:
        return _spread(self._distinct[name].made(make), SCHEMA[name], columns[name])


class _Values:
    """Values of attributes of K elems: start int64[K, C], length int32[K, C], by CODES; -1 where one is not there."""

    def __init__(self, octets: bytes, start: npt.NDArray[np.int64], length: npt.NDArray[np.int32]) -> None:
        self.octets, self.start, self.length = octets, start, length

    def there(self, code: int) -> npt.NDArray[np.bool_]:
        return self.length[:, COLUMN_OF[code]] >= 0

    def of(self, code: int) -> list[bytes]:
        """The octets, none where the attribute is not there."""
        column = COLUMN_OF[code]
        octets, start, length = self.octets, self.start[:, column], self.length[:, column]
        if not (length > 0).any():
            return [b""] * len(length)
        end = start + np.maximum(length, 0)
        return [octets[a:b] for a, b in zip(start.tolist(), end.tolist(), strict=True)]

    def numbers(self, code: int) -> Codes:
        """The first four octets as a number; -1 where there are fewer."""
        column = COLUMN_OF[code]
        out = np.full(len(self.start), -1, np.int64)
        whole = np.flatnonzero(self.length[:, column] >= 4)
        data, at = np.frombuffer(self.octets, np.uint8), self.start[whole, column]
        out[whole] = sum(data[at + i].astype(np.int64) << (24 - 8 * i) for i in range(4))
        return out

    def first_octets(self, code: int) -> Codes:
        """The first octet; -1 where there is none."""
        column = COLUMN_OF[code]
        out = np.full(len(self.start), -1, np.int64)
        some = np.flatnonzero(self.length[:, column] >= 1)
        out[some] = np.frombuffer(self.octets, np.uint8)[self.start[some, column]]
        return out


def _spread(values: list[Any], dtype: Any, codes: Codes) -> pl.Series:
    """Value number ``codes[k]`` in row k."""
    return pl.Series(values, dtype=dtype).gather(codes)


def _where_there(values: Codes) -> pl.Series:
    """Numbers, null where they are negative."""
    return pl.select(pl.when(pl.Series(values) >= 0).then(pl.Series(values))).to_series()


def _lists(texts: list[str | None], dtype: Any) -> pl.Series:
    """Texts cut at their blanks, into lists: many short lists cost much less so than as lists of Python."""
    column = pl.col("text")
    cut = pl.when(column == "").then(pl.lit([], pl.List(pl.String))).otherwise(column.str.split(" "))
    return pl.DataFrame({"text": texts}, {"text": pl.String}).select(cut.cast(dtype)).to_series()


def _words_text(raw: bytes, words_of: Callable[[bytes], Iterable[str]]) -> str:
    return " ".join(words_of(raw))


def _next_hop(key: tuple[tuple[int, int], bytes, bytes]) -> str | None:
    """That of MP_REACH_NLRI for what it announces, else NEXT_HOP."""
    address_family, plain, reach = key
    found = mp_next_hop(reach)
    return (
        octets_text(found[1]) if found is not None and found[0] in (address_family, ABBREVIATED) else ipv4_text(plain)
    )


def _path(key: tuple[int, bytes]) -> tuple[str, str, str | None]:
    """Text of a path, its origins, and what is wrong with it."""
    size, raw = key
    path, fault = whole_path(split_attributes(raw)[0], 2) if size == MERGED else read_path(raw, size)
    return path_text(path), " ".join(map(str, Attributes(as_path=path).origins)), fault or None


def _aggregator(key: tuple[int, bytes]) -> tuple[int, str] | None:
    size, raw = key
    return aggregator(split_attributes(raw)[0] if size == MERGED else {AGGREGATOR: raw}, 2)


def _fault_text(fault: int) -> str | None:
    if fault == NO_HEADER:
        return NO_WHOLE_HEADER
    return runs_past_text(fault - RUNS_PAST) if fault >= RUNS_PAST else None
