"""Reasons as sentences: what the bounds of a moment rest on, in words. One function for each code."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from duskwatch.records.reason import Reason
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, span_text, to_datetime


def reason_text(one: Reason) -> str:
    """A reason as half a sentence, without a full stop. A code that nobody here knows is shown as it is."""
    sentence = SENTENCES.get(one.code)
    if sentence is None:
        return f"{one.code} ({', '.join(f'{name} {value}' for name, value in one.values)})" if one.values else one.code
    # It goes with any reason that a moment is known by.
    late = [part for part in one.parts if part.code == "records-late"]
    others = replace(one, parts=tuple(part for part in one.parts if part not in late)) if late else one
    return "; ".join([sentence(others), *(_late(part) for part in late)])


def _late(one: Reason) -> str:
    return f"records came up to {span_text(one.value('by_us'))} late, so that it may have been earlier by as much"


def _joined(one: Reason, first: str, link: str = "; ") -> str:
    return link.join([text for text in (first, *(reason_text(part) for part in one.parts)) if text])


def _unwatched(what: str) -> Callable[[Reason], str]:
    return lambda one: f"{what} while nobody was watching, {_span(one)}"


def _unmeasured(what: str) -> Callable[[Reason], str]:
    def text(one: Reason) -> str:
        span = " to ".join(to_datetime(one.value(name)).strftime("%Y-%m-%d %H:%M") for name in ("from_us", "until_us"))
        return f"{one.value('signal')} {what} while it was not measured, {span}"

    return text


def _at(what: str) -> Callable[[Reason], str]:
    return lambda one: f"{what} at {_clock(one.value('at_us'))}"


def _says(text: str) -> Callable[[Reason], str]:
    return lambda one: _joined(one, text)


def _voters_changed(one: Reason) -> str:
    text = f"less was reachable from {_clock(one.value('from_us'))} on as the observers changed; "
    return text + f"at {_clock(one.value('at_us'))} routes confirmed the loss"


def _majorities(what: str) -> Callable[[Reason], str]:
    """How many prefixes most observers lost, or had back, of how many that had been reachable."""

    def text(one: Reason) -> str:
        count, of = one.value("count"), one.value("of")
        start, stop = one.value("from_us"), one.value("until_us")
        which = _prefixes(count) if of is None or of == count else f"{count:,} of {_prefixes(of)}"
        which = f"all {which}" if of == count and count > 1 else which
        when = f"at {_clock(start)}" if start == stop else f"between {_clock(start)} and {_clock(stop)}"
        return _joined(one, f"most observers {what.format(which)} {when}")

    return text


def _prefixes(count: int) -> str:
    return f"{count:,} prefix{'' if count == 1 else 'es'}"


def _border(one: Reason) -> str:
    return _joined(one, f"the level crossed the border of its normal range at {_clock(one.value('at_us'))}")


def _last_gone(one: Reason) -> str:
    count = one.value("count")
    what = "the last reachable prefix" if count < 2 else f"the last {count:,} reachable prefixes"
    return _joined(one, f"most observers lost {what} at {_clock(one.value('at_us'))}")


def _first_back(one: Reason) -> str:
    voter = one.value("voter_us")
    text = "" if voter is None else f"the first observer held a route again at {_clock(voter)}, "
    return _joined(one, text + f"most observers held a prefix again at {_clock(one.value('at_us'))}")


def _fell(one: Reason) -> str:
    before = one.value("before")
    start = "" if before is None else f" from {_number(before)}"
    after = one.value("after")
    left = "below its normal range" if after is None else f"to {_number(after)}"
    text = f"{one.value('signal')} fell{start} {left} in the {_bin_text(one.value('bin_us'))}"
    return f"{text} from {_minute(one.value('at_us'))}"


def _fell_slowly(one: Reason) -> str:
    text = f"{one.value('signal')} fell slowly, below its normal range at {_minute(one.value('at_us'))}; "
    return text + f"a line through its fall begins at {_minute(one.value('line_us'))}"


def _fell_over(one: Reason) -> str:
    count, at = one.value("count"), _minute(one.value("at_us"))
    return _joined(one, f"the fall went on over {count} bins or more: half was lost with the one that starts at {at}")


def _back(one: Reason) -> str:
    value = one.value("value")
    level = "again" if value is None else f"at {_number(value)}"
    text = f"{one.value('signal')} was back {level} in the {_bin_text(one.value('bin_us'))}"
    return f"{text} from {_minute(one.value('at_us'))}"


def _weeks(what: str) -> Callable[[Reason], str]:
    text = f"was {what} in the day from this on: the median of a week against that of four weeks before"
    return lambda one: f"{one.value('signal')} {text}"


def _return_began(one: Reason) -> str:
    return f"the return began, and was complete when {'; '.join(reason_text(part) for part in one.parts)}"


def _rest_unwatched(one: Reason) -> str:
    return f"the others were back, and nobody watched {one.value('signal')} from {_minute(one.value('at_us'))} on"


SENTENCES: Mapping[str, Callable[[Reason], str]] = {
    "": lambda one: "",
    "in-words": lambda one: str(one.value("text")),
    # Of routes, dated by votes.
    "came-unwatched": _unwatched("it came"),
    "voters-changed": _voters_changed,
    "majorities-lost": _majorities("lost {}"),
    "majorities-back": _majorities("had {} back"),
    "border-crossed": _border,
    "first-votes-gone": _at("the first observer lost a route"),
    "records-late": _late,
    "last-lost-unwatched": _unwatched("the last was lost"),
    "last-lost": _last_gone,
    "last-voter-let-go": _at("the last observer lost its route"),
    "some-voter-held": _says("some observer held a route throughout"),
    "first-back-unwatched": _unwatched("the first came back"),
    "first-back": _first_back,
    "back-in-gap": lambda one: f"nobody was watching {_span(one)}, and it may have come back then",
    "back-unwatched": _unwatched("it came back"),
    "new-normal": _says("what was left by then had lasted so long that it counts as the new normal level"),
    "all-votes-back": _at("all observers had their routes back"),
    # Of binned signals, dated by bins.
    "fell": _fell,
    "fell-slowly": _fell_slowly,
    "fell-over-bins": _fell_over,
    "fell-unmeasured": _unmeasured("fell"),
    "back": _back,
    "back-unmeasured": _unmeasured("came back"),
    "declined": _weeks("below half of the limit"),
    "declined-back": _weeks("back"),
    "return-began": _return_began,
    "rest-unwatched": _rest_unwatched,
    "next-began": _at("nobody watched the return, and the next outage began"),
    "nothing-left": _says("nothing was left in any of the signals that lost anything"),
    "something-back": _says("something was there again in one of the signals"),
}


def _clock(time_us: int) -> str:
    return to_datetime(time_us).strftime("%H:%M:%S")


def _minute(time_us: int) -> str:
    """A time that is no better than its bin: rounded to the minute."""
    return to_datetime((time_us + MINUTE // 2) // MINUTE * MINUTE).strftime("%H:%M")


def _span(one: Reason) -> str:
    start, stop = one.value("from_us"), one.value("until_us")
    if to_datetime(start).date() == to_datetime(stop).date():
        return f"{_clock(start)} to {_clock(stop)}"
    return " to ".join(to_datetime(time_us).strftime("%Y-%m-%d %H:%M:%S") for time_us in (start, stop))


def _bin_text(bin_us: int) -> str:
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if bin_us % unit == 0:
            many = bin_us // unit
            return f"{name}" if many == 1 else f"{many} {name}s"
    return f"{bin_us / SECOND:g} seconds"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
