"""Batches of datagrams: made of bytes, made empty for a kernel to fill, cut short."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.flow_datagrams import Datagrams


def batch_of(
    datagrams: Sequence[bytes],
    *,
    received_us: Sequence[int] | None = None,
    afi: Sequence[int] | None = None,
    hi: Sequence[int] | None = None,
    lo: Sequence[int] | None = None,
    port: Sequence[int] | None = None,
) -> Datagrams:
    """Datagrams one after the other in one piece of memory; what is not given of their senders is not known."""
    count = len(datagrams)
    none = [0] * count
    lengths = np.array([len(one) for one in datagrams], np.int64)
    return Datagrams(
        np.frombuffer(b"".join(datagrams) or b"\0", np.uint8),
        np.cumsum(lengths) - lengths,
        lengths,
        lengths,
        np.array(received_us or none, np.int64),
        np.array(afi or none, np.uint8),
        np.array(hi or none, np.uint64),
        np.array(lo or none, np.uint64),
        np.array(port or none, np.uint16),
    )


def room_for(data: npt.NDArray[np.uint8], count: int) -> Datagrams:
    """Room for so many datagrams that lie in these bytes."""
    start, length, whole, received_us = (np.empty(count, np.int64) for _ in range(4))
    hi, lo = np.empty(count, np.uint64), np.empty(count, np.uint64)
    afi, port = np.empty(count, np.uint8), np.empty(count, np.uint16)
    return Datagrams(data, start, length, whole, received_us, afi, hi, lo, port)


def first_of(batch: Datagrams, count: int) -> Datagrams:
    """The first datagrams of a batch."""
    return Datagrams._make([batch.data, *(column[:count] for column in batch[1:])])
