"""The fold of elems into routing state: which peer holds which prefix, and how large each peer's table is."""

import numpy as np
from numba import njit

from duskwatch.kernels.codes import (
    ALIVE,
    ANNOUNCE,
    DOWN,
    DUMPED_HOLD,
    HEARD,
    HOLD,
    LOSE,
    MALFORMED,
    RIB,
    RIB_PEER,
    SILENT,
    STATE,
    UP,
    WITH_ID,
    WITHDRAW,
)

ESTABLISHED = 6  # BGP finite state machine (RFC 4271 section 8.2.2, RFC 6396 section 4.4.1)

LOAD, COMPARE = 1, 0  # what a table dump does to a peer


TOTAL = np.int64(1) << 62  # in a key: the entry counts the paths of a prefix and peer; identifiers have any value


@njit(nogil=True, cache=True, inline="always")
def _path_slot(keys, ids, key, path_id):
    """Where the entry of one more path (RFC 7911) is, or is to go."""
    mask = keys.shape[0] - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(path_id) * np.uint64(0xC2B2AE3D27D4EB4F)
    slot = np.int64(mixed >> np.uint64(20)) & mask
    while keys[slot] >= 0 and not (keys[slot] == key and ids[slot] == path_id):
        slot = (slot + 1) & mask
    return slot


@njit(nogil=True, cache=True)
def _count_path(keys, ids, values, prefix, peer, path_id, there):
    """Note that a path is there, or is not; returns how many paths the peer then has to the prefix."""
    key = (np.int64(prefix) << 16) | np.int64(peer)
    total = _path_slot(keys, ids, key | TOTAL, np.uint32(0))
    if keys[total] < 0:
        keys[total] = key | TOTAL
        ids[total] = 0
        values[total] = 0
    slot = _path_slot(keys, ids, key, path_id)
    if keys[slot] < 0:
        keys[slot] = key
        ids[slot] = path_id
        values[slot] = 0
    if values[slot] != there:
        values[slot] = there
        values[total] += 1 if there == 1 else -1
    return values[total]


@njit(nogil=True, cache=True)
def move_paths(keys, ids, values, new_keys, new_ids, new_values):
    """Copy the table of paths into a larger, empty one (keys -1)."""
    for slot in range(keys.shape[0]):
        if keys[slot] >= 0:
            to = _path_slot(new_keys, new_ids, keys[slot], ids[slot])
            new_keys[to] = keys[slot]
            new_ids[to] = ids[slot]
            new_values[to] = values[slot]


@njit(nogil=True, cache=True)
def clear_paths(keys, values, peer):
    """Forget the paths of one peer."""
    for slot in range(keys.shape[0]):
        if keys[slot] >= 0 and keys[slot] & 0xFFFF == peer:
            values[slot] = 0


@njit(nogil=True, cache=True, inline="always")
def _clear_peer(held, count, word, bit, sizes, peer):
    for prefix in range(count):
        held[prefix, word] &= ~bit
    sizes[peer, 0] = 0
    sizes[peer, 1] = 0


@njit(nogil=True, cache=True)
def fold_elems(
    time_us, kind, afi, peer, path_id, marks, state, prefix,
    held, count, path_keys, path_ids, path_values, watched, sizes,
    heard_us, live, dump_policy, dump_matched, dump_missing,
    sample_us, bin_us, samples, sampled, silent_us, late_us, dump_us, floor_us, horizon_us,
    log_time, log_peer, log_prefix, log_op, log_row, counters, late_span,
):  # fmt: skip
    """Apply elems to the state, in order, and log what happens to watched prefixes and to sessions.

    time_us int64[E], kind/afi uint8[E], peer int32[E], path_id uint32[E], marks uint8[E], state uint16[E]: columns of
                                  an ElemBlock
    prefix        int32[E]        row in the prefix table, -1 where the elem has none
    held          uint64[P, W]    in/out: bit b of word w is set where peer 64 * w + b holds the prefix
    count         int             prefixes in use
    path_keys int64[H], path_ids uint32[H], path_values int32[H]   in/out: paths of add-path sessions; hash table with
                                  room for two more entries per elem that has a path identifier
    watched       uint8[P]        1 where the log is to tell of it
    sizes         int64[N, 2]     in/out: prefixes held by each peer, IPv4 and IPv6
    heard_us      int64[N]        in/out: last time each peer was heard, -1 before the first
    live          uint8[N]        in/out: 1 while the session is up as far as is known, 2 where the log says that it
                                  is silent
    dump_policy   uint8[N, 2]     by family. LOAD: a table dump fills the peer's table; COMPARE: it is only compared
    dump_matched, dump_missing    int64[N, 2]  in/out: dump entries that were compared and agreed, or were filled in;
                                  and those that disagreed
    sample_us     int64           time of the next sample; bin_us between samples
    samples       int32[K, N, 2]  out: sizes at each sample time, from row ``sampled`` on
    silent_us     int64           a peer not heard for longer was not there in between
    late_us       int64           elems up to this much before their peer's latest are taken as of that time;
                                  older ones are left out
    dump_us       int64           time of the table dump being read; its entries are taken as of then
    floor_us      int64           nothing is logged as of a time before it, but that a peer was silent; dump_us is no
                                  earlier
    horizon_us    int64           elems at or after it are left out
    log_*         [L >= 4 * E]    out: time, peer, prefix (-1), op, elem row (-1)
    counters      int64[8]        in/out: late elems, elems left out as too old, of peers out of range, past the
                                  horizon, before the floor, with malformed attributes; how late the latest was, us;
                                  the last is none of this function's
    late_span     int64[5]        in/out: the first and the last time as of which late elems were taken, and how late
                                  the latest was; the first time of those left out as too old, and how late the latest
                                  was, us; times -1 where there was none

    Returns (log rows, samples taken, next sample time).
    """
    rows = 0
    for row in range(time_us.shape[0]):
        who = peer[row]
        what = kind[row]
        if who < 0 or who >= sizes.shape[0]:
            counters[2] += 1
            continue
        now = time_us[row]
        if now >= horizon_us:
            counters[3] += 1
            continue
        if what != RIB and what != RIB_PEER:
            before = heard_us[who]
            if now < before:
                if before - now > late_us:
                    counters[1] += 1
                    late_span[3] = now if late_span[3] < 0 else min(late_span[3], now)
                    late_span[4] = max(late_span[4], before - now)
                    continue
                counters[0] += 1
                counters[6] = max(counters[6], before - now)
                late_span[0] = before if late_span[0] < 0 else min(late_span[0], before)
                late_span[1] = max(late_span[1], before)
                late_span[2] = max(late_span[2], before - now)
                now = before
            heard_us[who] = now
            quiet = before >= 0 and now - before > silent_us and live[who] == 1
            if now < floor_us:
                counters[4] += 1
                now = floor_us
            while now >= sample_us and sampled < samples.shape[0]:
                samples[sampled] = sizes
                sampled += 1
                sample_us += bin_us
            if quiet:
                log_time[rows] = before + silent_us
                log_peer[rows] = who
                log_prefix[rows] = -1
                log_op[rows] = SILENT
                log_row[rows] = -1
                rows += 1
            if before < 0 or quiet or live[who] == 2:
                log_time[rows] = now
                log_peer[rows] = who
                log_prefix[rows] = -1
                log_op[rows] = HEARD
                log_row[rows] = -1
                rows += 1
                if live[who] == 2:
                    live[who] = 1
        elif what == RIB_PEER:
            continue
        else:
            now = max(dump_us, heard_us[who])
        word = who >> 6
        bit = np.uint64(1) << np.uint64(who & 63)
        op = -1
        where = prefix[row]
        identified = marks[row] & WITH_ID != 0
        if marks[row] & MALFORMED:
            counters[5] += 1
            what = WITHDRAW
        if what == ANNOUNCE or what == RIB:
            address_family = 0 if afi[row] == 1 else 1
            has = held[where, word] & bit
            if what == RIB:
                compared = dump_policy[who, address_family] == COMPARE
                if has or not compared:
                    dump_matched[who, address_family] += 1
                else:
                    dump_missing[who, address_family] += 1
                if compared:
                    continue
            if identified:
                _count_path(path_keys, path_ids, path_values, where, who, path_id[row], 1)
            if not has:
                held[where, word] |= bit
                sizes[who, address_family] += 1
            if what == ANNOUNCE and live[who] == 0:
                live[who] = 1
                log_time[rows] = now
                log_peer[rows] = who
                log_prefix[rows] = -1
                log_op[rows] = UP
                log_row[rows] = -1
                rows += 1
            if watched[where] == 1:
                op = HOLD if what == ANNOUNCE else DUMPED_HOLD
        elif what == WITHDRAW:
            address_family = 0 if afi[row] == 1 else 1
            if identified and _count_path(path_keys, path_ids, path_values, where, who, path_id[row], 0) > 0:
                continue
            if held[where, word] & bit:
                held[where, word] &= ~bit
                sizes[who, address_family] -= 1
            if watched[where] == 1:
                op = LOSE
        elif what == STATE:
            if state[row] & 255 == ESTABLISHED:
                if live[who] == 0:
                    live[who] = 1
                    op = UP
            elif live[who] != 0 or state[row] >> 8 == ESTABLISHED:
                _clear_peer(held, count, word, bit, sizes, who)
                clear_paths(path_keys, path_values, who)
                live[who] = 0
                op = DOWN
            where = -1
        elif what == ALIVE and state[row] != 0 and live[who] != 0:
            # OPEN or NOTIFICATION: what the session had is gone with it (RFC 4271 section 8.2.2).
            _clear_peer(held, count, word, bit, sizes, who)
            clear_paths(path_keys, path_values, who)
            live[who] = 0
            op = DOWN
            where = -1
        if op >= 0:
            log_time[rows] = now
            log_peer[rows] = who
            log_prefix[rows] = where
            log_op[rows] = op
            log_row[rows] = row if where >= 0 else -1
            rows += 1
    return rows, sampled, sample_us


@njit(nogil=True, cache=True)
def clear_peer(held, count, sizes, peer):
    """Take every route of one peer out of the state."""
    _clear_peer(held, count, peer >> 6, np.uint64(1) << np.uint64(peer & 63), sizes, peer)
