"""Walks for the artefact guard: what was heard, losses that one collector alone saw, who witnessed an outage."""

import numpy as np
from numba import njit

from duskwatch.kernels import codes
from duskwatch.kernels.codes import ANNOUNCE, CLEAR, OFF4, OFF6, ON4, ON6, WHOLE, WITHDRAW
from duskwatch.kernels.codes import VOTE_DUMPED_HOLD as DUMPED_HOLD
from duskwatch.kernels.codes import VOTE_HOLD as HOLD
from duskwatch.kernels.codes import VOTE_LOSE as LOSE
from duskwatch.kernels.codes import VOTE_OTHER as OTHER
from duskwatch.kernels.votes import LEAST_WHOLE, count_whole, families_told

# A voter's word on a prefix: it holds it; its word is known; it once held it, or spoke of it first by taking it back;
# the same, though its session may have ended since.
HELD, KNOWN, WITNESS, ONCE = np.uint8(codes.HELD), np.uint8(codes.KNOWN), np.uint8(4), np.uint8(8)
# What a prefix is to the collectors; values from 0 on are the one that alone has lost it. LEFT: one had, when those who
# contradicted it left the vote.
FINE, COMMON, LEFT = -1, -2, -3


@njit(nogil=True, cache=True)
def tally(time_us, kind, peer, low_us, high_us, from_us, bin_us, step, counts):
    """Add announcements and withdrawals to counts int32[B, N, 2], by bin of event time and by peer.

    time_us int64[E], kind uint8[E], peer int32[E]. Elems outside the bins, or of peers past N, are not counted.
    ``step`` 1 adds, -1 takes away again. Returns how many elems are not in [low_us, high_us), and the latest time.
    """
    bins, peers = counts.shape[0], counts.shape[1]
    begin, end, place = np.int64(0), np.int64(0), np.int64(-1)
    strays, latest = 0, np.int64(-1)
    for row in range(time_us.shape[0]):
        now = time_us[row]
        strays += now < low_us or now >= high_us
        latest = max(latest, now)
        what = kind[row]
        if what != ANNOUNCE and what != WITHDRAW:
            continue
        if now < begin or now >= end:
            # Rarely: most elems fall into the bin of the one before.
            place = (now - from_us) // bin_us
            begin = from_us + place * bin_us
            end = begin + bin_us
        who = peer[row]
        if 0 <= place < bins and 0 <= who < peers:
            counts[place, who, what - ANNOUNCE] += step
    return strays, latest


@njit(nogil=True, cache=True, inline="always")
def _word(bit, cell, step, of, where, voter):
    """Count one more or one fewer session of a voter with a bit; the change in voters that have it."""
    if cell & bit == 0:
        return 0
    before = np.int64(of[where, voter])
    of[where, voter] = before + step
    if step > 0 and before == 0:
        return 1
    if step < 0 and before == 1:
        return -1
    return 0


@njit(nogil=True, cache=True, inline="always")
def _count(cell, step, where, voter, place, hold_of, known_of, seen_of, hold, known_voters, seen):
    hold[where, place] += _word(HELD, cell, step, hold_of, where, voter)
    known_voters[where] += _word(KNOWN, cell, step, known_of, where, voter)
    seen[where, place] += _word(WITNESS, cell, step, seen_of, where, voter)


@njit(nogil=True, cache=True, inline="always")
def _pair(hold, seen, holds, sees, fell_us, least, share, nearly, apart_us):
    """The code of two collectors that each lost a prefix by itself; COMMON where it is no such loss."""
    places = hold.shape[0]
    one, other = -1, -1
    for place in range(places):
        if hold[place] < nearly * seen[place]:
            if other >= 0:
                return COMMON
            one, other = (place, -1) if one < 0 else (one, place)
    if other < 0 or abs(fell_us[one] - fell_us[other]) < apart_us:
        return COMMON
    held = holds - hold[one] - hold[other]
    if held < least or held < share * sees:
        return COMMON
    return places + one * places + other


@njit(nogil=True, cache=True, inline="always")
def _of_code(column, code):
    """The sum of a column over the collector, or the two, that a code stands for."""
    places = column.shape[0]
    if code < places:
        return np.int64(column[code])
    return np.int64(column[(code - places) // places]) + np.int64(column[(code - places) % places])


@njit(nogil=True, cache=True, inline="always")
def _alone(hold, seen, known_voters, voters, whole, was, least, share, nearly, fell_us, pair_share, apart_us):
    """Whose loss alone this is, of one prefix: see ``lone_collectors``. hold, seen int32[C], fell_us int64[C]."""
    places = hold.shape[0]
    holds, sees = 0, 0
    worst, most = -1, -1
    for place in range(places):
        holds += hold[place]
        sees += seen[place]
        if seen[place] - hold[place] > most:
            most = seen[place] - hold[place]
            worst = place
    if (
        voters == 0
        or known_voters == 0
        or (known_voters * 2 <= voters and whole < LEAST_WHOLE)
        or holds * 2 > known_voters
    ):
        return FINE
    if was >= 0:
        others, held = sees - _of_code(seen, was), holds - _of_code(hold, was)
        if others == 0:
            return LEFT
        if held * 2 > others:
            return was
        return COMMON if was >= places else _pair(hold, seen, holds, sees, fell_us, least, pair_share, nearly, apart_us)
    if was == LEFT and sees == seen[worst]:
        return LEFT
    if most <= 0:
        return COMMON
    held = holds - hold[worst]
    if held < least or held < share * sees:
        return COMMON
    for place in range(places):
        if place != worst and hold[place] < nearly * seen[place]:
            return _pair(hold, seen, holds, sees, fell_us, least, pair_share, nearly, apart_us)
    return worst


@njit(nogil=True, cache=True)
def lone_collectors(
    time_us, session, prefix, code, voter_of, place_of, address_family,
    cells, hold_of, known_of, seen_of, hold, known_voters, seen, codes, worst, voting, complete, fresh, voting_of,
    voters, whole_of, whole, fell_us, least, share, nearly, pair_share, apart_us, row, touched, touched_list,
    out_time, out_prefix, out_code, out_votes, out_voters, out_all,
):  # fmt: skip
    """Walk rows in time order and tell, of each prefix, when one collector alone has lost it and when it has not.

    time_us int64[R], session/prefix int32[R], code uint8[R]   rows sorted by time, of the prefixes in question
    voter_of int32[N] voter of each session    place_of int32[V] collector of each voter    address_family uint8[P]
    cells    uint8[P, N]   hold_of, known_of, seen_of  uint16[P, V]   hold, seen int32[P, C]   known int32[P]
    codes    int32[P]  FINE at first     worst  int32[P]  most voters that the collector in ``codes`` had lost, so far
    voting   uint8[N, 2]  complete, fresh uint8[N]  voting_of, whole_of int32[V, 2]  voters, whole int32[2]
    fell_us  int64[P, C]  since when not nearly all of a collector's voters that ever held it do; -1 where they do
    All in/out, so that the walk can stop when ``out_*`` is full and be taken up again.
    least, share, nearly   so many voters of the others, such a share of all, must hold it still, and of each other
                           collector such a share of those that ever did
    pair_share, apart_us   two collectors that began to lose it at least so far apart each lost it by itself, where
                           such a share of all voters, at others, hold it still; their code is C + first * C + second
    out_votes, out_voters  int32[., 2]  voters that hold it, and that are known: of all, and without that collector
    out_all                int32[., 2]  voters of that collector that had lost it (at most, where it is alone no more),
                                        and that ever held it

    A prefix is COMMON while it is lost and not the loss of one collector alone. Once alone, it stays so until the
    others taken together have lost their majority too, or are not there any more.

    Returns (next row, rows written, more room needed).
    """
    prefixes = codes.shape[0]
    written = 0
    while row < time_us.shape[0]:
        if written + prefixes > out_time.shape[0]:
            return row, written, True
        now = time_us[row]
        n_touched = 0
        while row < time_us.shape[0] and time_us[row] == now:
            what = code[row]
            who = session[row]
            voter = voter_of[who]
            place = place_of[voter]
            first, last = 0, prefixes
            if what <= OTHER:
                first, last = prefix[row], prefix[row] + 1
            step = 0
            kind = 0
            if ON4 <= what <= OFF6:
                kind = 0 if what <= OFF4 else 1
                on = 1 if what == ON4 or what == ON6 else 0
                if voting[who, kind] != on:
                    count_whole(who, voter, kind, voting, complete, -1, whole_of, whole)
                    voting[who, kind] = on
                    count_whole(who, voter, kind, voting, complete, 1, whole_of, whole)
                    step = 1 if on == 1 else -1
                    voting_of[voter, kind] += step
                    if on == 1 and voting_of[voter, kind] == 1:
                        voters[kind] += 1
                    elif on == 0 and voting_of[voter, kind] == 0:
                        voters[kind] -= 1
            made_whole = families_told(what, fresh[who], complete[who])
            for where in range(first, last):
                mine = address_family[where]
                old = cells[where, who]
                new = old
                if what == HOLD or what == DUMPED_HOLD:
                    new = KNOWN | HELD | WITNESS | ONCE
                elif what == LOSE or what == OTHER:
                    new = KNOWN
                    if old & ONCE or (old & KNOWN == 0 and complete[who] & (1 << mine) == 0):
                        new = KNOWN | WITNESS | ONCE
                elif what == CLEAR:
                    new = old & ONCE
                elif made_whole & (1 << mine) != 0:
                    new = old | KNOWN
                    if old & ONCE:
                        new |= WITNESS
                if ON4 <= what <= OFF6 and mine == kind and step != 0:
                    # What the session knew begins or stops to count; what completes it is counted below.
                    if step > 0:
                        _count(old, 1, where, voter, place, hold_of, known_of, seen_of, hold, known_voters, seen)
                    else:
                        _count(old, -1, where, voter, place, hold_of, known_of, seen_of, hold, known_voters, seen)
                if new != old:
                    cells[where, who] = new
                    if voting[who, mine] == 1:
                        _count(
                            old & ~new, -1, where, voter, place, hold_of, known_of, seen_of, hold, known_voters, seen
                        )
                        _count(new & ~old, 1, where, voter, place, hold_of, known_of, seen_of, hold, known_voters, seen)
                if touched[where] == 0:
                    touched[where] = 1
                    touched_list[n_touched] = where
                    n_touched += 1
            if what == CLEAR or made_whole != 0:
                for family_kind in range(2):
                    count_whole(who, voter, family_kind, voting, complete, -1, whole_of, whole)
                fresh[who] = WHOLE if what == CLEAR else fresh[who] & (WHOLE - made_whole)
                complete[who] = 0 if what == CLEAR else complete[who] | made_whole
                for family_kind in range(2):
                    count_whole(who, voter, family_kind, voting, complete, 1, whole_of, whole)
            row += 1
        for k in range(n_touched):
            where = touched_list[k]
            touched[where] = 0
            was = codes[where]
            mine = address_family[where]
            for place in range(hold.shape[1]):
                if hold[where, place] >= nearly * seen[where, place]:
                    fell_us[where, place] = -1
                elif fell_us[where, place] < 0:
                    fell_us[where, place] = now
            new_code = _alone(
                hold[where], seen[where], known_voters[where], voters[mine], whole[mine], was, least, share, nearly,
                fell_us[where], pair_share, apart_us,
            )  # fmt: skip
            if new_code == was:
                if was >= 0:
                    worst[where] = max(worst[where], _of_code(seen[where], was) - _of_code(hold[where], was))
                continue
            codes[where] = new_code
            about = new_code if new_code >= 0 else was
            out_time[written] = now
            out_prefix[written] = where
            out_code[written] = new_code
            out_votes[written, 0] = 0
            for place in range(hold.shape[1]):
                out_votes[written, 0] += hold[where, place]
            out_voters[written, 0] = known_voters[where]
            out_votes[written, 1] = out_votes[written, 0]
            out_voters[written, 1] = 0
            for place in range(hold.shape[1]):
                out_voters[written, 1] += seen[where, place]
            out_all[written, 0] = 0
            out_all[written, 1] = 0
            if about >= 0:
                out_votes[written, 1] -= _of_code(hold[where], about)
                out_voters[written, 1] -= _of_code(seen[where], about)
                now_lost = _of_code(seen[where], about) - _of_code(hold[where], about)
                out_all[written, 0] = now_lost if about == new_code else max(worst[where], now_lost)
                out_all[written, 1] = _of_code(seen[where], about)
                worst[where] = now_lost
            written += 1
    return row, written, False


@njit(nogil=True, cache=True)
def witnesses(
    time_us, session, prefix, code, voter_of, address_family, from_us, until_us, begin, affected,
    cells, hold_of, voting, complete, fresh, voting_of, mark, before, lost, left_us, first_us,
):  # fmt: skip
    """Count, for each of some stretches of time, what each voter held before it and lost in it.

    time_us int64[R], session/prefix int32[R], code uint8[R]   rows sorted by time, of the prefixes in question
    from_us, until_us  int64[K]      stretches, in order, apart
    begin int64[K + 1], affected int32[A]   prefixes that count in stretch k: affected[begin[k]:begin[k + 1]]
    cells uint8[P, N]   hold_of uint16[P, V]   voting uint8[N, 2]   complete, fresh uint8[N]   voting_of int32[V, 2]
    mark  uint8[P, V]   scratch; all zero at entry
    before, lost  int32[K, V]  out    left_us, first_us  int64[K, V]  out, -1 at entry: when it left the vote, and when
                               it lost the first of them

    A voter whose first word on a prefix takes it back, where no table of it is known, held it before.
    """
    stretches = from_us.shape[0]
    prefixes, all_voters = mark.shape
    k = 0
    inside = False
    row = 0
    while row <= time_us.shape[0] and k < stretches:
        now = time_us[row] if row < time_us.shape[0] else np.int64(0x7FFFFFFFFFFFFFFF)
        if inside and now >= until_us[k]:
            for a in range(begin[k], begin[k + 1]):
                for voter in range(all_voters):
                    mark[affected[a], voter] = 0
            inside = False
            k += 1
            continue
        if not inside and now >= from_us[k]:
            for a in range(begin[k], begin[k + 1]):
                where = affected[a]
                for voter in range(all_voters):
                    mark[where, voter] = 1
                    if hold_of[where, voter] > 0:
                        mark[where, voter] = 2
                        before[k, voter] += 1
            inside = True
            continue
        if row == time_us.shape[0]:
            break
        what = code[row]
        who = session[row]
        voter = voter_of[who]
        if what <= OTHER:
            where = prefix[row]
            counts = voting[who, address_family[where]] == 1
            old = cells[where, who]
            unheard = old & KNOWN == 0 and complete[who] & (1 << address_family[where]) == 0
            gone = what == LOSE or what == OTHER
            new = KNOWN if gone else KNOWN | HELD
            cells[where, who] = new
            if counts and new & HELD and not old & HELD:
                hold_of[where, voter] += np.uint16(1)
            elif counts and old & HELD and not new & HELD:
                hold_of[where, voter] -= np.uint16(1)
            if inside and gone and counts and hold_of[where, voter] == 0:
                if mark[where, voter] == 1 and unheard:
                    mark[where, voter] = 2
                    before[k, voter] += 1
                if mark[where, voter] == 2:
                    mark[where, voter] = 3
                    lost[k, voter] += 1
                    if first_us[k, voter] < 0:
                        first_us[k, voter] = now
        elif what == CLEAR:
            fresh[who] = WHOLE
            complete[who] = 0
            for where in range(prefixes):
                if cells[where, who] & HELD and voting[who, address_family[where]] == 1:
                    hold_of[where, voter] -= np.uint16(1)
                cells[where, who] = 0
        elif what < ON4 or what > OFF6:
            made_whole = families_told(what, fresh[who], complete[who])
            complete[who] |= made_whole
            fresh[who] &= WHOLE - made_whole
        else:
            kind = 0 if what <= OFF4 else 1
            on = 1 if what == ON4 or what == ON6 else 0
            made_whole = families_told(what, fresh[who], complete[who])
            complete[who] |= made_whole
            fresh[who] &= WHOLE - made_whole
            if voting[who, kind] != on:
                voting[who, kind] = on
                voting_of[voter, kind] += 1 if on == 1 else -1
                for where in range(prefixes):
                    if address_family[where] == kind and cells[where, who] & HELD:
                        if on == 1:
                            hold_of[where, voter] += np.uint16(1)
                        else:
                            hold_of[where, voter] -= np.uint16(1)
                if inside and on == 0 and voting_of[voter, kind] == 0 and left_us[k, voter] < 0:
                    left_us[k, voter] = now
        row += 1
