"""Frames of RIPE RIS Live, and messages of the socket that came before it, into blocks of elems.

A frame is one JSON object about one BGP message of one peer of one collector, with the message itself in hexadecimal
where the subscription asks for it (https://ris-live.ripe.net/manual/). The forms of 2018 to 2026 are read.
"""

import re
import socket
from typing import Any

import msgspec

from duskwatch.records.times import SECOND
from duskwatch.sources.bgp.formats.feed_counts import ClockRules, FeedCounts
from duskwatch.sources.bgp.formats.feed_events import FeedError, FeedEvent, SessionDown, SessionUp
from duskwatch.sources.bgp.formats.feed_table import (
    CONNECT,
    ESTABLISHED,
    IDLE,
    LONGEST_MESSAGE,
    SUBTYPES,
    UNKNOWN,
    FeedBatch,
    FeedTable,
    PeerHead,
    path_width,
)
from duskwatch.sources.bgp.formats.update_write import KEEPALIVE, Fields, updates

FRAME_LIMIT = 1 << 20  # octets; one of the longest BGP message and all that is decoded of it is a fifth of that
COLLECTORS_LIMIT = 256
PEERS_LIMIT = 1 << 16
DOMAIN = ".ripe.net"
COLLECTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}")
STATES = {"down": IDLE, "connected": CONNECT, "up": ESTABLISHED}  # of ExaBGP, which RIS collects with
STATE_TYPES = ("RIS_PEER_STATE", "STATE")
TEXT_LIMIT = 1024
SENT = "sent"
SOCKET_TYPES = ("A", "W")  # of the socket that came before RIS Live: one prefix a message


class Data(msgspec.Struct):
    """What is needed of most frames; the rest is passed over."""

    timestamp: float = 0.0
    peer: str = ""
    peer_asn: int = 0
    host: str = ""
    type: str = ""
    raw: str | None = None
    state: str | None = None
    direction: str | None = None
    message: str | None = None
    service: str = ""  # of the socket that came before: "ripe-ris|rrc01"


class Frame(msgspec.Struct):
    """The envelope."""

    type: str = ""
    data: Data | None = None


class Announced(msgspec.Struct):
    """Prefixes that share a next hop."""

    next_hop: str
    prefixes: list[str] = []


class Update(msgspec.Struct):
    """An UPDATE that was decoded by RIS; of the socket that came before RIS Live, one prefix."""

    path: list[int | list[int]] | None = None
    community: list[list[int]] | None = None
    communities: list[dict[str, int]] | None = None
    origin: str | None = None
    med: int | None = None
    aggregator: str | None = None
    announcements: list[Announced] | None = None
    withdrawals: list[str] | None = None
    prefix: str | None = None
    next_hop: str | None = None


class UpdateFrame(msgspec.Struct):
    """The envelope of one that comes without its message."""

    data: Update


_frame = msgspec.json.Decoder(Frame, strict=False).decode
_bare = msgspec.json.Decoder(Data, strict=False).decode
_update_frame = msgspec.json.Decoder(UpdateFrame, strict=False).decode
_bare_update = msgspec.json.Decoder(Update, strict=False).decode
UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError, OverflowError)


class _Peer:
    """A peer of a collector, and how wide its AS numbers are."""

    __slots__ = ("head", "last_us", "table", "wide", "width_known")

    def __init__(self, table: FeedTable, head: PeerHead) -> None:
        self.table, self.head = table, head
        self.wide, self.width_known = True, False
        self.last_us = 0


class RisLiveReader:
    """Blocks and events out of frames, one table for each collector, and what was wrong with them.

    ``collectors``: name (without its domain) to table. No frame, however broken, raises an exception.
    """

    def __init__(self, clock: ClockRules | None = None, counts: FeedCounts | None = None) -> None:
        self.counts = FeedCounts("frame") if counts is None else counts
        self.collectors: dict[str, FeedTable] = {}
        self.last_us: dict[str, int] = {}  # event time of the last frame of each collector
        self.heard_us: dict[str, int] = {}  # and when it was received, where that is known
        self.pongs = 0
        self._clock = clock
        self._peers: dict[tuple[str, str, int], _Peer] = {}
        self._events: list[FeedEvent] = []

    @property
    def waiting(self) -> int:
        """Octets that wait to be taken."""
        return sum(table.octets for table in self.collectors.values())

    def frame(self, text: bytes, received_us: int | None = None) -> None:
        """Take one frame; ``received_us``: our clock, None where the time says nothing."""
        counts = self.counts
        place = counts.messages = counts.messages + 1
        counts.octets += len(text)
        if len(text) > FRAME_LIMIT:
            counts.kinds["none"] += 1
            counts.note_bad(place, f"a frame of {len(text)} octets; at most {FRAME_LIMIT} are read")
            return
        try:
            found = _frame(text)
            if found.type == "ris_message" and found.data is not None:
                self._message(found.data, text, received_us, place)
            elif found.type in SOCKET_TYPES:
                self._message(_bare(text), text, received_us, place)
            else:
                self._other(found, place)
        except UNREADABLE as error:
            counts.kinds["none"] += 1
            counts.note_bad(place, f"no frame of RIS Live: {_reason(error)}")

    def _other(self, found: Frame, place: int) -> None:
        self.counts.kinds[found.type if found.type in ("ris_error", "pong", "ris_subscribe_ok") else "other"] += 1
        if found.type == "ris_error":
            text = found.data.message if found.data is not None else None
            self._events.append(FeedError("ris-live", (text or "an error without a text")[:TEXT_LIMIT]))
        elif found.type == "pong":
            self.pongs += 1
        elif found.type not in ("ris_subscribe_ok", "ris_unsubscribe_ok", "ris_rrc_list"):
            self.counts.note_unsupported(f"frame type {found.type[:40]!r}")

    def _message(self, data: Data, text: bytes, received_us: int | None, place: int) -> None:
        counts = self.counts
        peer = self._peers.get((data.host or data.service, data.peer, data.peer_asn))
        if peer is None:
            peer = self._new_peer(data)
        stamp = data.timestamp
        # Stamps are hundredths or thousandths of a second, which no binary fraction is: the nearest microsecond.
        stamp_us = round(stamp * SECOND) if 0 < stamp < 1 << 32 else 0
        time_us = counts.event_us(stamp_us, received_us, 0, peer.last_us, self._clock)
        collector = peer.table.collector
        peer.last_us = self.last_us[collector] = time_us
        if received_us is not None:
            self.heard_us[collector] = received_us
        kind = data.type
        if data.raw is not None and kind not in STATE_TYPES:
            if data.direction == SENT:
                counts.kinds["sent by the collector"] += 1
                return
            body = bytes.fromhex(data.raw)
            if len(body) > LONGEST_MESSAGE:
                raise ValueError("a BGP message longer than any (RFC 8654)")
            if not peer.width_known and (width := path_width(body)):
                peer.wide, peer.width_known = width == 4, True
            head = peer.head.wide if peer.wide else peer.head.narrow
            peer.table.add(time_us, SUBTYPES[peer.wide, False], head, body, place)
        elif kind in ("UPDATE", "A", "W"):
            for body in updates(_fields(kind, text)):
                peer.table.add(time_us, SUBTYPES[True, False], peer.head.wide, body, place)
        elif kind == "KEEPALIVE":
            peer.table.add(time_us, SUBTYPES[True, False], peer.head.wide, KEEPALIVE, place)
        elif kind in STATE_TYPES:
            self._state(peer, data.state, time_us, place)
        else:
            counts.note_unsupported(f"message type {kind[:40]!r} without its octets")
            return
        counts.kinds["STATE" if kind in STATE_TYPES else _KINDS.get(kind, "other")] += 1

    def _state(self, peer: _Peer, state: str | None, time_us: int, place: int) -> None:
        new = STATES.get(state or "")
        if new is None:
            raise ValueError(f"a session state '{(state or '')[:40]}'")
        peer.width_known = False
        peer.table.add_state(time_us, peer.head, UNKNOWN, new, place)
        about = (time_us, peer.table.collector, peer.head.text, peer.head.asn)
        if new == ESTABLISHED:
            self._events.append(SessionUp(*about))
        elif new == IDLE:
            self._events.append(SessionDown(*about, "the session ended"))

    def _new_peer(self, data: Data) -> _Peer:
        host = data.host or data.service.removeprefix("ripe-ris|")
        name = host.removesuffix(DOMAIN)
        if not COLLECTOR.fullmatch(name):
            raise ValueError(f"a collector '{host[:60]}'")
        if not 0 <= data.peer_asn < 1 << 32:
            raise ValueError(f"a peer's AS number of {data.peer_asn}")
        head = PeerHead(data.peer_asn, _peer_address(data.peer))
        table = self.collectors.get(name)
        if table is None:
            if len(self.collectors) >= COLLECTORS_LIMIT:
                raise ValueError("more collectors than there are")
            table = self.collectors[name] = FeedTable(name)
        if len(self._peers) >= PEERS_LIMIT:
            self._peers.clear()
        peer = self._peers[data.host or data.service, data.peer, data.peer_asn] = _Peer(table, head)
        return peer

    def take(self) -> FeedBatch:
        """Blocks and events since the last call."""
        events, self._events = self._events, []
        blocks = [block for table in self.collectors.values() for block in table.blocks(self.counts)]
        return FeedBatch(blocks, events)


_KINDS = {
    "UPDATE": "UPDATE", "OPEN": "OPEN", "NOTIFICATION": "NOTIFICATION", "KEEPALIVE": "KEEPALIVE",
    "ROUTE_REFRESH": "ROUTE_REFRESH", "A": "UPDATE", "W": "UPDATE",
}  # fmt: skip


def _fields(kind: str, text: bytes) -> Fields:
    """What an UPDATE says that came without its message."""
    update: Update = _update_frame(text).data if kind == "UPDATE" else _bare_update(text)
    communities: Any = update.community or ()
    if kind == "UPDATE":
        announced = [(each.next_hop, each.prefixes) for each in update.announcements or ()]
        withdrawn = update.withdrawals or ()
    else:
        communities = [(each.get("asn", -1), each.get("value", -1)) for each in update.communities or ()]
        if update.prefix is None:
            raise ValueError("a message about no prefix")
        announced = [(update.next_hop or "", [update.prefix])] if kind == "A" else []
        withdrawn = () if kind == "A" else [update.prefix]
    return Fields(update.path or (), update.origin, update.med, communities, update.aggregator, announced, withdrawn)


def _peer_address(text: str) -> bytes:
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):
        raise ValueError(f"a peer '{text[:60]}'") from None


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)[:200] or type(error).__name__
