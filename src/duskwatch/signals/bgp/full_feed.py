"""Which sessions carry a full feed: a table as large as whole tables usually are, whatever a single peer sends."""

import numpy as np
import numpy.typing as npt

from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.log import FAMILIES_OF, RoutingLog

# Full feed: a peer whose table has at least this share of the usual whole table, per address family.
FULL_SHARE = 0.75
# The usual whole table is looked for among tables of at least this share of the largest one; where no two of these are
# alike, among those of a smaller share that three ASes have. Partial tables are smaller, or are not alike.
USUAL_SHARE, LEAST_SHARE = 0.25, 0.05
# A collector of IPv6 may hear of IPv4 now and then: tables of less than such a share of its own tell nothing of it.
STRAY_SHARE = 0.1
# A table that grew to more than this many times what its peer began with has a leak in it; the rest is not counted.
LEAK_FACTOR = 1.5
# Where no dump was read, tables are known only as far as updates touched them. One peer that sent its whole table
# anew would dwarf all others, so that the median is the measure: partial peers stay under a tenth of it
# (docs/explanation/visibility.md has the figures).
LEARNED_SHARE_OF_MEDIAN = 0.25
# A full-feed peer stays one until it falls this far below the bar, lest it flicker at the edge.
HYSTERESIS = 0.9


def usual_table(sizes: npt.NDArray[np.float64], asn: npt.NDArray[np.int64]) -> float:
    """How many prefixes a whole table has, by the tables of several sessions, [N] each; 0 where all are empty.

    An AS counts once, with its largest table. Of the tables that are USUAL_SHARE of the largest or more, those count
    that another AS's table is like (FULL_SHARE of the larger of the two); where there is none, of those that are
    LEAST_SHARE of it, the ones of three ASes. Around the table for which size times number of like tables is largest,
    the median of these is the usual table. Where no tables are alike it is the largest. So one AS's table, however odd,
    does not decide against others that agree.
    """
    order = np.argsort(asn, kind="stable")
    first = np.flatnonzero(np.append(True, asn[order][1:] != asn[order][:-1])) if len(order) else order
    tables = np.sort(np.maximum.reduceat(sizes[order], first)) if len(order) else np.empty(0)
    if not len(tables) or tables[-1] <= 0:
        return 0.0
    low = np.searchsorted(tables, FULL_SHARE * tables)
    high = np.searchsorted(tables, tables / FULL_SHARE, side="right")
    alike = high - low
    for least, share in ((2, USUAL_SHARE), (3, LEAST_SHARE)):
        weight = np.where((alike >= least) & (tables >= share * tables[-1]), alike * tables, 0)
        if weight.any():
            break
    else:
        return float(tables[-1])
    best = len(weight) - 1 - int(np.argmax(weight[::-1]))
    return float(np.median(tables[low[best] : high[best]]))


def full_feed(
    sizes: npt.NDArray[np.int32], dumped: npt.NDArray[np.bool_], asn: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.bool_]:
    """Which sessions carry a full table at each sample.

    sizes   int32[K, N, 2]  prefixes held, IPv4 and IPv6
    dumped  bool[K, N, 2]   a table dump of its collector had tables of that address family by then
    asn     int64[N]        the peer's AS; None: each session is one
    Returns bool[K, N, 2]. The bar is relative and per address family: FULL_SHARE of the usual table (usual_table)
    among the sessions with a dump, LEARNED_SHARE_OF_MEDIAN of the median table among the others.
    """
    sessions = sizes.shape[1]
    asn = np.arange(sessions, dtype=np.int64) if asn is None else asn
    out = np.zeros(sizes.shape, np.bool_)
    was = np.zeros(sizes.shape[1:], np.bool_)
    begun = np.zeros(sizes.shape[1:])  # what each session held at its first dump
    bars = np.full((2, 2), np.inf)  # by address family: with a dump, and without
    for k in range(sizes.shape[0]):
        filled = dumped[k] & (sizes[k] > 0)
        begun = np.where(filled & (begun == 0), sizes[k], begun)
        for address_family in (0, 1):
            now, by_dump = sizes[k, :, address_family], dumped[k, :, address_family]
            same = k > 0 and np.array_equal(now, sizes[k - 1, :, address_family])
            if not same or not np.array_equal(by_dump, dumped[k - 1, :, address_family]):
                begun_with = begun[by_dump, address_family]
                usual = usual_table(
                    np.where(begun_with > 0, np.minimum(now[by_dump], LEAK_FACTOR * begun_with), now[by_dump]),
                    asn[by_dump],
                )
                learned = now[~by_dump & (now > 0)]
                bars[address_family, 0] = FULL_SHARE * usual if usual else np.inf
                bars[address_family, 1] = LEARNED_SHARE_OF_MEDIAN * np.median(learned) if len(learned) else np.inf
            bar = np.where(by_dump, bars[address_family, 0], bars[address_family, 1])
            was[:, address_family] = (now >= bar) | (was[:, address_family] & (now >= HYSTERESIS * bar) & (now > 0))
        out[k] = was
    return out


def lacks(part: CollectorPart, family: int) -> bool:
    """Whether table dumps hold tables of the other family alone, though updates tell of this one (0 IPv4, 1 IPv6)."""
    if not part.dumps or not len(part.sizes):
        return False
    first = int(np.argmax(part.sizes.any(axis=(1, 2))))
    own, other = (part.sizes[first, :, which] for which in (family, 1 - family))
    return not own.any() and part.sizes[first:, :, family].max() > STRAY_SHARE * other.max() > 0


def whole_by_dumps(part: CollectorPart, log: RoutingLog, sample_us: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Of each address family, whether a table dump of the collector had tables of it by each sample, bool[K, 1, 2].

    ``log``: its rows on sessions. A dump without any route of an address family says nothing of it.
    """
    out = np.zeros((len(sample_us), 1, 2), np.bool_)
    if not part.dumps:
        return out
    times = log.time_us[np.isin(log.op, list(FAMILIES_OF))]
    since_us = int(times.min()) if len(times) and not part.start.complete.any() else part.from_us
    sample = np.searchsorted(part.sample_us, since_us)
    has_table = part.sizes[sample].any(axis=0) if sample < len(part.sizes) else np.ones(2, np.bool_)
    out[sample_us >= since_us] = has_table
    return out
