"""One time as a text gives it, before anything tells the day or the zone."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expression:
    """One time as a text gives it. Offsets are into the sentence."""

    start: int
    end: int
    clock: tuple[float, float] | None = None  # hours from midnight, from and until
    day: tuple[str, int] | None = None  # ("weekday", 1), ("date", ordinal), ("offset", -1), ("next", 1), ...
    zone: str | float | None = None  # IANA zone or hours; None: that of the place
    place: str = ""  # "Tripoli" of "Tripoli time"
    bound: str = ""  # after, before, shortly after, shortly before, about
    role: str = ""  # since, from, until, by, at
    ago: tuple[float, float] | None = None  # seconds before the publication, from and until
    span: str = ""  # week, month: the interval is that long
    weak_year: bool = False  # the year was not said
