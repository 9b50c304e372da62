"""What could not be judged, in words: why, and which further records would help."""

from collections.abc import Mapping
from typing import NamedTuple

from duskwatch.publication.names import has_code, place_name
from duskwatch.publication.others import few, names_of, only_others, shows_loss
from duskwatch.publication.times_text import capital, dates, listed, percent, utc, utc_after
from duskwatch.publication.watching import watched_share
from duskwatch.records.judged import JudgedSpan, WhyNot, judged_share, main_reason
from duskwatch.records.report import Report
from duskwatch.records.times import span_text

# What follows "because".
WHY: Mapping[WhyNot, str] = {
    "not-watched": "nobody was watching",
    "few-observers": "fewer than half of the usual observers were watching",
    "nothing-heard": "no observer had mentioned any route of it yet",
    "too-little-known": "there is no table dump to start from, and updates mentioned too few of its addresses",
    "still-learning": "there is no table dump to start from, and its routes had not been known for long enough",
    "down-at-start": "little or nothing of it could be reached when the records begin",
    "no-history": "too little was measured before to tell what is normal",
}
HELP: Mapping[WhyNot, str] = {
    "not-watched": "Records of another collector for that time would help.",
    "few-observers": "Records of another collector for that time would help.",
    "nothing-heard": "A table dump (a full copy of a collector's routes) from before {start} would show what there is.",
    "too-little-known": "A table dump (a full copy of a collector's routes) from before {start} would help.",
    "still-learning": "A table dump (a full copy of a collector's routes) from before {start} would help, or updates "
    "of the four hours before the window.",
    "down-at-start": "Records of an earlier time would show whether it had been reachable before.",
    "no-history": "A day of earlier values would help.",
}


class NotJudged(NamedTuple):
    """Headline and lead where a window, or the beginning of it, could not be judged."""

    headline: str
    lead: str


def nothing_judged(report: Report) -> bool:
    """Whether no time of the window could be judged, so that "no outage" would say nothing."""
    if report.judged:
        return judged_share(report.judged) <= 0
    return watched_share(report) <= 0


def unjudged_spans(report: Report) -> tuple[JudgedSpan, ...]:
    """The stretches that could not be judged, in order of time."""
    return tuple(span for span in report.judged if not span.judged)


def part_judged(report: Report) -> str:
    """``in the 80 % of the time that could be judged`` (or was watched, where that is why); empty where all was."""
    share = judged_share(report.judged) if report.judged else watched_share(report)
    if share >= 1:
        return ""
    watched = main_reason(report.judged) in (None, "not-watched")
    return f" in the {percent(share)} of the time that {'was watched' if watched else 'could be judged'}"


def whole_window(report: Report) -> NotJudged:
    """Of a window in which nothing could be judged."""
    name, why = place_name(report), main_reason(report.judged) or "not-watched"
    because, helps = WHY[why], _help(report, why)
    if only_others(report) and not shows_loss(report):
        because = f"a fall of {listed(few(names_of(report)))} shows no loss"
        helps = "Read a signal of which less is a loss, or say what one of these is (`--signal NAME=ROLE`)."
    return NotJudged(
        f"{capital(name)} could not be judged {dates(report.from_us, report.until_us)}",
        f"Nothing can be said about {has_code(report)} between {utc(report.from_us)} and "
        f"{utc_after(report.until_us, report.from_us)}, because {because}. "
        f"That is no sign of an outage, nor of its absence. {helps}",
    )


def its_start(report: Report) -> NotJudged | None:
    """Of a window that begins while little or nothing could be reached; None for any other."""
    down = [span for span in report.judged if span.why_not == "down-at-start"]
    if not down:
        return None
    until = down[-1].until_us
    name, when = place_name(report), utc(until)
    return NotJudged(
        f"{capital(name)} could not be reached, or only in part, until {when}: whether that was an outage could not "
        "be judged",
        f"When the records begin, at {utc(down[0].from_us)}, little or nothing of {has_code(report)} could be "
        f"reached; more was there from {when} on. Whether it had been reachable before cannot be said from these "
        f"records. {HELP['down-at-start']}",
    )


def account(report: Report) -> str:
    """What of the window was not judged, and why: for a report that has a finding. Empty where all was judged."""
    texts, helped = [], []
    if nothing_judged(report):
        return ""
    for why, because in WHY.items():
        if why in ("not-watched", "nothing-heard"):
            continue  # stands with the gaps
        total = sum(span.length_us for span in report.judged if span.why_not == why)
        if total:
            share = percent(total / (report.until_us - report.from_us))
            texts.append(f"{capital(span_text(total))} ({share} of the time) could not be judged, because {because}.")
            helped.append(_help(report, why))
    blind = [span for span in report.judged if not span.judged]
    if texts and len({span.why_not for span in blind}) > 1:
        total = sum(span.length_us for span in blind)
        share = percent(total / (report.until_us - report.from_us))
        texts.append(f"Together with the time told above, {span_text(total)} ({share}) could not be judged.")
    return " ".join([*texts, *dict.fromkeys(helped)])


def _help(report: Report, why: WhyNot) -> str:
    return HELP[why].format(start=utc(report.from_us))
