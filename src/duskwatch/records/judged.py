"""What part of a window was judged, and why the rest was not: "no outage" is said of judged time alone."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

WhyNot = Literal[
    "not-watched",  # no source was there
    "few-observers",  # fewer observers than half of the usual number were there
    "nothing-heard",  # observers were there, and none had a word on the entity
    "too-little-known",  # no table to start from, and most of the entity's space was never mentioned
    "still-learning",  # no table to start from, and not heard for long enough to know what is normal
    "down-at-start",  # little or nothing could be reached when the records begin: lost, or not there yet
    "no-history",  # a signal of which too little came before to say what is normal
]
WHY_NOT: tuple[WhyNot, ...] = get_args(WhyNot)


@dataclass(frozen=True, slots=True)
class JudgedSpan:
    """A stretch [from_us, until_us) of a window. Times are microseconds since the epoch, UTC.

    Raises ValueError for a reason that does not exist, and for a stretch of no length.
    """

    from_us: int
    until_us: int
    why_not: WhyNot | None = None  # None: it was judged, so that what is not reported as an outage was none

    def __post_init__(self) -> None:
        if self.why_not is not None and self.why_not not in WHY_NOT:
            raise ValueError(f"no reason '{self.why_not}'; reasons are {', '.join(WHY_NOT)}")
        if not self.from_us < self.until_us:
            raise ValueError("a stretch of time must have a length")

    @property
    def judged(self) -> bool:
        """Whether anything not reported as an outage was none."""
        return self.why_not is None

    @property
    def length_us(self) -> int:
        """How long it is, in microseconds."""
        return self.until_us - self.from_us


def joined(spans: Iterable[JudgedSpan]) -> tuple[JudgedSpan, ...]:
    """The same, in time order, neighbours that touch and have one reason as one."""
    out: list[JudgedSpan] = []
    for span in sorted(spans, key=lambda one: one.from_us):
        if out and out[-1].until_us == span.from_us and out[-1].why_not == span.why_not:
            out[-1] = replace(out[-1], until_us=span.until_us)
        else:
            out.append(span)
    return tuple(out)


def inside(spans: Iterable[JudgedSpan], from_us: int, until_us: int) -> tuple[JudgedSpan, ...]:
    """What of the spans lies in [from, until)."""
    cut = ((max(one.from_us, from_us), min(one.until_us, until_us), one.why_not) for one in spans)
    return tuple(JudgedSpan(start, stop, why) for start, stop, why in cut if start < stop)


def judged_share(spans: Iterable[JudgedSpan]) -> float:
    """Share of the time of some spans that was judged, 0..1; 0 where there are none."""
    every = tuple(spans)
    total = sum(span.length_us for span in every)
    return sum(span.length_us for span in every if span.judged) / total if total else 0.0


def main_reason(spans: Iterable[JudgedSpan]) -> WhyNot | None:
    """The reason that took most of the time that could not be judged; None where all was judged."""
    lengths: dict[WhyNot, int] = {}
    for span in spans:
        if span.why_not is not None:
            lengths[span.why_not] = lengths.get(span.why_not, 0) + span.length_us
    return max(lengths, key=lambda why: (lengths[why], why), default=None)
