"""BMP (RFC 7854, 8671, 9069, 9736) into blocks of elems, one table for each view that a router gives of its routes."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from duskwatch.records.elems import Damage
from duskwatch.records.times import SECOND
from duskwatch.sources.bgp.formats.bmp_parts import (
    ALL_VIEWS,
    BODY_AT,
    COMMON_HEADER,
    DOWN_REASONS,
    NAMES,
    NOT_MONITORED,
    PEER_AT,
    Type,
    messages_in,
    read_initiation,
    read_mirrored,
    read_peer,
    read_peer_up,
    read_statistics,
    read_termination,
)
from duskwatch.sources.bgp.formats.bmp_peers import DEFAULT_LIMITS, BmpPeers, Limits, Peer
from duskwatch.sources.bgp.formats.feed_counts import ClockRules, FeedCounts
from duskwatch.sources.bgp.formats.feed_events import (
    AddressFamily,
    EndOfRib,
    FeedEvent,
    RouterClosed,
    RouterInfo,
    SessionDown,
    SessionUp,
    StatisticsReport,
)
from duskwatch.sources.bgp.formats.feed_table import (
    ESTABLISHED,
    IDLE,
    LONGEST_MESSAGE,
    SUBTYPES,
    UNKNOWN,
    FeedBatch,
    path_width,
)
from duskwatch.sources.bgp.formats.update_parts import IPV4_UNICAST, end_of_rib, families_inside, split

VERSIONS = (3, 4)
HEADER_EXPECTED = "a BMP header of version 3 or 4 (RFC 7854 section 4.1)"
TOO_SHORT = "the message is shorter than its fixed fields"
EVENT_OCTETS = 256
LOST = "the connection to the router was lost"

_times = struct.Struct("!II").unpack_from
_length = struct.Struct("!I").unpack_from
# Where the stamp of a per-peer header stands in a message, and what tells the peer apart from all others.
STAMP_AT, PEER_END = PEER_AT + 34, PEER_AT + 34


@dataclass(frozen=True, slots=True)
class BmpOptions:
    """What a reader takes. ``views``: of a router's tables, by ALL_VIEWS; messages of others are counted."""

    views: frozenset[str] = ALL_VIEWS
    clock: ClockRules | None = None
    limits: Limits = DEFAULT_LIMITS


class BmpReader:
    """Blocks and events out of what one router sends, and what was wrong with it.

    ``feed`` takes bytes of the TCP stream as they come, ``message`` whole messages; ``take`` gives what became of them.
    A table is named after the router, the view, and the routing instance where it is not the default one. No bytes,
    however broken, raise an exception here; after ``damage`` is set, nothing more is read.
    """

    def __init__(self, router: str, options: BmpOptions = BmpOptions(), counts: FeedCounts | None = None) -> None:
        self.router = router
        self.counts = FeedCounts() if counts is None else counts
        self.damage: Damage | None = None
        self.info: RouterInfo | None = None
        self.closed: RouterClosed | None = None
        self._options = options
        self._peers = BmpPeers(router, options.views, options.limits)
        self._events: list[FeedEvent] = []
        self._held = b""
        self._at = 0  # offset of the held bytes
        self.last_us = 0  # event time of the last message that has one

    @property
    def waiting(self) -> int:
        """Octets that wait to be taken or completed; an event counts as EVENT_OCTETS."""
        return self._peers.octets + len(self._held) + EVENT_OCTETS * len(self._events)

    @property
    def tables(self) -> list[str]:
        """Names of the tables that were announced."""
        return list(self._peers.tables)

    @property
    def peers(self) -> int:
        """Peers that were announced, each once for each of its tables."""
        return len(self._peers.by_header)

    def feed(self, data: bytes, received_us: int | None = None) -> None:
        """Take the next bytes of the stream. ``received_us``: our clock, None where the time says nothing."""
        if self.damage is not None:
            return
        data = self._held + data if self._held else data
        at, size, longest = 0, len(data), self._options.limits.message_octets
        while at + COMMON_HEADER <= size:
            (length,) = _length(data, at + 1)
            if data[at] not in VERSIONS or not COMMON_HEADER <= length <= longest:
                self._broken(at, data[at : at + COMMON_HEADER])
                return
            if at + length > size:
                break
            self.message(data[at : at + length], received_us, self._at + at)
            at += length
        self._held = data[at:]
        self._at += at

    def begin(self) -> None:
        """The router has connected anew: another stream begins, of the same tables."""
        self.damage = self.closed = None
        self._held, self._at = b"", 0

    def _broken(self, at: int, found: bytes) -> None:
        self.damage = Damage(self._at + at, HEADER_EXPECTED, found.hex(" "))
        self._held = b""

    def finish(self) -> None:
        """No bytes will follow: a message that is not whole is damage."""
        if self._held and self.damage is None:
            self.damage = Damage(self._at, "a whole BMP message", f"the end after {len(self._held)} bytes of it")
        self._held = b""

    def message(self, data: bytes, received_us: int | None, place: int) -> None:
        """Take one message with its header; ``place`` is what bad ones are counted under."""
        counts = self.counts
        counts.messages += 1
        counts.octets += len(data)
        if len(data) < COMMON_HEADER or data[0] not in VERSIONS or _length(data, 1)[0] != len(data):
            counts.kinds["none"] += 1
            counts.note_bad(place, f"no BMP message: its header is {data[:COMMON_HEADER].hex(' ')}")
            return
        kind = data[5]
        if kind == Type.ROUTE_MONITORING and len(data) >= BODY_AT:
            counts.kinds["route monitoring"] += 1
            self._routes(data, received_us, place)
            return
        name = NAMES.get(kind, "")
        if not name:
            counts.note_unsupported(f"BMP message type {kind}")
            return
        counts.kinds[name] += 1
        try:
            if kind == Type.INITIATION:
                self.info = RouterInfo(self.router, *read_initiation(data))
                self._events.append(self.info)
            elif kind == Type.TERMINATION:
                self._termination(data, received_us)
            elif len(data) < BODY_AT:
                counts.note_bad(place, TOO_SHORT)
            elif kind == Type.PEER_UP:
                self._peer_up(data, received_us, place)
            elif kind == Type.PEER_DOWN:
                self._peer_down(data, received_us, place)
            elif kind == Type.STATISTICS:
                self._statistics(data, received_us, place)
            else:
                counts.kinds.update(read_mirrored(data))
        except ValueError as error:
            counts.note_bad(place, str(error))

    def _peer(self, data: bytes, place: int) -> Peer | None:
        peer = self._peers.by_header.get(data[PEER_AT:PEER_END])
        if peer is None:
            peer, fault = self._peers.add(data[PEER_AT:PEER_END], read_peer(data, PEER_AT))
            if fault:
                self.counts.note_bad(place, fault)
        return peer

    def _event_us(self, data: bytes, received_us: int | None, floor_us: int) -> int:
        seconds, rest = _times(data, STAMP_AT)
        stamp = seconds * SECOND + (rest if rest < SECOND else SECOND - 1) if seconds else 0
        self.last_us = self.counts.event_us(stamp, received_us, floor_us, self.last_us, self._options.clock)
        return self.last_us

    def _routes(self, data: bytes, received_us: int | None, place: int) -> None:
        peer = self._peer(data, place)
        if peer is None:
            return
        table = peer.table
        if table is None:
            self.counts.left_out[peer.key.view] += 1
            return
        floor_us = peer.since_us if self._options.clock is not None else 0
        time_us = self._event_us(data, received_us, floor_us)
        body = data[BODY_AT:]
        if data[0] == 3 and len(body) >= 19 and body[16] << 8 | body[17] == len(body):
            self._update(peer, body, peer.path_ids, time_us, place)
            return
        found, paths, fault = messages_in(data, BODY_AT, data[0])
        marked = {address_family for address_family, flags in paths.items() if flags & peer.direction}
        path_ids = peer.path_ids - paths.keys() | marked
        for each in found:
            self._update(peer, each, path_ids, time_us, place)
        if fault:
            self.counts.note_bad(place, fault)

    def _update(self, peer: Peer, body: bytes, path_ids: frozenset[AddressFamily], time_us: int, place: int) -> None:
        table = peer.table
        if table is None:
            return
        if len(body) > LONGEST_MESSAGE:
            self.counts.note_bad(place, "a BGP message longer than any (RFC 8654)")
            return
        if len(body) <= 30:
            address_family = end_of_rib(body)
            if address_family is not None:
                self._events.append(EndOfRib(time_us, table.collector, peer.head.text, peer.key.asn, address_family))
        if not peer.width_known:
            width = path_width(body)
            if width:
                peer.width_known, peer.wide = True, width == 4
        wide = peer.wide
        head = peer.head.wide if wide else peer.head.narrow
        peer.sent_any = True
        if not path_ids or (peer.all_ids and path_ids is peer.path_ids):
            table.add(time_us, SUBTYPES[wide, bool(path_ids)], head, body, place)
            return
        outside, inside = families_inside(body)
        parts: Iterable[tuple[bytes, bool]] = [(body, bool(inside & path_ids) if inside else IPV4_UNICAST in path_ids)]
        if outside and inside and (IPV4_UNICAST in path_ids) != bool(inside & path_ids):
            one, other = split(body)
            parts = [(one, IPV4_UNICAST in path_ids), (other, bool(inside & path_ids))]
        for part, with_ids in parts:
            table.add(time_us, SUBTYPES[wide, with_ids], head, part, place)

    def _peer_up(self, data: bytes, received_us: int | None, place: int) -> None:
        key = read_peer(data, PEER_AT)
        found = read_peer_up(data, len(key.address) == 16)
        peer = self._peer(data, place)
        if peer is None:
            return
        time_us = self._event_us(data, received_us, 0)
        was_up = peer.up
        self._peers.up(peer, found, time_us)
        table = peer.table
        if table is None:
            self.counts.left_out[key.view] += 1
            return
        if was_up:  # the end of the session before was not sent; what it held is not known to be there
            table.add_state(time_us, peer.head, ESTABLISHED, IDLE, place)
        table.add_state(time_us, peer.head, IDLE, ESTABLISHED, place)
        self._events.append(
            SessionUp(
                time_us,
                table.collector,
                peer.head.text,
                key.asn,
                found.received.bgp_id,
                found.local,
                found.table,
                tuple(sorted(found.sent.address_families & found.received.address_families)),
                tuple(sorted(peer.path_ids)),
                found.sent.wide and found.received.wide,
            )
        )

    def _peer_down(self, data: bytes, received_us: int | None, place: int) -> None:
        if len(data) == BODY_AT:
            raise ValueError(TOO_SHORT)
        peer = self._peer(data, place)
        if peer is None:
            return
        code = data[BODY_AT]
        reason = DOWN_REASONS.get(code, f"reason {code}")
        time_us = self._event_us(data, received_us, 0)
        for each in self._peers.tables_of(peer):
            self._down(each, time_us, reason, code != NOT_MONITORED, place)

    def _down(self, peer: Peer, time_us: int, reason: str, ended: bool, place: int) -> None:
        was_there = peer.up or peer.sent_any
        self._peers.down(peer)
        if peer.table is None:
            return
        # FRR tells each failed attempt to connect as the end of a session.
        peer.table.add_state(time_us, peer.head, ESTABLISHED if was_there else UNKNOWN, IDLE, place)
        if not was_there:
            return
        self._events.append(SessionDown(time_us, peer.table.collector, peer.head.text, peer.key.asn, reason, ended))

    def lost(self, time_us: int, reason: str = LOST) -> None:
        """The connection ended: nothing is known of any peer from now on, and half a message is dropped."""
        for peer in self._peers.by_header.values():
            if peer.up or peer.sent_any:
                self._down(peer, max(time_us, self.last_us), reason, False, self._at)
        self._held = b""

    def _statistics(self, data: bytes, received_us: int | None, place: int) -> None:
        values, of_family = read_statistics(data)
        peer = self._peer(data, place)
        if peer is None:
            return
        time_us = self._event_us(data, received_us, 0)
        collector = peer.table.collector if peer.table is not None else self.router
        self._events.append(StatisticsReport(time_us, collector, peer.head.text, peer.key.asn, values, of_family))

    def _termination(self, data: bytes, received_us: int | None) -> None:
        reason, text = read_termination(data)
        self.closed = RouterClosed(self.router, reason, text)
        self._events.append(self.closed)
        self.lost(self.last_us if received_us is None else received_us, f"the router ended its reports: {reason}")

    def take(self) -> FeedBatch:
        """Blocks and events since the last call."""
        events, self._events = self._events, []
        blocks = [block for table in self._peers.tables.values() for block in table.blocks(self.counts)]
        return FeedBatch(blocks, events)
