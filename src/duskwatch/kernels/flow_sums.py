"""Flows into sums: per target, and over the time that each flow lasted."""

import numpy as np
from numba import njit

from duskwatch.kernels.flow_words import OPTIONS

# float64[targets, VALUES]: flows, packets exported, then estimates: packets, octets, their variances, the largest
# weight of one packet and of its octets; earliest and latest time (microseconds, exact below 2**53); flows by how their
# rate is known.
(
    FLOWS, SEEN, PACKETS, OCTETS, PACKETS_VARIANCE, OCTETS_VARIANCE, MOST_PACKETS, MOST_OCTETS, FIRST_US, LAST_US,
    BY_ASSUMED, BY_DECLARED, BY_LEARNED, BY_OVERRIDDEN,
) = range(14)  # fmt: skip
VALUES = 14
OTHERS = 0  # row of all targets that have none
# Octets of an IP packet: with these bounds, and the number and sum of some, their squares add up to no more than
# sum * (LEAST + MOST) - number * LEAST * MOST (each size lies on or below the chord of the parabola).
LEAST, MOST = 20.0, 1500.0
# float64[groups, bins, RATES]
RATE_PACKETS, RATE_OCTETS, RATE_PACKETS_VARIANCE, RATE_OCTETS_VARIANCE, RATE_MOST_PACKETS, RATE_MOST_OCTETS = range(6)
RATES = 6

_MIX_A = np.uint64(0x9E3779B97F4A7C15)
_MIX_B = np.uint64(0xC2B2AE3D27D4EB4F)
ALL = ~np.uint64(0)


@njit(inline="always", **OPTIONS)
def _home(hi, lo, afi, seed):
    mixed = ((hi ^ seed) * _MIX_A) ^ ((lo + seed) * _MIX_B) ^ np.uint64(afi)
    mixed ^= mixed >> np.uint64(31)
    mixed *= _MIX_B
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MIX_A
    return mixed >> np.uint64(16)


@njit(inline="always", **OPTIONS)
def mask(hi, lo, bits):
    """The first bits of an address; the others are zero."""
    if bits <= 0:
        return np.uint64(0), np.uint64(0)
    if bits < 64:
        return hi & ~(ALL >> np.uint64(bits)), np.uint64(0)
    if bits < 128:
        return hi, lo & ~(ALL >> np.uint64(bits - 64)) if bits > 64 else np.uint64(0)
    return hi, lo


@njit(inline="always", **OPTIONS)
def _spread_of(packets, octets, rate):
    """Variances that sampling leaves, and the largest weight of a packet and of its octets, of one flow record.

    One packet in ``rate`` was looked at: a count c of Poisson's kind, thinned, estimates rate * c, with the variance
    rate * (rate - 1) * c. Of octets, the squares of the sizes take the place of c; of several packets they are not
    known, but bounded.
    """
    over = rate * (rate - 1.0)
    squares = octets * octets
    size = octets
    if packets > 1:
        size = octets / packets
        squares = max(octets * (LEAST + MOST) - packets * LEAST * MOST, octets * size)
    weight = np.sqrt(over)
    return over * packets, over * squares, weight, weight * size


@njit(**OPTIONS)
def add_to_targets(
    hi, lo, afi, packets, octets, rate, source, start_us, end_us, first, bits4, bits6, seed, slots, keys, values,
    counts, limit,
):  # fmt: skip
    """Add flows to the sums of their targets, from row ``first`` on. Returns how far it came: to the end, or to where
    the table is full and must grow.

    slots   int32[2**k] row, or -1      keys    uint64[T, 3]: address and afi      values  float64[T, VALUES]
    counts  int64[1]: rows in use, the row of others among them
    limit   rows that there may be at most: further targets are added to the row of others
    """
    last_hi, last_lo, last_afi, last_row = np.uint64(0), np.uint64(0), np.int64(0), np.int64(-1)
    slot_mask = slots.shape[0] - 1
    for i in range(first, hi.shape[0]):
        address_family = np.int64(afi[i])
        one, two = mask(hi[i], lo[i], bits4 if address_family == 1 else bits6)
        row = np.int64(-1)
        if last_row >= 0 and one == last_hi and two == last_lo and address_family == last_afi:
            row = last_row
        else:
            slot = np.int64(_home(one, two, address_family, seed)) & slot_mask
            while slots[slot] >= 0:
                at = slots[slot]
                if keys[at, 0] == one and keys[at, 1] == two and keys[at, 2] == np.uint64(address_family):
                    row = np.int64(at)
                    break
                slot = (slot + 1) & slot_mask
            if row < 0:
                if counts[0] >= limit:
                    row = np.int64(OTHERS)
                elif counts[0] >= keys.shape[0]:
                    return i
                else:
                    row = counts[0]
                    counts[0] = row + 1
                    slots[slot] = row
                    keys[row, 0], keys[row, 1], keys[row, 2] = one, two, np.uint64(address_family)
            last_hi, last_lo, last_afi, last_row = one, two, address_family, row
        each, said, size = np.float64(rate[i]), np.float64(packets[i]), np.float64(octets[i])
        of_packets, of_octets, most, most_octets = _spread_of(said, size, each)
        of = values[row]
        of[FLOWS] += 1
        of[SEEN] += said
        of[PACKETS] += said * each
        of[OCTETS] += size * each
        of[PACKETS_VARIANCE] += of_packets
        of[OCTETS_VARIANCE] += of_octets
        of[MOST_PACKETS] = max(of[MOST_PACKETS], most)
        of[MOST_OCTETS] = max(of[MOST_OCTETS], most_octets)
        if of[FIRST_US] == 0 or start_us[i] < of[FIRST_US]:
            of[FIRST_US] = start_us[i]
        of[LAST_US] = max(of[LAST_US], end_us[i])
        of[BY_ASSUMED + min(source[i], 3)] += 1
    return hi.shape[0]


@njit(**OPTIONS)
def place_targets(keys, count, seed, slots):
    """Fill empty slots from the rows in use, after the table has grown."""
    slot_mask = slots.shape[0] - 1
    for row in range(1, count):
        slot = np.int64(_home(keys[row, 0], keys[row, 1], np.int64(keys[row, 2]), seed)) & slot_mask
        while slots[slot] >= 0:
            slot = (slot + 1) & slot_mask
        slots[slot] = row


@njit(**OPTIONS)
def group_of(hi, lo, afi, groups, out):
    """The first of some prefixes that each address lies in, -1 where it is in none.

    groups  uint64[G, 4]: address, afi, length
    """
    for i in range(hi.shape[0]):
        out[i] = -1
        for g in range(groups.shape[0]):
            if np.uint64(afi[i]) == groups[g, 2]:
                one, two = mask(hi[i], lo[i], np.int64(groups[g, 3]))
                if one == groups[g, 0] and two == groups[g, 1]:
                    out[i] = g
                    break


@njit(**OPTIONS)
def add_to_bins(group, packets, octets, rate, start_us, end_us, begin_us, bin_us, bins):
    """Spread flows evenly over the time that each lasted. Returns packets, estimated, that lie outside of all bins.

    group  int32[F], -1 where a flow belongs to none      bins  float64[G, B, RATES]
    """
    outside = 0.0
    count = bins.shape[1]
    until_us = begin_us + count * bin_us
    for i in range(group.shape[0]):
        if group[i] < 0:
            continue
        each, said, size = np.float64(rate[i]), np.float64(packets[i]), np.float64(octets[i])
        of_packets, of_octets, most, most_octets = _spread_of(said, size, each)
        start, end = start_us[i], end_us[i]
        lasted = np.float64(end - start)
        if start >= until_us or end < begin_us:
            outside += said * each
            continue
        first = max((start - begin_us) // bin_us, 0)
        last = min((end - begin_us) // bin_us, count - 1)
        for b in range(first, last + 1):
            share = 1.0
            if lasted > 0:
                low, high = begin_us + b * bin_us, begin_us + (b + 1) * bin_us
                share = np.float64(min(end, high) - max(start, low)) / lasted
            of = bins[group[i], b]
            of[RATE_PACKETS] += share * said * each
            of[RATE_OCTETS] += share * size * each
            of[RATE_PACKETS_VARIANCE] += share * of_packets
            of[RATE_OCTETS_VARIANCE] += share * of_octets
            of[RATE_MOST_PACKETS] = max(of[RATE_MOST_PACKETS], most)
            of[RATE_MOST_OCTETS] = max(of[RATE_MOST_OCTETS], most_octets)
        if lasted > 0:
            inside = np.float64(min(end, until_us) - max(start, begin_us)) / lasted
            outside += (1.0 - inside) * said * each
    return outside
