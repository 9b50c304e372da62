"""Outages, and the incidents they make up, from the days of a store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from duskwatch.analysis.replay import BIN_US
from duskwatch.detection import DetectionConfig, detect
from duskwatch.drivers.backfill.day import ranges_at
from duskwatch.drivers.backfill.incidents import name_of, record
from duskwatch.drivers.backfill.plan import DaySummary, Plan
from duskwatch.records.entity import Entity, parse_entity
from duskwatch.records.outages import Outage
from duskwatch.records.signals import EntityHistory, SignalBlock
from duskwatch.records.times import DAY
from duskwatch.signals.bgp.holdings import Holdings, holdings, space_in
from duskwatch.store import Store, StoreError
from duskwatch.store.readback import change_log, change_logs, gaps, level, levels

DETECTOR = "duskwatch/1"  # under which outages are recorded
# So many are read from the store at a time where the window is a day; of a longer one fewer, but at least these. The
# changes of one country can be a tenth of all.
DAY_READ, LEAST_READ = 4096, 128
DAY_COUNTRIES, LEAST_COUNTRIES = 32, 1
ROUNDING = 1e-6  # lows and highs are float32


@dataclass(frozen=True, slots=True)
class Search:
    """Some entities of the days of a run, in which outages are to be found. Plain values, as the Plan. E entities."""

    from_us: int
    until_us: int
    learned: bool
    entities: tuple[Entity, ...]  # in order of type and code
    known_share: tuple[float, ...]  # [E]


@dataclass(frozen=True, slots=True)
class Found:
    """An entity that had outages, these, and what it had before them."""

    entity: Entity
    outages: tuple[Outage, ...]
    held: Holdings


def searches(days: Sequence[DaySummary], pieces: int, least: int) -> list[Search]:
    """All that must be searched to find the outages over some days, in at most so many pieces, none but the last of
    fewer than ``least`` entities.

    Days that do not follow each other leave a hole in which nobody was watching.
    """
    from_us, until_us = _window(days)
    learned = any(day.learned for day in days)
    shares = _known_shares(days)
    wanted = candidates(days)
    at_once = max(least, -(-len(wanted) // pieces))
    owns = [wanted[at : at + at_once] for at in range(0, len(wanted), at_once)]
    return [
        Search(from_us, until_us, learned, tuple(own), tuple(shares[entity.code] for entity in own)) for own in owns
    ]


def find_outages(plan: Plan, search: Search) -> list[Found]:
    """Detect outages in what the store holds of some entities."""
    ranges = ranges_at(plan, search.from_us)
    space = space_in(ranges)
    share = dict(zip(search.entities, search.known_share, strict=True))
    found = []
    for entity, history in histories(plan.open_store(), search.entities, search.from_us, search.until_us):
        outages = detect(replace(history, learned=search.learned, known_share=share[entity]))
        if outages:
            held = holdings(entity, history.changes, outages, ranges, space)
            found.append(Found(replace(entity, name=name_of(entity)), outages, held))
    return found


def record_found(plan: Plan, days: Sequence[DaySummary], found: Sequence[Found]) -> tuple[int, int]:
    """Record outages found over all days of a run, and the incidents they make up; how many there are of each."""
    store, window = plan.open_store(), _window(days)
    # What was recorded before and is not found now must be looked at too.
    known = {one.entity.code for one in found}
    try:
        before = store.outages(from_us=window[0], until_us=window[1])
    except StoreError:
        before = []
    again = sorted({(one.entity.type, one.entity.code) for one in before if one.entity.code not in known})
    covered = set(_known_shares(days))
    everyone = [
        *((one.entity, one.outages) for one in found),
        *((parse_entity(code), ()) for _, code in again if code in covered),
    ]
    recorded = store.record_outages(window, everyone, detector=DETECTOR, why="backfill")
    held = {Entity(one.entity.type, one.entity.code): one.held for one in found}
    ranges = ranges_at(plan, window[0])
    told = record(store, window, ranges, DETECTOR, "backfill", recorded.uids, held)
    return sum(len(one.outages) for one in found), told


def _window(days: Sequence[DaySummary]) -> tuple[int, int]:
    return min(day.from_us for day in days), max(day.until_us for day in days)


def _known_shares(days: Sequence[DaySummary]) -> dict[str, float]:
    """Of each entity the least share of its space that routes were heard for on any day."""
    shares: dict[str, float] = {}
    for day in days:
        for code, share in zip(day.codes, day.known_share.tolist(), strict=True):
            shares[code] = min(share, shares.get(code, 1.0))
    return shares


def candidates(days: Sequence[DaySummary], config: DetectionConfig = DetectionConfig()) -> list[Entity]:
    """Entities whose level fell within a day or from one to another as far as any detector needs to call an outage.

    In order of type and code. What a level should be is never more than the highest that it was.
    """
    left = 1 - config.least_loss + ROUNDING
    low: dict[str, npt.NDArray[np.float32]] = {}
    high: dict[str, npt.NDArray[np.float32]] = {}
    for day in days:
        for code, least, most in zip(day.codes, day.low, day.high, strict=True):
            low[code] = np.fmin(low.get(code, least), least)
            high[code] = np.fmax(high.get(code, most), most)
    # One that a day does not know had nothing in it.
    everywhere = dict.fromkeys(low, 0)
    for day in days:
        for code in day.codes:
            everywhere[code] += 1
    out = [
        parse_entity(code)
        for code in low
        if everywhere[code] < len(days) or bool(((low[code] <= left * high[code]) & (high[code] > 0)).any())
    ]
    return sorted(out, key=lambda entity: (entity.type, entity.code))


def histories(
    store: Store, entities: Sequence[Entity], from_us: int, until_us: int
) -> Iterator[tuple[Entity, EntityHistory]]:
    """What is stored about some entities but for their binned signals, many at a time; sorted they are read fastest."""
    told = gaps(store.rows("gaps", from_us=from_us, until_us=until_us).collect())
    unwatched = SignalBlock((), from_us, BIN_US, np.empty((0, 0)), np.empty((0, 0)))
    for kind, alike in groupby(entities, key=lambda entity: entity.type):
        many, least = (DAY_COUNTRIES, LEAST_COUNTRIES) if kind == "country" else (DAY_READ, LEAST_READ)
        at_once = max(least, many * DAY // (until_us - from_us))
        left = list(alike)
        while left:
            own, left = left[:at_once], left[at_once:]
            rows = {
                name: store.rows(name, entities=own, from_us=from_us, until_us=until_us).collect()
                for name in ("levels", "changes")
            }
            found = dict(levels(rows["levels"], from_us, until_us))
            logs = dict(change_logs(rows["changes"]))
            nothing = level(rows["levels"].clear(), from_us, until_us), change_log(rows["changes"].clear())
            for entity in own:
                yield (
                    entity,
                    EntityHistory(
                        found.get(entity.code, nothing[0]), logs.get(entity.code, nothing[1]), unwatched, told
                    ),
                )
