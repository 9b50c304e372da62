"""Which networks of a country were lost, and what each is of it: from the votes that the country was measured with."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from duskwatch.analysis.lead import numbered_anew, of_window
from duskwatch.detection import DetectionConfig, detect, incidents
from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Share
from duskwatch.records.networks import Network, Networks
from duskwatch.records.outages import Outage
from duskwatch.records.signals import EntityHistory, Level, PrefixState
from duskwatch.signals.bgp.artefacts.faults import Faults
from duskwatch.signals.bgp.artefacts.guard import guard, transferred
from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.extents import space_of
from duskwatch.signals.bgp.holdings import COLUMNS, counted_as, holding, steps_of
from duskwatch.signals.bgp.measures import measure_each
from duskwatch.signals.bgp.votes import Votes, merge_votes

WELL_KNOWN = DetectionConfig().trailing.well_known


def networks_of(
    country: Entity,
    level: Level,
    outages: Sequence[Outage],
    parts: Sequence[CollectorPart],
    window: tuple[int, int],
    bin_us: int,
    ranges: CountryRanges,
    faults: Faults,
    *,
    names: Mapping[int, str],
    from_us: int | None = None,
    of_country: EntityHistory | None = None,
) -> Networks:
    """Count votes once more, by origin, on what the parts hold of the country, and find the outages of its ASes.

    level, outages  of the country, from the same parts; they are not changed by what is found here
    names           of AS numbers
    from_us         outages that were over by then are left out; None: none is
    of_country      the country's history: where nearly all of it is known, its networks are too
    An AS has what more than half of the voters hold a route to that it originates; only the country's addresses count.
    """
    votes = _votes_by_origin(parts, window, bin_us, faults)
    index = ranges.countries.index(country.code)
    owner = np.where(
        ranges.countries_of(votes.afi, votes.hi, votes.lo, votes.length) == index, votes.origin_of, np.int64(-1)
    )
    space = space_of(country, ranges)
    lost = []
    whole = {signal: steps_of(level, signal) for signal in COLUMNS}
    fallen = np.where(np.isin(owner, _fallen(votes, owner)), owner, np.int64(-1))
    for asn, history in measure_each(votes, fallen, bin_us, space):
        entity = Entity("asn", f"AS{asn}", names.get(asn, ""))
        if of_country is not None and of_country.delegated and of_country.known_share >= WELL_KNOWN:
            history = replace(history, delegated=True)
        found = detect(history)
        signals = [counted_as(outage) for outage in found]
        before = [
            holding(steps_of(history.level, signal), whole[signal], outage, outages)
            for signal, outage in zip(signals, found, strict=True)
        ]
        holdings = [had for had in before if had is not None]
        kept = of_window(found, window[0] if from_us is None else from_us)
        if len(holdings) == len(found) and kept:
            lost.append(Network(entity, numbered_anew(found, kept), tuple(holdings[k] for k in kept)))
    lost.sort(key=lambda network: (-worst_loss(network), network.entity.asn))
    kept = of_window(outages, window[0] if from_us is None else from_us)
    networks = Networks(len(np.unique(owner[owner >= 0])), tuple(lost), ())
    return with_outages(networks, country, numbered_anew(outages, kept))


def with_outages(networks: Networks, country: Entity, outages: Sequence[Outage]) -> Networks:
    """The same networks with the incidents that they make up with these outages of the country."""
    found = {country: outages} | {one.entity: one.outages for one in networks.lost}
    return replace(networks, incidents=incidents(found, shares(country, networks.lost)))


def worst_loss(network: Network) -> float:
    """Largest share of the country that was lost in one outage of a network."""
    return max(had.share * outage.depth for outage, had in zip(network.outages, network.before, strict=True))


def shares(whole: Entity, parts: Sequence[Network]) -> dict[Entity, Share]:
    """What each network is of the whole before each of its outages, as incidents are made of."""
    return {
        network.entity: Share(
            whole, max(had.share for had in network.before), tuple(had.share for had in network.before)
        )
        for network in parts
    }


def _votes_by_origin(parts: Sequence[CollectorPart], window: tuple[int, int], bin_us: int, faults: Faults) -> Votes:
    def refine(votes: Votes) -> tuple[Votes, npt.NDArray[np.bool_]]:
        guarded = guard(votes, np.ones(len(votes.afi), np.bool_), faults)
        return guarded.votes, transferred(votes.rows, faults)

    return merge_votes(list(parts), *window, all_origins_bin_us=bin_us, refine=refine)


def _fallen(votes: Votes, owner: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Owners of which any unit lost its majority inside the window: the others cannot have an outage."""
    lost = np.isin(votes.state, (PrefixState.MINORITY, PrefixState.DARK)) & (votes.time_us > votes.from_us)
    return np.unique(owner[np.unique(votes.prefix[lost])])
