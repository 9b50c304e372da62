"""Traffic by target: flows summed per destination, with the error that sampling leaves."""

import secrets
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import flow_sums as kernel
from duskwatch.records.flows import FlowBlock
from duskwatch.signals.traffic.bounds import interval

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
U8 = npt.NDArray[np.uint8]
FIRST_ROWS = 1 << 12
MOST_TARGETS = 4_000_000  # some 600 MB with the room to grow


class TargetTable(NamedTuple):
    """Sums per target, T rows, by estimated octets, the largest first. Bounds are of 95 % (see bounds.interval)."""

    afi: U8  # [T] 0: all targets that had no row of their own
    hi: U64  # [T]
    lo: U64  # [T]
    length: U8  # [T] of the prefix that a target is
    flows: I64  # [T] records
    seen_packets: I64  # [T] as exported
    packets: F64  # [T] estimated
    packets_low: F64  # [T]
    packets_high: F64  # [T]
    octets: F64  # [T] estimated
    octets_low: F64  # [T]
    octets_high: F64  # [T]
    first_us: I64  # [T] earliest begin of a flow
    last_us: I64  # [T] latest end
    by_source: I64  # [T, 4] flows by how their rate is known, in the order of RateSource


class TargetSums:
    """Adds up flows per target: a host, or the prefix of so many bits that it lies in.

    limit  targets kept apart; those beyond are one row together, so that spoofed targets cannot use up memory
    """

    def __init__(self, *, bits4: int = 32, bits6: int = 128, limit: int = MOST_TARGETS) -> None:
        self.bits4 = bits4
        self.bits6 = bits6
        self.limit = limit
        # The seed is not to be guessed: who could choose targets of one hash could make each flow cost all of them.
        self._seed = np.uint64(secrets.randbits(64))
        self._counts = np.ones(1, np.int64)
        self._slots = np.full(4 * FIRST_ROWS, -1, np.int32)
        self._keys = np.zeros((FIRST_ROWS, 3), np.uint64)
        self._values = np.zeros((FIRST_ROWS, kernel.VALUES), np.float64)

    @property
    def targets(self) -> int:
        """Targets that have a row of their own."""
        return int(self._counts[0]) - 1

    @property
    def overflowed(self) -> int:
        """Flows to targets that have none."""
        return int(self._values[kernel.OTHERS, kernel.FLOWS])

    def add(self, block: FlowBlock) -> None:
        """Add the flows of a block."""
        at, rows = 0, block.rows
        while True:
            at = kernel.add_to_targets(
                block.dst_hi, block.dst_lo, block.afi, block.packets, block.bytes, block.sampling_rate,
                block.rate_source, block.start_us, block.end_us, at, self.bits4, self.bits6, self._seed, self._slots,
                self._keys, self._values, self._counts, self.limit + 1,
            )  # fmt: skip
            if at == rows:
                return
            self._grow()

    def table(self, most: int | None = None) -> TargetTable:
        """The sums so far, of the targets with the most octets."""
        count = int(self._counts[0])
        first = kernel.OTHERS if self.overflowed else kernel.OTHERS + 1
        octets = self._values[first:count, kernel.OCTETS]
        order = np.argsort(-octets, kind="stable")[:most] + first
        keys, values = self._keys[order], self._values[order]
        packets, total = values[:, kernel.PACKETS], values[:, kernel.OCTETS]
        packets_low, packets_high = interval(
            packets.copy(), values[:, kernel.PACKETS_VARIANCE].copy(), values[:, kernel.MOST_PACKETS].copy()
        )
        octets_low, octets_high = interval(
            total.copy(), values[:, kernel.OCTETS_VARIANCE].copy(), values[:, kernel.MOST_OCTETS].copy()
        )
        afi = keys[:, 2].astype(np.uint8)
        return TargetTable(
            afi=afi,
            hi=keys[:, 0],
            lo=keys[:, 1],
            length=np.where(afi == 1, self.bits4, np.where(afi == 2, self.bits6, 0)).astype(np.uint8),
            flows=values[:, kernel.FLOWS].astype(np.int64),
            seen_packets=values[:, kernel.SEEN].astype(np.int64),
            packets=packets,
            packets_low=packets_low,
            packets_high=packets_high,
            octets=total,
            octets_low=octets_low,
            octets_high=octets_high,
            first_us=values[:, kernel.FIRST_US].astype(np.int64),
            last_us=values[:, kernel.LAST_US].astype(np.int64),
            by_source=values[:, kernel.BY_ASSUMED : kernel.BY_ASSUMED + 4].astype(np.int64),
        )

    def _grow(self) -> None:
        rows = min(2 * len(self._keys), self.limit + 1)
        keys, values = np.zeros((rows, 3), np.uint64), np.zeros((rows, kernel.VALUES), np.float64)
        keys[: len(self._keys)] = self._keys
        values[: len(self._values)] = self._values
        self._keys, self._values = keys, values
        self._slots = np.full(1 << (2 * rows - 1).bit_length(), -1, np.int32)
        kernel.place_targets(self._keys, int(self._counts[0]), self._seed, self._slots)
