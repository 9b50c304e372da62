"""AS hegemony, against dictionaries from the text of `bgpdump -m` and against examples worked out by hand."""

import random

import numpy as np
import pytest

from duskwatch.signals.bgp.tables import RoutesAt
from duskwatch.signals.bgp.transit.hegemony import Scores, score_origins, score_whole
from tests.signals.bgp.transit import slow_hegemony as slow
from tests.signals.bgp.transit.tables import routes_of

US = 1_000_000
# As people aggregate, leak and poison; 0 is nobody.
ODD = [(8, (9, 5)), (8, 8, (5, 9)), (7, 8, 7), ((3, 4),), (2, (3, 4), 6), (2, (3, 4), 3, 6), (5, 0, 6), (2, 0), ()]


def compared(scores: Scores, expected: tuple) -> None:
    values, reach = expected
    assert sorted(values) == scores.scopes.tolist()
    assert {scope: many for scope, (many, _) in reach.items()} == dict(
        zip(scores.scopes.tolist(), scores.peers.tolist(), strict=True)
    )
    assert scores.reached.tolist() == pytest.approx([reach[scope][1] for scope in scores.scopes.tolist()])
    rows = zip(scores.scope.tolist(), scores.asn.tolist(), scores.value.tolist(), strict=True)
    found = {(scope, asn): value for scope, asn, value in rows}
    wanted = {(scope, asn): min(1.0, value) for scope, own in values.items() for asn, value in own.items()}
    assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_scores_of_random_tables_are_those_of_dictionaries(seed):
    chance = random.Random(seed)
    sessions = [(f"192.0.2.{n}", 100 + chance.randrange(9)) for n in range(chance.randint(1, 16))]
    wide = ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0", "2001:db8::/32"]
    prefixes = [*wide, *(f"10.{k % 3}.{k % 7}.{16 * (k % 16)}/{chance.choice((28, 30, 32))}" for k in range(12))]
    prefixes += [f"10.{k % 3}.{k % 7}.0/24" for k in range(20)] + [f"2001:db8:{k}::/48" for k in range(1, 7)]
    table = {}
    for session in sessions:
        for prefix in prefixes:
            if chance.random() < 0.8:
                path = (session[1], *(chance.randint(1, 6) for _ in range(chance.randint(0, 4))))
                path = chance.choice(ODD) if chance.random() < 0.2 else path
                table[session, prefix] = slow.path_of(" ".join(text_of(hop) for hop in path))
    voters = [session for session in sessions if chance.random() < 0.8]
    routes = routes_of(table, voters)
    some = [prefix for prefix in routes_prefixes(routes) if chance.random() < 0.5]
    for family in (4, 6):
        for sparse in (False, True):
            compared(
                score_origins(routes, family=family, sparse=sparse), slow.hegemony(table, voters, family, None, sparse)
            )
            expected = slow.hegemony(table, voters, family, None, sparse, whole=True)
            compared(score_whole(routes, family=family, sparse=sparse), expected)
        counted = np.isin(routes_prefixes(routes), some)
        expected = slow.hegemony(table, voters, family, some)
        compared(score_origins(routes, family=family, counted=counted), expected)
        wanted = [asn for asn in expected[0] if chance.random() < 0.5]
        narrow = tuple({scope: own[scope] for scope in wanted} for own in expected)
        compared(score_origins(routes, wanted, family=family, counted=counted), narrow)


def text_of(hop) -> str:
    return "{" + ",".join(map(str, hop)) + "}" if isinstance(hop, tuple) else str(hop)


def routes_prefixes(routes: RoutesAt) -> list[str]:
    from duskwatch.records.prefix import prefix_texts

    return list(prefix_texts(routes.afi, routes.hi, routes.lo, routes.length))
