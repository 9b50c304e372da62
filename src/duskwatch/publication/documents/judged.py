"""What was judged of a window, as a document and in words: the same in reports, tables and lists."""

from collections.abc import Sequence
from typing import Any

from duskwatch.publication.not_judged import WHY
from duskwatch.records.judged import JudgedSpan, WhyNot
from duskwatch.records.times import iso, span_text

MOST_TOLD = 3  # stretches in one line


def judged_document(span: JudgedSpan) -> dict[str, Any]:
    """One stretch: from, until, whether it was judged; else the reason as a code and in words."""
    return {
        "from": iso(span.from_us),
        "until": iso(span.until_us),
        "judged": span.judged,
        "reason": span.why_not,
        "text": None if span.why_not is None else WHY[span.why_not],
    }


def not_judged_line(spans: Sequence[JudgedSpan]) -> str:
    """``2 h of 24 h could not be judged: from .. to .. because ..``; empty where all was judged."""
    lacking = [span for span in spans if span.why_not is not None]
    if not lacking:
        return ""
    total, lost = sum(span.length_us for span in spans), sum(span.length_us for span in lacking)
    told = [f"from {iso(span.from_us)} to {iso(span.until_us)} because {_why(span.why_not)}" for span in lacking]
    more = f"; and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
    which = "none of the" if lost == total else f"{span_text(lost)} of the"
    verb = "could be judged" if lost == total else "could not be judged"
    return f"{which} {span_text(total)} {verb}: {'; '.join(told[:MOST_TOLD])}{more}"


def _why(why: WhyNot | None) -> str:
    return WHY[why] if why is not None else ""
