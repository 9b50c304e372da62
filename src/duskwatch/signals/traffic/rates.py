"""Traffic over time: each flow spread over the time it lasted, in bins, with the error that sampling leaves.

A flow record comes when the flow is over, or when the exporter's active timeout says so: minutes after most of its
packets. Booked when it comes, its bytes make a peak that never was; and the last bins of live traffic are not whole
yet.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import flow_sums as kernel
from duskwatch.records.errors import InputError
from duskwatch.records.flows import FlowBlock
from duskwatch.records.prefix import Prefix
from duskwatch.records.times import HOUR, SECOND, span_text
from duskwatch.signals.traffic.bounds import interval

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
MOST_BINS = 400_000  # of all groups together: 20 MB
OFF_US = HOUR  # a flow that ends so long before or after it was received: the exporter's clock is wrong
EVERYTHING = Prefix(0, 0, 0, 0)


class RateTable(NamedTuple):
    """Rates of G groups in B bins. Bin b spans [start_us + b * bin_us, start_us + (b + 1) * bin_us).

    Bounds are of 95 % (see bounds.interval). A rate of 0 has an upper bound too, where anything was sampled.
    """

    groups: tuple[Prefix, ...]  # [G] targets
    start_us: int
    bin_us: int
    packets: F64  # [G, B] a second
    packets_low: F64
    packets_high: F64
    bits: F64  # [G, B] a second
    bits_low: F64
    bits_high: F64
    provisional: npt.NDArray[np.bool_]  # [B] flows that are still to be exported may add to it


def groups_of(block: FlowBlock, groups: tuple[Prefix, ...]) -> npt.NDArray[np.int32]:
    """The first of some prefixes that the target of each flow lies in, [F]; -1 where it lies in none."""
    group = np.empty(block.rows, np.int32)
    table = np.array([[one.hi, one.lo, one.afi, one.length] for one in groups], np.uint64).reshape(-1, 4)
    kernel.group_of(block.dst_hi, block.dst_lo, block.afi, table, group)
    return group


class RateBins:
    """Adds up flows in bins, for groups of targets; EVERYTHING is the group of all.

    from_us, until_us  the window; where they are not given it grows with the flows, up to MOST_BINS in all
    clock_off          flows whose times are more than OFF_US off the time when they were received: they are booked when
                       they were received
    outside            estimated packets that lie outside of the window
    """

    def __init__(
        self,
        bin_us: int,
        groups: tuple[Prefix, ...] = (EVERYTHING,),
        *,
        from_us: int | None = None,
        until_us: int | None = None,
    ) -> None:
        self.groups = groups
        self.bin_us = bin_us
        self.clock_off = 0
        self.outside = 0.0
        self._from_us = from_us
        self._until_us = until_us
        self._most = MOST_BINS // max(len(groups), 1)
        self._start_us = 0
        self._bins: F64 = np.zeros((len(groups), 0, kernel.RATES))
        self._latest_us = 0
        self._longest_us = 0
        if from_us is not None and until_us is not None:
            if (until_us - from_us) // bin_us >= self._most:
                raise InputError(
                    f"a window of {span_text(until_us - from_us)} has more than {self._most} bins of "
                    f"{span_text(bin_us)}; take a shorter window, longer bins or fewer targets"
                )
            self._start_us = from_us
            self._bins = np.zeros((len(groups), -(-(until_us - from_us) // bin_us), kernel.RATES))

    def add(self, block: FlowBlock) -> None:
        """Add the flows of a block."""
        if not block.rows:
            return
        start, end = self._times(block)
        group = self._group(block)
        inside = (group >= 0) & (end > 0)
        if inside.any():
            self._cover(int(start[inside].min()), int(end[inside].max()))
        group[end <= 0] = -1
        if self._bins.shape[1]:
            self.outside += kernel.add_to_bins(
                group, block.packets, block.bytes, block.sampling_rate, start, end, self._start_us, self.bin_us,
                self._bins,
            )  # fmt: skip
        self._latest_us = max(self._latest_us, int(block.received_us.max()))
        self._longest_us = max(self._longest_us, int((end - start).max()))

    def table(self) -> RateTable:
        """The rates so far."""
        shape = self._bins.shape[:2]
        columns = [np.ascontiguousarray(self._bins[:, :, k]).reshape(-1) for k in range(kernel.RATES)]
        # Where nothing was seen, what could have been missed is what could be missed elsewhere.
        for k in (kernel.RATE_MOST_PACKETS, kernel.RATE_MOST_OCTETS):
            most = columns[k].max(initial=0.0)
            columns[k] = np.where(columns[kernel.RATE_PACKETS] > 0, columns[k], most)
        packets, octets = columns[kernel.RATE_PACKETS], columns[kernel.RATE_OCTETS]
        p_low, p_high = interval(packets, columns[kernel.RATE_PACKETS_VARIANCE], columns[kernel.RATE_MOST_PACKETS])
        o_low, o_high = interval(octets, columns[kernel.RATE_OCTETS_VARIANCE], columns[kernel.RATE_MOST_OCTETS])
        second = self.bin_us / SECOND
        ends = self._start_us + self.bin_us * (1 + np.arange(shape[1], dtype=np.int64))
        rates = [one.reshape(shape) / second for one in (packets, p_low, p_high)]
        bits = [one.reshape(shape) * 8 / second for one in (octets, o_low, o_high)]
        late = self._latest_us - self._longest_us if self._latest_us else int(ends[-1]) if len(ends) else 0
        return RateTable._make([self.groups, self._start_us, self.bin_us, *rates, *bits, ends > late])

    def _times(self, block: FlowBlock) -> tuple[I64, I64]:
        """Begin and end of flows; of those whose clock is off, when they were received."""
        timed = block.received_us > 0
        off = timed & (np.abs(block.end_us - block.received_us) > OFF_US)
        if not off.any():
            return block.start_us, block.end_us
        self.clock_off += int(off.sum())
        lasted = np.minimum(block.end_us - block.start_us, OFF_US)
        end = np.where(off, block.received_us, block.end_us)
        return np.where(off, end - lasted, block.start_us), end

    def _group(self, block: FlowBlock) -> npt.NDArray[np.int32]:
        if self.groups == (EVERYTHING,):
            return np.zeros(block.rows, np.int32)
        return groups_of(block, self.groups)

    def _cover(self, first_us: int, last_us: int) -> None:
        """Make bins from the earliest to the latest time that is to be counted."""
        if self._from_us is not None and self._until_us is not None:
            return
        low = first_us if self._from_us is None else self._from_us
        high = last_us + 1 if self._until_us is None else self._until_us
        low -= low % self.bin_us if self._from_us is None else 0
        count = self._bins.shape[1]
        begin = min(low, self._start_us) if count else low
        end = max(high, self._start_us + count * self.bin_us) if count else high
        if count and self._from_us is None:
            begin = max(begin, self._start_us + (count - self._most) * self.bin_us)
        bins = min(max(-(-(end - begin) // self.bin_us), 0), self._most)
        if begin == self._start_us and bins <= count:
            return
        grown = np.zeros((len(self.groups), bins, kernel.RATES))
        if count:
            at = (self._start_us - begin) // self.bin_us
            kept = min(count, bins - at)
            grown[:, at : at + kept] = self._bins[:, :kept]
        self._start_us, self._bins = begin, grown
