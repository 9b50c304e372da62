"""Routes as RoutesAt from dictionaries, for tests of what reads them."""

from collections.abc import Iterable

import numpy as np

from duskwatch.records.prefix import Prefix
from duskwatch.signals.bgp.paths import Paths
from duskwatch.signals.bgp.tables import RoutesAt
from tests.signals.bgp.transit.slow_hegemony import Path, Session, Table


def paths_of(told: list[Path]) -> Paths:
    """A pool of these paths, the empty one first."""
    asns, start, set_path, set_start, set_asns = [], [0], [], [0], []
    for number, path in enumerate(told):
        for hop in path:
            plain = isinstance(hop, int) and hop > 0
            asns.append(hop if plain else 0)
            if not plain:
                set_path.append(number)
                set_asns += list(hop) if isinstance(hop, tuple) else [0]
                set_start.append(len(set_asns))
        start.append(len(asns))
    return Paths(
        np.array(asns, np.uint32),
        np.array(start, np.int64),
        np.array(set_path, np.int32),
        np.array(set_start, np.int64),
        np.array(set_asns, np.uint32),
    )


def routes_of(table: Table, voters: Iterable[Session]) -> RoutesAt:
    """What sessions hold, by prefix; those that vote do on both families."""
    sessions = sorted({session for session, _ in table} | set(voters))
    prefixes = sorted({Prefix.parse(prefix) for _, prefix in table})
    told = [(), *sorted(set(table.values()) - {()}, key=str)]
    number = {path: k for k, path in enumerate(told)}
    place = {str(prefix): k for k, prefix in enumerate(prefixes)}
    path = np.full((len(prefixes), len(sessions)), -1, np.int32)
    for (session, prefix), own in table.items():
        path[place[str(Prefix.parse(prefix))], sessions.index(session)] = number[own]
    return RoutesAt(
        0,
        np.array([prefix.afi for prefix in prefixes], np.uint8),
        np.array([prefix.hi for prefix in prefixes], np.uint64),
        np.array([prefix.lo for prefix in prefixes], np.uint64),
        np.array([prefix.length for prefix in prefixes], np.uint8),
        tuple(f"rrc00 AS{asn} {address}" for address, asn in sessions),
        np.array([asn for _, asn in sessions], np.uint32),
        np.array([[session in set(voters)] * 2 for session in sessions], np.bool_).reshape(-1, 2),
        path,
        paths_of(told),
    )
