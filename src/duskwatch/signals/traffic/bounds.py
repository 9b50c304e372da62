"""What a sampled count says of the traffic, and what it cannot say.

One packet in N is looked at. c packets looked at stand for N * c; how far that may be off says the gamma interval of
Fay and Feuer, "Confidence intervals for directly standardized rates", Statistics in Medicine 16 (1997), which holds for
sums of counts with different weights (several exporters, rates that changed) and for few counts, none included.
"""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import gamma
from duskwatch.records.errors import InputError

F64 = npt.NDArray[np.float64]
CONFIDENCE = 0.95


def interval(total: F64, variance: F64, most: F64, confidence: float = CONFIDENCE) -> tuple[F64, F64]:
    """Lower and upper bound of estimated sums, each [N].

    variance  what sampling leaves: the sum of N * (N - 1) * count; 0 where every packet was looked at
    most      the largest weight of a single count: what the next one, had it been looked at, would have added
    The bounds are equal to the total where both are 0.
    """
    share = (1 - confidence) / 2
    low, high = np.empty_like(total), np.empty_like(total)
    gamma.intervals(total, variance, most, share, NormalDist().inv_cdf(1 - share), low, high)
    return low, high


def unseen_below(rate: float, seconds: float, needed: int = 1, confidence: float = CONFIDENCE) -> float:
    """Packets a second of a flood that is noticed with this confidence; a smaller one may be missed.

    rate     one packet in so many was looked at
    seconds  that it lasted, or that are looked at together
    needed   packets that must have been looked at for it to be noticed
    0 where every packet was looked at and one is enough. InputError where seconds, rate or needed make no sense.
    """
    if rate < 1 or seconds <= 0 or needed < 1:
        raise InputError("a rate and a number of packets are at least 1, and seconds more than 0")
    if rate == 1:
        return (needed - 1) / seconds
    # The smallest mean at which a Poisson count reaches ``needed`` with that chance is a quantile of the gamma
    # distribution of this shape.
    mean = gamma.quantile(float(needed), confidence, NormalDist().inv_cdf(confidence))
    return float(rate * mean / seconds)
