"""Running means of the loss: peaks week by week, the limits made of them, begin and end of a lasting loss."""

import numpy as np
import pytest

from duskwatch.detection.baselines.seasonal import begin
from duskwatch.detection.view import LossRule
from duskwatch.kernels import baseline as kernel
from duskwatch.records.times import DAY, HOUR
from tests.detection.series import FIVE, START

WEEK_SLOTS = 7 * 24
SINCE, LOSS = START, 0.5


class Means:
    """One series whose scales all have a limit of a factor of their largest weekly peak, and no noise."""

    def __init__(self) -> None:
        state = begin(1, FIVE, START, (LossRule(0.5, 1.0, 60_000_000),))
        self.row, self.params, self.ring = state.table[0], state.params, state.ring[0]
        self.row[kernel.MEAN_HOURS] = 1e6
        self.row[kernel.WEEK] = 0.0
        self.factors = self.params[kernel.P_SCALES + kernel.SCALES :][: kernel.SCALES]
        self.least = self.params[kernel.P_SCALES + 2 * kernel.SCALES :][: kernel.SCALES]

    def peaks(self, k: int) -> np.ndarray:
        """Of one scale, this week's first."""
        at = kernel.MEANS + k * kernel.PER_SCALE + 3
        return self.row[at : at + kernel.WEEKS]

    def mean(self, k: int) -> np.ndarray:
        """Mean, peak since it was small, limit."""
        at = kernel.MEANS + k * kernel.PER_SCALE
        return self.row[at : at + 3]

    def scales(self) -> list[int]:
        """Those that there are with bins of five minutes."""
        return np.flatnonzero(self.params[kernel.P_SCALES :][: kernel.SCALES]).tolist()

    def close(self, week: int) -> None:
        """An hour of a week is over."""
        kernel._close_week(self.row, self.params, week * WEEK_SLOTS)

    def follow(self, residual: float, at: int = SINCE) -> None:
        """One more bin."""
        kernel._follow_means(self.row, self.params, residual, at, self.ring)


@pytest.mark.parametrize(("weeks", "more"), [(1, 0.3), (2, 0.3), (3, 0.0), (4, 0.0), (5, 0.0)])
def test_peaks_of_fewer_than_three_weeks_are_trusted_less(weeks, more):
    means = Means()
    for k in means.scales():
        means.peaks(k)[:weeks] = LOSS
    means.close(0)
    for k in means.scales():
        assert means.mean(k)[2] == pytest.approx(max(means.least[k], (means.factors[k] + more) * LOSS))
        assert means.factors[k] * LOSS > means.least[k]  # so that the factor decides


def test_a_new_week_moves_the_peaks_on_and_has_none_of_its_own():
    means = Means()
    told = [0.5, 0.4, 0.3, 0.2, 0.1]
    for k in means.scales():
        means.peaks(k)[:] = told
    means.close(0)
    assert all(means.peaks(k).tolist() == told for k in means.scales())
    means.close(1)
    assert all(means.peaks(k).tolist() == [-1.0, 0.5, 0.4, 0.3, 0.2] for k in means.scales())
    means.close(1)
    means.close(2)
    assert all(means.peaks(k).tolist() == [-1.0, -1.0, 0.5, 0.4, 0.3] for k in means.scales())
    for k in means.scales():
        assert means.mean(k)[2] == pytest.approx(max(means.least[k], means.factors[k] * 0.5))


def test_a_peak_counts_for_its_week_once_the_mean_is_small_again_and_the_largest_stays():
    means = Means()
    (k, *_) = [k for k in means.scales() if means.params[kernel.P_SCALES + k] > 1]
    mean, peaks = means.mean(k), means.peaks(k)
    peaks[0] = 0.25
    mean[:] = 0.2, 0.3, 1e9
    means.follow(0.0)
    assert peaks[0] == 0.25  # the mean is two thirds of its peak: it may rise again
    mean[0] = 0.05
    means.follow(0.0)
    assert (peaks[0], mean[1]) == (0.3, 0.0)
    mean[:] = 0.05, 0.2, 1e9
    means.follow(0.0)
    assert (peaks[0], mean[1]) == (0.3, 0.0)


def test_a_lasting_loss_ends_where_its_mean_is_small_against_its_limit_and_the_means_begin_anew():
    means = Means()
    k = means.scales()[-1]
    for each in means.scales():
        means.mean(each)[:] = 0.3, 0.4, 0.5
    means.row[kernel.LASTING], means.row[kernel.LASTING_SINCE] = k + 1, SINCE
    means.row[kernel.SUM] = means.row[kernel.RETURN] = means.row[kernel.EMPTY] = 2.0
    means.mean(k)[0] = 0.21
    means.follow(0.21)
    assert means.row[kernel.LASTING] == k + 1
    means.mean(k)[0] = 0.19
    means.follow(0.19)
    assert means.row[kernel.LASTING] == 0
    assert all(means.mean(each)[:2].tolist() == [0.0, 0.0] for each in means.scales())
    assert [means.row[field] for field in (kernel.SUM, kernel.RETURN, kernel.EMPTY)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("days", "loss", "accepted"), [(29.9, 0.6, False), (30, 0.6, True), (30, 0.99, False)])
def test_a_lasting_loss_becomes_normal_after_thirty_days_where_enough_is_left(days, loss, accepted):
    means = Means()
    k = means.scales()[-1]
    means.mean(k)[:] = loss, loss, 0.5
    means.row[kernel.LASTING], means.row[kernel.LASTING_SINCE] = k + 1, SINCE
    means.row[kernel.HELD] = 100.0
    means.ring[:] = 100.0
    means.follow(loss, SINCE + int(days * DAY))
    assert (means.row[kernel.LASTING] == 0) == accepted
    left = 100.0 * (1 - loss) if accepted else 100.0
    assert means.row[kernel.HELD] == pytest.approx(left)
    assert means.ring == pytest.approx(np.full(len(means.ring), left), rel=1e-5)


def test_while_a_loss_lasts_no_mean_has_a_peak_and_a_mean_over_its_limit_begins_one():
    means = Means()
    for each in means.scales():
        means.mean(each)[:] = 0.0, 0.0, 0.5
    means.follow(0.6, SINCE + HOUR)
    assert means.row[kernel.LASTING] == 1  # one bin is a mean too
    assert means.row[kernel.LASTING_SINCE] == SINCE + HOUR
    before = [means.mean(each)[1] for each in means.scales()]
    means.follow(0.9, SINCE + 2 * HOUR)
    assert [means.mean(each)[1] for each in means.scales()] == before
    assert means.row[kernel.LASTING_SINCE] == SINCE + HOUR
