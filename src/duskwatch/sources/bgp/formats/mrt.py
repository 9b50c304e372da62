"""MRT (RFC 6396) into blocks of elems."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from duskwatch.kernels.mrt import (
    BAD,
    BROKEN,
    COUNT,
    ELEM,
    FULL,
    PEER,
    PEER_LIMIT,
    REASONS,
    RECORD,
    UNSUPPORTED,
    find_peer,
    new_links,
    scan,
)
from duskwatch.records.elems import Damage, ElemBlock, PeerTable
from duskwatch.sources.bgp.transports.files import TransportDamage

# Elems get this much room per octet; a record that needs more makes the block grow.
OCTETS_PER_ELEM = 16
OCTETS_PER_RECORD = 40
BAD_KEPT = 100

TYPES = {5: "BGP", 12: "TABLE_DUMP", 13: "TABLE_DUMP_V2", 16: "BGP4MP", 17: "BGP4MP_ET", 32: "ISIS", 33: "ISIS_ET",
         11: "OSPFv2", 48: "OSPFv3", 49: "OSPFv3_ET"}  # fmt: skip
SUBTYPES = {
    13: {6: "RIB_GENERIC", 7: "GEO_PEER_TABLE", 12: "RIB_GENERIC_ADDPATH"},
    16: {2: "ENTRY", 3: "SNAPSHOT"},
    17: {2: "ENTRY", 3: "SNAPSHOT"},
    5: {0: "NULL", 2: "PREF_UPDATE", 4: "SYNC"},
}
UPDATE_FAMILY = "another address family than IPv4 and IPv6 unicast and multicast"

COLUMNS = ElemBlock._fields[2:-7]


class MrtReader:
    """Blocks of elems from the pieces of one file, and what was wrong with it.

    Iterate once. ``peers`` is shared by the files of one collector and grows. During and after iteration:

    records, bad_records  counts; a bad record's elems are left out
    unsupported           records (or parts of one) that say nothing that is read here, by name
    bad                   (offset in the unpacked bytes, reason) of the first BAD_KEPT bad records
    damage                where the file stopped making sense; None where it is whole
    first_us, last_us     earliest and latest time of an elem; None where there is none
    has_rib               whether any elem is of a table dump

    No bytes, however broken, raise an exception here.
    """

    def __init__(self, pieces: Iterable[bytes | memoryview], peers: PeerTable) -> None:
        self.records = 0
        self.bad_records = 0
        self.unsupported: Counter[str] = Counter()
        self.bad: list[tuple[int, str]] = []
        self.damage: Damage | None = None
        self.first_us: int | None = None
        self.last_us: int | None = None
        self.has_rib = False
        self._pieces = pieces
        self._table = peers

    def __iter__(self) -> Iterator[ElemBlock]:
        table, links = _arrays(self._table)
        rest = b""
        offset = 0
        pieces = iter(self._pieces)
        final = False
        summary = np.zeros(4, np.int64)
        rows = _Rows()
        while not final:
            try:
                piece = next(pieces, None)
            except TransportDamage as damage:
                self.damage = Damage(damage.offset, damage.expected, damage.found)
                piece = None
            final = piece is None
            data = np.frombuffer(rest + bytes(piece or b"") if rest or piece is None else piece, np.uint8)
            at = 0
            room = max(1024, len(data) // OCTETS_PER_ELEM)
            while True:
                out = rows.take(room)
                records = np.empty(max(64, len(data) // OCTETS_PER_RECORD), RECORD)
                start = at
                at, elems, count, ended = scan(data, len(data), at, final, table, links, out, records, summary)
                _extend(self._table, table, links)
                if count:
                    yield self._block(data, offset, out[:elems], records[:count], summary)
                if ended == BROKEN:
                    self.damage = Damage(
                        offset + at, "an MRT record header (RFC 6396 section 2)", bytes(data[at : at + 12]).hex(" ")
                    )
                    return
                if ended != FULL:
                    break
                if at == start:
                    room *= 4
            rest = data[at:].tobytes()
            offset += at
        if rest and self.damage is None:
            self.damage = Damage(offset, "a whole MRT record", f"the end of the file after {len(rest)} bytes of it")

    def _block(
        self, data: np.ndarray, offset: int, out: np.ndarray, records: np.ndarray, summary: np.ndarray
    ) -> ElemBlock:
        status = records["status"]
        self.records += len(records)
        for row in np.flatnonzero(status):
            if status[row] == BAD:
                self.bad_records += 1
                if len(self.bad) < BAD_KEPT:
                    self.bad.append((offset + int(records["start"][row]), REASONS[records["reason"][row]]))
            elif status[row] == UNSUPPORTED:
                self.unsupported[_name(int(records["type"][row]), int(records["subtype"][row]))] += 1
        first, last, ribs, path_ids = summary.tolist()
        if len(out):
            self.first_us = first if self.first_us is None else min(self.first_us, first)
            self.last_us = last if self.last_us is None else max(self.last_us, last)
            self.has_rib = self.has_rib or ribs > 0
        columns = {name: out[name] for name in COLUMNS}
        columns |= {f"record_{name}": records[name] for name in ("start", "length", "type", "subtype", "status")}
        return ElemBlock(data=data, data_offset=offset, last_us=last, path_ids=path_ids, **columns)


class _Rows:
    """Room for elems, used again once nobody holds a view of it: fresh memory costs more than filling it does."""

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []

    def take(self, room: int) -> np.ndarray:
        """At least ``room`` rows."""
        for rows in self._kept:
            # The list, the loop and the count itself hold one reference each; any view holds another.
            if len(rows) >= room and sys.getrefcount(rows) == 3:
                return rows
        rows = np.empty(room, ELEM)
        self._kept = [*self._kept[-3:], rows]
        return rows


def _name(kind: int, subtype: int) -> str:
    known = SUBTYPES.get(kind, {}).get(subtype)
    if known is None and kind in (5, 16, 17) and subtype <= 11:
        return UPDATE_FAMILY
    return f"{TYPES.get(kind, f'type {kind}')}/{known or subtype}"


def _arrays(peers: PeerTable) -> tuple[np.ndarray, np.ndarray]:
    table, links = np.zeros(PEER_LIMIT, PEER), new_links()
    for i in range(len(peers)):
        find_peer(
            table,
            links,
            np.uint32(peers.asn[i]),
            np.uint64(peers.address_hi[i]),
            np.uint64(peers.address_lo[i]),
            np.uint8(peers.afi[i]),
            np.uint32(peers.bgp_id[i]),
        )
    return table, links


def _extend(peers: PeerTable, table: np.ndarray, links: np.ndarray) -> None:
    for row in table[len(peers) : links[COUNT]]:
        peers.asn.append(int(row["asn"]))
        peers.address_hi.append(int(row["hi"]))
        peers.address_lo.append(int(row["lo"]))
        peers.afi.append(int(row["afi"]))
        peers.bgp_id.append(int(row["bgp_id"]))
