"""Reasons that were stored as English sentences, read back into codes; only for stores of that time.

Sentences tell times of day to the second. A time that is a bound of the moment is that bound; of another the day is
that of the nearest such time, and fractions of a second are lost.
"""

import re
from collections.abc import Callable, Mapping

from duskwatch.records.reason import Reason, in_words, reason
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, parse_time

CLOCK = r"(\d\d:\d\d:\d\d)"
SPAN = r"(\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) to (\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"

When = Mapping[str, int]
"""The bounds of the moment: earliest_us, best_us, latest_us."""

Time = Callable[[str], int]


def from_sentence(text: str, when: When) -> Reason:
    """The reason that a sentence tells; one in words where no rule knows it."""

    def time(clock: str) -> int:
        return _time(clock, when)

    for pattern, make in RULES:
        if match := re.fullmatch(pattern, text):
            return make(match, time)
    return in_words(text)


def _time(clock: str, when: When) -> int:
    if len(clock) > 8:
        return parse_time(clock.replace(" ", "T"))
    hours, minutes, seconds = map(int, clock.split(":"))
    of_day = hours * HOUR + minutes * MINUTE + seconds * SECOND
    for bound in (when["best_us"], when["earliest_us"], when["latest_us"]):
        if bound % DAY // SECOND * SECOND == of_day:
            return bound
    midnight = when["best_us"] - when["best_us"] % DAY
    return min((midnight + shift + of_day for shift in (-DAY, 0, DAY)), key=lambda at: abs(at - when["best_us"]))


def _unwatched(code: str) -> Callable[[re.Match[str], Time], Reason]:
    return lambda match, time: reason(code, from_us=time(match[1]), until_us=time(match[2]))


def _majorities(match: re.Match[str], time: Time) -> Reason:
    code = {"lost": "majorities-lost", "got back": "majorities-back"}[match["what"]]
    start, stop = (match["at"], match["at"]) if match["at"] else (match["from"], match["until"])
    of = None if match["of"] is None else int(match["of"])
    values = {"count": int(match["count"]), "of": of, "from_us": time(start), "until_us": time(stop)}
    return reason(code, *_parts(match["more"], time), **values)


def _border(match: re.Match[str], time: Time) -> Reason:
    return reason("border-crossed", *_parts(match["more"], time), at_us=time(match["at"]))


def _last_gone(match: re.Match[str], time: Time) -> Reason:
    return reason("last-lost", *_parts(match["more"], time), count=int(match["count"] or 1), at_us=time(match["at"]))


def _first_back(match: re.Match[str], time: Time) -> Reason:
    voter = None if match["voter"] is None else time(match["voter"])
    return reason("first-back", *_parts(match["more"], time), voter_us=voter, at_us=time(match["at"]))


def _parts(text: str | None, time: Time) -> list[Reason | None]:
    """What follows a sentence after semicolons."""
    out: list[Reason | None] = []
    for part in [part for part in (text or "").split("; ") if part]:
        for pattern, code in PARTS:
            if match := re.fullmatch(pattern, part):
                names = ("from_us", "until_us") if len(match.groups()) == 2 else ("at_us",)
                out.append(reason(code, **{n: time(word) for n, word in zip(names, match.groups(), strict=False)}))
                break
        else:
            out.append(in_words(part))
    return out


PARTS = (
    (rf"the first votes were gone at {CLOCK}", "first-votes-gone"),
    (rf"the last voter let go at {CLOCK}", "last-voter-let-go"),
    (r"some voter held a route throughout", "some-voter-held"),
    (rf"all votes were back at {CLOCK}", "all-votes-back"),
    (rf"nobody was watching {SPAN}, and it may have come back then", "back-in-gap"),
)
MORE = r"(?:; (?P<more>.*))?"
RULES: tuple[tuple[str, Callable[[re.Match[str], Time], Reason]], ...] = (
    (rf"it came while nobody was watching, {SPAN}", _unwatched("came-unwatched")),
    (rf"the last was lost while nobody was watching, {SPAN}", _unwatched("last-lost-unwatched")),
    (rf"the first came back while nobody was watching, {SPAN}", _unwatched("first-back-unwatched")),
    (rf"it came back while nobody was watching, {SPAN}", _unwatched("back-unwatched")),
    (
        rf"less was visible from {CLOCK} on as the voters changed; at {CLOCK} routes confirmed the loss",
        lambda match, time: reason("voters-changed", from_us=time(match[1]), at_us=time(match[2])),
    ),
    (
        r"(?P<count>\d+)(?: of (?P<of>\d+))? prefix(?:es)? (?P<what>lost|got back) (?:its|their) majority "
        r"(?:at (?P<at>[\d:]{8})|between (?P<from>[\d:]{8}) and (?P<until>[\d:]{8}))" + MORE,
        _majorities,
    ),
    (r"the level crossed the border of the normal band at (?P<at>[\d:]{8})" + MORE, _border),
    (
        r"the last (?:visible prefix lost its|(?P<count>\d+) visible prefixes lost their) majority at (?P<at>[\d:]{8})"
        + MORE,
        _last_gone,
    ),
    (
        r"(?:a first voter held a route at (?P<voter>[\d:]{8}), and )?a prefix had its majority back at "
        r"(?P<at>[\d:]{8})" + MORE,
        _first_back,
    ),
    (
        r"what was left by then had lasted so long that it is taken as the new normal level",
        lambda match, time: reason("new-normal"),
    ),
)
