"""The made-up Internet around a case: countries, their prefixes, collectors, peers, and paths between them.

Nothing here can be mistaken for a measurement: other countries' prefixes come out of 10.0.0.0/8 (RFC 1918) and
3fff::/20 (RFC 9637), AS numbers are those for private use (RFC 6996) or documentation (RFC 5398), addresses of peers
those for documentation (RFC 5737, RFC 3849), and collectors have names that no collector has.
"""

import ipaddress
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from duskwatch.cases.case import Case, CollectorPlan
from duskwatch.cases.toml_table import CaseError
from duskwatch.records.prefix import Prefix
from duskwatch.sources.bgp.formats import mrt_write as mrt

PATHS = 5  # path variants per route; 0 is the usual one
TRANSITS = tuple(range(64513, 64521))
COLLECTOR_ASN = 64512
FIRST_NATIONAL_ASN = 4_200_000_000
ASNS_PER_COUNTRY = 1000
SLASH24S = 1 << 16  # in 10.0.0.0/8
PEER_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
PEER_ASNS = tuple(asn for pair in zip(range(64496, 64512), range(65536, 65552), strict=True) for asn in pair)

Feed = Literal["full", "partial", "ipv6"]


@dataclass(frozen=True, slots=True)
class Country:
    """A country of the background: what was delegated to it, and the rows of its prefixes on the stage."""

    code: str
    registry: str
    ipv4: tuple[str, int]  # first address, number of addresses
    ipv6: tuple[str, int] | None  # first address, prefix length
    asns: tuple[int, int]  # first AS number, how many
    prefixes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """One peer of one collector and what it carries (rows of the stage's prefixes)."""

    collector: str
    number: int  # among the collector's sessions
    peer: mrt.Peer
    local: mrt.Peer
    feed: Feed
    carries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """All of it. The case's own prefixes are the first rows. P prefixes, G groups of one origin."""

    prefixes: tuple[Prefix, ...]  # [P]
    group_of: tuple[int, ...]  # [P] group of each prefix
    groups: tuple[tuple[int, ...], ...]  # [G] prefixes that one AS originates, of one address family
    origins: tuple[int, ...]  # [G] that AS
    transits: tuple[tuple[int, ...], ...]  # [G] the ASes before it, one or more
    countries: tuple[Country, ...]
    sessions: Mapping[str, tuple[Session, ...]]  # by collector
    case_prefixes: int  # how many prefixes are the case's

    def path(self, session: Session, group: int, variant: int) -> tuple[int, ...]:
        """AS path of a group's route at a peer. Variants differ in transit, length and prepending."""
        origin, before = self.origins[group], self.transits[group]
        here = session.peer.asn
        a, b = (TRANSITS[(here * 7 + group * (3 + way) + way * 5) % len(TRANSITS)] for way in (0, 1))
        if a == b:
            b = TRANSITS[(TRANSITS.index(a) + 1) % len(TRANSITS)]
        first, last = before[0], before[-1]
        return (
            (here, a, first, origin),
            (here, b, first, origin),
            (here, a, b, last, origin),
            (here, a, first, origin, origin),
            (here, b, a, b + 8, last, origin),
        )[variant]

    def route(self, session: Session, group: int, variant: int) -> mrt.Route:
        """The same with its other attributes."""
        path = self.path(session, group, variant)
        transit = path[1]
        return mrt.Route(
            path,
            session.peer.address,
            origin=2 if group % 11 == 0 else 0,
            med=(group * 10 % 200) if session.number % 3 == 1 else None,
            communities=((transit, 100 + variant), (transit, 3000 + group % 40)) if session.number % 2 == 0 else (),
            aggregator=(path[-1], "192.0.2.1") if group % 17 == 3 else None,
            atomic_aggregate=group % 17 == 3,
        )


def build_stage(case: Case, seed: int, scale: float) -> Stage:
    """Make up everything around the case's own prefixes. CaseError where the scale asks for too much."""
    rng = random.Random(f"{seed}/stage")
    prefixes = list(case.prefixes)
    groups = [tuple(range(len(prefixes)))]
    origins = [case.origin]
    transits: list[tuple[int, ...]] = [(case.upstream,)]
    countries = []
    next24 = 0
    codes = [(code, registry) for registry, codes in case.background.countries.items() for code in codes]
    for row, (code, registry) in enumerate(sorted(codes)):
        wanted = _size(rng, case.background.prefixes, scale)
        lengths = sorted(rng.choices((24, 23, 22, 21), (60, 18, 14, 8), k=wanted))
        room = 1 << math.ceil(math.log2(sum(1 << (24 - length) for length in lengths)))
        next24 = -(-next24 // room) * room
        if next24 + room > SLASH24S:
            raise CaseError(f"scale {scale:g} asks for more background than fits in 10.0.0.0/8; use a smaller one")
        blocks4 = _blocks(10 << 24 | next24 << 8, lengths)
        own6 = _blocks6(row, max(1, wanted // 4)) if rng.random() < 0.4 else []
        first_asn = FIRST_NATIONAL_ASN + ASNS_PER_COUNTRY * row
        national = tuple(first_asn + n for n in range(1 if wanted < 8 else rng.choice((2, 3))))
        rows: list[int] = []
        asn = first_asn + 10
        for blocks in (blocks4, own6):
            at = 0
            while at < len(blocks):
                take = min(len(blocks) - at, rng.choice((1, 1, 2, 3, 5, 8)))
                groups.append(tuple(range(len(prefixes), len(prefixes) + take)))
                rows += groups[-1]
                prefixes += blocks[at : at + take]
                origins.append(asn)
                transits.append(tuple(rng.sample(national, min(2, len(national)))))
                asn = first_asn + 10 + (asn - first_asn - 9) % (ASNS_PER_COUNTRY - 10)
                at += take
        first6 = (f"3fff:{row:x}::", 32) if own6 else None
        countries.append(
            Country(
                code,
                registry,
                (str(ipaddress.IPv4Address(10 << 24 | next24 << 8)), room << 8),
                first6,
                (first_asn, ASNS_PER_COUNTRY),
                tuple(rows),
            )
        )
        next24 += room
    group_of = tuple(number for number, group in enumerate(groups) for _ in group)
    stage = Stage(
        tuple(prefixes),
        group_of,
        tuple(groups),
        tuple(origins),
        tuple(transits),
        tuple(countries),
        {},
        len(case.prefixes),
    )
    return _with_sessions(stage, case, rng)


def _size(rng: random.Random, bounds: tuple[int, int], scale: float) -> int:
    low, high = (math.log(bound) for bound in bounds)
    return max(1, round(math.exp(rng.uniform(low, high)) * scale))


def _blocks(first: int, lengths: list[int]) -> list[Prefix]:
    """Prefixes one after the other, the largest first, so that each is aligned."""
    out = []
    for length in lengths:
        out.append(Prefix(1, first << 32, 0, length))
        first += 1 << (32 - length)
    return out


def _blocks6(row: int, count: int) -> list[Prefix]:
    """/48s of the country's /32 in 3fff::/20."""
    return [Prefix(2, 0x3FFF << 48 | row << 32 | number << 16, 0, 48) for number in range(min(count, 1 << 16))]


def _with_sessions(stage: Stage, case: Case, rng: random.Random) -> Stage:
    if len(case.collectors) > len(PEER_NETWORKS):
        raise CaseError(f"{case.name}: assumptions.collectors: at most {len(PEER_NETWORKS)}")
    ipv4 = tuple(row for row, prefix in enumerate(stage.prefixes) if prefix.afi == 1)
    ipv6 = tuple(row for row, prefix in enumerate(stage.prefixes) if prefix.afi == 2)
    keepers = {trap.collector for trap in case.traps if trap.kind == "stuck-route"}
    sessions: dict[str, tuple[Session, ...]] = {}
    taken = 0
    for place, plan in enumerate(case.collectors):
        out: list[Session] = []
        counts: tuple[tuple[Feed, int], ...] = (
            ("full", plan.full_feed_peers),
            ("partial", plan.partial_peers),
            ("ipv6", plan.ipv6_peers),
        )
        feeds = [feed for feed, count in counts for _ in range(count)]
        for number, feed in enumerate(feeds):
            asn = PEER_ASNS[taken] if taken < len(PEER_ASNS) else FIRST_NATIONAL_ASN + 90_000_000 + taken
            taken += 1
            # One network peers with the first and with the last collector, as large ones do.
            if number == 0 and place == len(case.collectors) - 1 and place > 0:
                asn = sessions[case.collectors[0].name][0].peer.asn
            if feed == "partial":
                keeps = plan.name in keepers and feeds.index("partial") == number
                carries = _partial(stage, rng, case.background.partial_share, keeps)
            else:
                carries = ipv6 if feed == "ipv6" else ipv4
            out.append(_session(plan, place, number, asn, feed, carries))
        sessions[plan.name] = tuple(out)
    return Stage(
        stage.prefixes,
        stage.group_of,
        stage.groups,
        stage.origins,
        stage.transits,
        stage.countries,
        sessions,
        stage.case_prefixes,
    )


def _partial(stage: Stage, rng: random.Random, share: float, with_own: bool) -> tuple[int, ...]:
    """Prefixes of some groups; the case's own only where the peer is to keep them."""
    chosen = list(range(stage.case_prefixes)) if with_own else []
    for group in stage.groups[1:]:
        if stage.prefixes[group[0]].afi == 1 and rng.random() < share:
            chosen += group
    return tuple(chosen)


def _session(plan: CollectorPlan, place: int, number: int, asn: int, feed: Feed, carries: tuple[int, ...]) -> Session:
    bgp_id = f"{PEER_NETWORKS[place]}.{10 + number}"
    if feed == "ipv6":
        peer = mrt.Peer(asn, f"2001:db8:{place + 1:x}::{10 + number:x}", bgp_id)
        local = mrt.Peer(COLLECTOR_ASN, f"2001:db8:{place + 1:x}::1", f"{PEER_NETWORKS[place]}.1")
    else:
        peer = mrt.Peer(asn, bgp_id, bgp_id)
        local = mrt.Peer(COLLECTOR_ASN, f"{PEER_NETWORKS[place]}.1", f"{PEER_NETWORKS[place]}.1")
    return Session(plan.name, number, peer, local, feed, carries)
