"""Peers of a router that speaks BMP: in which table each of them is, and what its session agreed on."""

from collections import defaultdict
from dataclasses import dataclass

from duskwatch.sources.bgp.formats.bgp_open import CAN_RECEIVE, CAN_SEND, with_path_ids
from duskwatch.sources.bgp.formats.bmp_parts import LOC_RIB, NARROW, OUTWARDS, PeerKey, PeerUp
from duskwatch.sources.bgp.formats.feed_events import AddressFamily
from duskwatch.sources.bgp.formats.feed_table import FeedTable, PeerHead

NO_PATHS: frozenset[AddressFamily] = frozenset()
IP_FAMILIES = frozenset({(1, 1), (1, 2), (2, 1), (2, 2)})  # those whose routes are read


@dataclass(frozen=True, slots=True)
class Limits:
    """What one router may make us hold."""

    message_octets: int = 1 << 18  # two OPENs of 4,096 octets and their TLVs are the longest that is known
    peers: int = 1 << 14  # each once for each table
    tables: int = 1 << 12


DEFAULT_LIMITS = Limits()


class Peer:
    """A peer in one table of a router. ``table`` is None where the table is not wanted."""

    __slots__ = ("all_ids", "head", "key", "path_ids", "sent_any", "since_us", "table", "up", "wide", "width_known")

    def __init__(self, key: PeerKey, table: FeedTable | None) -> None:
        self.key, self.table = key, table
        self.head = PeerHead(key.asn, key.address)
        self.forget()

    @property
    def direction(self) -> int:
        """Flags of an ADD-PATH capability that speak of its routes: what the router receives, sends, or holds."""
        if self.key.type == LOC_RIB:
            return CAN_RECEIVE | CAN_SEND
        return CAN_SEND if self.key.flags & OUTWARDS else CAN_RECEIVE

    def forget(self) -> None:
        """Back to what is known before a session."""
        self.up = self.sent_any = False
        # What the A flag says (RFC 7854 section 4.2) until a path shows something else: some routers set it wrongly.
        self.wide = self.key.type == LOC_RIB or not self.key.flags & NARROW
        self.width_known = False
        self.path_ids = NO_PATHS  # address families whose prefixes carry path identifiers
        self.all_ids = False  # all address families of the session do
        self.since_us = 0


class BmpPeers:
    """All peers of one router, by the octets of the per-peer header that tell them apart."""

    def __init__(self, router: str, views: frozenset[str], limits: Limits) -> None:
        self.by_header: dict[bytes, Peer] = {}
        self.tables: dict[str, FeedTable] = {}
        self._by_session: defaultdict[tuple[int, bytes, bytes, int], list[Peer]] = defaultdict(list)
        self._opens: dict[tuple[int, bytes, bytes, int], tuple[PeerUp, int]] = {}
        self._router, self._views, self._limits = router, views, limits

    @property
    def octets(self) -> int:
        """Octets that wait in the tables."""
        return sum(table.octets for table in self.tables.values())

    def add(self, header: bytes, key: PeerKey) -> tuple[Peer | None, str]:
        """A peer not met before, or None and the reason why it is not taken."""
        if key.type > LOC_RIB:
            return None, f"a peer of type {key.type}, which is none of RFC 7854 and RFC 9069"
        if len(self.by_header) >= self._limits.peers:
            return None, "more peers than the limit for one router"
        table = None
        if key.view in self._views:
            name = "/".join(part for part in (self._router, _suffix(key.view), key.instance) if part)
            table = self.tables.get(name)
            if table is None:
                if len(self.tables) >= self._limits.tables:
                    return None, "more routing tables than the limit for one router"
                table = self.tables[name] = FeedTable(name)
        peer = self.by_header[header] = Peer(key, table)
        self._by_session[key.session].append(peer)
        opened = self._opens.get(key.session)
        if opened is not None:
            _agree(peer, *opened)
        return peer, ""

    def up(self, peer: Peer, found: PeerUp, time_us: int) -> None:
        """A session began; what was agreed holds for all tables that the peer is in (RFC 8671 section 5)."""
        self._opens[peer.key.session] = found, time_us
        peer.forget()
        peer.up = peer.sent_any = True
        for each in self._by_session[peer.key.session]:
            _agree(each, found, time_us)

    def down(self, peer: Peer) -> None:
        """A session ended."""
        self._opens.pop(peer.key.session, None)
        peer.forget()

    def tables_of(self, peer: Peer) -> list[Peer]:
        """The peer in each table that has its session."""
        return self._by_session[peer.key.session]


def _agree(peer: Peer, found: PeerUp, time_us: int) -> None:
    outwards = peer.key.type != LOC_RIB and bool(peer.key.flags & OUTWARDS)
    peer.path_ids = IP_FAMILIES & with_path_ids(found.sent, found.received, outwards, peer.key.type == LOC_RIB)
    spoken = IP_FAMILIES & found.sent.address_families & found.received.address_families
    peer.all_ids = bool(peer.path_ids) and spoken <= peer.path_ids
    peer.since_us = time_us


def _suffix(view: str) -> str:
    return "" if view == "adj-rib-in" else view
