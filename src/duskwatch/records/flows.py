"""Flows as columns: one row is what one exporter says of packets that share addresses, ports and protocol."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import codes

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


class Export(IntEnum):
    """How an exporter's flows came to us."""

    NETFLOW5 = 5
    NETFLOW9 = 9
    IPFIX = 10
    SFLOW5 = 1005
    PACKETS = 2000  # a capture of the traffic itself: each packet is a flow
    NFDUMP = 2001  # files of nfcapd
    CSV = 2002  # text of nfdump
    JSON = 2003  # lines of goflow2 or pmacct


class RateSource(IntEnum):
    """How it is known that one packet in so many was looked at."""

    ASSUMED = codes.RATE_ASSUMED  # nobody said; the rate is what the user asked to assume, else 1
    DECLARED = codes.RATE_DECLARED  # the record itself, or the head of its datagram, says so
    LEARNED = codes.RATE_LEARNED  # an options record of the exporter says so of this sampler, or of all its flows
    OVERRIDDEN = codes.RATE_OVERRIDDEN  # the user said so


class TimeSource(IntEnum):
    """Where the begin and the end of a flow come from."""

    ASSUMED = codes.TIME_ASSUMED  # the record has no time: both are when it was exported, else when it was received
    EXPORTED = codes.TIME_EXPORTED  # the record has them, or one of them


class Fragment(IntEnum):
    """Whether the packets of a flow are fragments. Ports of later fragments are 0: they do not carry any."""

    NO = codes.NO_FRAGMENT  # or the record does not say
    FIRST = codes.FIRST_FRAGMENT
    LATER = codes.LATER_FRAGMENT


class Direction(IntEnum):
    """At which side of the exporter's interface the flow was seen (IPFIX element 61)."""

    INGRESS = codes.INGRESS
    EGRESS = codes.EGRESS
    UNKNOWN = codes.UNKNOWN_DIRECTION


class FlowBlock(NamedTuple):
    """A batch of flows, F rows. Addresses are left-aligned in 128 bits: IPv4 sits in the top 32 bits of ``*_hi``.

    Counts are as exported: an estimate of the traffic is the count times ``sampling_rate``. A record that counts both
    directions of a connection gives two rows. Times are microseconds since 1970-01-01 UTC, by the exporter's clock.
    """

    exporter: I32  # [F] row of the exporters of whoever made the block
    sampler: U64  # [F] sampler, selector or data source that the record names; 0 where there is none
    received_us: I64  # [F] our clock, or the capture's, when the datagram came; 0 where nobody wrote it down
    start_us: I64  # [F] first packet; never after end_us
    end_us: I64  # [F] last packet
    time_source: U8  # [F] TimeSource
    afi: U8  # [F] records.elems.AFI
    src_hi: U64  # [F]
    src_lo: U64  # [F]
    dst_hi: U64  # [F]
    dst_lo: U64  # [F]
    src_port: U16  # [F] 0 where the protocol has none
    dst_port: U16  # [F]
    protocol: U8  # [F] IANA protocol number
    tcp_flags: U16  # [F] all flags that were seen, or-ed (RFC 7125); 0 where it is not TCP or not exported
    icmp: U16  # [F] ICMP type * 256 + code; 0 where it is not ICMP
    fragment: U8  # [F] Fragment
    tos: U8  # [F] type of service, or traffic class
    bytes: U64  # [F] octets of IP packets, header included, as exported
    packets: U64  # [F] as exported; 0 where only octets were
    sampling_rate: U32  # [F] one packet in so many was looked at; at least 1
    rate_source: U8  # [F] RateSource
    direction: U8  # [F] Direction
    input_if: U32  # [F] interface index; 0 unknown
    output_if: U32  # [F]
    src_as: U32  # [F] as the exporter says; 0 unknown
    dst_as: U32  # [F]

    @property
    def rows(self) -> int:
        """How many flows there are."""
        return len(self.exporter)

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "FlowBlock":
        """The block of some of the rows."""
        return FlowBlock._make(column[rows] for column in self)


@dataclass(frozen=True, slots=True)
class Exporter:
    """Who exports flows: an address, and the part of it that numbers its records by itself."""

    export: Export
    afi: int  # of the address, 0 where none is known
    hi: int
    lo: int
    domain: int  # engine, source id, observation domain or sub-agent; 0 where the export has none


@dataclass(frozen=True, slots=True)
class Sampler:
    """A sampling rate of an exporter, as its options records tell, or as its records declare."""

    sampler: int | None  # None: of all flows
    interface: int | None  # of what arrives there alone; None: wherever
    rate: int  # one packet in so many
    source: RateSource
    changed: int = 0  # times that it was another before


@dataclass(slots=True)
class ExporterCounts:
    """What came from one exporter, and what is missing."""

    exporter: Exporter
    datagrams: int = 0
    octets: int = 0
    flows: int = 0  # rows of blocks
    other_records: int = 0  # data records without addresses: counters, events
    option_records: int = 0
    templates: int = 0  # in force now
    unknown_sets: int = 0  # sets of records whose template is not known, and were not decoded later
    unknown_octets: int = 0
    held_sets: int = 0  # of them, now waiting for their template
    lost_datagrams: int = 0  # by gaps in sequence numbers that count datagrams
    lost_records: int = 0  # by gaps in sequence numbers that count records
    late: int = 0  # datagrams that came after a later one
    repeated: int = 0  # datagrams with the sequence number of the one before
    restarts: int = 0
    refused: int = 0  # datagrams, whole or from some place on
    miscounted: int = 0  # NetFlow 9 datagrams that hold more sets than their header counts records; they are read
    first_us: int = 0  # earliest and latest time that a datagram was received; 0 where nobody wrote it down
    last_us: int = 0
    longest_us: int = 0  # longest flow: how far back a record that comes now may reach
    samplers: tuple[Sampler, ...] = field(default=())
    by_source: tuple[int, int, int] = (0, 0, 0)  # records whose rate was assumed, declared, learned

    @property
    def lost_share(self) -> float:
        """The larger share of what was sent and did not come, 0 to 1, of datagrams or of records."""
        records = self.flows + self.other_records + self.option_records
        shares = [
            lost / (lost + came)
            for lost, came in ((self.lost_datagrams, self.datagrams), (self.lost_records, records))
            if lost
        ]
        return max(shares, default=0.0)
