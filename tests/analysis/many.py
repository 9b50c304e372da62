"""Every country, and every prefix, of some archives in one pass: what runs on one entity alone are compared with."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from duskwatch.analysis.entity import report_on
from duskwatch.analysis.replay import BIN_US, Reading, Replay, Window, replay_archives
from duskwatch.analysis.whole_tables import count_all, watch_all
from duskwatch.records.entity import Entity
from duskwatch.records.report import Report
from duskwatch.records.times import to_datetime
from duskwatch.signals.bgp.artefacts.faults import find_faults
from duskwatch.signals.bgp.votes import Votes, merge_votes
from duskwatch.sources.reference.geo import load_geo


def analyze_countries(
    from_us: int, until_us: int, mrt: Sequence[Path], geo: Sequence[Path], *, threads: int = 2
) -> Iterator[Report]:
    """A report for every country that has a route, in order of country code."""
    ranges = load_geo(list(geo), to_datetime(from_us).date())

    def watch(afi, hi, lo, length):
        return (ranges.countries_of(afi, hi, lo, length) >= 0).astype(np.uint8)

    replay = replay_archives(Window(from_us, until_us, BIN_US), mrt, watch=watch, reading=Reading(threads))
    votes = merge_votes(list(replay.parts), from_us, until_us)
    faults = find_faults(replay.parts, replay.heard, replay.inputs, votes)
    seen = np.unique(ranges.countries_of(votes.afi, votes.hi, votes.lo, votes.length))
    for index in seen[seen >= 0]:
        yield report_on(Entity("country", ranges.countries[index]), replay, votes, ranges, faults=faults)


def replay_all(from_us: int, until_us: int, mrt: Sequence[Path]) -> tuple[Replay, Votes]:
    """Whole tables, and the votes by prefix, and by origin where a prefix has several."""
    replay = replay_archives(Window(from_us, until_us, BIN_US), mrt, watch=watch_all)
    return replay, count_all(replay)
