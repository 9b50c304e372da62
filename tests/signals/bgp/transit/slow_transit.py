"""Links, single points of failure and changes by dictionaries, sharing no code with what they check."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from ipaddress import ip_network

from tests.signals.bgp.transit.slow_hegemony import Path, Session, Table, members, net_sizes


def link_of(path: Path, own: set[int] | None) -> tuple[int, int] | None:
    """(AS just outside, AS just inside) of a path; None where it never leaves. ``own`` None: the origin alone."""
    inside = 0
    mine = {path[-1]} - {0} if own is None and isinstance(path[-1], int) else own or set()
    for place, hop in enumerate(reversed(path)):
        if isinstance(hop, tuple) or hop not in mine or (own is None and place):
            return (0 if isinstance(hop, tuple) else hop), inside
        inside = hop
    return None


def links(
    table: Table, voters: Iterable[Session], counted: set[str], own: set[int] | None, family: int = 4
) -> dict[tuple[int, int], tuple[float, float, int]]:
    """By link: share, reached (addresses), peer ASes; each peer AS the mean of its sessions that see any enter."""
    by_peer: dict[int, list[dict]] = defaultdict(list)
    for session in set(voters):
        held = {prefix: path for (one, prefix), path in table.items() if one == session}
        held = {prefix: path for prefix, path in held.items() if (":" in prefix) == (family == 6)}
        sums: dict = defaultdict(float)
        for prefix, size in net_sizes(held).items():
            if prefix in counted and size and held[prefix] and (link := link_of(held[prefix], own)) is not None:
                sums[link] += size
        if sums:
            by_peer[session[1]].append(sums)
    out: dict = {}
    for link in {link for peers in by_peer.values() for sums in peers for link in sums}:
        shares, reached, users = [], [], 0
        for peers in by_peer.values():
            shares.append(sum(sums.get(link, 0.0) / sum(sums.values()) for sums in peers) / len(peers))
            reached.append(sum(sums.get(link, 0.0) for sums in peers) / len(peers))
            users += any(link in sums for sums in peers)
        out[link] = sum(shares) / len(shares), sum(reached) / len(reached), users
    return out


def ahead(path: Path) -> set[int]:
    """The ASes that a path surely passes on its way to the origin: not one of an AS_SET, nor the origin once more."""
    alone = [members(hop)[0] if len(members(hop)) == 1 else 0 for hop in path]
    return set(alone[:-1]) - {0, *alone[-1:]}


def reliance(
    table: Table, voters: Iterable[Session], counted: set[str], family: int = 4, known_only: bool = False
) -> tuple[dict[int, tuple[int, int]], int]:
    """By AS: addresses lost without it, and those that nobody has otherwise; and what is visible."""
    voters = set(voters)
    everything = {prefix for _, prefix in table if (":" in prefix) == (family == 6)}
    sizes = net_sizes(everything)
    lost: Counter = Counter()
    only: Counter = Counter()
    visible = 0
    for prefix in counted & everything:
        size = sizes.get(prefix, 0)
        if size <= 0:
            continue
        found: dict[Session, list[Path]] = defaultdict(list)
        for session in voters:
            network = ip_network(prefix)
            while network.prefixlen:
                if (session, str(network)) in table:
                    found[session].append(table[session, str(network)])
                    break
                network = network.supernet()
        by_voter: dict[int, list[Path]] = defaultdict(list)
        for session, paths in found.items():
            by_voter[session[1]] += paths
        all_voters = len(by_voter) if known_only else len({session[1] for session in voters})
        if 2 * len(by_voter) <= all_voters:
            continue
        visible += size
        for asn in {asn for paths in by_voter.values() for path in paths for asn in ahead(path)}:
            avoid = sum(any(asn not in ahead(path) for path in paths) for paths in by_voter.values())
            if asn and 2 * avoid <= all_voters:
                lost[asn] += size
                only[asn] += size if not avoid else 0
    return {asn: (lost[asn], only[asn]) for asn in lost}, visible
