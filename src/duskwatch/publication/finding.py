"""The finding of a report: the headline, and the sentences that open every account of it.

One function decides which finding a report has. Page, charts, terminal, report.md and report.json all take the
headline and the lead from here.
"""

from typing import Literal, NamedTuple

import numpy as np

from duskwatch.publication.facts import (
    Core,
    core,
    end_us,
    gone_span,
    length_text,
    main_outage,
    measure,
    one_address_family,
    step_us,
    typical,
)
from duskwatch.publication.losing import Way, ways
from duskwatch.publication.names import as_name, has_code, place_name
from duskwatch.publication.not_judged import its_start, nothing_judged, part_judged, whole_window
from duskwatch.publication.others import fell_and_stayed, only_others
from duskwatch.publication.times_text import (
    ALL,
    capital,
    count,
    dates,
    duration_words,
    listed,
    local,
    percent,
    share_words,
    utc,
    utc_after,
)
from duskwatch.publication.transit_words import around_of, course_sentence, reliance_sentence
from duskwatch.records.judged import main_reason
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.times import MINUTE, SECOND, span_text

SAME_SHARE = 0.02  # two shares that differ by no more are told as one

Kind = Literal["outage", "no outage", "nothing heard", "not judged"]


class Finding(NamedTuple):
    """What a report found."""

    kind: Kind
    headline: str  # as a newspaper would put it, with the date; no full stop
    lead: str  # a few sentences


def finding(report: Report) -> Finding:
    """The finding of a report, in the words that all formats share."""
    outage = main_outage(report)
    if outage is not None:
        return Finding("outage", _outage_headline(report, outage), _outage_lead(report, outage))
    if nothing_judged(report) and main_reason(report.judged) != "nothing-heard":
        return Finding("not judged", *whole_window(report))
    measured = measure(report).values
    measured = measured[~np.isnan(measured)]
    if nothing_judged(report) or not measured.size or measured.max() <= 0:
        return _nothing_heard(report)
    start = its_start(report)
    return _no_outage(report) if start is None else Finding("not judged", *start)


def headline(report: Report) -> str:
    """The headline alone: ``North Korea was offline for 9½ hours on 22-23 December 2014``."""
    return finding(report).headline


def lost_text(report: Report, outage: Outage) -> str:
    """The largest share lost: ``50 %``; ``50 % of IPv6`` where one address family was lost alone."""
    alone = one_address_family(report, outage)
    return percent(outage.depth) + (f" of {alone.lost}" if alone is not None else "")


def _over(report: Report, outage: Outage) -> str:
    alone = one_address_family(report, outage)
    return f" over {alone.lost}" if alone is not None else ""


def _outage_headline(report: Report, outage: Outage) -> str:
    main = core(report, outage)
    length = main.span.length_us
    how_long = f"for {'at least ' if outage.end is None else ''}{duration_words(length)}"
    text = f"{_what(report, outage, main)} {how_long} {dates(*main.span)}"
    alone = one_address_family(report, outage)
    return text + (f"; {alone.stayed} stayed up" if alone is not None and alone.kept else "")


def _what(report: Report, outage: Outage, main: Core) -> str:
    """``Nearly all of Djibouti was offline``; of signals of others ``Connectivity in Iraq fell by two thirds``."""
    word, name = share_words(main.share), place_name(report)
    if not only_others(report):
        whole = main.share >= ALL
        return capital(name if whole else f"{word} of {name}") + f" was offline{_over(report, outage)}"
    where = f"connectivity {'in' if report.entity.type == 'country' else 'of'} {name}"
    if main.share >= ALL:
        return capital(f"{where} was lost")
    if word in ("most", "nearly all"):
        return capital(f"{word} {where} was lost")
    return capital(f"{where} fell by {word}")


def _outage_lead(report: Report, outage: Outage) -> str:
    main = core(report, outage)
    lasts = outage.end is None
    sentences = [_extent(report, outage, main, lasts), _before_window(report, outage)]
    sentences += [_other_address_family(report, outage), way_sentence(report, outage)]
    sentences += [reliance_sentence(report)]
    sentences += [fell_and_stayed(report, outage)]
    return " ".join(text for text in sentences if text)


def _extent(report: Report, outage: Outage, main: Core, lasts: bool) -> str:
    """How much was lost, for how long, and when."""
    how, name = measure(report), has_code(report)
    so_far = "at least " if lasts and main.whole else ""
    dark = gone_span(outage, report)
    # Where a length is in seconds, so are the times, or the two would not fit each other.
    lengths = [main.span.length_us, *([dark.length_us] if dark is not None and main.share < ALL else [])]
    seconds = any(span_text(length).endswith(" s") for length in lengths) and not step_us(outage)
    how_long = f"{so_far}{length_text(outage, main.span.length_us)}, "
    how_long += _span(report, *main.span, lasts and main.whole, seconds)
    over = _over(report, outage)
    lost = ""
    if main.middle > 0 and how.others:
        lost = f" ({how.signal}: from {how.figure(main.before)} to {how.figure(main.middle)})"
    elif main.middle > 0:
        lost = f", {how.figure(main.before - main.middle)} of {how.plain_count(main.before)},"
    if only_others(report):
        fell = "was lost" if main.share >= ALL else f"fell by {share_words(main.share)}"
        text = f"Connectivity {'in' if report.entity.type == 'country' else 'of'} {name} {fell}{lost} for {how_long}"
    elif main.share >= ALL:
        text = f"{capital(name)} could not be reached from the Internet{over} for {how_long}"
    else:
        what = f"{capital(share_words(main.share))} of {name}{lost}"
        text = f"{what} could not be reached from the Internet{over} for {how_long}"
    sentences = [f"{text}."]
    if dark is not None and main.share < ALL:
        part = "of that " if main.span.from_us <= dark.from_us and dark.until_us <= main.span.until_us else ""
        sentences.append(
            f"For {length_text(outage, dark.length_us)} {part}nothing was left, from "
            f"{utc_after(dark.from_us, main.span.from_us, seconds)} to "
            f"{utc_after(dark.until_us, main.span.from_us, seconds)}."
        )
    elif dark is None and abs(main.share - outage.depth) > SAME_SHARE:
        sentences.append(f"At worst {percent(outage.depth)} was lost.")
    if outage.end is not None and not main.whole:
        sentences.append(_whole_return(report, outage, main, seconds))
    return " ".join(sentences)


def _before_window(report: Report, outage: Outage) -> str:
    """That an outage stood when the window opened; empty where it did not."""
    if outage.onset.best_us >= report.from_us:
        return ""
    opened = utc_after(report.from_us, outage.onset.best_us)
    return f"It had begun before the analysed window opened at {opened}; earlier records show how."


def _whole_return(report: Report, outage: Outage, main: Core, seconds: bool) -> str:
    """When all was back, where the headline tells of the worst part alone."""
    end, start = end_us(outage, report), outage.onset.best_us
    since = ""
    if main.span.from_us - start >= (SECOND if seconds else MINUTE):
        since = f"the first loss came at {utc_after(start, main.span.from_us, seconds)}; "
    back = f"all of it was back at {utc_after(end, main.span.from_us, seconds)}"
    return capital(f"{since}{back}, {length_text(outage, outage.duration_us)} after the first loss.")


def _span(report: Report, from_us: int, until_us: int, lasts: bool, exact: bool) -> str:
    """``from 16:15 UTC on Monday 22 December 2014 (01:15 on Tuesday in Pyongyang) to 01:46 UTC on 23 December``."""
    there = local(from_us, report.time_zone, exact)
    text = f"from {utc(from_us, exact)}" + (f" ({there})" if there else "")
    if lasts:
        return f"{text} until at least {utc_after(until_us, from_us, exact)}, where this analysis ends"
    return f"{text} to {utc_after(until_us, from_us, exact)}"


def _other_address_family(report: Report, outage: Outage) -> str:
    """What became of the address family that an outage did not take; empty where it took all there was."""
    alone = one_address_family(report, outage)
    if alone is None:
        return ""
    if np.isnan(alone.least):
        return f"Nobody watched whether it could be reached over {alone.stayed}."
    if not alone.kept:
        return f"Over {alone.stayed} nothing was left at times either, but not for long enough to count."
    if alone.least < alone.before:
        left = f"{alone.least:,.0f} of {alone.before:,.0f} networks"
        return f"Over {alone.stayed} it stayed reachable all the time, at worst {left}."
    left = f"{alone.least:,.0f} network{'' if round(alone.least) == 1 else 's'}"
    return f"Over {alone.stayed} it stayed reachable all the time ({left})."


def way_sentence(report: Report, outage: Outage) -> str:
    """``The routes were lost through AS5511 and came back through AS8966.`` Empty where no way is known."""
    if only_others(report):
        return ""
    around = around_of(report, outage)
    if around is not None and (course_text := course_sentence(report, outage, around)):
        return course_text
    lost, back = ways(report, outage)
    gone = way_text(report, lost) if lost is not None else ""
    came = way_text(report, back) if back is not None else ""
    if gone and came:
        if lost is not None and back is not None and lost.path[-1:] == back.path[-1:] and lost.path:
            return f"The routes were lost, and came back, through {gone if len(gone) < len(came) else came}."
        return f"The routes were lost through {gone} and came back through {came}."
    if gone:
        return f"The routes were lost through {gone}."
    return f"The routes came back through {came}." if came else ""


def way_text(report: Report, way: Way) -> str:
    """``AS5511 (14 of 15)``, ``AS8961 behind AS8966``; several neighbours where no way is the main one."""
    if not way.path:
        names = [as_name(report, asn) for asn, _ in way.neighbours[:2]]
        more = len(way.neighbours) - len(names)
        return listed([*names, count(more, "other", "others")] if more else names)
    name = " behind ".join(as_name(report, asn) for asn in reversed(way.path))
    return name if way.prefixes == way.total else f"{name} ({way.prefixes:,} of {way.total:,})"


def _window(report: Report) -> str:
    return f"between {utc(report.from_us)} and {utc_after(report.until_us, report.from_us)}"


def _nothing_heard(report: Report) -> Finding:
    return Finding(
        "nothing heard",
        f"Nothing was heard of {place_name(report)} {dates(report.from_us, report.until_us)}",
        f"No route to {has_code(report)} was seen {_window(report)}. "
        "Whether there was an outage cannot be said from that.",
    )


def _no_outage(report: Report) -> Finding:
    how = measure(report)
    measured = how.values[~np.isnan(how.values)]
    low, high = float(measured.min()), float(measured.max())
    if how.others:
        rest = f"Signal {how.signal} was between {how.figure(low)} and {how.figure(high)}, mostly about "
        rest += how.figure(typical(report))
    elif low == high:
        rest = f"{how.plain_count(high)} could be reached all the time"
    else:
        rest = f"Between {how.figure(low)} and {how.plain_count(high)} could be reached, mostly "
        rest += how.figure(typical(report))
    part = part_judged(report)
    return Finding(
        "no outage",
        f"No outage of {place_name(report)} was found {dates(report.from_us, report.until_us)}{part}",
        f"No outage of {has_code(report)} was found {_window(report)}{part}. {rest}.",
    )
