"""The fold of table dumps straight from their bytes: most routes in one are only counted and need no row."""

import numpy as np
from numba import njit

from duskwatch.kernels.aspath import PATH_LIMIT, wide_tail
from duskwatch.kernels.codes import DUMPED_HOLD, OTHER
from duskwatch.kernels.paths import ODD, find_path, intern_plain, same_octets
from duskwatch.kernels.routing import COMPARE

ENTRY = 8  # octets of a RIB entry before its attributes (RFC 6396 section 4.3.4)


@njit(nogil=True, cache=True)
def fold_routes(
    data, start, entries, places, time_us, afi, prefix,
    held, sizes, heard_us, policy, matched, missing, dump_us, horizon_us, counters,
    watched, number, watched_count, origins,
    asns, path_start, slots, shift, count, last_path,
    before_us, cells, routes, last_us, last_route, mentioned,
    log_time, log_peer, log_prefix, log_op, log_route, odd,
):  # fmt: skip
    """Apply the records of a table dump to the state, in order, and say of watched prefixes what they hold.

    data uint8[B]; start int64[R], entries int32[R], places int32[L], time_us int64[R], afi uint8[R]: a RibBlock
    prefix    int32[R]      row in the prefix table
    held, sizes, heard_us, policy, matched, missing, dump_us, horizon_us, counters   as in routing.fold_elems
    watched uint8[P], number int32[P]   in/out: whether the log is to tell of a prefix, and its number there
    watched_count  int      prefixes watched so far
    origins   uint32[K]     not empty: a prefix is watched from the first route on that one of these originates, and
                            routes to others are OTHER
    asns, path_start, slots, shift, count   the pool of paths, as in kernels.paths; room for each entry of a watched
                            prefix, and for all of their hops
    last_path int64[N, 3]   scratch, zeros: of each peer where its last path stands in data, its octets, its number
    before_us, cells, routes, last_us, last_route, mentioned   as in routes.absorb: what is earlier goes into the table
                            that stands at the start; room for each prefix and peer
    log_*     [L]           out: time, peer, number of the prefix, op, route of what is not earlier; as much room
    odd       int64[O, 5]   out: paths that take paths.intern_odd: where the attributes begin and end in data, the row
                            of the log (-1: none), the number of the prefix, the peer. Their route is -2 less the row
                            here until then. As much room as entries of watched prefixes

    Returns (log rows, paths, watched prefixes, odd rows).
    """
    path = np.empty(PATH_LIMIT, np.int64)
    rows, odds = 0, 0
    for row in range(start.shape[0]):
        if time_us[row] >= horizon_us:
            counters[3] += entries[row]
            continue
        where = np.int64(prefix[row])
        family = 0 if afi[row] == 1 else 1
        at = start[row]
        told = watched[where] == 1
        for _ in range(entries[row]):
            if at + ENTRY > data.shape[0]:
                break
            place = (np.int64(data[at]) << 8) | np.int64(data[at + 1])
            attributes = at + ENTRY
            at = attributes + ((np.int64(data[at + 6]) << 8) | np.int64(data[at + 7]))
            if place >= places.shape[0] or at > data.shape[0]:
                break
            who = np.int64(places[place])
            if who < 0 or who >= sizes.shape[0]:
                counters[2] += 1
                continue
            word = who >> 6
            bit = np.uint64(1) << np.uint64(who & 63)
            has = held[where, word] & bit
            if policy[who] != COMPARE:
                if not has:
                    held[where, word] |= bit
                    sizes[who, family] += 1
            elif has:
                matched[who] += 1
            else:
                missing[who] += 1
            if not told and origins.shape[0] == 0:
                continue
            if policy[who] == COMPARE and origins.shape[0] == 0:
                continue
            own = origins.shape[0] == 0
            if not own:
                origin = wide_tail(data, attributes, at, path)[0]
                for k in range(origins.shape[0]):
                    own = own or origins[k] == origin
                if own and not told:
                    told = True
                    watched[where] = 1
                    number[where] = watched_count
                    watched_count += 1
                if not told or policy[who] == COMPARE:
                    continue
            route = np.int64(0)
            if own:
                value, length = find_path(data, attributes, at)
                if value >= 0:
                    # Neighbours in address are often of one origin, and a peer reaches them by one path.
                    if (
                        last_path[who, 1] == length
                        and length > 0
                        and same_octets(data, last_path[who, 0], value, length)
                    ):
                        route = last_path[who, 2]
                    else:
                        route, count = intern_plain(data, value, length, asns, path_start, slots, shift, count)
                        last_path[who, 0], last_path[who, 1] = value, length if route != ODD else 0
                        last_path[who, 2] = route
            now = max(dump_us, heard_us[who])
            q = np.int64(number[where])
            early = now < before_us
            if route == ODD:
                route = np.int64(-2 - odds)
                odd[odds, 0], odd[odds, 1] = attributes, at
                odd[odds, 2], odd[odds, 3], odd[odds, 4] = -1 if early else rows, q, who
                odds += 1
            if early:
                mentioned[q] = 1
                cells[q, who] = 3 if own else 2
                if own:
                    routes[q, who] = route
                    if now >= last_us[q]:
                        last_us[q] = now
                        last_route[q] = route
            else:
                log_time[rows] = now
                log_peer[rows] = who
                log_prefix[rows] = q
                log_op[rows] = DUMPED_HOLD if own else OTHER
                log_route[rows] = route
                rows += 1
    return rows, count, watched_count, odds
