"""What an entity had, as a step function of time."""

import numpy as np

from duskwatch.signals.bgp.holdings import Steps


def test_a_count_holds_from_its_row_to_the_next_and_is_unknown_ahead_of_the_first():
    steps = Steps(np.array([10, 20, 30]), np.array([4.0, np.nan, 2.0]))
    at = np.array([9, 10, 19, 20, 29, 30, 1000])
    np.testing.assert_array_equal(steps.at(at), [np.nan, 4.0, 4.0, np.nan, np.nan, 2.0, 2.0])
    assert np.isnan(Steps(np.empty(0, np.int64), np.empty(0)).at(at)).all()
