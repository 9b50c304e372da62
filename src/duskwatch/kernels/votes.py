"""Votes on prefixes: how many live full-feed voters hold each one, as time goes on."""

import numpy as np
from numba import njit

from duskwatch.kernels import codes
from duskwatch.kernels.codes import (
    CLEAR,
    COMPLETE,
    COMPLETE4,
    COMPLETE6,
    DARK,
    MINORITY,
    OFF4,
    OFF6,
    ON4,
    ON6,
    UNKNOWN,
    VISIBLE,
    WHOLE,
    WHOLE4,
    WHOLE6,
)
from duskwatch.kernels.codes import VOTE_DUMPED_HOLD as DUMPED_HOLD
from duskwatch.kernels.codes import VOTE_HOLD as HOLD
from duskwatch.kernels.codes import VOTE_OTHER as OTHER

HELD, KNOWN = np.uint8(codes.HELD), np.uint8(codes.KNOWN)
BY_ROUTE, BY_VOTERS = 1, 2
# So many voters whose whole table is known may judge a prefix, however many others have not spoken of it yet.
LEAST_WHOLE = 3


@njit(nogil=True, cache=True, inline="always")
def _state(votes, known_voters, voters, whole, ever):
    """State of a prefix; see signals.visibility for the rule."""
    if voters == 0 or known_voters == 0:
        return UNKNOWN
    if known_voters * 2 <= voters and whole < LEAST_WHOLE:
        return VISIBLE if ever else UNKNOWN
    if votes == 0:
        return DARK
    return VISIBLE if votes * 2 > known_voters else MINORITY


@njit(nogil=True, cache=True, inline="always")
def _add(cell, voter, prefix, hold_of, known_of, votes, known_voters, step):
    if cell & HELD:
        before = np.int64(hold_of[prefix, voter])
        hold_of[prefix, voter] = before + step
        if step > 0 and before == 0:
            votes[prefix] += 1
        elif step < 0 and before == 1:
            votes[prefix] -= 1
    if cell & KNOWN:
        before = np.int64(known_of[prefix, voter])
        known_of[prefix, voter] = before + step
        if step > 0 and before == 0:
            known_voters[prefix] += 1
        elif step < 0 and before == 1:
            known_voters[prefix] -= 1


@njit(nogil=True, cache=True, inline="always")
def families_told(what, fresh, complete):
    """Families (bits) of which a row makes a session's whole table known: a dump, or a full feed after its return."""
    if what == COMPLETE:
        return WHOLE
    if what == COMPLETE4:
        return WHOLE4
    if what == COMPLETE6:
        return WHOLE6
    bit = WHOLE4 if what == ON4 else WHOLE6 if what == ON6 else 0
    return bit if fresh & bit != 0 and complete & bit == 0 else 0


@njit(nogil=True, cache=True, inline="always")
def count_whole(who, voter, kind, voting, complete, step, whole_of, whole):
    """Count one more or one fewer session of a voter that votes and whose whole table is known."""
    if voting[who, kind] == 1 and complete[who] & (1 << kind) != 0:
        before = np.int64(whole_of[voter, kind])
        whole_of[voter, kind] = before + step
        if step > 0 and before == 0:
            whole[kind] += 1
        elif step < 0 and before == 1:
            whole[kind] -= 1


@njit(nogil=True, cache=True)
def count_votes(
    time_us, session, prefix, code, route, voter_of, address_family,
    cells, hold_of, known_of, votes, known_voters, state, full, last_route, ever,
    voting, complete, fresh, voting_of, voters, whole_of, whole,
    row, touched, touched_list, out_time, out_prefix, out_state, out_votes, out_known, out_route, out_by,
    step_time, step4, step6,
):  # fmt: skip
    """Walk rows in time order and tell each change of state of a prefix, and of the number of voters.

    time_us int64[R], session/prefix int32[R], code uint8[R], route int32[R]   rows, sorted by time
    voter_of int32[N]   voter of each session    address_family uint8[P]  0 IPv4, 1 IPv6
    cells    uint8[P, N]   HELD and KNOWN bits           hold_of, known_of  uint16[P, V]  voting sessions per voter
    votes, known_voters  int32[P]     state uint8[P]   full uint8[P]  1 where every voter that is known holds it
    ever     uint8[P]   some session held it at some time       last_route  int32[P]  the latest route of any
    voting   uint8[N, 2]   complete, fresh uint8[N] families, bits   voting_of, whole_of int32[V, 2]
    voters, whole int32[2]
    All of these are in/out, so that the walk can stop when ``out_*`` or ``step_*`` are full and be taken up again.
    touched uint8[P], touched_list int32[P]: scratch, zero at entry.

    Rows of one moment are taken together: only the state after the last of them is written, in order of prefix. Returns
    (next row, changes written, steps written, more room needed).
    """
    prefixes = votes.shape[0]
    changes = 0
    steps = 0
    while row < time_us.shape[0]:
        if changes + prefixes > out_time.shape[0] or steps >= step_time.shape[0]:
            return row, changes, steps, True
        now = time_us[row]
        before4, before6 = voters[0], voters[1]
        n_touched = 0
        while row < time_us.shape[0] and time_us[row] == now:
            what = code[row]
            who = session[row]
            voter = voter_of[who]
            if what <= OTHER:
                where = prefix[row]
                kind = address_family[where]
                old = cells[where, who]
                holds = what == HOLD or what == DUMPED_HOLD
                new = KNOWN | HELD if holds else KNOWN
                if holds:
                    last_route[where] = route[row]
                    if ever[where] == 0:
                        ever[where] = 1
                        if touched[where] == 0:
                            touched_list[n_touched] = where
                            n_touched += 1
                        touched[where] = BY_ROUTE
                if new != old:
                    cells[where, who] = new
                    if voting[who, kind] == 1:
                        _add(old & ~new, voter, where, hold_of, known_of, votes, known_voters, -1)
                        _add(new & ~old, voter, where, hold_of, known_of, votes, known_voters, 1)
                        if touched[where] == 0:
                            touched_list[n_touched] = where
                            n_touched += 1
                        touched[where] = BY_ROUTE
            elif what == CLEAR:
                fresh[who] = WHOLE
                for kind in range(2):
                    count_whole(who, voter, kind, voting, complete, -1, whole_of, whole)
                complete[who] = 0
                for where in range(prefixes):
                    if cells[where, who] != 0:
                        if voting[who, address_family[where]] == 1:
                            _add(cells[where, who], voter, where, hold_of, known_of, votes, known_voters, -1)
                            if touched[where] == 0:
                                touched_list[n_touched] = where
                                n_touched += 1
                                touched[where] = BY_VOTERS
                        cells[where, who] = 0
            elif families_told(what, fresh[who], complete[who]) != 0:
                told = families_told(what, fresh[who], complete[who])
                for kind in range(2):
                    count_whole(who, voter, kind, voting, complete, -1, whole_of, whole)
                complete[who] |= told
                for kind in range(2):
                    count_whole(who, voter, kind, voting, complete, 1, whole_of, whole)
                fresh[who] &= WHOLE - told
                for where in range(prefixes):
                    if told & (1 << address_family[where]) == 0:
                        continue
                    if cells[where, who] & KNOWN == 0:
                        cells[where, who] |= KNOWN
                        if voting[who, address_family[where]] == 1:
                            _add(KNOWN, voter, where, hold_of, known_of, votes, known_voters, 1)
                    if touched[where] == 0:
                        touched_list[n_touched] = where
                        n_touched += 1
                        touched[where] = BY_VOTERS
            if ON4 <= what <= OFF6:
                kind = 0 if what <= OFF4 else 1
                on = 1 if what == ON4 or what == ON6 else 0
                if voting[who, kind] != on:
                    count_whole(who, voter, kind, voting, complete, -1, whole_of, whole)
                    voting[who, kind] = on
                    count_whole(who, voter, kind, voting, complete, 1, whole_of, whole)
                    step = 1 if on == 1 else -1
                    voting_of[voter, kind] = np.int64(voting_of[voter, kind]) + step
                    if on == 1 and voting_of[voter, kind] == 1:
                        voters[kind] += 1
                    elif on == 0 and voting_of[voter, kind] == 0:
                        voters[kind] -= 1
                    for where in range(prefixes):
                        if address_family[where] == kind:
                            if cells[where, who] != 0:
                                _add(cells[where, who], voter, where, hold_of, known_of, votes, known_voters, step)
                            if touched[where] == 0:
                                touched_list[n_touched] = where
                                n_touched += 1
                                touched[where] = BY_VOTERS
            row += 1
        if n_touched > 1:
            touched_list[:n_touched].sort()
        for k in range(n_touched):
            where = touched_list[k]
            mine = address_family[where]
            new_state = _state(votes[where], known_voters[where], voters[mine], whole[mine], ever[where])
            new_full = 1 if votes[where] == known_voters[where] else 0
            if new_state != state[where] or new_full != full[where]:
                state[where] = new_state
                full[where] = new_full
                out_time[changes] = now
                out_prefix[changes] = where
                out_state[changes] = new_state
                out_votes[changes] = votes[where]
                out_known[changes] = known_voters[where]
                out_route[changes] = last_route[where]
                out_by[changes] = 1 if touched[where] == BY_VOTERS else 0
                changes += 1
            touched[where] = 0
        if voters[0] != before4 or voters[1] != before6:
            step_time[steps] = now
            step4[steps] = voters[0]
            step6[steps] = voters[1]
            steps += 1
    return row, changes, steps, False


@njit(nogil=True, cache=True)
def cover_steps(
    time_us, prefix, state, by_voters, address_family, first, last, weight4, weight6,
    visible, holds, cover4, cover6, traces4, traces6, out_time, out_values, out_by,
):  # fmt: skip
    """Count what the visible prefixes cover, each unit of address space once, after every change.

    time_us int64[C], prefix int32[C], state/by_voters uint8[C]   changes of one entity's prefixes, in time order
    address_family uint8[P]     first, last int64[P]   segments [first, last) of that address family that it covers
    weight4, weight6  float64[K]   /24s or /48s in each segment
    visible, holds    uint8[P]  in/out     cover*, traces*  int32[K]  in/out: visible and held prefixes over a segment
    out_time int64[C], out_values float64[C, 5] (prefixes, /24s, /48s, held /24s, held /48s), out_by uint8[C]

    Returns rows written: one per distinct time.
    """
    rows = 0
    values = np.zeros(5)
    for p in range(visible.shape[0]):
        values[0] += visible[p]
    for k in range(cover4.shape[0]):
        values[1] += weight4[k] if cover4[k] > 0 else 0.0
        values[3] += weight4[k] if traces4[k] > 0 else 0.0
    for k in range(cover6.shape[0]):
        values[2] += weight6[k] if cover6[k] > 0 else 0.0
        values[4] += weight6[k] if traces6[k] > 0 else 0.0
    for c in range(time_us.shape[0]):
        p = prefix[c]
        now_visible = 1 if state[c] == VISIBLE else 0
        now_holds = 1 if state[c] >= MINORITY else 0
        if now_visible != visible[p]:
            step = now_visible - np.int64(visible[p])
            visible[p] = now_visible
            values[0] += step
            for k in range(first[p], last[p]):
                if address_family[p] == 0:
                    cover4[k] += step
                    if cover4[k] == (1 if step > 0 else 0):
                        values[1] += step * weight4[k]
                else:
                    cover6[k] += step
                    if cover6[k] == (1 if step > 0 else 0):
                        values[2] += step * weight6[k]
        if now_holds != holds[p]:
            step = now_holds - np.int64(holds[p])
            holds[p] = now_holds
            for k in range(first[p], last[p]):
                if address_family[p] == 0:
                    traces4[k] += step
                    if traces4[k] == (1 if step > 0 else 0):
                        values[3] += step * weight4[k]
                else:
                    traces6[k] += step
                    if traces6[k] == (1 if step > 0 else 0):
                        values[4] += step * weight6[k]
        if c > 0 and rows > 0 and out_time[rows - 1] == time_us[c]:
            out_values[rows - 1] = values
            out_by[rows - 1] &= by_voters[c]
        else:
            out_time[rows] = time_us[c]
            out_values[rows] = values
            out_by[rows] = by_voters[c]
            rows += 1
    return rows
