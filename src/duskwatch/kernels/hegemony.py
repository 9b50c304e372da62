"""AS hegemony: how much of the address space that viewpoints reach, they reach through each AS.

The method is IIJ's (Fontugne, Shah, Aben: The (thin) bridges of AS connectivity, PAM 2018, and as-hegemony's
docs/AS_HEGEMONY.md). Paths are rows of flat arrays, as in kernels.paths: hops asns[start[r]:start[r + 1]], a hop 0 an
AS_SET whose members stand in rows of set_path, set_start, set_asns.
"""

import numpy as np
from numba import njit

DEEPEST = 130  # prefixes that may lie inside one another
TRIM = 0.1

_MIX = np.uint64(0x9E3779B97F4A7C15)


@njit(nogil=True, cache=True)
def weigh_paths(afi, hi, lo, length, path, counted, address_family, weight, mark, stamp, paths, weights):
    """What one session reaches by each of its paths: IPv4 addresses by longest match, or IPv6 prefixes.

    afi, length uint8[P], hi, lo uint64[P]   prefixes in order of afi, address and length
    path     int32[P]  the row of the route's path, -1 where there is none; 0 is a path that cannot be read
    counted  uint8[P]  1 where the prefix counts. One that does not takes its addresses from those that hold it
    address_family int  afi that is looked at. A default route is left out
    weight, mark int64[R]   scratch; mark is never ``stamp`` yet
    paths int32[T], weights int64[T]  out: paths met, and what they carry, above 0; room for each route
    Returns how many.
    """
    stack = np.empty(DEEPEST, np.int64)
    depth, met = 0, 0
    for p in range(afi.shape[0]):
        if afi[p] != address_family or path[p] < 0 or length[p] == 0:
            continue
        bits = np.int64(length[p])
        size = np.int64(1)
        if address_family == 1:
            size = np.int64(1) << (32 - bits) if bits <= 32 else np.int64(0)
            while depth > 0:
                top = stack[depth - 1]
                if length[top] <= bits and (hi[p] ^ hi[top]) >> np.uint64(64 - length[top]) == 0:
                    break
                depth -= 1
            if depth > 0 and counted[stack[depth - 1]] == 1:
                weight[path[stack[depth - 1]]] -= size
            if depth < DEEPEST:
                stack[depth] = p
                depth += 1
        if counted[p] == 1:
            row = path[p]
            if mark[row] != stamp:
                mark[row] = stamp
                weight[row] = 0
                paths[met] = row
                met += 1
            weight[row] += size
    kept = 0
    for k in range(met):
        if weight[paths[k]] > 0 and paths[k] > 0:
            paths[kept] = paths[k]
            weights[kept] = weight[paths[k]]
            kept += 1
    return kept


@njit(nogil=True, cache=True)
def number_asns(asns, slots, shift, found, ids):
    """Give each AS number a small one, in order of appearance; returns how many there are.

    asns uint32[H]; slots int32[2**k], -1 everywhere, at least twice as many as numbers; shift uint64, 64 - k
    found uint32[H]: out, the numbers, each once     ids int32[H]: out
    """
    mask, count = slots.shape[0] - 1, 0
    for k in range(asns.shape[0]):
        slot = np.int64((np.uint64(asns[k]) * _MIX) >> shift)
        while slots[slot] >= 0 and found[slots[slot]] != asns[k]:
            slot = (slot + 1) & mask
        if slots[slot] < 0:
            slots[slot] = count
            found[count] = asns[k]
            count += 1
        ids[k] = slots[slot]
    return count


@njit(nogil=True, cache=True)
def unfold(hops, start, set_path, set_start, members, none, hop_start, hop_as, hop_share, end_start, end_as):
    """The ASes of each path with their share in it, and who originates it.

    hops int32[H], members int32[M]: numbers of ASes (number_asns) of asns and set_asns; ``none`` that of AS 0
    hop_start int64[R + 1], hop_as int32[H + M], hop_share float64[H + M]: out, ASes ahead of the origin, each once;
        a member of an AS_SET of k has 1 / k
    end_start int64[R + 1], end_as int32[R + M]: out, the origin, or each member of the set that stands in its place
    AS 0 is nobody.
    """
    row, used, ends = 0, 0, 0
    hop_start[0] = end_start[0] = 0
    for path in range(start.shape[0] - 1):
        first = used
        while row < set_path.shape[0] and set_path[row] < path:
            row += 1
        nth = row
        for i in range(start[path], start[path + 1]):
            last = i == start[path + 1] - 1
            is_set = hops[i] == none
            low = set_start[nth] if is_set else 0
            high = set_start[nth + 1] if is_set else 1
            nth += 1 if is_set else 0
            for j in range(low, high):
                one = members[j] if is_set else hops[i]
                if one == none:
                    continue
                if last:
                    end_as[ends] = one
                    ends += 1
                    continue
                share = 1.0 / (high - low)
                at = first
                while at < used and hop_as[at] != one:
                    at += 1
                if at == used:
                    hop_as[used], hop_share[used] = one, share
                    used += 1
                elif hop_share[at] < share:
                    hop_share[at] = share
        hop_start[path + 1] = used
        end_start[path + 1] = ends


@njit(nogil=True, cache=True)
def group_rows(key, start, order):
    """Rows in order of their key, as they came where keys are the same: order int64[E] out, start int64[K + 1] out."""
    start[:] = 0
    for k in range(key.shape[0]):
        start[key[k] + 1] += 1
    for k in range(start.shape[0] - 1):
        start[k + 1] += start[k]
    at = start[:-1].copy()
    for k in range(key.shape[0]):
        order[at[key[k]]] = k
        at[key[k]] += 1


@njit(nogil=True, cache=True)
def score_scopes(
    scopes, whole, scope_start, scope_path, scope_share, entry_start, entry_session, entry_weight,
    hop_start, hop_as, hop_share, end_start, end_as, group, of_group, sparse,
    slot, out_scope, out_as, out_value, peers, reached,
):  # fmt: skip
    """AS hegemony of every AS in the graph of each scope, as far as there is room.

    scopes  int32[S]  rows of scope_start     whole  uint8[S]  1: the origin of a path is an AS like the others in it
    scope_start int64[K + 1], scope_path int32[*], scope_share float64[*]  paths to each scope, and the share of their
            weight that is its
    entry_start int64[R + 1], entry_session int32[E], entry_weight int64[E]   by path: who has it, and what it carries
    hop_*, end_*   as of unfold()
    group  int32[N]  the peer AS of each session, as a row; of_group int64[G]  sessions of each
    sparse  1: sessions that do not reach a scope say nothing of it; 0: they say that none of it lies behind any AS
    slot   int32[A]   scratch, -1 everywhere
    out_scope int32[O] (index into scopes), out_as int32[O], out_value float64[O]: out, values above 0
    peers  int32[S]: out, peer ASes that reach the scope     reached float64[S]: out, what a peer AS reaches of it, mean
    Returns (scopes done, rows).
    """
    sessions, groups = group.shape[0], of_group.shape[0]
    totals = np.empty(sessions)
    divisor = np.empty(groups)
    local = np.empty(slot.shape[0], np.int32)
    sums = np.zeros((64, groups))
    values = np.empty(groups)
    rows = 0
    for k in range(scopes.shape[0]):
        scope = scopes[k]
        totals[:] = 0.0
        divisor[:] = 0.0
        for i in range(scope_start[scope], scope_start[scope + 1]):
            for e in range(entry_start[scope_path[i]], entry_start[scope_path[i] + 1]):
                totals[entry_session[e]] += scope_share[i] * entry_weight[e]
        many, mean = 0, 0.0
        for n in range(sessions):
            divisor[group[n]] += 1 if totals[n] > 0 else 0
        for g in range(groups):
            many += 1 if divisor[g] > 0 else 0
            if not sparse:
                divisor[g] = of_group[g]
        for n in range(sessions):
            if totals[n] > 0:
                mean += totals[n] / divisor[group[n]]
        peers[k] = many
        reached[k] = mean / many if many else 0.0
        count = 0
        for i in range(scope_start[scope], scope_start[scope + 1]):
            path = scope_path[i]
            if entry_start[path] == entry_start[path + 1]:
                continue
            ends = end_start[path + 1] - end_start[path] if whole[k] else 1
            for h in range(hop_start[path], hop_start[path + 1] + ends):
                if h < hop_start[path + 1]:
                    one, share = hop_as[h], hop_share[h]
                    if not whole[k] and one == scope:
                        continue
                elif whole[k]:
                    one, share = end_as[end_start[path] + h - hop_start[path + 1]], 1.0 / ends
                    for other in range(hop_start[path], hop_start[path + 1]):
                        if hop_as[other] == one:
                            share -= hop_share[other]
                    if share <= 0:
                        continue
                else:
                    one, share = scope, 1.0
                at = slot[one]
                if at < 0:
                    at = np.int32(count)
                    slot[one] = at
                    local[count] = one
                    if count == sums.shape[0]:
                        grown = np.zeros((2 * count, groups))
                        grown[:count] = sums
                        sums = grown
                    count += 1
                for e in range(entry_start[path], entry_start[path + 1]):
                    n = entry_session[e]
                    sums[at, group[n]] += scope_share[i] * entry_weight[e] * share / totals[n] / divisor[group[n]]
        voices = many if sparse else groups
        cut = np.int64(TRIM * voices)
        enough = rows + count <= out_as.shape[0]
        for i in range(count):
            slot[local[i]] = -1
            there = 0
            for g in range(groups):
                if sums[i, g] > 0:
                    values[there] = sums[i, g]
                    there += 1
                    sums[i, g] = 0.0
            if not enough or there <= cut:
                continue
            values[:there].sort()
            total = 0.0
            for g in range(max(0, there - (voices - cut)), there - cut):
                total += values[g]
            if total > 0:
                out_scope[rows], out_as[rows] = k, local[i]
                out_value[rows] = min(1.0, total / (voices - 2 * cut))
                rows += 1
        if not enough:
            return k, rows
    return scopes.shape[0], rows
