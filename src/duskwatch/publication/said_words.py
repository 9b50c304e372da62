"""Claims in words: what was said, by whom, and what was measured, each in a few words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from duskwatch.publication.times_text import MONTHS
from duskwatch.records.claim import Article, Checked, Said
from duskwatch.records.times import SECOND, parse_time, span_text, to_datetime

ORDER = ("supported", "partly", "contradicted", "not measured", "not testable")
STATES = {
    "offline": "offline",
    "degraded": "degraded",
    "partial": "partly restored",
    "unstable": "unstable",
    "restored": "back",
    "normal": "working normally",
}
CAUSES = {
    "attack": "an attack",
    "power": "a loss of power",
    "cable": "a damaged cable",
    "government": "an order of the state",
    "exam": "exams",
    "fault": "a technical fault",
    "disaster": "a natural disaster",
    "maintenance": "maintenance",
    "unknown": "cause not known",
}


_ISO = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


class Row(NamedTuple):
    """One claim as a table shows it; ``also`` counts further articles of the same story that say the same."""

    said: str
    who: str
    verdict: str
    measured: str
    when: str
    also: int
    sentence: str


def rows(said: Said) -> list[Row]:
    """Each claim once for each story, in the order of articles and text."""
    groups: dict[tuple[Any, ...], list[Checked]] = {}
    for checked in said.claims:
        claim = checked.claim
        key = (said.story_of(claim.article), claim.kind, claim.entity, repr(claim.value), claim.speaker, claim.modality)
        groups.setdefault(key, []).append(checked)
    out = []
    for members in groups.values():
        first = min(
            members, key=lambda one: (said.articles[one.claim.article].published_us or 1 << 62, one.claim.article)
        )
        claim = first.claim
        article = said.articles[claim.article]
        also = len({one.claim.article for one in members}) - 1
        out.append(
            Row(
                claim_text(first),
                who(first, article),
                first.verdict,
                measured_text(first),
                day_of(article),
                also,
                " ".join(claim.sentence.split()),
            )
        )
    return out


def claim_text(checked: Checked) -> str:
    """What a claim says, without its speaker: "out for more than 9 h"."""
    claim = checked.claim
    value: Any = claim.value
    text = _TOLD[claim.kind](value) if claim.kind in _TOLD else ""
    if claim.modality == "hedged":
        text += ", perhaps"
    elif claim.modality == "denied":
        text = f"denied: {text}"
    elif claim.modality == "ruled out":
        text = f"ruled out: {text}"
    return f"{claim.entity}: {text}" if claim.entity and claim.kind not in ("site", "refusal") else text


def _state(value: Any) -> str:
    return STATES.get(str(value), str(value))


def _onset(value: Mapping[str, Any]) -> str:
    return f"began {interval(value)}"


def _end(value: Mapping[str, Any]) -> str:
    return f"ended {interval(value)}"


def _duration(value: Mapping[str, Any]) -> str:
    low, high = value.get("min_s"), value.get("max_s")
    if low is not None and high is not None:
        if low == high:
            return f"lasted {_span(low)}"
        return f"lasted up to {_span(high)}" if not low else f"lasted {_span(low)} to {_span(high)}"
    return f"lasted more than {_span(low)}" if low is not None else f"lasted less than {_span(high)}"


def _span(seconds: Any) -> str:
    return span_text(int(seconds) * SECOND)


def _share(value: Mapping[str, Any]) -> str:
    bound = {"exact": "", "about": "about ", "at least": "at least ", "at most": "at most "}.get(
        str(value.get("bound")), ""
    )
    return f"{bound}{round(100 * float(value.get('lost') or 0))} % of {value.get('of') or 'it'} lost"


def _site(value: Mapping[str, Any]) -> str:
    return f"site of {value.get('name')} {'up' if value.get('up') else 'down'}"


def _dependence(value: Mapping[str, Any]) -> str:
    part = value.get("share")
    much = str(value.get("quantifier") or "") if part is None else f"{round(100 * float(part))} %"
    return f"depends on {value.get('on')}" + (f" for {much}" if much else "")


def _attack(value: Mapping[str, Any]) -> str:
    since = value.get("since")
    return f"{value.get('type')} attack" + (f" from {interval(since)}" if since else "")


def _impact(value: Mapping[str, Any]) -> str:
    if value.get("people") is not None:
        return f"{int(value['people']):,} people"
    if value.get("share") is not None:
        return f"{round(100 * float(value['share']))} % of the people"
    return (
        f"{value.get('quantifier') or 'some'} people"
        if "people" not in str(value.get("quantifier"))
        else str(value["quantifier"])
    )


_TOLD: Mapping[str, Any] = {
    "state": _state,
    "onset": _onset,
    "end": _end,
    "duration": _duration,
    "share": _share,
    "site": _site,
    "dependence": _dependence,
    "attack": _attack,
    "impact": _impact,
    "refusal": lambda value: "would not comment",
    "cause": lambda value: CAUSES.get(str(value), str(value)),
}


def interval(value: Mapping[str, Any]) -> str:
    """An interval in words, UTC: "22 Dec 2014 16:06 to 16:15"."""
    low, high = value.get("earliest"), value.get("latest")
    if low and high:
        a, b = _moment(low), _moment(high)
        if a == b:
            return a
        return f"{a} to {b[-5:]}" if a[:-5] == b[:-5] else f"{a} to {b}"
    return f"after {_moment(low)}" if low else f"by {_moment(high)}" if high else "at a time not given"


def _moment(text: str) -> str:
    at = to_datetime(parse_time(text))
    return f"{at.day} {MONTHS[at.month - 1][:3]} {at.year} {at:%H:%M}"


def who(checked: Checked, article: Article) -> str:
    """Who says it: the speaker, else the outlet, else the file."""
    return checked.claim.speaker or article.outlet or "the text itself"


def day_of(article: Article) -> str:
    """The day of an article, or that it bears none."""
    if article.published_us is None:
        return "no date"
    at = to_datetime(article.published_us)
    return f"{at.day} {MONTHS[at.month - 1][:3]} {at.year}" + ("" if article.day_only else f" {at:%H:%M}")


def measured_text(checked: Checked) -> str:
    """What was measured, or why nothing was."""
    measured = checked.measured or {}
    if checked.claim.kind == "cause" and isinstance(measured.get("recovery"), Mapping):
        recovery = measured["recovery"]
        took = recovery.get("took_s")
        shape = "" if took is None else f"all was back within {span_text(int(took * SECOND))}, "
        return f"no measurement tells who or what; {shape}lost again {recovery.get('relapses')} times"
    text = str(measured.get("text") or measured.get("why") or "nothing to compare with")
    return _ISO.sub(lambda match: f"{_moment(match[0])} UTC", text)


def counts(verdicts: Sequence[str]) -> str:
    """ "3 supported, 1 partly"."""
    of_each = [(name, sum(1 for verdict in verdicts if verdict == name)) for name in ORDER]
    return ", ".join(f"{many} {name}" for name, many in of_each if many) or "no claim found"
