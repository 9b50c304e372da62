"""Histories, entities and a store to put them in, for tests."""

from dataclasses import replace
from datetime import date

import numpy as np

from duskwatch.records.entity import Entity
from duskwatch.records.signals import EntityHistory, SignalBlock, undeclared
from duskwatch.records.times import DAY, SECOND
from duskwatch.store import Store, change_frames, level_frames, signal_frames
from duskwatch.store.frames import day_start
from tests.detection.build import history, lose

DAY1, DAY2, DAY3 = date(2014, 12, 22), date(2014, 12, 23), date(2014, 12, 24)
FROM = day_start(DAY1)
KP = Entity("country", "KP", "North Korea")
STAR = Entity("asn", "AS131279")
NET = Entity("prefix", "175.45.176.0/22")


def two_days(prefixes: int = 4, seed: int = 0) -> EntityHistory:
    """Two days of an entity with a loss over midnight, a gap, a change of voters, and other losses by seed."""
    rng = np.random.default_rng(seed)
    events = [e for p in range(prefixes) for e in lose(p, 16 * 3600 + 900 + 3 * p, 9 * 3600 + 1860)]
    for _ in range(int(rng.integers(0, 4))):
        events += lose(int(rng.integers(prefixes)), float(rng.integers(1000, 50_000)), 300)
    found = history(
        prefixes,
        events,
        until=2 * DAY / SECOND,
        gaps=[(7200, 9000), (86_000, 87_000)],
        voter_steps=[(30_000, 18), (40_000, 20)],
        origin_us=FROM,
    )
    bins = FROM + 300 * SECOND * np.arange(1, 2 * 288 + 1)
    at = np.searchsorted(found.level.time_us, bins, "left") - 1
    rows = np.stack([found.level.prefixes[at], found.level.slash24[at], rng.poisson(0.5, len(at)).astype(float)])
    names = ("bgp.visible_prefixes", "bgp.visible_slash24", "bgp.announcements")
    return replace(found, signals=block(rows, names=names))


def block(rows: np.ndarray, *, start_us: int = FROM, bin_us: int = 300 * SECOND, names: tuple[str, ...]) -> SignalBlock:
    """A block of given values, watched all the time where they are not NaN."""
    return SignalBlock(tuple(map(undeclared, names)), start_us, bin_us, rows, np.where(np.isnan(rows), 0.0, 1.0))


def put_day(store: Store, day: date, histories: list[tuple[Entity, EntityHistory]], source: str = "bgp") -> None:
    """Write a day's changes, levels and signals of some entities, and the gaps of the first."""
    ordered = sorted(histories, key=lambda one: (one[0].type, one[0].code))
    with store.write_day(day, source=source) as writer:
        writer.changes(change_frames(ordered, day))
        writer.levels(level_frames(ordered, day))
        writer.signals(signal_frames(ordered, day))
        writer.gaps(histories[0][1].gaps)
