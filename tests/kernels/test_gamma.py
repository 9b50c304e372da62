"""Quantiles of the gamma distribution against published tables."""

from statistics import NormalDist

import numpy as np
import pytest

from duskwatch.kernels.gamma import cumulative, intervals, quantile

NORMAL = NormalDist().inv_cdf(0.975)
# Chi-squared (Abramowitz and Stegun, table 26.8): degrees of freedom, 0.025 and 0.975 quantile.
CHI_SQUARED = [
    (1, 0.000982069, 5.02389), (2, 0.0506356, 7.37776), (3, 0.215795, 9.34840), (5, 0.831212, 12.8325),
    (10, 3.24697, 20.4832), (20, 9.59078, 34.1696), (30, 16.7908, 46.9792), (60, 40.4817, 83.2977),
    (100, 74.2219, 129.561),
]  # fmt: skip
# 95 % limits of a Poisson count (Garwood 1936; Pearson and Hartley, Biometrika tables, table 40).
GARWOOD = [
    (0, 0.0, 3.689), (1, 0.0253, 5.572), (2, 0.242, 7.225), (5, 1.623, 11.668), (10, 4.795, 18.390),
    (20, 12.217, 30.888), (50, 37.111, 65.919),
]  # fmt: skip


@pytest.mark.parametrize(("freedom", "low", "high"), CHI_SQUARED)
def test_quantiles_are_those_of_the_chi_squared_table(freedom, low, high):
    assert 2 * quantile(freedom / 2, 0.025, -NORMAL) == pytest.approx(low, rel=2e-5)
    assert 2 * quantile(freedom / 2, 0.975, NORMAL) == pytest.approx(high, rel=2e-5)


@pytest.mark.parametrize("shape", [0.3, 1.0, 2.5, 40.0, 999.0, 20_000.0])
@pytest.mark.parametrize("share", [0.001, 0.025, 0.5, 0.975])
def test_a_quantile_is_where_the_share_is_reached(shape, share):
    x = quantile(shape, share, NormalDist().inv_cdf(share))
    assert cumulative(shape, x) == pytest.approx(share, abs=1e-9)


def test_large_shapes_join_where_the_approximation_takes_over():
    for share in (0.025, 0.975):
        normal = NormalDist().inv_cdf(share)
        below, above = quantile(99_999.9, share, normal), quantile(100_000.1, share, normal)
        assert above - below == pytest.approx(0.2, abs=0.01)


def test_intervals_of_unweighted_counts_are_garwoods():
    counts = np.array([count for count, _, _ in GARWOOD], np.float64)
    low, high = np.empty_like(counts), np.empty_like(counts)
    intervals(counts, counts, np.ones_like(counts), 0.025, NORMAL, low, high)
    np.testing.assert_allclose(low, [low for _, low, _ in GARWOOD], atol=6e-4)
    np.testing.assert_allclose(high, [high for _, _, high in GARWOOD], atol=6e-4)


def test_nothing_left_to_chance_has_no_width():
    total = np.array([0.0, 7.0, 1e12])
    low, high = np.empty(3), np.empty(3)
    intervals(total, np.zeros(3), np.zeros(3), 0.025, NORMAL, low, high)
    assert low.tolist() == high.tolist() == total.tolist()
