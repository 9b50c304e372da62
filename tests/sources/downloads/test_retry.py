"""Waiting: how long, and when a server is taken at its word."""

import random
from datetime import UTC, datetime

import pytest

from duskwatch.sources.downloads.retry import backoff_s, retry_after_s

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        ("Tue, 24 Nov 2026 12:01:30 GMT", 90),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("Tue, 24 Nov 2026 13:01:30 +0100", 90),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("99999999999999999999", 999999999),
        ("", None),
        ("\u0661", None),
    ],
)
def test_retry_after(value, seconds):
    assert retry_after_s(value, NOW) == seconds


def test_waits_grow_twofold_up_to_the_cap_and_are_spread_over_their_length():
    rng = random.Random(3)
    for failures, most in ((1, 0.5), (2, 1), (3, 2), (4, 4), (9, 10), (500, 10)):
        waits = [backoff_s(failures, 0.5, 10, rng) for _ in range(400)]
        assert max(waits) <= most
        assert max(waits) > 0.9 * most
        assert min(waits) < 0.1 * most
