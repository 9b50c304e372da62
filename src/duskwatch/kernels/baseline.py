"""What a binned signal should be, and how far below it may fall by chance: one bin of one series at a time.

A live driver gives one bin of every series, a replay every bin of each series; both run the same ``_advance``, so
that they give the same numbers. docs/reference/detection.md has the rules in words.
"""

import numpy as np
from numba import njit

# Columns of the table of a state, float64[N, FIELDS]. Integers up to 2**53 are exact in it.
SLOT = 0  # the slot being filled; NaN before the first bin
FILL = 1  # values in the buffer of this slot
KEPT_OUT = 2  # values of this slot that were kept out of it
KNOWN = 3  # hours of history taken in
MODEL = 4  # 0 flat, 1 the time of day, 2 the time of the week
WIDTH, RISE = 5, 6  # share that the signal may fall, and rise, by chance
PREDICTED = 7  # 9 columns: for each model the slot before, this one, and the next
INSIDE = 16  # 1 while below what is expected
RAISED = 17  # bits of the rules whose threshold was passed
CLEAR = 18  # how often the width was missing, summed over bins
GOOD = 19  # bins in a row at which it was back
SOFT = 20  # microseconds in a row inside the normal band, if not back
BELOW_N, BELOW_LOSS = 21, 22  # bins of this excursion, and the sum of their losses
DAY, DAY_N, DAY_LOSS = 23, 24, 25  # the same of this day
ANCHOR, ANCHOR_DAY = 26, 27  # a loss that has lasted since a day
SURGE, SURGE_RATIO, SURGE_N = 28, 29, 30  # microseconds above what is expected, and by how much
HELD = 31  # the last flat prediction, for when nothing is left of the history
AREA = 32  # RULES columns: loss area of each rule, in microseconds of total loss
RULES = 4
LASTING = AREA + RULES  # 1 + the scale whose mean is below what it ever was, while it is; else 0
LASTING_SINCE = LASTING + 1  # time of the bin that said so
WEEK = LASTING + 2  # number of the week whose peaks are kept now
SCALES = 5  # means over so many lengths of time
MEANS = LASTING + 3  # SCALES times: mean loss, its peak since it was small, limit, and the peaks of WEEKS weeks
WEEKS = 5
PER_SCALE = 3 + WEEKS
SCORE = MEANS + SCALES * PER_SCALE  # MODELS times: how far off each was, in slots that it foretold; then how many
UNSURE = SCORE + 6  # 1 where the season is not known at this time of the day or week
MEAN_HOURS = UNSURE + 1  # hours of means with the model in use
SLOTS = MEAN_HOURS + 1  # slots since the first bin
HOURS_SEEN = SLOTS + 1  # bits of the slots of the day, and the days of the week, that were ever taken in
DAYS_SEEN = SLOTS + 2
CALM = SLOTS + 3  # 1 where single bins can be trusted: three times what a tenth of them is off by fits into the band
LOW_RUN = SLOTS + 4  # bins in a row that lacked more than an excursion may lack when it ends
LAST = SLOTS + 5  # value of the bin before, where it was watched and taken in; else NaN
NOISE, NOISE_BINS = SLOTS + 6, SLOTS + 7  # half of the mean square step from bin to bin, and over how many bins
WHOLE = SLOTS + 8  # 1 while every value was a whole number
LOCAL = SLOTS + 9  # what came in the last LOCAL_SLOTS slots, as a share of what was expected then
LOCAL_OFF, LOCAL_N = SLOTS + 10, SLOTS + 11  # how far slots were from that, and how many of them
SUM, SUM_SLACK, SUM_LIMIT = SLOTS + 12, SLOTS + 13, SLOTS + 14  # of losses over the slack (Page 1954), and its limit
LEFT = SLOTS + 15  # share that is left while the sum says that some is lost
RETURN = SLOTS + 16  # the same sum of what comes back
SAMPLED = SLOTS + 17  # MEAN, LEVEL or COUNT: what a bin holds
EMPTY, EMPTY_ON = SLOTS + 18, SLOTS + 19  # log of how much likelier it is that most is lost; 1 where that is followed
FIELDS = SLOTS + 20
MEAN, LEVEL, COUNT = 0, 1, 2

MODELS = 3
CELLS = 20  # of residuals of one sign, log-spaced
LEAST = 0.0025  # residuals up to this share lie in the first cell
RATIO = 1.38  # from one cell to the next
LOG_RATIO = np.log(RATIO)
LONG_HOURS = 336.0  # known for so long, a signal is not waited for at hours that it never has
STILL = 0.02  # a signal whose hours usually differ by less than this has no rhythm that matters
TELLING = 3  # bins in a row, of a calm signal, that a mean rests on
COUNTED = 0.1  # whole numbers whose noise has this share of the variance of counts, or more, are counts
FEW = 10.0  # counts of fewer than this have a mean that their median does not tell
FEWEST = 4.0  # of fewer, half as much again is nothing
SURE = 4.0  # a bin of counts is out of what is normal from so many standard deviations on
SURE_ONE, SURE_MEAN = 6.0, 5.5  # and the loss of one bin, or the mean of some, is no chance from so many on
SLOW = 2.5  # so many times what an hour is off by, beyond the noise of its bins, is no chance
EARLY = 0.2  # before a week of means is known, a loss of so much may be a drift
LEAST_NOISE = 12  # bins from which on the noise is known
BY_SUM = SCALES + 1  # in LASTING: the sum says so, none of the means
BY_COUNT = SCALES + 2  # or the counts do
MOST = 0.8  # share whose loss the counts are asked for
SLOWEST_COUNT = 0.2
SUSPECT = 4.0  # from this log likelihood ratio on a slot is not taken for what is normal
COUNT_BACK = 9.0  # log likelihood ratio of what is back
LOCAL_SLOTS = 8
STEP = 0.2  # a loss of twice as much is what the sum is made for
SLOWER = 3.5  # so many times what slots are off by, beyond the noise of bins, is no loss
SLOWEST = 0.07  # a signal of which slots are off by more is not white enough for the sum
NOISIEST = 0.28  # of single bins: counts that vary by more are no normal noise
LEAST_SUM = 0.3
RARE_US = 1e9 * 300e6  # time until the sum passes its limit by chance
RARE_COUNT_US = 3e7 * 300e6  # and until the counts do, at least
BACK_BY = 0.25  # what is back is more than what was left by half of this at least

# What a bin was, uint16[N]: bits.
JUDGED, BELOW, SURGED, BACK, SETTLED, ACCEPTED = 1, 2, 4, 8, 16, 32
LASTS = 64  # the mean over some time is below what it ever was; SCALE_SHIFT says which
SCALE_SHIFT = 12
RAISED_SHIFT = 8  # from this bit on: the rules passed so far in this excursion

# Parameters, float64[PARAMS], then slack, cap, threshold of each rule.
P_BIN_US, P_SLOT_US, P_PER_DAY, P_PER_WEEK = 0, 1, 2, 3
P_BAND, P_RISE_BAND, P_PRIOR, P_LEARN_HOURS = 4, 5, 6, 7
P_LEAST_COVERAGE, P_FULL_COVERAGE = 8, 9
P_SETTLE_US, P_ACCEPT_DAYS, P_RISE_US, P_EXIT = 10, 11, 12, 13
P_DECAY, P_GAIN, P_SEASON_HOURS, P_LEFT = 14, 15, 16, 17
P_SEASONAL, P_WEEK_PRIOR, P_WEEK_HOURS = 18, 19, 20
P_SCALES = 21  # SCALES times: bins, 0 where there is no such scale; then the factor of its limit; then its least
PARAMS = P_SCALES + 3 * SCALES


@njit(nogil=True, cache=True)
def _median(values, n):
    """Median of the first n values, which it sorts; the mean of the middle two where n is even."""
    for i in range(1, n):
        v = values[i]
        j = i - 1
        while j >= 0 and values[j] > v:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = v
    if n % 2 == 1:
        return values[n // 2]
    return 0.5 * (values[n // 2 - 1] + values[n // 2])


@njit(nogil=True, cache=True)
def _flat(ring, slot, slots, most, scratch):
    """Median of the last ``most`` slots that are known, as far back as the ring goes; NaN where none is."""
    h = ring.shape[0]
    n = 0
    for back in range(1, min(h, slots) + 1):
        v = ring[(slot - back) % h]
        if v == v:
            scratch[n] = v
            n += 1
            if n == most:
                break
    return _median(scratch, n) if n > 0 else np.nan


@njit(nogil=True, cache=True)
def _seasonal(ring, slot, ahead, period, most, beside, least, scratch):
    """Median of a slot and ``beside`` to either side, in earlier periods; NaN where fewer than ``least`` know it."""
    h = ring.shape[0]
    n = 0
    periods = 0
    for k in range(1, most + 1):
        has_any = 0
        for off in range(-beside, beside + 1):
            back = k * period - ahead - off
            if back < 1 or back > h:
                continue
            v = ring[(slot - back) % h]
            if v == v:
                scratch[n] = v
                n += 1
                has_any = 1
        periods += has_any
    return _median(scratch, n) if periods >= least else np.nan


@njit(nogil=True, cache=True)
def cell_of(residual):
    """Cell of a residual: 0..CELLS-1 below zero, CELLS..2*CELLS-1 from zero on."""
    size = abs(residual)
    at = 0
    if size > LEAST:
        at = min(CELLS - 1, int(np.log(size / LEAST) / LOG_RATIO) + 1)
    return at if residual < 0 else CELLS + at


@njit(nogil=True, cache=True)
def _tail(cells, first, share, total):
    """Size that a share of all residuals exceeds on one side (cells from ``first`` on); 0 where fewer lie there."""
    wanted = share * total
    for at in range(CELLS - 1, -1, -1):
        weight = cells[first + at]
        if weight >= wanted and weight > 0:
            upper = LEAST * RATIO**at
            if at == 0:
                return LEAST * (1.0 - wanted / weight)
            return upper * RATIO ** (-wanted / weight)
        wanted -= weight
    return 0.0


@njit(nogil=True, cache=True)
def _restlessness(ring, slot, scratch):
    """Median relative change from one known slot to the next, over the last 24; 1 where fewer than three are known."""
    h = ring.shape[0]
    n = 0
    last = np.nan
    for back in range(1, min(h, 25) + 1):
        v = ring[(slot - back) % h]
        if v == v:
            if last == last and v > 0:
                scratch[n] = abs(last / v - 1.0)
                n += 1
            last = v
    return _median(scratch, n) if n >= 2 else 1.0


@njit(nogil=True, cache=True)
def _unseen(bits, count):
    """Whether any of the first ``count`` bits is not set."""
    return int(bits) != (1 << count) - 1


@njit(nogil=True, cache=True)
def _close_slot(s, ring, buffer, cells, params, slot, scratch):
    """Take the slot that was being filled into the ring, then predict the one that begins."""
    h = ring.shape[0]
    if s[SLOT] == s[SLOT]:
        old = int(s[SLOT])
        fill = int(s[FILL])
        value = np.nan
        if fill > 0 and fill >= s[KEPT_OUT] and s[EMPTY] < SUSPECT:
            for k in range(fill):
                scratch[k] = buffer[k]
            value = _median(scratch, fill)
            if value < FEW and _are_counts(s, max(value, 0.5)):
                # The median of few counts is far from their mean.
                total = 0.0
                for k in range(fill):
                    total += buffer[k]
                value = total / fill
            s[KNOWN] += params[P_SLOT_US] / 3.6e9
            if params[P_SEASONAL] > 0:
                s[HOURS_SEEN] = int(s[HOURS_SEEN]) | (1 << (old % int(params[P_PER_DAY])))
                s[DAYS_SEEN] = int(s[DAYS_SEEN]) | (1 << (old // int(params[P_PER_DAY]) % 7))
            if s[UNSURE] == 0:
                s[MEAN_HOURS] += params[P_SLOT_US] / 3.6e9
            for m in range(MODELS):
                predicted = s[PREDICTED + 3 * m + 1]
                if predicted > 0:
                    s[SCORE + m] = s[SCORE + m] * params[P_DECAY] + min(1.0, abs(value / predicted - 1.0))
                    s[SCORE + MODELS + m] = s[SCORE + MODELS + m] * params[P_DECAY] + 1.0
        elif (s[KEPT_OUT] > 0 or s[EMPTY] >= SUSPECT) and (s[MODEL] > 0 or _restlessness(ring, old, scratch) < STILL):
            # In place of an outage stands what was expected: it must not become what is normal.
            value = s[PREDICTED + 3 * int(s[MODEL]) + 1]
        ring[old % h] = value
        s[SLOTS] += slot - old
        for gone in range(old + 1, min(slot, old + h + 1)):
            ring[gone % h] = np.nan
        for m in range(MODELS):
            for c in range(2 * CELLS):
                cells[m, c] *= params[P_DECAY]
    s[SLOT], s[FILL], s[KEPT_OUT] = slot, 0.0, 0.0
    if s[LASTING] == 0:
        _follow_local(s, params, ring, slot, scratch)
    per_day, per_week = int(params[P_PER_DAY]), int(params[P_PER_WEEK])
    daily = per_day > 1 and params[P_SEASONAL] > 0
    weekly = per_week > 1 and params[P_SEASONAL] > 0
    flat = _flat(ring, slot, int(s[SLOTS]), max(1, per_day), scratch)
    if flat == flat:
        s[HELD] = flat
    else:
        flat = s[HELD]
    for ahead in range(-1, 2):
        s[PREDICTED + 1 + ahead] = flat
        # Of a week there are few: one that was unlike the others must not decide.
        day = _seasonal(ring, slot, ahead, per_day, 14, 0, 2, scratch) if daily else np.nan
        week = _seasonal(ring, slot, ahead, per_week, 4, 1, 3, scratch) if weekly else np.nan
        s[PREDICTED + 4 + ahead], s[PREDICTED + 7 + ahead] = day, week
    if s[INSIDE] == 0:
        _choose(s, params)
    _close_week(s, params, slot)
    model = int(s[MODEL])
    s[UNSURE] = 0.0
    if np.isnan(s[PREDICTED + 3 * model + 1]):
        # Nothing is known of this time of the day or week: what is known without season must do, with more doubt.
        model = 0
        s[UNSURE] = 1.0
    total = 0.0
    for c in range(2 * CELLS):
        total += cells[model, c]
    width = rise = 0.0
    if total > 0:
        histogram = cells[model]
        usual = 3.0 * _tail(histogram, 0, 0.1, total)
        s[CALM] = 1.0 if usual <= params[P_BAND] else 0.0
        width = max(usual, 1.5 * _tail(histogram, 0, 0.01, total), 1.2 * _tail(histogram, 0, 0.001, total))
        rise = max(3.0 * _tail(histogram, CELLS, 0.1, total), 1.5 * _tail(histogram, CELLS, 0.01, total))
    if s[UNSURE] == 1:
        width += params[P_PRIOR]
        rise += 4.0 * params[P_PRIOR]
    elif s[KNOWN] < params[P_LEARN_HOURS] or (daily and _unseen(s[HOURS_SEEN], per_day) and s[KNOWN] < LONG_HOURS):
        # Until a whole day was seen, nobody knows its rhythm.
        prior = min(params[P_PRIOR], 0.02 + 10.0 * _restlessness(ring, slot, scratch))
        width += prior
        rise += 4.0 * prior
    if model == 1 and (s[KNOWN] < params[P_WEEK_HOURS] or (_unseen(s[DAYS_SEEN], 7) and s[KNOWN] < LONG_HOURS)):
        # What has a rhythm of the day may have one of the week, not seen yet.
        width += params[P_WEEK_PRIOR]
        rise += params[P_WEEK_PRIOR]
    expected = s[PREDICTED + 3 * model + 1]
    if expected > 0 and _are_counts(s, expected):
        # A bin of few counts is empty by chance.
        width = max(width, SURE * np.sqrt(max(s[NOISE] / expected, 1.0) / expected))
    s[WIDTH] = min(1.0, max(params[P_BAND], width))
    s[RISE] = max(params[P_RISE_BAND], rise)


@njit(nogil=True, cache=True)
def _close_week(s, params, slot):
    """Peaks of mean losses by weeks, and the limits that follow from them and from the noise of single bins.

    Before a week of means is known, what hours are off by tells how far a mean goes by chance.
    """
    week = int(slot * params[P_SLOT_US] // 604_800_000_000)
    moved = week != s[WEEK]
    s[WEEK] = week
    model = int(s[MODEL])
    expected = s[PREDICTED + 3 * model + 1]
    has_noise = s[NOISE_BINS] >= LEAST_NOISE and expected > 0
    noise = np.sqrt(s[NOISE]) / expected if has_noise else 0.0
    early = np.inf
    slots = s[SCORE + MODELS + model]
    if has_noise and s[KNOWN] >= params[P_LEARN_HOURS] and slots * params[P_SLOT_US] >= 0.8 * 86_400e6:
        off = 1.25 * s[SCORE + model] / slots
        of_bins = 1.25 * noise / np.sqrt(max(1.0, params[P_SLOT_US] / params[P_BIN_US]))
        early = max(EARLY, SLOW * np.sqrt(max(0.0, off * off - of_bins * of_bins)))
        if model == 1 and (s[KNOWN] < params[P_WEEK_HOURS] or _unseen(s[DAYS_SEEN], 7)):
            early += params[P_WEEK_PRIOR]
    for k in range(SCALES):
        base = MEANS + k * PER_SCALE
        if moved:
            for w in range(WEEKS - 1, 0, -1):
                s[base + 3 + w] = s[base + 3 + w - 1]
            s[base + 3] = -1.0
        most, weeks = 0.0, 0
        for w in range(WEEKS):
            if s[base + 3 + w] >= 0:
                weeks += 1
                most = max(most, s[base + 3 + w])
        bins = params[P_SCALES + k]
        factor = params[P_SCALES + SCALES + k]
        if weeks < 3:
            factor += 0.3
        chance = (SURE_ONE if bins == 1 else SURE_MEAN) * noise / np.sqrt(max(1.0, 2.0 * bins - 1.0))
        least = max(params[P_SCALES + 2 * SCALES + k], chance)
        if s[SUM_LIMIT] < np.inf:
            # The sum finds what is lost at once; what is lost by and by may be a drift.
            least = max(least, EARLY + chance)
        enough = s[MEAN_HOURS] >= 168.0 and s[MEAN_HOURS] * 3.6e9 >= 20.0 * bins * params[P_BIN_US]
        if enough and weeks > 0:
            s[base + 2] = max(least, factor * most)
        else:
            s[base + 2] = max(least, early + chance, factor * most)


@njit(nogil=True, cache=True)
def _follow_local(s, params, ring, slot, scratch):
    """What the last slots were, as a share of what the model in use says of them; and the limits of the sum.

    The slot that was just closed is left out: what is being lost must not become what is normal.
    """
    h, model = ring.shape[0], int(s[MODEL])
    per_day, per_week = int(params[P_PER_DAY]), int(params[P_PER_WEEK])
    slots = int(s[SLOTS])
    n = 0
    last = np.nan
    for back in range(1, min(h, slots, LOCAL_SLOTS + 4) + 1):
        v = ring[(slot - back) % h]
        if np.isnan(v):
            continue
        was = s[HELD]
        if model == 1:
            was = _seasonal(ring, slot - back, 0, per_day, 14, 0, 2, scratch[LOCAL_SLOTS + 1 :])
        elif model == 2:
            was = _seasonal(ring, slot - back, 0, per_week, 4, 1, 3, scratch[LOCAL_SLOTS + 1 :])
        if not was > 0:
            continue
        if back == 1:
            last = v / was
            continue
        scratch[n] = v / was
        n += 1
        if n == LOCAL_SLOTS:
            break
    s[SUM_LIMIT], s[EMPTY_ON] = np.inf, 0.0
    if n < LOCAL_SLOTS // 2:
        s[LOCAL] = 1.0
        return
    s[LOCAL] = min(1.5, max(0.5, _median(scratch, n)))
    if last == last:
        s[LOCAL_OFF] = s[LOCAL_OFF] * params[P_DECAY] + min(1.0, abs(last / s[LOCAL] - 1.0))
        s[LOCAL_N] = s[LOCAL_N] * params[P_DECAY] + 1.0
    expected = s[PREDICTED + 3 * model + 1] * s[LOCAL]
    if s[KNOWN] < 0.9 * params[P_LEARN_HOURS] or s[UNSURE] == 1 or s[NOISE_BINS] < LEAST_NOISE:
        return
    if not expected > 0 or s[NOISE] <= 0 or s[LOCAL_N] < LOCAL_SLOTS:
        return
    noise = np.sqrt(s[NOISE]) / expected
    off = 1.25 * s[LOCAL_OFF] / s[LOCAL_N]
    # The median of a slot, and that of those before it, have noise of their own.
    of_bins = 1.25 * noise * np.sqrt((1.0 + 1.6 / n) / max(1.0, params[P_SLOT_US] / params[P_BIN_US]))
    slow = np.sqrt(max(0.0, off * off - of_bins * of_bins))
    s[EMPTY_ON] = 1.0 if slow <= max(SLOWEST_COUNT, 0.6 * of_bins) and _are_counts(s, expected) else 0.0
    if model > 0 or slow > SLOWEST or noise > NOISIEST or s[CALM] == 1:
        # What has a rhythm also has days that are unlike the others.
        return
    s[SUM_SLACK] = max(STEP, SLOWER * slow)
    share = s[SUM_SLACK] / noise
    # The mean time between false alarms of the sum in normal noise (D. Siegmund, 1985).
    s[SUM_LIMIT] = max(
        LEAST_SUM, noise * (np.log(RARE_US / params[P_BIN_US] * 2.0 * share * share + 1.0) / (2.0 * share) - 1.166)
    )


@njit(nogil=True, cache=True)
def _follow_sum(s, params, ratio, time_us, ring):
    """Losses over a slack, summed; and what comes back, once they passed the limit. ``ratio``: of value to expected."""
    if s[LASTING] == BY_SUM:
        was = s[LEFT]
        s[LEFT] += 0.02 * (ratio - was)
        # Half of the way back; or as much more than was left, where the level has drifted meanwhile.
        half = min(0.5 * (1.0 + was), max(was * (1.0 + BACK_BY), 0.6))
        s[RETURN] = max(0.0, s[RETURN] + ratio - half)
        if s[RETURN] > s[SUM_LIMIT]:
            _forget_means(s)
        elif time_us - s[LASTING_SINCE] >= params[P_ACCEPT_DAYS] * 86_400e6 and s[LEFT] >= params[P_LEFT]:
            _scale(ring, s, s[LEFT] * s[LOCAL])
            _forget_means(s)
        return
    if s[SUM_LIMIT] == np.inf:
        s[SUM] = 0.0
        return
    s[SUM] = max(0.0, s[SUM] + 1.0 - ratio - s[SUM_SLACK])
    if s[SUM] > s[SUM_LIMIT] and s[LASTING] == 0:
        s[LASTING], s[LASTING_SINCE] = BY_SUM, time_us
        s[LEFT], s[RETURN] = ratio, 0.0


@njit(nogil=True, cache=True)
def _follow_counts(s, params, value, expected, time_us, ring):
    """How much likelier counts are if most is lost, summed over bins (Page 1954, on Poisson counts)."""
    spread = max(1.0, s[NOISE] / expected)  # counts that vary by more tell less
    if s[LASTING] == BY_COUNT:
        s[LEFT] += 0.02 * (min(1.0, value / expected) - s[LEFT])
        low = expected * max(s[LEFT], 0.05)
        high = max(0.5 * (expected + low), 1.25 * low)
        s[RETURN] = max(0.0, s[RETURN] + (value * np.log(high / low) - (high - low)) / spread)
        if s[RETURN] > COUNT_BACK:
            _forget_means(s)
        elif time_us - s[LASTING_SINCE] >= params[P_ACCEPT_DAYS] * 86_400e6 and s[LEFT] >= params[P_LEFT]:
            _scale(ring, s, s[LEFT])
            _forget_means(s)
        return
    if s[EMPTY_ON] == 0:
        s[EMPTY] = 0.0
        return
    s[EMPTY] = max(0.0, s[EMPTY] + (MOST * expected + value * np.log(1.0 - MOST)) / spread)
    if s[EMPTY] > np.log(RARE_COUNT_US / params[P_BIN_US]) and s[LASTING] == 0:
        s[LASTING], s[LASTING_SINCE] = BY_COUNT, time_us
        s[LEFT], s[RETURN] = min(1.0, value / expected), 0.0


@njit(nogil=True, cache=True)
def _forget_peaks(s):
    """What the means were by chance without a season says nothing of those with one."""
    s[MEAN_HOURS] = 0.0
    for k in range(SCALES):
        base = MEANS + k * PER_SCALE
        s[base + 2] = np.inf
        for w in range(WEEKS):
            s[base + 3 + w] = -1.0


@njit(nogil=True, cache=True)
def _follow_means(s, params, residual, time_us, ring):
    """Means of the loss over several lengths of time, against the largest that was ever seen by chance."""
    inside = int(s[LASTING])
    s[LOW_RUN] = s[LOW_RUN] + 1.0 if residual > params[P_EXIT] * params[P_BAND] else 0.0
    for k in range(SCALES):
        bins = params[P_SCALES + k]
        if bins == 0:
            continue
        base = MEANS + k * PER_SCALE
        mean = s[base] + (residual - s[base]) / bins
        s[base] = mean
        if inside > 0:
            continue
        s[base + 1] = max(s[base + 1], mean)
        # A calm signal that was whole in between has flapped: bins that are low together must tell.
        if mean > s[base + 2] and (s[CALM] == 0 or s[LOW_RUN] >= min(bins, TELLING)):
            s[LASTING], s[LASTING_SINCE] = k + 1.0, time_us
            inside = k + 1
        elif mean < s[base + 1] / 3.0:
            s[base + 3] = max(s[base + 3], s[base + 1])
            s[base + 1] = 0.0
    if 0 < inside <= SCALES:
        base = MEANS + (inside - 1) * PER_SCALE
        if s[base] < 0.4 * s[base + 2]:
            _forget_means(s)
        elif time_us - s[LASTING_SINCE] >= params[P_ACCEPT_DAYS] * 86_400e6 and 1.0 - s[base] >= params[P_LEFT]:
            _scale(ring, s, 1.0 - s[base])
            _forget_means(s)


@njit(nogil=True, cache=True)
def _forget_means(s):
    """After an outage the means begin anew: what it left in them says nothing of what follows."""
    s[LASTING] = 0.0
    for k in range(SCALES):
        s[MEANS + k * PER_SCALE] = s[MEANS + k * PER_SCALE + 1] = 0.0
    s[SUM] = s[RETURN] = s[EMPTY] = 0.0


@njit(nogil=True, cache=True)
def _choose(s, params):
    """The simplest model that no richer one betters by P_GAIN, judged by how well each foretold the slots that came."""
    best, least = 0, np.inf
    for m in range(MODELS):
        slots = s[SCORE + MODELS + m]
        if slots <= 0 or (m > 0 and slots * params[P_SLOT_US] < params[P_SEASON_HOURS] * 3.6e9):
            continue
        off = s[SCORE + m] / slots
        if m == 0 or off < params[P_GAIN] * least:
            best, least = m, off
    if best > 0 and s[MODEL] == 0:
        _forget_peaks(s)
    s[MODEL] = best


@njit(nogil=True, cache=True)
def _scale(ring, s, factor):
    """What is normal is so many times as much from here on."""
    for k in range(ring.shape[0]):
        ring[k] *= factor
    for k in range(PREDICTED, PREDICTED + 9):
        s[k] *= factor
    s[HELD] *= factor


@njit(nogil=True, cache=True)
def _advance(s, ring, buffer, cells, params, rules, time_us, value, coverage, scratch, out):
    """One bin of one series; ``out`` float64[2] gets what is expected and the low. Returns the bits of the bin."""
    bin_us = params[P_BIN_US]
    slot = int(time_us // int(params[P_SLOT_US]))
    if s[SLOT] != slot:
        _close_slot(s, ring, buffer, cells, params, slot, scratch)
    model = 0 if s[UNSURE] == 1 else int(s[MODEL])
    base = PREDICTED + 3 * model
    middle = s[base + 1]
    before = s[base] if s[base] == s[base] else middle
    after = s[base + 2] if s[base + 2] == s[base + 2] else middle
    at = (time_us + 0.5 * bin_us - (slot + 0.5) * params[P_SLOT_US]) / params[P_SLOT_US]
    expected = _between(s, model, at)
    smallest = min(before, min(middle, after))
    largest = max(before, max(middle, after))
    width = s[WIDTH]
    out[0] = expected
    out[1] = smallest * (1.0 - width)
    raised = int(s[RAISED]) << RAISED_SHIFT
    if not (value == value and coverage >= params[P_LEAST_COVERAGE]):
        lasts = (LASTS | ((int(s[LASTING]) - 1) << SCALE_SHIFT)) if s[LASTING] > 0 else 0
        s[LAST] = np.nan
        return lasts | ((BELOW | raised) if s[INSIDE] == 1 else 0)
    _follow_noise(s, params, value, coverage)
    if not expected > 0:
        if (value > 0 or _are_counts(s, 0.5)) and coverage >= params[P_FULL_COVERAGE]:
            _learn(s, buffer, value)
        return 0
    if coverage < params[P_FULL_COVERAGE]:
        # A part of the bin was watched: no more than that part is asked for.
        expected *= coverage
        smallest *= coverage
    low = smallest * (1.0 - width)
    if s[RAISED] == 0 and s[UNSURE] == 0:
        # A burst must not hide what is lost after it; but few counts are often twice what is expected.
        most = 1.5 if expected >= FEWEST else 1.0 + max(0.5, 2.0 * np.sqrt(s[NOISE]) / expected)
        _follow_means(s, params, 1.0 - min(most, value / expected), time_us, ring)
        _follow_sum(s, params, min(most, value / (expected * s[LOCAL])), time_us, ring)
        _follow_counts(s, params, value, expected, time_us, ring)
    lasts = 0
    if s[LASTING] > 0:
        lasts = LASTS | ((int(s[LASTING]) - 1) << SCALE_SHIFT)
    if s[INSIDE] == 0 and value < low:
        s[INSIDE] = 1.0
        s[RAISED] = 0.0
        raised = 0
        for k in range(RULES):
            s[AREA + k] = 0.0
        s[CLEAR] = s[GOOD] = s[SOFT] = s[BELOW_N] = s[BELOW_LOSS] = 0.0
        s[DAY], s[DAY_N], s[DAY_LOSS] = time_us // 86_400_000_000, 0.0, 0.0
        s[ANCHOR], s[ANCHOR_DAY] = -1.0, s[DAY]
    if s[INSIDE] == 1:
        return lasts | _inside(
            s, ring, buffer, cells, params, rules, time_us, at, value, coverage, expected, smallest, low
        )
    if value > largest * (1.0 + s[RISE]):
        s[SURGE] += bin_us
        s[SURGE_RATIO] += value / expected
        s[SURGE_N] += 1.0
        s[KEPT_OUT] += 1.0
        if s[SURGE] >= min(params[P_RISE_US], max(s[KNOWN], 1.0) * 3.6e9):
            _scale(ring, s, s[SURGE_RATIO] / s[SURGE_N])
            s[SURGE] = s[SURGE_RATIO] = s[SURGE_N] = 0.0
            return lasts | JUDGED | SURGED | ACCEPTED
        return lasts | JUDGED | SURGED
    if s[SURGE] > 0:
        # A surge that ended is part of how the signal behaves.
        at_cell = cell_of(s[SURGE_RATIO] / s[SURGE_N] - 1.0)
        for m in range(MODELS):
            if s[PREDICTED + 3 * m + 1] > 0:
                cells[m, at_cell] += s[SURGE] / 3.6e9
        s[SURGE] = s[SURGE_RATIO] = s[SURGE_N] = 0.0
    if lasts > 0:
        s[KEPT_OUT] += 1.0
    elif coverage >= params[P_FULL_COVERAGE]:
        _note(s, cells, at, value, bin_us)
        _learn(s, buffer, value)
    return lasts | JUDGED


@njit(nogil=True, cache=True)
def _are_counts(s, level):
    """Whether a signal of about this level was counted, or is a mean of whole numbers that vary as counts do."""
    if s[SAMPLED] == LEVEL or s[WHOLE] == 0:
        return False
    if s[SAMPLED] == COUNT and level < FEW:
        return True
    return s[NOISE_BINS] >= TELLING and s[NOISE] >= COUNTED * level


@njit(nogil=True, cache=True)
def _follow_noise(s, params, value, coverage):
    """How far bins are from their neighbours: what no rhythm and no drift explains. Outages have no part in it."""
    if value != np.floor(value):
        s[WHOLE] = 0.0
    if s[SAMPLED] == LEVEL or coverage < params[P_FULL_COVERAGE] or s[INSIDE] == 1 or s[LASTING] > 0:
        s[LAST] = np.nan
        return
    if s[LAST] == s[LAST]:
        step = 0.5 * (value - s[LAST]) ** 2
        if s[NOISE_BINS] >= LEAST_NOISE:
            # The edge of an outage is no noise.
            step = min(step, max(9.0 * s[NOISE], 0.5 if s[WHOLE] == 1 else 1e-4 * value * value))
        s[NOISE_BINS] = min(s[NOISE_BINS] + 1.0, 2.0 * 86_400e6 / params[P_BIN_US])
        s[NOISE] += (step - s[NOISE]) / s[NOISE_BINS]
    s[LAST] = value


@njit(nogil=True, cache=True)
def _learn(s, buffer, value):
    fill = int(s[FILL])
    if fill < buffer.shape[0]:
        buffer[fill] = value
        s[FILL] = fill + 1


@njit(nogil=True, cache=True)
def _between(s, model, at):
    """What a model says, drawn straight between the middles of slots; ``at`` -0.5 to 0.5 of a slot from its middle."""
    base = PREDICTED + 3 * model
    middle = s[base + 1]
    other = s[base] if at < 0 else s[base + 2]
    return middle + abs(at) * (other - middle) if other == other else middle


@njit(nogil=True, cache=True)
def _note(s, cells, at, value, bin_us):
    """How far each model was from what came."""
    for m in range(MODELS):
        predicted = _between(s, m, at)
        if predicted > 0:
            cells[m, cell_of(value / predicted - 1.0)] += bin_us / 3.6e9


@njit(nogil=True, cache=True)
def _inside(s, ring, buffer, cells, params, rules, time_us, at, value, coverage, expected, smallest, low):
    """A bin of an excursion: its area grows, or it ends."""
    bin_us = params[P_BIN_US]
    width = s[WIDTH]
    if value >= smallest * (1.0 - params[P_EXIT] * width):
        _leave(s, cells, params)
        if coverage >= params[P_FULL_COVERAGE] and s[LASTING] == 0:
            _note(s, cells, at, value, bin_us)
            _learn(s, buffer, value)
        return JUDGED | BACK
    if value >= low:
        s[SOFT] += bin_us
        if s[SOFT] >= params[P_SETTLE_US]:
            _leave(s, cells, params)
            return JUDGED | SETTLED
    else:
        s[SOFT] = 0.0
    s[KEPT_OUT] += 1.0
    loss = min(1.0, max(0.0, 1.0 - value / expected))
    short = 1.0 - low / expected  # the share that may be missing by chance
    s[BELOW_N] += 1.0
    s[BELOW_LOSS] += loss
    s[CLEAR] += min(1.0, max(0.0, (loss - short) / short))
    for k in range(rules.shape[0]):
        slack = max(rules[k, 0], short)
        cap = max(rules[k, 1], short + 0.15)
        s[AREA + k] += max(0.0, min(loss, cap) - slack) * bin_us * min(1.0, coverage)
        if s[AREA + k] >= rules[k, 2] and s[CLEAR] >= 1.0 - 1e-9:
            s[RAISED] = int(s[RAISED]) | (1 << k)
    day = time_us // 86_400_000_000
    if day != s[DAY]:
        if s[DAY_N] > 0:
            mean = s[DAY_LOSS] / s[DAY_N]
            if s[ANCHOR] < 0 or abs(mean - s[ANCHOR]) > params[P_BAND]:
                s[ANCHOR], s[ANCHOR_DAY] = mean, s[DAY]
            elif day - s[ANCHOR_DAY] >= params[P_ACCEPT_DAYS] and 1.0 - s[ANCHOR] >= params[P_LEFT]:
                _scale(ring, s, 1.0 - s[ANCHOR])
                bits = JUDGED | ACCEPTED | (int(s[RAISED]) << RAISED_SHIFT)
                s[INSIDE] = s[RAISED] = 0.0
                _forget_means(s)
                return bits
        s[DAY], s[DAY_N], s[DAY_LOSS] = day, 0.0, 0.0
    s[DAY_N] += 1.0
    s[DAY_LOSS] += loss
    return JUDGED | BELOW | (int(s[RAISED]) << RAISED_SHIFT)


@njit(nogil=True, cache=True)
def _leave(s, cells, params):
    """The end of an excursion: one that raised no alarm is part of how the signal behaves."""
    if s[RAISED] == 0 and s[BELOW_N] > 0:
        at = cell_of(-s[BELOW_LOSS] / s[BELOW_N])
        for m in range(MODELS):
            if s[PREDICTED + 3 * m + 1] > 0:
                cells[m, at] += s[BELOW_N] * params[P_BIN_US] / 3.6e9
    elif s[RAISED] > 0:
        _forget_means(s)
    s[INSIDE] = s[RAISED] = 0.0


@njit(nogil=True, cache=True)
def step_bin(table, ring, buffer, cells, params, rules, time_us, values, coverage, expected, low, bits):
    """One bin of N series. Changes the state; expected, low float64[N] and bits uint16[N] are written."""
    scratch = np.empty(max(64, ring.shape[1], buffer.shape[1]))
    out = np.empty(2)
    for i in range(table.shape[0]):
        bits[i] = _advance(
            table[i], ring[i], buffer[i], cells[i], params, rules, time_us, values[i], coverage[i], scratch, out
        )
        expected[i], low[i] = out[0], out[1]


@njit(nogil=True, cache=True)
def walk_bins(table, ring, buffer, cells, params, rules, start_us, values, coverage, expected, low, bits):
    """All B bins of N series: values, coverage, expected, low float64[N, B], bits uint16[N, B]."""
    scratch = np.empty(max(64, ring.shape[1], buffer.shape[1]))
    out = np.empty(2)
    bin_us = int(params[P_BIN_US])
    for i in range(values.shape[0]):
        for b in range(values.shape[1]):
            bits[i, b] = _advance(
                table[i], ring[i], buffer[i], cells[i], params, rules, start_us + b * bin_us,
                values[i, b], coverage[i, b], scratch, out,
            )  # fmt: skip
            expected[i, b], low[i, b] = out[0], out[1]
