"""Random tables: nested prefixes of both families, several sessions of one AS, paths as people leak and aggregate."""

import random

from tests.signals.bgp.transit.slow_hegemony import Session, Table, path_of

# As people aggregate, leak and poison; 0 is nobody.
ODD = ["8 {9,5}", "8 8 {5,9}", "7 8 7", "{3,4}", "2 {3,4} 6", "2 {3,4} 3 6", "5 0 6", "2 0", "", "4 {5}"]
WIDE = ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8:1:2:8000::/65"]


def random_table(chance: random.Random) -> tuple[Table, list[Session]]:
    """What sessions hold, and those that vote; the AS of a peer is 100 and above, others are 1 to 9."""
    sessions = [(f"192.0.2.{n}", 100 + chance.randrange(9)) for n in range(chance.randint(1, 16))]
    prefixes = [*WIDE, *(f"10.{k % 3}.{k % 7}.{16 * (k % 16)}/{chance.choice((28, 30, 32))}" for k in range(12))]
    prefixes += [f"10.{k % 3}.{k % 7}.0/24" for k in range(20)] + [f"2001:db8:{k}::/48" for k in range(1, 7)]
    table: Table = {}
    for session in sessions:
        for prefix in prefixes:
            if chance.random() < 0.8:
                plain = " ".join(map(str, (session[1], *(chance.randint(1, 6) for _ in range(chance.randint(0, 4))))))
                table[session, prefix] = path_of(chance.choice(ODD) if chance.random() < 0.2 else plain)
    return table, [session for session in sessions if chance.random() < 0.8]
