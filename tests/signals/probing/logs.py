"""Connection logs made by the tests."""

import numpy as np

from duskwatch.records.probes import ConnectionLog
from duskwatch.records.times import SECOND

DAY_S = 1_464_739_200
HOUR_S = 3600


def log_of(rows: list[tuple[float, int, int, int, bool]]) -> ConnectionLog:
    """A log of (second of the day, probe, AS, controller, came) in any order."""
    rows = sorted(rows)
    table = np.array([[(DAY_S + row[0]) * SECOND, *row[1:]] for row in rows]).astype(np.int64).reshape(-1, 5)
    names = tuple(f"ctr-{number:02d}" for number in range(int(table[:, 3].max(initial=-1)) + 1))
    return ConnectionLog(
        table[:, 0], table[:, 1], table[:, 2].astype(np.uint32), table[:, 3].astype(np.int32),
        table[:, 4].astype(bool), names,
    )  # fmt: skip


def ordinary(
    probes: int, asn: int, seed: int, first: int = 1, controllers: int = 6, days: float = 1.0, rate: float = 2
):
    """Departures of probes at random, each for some minutes, ``rate`` a day and probe."""
    random = np.random.default_rng(seed)
    rows = []
    for probe in range(first, first + probes):
        for at in np.sort(random.uniform(0, days * 24 * HOUR_S, random.poisson(rate * days))):
            at = float(int(at))
            rows.append((at, probe, asn, probe % controllers, False))
            rows.append((at + 60 + int(random.integers(0, 600)), probe, asn, probe % controllers, True))
    return rows


def leave(probes: range, asn: int, at: float, away: float, apart: float = 5, controllers: int = 6):
    """Probes that leave one after the other, ``apart`` seconds, and stay away for ``away`` seconds."""
    rows = []
    for number, probe in enumerate(probes):
        rows.append((at + number * apart, probe, asn, probe % controllers, False))
        rows.append((at + number * apart + away, probe, asn, probe % controllers, True))
    return rows
