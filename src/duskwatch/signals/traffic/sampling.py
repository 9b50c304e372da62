"""Sampling rates that a user knows better than the exporter says, or that nobody said."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from duskwatch.records.flows import Exporter, ExporterCounts, FlowBlock, RateSource
from duskwatch.records.prefix import Prefix

LARGEST_IN_USE = 65_536  # routers sample one packet in ten to one in some thousands; a larger rate is rather a mistake


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """What a user says of sampling rates.

    assumed   of flows whose rate nobody said
    overrides prefixes of exporters and their rate, whatever they say; the first that fits counts. None: all exporters
    """

    assumed: int = 1
    overrides: tuple[tuple[Prefix | None, int], ...] = ()

    def rate_of(self, exporter: Exporter) -> int | None:
        """The rate that is said of an exporter; None where there is none."""
        address = Prefix(exporter.afi, exporter.hi, exporter.lo, 128 if exporter.afi == 2 else 32)
        for prefix, rate in self.overrides:
            if prefix is None or (exporter.afi and prefix.contains(address)):
                return rate
        return None


class Rates:
    """Gives blocks the rates of a policy. ``exporters`` may grow meanwhile."""

    def __init__(self, policy: RatePolicy, exporters: Sequence[Exporter]) -> None:
        self._policy = policy
        self._exporters = exporters
        self._overrides = np.zeros(0, np.uint32)  # of each exporter; 0 where there is none

    def apply(self, block: FlowBlock) -> FlowBlock:
        """The same flows, with the rates that the user knows."""
        policy = self._policy
        if not policy.overrides and policy.assumed == 1:
            return block
        rate, source = block.sampling_rate, block.rate_source
        if policy.assumed != 1:
            rate = np.where(source == RateSource.ASSUMED, np.uint32(policy.assumed), rate)
        if policy.overrides:
            new = self._exporters[len(self._overrides) :]
            if new:
                added = np.array([policy.rate_of(exporter) or 0 for exporter in new], np.uint32)
                self._overrides = np.concatenate([self._overrides, added])
            said = self._overrides[block.exporter]
            rate = np.where(said > 0, said, rate)
            source = np.where(said > 0, np.uint8(RateSource.OVERRIDDEN), source)
        return block._replace(sampling_rate=rate.astype(np.uint32), rate_source=source.astype(np.uint8))


def doubts(counts: ExporterCounts, policy: RatePolicy) -> list[str]:
    """What makes the volume that an exporter tells doubtful, one clause each; empty where nothing does."""
    found = []
    overridden = policy.rate_of(counts.exporter)
    assumed = counts.by_source[RateSource.ASSUMED]
    if overridden is None:
        if assumed:
            found.append(f"the sampling rate of {assumed} flows is not known and taken as 1:{policy.assumed}")
        for sampler in counts.samplers:
            if sampler.rate > LARGEST_IN_USE:
                found.append(f"a sampling rate of 1:{sampler.rate} is larger than any in use")
            if sampler.changed:
                found.append(f"a sampling rate changed {sampler.changed} times")
    if counts.lost_share > 0:
        found.append(f"{counts.lost_share:.1%} of what it sent did not arrive and is not counted")
    if counts.unknown_sets:
        found.append(f"{counts.unknown_sets} sets ({counts.unknown_octets} bytes) came without a template")
    return found
