"""The moments of one witness of an outage."""

from dataclasses import dataclass

from duskwatch.records.outages import When


@dataclass(frozen=True, slots=True)
class Moments:
    """When a signal (or the signals of a level together) lost something, and when that was back."""

    onset: When
    end: When | None  # None while it lasts
    climbed_us: int | None  # from when on it came back without a break; None where it did not begin to
    unseen_us: int | None = None  # nobody watched from here until it was back, or to the end of its data
    onset_to_the_second: bool = False  # and watched
    end_to_the_second: bool = False
