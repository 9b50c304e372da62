"""When to try again: exponential back-off with jitter, and what Retry-After asks for."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Statuses that say "not now" rather than "no" (RFC 9110 section 15; 425 is RFC 8470, 429 RFC 6585).
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


def backoff_s(failures: int, base_s: float, cap_s: float, rng: random.Random) -> float:
    """Seconds to wait after so many failures in a row (1 or more): anything up to base * 2^(failures - 1).

    "Full jitter": clients that failed together do not come back together.
    """
    return rng.uniform(0, min(cap_s, base_s * 2 ** min(failures - 1, 30)))


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110 section 10.2.3): a number, or a date; None for neither."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
