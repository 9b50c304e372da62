"""Make blocks of elems from short rows, for tests of what reads them."""

import dataclasses
import struct

import numpy as np

from duskwatch.records.elems import ElemBlock, Kind, PeerTable
from duskwatch.records.messages import DumpBegin, DumpEnd
from duskwatch.records.prefix import Prefix
from duskwatch.signals.bgp.fold import fold
from duskwatch.signals.bgp.log import RoutingLog
from duskwatch.signals.bgp.state import RoutingState, begin

SECOND = 1_000_000


def everything(afi, hi, lo, length):
    """A Watch that leaves out nothing."""
    return np.ones(len(afi), np.uint8)


def nothing(afi, hi, lo, length):
    """A Watch that leaves out all."""
    return np.zeros(len(afi), np.uint8)


def started(*asns: int, name="rrc00", from_s=0, bin_s=300, watch=everything, origins=None) -> RoutingState:
    """The state of a collector with one session for each AS, of which nothing else is known."""
    own = None if origins is None else np.array(origins, np.uint32)
    state = begin(name, from_s * SECOND, bin_s * SECOND, watch, own)
    state.peers = peers(*asns)
    return state


def folded(state: RoutingState, *messages, until_s=None) -> tuple[RoutingState, RoutingLog]:
    """Several messages, and what they changed."""
    logs = []
    for message in messages:
        state, log = fold(state, message, None if until_s is None else until_s * SECOND)
        logs.append(log)
    return state, RoutingLog.join(logs)


def dump_of(seconds: int, *rows: tuple, complete=True) -> tuple:
    """The messages of a table dump: rows of (peer, prefix, AS path)."""
    elems = block(*((seconds, peer, Kind.RIB, prefix, path) for peer, prefix, path in rows))
    return DumpBegin("rib", seconds * SECOND), elems, DumpEnd(complete)


def peers(*asns: int) -> PeerTable:
    """A peer table with one session for each AS."""
    table = PeerTable()
    for i, asn in enumerate(asns):
        table.asn.append(asn)
        table.address_hi.append((0xC0000200 + i) << 32)
        table.address_lo.append(0)
        table.afi.append(1)
        table.bgp_id.append(0)
    return table


def as_path(*asns: int) -> bytes:
    """The AS_PATH attribute of one sequence of four-byte AS numbers."""
    body = struct.pack(f"!BB{len(asns)}I", 2, len(asns), *asns)
    return struct.pack("!BBB", 0x40, 2, len(body)) + body


def block(*rows: tuple) -> ElemBlock:
    """Rows of (seconds, peer, kind, prefix or None, AS path or (old, new) state)."""
    data = b""
    n = len(rows)
    columns = {
        "time_us": np.zeros(n, np.int64), "kind": np.zeros(n, np.uint8), "afi": np.zeros(n, np.uint8),
        "safi": np.zeros(n, np.uint8), "peer": np.zeros(n, np.int32), "prefix_hi": np.zeros(n, np.uint64),
        "prefix_lo": np.zeros(n, np.uint64), "prefix_length": np.zeros(n, np.uint8),
        "path_id": np.zeros(n, np.uint32), "attr_start": np.full(n, -1, np.int64),
        "attr_length": np.zeros(n, np.int32), "as_size": np.full(n, 4, np.uint8), "state": np.zeros(n, np.uint16),
        "marks": np.zeros(n, np.uint8), "record": np.arange(n, dtype=np.int32),
    }  # fmt: skip
    for i, (seconds, peer, kind, prefix, detail) in enumerate(rows):
        columns["time_us"][i] = int(seconds * SECOND)
        columns["peer"][i] = peer
        columns["kind"][i] = kind
        if prefix is not None:
            value = Prefix.parse(prefix)
            columns["afi"][i], columns["safi"][i] = value.afi, 1
            columns["prefix_hi"][i], columns["prefix_lo"][i] = value.hi, value.lo
            columns["prefix_length"][i] = value.length
        if kind == Kind.STATE:
            columns["state"][i] = detail[0] * 256 + detail[1]
        elif detail:
            raw = as_path(*detail)
            columns["attr_start"][i], columns["attr_length"][i] = len(data), len(raw)
            data += raw
    return ElemBlock(
        np.frombuffer(data, np.uint8).copy(), 0, **columns,
        record_start=np.zeros(n, np.int64), record_length=np.zeros(n, np.int64),
        record_type=np.zeros(n, np.uint16), record_subtype=np.zeros(n, np.uint16), record_status=np.zeros(n, np.uint8),
        last_us=int(columns["time_us"].max(initial=0)), path_ids=0,
    )  # fmt: skip


def same(one, other, path=""):
    """Names of fields in which two records differ, also within records that they hold."""
    out = []
    for each in dataclasses.fields(one):
        a, b = getattr(one, each.name), getattr(other, each.name)
        if dataclasses.is_dataclass(a):
            out += same(a, b, f"{path}{each.name}.")
        elif isinstance(a, np.ndarray):
            if a.shape != b.shape or a.dtype != b.dtype or not np.allclose(a, b, rtol=0, atol=1e-12, equal_nan=True):
                out.append(path + each.name)
        elif a != b:
            out.append(path + each.name)
    return out
