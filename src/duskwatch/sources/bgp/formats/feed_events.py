"""What a feed says beside routes: sessions that come and go, routers that introduce themselves, ends of tables."""

from dataclasses import dataclass, field

AddressFamily = tuple[int, int]  # AFI and SAFI


@dataclass(frozen=True, slots=True)
class RouterInfo:
    """A router introduced itself (RFC 7854 section 4.3)."""

    router: str
    name: str  # sysName
    description: str  # sysDescr
    text: str = ""


@dataclass(frozen=True, slots=True)
class RouterClosed:
    """A router ended its BMP session and said why (RFC 7854 section 4.5)."""

    router: str
    reason: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class SessionUp:
    """A session of a peer came up; its table follows."""

    time_us: int  # event time
    collector: str
    peer: str  # address
    asn: int
    bgp_id: str = ""
    local: str = ""  # address of the router's side
    table: str = ""  # name of the routing table, where the router says one
    families: tuple[AddressFamily, ...] = ()  # address families that both sides speak; documented by this name
    path_ids: tuple[AddressFamily, ...] = ()  # whose routes carry path identifiers (RFC 7911)
    wide: bool = True  # AS numbers of four octets


@dataclass(frozen=True, slots=True)
class SessionDown:
    """A session of a peer ended, or nothing more will be said of it; its routes are no longer known."""

    time_us: int
    collector: str
    peer: str
    asn: int
    reason: str
    # False where the router only stopped to tell of the peer, or was itself lost: nothing is known of the session.
    ended: bool = True


@dataclass(frozen=True, slots=True)
class EndOfRib:
    """A peer, or a router on its behalf, has sent its whole table of one address family (RFC 4724 section 2)."""

    time_us: int
    collector: str
    peer: str
    asn: int
    family: AddressFamily  # documented by this name


@dataclass(frozen=True, slots=True)
class StatisticsReport:
    """Counters of a router about one peer (RFC 7854 section 4.8): type to value, and of one address family."""

    time_us: int
    collector: str
    peer: str
    asn: int
    values: dict[int, int] = field(default_factory=dict)
    of_family: dict[tuple[int, int, int], int] = field(default_factory=dict)  # (type, AFI, SAFI) to value


@dataclass(frozen=True, slots=True)
class FeedError:
    """The other side of a feed says that something is wrong."""

    source: str
    text: str


FeedEvent = RouterInfo | RouterClosed | SessionUp | SessionDown | EndOfRib | StatisticsReport | FeedError
