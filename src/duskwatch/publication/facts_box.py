"""The four facts that a reader looks for first: since when, until when, how much, how sure; each says from what."""

from typing import NamedTuple

from duskwatch.publication.facts import core, dark_span, exact, held, length_text, main_outage, measure
from duskwatch.publication.finding import SAME_SHARE, lost_text
from duskwatch.publication.observers import count_observers, observers, over_window, saw_text, witnesses_of
from duskwatch.publication.others import names_of, only_others
from duskwatch.publication.times_text import clock, count, day, fine, local, number_text, percent, shown_time
from duskwatch.publication.watching import watched_share
from duskwatch.records.outages import Outage, When
from duskwatch.records.report import Report
from duskwatch.records.times import span_text

FAULT = {
    "no": "no sign of a fault of the recording",
    "partly": "blurred by faults of the recording at that time",
    "cannot be ruled out": "a fault of the recording cannot be ruled out",
}
HIGH, FAIR = 0.8, 0.5  # confidence from which on it is called so


class Fact(NamedTuple):
    """One fact: its name, its value, and lines that say from what."""

    label: str
    value: str
    notes: tuple[str, ...] = ()


def four(report: Report) -> tuple[Fact, ...]:
    """The facts of the main outage; of a report without one, what was found and how well it was watched."""
    outage = main_outage(report)
    if outage is None:
        return _without(report)
    until = Fact(
        "Until when", "not over", ("when this analysis ends", f"so far {length_text(outage, outage.duration_us)}")
    )
    if outage.end is not None:
        notes = (
            *_moment_notes(report, outage.end),
            f"lasted {length_text(outage, outage.duration_us)}; {_held(report, outage)}",
        )
        until = Fact("Until when", _moment(outage, outage.end), notes)
    since = Fact("Since when", _moment(outage, outage.onset), _moment_notes(report, outage.onset))
    return since, until, _how_much(report, outage), _how_sure(report, outage)


def sure_word(confidence: float) -> str:
    """``high``, ``fair`` or ``low``."""
    return "high" if confidence >= HIGH else "fair" if confidence >= FAIR else "low"


def _without(report: Report) -> tuple[Fact, ...]:
    share = watched_share(report)
    found = Fact("Outages", "none found" if share > 0 else "cannot be told")
    length = span_text(report.until_us - report.from_us)
    watched = Fact("Watched", percent(share), (f"of {length} could be judged",))
    if only_others(report):
        many = count(len(names_of(report)), "signal", "signals")
        return found, watched, Fact("Told by", many, ("measured by others",))
    at = count(len(report.collectors), "collector", "collectors")
    return found, watched, Fact("Observers", over_window(report), (f"at {at}",))


def _moment(outage: Outage, when: When) -> str:
    seconds = fine(outage.duration_us) and exact(when)
    return f"{clock(shown_time(when.best_us, seconds), seconds)} UTC"


def _moment_notes(report: Report, when: When) -> tuple[str, ...]:
    moment = shown_time(when.best_us)
    there = local(when.best_us, report.time_zone)
    notes = [f"{day(moment)} {moment.year}" + (f"; {there}" if there else "")]
    if when.latest_us > when.earliest_us:
        seconds = exact(when)
        ends = [shown_time(at, seconds) for at in (when.earliest_us, when.latest_us)]
        texts = [clock(end, seconds) for end in ends]
        if texts[0] != texts[1]:
            notes.append(f"known to lie between {texts[0]} and {texts[1]} UTC")
    return tuple(notes)


def _held(report: Report, outage: Outage) -> str:
    return {"stable": "then stable", "not stable": "then not stable"}.get(
        held(report, outage), "too short a window to tell whether it held"
    )


def _how_much(report: Report, outage: Outage) -> Fact:
    main, how, dark = core(report, outage), measure(report), dark_span(outage, report)
    notes = []
    if main.middle >= 0 and not how.others:
        gone = how.figure(main.before - main.middle)
        of = how.plain_count(main.before)
        worse = "at worst; " if outage.depth - main.share > SAME_SHARE else ""
        notes.append(f"all {of}" if main.middle == 0 else f"{worse}{gone} of {of} for most of it")
    elif main.middle >= 0:
        notes.append(f"{how.signal} fell from {how.figure(main.before)} to {how.figure(main.middle)}")
    notes.append(
        f"dark for {length_text(outage, dark.length_us)}" if dark is not None else "something was left all the time"
    )
    return Fact("How much", lost_text(report, outage), tuple(notes))


def _how_sure(report: Report, outage: Outage) -> Fact:
    value = f"{sure_word(outage.confidence)} ({outage.confidence:.2f})"
    if only_others(report):
        saw = [name for name in outage.signals if name in names_of(report)]
        return Fact(
            "How sure", value, (f"{number_text(len(saw))} of {count(len(names_of(report)), 'signal', 'signals')} fell",)
        )
    seen = observers(report, outage)
    if not seen.counted:
        verb = "was" if seen.watching == 1 else "were"
        return Fact("How sure", value, (f"{count_observers(seen.watching)} {verb} watching",))
    number = next(i for i, other in enumerate(report.outages) if other is outage)
    witnesses = witnesses_of(report, number)
    notes = [saw_text(seen)]
    if witnesses is not None:
        notes.append(FAULT[witnesses.verdict])
    return Fact("How sure", value, tuple(notes))
