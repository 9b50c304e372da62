"""A report in plain words: paragraphs that a reader without any networking can follow, and that say no more than is
known. Headline and lead come from :mod:`duskwatch.publication.finding`."""

from collections.abc import Sequence

from duskwatch.publication import not_judged
from duskwatch.publication.facts import (
    HOLD_UNKNOWN,
    exact,
    gone_span,
    held,
    length_text,
    main_outage,
    noun_of,
    relapses_of,
    step_us,
)
from duskwatch.publication.finding import finding, lost_text
from duskwatch.publication.losing import Loss, last_trace_us, losses
from duskwatch.publication.others import only_others
from duskwatch.publication.times_text import (
    about_words,
    capital,
    count,
    fine,
    near,
    number_text,
    often,
    percent,
    utc_after,
)
from duskwatch.publication.watching import (
    unjudged_us,
)
from duskwatch.publication.who import account
from duskwatch.publication.words_coverage import evidence_text, gaps_text, learned_text, limits
from duskwatch.records.outages import Outage, When
from duskwatch.records.report import Report
from duskwatch.records.times import MINUTE, SECOND, span_text

BURST_US = MINUTE
MOST_LISTED = 6
MOST_TOLD = 2  # further outages that a sentence lists; more are in the table alone
WIDE_US = MINUTE  # an interval wider than this is shown
SOON_US = 5 * MINUTE  # prefixes that went within this make one event


def paragraphs(report: Report) -> tuple[str, ...]:
    """The whole account, most important first. On a re-enactment the sentence that says so comes before all."""
    found = finding(report)
    return tuple(text for text in (report.reenactment, f"{found.headline}.", found.lead, *story(report)) if text)


def story(report: Report) -> tuple[str, ...]:
    """What follows headline and lead: how it went and came back, whose it was, who saw it, what is not known."""
    outage = main_outage(report)
    paragraphs = []
    if outage is not None:
        paragraphs += [_going(report, outage), _return(report, outage), _others(report, outage)]
    paragraphs += [account(report), evidence_text(report, outage), gaps_text(report), not_judged.account(report)]
    paragraphs += [learned_text(report), limits(report)]
    return tuple(paragraph for paragraph in paragraphs if paragraph)


def _going(report: Report, outage: Outage) -> str:
    """How it went down."""
    sentences: list[str] = []
    start = outage.onset.best_us
    flaps = [p for p in outage.phases if p.phase == "degrading" and p.from_us < start - MINUTE]
    if flaps:
        since = min(p.from_us for p in flaps)
        what = "Smaller losses had come and gone" if only_others(report) else "Routes had been flapping"
        sentences.append(f"{what} for {about_words(start - since)}, since {utc_after(since, start)}.")
    lost = losses(report, outage)
    if lost is not None:
        sentences.append(_losing(lost, noun_of(report, outage, lost.total), start))
    sentences.append(_trace(report, outage))
    sentences.append(_between("The loss began", outage.onset, start))
    return " ".join(text for text in sentences if text)


def _trace(report: Report, outage: Outage) -> str:
    """What fewer than half of the observers still held while it counted as lost."""
    dark, gone = gone_span(outage, report), last_trace_us(report, outage)
    if only_others(report):
        return ""  # signals of others have no observers
    if dark is None or not dark.length_us or (gone is not None and near(gone, dark.from_us)):
        return ""
    if gone is None:
        return "Throughout, a minority of the observers still held a route."
    return f"The last observer lost its route at {utc_after(gone, outage.onset.best_us, True)}."


def _between(what: str, moment: When, start: int) -> str:
    """The interval in which a moment lies, where it is wide enough to matter to a reader."""
    width = moment.latest_us - moment.earliest_us
    if width <= WIDE_US:
        return ""
    seconds = fine(width) and exact(moment)
    first = utc_after(moment.earliest_us, start, seconds)
    last = utc_after(moment.latest_us, moment.earliest_us, seconds)
    return f"{what} between {first} and {last}."


def _losing(loss: Loss, noun: tuple[str, str], start: int) -> str:
    times, total = loss
    lost, first, last = len(times), times[0], times[-1]
    one, several = noun
    begun = utc_after(first, start, True)
    if total == 1:
        return f"The only {one} vanished at {begun}."
    all_ = "Both" if total == 2 else f"All {number_text(total)}"
    who = f"{all_} {several}" if lost == total else f"{lost:,} of {total:,} {several}"
    if last - first < SECOND:
        return f"{who} vanished in the same second, at {begun}."
    if last - first <= SOON_US:
        return f"{who} vanished within {_within(last - first)}."
    burst = [moment for moment in times if moment - first <= BURST_US]
    if 1 < len(burst) < lost:
        length = burst[-1] - first
        at_once = f"within {_within(length)}" if length >= SECOND else "in the same second"
        rest = lost - len(burst)
        follow = "the last one followed" if rest == 1 else f"the other {number_text(rest)} followed, the last"
        return (
            f"{capital(number_text(len(burst)))} of {number_text(total)} {several} vanished {at_once}; {follow} "
            f"at {utc_after(last, start, True)}."
        )
    return f"{who} vanished one after another, from {begun} to {utc_after(last, start, True)}."


def _within(length_us: int) -> str:
    """``20 seconds``, ``4 min 10 s``."""
    seconds = round(length_us / SECOND)
    return f"{seconds} second{'' if seconds == 1 else 's'}" if seconds < 120 else span_text(length_us)


def _return(report: Report, outage: Outage) -> str:
    """Whether it is really back."""
    if outage.end is None:
        return (
            f"It was not back at the end of the analysis, {utc_after(report.until_us, outage.onset.best_us)}. "
            "How long the outage lasted in all is not known from this."
        )
    end, start = outage.end.best_us, outage.onset.best_us
    seconds = not step_us(outage)
    dark = gone_span(outage, report)
    sentences: list[str] = []
    if dark is not None and not near(dark.until_us, end):
        what = "The first signs of life came" if only_others(report) else "The first routes came"
        sentences.append(
            f"{what} back at {utc_after(dark.until_us, start, seconds)}, the last at "
            f"{utc_after(end, dark.until_us, seconds)}, {length_text(outage, end - dark.until_us)} later."
        )
    sentences.append(_between("All was back", outage.end, start))
    again = _again(report, outage)
    if outage.relapses or again:
        items = f": {_items(report, again, outage)}" if again else " before it held" if outage.stable else ""
        sentences.append(
            f"The return was not steady. The outage came back {often(max(outage.relapses, len(again)))}{items}."
        )
        if again:
            sentences.append(_stayed(report, again[-1]))
    steady = [phase for phase in outage.phases if phase.phase == "restored" and phase.from_us > end + MINUTE]
    if steady and not again:
        sentences.append(f"The return was steady from {utc_after(steady[-1].from_us, start)} on.")
    elif not again and (outage.stable or held(report, outage) == HOLD_UNKNOWN):
        sentences.append(_stayed(report, outage))
    return " ".join(text for text in sentences if text)


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
    length, unseen = until - end, unjudged_us(report, end, until)
    if length <= 0:
        return ""
    if unseen >= length:
        return "After that nobody was watching: whether the return held is not known."
    of_it = f" (nobody was watching for {span_text(unseen)} of that)" if unseen else ""
    if later:
        return f"After that nothing was lost for {span_text(length)}{of_it}."
    text = f"After that nothing was lost in the {span_text(length)} to the end of the analysis{of_it}."
    return text if outage.stable else f"{text} That is too short to tell whether the return held."


def _after(report: Report, outage: Outage) -> list[Outage]:
    return [other for other in report.outages if other is not outage and other.onset.best_us > outage.onset.best_us]


def _others(report: Report, main: Outage) -> str:
    """The outages before and after the main one, but for its relapses."""
    sentences = []
    again = _again(report, main)
    earlier = [other for other in report.outages if other is not main and other.onset.best_us <= main.onset.best_us]
    later = [other for other in _after(report, main) if all(other is not relapse for relapse in again)]
    for others, word in ((earlier, "Before it"), (later, "Apart from these" if again else "After it")):
        if others:
            many = count(len(others), "further outage", "further outages")
            items = _ranges(report, others) if len(others) > MOST_TOLD else f": {_items(report, others, main)}"
            sentences.append(f"{word} there {'was' if len(others) == 1 else 'were'} {many}{items}.")
    return " ".join(sentences)


def _ranges(report: Report, outages: Sequence[Outage]) -> str:
    """``, of 3 h 59 min to 4 h, with 65 % to 68 % lost at worst (see the table)``."""
    lengths = sorted(outage.duration_us for outage in outages)
    depths = sorted(outage.depth for outage in outages)
    both = [span_text(lengths[0]), span_text(lengths[-1])], [percent(depths[0]), percent(depths[-1])]
    long, deep = (one if one == other else f"{one} to {other}" for one, other in both)
    return f", of {long}, with {deep} lost at worst; the table of outages has them"


def _items(report: Report, outages: Sequence[Outage], main: Outage) -> str:
    """``12 min from 07:41:00 UTC on 23 December; 31 min from 15:41 UTC on 23 December``."""
    items = [_short(report, outage, main) for outage in outages[:MOST_LISTED]]
    if len(outages) > MOST_LISTED:
        items.append(f"and {number_text(len(outages) - MOST_LISTED)} more")
    return "; ".join(items)


def _short(report: Report, outage: Outage, main: Outage) -> str:
    start = outage.onset.best_us
    extent = "" if outage.dark_from is not None else f" ({lost_text(report, outage)} lost)"
    lasts = ", not over at the end" if outage.end is None else ""
    moment = utc_after(start, main.onset.best_us, fine(outage.duration_us) and not step_us(outage))
    return f"{length_text(outage, outage.duration_us)} from {moment}{extent}{lasts}"
