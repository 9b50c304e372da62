"""What was heard from each peer, as the files are read: how much, and whether the times of records can be right.

A peer that kept talking about other networks while it lost one was there and well. A record whose time does not fit
the file it lies in was written by a clock that had stepped, or is in the wrong file; taken at its word it would
make later records of its peer look old, and they would be left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.guard import tally
from duskwatch.records.elems import ElemBlock, RibBlock, strided
from duskwatch.records.messages import DumpBegin, FileSpan, Silence
from duskwatch.records.times import HOUR, MINUTE

# Files begin and end some seconds off the times in their names.
SLACK_US = 2 * MINUTE
# Table dumps take some minutes to write, large ones an hour.
LONGEST_DUMP_US = 2 * HOUR
# Names in local time are off by quarters of an hour, up to 14 h (the tz database).
ZONE_US, FARTHEST_ZONE_US = 15 * MINUTE, 14 * HOUR
# Later than any window: an elem of that time is left out.
NOT_HEARD_US = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class ClockStep:
    """Elems of one file whose times lie outside its span."""

    file: str
    from_us: int  # the time as of which they were taken, or the start of the file where they were left out
    until_us: int  # the next good time after them; the end of the file where there is none
    moved: int  # set back into the span of the file
    left_out: int  # no time in the span was near: they may belong to another file
    off_us: int  # by how much the first of them was off


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard from one collector in a window."""

    collector: str
    from_us: int  # start of the first bin, at or before that of the window
    bin_us: int
    # Announcements and withdrawals of all prefixes by bin and peer, [B, N, 2]; of a bin that another window has a part
    # of, what was heard in this one
    counts: npt.NDArray[np.int32]
    steps: tuple[ClockStep, ...] = ()


@dataclass
class Hearing:
    """What was heard from one collector so far. Picklable, as the state that it is a part of; hear() uses it up."""

    from_us: int = 0
    bin_us: int = 5 * MINUTE
    room: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 0, 2), np.int32))  # [B or more, N or more]
    bins: int = 0
    peers: int = 0
    steps: list[ClockStep] = field(default_factory=list)
    trusted: bool = False  # a file before was as its name says: names can be held against times
    # The file being read:
    span: FileSpan | None = None
    step: ClockStep | None = None
    last_good_us: int = -1  # latest time in it that lies in its span; -1 where there is none
    off_us: int | None = None  # how far the clock is off since a step that has not ended, over files


def part_of(hearing: Hearing, collector: str, until_us: int) -> Heard:
    """What was heard in the window that ends at a time."""
    bins = -(-(until_us - hearing.from_us) // hearing.bin_us)
    counts = np.zeros((bins, hearing.peers, 2), np.int32)
    have = min(bins, hearing.bins)
    counts[:have] = hearing.room[:have, : hearing.peers]
    steps = tuple(step for step in hearing.steps if step.from_us < until_us)
    return Heard(collector, hearing.from_us, hearing.bin_us, counts, steps)


def after(hearing: Hearing, at_us: int) -> Hearing:
    """What the window that begins at a time has of it so far. What was heard in its first bin was counted before."""
    whole, begun = divmod(at_us - hearing.from_us, hearing.bin_us)
    bins = max(0, hearing.bins - whole)
    room = np.zeros((bins, hearing.room.shape[1], 2), np.int32)
    room[:] = hearing.room[whole : hearing.bins]
    if begun:
        room[:1] = 0
    steps = [step for step in hearing.steps if step.from_us >= at_us]
    return replace(hearing, from_us=hearing.from_us + whole * hearing.bin_us, room=room, bins=bins, steps=steps)


def joined(parts: Sequence[Heard]) -> Heard:
    """What was heard in windows that follow each other."""
    first, last = parts[0], parts[-1]
    offsets = [(part.from_us - first.from_us) // first.bin_us for part in parts]
    peers = max(part.counts.shape[1] for part in parts)
    counts = np.zeros((offsets[-1] + len(last.counts), peers, 2), np.int32)
    for part, offset in zip(parts, offsets, strict=True):
        counts[offset : offset + len(part.counts), : part.counts.shape[1]] += part.counts
    return replace(first, counts=counts, steps=tuple(step for part in parts for step in part.steps))


def dump_time(heard: Hearing, dump: DumpBegin) -> int:
    """The time as of which a table dump is taken: that of its first record, or of its name where that cannot be.

    Until a file of updates was seen to fit its name, a difference of whole quarters of an hour may be a time zone.
    """
    off = 0 if dump.named_us is None else dump.time_us - dump.named_us
    if dump.named_us is None or -SLACK_US <= off <= LONGEST_DUMP_US:
        return dump.time_us
    zone = abs(off) <= FARTHEST_ZONE_US and abs((off + ZONE_US // 2) % ZONE_US - ZONE_US // 2) <= SLACK_US
    if zone and not heard.trusted:
        return dump.time_us
    heard.steps.append(ClockStep(dump.name, dump.named_us, dump.named_us, 0, 0, off))
    return dump.named_us


def as_of(block: ElemBlock | RibBlock, time_us: int) -> ElemBlock | RibBlock:
    """A block of a table dump with one time for all its elems."""
    return block._replace(time_us=strided(np.full(len(block.time_us), time_us, np.int64)), last_us=time_us)


def begin_file(heard: Hearing, span: FileSpan | None) -> Hearing:
    """Say that the blocks to come are of a file of updates; ``span`` None where its name says no time.

    A span of the same file that ends later goes on with it: its records do so without a break.
    """
    before = heard.span
    if before is not None and span is not None and (before.name, before.from_us) == (span.name, span.from_us):
        heard.span = span
        return heard
    heard.span, heard.step, heard.last_good_us = span, None, -1
    return heard


def end_file(heard: Hearing) -> tuple[Hearing, Silence | None]:
    """Close the file that was being read. Of a file of which nothing could be used, the stretch that this leaves."""
    span, step = heard.span, heard.step
    silence = None
    if span is not None and step is None and heard.last_good_us >= 0:
        heard.trusted = True
    if span is not None and step is not None and heard.trusted:
        until = step.until_us
        if until < 0:
            until = max(step.from_us, heard.last_good_us if span.until_us is None else span.until_us)
        heard.steps.append(replace(step, until_us=until))
        if step.left_out and until > step.from_us:
            silence = Silence(step.from_us, until, "records of another time")
    heard.span = heard.step = None
    return heard, silence


def hear(heard: Hearing, block: ElemBlock, peers: int, horizon_us: int) -> tuple[Hearing, ElemBlock]:
    """Count what a block says; and the block with its times put right where they cannot be.

    peers       so many are known so far
    horizon_us  what was said in the bins from there on is not counted
    Files hold records in the order in which they came, so that the clock stepped between the last elem in the file's
    span and the first outside: from there on times are set back by the difference. Where that does not lead into the
    span, elems are taken as of the last good time before them. Where none came before, and none comes after in the
    block, they may belong to another file: they are put off to NOT_HEARD_US, so that the fold leaves them out.
    Nothing is changed before one file was seen to fit its name: archives may name files by another clock.
    """
    if not len(block.time_us):
        return heard, block
    _reserve(heard, peers, block.last_us, horizon_us)
    span = heard.span
    low = span.from_us - SLACK_US if span is not None else -NOT_HEARD_US
    high = span.until_us + SLACK_US if span is not None and span.until_us is not None else NOT_HEARD_US
    strays, latest = _tally(heard, block, low, high, 1)
    if span is None:
        return heard, block
    if strays < len(block.time_us) and heard.step is not None and heard.step.until_us < 0:
        good = (block.time_us >= low) & (block.time_us < high)
        heard.step = replace(heard.step, until_us=int(block.time_us[np.argmax(good)]))
    if not strays:
        heard.last_good_us, heard.off_us = max(heard.last_good_us, latest), None
        return heard, block
    put = _on_time(heard, span, block, low, high)
    if not heard.trusted:
        return heard, block
    _tally(heard, block, low, high, -1)
    kept = put[put != NOT_HEARD_US]
    block = block._replace(time_us=put, last_us=int(kept.max()) if len(kept) else 0)
    _reserve(heard, peers, block.last_us, horizon_us)
    _tally(heard, block, low, high, 1)
    return heard, block


def _reserve(heard: Hearing, peers: int, last_us: int, horizon_us: int) -> None:
    """Room for peers, and for bins up to a time."""
    last = min(last_us, horizon_us - 1)
    bins = max(heard.bins, (last - heard.from_us) // heard.bin_us + 1)
    heard.bins, heard.peers = bins, max(heard.peers, peers)
    have = heard.room.shape[:2]
    if bins > have[0] or peers > have[1]:
        rows, columns = (max(n, old + old // 2) if n > old else old for n, old in zip((bins, peers), have, strict=True))
        grown = np.zeros((rows, columns, 2), np.int32)
        grown[: have[0], : have[1]] = heard.room
        heard.room = grown


def _tally(heard: Hearing, block: ElemBlock, low: int, high: int, step: int) -> tuple[int, int]:
    strays, latest = tally(
        block.time_us, block.kind, block.peer, low, high, heard.from_us, heard.bin_us, step, heard.room[: heard.bins]
    )
    return int(strays), int(latest)


def _on_time(heard: Hearing, span: FileSpan, block: ElemBlock, low: int, high: int) -> npt.NDArray[np.int64]:
    """The times of a block put right, [E], and in ``heard`` what was done."""
    times = block.time_us
    good = (times >= low) & (times < high)
    put = strided(times)
    bad = np.flatnonzero(~good)
    starts = bad[np.append(True, np.diff(bad) > 1)]  # of each run of bad times
    run = np.cumsum(np.isin(bad, starts)) - 1
    last_good = np.where(starts > 0, times[starts - 1], heard.last_good_us)
    last_good[last_good < 0] = span.from_us if good.any() else NOT_HEARD_US
    off = times[starts] - last_good
    if starts[0] == 0 and heard.off_us is not None:
        off[0] = heard.off_us
    moved = times[bad] - off[run]
    fits = (moved >= low) & (moved < high)
    put[bad] = np.where(fits, moved, last_good[run])
    left_out = int(np.count_nonzero(put[bad] == NOT_HEARD_US))
    until = int(times[bad[-1] + 1]) if bad[-1] + 1 < len(times) else -1
    step = heard.step
    if step is None:
        begin = int(put[bad[0]]) if put[bad[0]] != NOT_HEARD_US else span.from_us
        step = ClockStep(span.name, begin, until, 0, 0, int(times[bad[0]]) - begin)
    heard.step = replace(
        step, until_us=until, moved=step.moved + len(bad) - left_out, left_out=step.left_out + left_out
    )
    heard.off_us = int(off[-1]) if until < 0 and put[-1] != NOT_HEARD_US else None
    if good.any():
        heard.last_good_us = max(heard.last_good_us, int(times[good].max()))
    return put
