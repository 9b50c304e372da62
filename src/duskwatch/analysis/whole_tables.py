"""Every country, network and wanted prefix of a window, from one pass over the archives of any number of collectors."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from duskwatch.analysis.replay import Replay
from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.prefix import Prefix
from duskwatch.records.signals import EntityHistory
from duskwatch.signals.bgp.artefacts.faults import Faults, find_faults
from duskwatch.signals.bgp.artefacts.guard import guard, transferred
from duskwatch.signals.bgp.entities import split
from duskwatch.signals.bgp.extents import known_share, related, space_of
from duskwatch.signals.bgp.measures import Extent, measure, measure_each
from duskwatch.signals.bgp.testimony import Keep, testimony_of
from duskwatch.signals.bgp.votes import NO_EARLIER, EarlierPrefixes, Votes, merge_votes, voters_alone
from duskwatch.sources.reference.names import name_or_code

KINDS = ("country", "asn")


def watch_all(
    afi: npt.NDArray[np.uint8],
    hi: npt.NDArray[np.uint64],
    lo: npt.NDArray[np.uint64],
    length: npt.NDArray[np.uint8],
) -> npt.NDArray[np.uint8]:
    """A Watch that leaves out nothing."""
    return np.ones(len(afi), np.uint8)


def faults_in(replay: Replay) -> Faults:
    """The faults of the recording in a replay of whole tables."""
    voters = voters_alone(replay.parts, replay.from_us, replay.until_us)
    return find_faults(replay.parts, replay.heard, replay.inputs, voters)


def count_all(
    replay: Replay,
    *,
    earlier: EarlierPrefixes = NO_EARLIER,
    threads: int = 2,
    faults: Faults | None = None,
    keep: Keep | None = None,
) -> Votes:
    """The votes on everything that a replay of whole tables holds, and on what is ``earlier`` from before.

    Without what is a fault of the recording, as in a run on one entity: losses that one collector alone saw do not
    count, and table transfers are no news.

    faults  faults_in() of the replay, where they are known     keep  takes what single sessions said of what was lost
    """
    span = (replay.from_us, replay.until_us)
    faults = faults or faults_in(replay)

    def refine(votes: Votes) -> tuple[Votes, npt.NDArray[np.bool_]]:
        guarded = guard(votes, np.ones(len(votes.afi), np.bool_), faults)
        if keep is not None:
            keep(testimony_of(votes, guarded.lone))
        return guarded.votes, transferred(votes.rows, faults)

    return merge_votes(
        replay.parts, *span, all_origins_bin_us=replay.bin_us, refine=refine, earlier=earlier, threads=threads
    )


def measure_all(
    votes: Votes,
    ranges: CountryRanges | None,
    bin_us: int,
    *,
    kinds: Iterable[str] = KINDS,
    prefixes: Iterable[Prefix] = (),
    country: npt.NDArray[np.int32] | None = None,
) -> Iterator[tuple[Entity, EntityHistory]]:
    """Each entity that has a route, with what was measured about it; the same as a run on that entity alone.

    (But that an AS's prefixes are those it had in the window: one that it announced only before is not among them.)

    Countries come first, in order of their code, then ASes in order of number, then the prefixes wanted. Countries need
    ``ranges``. What is said of an AS is by votes per prefix and origin: it has a prefix where more than half of the
    voters hold a route to it that the AS originates. Transit shares are not counted here.

    country  [P] of each unit, as ``ranges`` has it, where that is known already
    """
    kinds = set(kinds)
    if "country" in kinds and ranges is not None:
        if country is None:
            country = ranges.countries_of(votes.afi, votes.hi, votes.lo, votes.length)
        yield from _countries(votes, ranges, country, bin_us)
    if "asn" in kinds:
        for asn, history in measure_each(votes, votes.origin_of, bin_us):
            yield Entity("asn", f"AS{asn}"), history
    for prefix in prefixes:
        selected = votes.any_origin & related(prefix, votes.afi, votes.hi, votes.lo, votes.length)
        if selected.any():
            ((_, of_prefix),) = split(votes, np.where(selected, 0, -1))
            entity = Entity("prefix", str(prefix))
            yield entity, measure(of_prefix, _extent(entity, of_prefix), bin_us)


def _countries(
    votes: Votes, ranges: CountryRanges, country: npt.NDArray[np.int32], bin_us: int
) -> Iterator[tuple[Entity, EntityHistory]]:
    owner = country.astype(np.int64)
    owner[~votes.any_origin] = -1
    order = np.argsort(ranges.countries)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    owner = np.where(owner >= 0, rank[owner], -1)
    for index, of_country in split(votes, owner):
        code = ranges.countries[order[index]]
        entity = Entity("country", code, name_or_code(code))
        extent = _extent(entity, of_country, ranges)
        history = measure(of_country, extent, bin_us)
        if history.learned:
            history = replace(history, known_share=known_share(of_country, extent))
        yield entity, history


def _extent(entity: Entity, votes: Votes, ranges: CountryRanges | None = None) -> Extent:
    """All of the votes of one entity, as far as they are in its space."""
    return Extent(np.ones(len(votes.afi), np.bool_), *space_of(entity, ranges))
