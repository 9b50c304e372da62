"""Time that routes were held through each neighbour."""

from numba import njit


@njit(nogil=True, cache=True)
def held_time(time_us, session, prefix, through, spans, until_us, current, since, spent):
    """Add up, for every neighbour and span, how long (prefix, session) pairs held a route through it.

    time_us int64[R], session int32[R], prefix int32[R]   rows in time order; prefix -1: the session ends
    through  int32[R]      neighbour of the route held from then on, as an index; -1: no route
    spans    int64[S, 2]   [from, until) in microseconds
    until_us int           routes still held are counted up to here
    current  int32[P, N]   scratch, -1 everywhere    since int64[P, N]  scratch
    spent    int64[S, K]   out: microseconds
    """
    prefixes, sessions = current.shape
    for row in range(time_us.shape[0] + 1):
        last = row == time_us.shape[0]
        now = until_us if last else time_us[row]
        one = -1 if last else prefix[row]
        first_prefix, end_prefix = (one, one + 1) if one >= 0 else (0, prefixes)
        first_session, end_session = (0, sessions) if last else (session[row], session[row] + 1)
        to = -1 if last or one < 0 else through[row]
        for p in range(first_prefix, end_prefix):
            for s in range(first_session, end_session):
                held = current[p, s]
                if held == to:
                    continue
                if held >= 0:
                    for k in range(spans.shape[0]):
                        overlap = min(now, spans[k, 1]) - max(since[p, s], spans[k, 0])
                        if overlap > 0:
                            spent[k, held] += overlap
                current[p, s] = to
                since[p, s] = now
