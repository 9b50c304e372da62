"""Ways into an entity: where paths cross its border, which AS cannot be spared, when the main way changes."""

import numpy as np
from numba import njit

from duskwatch.kernels.codes import CLEAR, OFF4, OFF6, ON4, ON6, VOTE_DUMPED_HOLD, VOTE_HOLD

NOWHERE = -1
SOME, NONE = 0.25, 0.05  # shares of routes


@njit(nogil=True, cache=True)
def cross_border(asns, start, inside_hop, outside, inside):
    """Where each path enters an entity, walked from the origin.

    asns uint32[H], start int64[R + 1]: paths, as in kernels.paths; a hop 0 is a set, of which nobody is known
    inside_hop  uint8[H]  1 where the AS of a hop is inside the entity
    outside, inside uint32[R]: out, the first AS that is not, and the last that is. ``outside`` 0: the path never
        leaves, or leaves through a set; ``inside`` 0: who originates it is not inside
    """
    for path in range(start.shape[0] - 1):
        at = start[path + 1] - 1
        outside[path] = inside[path] = 0
        while at >= start[path] and inside_hop[at] == 1:
            inside[path] = asns[at]
            at -= 1
        if at >= start[path]:
            outside[path] = asns[at]


@njit(nogil=True, cache=True, inline="always")
def _covers(hi, lo, length, other_hi, other_lo):
    """Whether a prefix holds an address."""
    if length <= 64:
        return length == 0 or (hi ^ other_hi) >> np.uint64(64 - length) == 0
    return hi == other_hi and (lo ^ other_lo) >> np.uint64(128 - length) == 0


@njit(nogil=True, cache=True)
def own_space(afi, hi, lo, length, address_family, parent, net):
    """Which prefix each one lies in, and the addresses of it that lie in no further one.

    afi, length uint8[P], hi, lo uint64[P]   IPv4 prefixes, or IPv6 ones, in order of address and length
    parent int32[P]: out, -1 where there is none
    net    int64[P]: out, IPv4 addresses; 1 of each IPv6 prefix; 0 of the other address family
    """
    stack = np.empty(130, np.int64)
    depth = 0
    for p in range(afi.shape[0]):
        parent[p], net[p] = -1, 0
        if afi[p] != address_family or length[p] == 0:
            continue
        bits = np.int64(length[p])
        while depth > 0:
            top = stack[depth - 1]
            if length[top] <= bits and _covers(hi[top], lo[top], length[top], hi[p], lo[p]):
                break
            depth -= 1
        net[p] = 1
        if depth > 0:
            parent[p] = stack[depth - 1]
        if address_family == 1:
            net[p] = np.int64(1) << (32 - bits)
            if depth > 0:
                net[stack[depth - 1]] -= net[p]
        if depth < stack.shape[0]:
            stack[depth] = p
            depth += 1


@njit(nogil=True, cache=True, inline="always")
def _route_to(parent, path, p, session):
    """The path that a session has to the space of a prefix: its own route, or that to what holds it."""
    at = np.int64(p)
    while at >= 0:
        if path[at, session] >= 0:
            return np.int64(path[at, session])
        at = np.int64(parent[at])
    return np.int64(NOWHERE)


@njit(nogil=True, cache=True)
def lean_on(parent, net, counted, path, voter_start, voter_session, hop_start, hop_as, known_only, lost, only, total):
    """How much space would be lost if an AS carried nothing, and nobody found another way.

    parent int32[P], net int64[P]   as of own_space()     counted uint8[P]  1 where space counts
    path   int32[P, N]     voter_start int64[V + 1], voter_session int32[*]   sessions of each voter
    hop_start, hop_as      as of hegemony.unfold()
    known_only  1: who has no route to a prefix has no word on it; 0: it says that there is none
    lost, only int64[A]: out, space that more than half of the voters would no longer have; that nobody would have
    total int64[1]: out, space that more than half of the voters have
    """
    through = np.zeros(lost.shape[0], np.int32)
    met = np.empty(lost.shape[0], np.int32)
    times = np.zeros(lost.shape[0], np.int32)
    carriers = np.empty(lost.shape[0], np.int32)
    for p in range(parent.shape[0]):
        if counted[p] == 0 or net[p] <= 0:
            continue
        holders, many = 0, 0
        for v in range(voter_start.shape[0] - 1):
            having, few = 0, 0
            for s in range(voter_start[v], voter_start[v + 1]):
                route = _route_to(parent, path, p, voter_session[s])
                if route < 0:
                    continue
                having += 1
                for h in range(hop_start[route], hop_start[route + 1]):
                    if times[hop_as[h]] == 0:
                        carriers[few] = hop_as[h]
                        few += 1
                    times[hop_as[h]] += 1
            holders += 1 if having else 0
            for k in range(few):
                if times[carriers[k]] == having:  # each of its sessions goes through it
                    if through[carriers[k]] == 0:
                        met[many] = carriers[k]
                        many += 1
                    through[carriers[k]] += 1
                times[carriers[k]] = 0
        voters = holders if known_only else voter_start.shape[0] - 1
        seen = 2 * holders > voters
        total[0] += net[p] if seen else 0
        for k in range(many):
            one = met[k]
            if seen and 2 * (holders - through[one]) <= voters:
                lost[one] += net[p]
                only[one] += net[p] if through[one] == holders else 0
            through[one] = 0


@njit(nogil=True, cache=True)
def main_ways(
    time_us, session, prefix, code, way, change_us, change_unit, change_seen, voter_start, voter_session,
    address_family, ways, out_us, out_unit, out_from, out_to, out_voters, share_since, share_us, share_way, share_up,
    share_of,
):  # fmt: skip
    """When the way that most voters have to each prefix changes; a prefix that is not visible has none.

    time_us int64[R], session/prefix int32[R], code uint8[R], way int32[R]  rows of votes in time order; of a route its
            way, a small number
    change_us int64[C], change_unit int32[C], change_seen uint8[C]  when each prefix becomes visible (1), ceases to (0),
            ceases to because voters left (2), or nobody is there to say (3), which changes nothing
    voter_start int64[V + 1], voter_session int32[*]   sessions of each voter   address_family uint8[U]  afi of each
    ways  int, how many there are
    out_us int64[O], out_unit int32[O], out_from, out_to int32[O], out_voters uint8[O]: out, -1 none, 1 voters left
    share_since, share_us int64[O], share_way int32[O], share_up uint8[O], share_of float64[O]: out, when a way comes to
            carry SOME of the routes that voting sessions hold, having carried next to NONE until ``since``; and the
            other way round
    Another way is the main one once more than half of those who have any have it, or nobody has the main one any more.
    Returns how many of both; more than there is room for are counted and not written.
    """
    units, sessions = address_family.shape[0], 0
    for k in range(voter_session.shape[0]):
        sessions = max(sessions, voter_session[k] + 1)
    held = np.full((units, sessions), NOWHERE, np.int32)
    votes = np.zeros((sessions, 2), np.uint8)
    main, seen = np.full(units, NOWHERE, np.int32), np.zeros(units, np.uint8)
    tally, dirty, is_dirty = np.zeros(ways, np.int32), np.empty(units, np.int32), np.zeros(units, np.uint8)
    count, row, step, many = 0, 0, 0, 0
    carried, total, shares = np.zeros(ways, np.int64), np.int64(0), 0
    is_up, since = np.full(ways, 2, np.uint8), np.zeros(ways, np.int64)  # 2: it has carried neither yet
    while row < time_us.shape[0] or step < change_us.shape[0]:
        now = np.int64(1) << 62
        if row < time_us.shape[0]:
            now = time_us[row]
        if step < change_us.shape[0] and change_us[step] < now:
            now = change_us[step]
        while row < time_us.shape[0] and time_us[row] == now:
            what, who, where = code[row], session[row], prefix[row]
            if where >= 0:
                to = way[row] if what == VOTE_HOLD or what == VOTE_DUMPED_HOLD else np.int32(NOWHERE)
                if votes[who, 0 if address_family[where] == 1 else 1] == 1:
                    if held[where, who] != NOWHERE:
                        carried[held[where, who]] -= 1
                        total -= 1
                    if to != NOWHERE:
                        carried[to] += 1
                        total += 1
                held[where, who] = to
                if is_dirty[where] == 0:
                    is_dirty[where] = 1
                    dirty[many] = where
                    many += 1
            else:
                before4, before6 = votes[who, 0], votes[who, 1]
                if what == ON4 or what == OFF4:
                    votes[who, 0] = 1 if what == ON4 else 0
                elif what == ON6 or what == OFF6:
                    votes[who, 1] = 1 if what == ON6 else 0
                for unit in range(units):
                    if held[unit, who] == NOWHERE:
                        continue
                    if is_dirty[unit] == 0:
                        is_dirty[unit] = 1
                        dirty[many] = unit
                        many += 1
                    counts = votes[who, 0] if address_family[unit] == 1 else votes[who, 1]
                    did = before4 if address_family[unit] == 1 else before6
                    if what == CLEAR:
                        counts = np.uint8(0)
                    if counts != did:
                        change = np.int64(1) if counts == 1 else np.int64(-1)
                        carried[held[unit, who]] += change
                        total += change
                    if what == CLEAR:
                        held[unit, who] = NOWHERE
            row += 1
        while step < change_us.shape[0] and change_us[step] == now:
            where = change_unit[step]
            if change_seen[step] != 3:
                seen[where] = change_seen[step]
            if is_dirty[where] == 0:
                is_dirty[where] = 1
                dirty[many] = where
                many += 1
            step += 1
        for k in range(many):
            unit = dirty[k]
            is_dirty[unit] = 0
            column = 0 if address_family[unit] == 1 else 1
            holders, best = 0, np.int32(NOWHERE)
            for v in range(voter_start.shape[0] - 1):
                for s in range(voter_start[v], voter_start[v + 1]):
                    who = voter_session[s]
                    if votes[who, column] == 1 and held[unit, who] != NOWHERE:
                        tally[held[unit, who]] += 1
                        holders += 1
                        break
            for w in range(ways):
                if tally[w] > 0 and (best == NOWHERE or tally[w] > tally[best]):
                    best = np.int32(w)
            to = main[unit]
            if seen[unit] != 1:
                to = np.int32(NOWHERE)
            elif best != NOWHERE and (to == NOWHERE or tally[to] == 0 or 2 * tally[best] > holders):
                to = best
            for w in range(ways):
                tally[w] = 0
            if to != main[unit]:
                if count < out_us.shape[0]:
                    out_us[count], out_unit[count], out_from[count], out_to[count] = now, unit, main[unit], to
                    out_voters[count] = 1 if seen[unit] == 2 else 0
                count += 1
                main[unit] = to
        many = 0
        for w in range(ways):
            part = carried[w] / total if total > 0 else 0.0
            if total == 0 or NONE <= part < SOME:
                continue
            up = 1 if part >= SOME else 0
            if up != is_up[w]:
                known = is_up[w] != 2
                is_up[w] = up
                if known and shares < share_us.shape[0]:
                    share_since[shares], share_us[shares], share_way[shares] = since[w], now, w
                    share_up[shares], share_of[shares] = up, part
                shares += known
            since[w] = now
    return count, shares
