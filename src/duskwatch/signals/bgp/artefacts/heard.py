"""What was heard from each peer, as the files are read: how much, and whether the times of records can be right.

A peer that kept talking about other networks while it lost one was there and well. A record whose time does not fit
the file it lies in was written by a clock that had stepped, or is in the wrong file; taken at its word it would
make later records of its peer look old, and they would be left out.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.guard import tally
from duskwatch.records.elems import ElemBlock, RibBlock
from duskwatch.records.signals import Gap
from duskwatch.records.times import HOUR, MINUTE
from duskwatch.signals.bgp.state import MOST_PEERS

# Files begin and end some seconds off the times in their names.
SLACK_US = 2 * MINUTE
# Table dumps take some minutes to write, large ones an hour.
LONGEST_DUMP_US = 2 * HOUR
# Names in local time are off by quarters of an hour, up to 14 h (the tz database).
ZONE_US, FARTHEST_ZONE_US = 15 * MINUTE, 14 * HOUR
# Later than any window: an elem of that time is left out.
NEVER_US = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class FileSpan:
    """Which time a file of updates says by its name that it covers; ``until_us`` None where that is not known."""

    name: str
    from_us: int
    until_us: int | None


@dataclass(frozen=True, slots=True)
class ClockStep:
    """Elems of one file whose times lie outside its span."""

    file: str
    from_us: int  # the time as of which they were taken, or the start of the file where they were left out
    until_us: int  # the next good time after them; the end of the file where there is none
    moved: int  # set back into the span of the file
    left_out: int  # no time in the span was near: they may belong to another file
    off_us: int  # by how much the first of them was off


@dataclass
class Heard:
    """One collector, as far as its files were read. Picklable, as the fold beside it; hear() and its like use it up."""

    collector: str
    from_us: int
    bin_us: int
    room: npt.NDArray[np.int32]  # [B, N or more, 2] see ``counts``
    peers: int = 0
    steps: list[ClockStep] = field(default_factory=list)
    trusted: bool = False  # a file before was as its name says: names can be held against times
    # The file being read:
    span: FileSpan | None = None
    step: ClockStep | None = None
    last_good_us: int = -1  # latest time in it that lies in its span; -1 where there is none
    off_us: int | None = None  # how far the clock is off since a step that has not ended, over files

    @property
    def counts(self) -> npt.NDArray[np.int32]:
        """Announcements and withdrawals of all prefixes by bin and peer, [B, N, 2]."""
        return self.room[:, : self.peers]

    @property
    def gaps(self) -> list[Gap]:
        """Stretches of which nothing usable was recorded, because the times there cannot be right."""
        return [
            Gap(self.collector, step.from_us, step.until_us, "records of another time")
            for step in self.steps
            if step.left_out and step.until_us > step.from_us
        ]


def hearing(collector: str, from_us: int, until_us: int, bin_us: int) -> Heard:
    """Nothing heard so far. ValueError where the window is empty."""
    if not from_us < until_us or bin_us <= 0:
        raise ValueError("a window ends after it begins, and bins are longer than nothing")
    return Heard(collector, from_us, bin_us, np.zeros((-(-(until_us - from_us) // bin_us), 0, 2), np.int32))


def dump_time(heard: Heard, file: str, named_us: int | None, time_us: int) -> int:
    """The time as of which a table dump is taken: that of its first record, or of its name where that cannot be.

    Until a file of updates was seen to fit its name, a difference of whole quarters of an hour may be a time zone.
    """
    off = 0 if named_us is None else time_us - named_us
    if named_us is None or -SLACK_US <= off <= LONGEST_DUMP_US:
        return time_us
    zone = abs(off) <= FARTHEST_ZONE_US and abs((off + ZONE_US // 2) % ZONE_US - ZONE_US // 2) <= SLACK_US
    if zone and not heard.trusted:
        return time_us
    heard.steps.append(ClockStep(file, named_us, named_us, 0, 0, off))
    return named_us


def as_of(block: ElemBlock | RibBlock, time_us: int) -> ElemBlock | RibBlock:
    """A block of a table dump with one time for all its elems."""
    put = _strided(len(block.time_us))
    put[:] = time_us
    return block._replace(time_us=put, last_us=time_us)


def _strided(rows: int) -> npt.NDArray[np.int64]:
    """A column with a stride, as the reader makes them: kernels are compiled for these."""
    return np.empty((rows, 2), np.int64)[:, 0]


def begin_file(heard: Heard, span: FileSpan | None) -> Heard:
    """Say that the blocks to come are of a file of updates; ``span`` None where its name says no time."""
    heard.span, heard.step, heard.last_good_us = span, None, -1
    return heard


def end_file(heard: Heard) -> Heard:
    """Close the file that was being read."""
    span, step = heard.span, heard.step
    if span is not None and step is None and heard.last_good_us >= 0:
        heard.trusted = True
    if span is not None and step is not None and heard.trusted:
        until = step.until_us
        if until < 0:
            until = max(step.from_us, heard.last_good_us if span.until_us is None else span.until_us)
        heard.steps.append(replace(step, until_us=until))
    heard.span = heard.step = None
    return heard


def hear(heard: Heard, block: ElemBlock, peers: int) -> tuple[Heard, ElemBlock]:
    """Count what a block says; and the block with its times put right where they cannot be. ``peers`` are known so far.

    Files hold records in the order in which they came, so that the clock stepped between the last elem in the file's
    span and the first outside: from there on times are set back by the difference. Where that does not lead into the
    span, elems are taken as of the last good time before them. Where none came before, and none comes after in the
    block, they may belong to another file: they are put off to NEVER_US, so that the fold leaves them out.
    Nothing is changed before one file was seen to fit its name: archives may name files by another clock.
    """
    if not len(block.time_us):
        return heard, block
    _reserve(heard, min(peers, MOST_PEERS))
    span = heard.span
    low = span.from_us - SLACK_US if span is not None else -NEVER_US
    high = span.until_us + SLACK_US if span is not None and span.until_us is not None else NEVER_US
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
    kept = put[put != NEVER_US]
    block = block._replace(time_us=put, last_us=int(kept.max()) if len(kept) else 0)
    _tally(heard, block, low, high, 1)
    return heard, block


def _reserve(heard: Heard, peers: int) -> None:
    have = heard.room.shape[1]
    if peers > have:
        grown = np.zeros((heard.room.shape[0], max(peers, have + have // 2), 2), np.int32)
        grown[:, :have] = heard.room
        heard.room = grown
    heard.peers = max(heard.peers, peers)


def _tally(heard: Heard, block: ElemBlock, low: int, high: int, step: int) -> tuple[int, int]:
    strays, latest = tally(
        block.time_us, block.kind, block.peer, low, high, heard.from_us, heard.bin_us, step, heard.room
    )
    return int(strays), int(latest)


def _on_time(heard: Heard, span: FileSpan, block: ElemBlock, low: int, high: int) -> npt.NDArray[np.int64]:
    """The times of a block put right, [E], and in ``heard`` what was done."""
    times = block.time_us
    good = (times >= low) & (times < high)
    put = _strided(len(times))
    put[:] = times
    bad = np.flatnonzero(~good)
    starts = bad[np.append(True, np.diff(bad) > 1)]  # of each run of bad times
    run = np.cumsum(np.isin(bad, starts)) - 1
    known = np.where(starts > 0, times[starts - 1], heard.last_good_us)
    known[known < 0] = span.from_us if good.any() else NEVER_US
    off = times[starts] - known
    if starts[0] == 0 and heard.off_us is not None:
        off[0] = heard.off_us
    moved = times[bad] - off[run]
    fits = (moved >= low) & (moved < high)
    put[bad] = np.where(fits, moved, known[run])
    left_out = int(np.count_nonzero(put[bad] == NEVER_US))
    until = int(times[bad[-1] + 1]) if bad[-1] + 1 < len(times) else -1
    step = heard.step
    if step is None:
        begin = int(put[bad[0]]) if put[bad[0]] != NEVER_US else span.from_us
        step = ClockStep(span.name, begin, until, 0, 0, int(times[bad[0]]) - begin)
    heard.step = replace(
        step, until_us=until, moved=step.moved + len(bad) - left_out, left_out=step.left_out + left_out
    )
    heard.off_us = int(off[-1]) if until < 0 and put[-1] != NEVER_US else None
    if good.any():
        heard.last_good_us = max(heard.last_good_us, int(times[good].max()))
    return put
