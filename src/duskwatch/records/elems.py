"""Elems as columns: one row is one statement of one peer about one prefix at one time."""

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import codes

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


class Kind(IntEnum):
    """What an elem says."""

    RIB = codes.RIB  # the peer held this route when the table was dumped
    ANNOUNCE = codes.ANNOUNCE
    WITHDRAW = codes.WITHDRAW
    STATE = codes.STATE  # the session changed state (RFC 6396 section 4.4.1); no prefix
    ALIVE = codes.ALIVE  # a message without a prefix (KEEPALIVE, OPEN, end-of-RIB): the session was up
    RIB_PEER = codes.RIB_PEER  # a peer listed in the index of a table dump; no prefix


class Mark(IntFlag):
    """What is to be known of an elem beside its kind."""

    WITH_ID = codes.WITH_ID  # it carries a path identifier (RFC 7911), be it 0
    MALFORMED = codes.MALFORMED  # its attributes are: it counts as a withdrawal (RFC 7606)


class MessageType(IntEnum):
    """A BGP message that an ALIVE elem tells of because it ends what a session had (RFC 4271 section 4.1)."""

    OPEN = codes.OPEN_MESSAGE
    NOTIFICATION = codes.NOTIFICATION


class AFI(IntEnum):
    """Address family (RFC 4760)."""

    IPV4 = 1
    IPV6 = 2


class Status(IntEnum):
    """What became of one record; each is counted apart from the others."""

    GOOD = codes.GOOD
    UNSUPPORTED = codes.UNSUPPORTED  # a type or subtype that says nothing about routes, or that we do not read
    # Framed correctly, but its body does not follow the RFC. Its elems are left out, but for what stands before the end
    # of a message that its writer cut off, and before a last prefix that runs past its field.
    BAD = codes.BAD


class ElemBlock(NamedTuple):
    """A batch of elems and the bytes they came from. E rows of elems, R rows of records.

    Attributes are not decoded here: ``attr_start``/``attr_length`` point into ``data``, because the main path
    needs them for a few prefixes only. Prefixes are left-aligned in 128 bits: an IPv4 address sits in the top 32
    bits of ``prefix_hi``, host bits beyond ``prefix_length`` are zero.
    """

    data: U8  # [N] whole records, as unpacked
    data_offset: int  # position of data[0] in the unpacked stream
    time_us: I64  # [E] microseconds since 1970-01-01 UTC, the collector's clock
    kind: U8  # [E] Kind
    afi: U8  # [E] AFI of the prefix, 0 where there is none
    safi: U8  # [E] 1 unicast, 2 multicast, ...; 0 where there is no prefix
    peer: I32  # [E] row in PeerTable
    prefix_hi: U64  # [E]
    prefix_lo: U64  # [E]
    prefix_length: U8  # [E]
    path_id: U32  # [E] add-path identifier (RFC 7911), 0 where there is none
    attr_start: I64  # [E] where the path attributes begin in data, -1 where there are none
    attr_length: I32  # [E]
    as_size: U8  # [E] 2 or 4: width of an AS number in AS_PATH
    state: U16  # [E] STATE: old state * 256 + new state; ALIVE: MessageType, 0 for others; else 0
    marks: U8  # [E] Mark
    record: I32  # [E] row of the record columns below
    record_start: I64  # [R] where the record's MRT header begins in data
    record_length: I64  # [R] header and body
    record_type: U16  # [R]
    record_subtype: U16  # [R]
    record_status: U8  # [R] Status
    last_us: int  # latest time of an elem; 0 where there is none
    path_ids: int  # at least as many elems carry a path identifier
    peers: "PeerTable | None" = None  # that ``peer`` counts in; None: the table of who takes the block


class RibBlock(NamedTuple):
    """Records of a table dump (TABLE_DUMP_V2), one row for all routes to a prefix. R rows.

    The entries are not made into elems, but walked where they lie: for one prefix of a country there are thousands
    of which no more is wanted than who holds them. Each entry was checked to lie in the data and to name a place in
    the peer index table (RFC 6396 section 4.3.4): two octets of place, four of time, two of length, then attributes.
    """

    data: U8  # [N] whole records, as unpacked
    data_offset: int  # position of data[0] in the unpacked stream
    time_us: I64  # [R] microseconds since 1970-01-01 UTC
    afi: U8  # [R] AFI
    prefix_hi: U64  # [R] as in ElemBlock
    prefix_lo: U64  # [R]
    prefix_length: U8  # [R]
    entries_start: I64  # [R] where the first entry begins in data
    entries: I32  # [R] how many there are
    places: I32  # [L] row in PeerTable of each place of the peer index table
    last_us: int  # latest time of a record
    peers: "PeerTable | None" = None  # as in ElemBlock


def strided(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same values as a column with a stride, as readers make them: kernels are compiled for these."""
    column: npt.NDArray[Any] = np.empty((len(values), 2), values.dtype)[:, 0]
    column[:] = values
    return column


@dataclass
class PeerTable:
    """Peers in the order first met; an elem's ``peer`` is a row here. Grows while a collector's files are read.

    address_hi/address_lo hold the address left-aligned, as in ElemBlock.
    """

    asn: list[int] = field(default_factory=list)
    address_hi: list[int] = field(default_factory=list)
    address_lo: list[int] = field(default_factory=list)
    afi: list[int] = field(default_factory=list)
    bgp_id: list[int] = field(default_factory=list)  # 0 where the record does not carry it

    def __len__(self) -> int:
        return len(self.asn)

    def rows(self, start: int = 0) -> list[tuple[int, int, int, int]]:
        """What tells peers apart, of each from ``start`` on: AS, address (both halves), afi of the address."""
        columns = (self.asn, self.address_hi, self.address_lo, self.afi)
        return list(zip(*(column[start:] for column in columns), strict=True))

    def copy(self) -> "PeerTable":
        """The same peers; those met later are not added."""
        return PeerTable(*(list(getattr(self, name)) for name in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a file stopped making sense: offset in the unpacked bytes, what should have stood there, what did."""

    offset: int
    expected: str
    found: str

    def __str__(self) -> str:
        return f"byte {self.offset}: expected {self.expected}, found {self.found}"
