"""The fold: a collector's messages, one after the other, into its routing state and the log of its window."""

import numpy as np

from duskwatch.records.elems import ElemBlock, RibBlock
from duskwatch.records.messages import DumpBegin, DumpEnd, FileSpan, InputDone, Message, Silence
from duskwatch.signals.bgp import dumps
from duskwatch.signals.bgp.artefacts.heard import as_of, begin_file, end_file, hear
from duskwatch.signals.bgp.elems import fold_block
from duskwatch.signals.bgp.log import RoutingLog
from duskwatch.signals.bgp.room import own_peers, own_places
from duskwatch.signals.bgp.state import MOST_PEERS, RoutingState

# A window without an end that anybody named is at most so many bins long: a time further ahead is not believed.
MOST_BINS = 1 << 15


def fold(state: RoutingState, message: Message, horizon_us: int | None = None) -> tuple[RoutingState, RoutingLog]:
    """Apply one message to the state, and log what it changed for watched prefixes and for sessions.

    horizon_us  elems at or after it, once their times are put right, are counted and left out. The end of the window
                where that is known, the clock and some minutes in a live run; None: MOST_BINS bins

    These rows are in the state's log too. The state given is used up. Messages are those of ``records.messages``, in
    the order that is promised there; ValueError where a table dump ends, or sends routes, that did not begin.

    A record may come late. Within LATE_US of the latest of its peer it is taken as of that; beyond, it is left out, as
    it would rewrite the log. One of a time before the window, after a roll, changes the state as of the window's
    beginning, however late it is, if it is the latest of its peer: the log of the closed window stays as it is. Each of
    these is counted.
    """
    if horizon_us is None:
        horizon_us = state.from_us + MOST_BINS * state.bin_us
    before_us = state.before_us
    if isinstance(message, ElemBlock):
        log = _elems(state, own_peers(state, message), horizon_us)
    elif isinstance(message, RibBlock):
        log = _routes(state, own_places(state, message), horizon_us)
    elif isinstance(message, DumpBegin):
        log = dumps.begin_dump(state, message, horizon_us)
    elif isinstance(message, DumpEnd):
        log = dumps.end_dump(state, message.complete)
    else:
        log = RoutingLog.empty()
        if isinstance(message, FileSpan):
            state.heard = begin_file(state.heard, message)
        elif isinstance(message, Silence):
            _fall_silent(state, message)
        elif isinstance(message, InputDone):
            state.heard, silence = end_file(state.heard)
            if silence is not None:
                _fall_silent(state, silence)
        else:
            raise TypeError(f"no message of a source: {type(message).__name__}")
    log = _absorbed(state, log, max(before_us, state.before_us))
    if len(log):
        state.log.append(log)
    return state, log


def _fall_silent(state: RoutingState, silence: Silence) -> None:
    state.silent_until_us = max(state.silent_until_us, silence.until_us)
    if state.rolled or silence.until_us > state.from_us:
        state.silences.append(silence)


def _routes(state: RoutingState, block: RibBlock, horizon_us: int) -> RoutingLog:
    if state.dump_us < 0:
        raise ValueError(f"{state.collector}: routes of a table dump that did not begin")
    if state.dump_over:
        state.counters[3] += int(block.entries.sum(dtype=np.int64))
        return RoutingLog.empty()
    moved = block if state.dump_us == state.dump_said_us else as_of(block, state.dump_us)
    assert isinstance(moved, RibBlock)
    return dumps.fold_dump(state, moved, horizon_us)


def _elems(state: RoutingState, block: ElemBlock, horizon_us: int) -> RoutingLog:
    if state.dump_over:
        state.counters[3] += len(block.time_us)
        return RoutingLog.empty()
    if state.dump_us < 0:
        state.heard, block = hear(state.heard, block, min(len(state.peers), MOST_PEERS), horizon_us)
    elif state.dump_us != state.dump_said_us:
        moved = as_of(block, state.dump_us)
        assert isinstance(moved, ElemBlock)
        block = moved
    return fold_block(state, block, horizon_us)


def _absorbed(state: RoutingState, log: RoutingLog, before_us: int) -> RoutingLog:
    """Move what a log says of the time before the first window into the start table; the rest is returned."""
    if state.rolled or not len(log) or int(log.time_us.min()) >= before_us:
        return log
    state.start.reserve(state.watched_count, len(state.sizes))
    return state.start.absorb(log, before_us)
