"""Records of one file put in the order of their times, where a peer's came out of it.

Writers with threads, and files that were merged, hold a peer's records a little out of order; taken as they stand, a
loss would be dated by the record before it. Order is put right within LATE_US and among the elems of one block and
the next. What is further off was written by another clock, which is for the fold to judge; what is within JITTER_US
is left as it was recorded.
"""

import numpy as np
import numpy.typing as npt

from duskwatch.records.elems import ElemBlock, Mark, strided
from duskwatch.records.times import MINUTE, SECOND

LATE_US = 15 * MINUTE
JITTER_US = SECOND
ELEM_COLUMNS = (
    "time_us", "kind", "afi", "safi", "peer", "prefix_hi", "prefix_lo", "prefix_length", "path_id", "attr_start",
    "attr_length", "as_size", "state", "marks", "record",
)  # fmt: skip
RECORD_COLUMNS = ("record_start", "record_length", "record_type", "record_subtype", "record_status")


def in_order(block: ElemBlock) -> tuple[ElemBlock, int, int]:
    """The block with each peer's elems in order of time, how many had come late, and by how much the latest, us."""
    order, late, worst_us = _order(block.time_us, block.peer)
    if order is None:
        return block, 0, 0
    return taken(block, order), late, worst_us


def follows_late(one: ElemBlock, other: ElemBlock) -> bool:
    """Whether a peer's elems of the block that comes next belong ahead of some of the first one."""
    if not len(one.time_us) or int(other.time_us.min()) >= one.last_us - JITTER_US:
        return False
    times, peers = (np.concatenate([getattr(one, name), getattr(other, name)]) for name in ("time_us", "peer"))
    return _order(times, peers)[0] is not None


def joined(one: ElemBlock, other: ElemBlock) -> ElemBlock:
    """Two blocks of one file that follow each other, as one."""
    data = np.concatenate([one.data, other.data])
    data.flags.writeable = False  # one type for the kernels, as of any block
    shifted = {
        "attr_start": np.where(other.attr_start < 0, other.attr_start, other.attr_start + len(one.data)),
        "record": other.record + np.int32(len(one.record_start)),
        "record_start": other.record_start + len(one.data),
    }
    columns = {
        name: strided(np.concatenate([getattr(one, name), shifted.get(name, getattr(other, name))]))
        for name in (*ELEM_COLUMNS, *RECORD_COLUMNS)
    }
    return one._replace(
        data=data,
        **columns,  # type: ignore[arg-type]
        last_us=max(one.last_us, other.last_us),
        path_ids=one.path_ids + other.path_ids,
    )


def taken(block: ElemBlock, rows: npt.NDArray[np.int64] | slice) -> ElemBlock:
    """Some elems of a block. Columns are copies: kernels are compiled for columns with a stride."""
    columns = {name: strided(getattr(block, name)[rows]) for name in ELEM_COLUMNS}
    return block._replace(
        **columns,  # type: ignore[arg-type]
        last_us=int(columns["time_us"].max(initial=0)),
        path_ids=int(np.count_nonzero(columns["marks"] & Mark.WITH_ID)),
    )


def _order(times: npt.NDArray[np.int64], peers: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int64] | None, int, int]:
    """Rows in the order in which they are to be taken (None: as they are), how many come late, and the latest."""
    if len(times) < 2 or int(np.diff(times).min()) >= -JITTER_US:
        return None, 0, 0
    by_peer = np.argsort(peers, kind="stable")
    peer_of, when = peers[by_peer], times[by_peer]
    first = np.append(True, peer_of[1:] != peer_of[:-1])
    group = np.cumsum(first) - 1
    # The latest time of the peer so far: groups are lifted above each other, so that none looks into the one before.
    low = int(when.min())
    lift = group * (int(when.max()) - low + 1)
    latest = np.maximum.accumulate(when - low + lift) - lift + low
    behind = latest - when
    worst = np.maximum.reduceat(behind, np.flatnonzero(first))
    sorted_peers = (worst > JITTER_US) & (worst <= LATE_US)
    if not sorted_peers.any():
        return None, 0, 0
    mine = sorted_peers[group]
    key = np.empty(len(times), np.int64)
    key[by_peer] = np.where(mine, when, latest)
    late = behind[mine & (behind > JITTER_US)]
    return np.argsort(key, kind="stable"), len(late), int(late.max())
