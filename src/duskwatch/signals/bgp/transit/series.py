"""AS hegemony through time: one series for each AS, in bins."""

from collections.abc import Iterable, Mapping

import numpy as np

from duskwatch.records.signals import ROUTING, SignalBlock, SignalSpec

# ASes that never carried as much are left out of series.
LEAST = 0.05
MOST = 50  # series


def hegemony_spec(asn: int) -> SignalSpec:
    """The signal of one AS: context of routing. Less of it is no outage, as another AS may carry the rest."""
    return SignalSpec(f"bgp.hegemony.AS{asn}", ROUTING, "none", "share", "level", less_is_loss=False)


def hegemony_series(
    start_us: int, bin_us: int, bins: Iterable[Mapping[int, float] | None], least: float = LEAST, most: int = MOST
) -> SignalBlock:
    """Series of the ASes that ever carried ``least``, the largest mean first and no more than ``most`` of them.

    bins  hegemony by AS at the end of each bin; None where nobody was watching, which becomes NaN and coverage 0. An
          AS that is not named carries nothing (0); where nobody reached the entity, nobody carries any of it
    """
    by_bin = list(bins)
    values: dict[int, np.ndarray] = {}
    for k, found in enumerate(by_bin):
        for asn, value in (found or {}).items():
            values.setdefault(asn, np.zeros(len(by_bin)))[k] = value
    kept = [asn for asn, row in values.items() if row.max() >= least]
    kept = sorted(kept, key=lambda asn: (-values[asn].sum(), asn))[:most]
    matrix = np.array([values[asn] for asn in kept]).reshape(len(kept), len(by_bin))
    watched = np.array([0.0 if found is None else 1.0 for found in by_bin])
    matrix[:, watched == 0] = np.nan
    coverage = np.repeat(watched[np.newaxis], len(kept), axis=0)
    return SignalBlock(tuple(hegemony_spec(asn) for asn in kept), start_us, bin_us, matrix, coverage)
