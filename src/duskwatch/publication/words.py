"""A report in plain words: paragraphs that a reader without any networking can follow, and that say no more than is
known."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from duskwatch.publication.facts import (
    HOLD_UNKNOWN,
    SLASH24,
    SLASH48,
    UNITS,
    Measure,
    Span,
    blind_spans,
    end_us,
    gone_span,
    held,
    last_trace_us,
    least_between,
    losses,
    main_outage,
    measure,
    one_family,
    relapses_of,
    typical,
    unwatched_us,
    value_at,
    voters_spread,
    watched_share,
)
from duskwatch.publication.others import evidence, only_others
from duskwatch.publication.times_text import (
    count,
    fine,
    listed,
    local,
    near,
    number_text,
    often,
    percent,
    utc,
    utc_after,
)
from duskwatch.publication.who import account
from duskwatch.records.outages import Outage, When
from duskwatch.records.report import Report
from duskwatch.records.times import MINUTE, SECOND, span_text

MOSTLY_DARK = 0.9  # share of an outage in which nothing was left, from which on it is told as a total one
BURST_US = MINUTE
MOST_LISTED = 6
WIDE_US = MINUTE  # an interval wider than this is told
SOON_US = 5 * MINUTE  # prefixes that went within this are told as one event
THIN = 0.5  # confidence below which the evidence is called thin


def paragraphs(report: Report) -> tuple[str, ...]:
    """The whole account, most important first. On a re-enactment the sentence that says so comes before all."""
    told = [report.reenactment, headline(report)]
    outage = main_outage(report)
    if outage is not None:
        told += [_going(report, outage), _return(report, outage), _others(report, outage)]
    told.append(account(report))
    told += [_evidence(report, outage), _gaps(report), _learned(report), _limits(report)]
    return tuple(paragraph for paragraph in told if paragraph)


def headline(report: Report) -> str:
    """The finding in a sentence or two."""
    outage = main_outage(report)
    return _no_outage(report) if outage is None else _outage(report, outage)


def verdict(report: Report) -> str:
    """The finding in a few words, for a heading: ``unreachable for 9 h 31 min``.

    ``partly unreachable over IPv6 for 40 min; IPv4 stayed`` where one family was lost alone.
    """
    outage = main_outage(report)
    if outage is None:
        if watched_share(report) <= 0:
            return "not watched"
        return "no outage found"
    dark = _mostly_dark(report, outage)
    gone = gone_span(outage, report)
    how = "unreachable" if dark else "partly unreachable" if gone is None else "largely unreachable"
    length = dark.length_us if dark else outage.duration_us
    alone = one_family(report, outage)
    over = f" over {alone.lost}" if alone is not None else ""
    stayed = f"; {alone.stayed} stayed" if alone is not None and alone.kept else ""
    return f"{how}{over} for {'at least ' if outage.end is None else ''}{span_text(length)}{stayed}"


def lost_text(report: Report, outage: Outage) -> str:
    """The largest share lost: ``50 %``; ``50 % of IPv6`` where one family was lost alone."""
    alone = one_family(report, outage)
    return percent(outage.depth) + (f" of {alone.lost}" if alone is not None else "")


def subject(report: Report) -> str:
    """The entity as a sentence begins with it: ``North Korea (KP)``, ``The network AS131279``."""
    kinds = {"country": "", "asn": "The network ", "prefix": "The prefix "}
    return kinds[report.entity.type] + report.entity.title


def _inside(report: Report) -> str:
    """The same in the middle of a sentence."""
    text = subject(report)
    return "the " + text[4:] if report.entity.type != "country" else text


def _span(report: Report, from_us: int, until_us: int, lasts: bool) -> str:
    """``from 16:15 UTC on Monday 22 December 2014 (01:15 on Tuesday in Pyongyang) to 01:46 UTC on 23 December``."""
    exact = fine(until_us - from_us)
    there = local(from_us, report.time_zone, exact)
    text = f"from {utc(from_us, exact)}" + (f" ({there})" if there else "")
    if lasts:
        return f"{text} until at least {utc_after(until_us, from_us, exact)}, where this analysis ends"
    return f"{text} to {utc_after(until_us, from_us, exact)}"


def _outage(report: Report, outage: Outage) -> str:
    alone = one_family(report, outage)
    told = _extent(report, outage, f"from the Internet over {alone.lost}" if alone else "from the Internet")
    return f"{told} {_other_family(report, outage)}".strip()


def _other_family(report: Report, outage: Outage) -> str:
    """What became of the family that an outage did not take; empty where it took all there was."""
    alone = one_family(report, outage)
    if alone is None:
        return ""
    if np.isnan(alone.least):
        return f"Whether it could be reached over {alone.stayed} was not watched."
    if not alone.kept:
        return f"Over {alone.stayed} too nothing was left at times, but not for long enough to count."
    unit, units = UNITS[SLASH24 if alone.stayed == "IPv4" else SLASH48]
    if alone.least < alone.before:
        left = f"{alone.least:,.0f} of {alone.before:,.0f} {units}"
        return f"Over {alone.stayed} it could be reached all the time, at worst {left}."
    left = f"{alone.least:,.0f} {unit if round(alone.least) == 1 else units}"
    return f"Over {alone.stayed} it could be reached all the time ({left})."


def _extent(report: Report, outage: Outage, from_where: str) -> str:
    """How much was lost, for how long, and when."""
    start, end, lasts = outage.onset.best_us, end_us(outage, report), outage.end is None
    whole = _mostly_dark(report, outage)
    if whole is not None:
        so_far = "at least " if lasts else ""
        return (
            f"{subject(report)} could not be reached {from_where} for {so_far}{span_text(whole.length_us)}, "
            f"{_span(report, *whole, lasts)}."
        )
    dark = gone_span(outage, report)
    so_far = "at least " if lasts else ""
    told = f"{so_far}{span_text(outage.duration_us)}, {_span(report, start, end, lasts)}"
    if dark is not None:
        exact = fine(dark.length_us)
        until = utc_after(dark.until_us, dark.from_us, exact)
        return (
            f"Large parts of {_inside(report)} could not be reached {from_where} for {told}. "
            f"For {span_text(dark.length_us)} of that, from {utc_after(dark.from_us, start, exact)} to {until}, "
            f"nothing of it could be reached{from_where.removeprefix('from the Internet')}."
        )
    return f"Part of {_inside(report)} could not be reached {from_where} for {told}. {_worst(report, outage)}"


def _mostly_dark(report: Report, outage: Outage) -> Span | None:
    """The stretch in which nothing was left, where it makes up nearly all of the outage; else None."""
    dark = gone_span(outage, report)
    if dark is None or dark.length_us < MOSTLY_DARK * (end_us(outage, report) - outage.onset.best_us):
        return None
    return dark


def _worst(report: Report, outage: Outage) -> str:
    how = measure(report)
    level = report.history.level
    before = value_at(level, how.values, outage.onset.earliest_us - 1)
    if np.isnan(before):
        before = typical(report)
    least = least_between(level, how.values, outage.onset.best_us, end_us(outage, report))
    text = f"At worst {percent(outage.depth)} of it was gone"
    if np.isnan(before) or np.isnan(least) or before <= 0 or abs((before - least) / before - outage.depth) > 0.02:
        return f"{text}."
    return f"{text} ({how.figure(before - least)} of {count_exact(before, how)})."


def count_exact(number: float, how: Measure) -> str:
    """``4 IPv4 /24 networks``."""
    return f"{how.figure(number)} {how.unit if round(number) == 1 else how.units}"


def _no_outage(report: Report) -> str:
    window = f"between {utc(report.from_us)} and {utc_after(report.until_us, report.from_us)}"
    if watched_share(report) <= 0:
        return (
            f"Nothing can be said about {_inside(report)} {window}: no source was watching it. "
            "That is not a sign of an outage, nor of its absence."
        )
    how, level = measure(report), report.history.level
    known = how.values[~np.isnan(how.values)]
    text = f"No outage of {_inside(report)} was found {window}"
    if not known.size or known.max() <= 0:
        return f"No route to {_inside(report)} was seen {window}, so that no outage could be told."
    low, high = float(known.min()), float(known.max())
    if how.others:
        middle = how.figure(typical(report))
        rest = f"{how.caption} was between {how.figure(low)} and {how.figure(high)}, mostly about {middle}"
    elif low == high:
        rest = f"{count_exact(high, how)} of it could be reached all the time"
    else:
        rest = f"between {low:,.0f} and {count_exact(high, how)} of it could be reached, mostly {typical(report):,.0f}"
    while_watched = (
        "" if not np.isnan(how.values if how.others else level.prefixes).any() else ", as far as it was watched"
    )
    return f"{text}; {rest}{while_watched}."


def _going(report: Report, outage: Outage) -> str:
    """How it went down."""
    told: list[str] = []
    start = outage.onset.best_us
    before = [p for p in outage.phases if p.phase == "degrading" and p.from_us < start - MINUTE]
    if before:
        since = min(p.from_us for p in before)
        what = "smaller losses had come and gone" if only_others(report) else "single routes had been coming and going"
        told.append(
            f"It gave signs before: {what} since {utc_after(since, start)}, {span_text(start - since)} earlier."
        )
    lost = losses(report, outage)
    if lost is not None:
        alone = one_family(report, outage)
        told.append(_losing(lost.times_us, lost.total, start, f"{alone.lost} " if alone is not None else ""))
    told.append(_trace(report, outage))
    told.append(_between("start", outage.onset, start))
    return " ".join(text for text in told if text)


def _trace(report: Report, outage: Outage) -> str:
    """What fewer than half of the peers still held while it counted as lost."""
    dark, gone = gone_span(outage, report), last_trace_us(report, outage)
    if only_others(report):
        return ""  # signals of others have no peers
    if dark is None or not dark.length_us or (gone is not None and near(gone, dark.from_us)):
        return ""
    if gone is None:
        return "All through the total loss some peers, but not more than half, still held a route."
    return (
        f"Some peers, but not more than half, still held a route until {utc_after(gone, outage.onset.best_us, True)}; "
        "then nobody did."
    )


def _between(name: str, moment: When, start: int) -> str:
    """The interval in which a moment lies, where it is wide enough to matter to a reader."""
    width = moment.latest_us - moment.earliest_us
    if width <= WIDE_US:
        return ""
    first = utc_after(moment.earliest_us, start, fine(width))
    last = utc_after(moment.latest_us, moment.earliest_us, fine(width))
    return f"Its {name} is known only as a time between {first} and {last}."


def _losing(times: tuple[int, ...], total: int, start: int, family: str) -> str:
    lost, first, last = len(times), times[0], times[-1]
    begun = utc_after(first, start, True)
    if total == 1:
        return f"Its only {family}prefix (a block of addresses that is announced as one) went at {begun}."
    all_ = "Both" if total == 2 else f"All {number_text(total)}"
    who = f"{all_} of its {family}prefixes" if lost == total else f"{lost:,} of its {total:,} {family}prefixes"
    text = f"{who} (blocks of addresses, each announced as one) went"
    if last - first < SECOND:
        return f"{text} in the same second, at {begun}."
    if last - first <= SOON_US:
        return f"{text} within {span_text(last - first)}, from {begun} on."
    text += f" one after another, from {begun} to {utc_after(last, start, True)}"
    burst = sum(moment - first <= BURST_US for moment in times)
    return f"{text}; {number_text(burst)} of them in the first minute." if 1 < burst < lost else f"{text}."


def _return(report: Report, outage: Outage) -> str:
    """Whether it is really back."""
    if outage.end is None:
        return (
            f"It was not back at the end of the analysis, {utc_after(report.until_us, outage.onset.best_us)}: "
            "how long it lasted in all is not known from this."
        )
    end, start = outage.end.best_us, outage.onset.best_us
    dark = gone_span(outage, report)
    told: list[str] = []
    if dark is not None and not near(dark.until_us, end):
        what = "Something came" if only_others(report) else "The first routes came"
        told.append(
            f"{what} back at {utc_after(dark.until_us, start, True)}, the rest by "
            f"{utc_after(end, start, True)}, {span_text(end - dark.until_us)} later."
        )
    told.append(_between("end", outage.end, start))
    again = _again(report, outage)
    if outage.relapses or again:
        items = f": {_items(report, again, outage)}" if again else " before it held" if outage.stable else ""
        told.append(f"The return was not steady. It was lost again {often(max(outage.relapses, len(again)))}{items}.")
        if again:
            told.append(_stayed(report, again[-1]))
    steady = [phase for phase in outage.phases if phase.phase == "restored" and phase.from_us > end + MINUTE]
    if steady and not again:
        told.append(f"It was steady from {utc_after(steady[-1].from_us, start)} on.")
    elif not again and (outage.stable or held(report, outage) == HOLD_UNKNOWN):
        told.append(_stayed(report, outage))
    return " ".join(text for text in told if text)


def _again(report: Report, outage: Outage) -> tuple[Outage, ...]:
    """The relapses of an outage, where the report holds all that it counts; else none, and they count as others."""
    found = relapses_of(report, outage)
    return found if len(found) >= outage.relapses else ()


def _stayed(report: Report, outage: Outage) -> str:
    """How long it was not lost again after an outage, as far as anybody was watching."""
    if outage.end is None:
        return ""
    end, later = outage.end.best_us, _after(report, outage)
    until = min((other.onset.best_us for other in later), default=report.until_us)
    length, unseen = until - end, unwatched_us(report, end, until)
    if length <= 0:
        return ""
    if unseen >= length:
        return "After that nobody was watching: whether it held is not known."
    of_it = f", {span_text(unseen)} of which nobody was watching" if unseen else ""
    if later:
        return f"After that it was not lost again for {span_text(length)}{of_it}."
    text = f"After that it was not lost again in the {span_text(length)} to the end of the analysis{of_it}."
    return text if outage.stable else f"{text} That is too little to tell whether it held."


def _after(report: Report, outage: Outage) -> list[Outage]:
    return [other for other in report.outages if other is not outage and other.onset.best_us > outage.onset.best_us]


def _others(report: Report, main: Outage) -> str:
    """The outages before and after the main one, but for its relapses."""
    told = []
    again = _again(report, main)
    before = [other for other in report.outages if other is not main and other.onset.best_us <= main.onset.best_us]
    after = [other for other in _after(report, main) if all(other is not relapse for relapse in again)]
    for others, word in ((before, "Before it"), (after, "Apart from these" if again else "After it")):
        if others:
            many = count(len(others), "further outage", "further outages")
            told.append(f"{word} there {'was' if len(others) == 1 else 'were'} {many}: {_items(report, others, main)}.")
    return " ".join(told)


def _items(report: Report, outages: Sequence[Outage], main: Outage) -> str:
    """``12 min from 07:41:00 UTC on 23 December and 31 min from 15:41 UTC on 23 December``."""
    items = [_short(report, outage, main) for outage in outages[:MOST_LISTED]]
    if len(outages) > MOST_LISTED:
        items.append(f"{number_text(len(outages) - MOST_LISTED)} more")
    return listed(items)


def _short(report: Report, outage: Outage, main: Outage) -> str:
    start = outage.onset.best_us
    extent = "" if outage.dark_from is not None else f", {lost_text(report, outage)} lost"
    lasts = ", not over at the end" if outage.end is None else ""
    moment = utc_after(start, main.onset.best_us, fine(outage.duration_us))
    return f"{span_text(outage.duration_us)} from {moment}{extent}{lasts}"


def _evidence(report: Report, outage: Outage | None) -> str:
    peers = voters_spread(report)
    if only_others(report):
        return evidence(report, outage) + _thin(outage)
    if peers.most == 0:
        return (
            "No full-feed peer (a router that knows nearly all routes of the Internet and shows them to a collector) "
            "was there to tell."
        )
    at = count(len(report.collectors), "collector", "collectors")
    if report.collectors:
        at += f" ({listed(sorted(report.collectors)[:MOST_LISTED])}{', ...' * (len(report.collectors) > MOST_LISTED)})"
    what = "routers that know nearly all routes of the Internet and show them to a collector"
    if peers.most == 1:
        text = (
            f"Only one full-feed peer (of the {what}) was watching, at {at}: a fault of that one peer would look "
            "the same as an outage."
        )
    else:
        range_ = "" if peers.least == peers.most else f", between {peers.least:,} and {peers.most:,} at a time"
        text = (
            f"This was seen by {count(peers.median, 'full-feed peer', 'full-feed peers')} ({what}) at {at}{range_}. "
            "A network counts as reachable while more than half of them know a route to it."
        )
        if peers.least == 1:
            text += " At times only one of them was there: a fault of that one would look the same as an outage."
    told = evidence(report, outage)
    return text + (f" {told}" if told else "") + _thin(outage)


def _thin(outage: Outage | None) -> str:
    if outage is None or outage.confidence >= THIN:
        return ""
    return f" The evidence is thin: confidence {outage.confidence:.2f} on a scale of 0 to 1."


def _gaps(report: Report) -> str:
    gaps = report.history.gaps
    blind = blind_spans(report)
    told = []
    if gaps:
        kinds = Counter(gap.reason for gap in gaps)
        longest = max(gap.until_us - gap.from_us for gap in gaps)
        which = listed([f"{reason} ({number})" for reason, number in kinds.most_common(MOST_LISTED)])
        verb = "is" if len(gaps) == 1 else "are"
        longest_text = f", the longest of {span_text(longest)}" if len(gaps) > 1 else f", of {span_text(longest)}"
        told.append(
            f"There {verb} {count(len(gaps), 'gap', 'gaps')} in what the sources recorded{longest_text}: {which}. "
            "A gap is not counted as an outage."
        )
    if blind and watched_share(report) > 0:
        total = sum(span.length_us for span in blind)
        told.append(
            f"For {span_text(total)} in all ({percent(1 - watched_share(report))} of the time) no source was watching: "
            "an outage in that time would not show here."
        )
    return " ".join(told)


def _learned(report: Report) -> str:
    history = report.history
    told = []
    if history.learned:
        told.append(
            "For at least one collector there was no table dump (a full copy of the routes) to start from. "
            "What could be reached was learned from the changes as they came, so that a network counts only from its "
            "first mention on, and one that was never mentioned is missing here."
        )
    if history.known_share < 1 and report.entity.type == "country":
        told.append(f"Routes were heard for {percent(history.known_share)} of the IPv4 addresses delegated to it.")
    return " ".join(told)


def _limits(report: Report) -> str:
    if only_others(report):
        return (
            "All this rests on what others measured, each signal by means of its own: what it does not reach is not "
            "told, nor why anything was lost or who made it so."
        )
    if report.history.series:
        return (
            "All this rests on Internet routes (BGP), on whether other networks knew a way there, and on what others "
            "measured, each signal by means of its own: why anything was lost, or who made it so, is not told."
        )
    return (
        "All this rests on Internet routes (BGP) alone: whether other networks knew a way there, not whether computers "
        "there answered, and not why routes went or who made them go."
    )
