"""MRT (RFC 6396) into blocks of elems."""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from duskwatch.kernels.mrt import (
    BAD,
    BROKEN,
    FULL,
    PEER_LIMIT,
    PEER_SLOTS,
    REASONS,
    UNSUPPORTED,
    Columns,
    Peers,
    Records,
    find_peer,
    scan,
)
from duskwatch.records.elems import Damage, ElemBlock, Kind, PeerTable
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

ELEM_TYPES = Columns(
    np.int64, np.uint8, np.uint8, np.uint8, np.int32, np.uint64, np.uint64, np.uint8, np.uint32, np.int64, np.int32,
    np.uint8, np.uint16, np.int32,
)  # fmt: skip
RECORD_TYPES = Records(np.int64, np.int64, np.uint16, np.uint16, np.uint8, np.uint8)


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
        peers = _arrays(self._table)
        rest = b""
        offset = 0
        pieces = iter(self._pieces)
        final = False
        while not final:
            try:
                piece = next(pieces, None)
            except TransportDamage as damage:
                self.damage = Damage(damage.offset, damage.expected, damage.found)
                piece = None
            final = piece is None
            data = np.frombuffer(rest + bytes(piece or b"") if rest or final else piece, np.uint8)
            at = 0
            room = max(1024, len(data) // OCTETS_PER_ELEM)
            while True:
                out = Columns(*(np.empty(room, kind) for kind in ELEM_TYPES))
                records = Records(*(np.empty(max(64, len(data) // OCTETS_PER_RECORD), k) for k in RECORD_TYPES))
                start = at
                at, elems, count, ended = scan(data, len(data), at, final, peers, out, records)
                _extend(self._table, peers)
                if count:
                    yield self._block(data, offset, out, elems, records, count)
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
        self, data: np.ndarray, offset: int, out: Columns, elems: int, records: Records, count: int
    ) -> ElemBlock:
        columns = [column[:elems] for column in out]
        status = records.status[:count]
        self.records += int(count)
        odd = np.flatnonzero(status)
        for row in odd:
            if status[row] == BAD:
                self.bad_records += 1
                if len(self.bad) < BAD_KEPT:
                    self.bad.append((offset + int(records.start[row]), REASONS[records.reason[row]]))
            elif status[row] == UNSUPPORTED:
                self.unsupported[_name(int(records.type[row]), int(records.subtype[row]))] += 1
        if elems:
            first, last = int(columns[0].min()), int(columns[0].max())
            self.first_us = first if self.first_us is None else min(self.first_us, first)
            self.last_us = last if self.last_us is None else max(self.last_us, last)
            self.has_rib = self.has_rib or bool((columns[1] == Kind.RIB).any())
        return ElemBlock(
            data,
            offset,
            *columns,
            records.start[:count],
            records.length[:count],
            records.type[:count],
            records.subtype[:count],
            status,
        )


def _name(kind: int, subtype: int) -> str:
    known = SUBTYPES.get(kind, {}).get(subtype)
    if known is None and kind in (5, 16, 17) and subtype <= 11:
        return UPDATE_FAMILY
    return f"{TYPES.get(kind, f'type {kind}')}/{known or subtype}"


def _arrays(table: PeerTable) -> Peers:
    peers = Peers(
        np.zeros(PEER_LIMIT, np.uint32),
        np.zeros(PEER_LIMIT, np.uint64),
        np.zeros(PEER_LIMIT, np.uint64),
        np.zeros(PEER_LIMIT, np.uint8),
        np.zeros(PEER_LIMIT, np.uint32),
        np.full(PEER_SLOTS, -1, np.int32),
        np.full(1 << 16, -1, np.int32),
        np.array([0, -1, 0], np.int64),
    )
    for i in range(len(table)):
        find_peer(
            peers,
            np.uint32(table.asn[i]),
            np.uint64(table.address_hi[i]),
            np.uint64(table.address_lo[i]),
            np.uint8(table.afi[i]),
            np.uint32(table.bgp_id[i]),
        )
    return peers


def _extend(table: PeerTable, peers: Peers) -> None:
    for i in range(len(table), int(peers.count[0])):
        table.asn.append(int(peers.asn[i]))
        table.address_hi.append(int(peers.hi[i]))
        table.address_lo.append(int(peers.lo[i]))
        table.afi.append(int(peers.afi[i]))
        table.bgp_id.append(int(peers.bgp_id[i]))
