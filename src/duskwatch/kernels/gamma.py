"""Quantiles of the gamma distribution, for the error of counts: Newton's method on the incomplete gamma function.

The function is summed as a series below its mean and as a continued fraction above (Abramowitz and Stegun 6.5.29 and
6.5.31); the first guess is that of Wilson and Hilferty (1931).
"""

import math

from numba import njit

from duskwatch.kernels.flow_words import OPTIONS

STEPS = 60  # of Newton's method, which needs a handful
TERMS = 20_000
PRECISE = 1e-13
LARGE = 1e5  # from this shape on the first guess is right to seven digits


@njit(**OPTIONS)
def cumulative(shape, x):
    """The share of a gamma distribution of scale 1 that lies below x; shape above 0."""
    if x <= 0:
        return 0.0
    scale = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:
        term = 1.0 / shape
        total = term
        for k in range(1, TERMS):
            term *= x / (shape + k)
            total += term
            if term < total * PRECISE:
                break
        return total * scale
    b = x + 1 - shape
    c = 1e300
    d = 1.0 / b
    fraction = d
    for k in range(1, TERMS):
        a = -k * (k - shape)
        b += 2
        d = a * d + b
        d = 1e-300 if abs(d) < 1e-300 else d
        c = b + a / c
        c = 1e-300 if abs(c) < 1e-300 else c
        d = 1.0 / d
        step = d * c
        fraction *= step
        if abs(step - 1) < PRECISE:
            break
    return 1.0 - fraction * scale


@njit(**OPTIONS)
def quantile(shape, share, normal):
    """Where the cumulative share of a gamma distribution of scale 1 is reached.

    normal  the same quantile of the standard normal distribution, for the first guess
    """
    ninth = 1.0 / (9.0 * shape)
    guess = shape * max(1.0 - ninth + normal * math.sqrt(ninth), 0.0) ** 3
    if shape >= LARGE:
        return guess
    if guess <= 0 or shape < 1:
        # Near 0 the share grows as x ** shape / gamma(shape + 1).
        small = math.exp((math.log(share) + math.lgamma(shape + 1)) / shape)
        guess = small if guess <= 0 or small < guess else guess
    low, high = 0.0, 1e300
    x = guess
    for _ in range(STEPS):
        error = cumulative(shape, x) - share
        if error > 0:
            high = min(high, x)
        else:
            low = max(low, x)
        density = math.exp((shape - 1) * math.log(x) - x - math.lgamma(shape)) if x > 0 else 0.0
        after = x - error / density if density > 0 else -1.0
        if not low < after < high:
            after = (low + min(high, 2 * x + 1)) / 2
        if abs(after - x) <= 1e-12 * max(x, 1e-300):
            return after
        x = after
    return x


@njit(**OPTIONS)
def intervals(total, variance, most, share, normal, low, high):
    """Bounds of sums of weighted Poisson counts, by Fay and Feuer (1997): [N] arrays, results to ``low`` and ``high``.

    total     sums      variance  of each; 0: nothing was left to chance      most  largest weight in each
    share     that is to lie above the upper bound, and below the lower       normal  the upper quantile of that share
    """
    for i in range(total.shape[0]):
        low[i] = high[i] = total[i]
        if variance[i] <= 0 and most[i] <= 0:
            continue
        if total[i] > 0 and variance[i] > 0:
            low[i] = quantile(total[i] * total[i] / variance[i], share, -normal) * variance[i] / total[i]
        more, wider = total[i] + most[i], variance[i] + most[i] * most[i]
        if more > 0:
            high[i] = quantile(more * more / wider, 1 - share, normal) * wider / more
