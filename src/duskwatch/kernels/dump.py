"""The fold of table dumps straight from their bytes: most routes in one are only counted and need no row."""

import numpy as np
from numba import njit

from duskwatch.kernels.aspath import PATH_LIMIT, wide_tail
from duskwatch.kernels.codes import DUMPED_HOLD, OTHER
from duskwatch.kernels.paths import find_path, same_octets
from duskwatch.kernels.routing import COMPARE

ENTRY = 8  # octets of a RIB entry before its attributes (RFC 6396 section 4.3.4)


@njit(nogil=True, cache=True)
def scan_routes(
    data, start, entries, places, time_us, afi, prefix,
    held, sizes, policy, matched, missing, horizon_us, counters,
    watched, number, watched_count, origins,
    last_path, route_prefix, route_peer, route_path, path_at, path_length,
):  # fmt: skip
    """Apply the records of a table dump to the state, in order, and find the routes to watched prefixes.

    data uint8[B]; start int64[R], entries int32[R], places int32[L], time_us int64[R], afi uint8[R]: a RibBlock
    prefix    int32[R]      row in the prefix table
    held, sizes, policy, matched, missing, horizon_us, counters   as in routing.fold_elems
    watched uint8[P], number int32[P]   in/out: whether the log is to tell of a prefix, and its number there
    watched_count  int      prefixes watched so far
    origins   uint32[K]     not empty: a prefix is watched from the first route on that one of these originates, and
                            routes to others are found without a path
    last_path int64[N, 3]   scratch, zeros: of each peer where its last path stands in data, its octets, its row below
    route_prefix, route_peer, route_path   int32[T]  out: of each route found the number of the prefix, the peer, and
                            the row of its path, -1 where the path does not count; room for each entry of a watched
                            prefix
    path_at, path_length    int64[T]  out: where the AS_PATH of each path stands in data; a path may be there twice

    Returns (routes found, paths, watched prefixes).
    """
    path = np.empty(PATH_LIMIT, np.int64)
    routes, paths = 0, 0
    for row in range(start.shape[0]):
        if time_us[row] >= horizon_us:
            counters[3] += entries[row]
            continue
        where = np.int64(prefix[row])
        address_family = 0 if afi[row] == 1 else 1
        at = start[row]
        is_watched = watched[where] == 1
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
            compared = policy[who, address_family] == COMPARE
            if has or not compared:
                matched[who, address_family] += 1
            else:
                missing[who, address_family] += 1
            if not compared and not has:
                held[where, word] |= bit
                sizes[who, address_family] += 1
            if not is_watched and origins.shape[0] == 0:
                continue
            if compared and origins.shape[0] == 0:
                continue
            of_origin = origins.shape[0] == 0
            if not of_origin:
                origin = wide_tail(data, attributes, at, path)[0]
                for k in range(origins.shape[0]):
                    of_origin = of_origin or origins[k] == origin
                if of_origin and not is_watched:
                    is_watched = True
                    watched[where] = 1
                    number[where] = watched_count
                    watched_count += 1
                if not is_watched or compared:
                    continue
            route_prefix[routes] = number[where]
            route_peer[routes] = who
            route_path[routes] = -1
            if of_origin:
                value, length = find_path(data, attributes, at)
                if value < 0:
                    value, length = np.int64(0), np.int64(0)
                # Neighbours in address are often of one origin, and a peer reaches them by one path.
                same_length = length > 0 and last_path[who, 1] == length
                if not (same_length and same_octets(data, last_path[who, 0], value, length)):
                    path_at[paths], path_length[paths] = value, length
                    last_path[who, 0], last_path[who, 1], last_path[who, 2] = value, length, paths
                    paths += 1
                route_path[routes] = last_path[who, 2]
            routes += 1
    return routes, paths, watched_count


@njit(nogil=True, cache=True)
def place_routes(
    route_prefix, route_peer, route_path, ids, heard_us, dump_us, before_us,
    cells, routes, last_us, last_route, mentioned,
    log_time, log_peer, log_prefix, log_op, log_route,
):  # fmt: skip
    """Say what scan_routes found: what is earlier than ``before_us`` to the table at the start, the rest to the log.

    route_*   int32[T]      as there     ids int32[K]  the number of each path
    heard_us, dump_us       as in routing.fold_elems
    before_us, cells, routes, last_us, last_route, mentioned   as in routes.absorb
    log_*     [L]           out: time, peer, number of the prefix, op, route; as much room as there are routes

    Returns how many rows of the log there are.
    """
    rows = 0
    for k in range(route_prefix.shape[0]):
        who, q = route_peer[k], route_prefix[k]
        has_path = route_path[k] >= 0
        route = ids[route_path[k]] if has_path else 0
        now = max(dump_us, heard_us[who])
        if now < before_us:
            mentioned[q] = 1
            cells[q, who] = 3 if has_path else 2
            if has_path:
                routes[q, who] = route
                if now >= last_us[q]:
                    last_us[q] = now
                    last_route[q] = route
        else:
            log_time[rows] = now
            log_peer[rows] = who
            log_prefix[rows] = q
            log_op[rows] = DUMPED_HOLD if has_path else OTHER
            log_route[rows] = route
            rows += 1
    return rows
