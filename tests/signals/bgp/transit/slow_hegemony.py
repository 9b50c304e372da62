"""AS hegemony by dictionaries from the text of `bgpdump -m`, sharing no code with what it checks. Slow on purpose."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from ipaddress import ip_address, ip_network

Path = tuple  # hops from peer to origin; an AS_SET is a tuple of its members
Session = tuple[str, int]  # address, AS
Table = dict[tuple[Session, str], Path]


def path_of(text: str) -> Path:
    """A field of bgpdump's: sets as tuples, nothing twice in a row, no confederations."""
    hops: list = []
    for word in text.split():
        if word.startswith(("(", "[")):
            continue
        members = tuple(sorted({int(asn) for asn in word.strip("{}").split(",")}))
        hop = members if word.startswith("{") and len(members) > 1 else members[0]
        if not hops or hops[-1] != hop:
            hops.append(hop)
    return tuple(hops)


@cache
def plain(prefix: str) -> str:
    """As RFC 5952 has it: bgpdump writes :: for a single group too."""
    return str(ip_network(prefix))


def table_of(lines: Iterable[str], until_s: float = float("inf")) -> Table:
    """Who holds what path to which prefix once all lines of a time were read."""
    table: Table = {}
    for line in lines:
        fields = line.rstrip("\n").split("|")
        if int(fields[1]) > until_s:
            continue
        session = str(ip_address(fields[3])), int(fields[4])
        if fields[2] in ("B", "A"):
            table[session, plain(fields[5])] = path_of(fields[6])
        elif fields[2] == "W":
            table.pop((session, plain(fields[5])), None)
        elif fields[2] == "STATE" and fields[5] == "6" and fields[6] != "6":
            table = {key: path for key, path in table.items() if key[0] != session}
    return table


def members(hop: int | tuple) -> tuple:
    return hop if isinstance(hop, tuple) else (hop,)


def shares(path: Path) -> dict[int, float]:
    """The ASes of a path, each with its share: 1, or 1 / k of a set of k."""
    out: dict[int, float] = {}
    for hop in path:
        for asn in members(hop):
            if asn:
                out[asn] = max(out.get(asn, 0.0), 1 / len(members(hop)))
    return out


def net_sizes(prefixes: Iterable[str]) -> dict[str, int]:
    """Addresses of each prefix that no other of them, inside it, has; 1 of an IPv6 prefix."""
    known = {network: 0 for network in map(ip_network, prefixes) if network.prefixlen}
    for network in known:
        known[network] += network.num_addresses if network.version == 4 else 1
        if network.version == 4:
            above = network
            while above.prefixlen > 1:
                above = above.supernet()
                if above in known:
                    known[above] -= network.num_addresses
                    break
    return {str(network): size for network, size in known.items()}


def hegemony(
    table: Table,
    voters: Iterable[Session],
    family: int = 4,
    counted: Iterable[str] | None = None,
    sparse: bool = False,
    whole: bool = False,
) -> tuple[dict[int, dict[int, float]], dict[int, tuple[int, float]]]:
    """AS hegemony of each origin (or of all, as scope 0) by AS; and of each how many peer ASes reach it, and how much.

    Of the sessions of one peer AS the mean counts, of peer ASes the mean without the top and the bottom tenth.
    """
    voters = set(voters)
    by_session: dict[Session, dict[str, Path]] = defaultdict(dict)
    for (session, prefix), path in table.items():
        if (":" in prefix) == (family == 6):
            by_session[session][prefix] = path
    sizes = {session: net_sizes(by_session[session]) for session in voters}
    wanted = None if counted is None else set(counted)
    graphs: dict[Session, dict[int, dict[int, float]]] = {}
    totals: dict[Session, dict[int, float]] = {}
    for session in voters:
        graph: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        total: dict[int, float] = defaultdict(float)
        for prefix, path in by_session[session].items():
            size = sizes[session].get(prefix, 0)
            if not size or not path or (wanted is not None and prefix not in wanted):
                continue
            origins = {0: 1.0} if whole else {asn: 1 / len(members(path[-1])) for asn in members(path[-1]) if asn}
            for origin, part in origins.items():
                total[origin] += size * part
                on_path = shares(path) if whole else {**shares(path[:-1]), origin: 1.0}
                for asn, share in on_path.items():
                    graph[origin][asn] += size * part * share
        graphs[session], totals[session] = graph, total
    peers = defaultdict(list)
    for session in voters:
        peers[session[1]].append(session)
    out: dict[int, dict[int, float]] = {}
    reach: dict[int, tuple[int, float]] = {}
    for scope in {scope for total in totals.values() for scope in total}:
        means: list[dict[int, float]] = []
        reached = []
        for every in peers.values():
            sessions = [one for one in every if not sparse or totals[one].get(scope, 0.0) > 0]
            mean: dict[int, float] = defaultdict(float)
            for session in sessions:
                for asn, weight in graphs[session][scope].items():
                    mean[asn] += weight / totals[session][scope] / len(sessions)
            means.append(mean)
            if mean:
                reached.append(sum(totals[session].get(scope, 0.0) for session in sessions) / len(sessions))
        reach[scope] = len(reached), sum(reached) / len(reached)
        if sparse:
            means = [mean for mean in means if mean]
        cut = int(0.1 * len(means))
        out[scope] = {}
        for asn in {asn for mean in means for asn in mean}:
            values = sorted(mean.get(asn, 0.0) for mean in means)[cut : len(means) - cut]
            if (score := sum(values) / len(values)) > 0:
                out[scope][asn] = score
    return out, reach
