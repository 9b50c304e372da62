"""What an account rests on, in plain words: observers, gaps, what was learned, and what all of it cannot say."""

from collections import Counter

from duskwatch.publication.observers import WHAT, WHAT_ONE, count_observers, observers, over_window, saw_sentence
from duskwatch.publication.others import evidence, only_others
from duskwatch.publication.times_text import capital, count, listed, number_text, percent
from duskwatch.publication.watching import (
    NOT_HEARD,
    NOT_WATCHED,
    alone_at_times,
    unjudged,
    voters_spread,
    watched_share,
)
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.times import span_text

MOST_LISTED = 6
THIN = 0.5  # confidence below which the evidence is called thin


def evidence_text(report: Report, outage: Outage | None) -> str:
    """Who saw it, and how far that can be relied on."""
    peers = voters_spread(report)
    if only_others(report):
        return evidence(report) + _thin(outage)
    if peers.most == 0:
        return f"No observer (full-feed peers: {WHAT}) was there to tell."
    at = count(len(report.collectors), "collector", "collectors")
    if report.collectors:
        at += f" ({listed(sorted(report.collectors)[:MOST_LISTED])}{', ...' * (len(report.collectors) > MOST_LISTED)})"
    more = evidence(report)
    return _watching(report, outage, at) + (f" {more}" if more else "") + _thin(outage)


def _watching(report: Report, outage: Outage | None, at: str) -> str:
    peers = voters_spread(report)
    gloss = f"(full-feed peers: {WHAT})"
    if peers.most == 1:
        gloss = f"(full-feed peer: {WHAT_ONE})"
        return f"Only one observer {gloss} was watching, at {at}. A fault of that one would look the same as an outage."
    seen = observers(report, outage) if outage is not None else None
    if seen is None:
        text = f"Observers {gloss} at {at} were watching: {over_window(report)}."
    else:
        text = f"{capital(count_observers(seen.watching))} {gloss} {'was' if seen.watching == 1 else 'were'} watching "
        text += f"when it began, at {at}."
        text += f" {saw_sentence(seen)}" if seen.counted else ""
    text += " A network counts as reachable while most observers hold a route to it."
    if alone_at_times(report):
        text += " At times only one observer was there: a fault of that one would look the same as an outage."
    return text


def _thin(outage: Outage | None) -> str:
    if outage is None or outage.confidence >= THIN:
        return ""
    return f" The evidence is thin: confidence {outage.confidence:.2f} on a scale of 0 to 1."


def gaps_text(report: Report) -> str:
    """What the sources did not record, and the time that could not be judged."""
    gaps = report.history.gaps
    texts = []
    if gaps:
        kinds = Counter(gap.reason for gap in gaps)
        longest = max(gap.until_us - gap.from_us for gap in gaps)
        which = listed([f"{reason} ({number})" for reason, number in kinds.most_common(MOST_LISTED)])
        if len(gaps) == 1:
            texts.append(f"The recording has one gap of {span_text(longest)}: {which}. It is not counted as an outage.")
        else:
            texts.append(
                f"The recording has {number_text(len(gaps))} gaps, the longest of {span_text(longest)}: {which}. "
                "None is counted as an outage."
            )
    blind = unjudged(report)
    if blind and watched_share(report) > 0:
        for why, because in (
            (NOT_WATCHED, "nobody was watching"),
            (NOT_HEARD, "observers were there, but had not mentioned any route of it yet"),
        ):
            total = sum(span.length_us for span in blind if span.why == why)
            if total:
                share = percent(total / (report.until_us - report.from_us))
                texts.append(f"For {span_text(total)} in all ({share} of the time) {because}.")
        texts.append("An outage in that time would not show here.")
    return " ".join(texts)


def learned_text(report: Report) -> str:
    """What it means that there was no table to begin with; empty where there was one."""
    history = report.history
    sentences = []
    if history.learned:
        sentences.append(
            "At least one collector has no table dump (a full copy of its routes) from before the window. "
            "There, a route is known only from its first mention on, and a route that nobody mentioned is missing here."
        )
    if history.known_share < 1 and report.entity.type == "country":
        sentences.append(f"Routes were heard for {percent(history.known_share)} of the IPv4 addresses delegated to it.")
    return " ".join(sentences)


def limits(report: Report) -> str:
    """What all of this cannot say, in two sentences."""
    if only_others(report):
        return (
            "This rests on what others measured, each signal in its own way. The signals do not show what they do not "
            "reach, why anything was lost, or who caused it."
        )
    if report.history.series:
        return (
            "This rests on Internet routes (BGP), which show whether other networks knew a way there, and on signals "
            "that others measured. They do not show why anything was lost, or who caused it."
        )
    return (
        "This rests on Internet routes (BGP) alone. They show whether other networks knew a way there: not whether "
        "computers there answered, not why the routes disappeared, or who caused it."
    )
