"""Lines that name what follows ("Start: Monday, 13:12", "Duration: 2 h"), and answers to questions."""

import re

from duskwatch.explanation.claims.events import Moment
from duskwatch.explanation.claims.scene import Draft, Scene

_KINDS = {
    "onset": r"(?:(?:outage|incident|event|service|impact|fault|failure|disruption"
    r"|downtime) )?(?:start(?:ed|s)?|began|begin(?:ning|s)?"
    r"|onset|down since|from|lost|first (?:seen|noticed|alarm|report|loss))(?: (?:time|date"
    r"|of (?:outage|incident|impact|event|disruption|fault)))?",
    "end": r"(?:(?:outage|incident|event|service|impact|fault|failure|disruption"
    r"|downtime) )?(?:end(?:ed|s)?|restored|resolved|cleared"
    r"|recovered|recovery|restoration|closed|fixed|back|until|up again|resumed|return)"
    r"(?: (?:time|date|at|of (?:outage|incident|impact|event|service|disruption|fault)))?",
    "duration": r"(?:total )?(?:duration|length|downtime|outage time|time to (?:repair|restore)"
    r"|outage length|lasted)(?: of (?:outage|incident|impact))?",
}
_LABEL = re.compile(
    r"^[\s*•·-]*(?:"
    + "|".join(f"(?P<{kind}>{words})" for kind, words in _KINDS.items())
    + r")(?: \([^)]{1,30}\))?(?:\s*[:=-]\s|\s(?=\d))"
)
_WHEN = re.compile(r"\b(?:when|at what (?:time|hour)|since when)\b")
_LONG = re.compile(r"\bhow long\b")
_RETURN = re.compile(r"\b(?:back|return\w*|restored|end(?:ed)?|over|resum\w+|recover\w*)\b")


def asked(low: str) -> str:
    """The kind of claim that a question asks for; '' for others."""
    if _LONG.search(low):
        return "duration"
    if _WHEN.search(low):
        return "end" if _RETURN.search(low) else "onset"
    return ""


def fields(scene: Scene, asked_for: str) -> list[Draft]:
    """Drafts of a labelled line, or of an answer to the question before."""
    low = scene.low
    label = scene.sentence.voice.lower() + ": " if scene.sentence.voice and scene.sentence.first else ""
    match = _LABEL.match(label or low)
    kind = match.lastgroup if match else ""
    begin = 0 if label or not match else match.end()
    if not match and asked_for:
        kind = asked_for
    if not kind or scene.question:
        return []
    reach = 70 if match else 14
    if kind == "duration":
        span = next((one for one in scene.spans if one.start - begin < reach), None)
        if span is None:
            return []
        value = {
            "min_s": None if span.low is None else round(span.low),
            "max_s": None if span.high is None else round(span.high),
        }
        return [Draft("duration", value, span.start, confidence=0.8)]
    times = [one for one in scene.times if one.start >= begin - 1 and one.start - begin < reach]
    time = next((one for one in times if one.clock), times[0] if times else None)
    return [] if time is None else [Draft(kind, Moment(time, None, "within"), time.start, confidence=0.8)]
