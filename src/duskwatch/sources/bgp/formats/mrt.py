"""MRT (RFC 6396) into blocks of elems."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.codes import BAD, UNSUPPORTED
from duskwatch.kernels.mrt import (
    BROKEN,
    COUNT,
    ELEM,
    ELEM_WORDS,
    FIRST_US,
    FULL,
    INDEX,
    LAST_US,
    LISTED,
    ODD,
    PATH_IDS,
    PEER,
    PEER_LIMIT,
    PEER_WORDS,
    REASONS,
    RECORD,
    RECORD_LIMIT,
    RECORD_WORDS,
    RIBS,
    ROUTES,
    SUMMARY,
    new_links,
    scan,
)
from duskwatch.records.elems import Damage, ElemBlock, PeerTable, RibBlock
from duskwatch.sources.files.pieces import TransportDamage

# Rows of one block: few enough to stay in a cache until they are used, and never too few for the block to be worth it.
BLOCK_ELEMS = 1 << 15
BLOCK_RECORDS = 1 << 15
BAD_KEPT = 100
HEADER = 12
# Blocks of records and blocks of elems may alternate so often in a file: each block has a cost of its own.
MOST_TURNS = 100

TYPES = {
    0: "NULL", 1: "START", 2: "DIE", 3: "I_AM_DEAD", 4: "PEER_DOWN", 5: "BGP", 6: "RIP", 7: "IDRP", 8: "RIPNG",
    9: "BGP4PLUS", 10: "BGP4PLUS_01", 11: "OSPFv2", 12: "TABLE_DUMP", 13: "TABLE_DUMP_V2", 16: "BGP4MP",
    17: "BGP4MP_ET", 32: "ISIS", 33: "ISIS_ET", 48: "OSPFv3", 49: "OSPFv3_ET",
}  # fmt: skip
BGP4MP = {
    0: "STATE_CHANGE", 1: "MESSAGE", 2: "ENTRY", 3: "SNAPSHOT", 4: "MESSAGE_AS4", 5: "STATE_CHANGE_AS4",
    6: "MESSAGE_LOCAL", 7: "MESSAGE_AS4_LOCAL", 8: "MESSAGE_ADDPATH", 9: "MESSAGE_AS4_ADDPATH",
    10: "MESSAGE_LOCAL_ADDPATH", 11: "MESSAGE_AS4_LOCAL_ADDPATH",
}  # fmt: skip
SUBTYPES = {
    5: {0: "NULL", 1: "UPDATE", 2: "PREF_UPDATE", 3: "STATE_CHANGE", 4: "SYNC", 5: "OPEN", 6: "NOTIFY", 7: "KEEPALIVE"},
    12: {1: "AFI_IPv4", 2: "AFI_IPv6", 3: "AFI_IPv4_AS4", 4: "AFI_IPv6_AS4"},
    13: {
        1: "PEER_INDEX_TABLE", 2: "RIB_IPV4_UNICAST", 3: "RIB_IPV4_MULTICAST", 4: "RIB_IPV6_UNICAST",
        5: "RIB_IPV6_MULTICAST", 6: "RIB_GENERIC", 7: "GEO_PEER_TABLE", 8: "RIB_IPV4_UNICAST_ADDPATH",
        9: "RIB_IPV4_MULTICAST_ADDPATH", 10: "RIB_IPV6_UNICAST_ADDPATH", 11: "RIB_IPV6_MULTICAST_ADDPATH",
        12: "RIB_GENERIC_ADDPATH",
    },
    16: BGP4MP,
    17: BGP4MP,
}  # fmt: skip

COLUMNS = tuple(name for name in ElemBlock._fields if name in (ELEM.names or ()))
RECORD_COLUMNS = ("start", "length", "type", "subtype", "status")


class MrtReader:
    """Blocks of elems from the pieces of one file, and what was wrong with it.

    Iterate once. ``peers`` is shared by the files of one collector and grows. During and after iteration:

    records, bad_records  counts. A bad record's elems are left out, but for what stands before the end of a message
                          that its writer cut off, and before a last prefix that runs past its field
    unsupported           records (or parts of one) that say nothing that is read here, by name
    bad                   (offset in the unpacked bytes, reason) of the first BAD_KEPT bad records
    damage                where the file stopped making sense; None where it is whole
    first_us, last_us     earliest and latest time of an elem; None where there is none
    has_rib               whether any elem is of a table dump

    Elems of one record come in the order withdrawn routes, MP_UNREACH_NLRI, NLRI, MP_REACH_NLRI. No bytes, however
    broken, raise an exception here. Pieces are closed, where they can be, when iteration ends or is given up.
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
        self._peers = peers
        self._used = 0

    def __iter__(self) -> Iterator[ElemBlock]:
        for block in self._blocks(0):
            assert isinstance(block, ElemBlock)
            yield block

    def routes(self) -> Iterator[ElemBlock | RibBlock]:
        """The same, but that the routes of a table dump to one prefix stay together where they can; in place of iter().

        A file in which such records and others take turns, as no program writes it, gives elems after a while.
        """
        return self._blocks(MOST_TURNS)

    def _blocks(self, turns: int) -> Iterator[ElemBlock | RibBlock]:
        table, links = _arrays(self._peers)
        summary = np.zeros(SUMMARY, np.int64)
        left = end = 0
        was_routes = False
        for data, offset, final in self._whole_records():
            at, elems = 0, min(BLOCK_ELEMS, len(data) + 1)
            while True:
                out = np.empty(elems * ELEM_WORDS, np.uint64)
                rows = np.empty(min(BLOCK_RECORDS, len(data) // HEADER + 1) * RECORD_WORDS, np.uint64)
                start = at
                at, elem_count, record_count, ended = scan(data, at, final, turns > 0, table, links, out, rows, summary)
                _extend(self._peers, table, int(links[COUNT]))
                if record_count:
                    records = rows[: record_count * RECORD_WORDS].view(RECORD)
                    self._note(records, elem_count, offset, summary)
                    found = out[: elem_count * ELEM_WORDS].view(ELEM)
                    is_routes = bool(summary[ROUTES])
                    turns -= is_routes != was_routes
                    was_routes = is_routes
                    if is_routes:
                        yield _rib_block(data, offset, found, links, summary, self._peers)
                    else:
                        yield ElemBlock(
                            data=data,
                            data_offset=offset,
                            last_us=int(summary[LAST_US]),
                            path_ids=int(summary[PATH_IDS]),
                            peers=self._peers,
                            **_columns(found, records),
                        )
                if ended == BROKEN:
                    said = bytes(data[at : at + HEADER]).hex(" ")
                    self.damage = Damage(offset + at, "an MRT record header (RFC 6396 section 2)", said)
                    return
                if ended != FULL:
                    break
                if at == start:
                    elems *= 4  # one record holds more
            self._used, left, end = at, len(data) - at, offset + at
        if left and self.damage is None:
            self.damage = Damage(end, "a whole MRT record", f"the end of the file after {left} bytes of it")

    def _whole_records(self) -> Iterator[tuple[npt.NDArray[np.uint8], int, bool]]:
        """Bytes that begin with a record, their offset, and whether they are the last.

        ``self._used`` is set by who takes them: so many were used; the others come again with what follows them. The
        record that two pieces share comes by itself, because to join the pieces would be to copy all of them.
        """
        held: list[bytes | memoryview] = []  # the first bytes of a record, and how many
        have, need, offset = 0, HEADER, 0
        pieces = self._undamaged()
        try:
            for piece in pieces:
                if have and have + len(piece) >= need:
                    need = _need(b"".join([*held, piece[:HEADER]]))
                if have + len(piece) < need:
                    held.append(piece)
                    have += len(piece)
                    continue
                if have:
                    shared = b"".join([*held, piece[: need - have]])
                    yield _octets(shared), offset, False
                    offset += self._used
                    if self._used >= have:
                        piece = memoryview(piece)[self._used - have :]
                    else:
                        piece = shared[self._used :] + bytes(piece[need - have :])
                yield _octets(piece), offset, False
                offset += self._used
                rest = bytes(piece[self._used :])
                held, have, need = [rest], len(rest), _need(rest)
            if have:
                yield _octets(b"".join(held)), offset, True
        finally:
            pieces.close()

    def _undamaged(self) -> Generator[bytes | memoryview]:
        pieces = iter(self._pieces)
        try:
            yield from pieces
        except TransportDamage as damage:
            self.damage = Damage(damage.offset, damage.expected, damage.found)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()

    def _note(self, records: np.ndarray, elems: int, offset: int, summary: np.ndarray) -> None:
        self.records += len(records)
        if elems:
            first, last = int(summary[FIRST_US]), int(summary[LAST_US])
            self.first_us = first if self.first_us is None else min(self.first_us, first)
            self.last_us = last if self.last_us is None else max(self.last_us, last)
            self.has_rib = self.has_rib or bool(summary[RIBS])
        if not summary[ODD]:
            return
        for row in records[records["status"] != 0]:
            if row["status"] == BAD:
                self.bad_records += 1
                if len(self.bad) < BAD_KEPT:
                    self.bad.append((offset + int(row["start"]), REASONS[row["reason"]]))
            elif row["status"] == UNSUPPORTED:
                self.unsupported[_name(int(row["type"]), int(row["subtype"]), int(row["afi_safi"]))] += 1


def _columns(elems: np.ndarray, records: np.ndarray) -> dict[str, Any]:
    return {name: elems[name] for name in COLUMNS} | {f"record_{name}": records[name] for name in RECORD_COLUMNS}


def _rib_block(
    data: npt.NDArray[np.uint8],
    offset: int,
    found: np.ndarray,
    links: npt.NDArray[np.int32],
    summary: npt.NDArray[np.int64],
    peers: PeerTable,
) -> RibBlock:
    return RibBlock(
        data=data,
        data_offset=offset,
        time_us=found["time_us"],
        afi=found["afi"],
        prefix_hi=found["prefix_hi"],
        prefix_lo=found["prefix_lo"],
        prefix_length=found["prefix_length"],
        entries_start=found["attr_start"],
        entries=found["attr_length"],
        places=links[INDEX : INDEX + int(links[LISTED])].copy(),
        last_us=int(summary[LAST_US]),
        peers=peers,
    )


def _octets(piece: bytes | memoryview) -> npt.NDArray[np.uint8]:
    data = np.frombuffer(piece, np.uint8)
    data.flags.writeable = False  # one type for the kernels, whatever the pieces are
    return data


def _need(begin: bytes) -> int:
    """How many bytes must be there for the record that begins with these to be read; at least a header."""
    length = int.from_bytes(begin[8:HEADER], "big")
    if len(begin) < HEADER or length > RECORD_LIMIT:
        return HEADER
    return HEADER + length + 16  # behind a TABLE_DUMP record, the next header is looked at too


def _name(kind: int, subtype: int, afi_safi: int) -> str:
    name = f"{TYPES.get(kind, f'type {kind}')}/{SUBTYPES.get(kind, {}).get(subtype, subtype)}"
    return f"{name} AFI {afi_safi >> 8} SAFI {afi_safi & 255}" if afi_safi else name


def _arrays(peers: PeerTable) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    count = len(peers)
    words = np.zeros(PEER_LIMIT * PEER_WORDS, np.uint64)
    table = words.view(PEER)
    for name, column in (
        ("hi", peers.address_hi),
        ("lo", peers.address_lo),
        ("asn", peers.asn),
        ("afi", peers.afi),
        ("bgp_id", peers.bgp_id),
    ):
        table[name][:count] = column
    return words, new_links(count)


def _extend(peers: PeerTable, words: npt.NDArray[np.uint64], count: int) -> None:
    for row in words.view(PEER)[len(peers) : count]:
        peers.asn.append(int(row["asn"]))
        peers.address_hi.append(int(row["hi"]))
        peers.address_lo.append(int(row["lo"]))
        peers.afi.append(int(row["afi"]))
        peers.bgp_id.append(int(row["bgp_id"]))
