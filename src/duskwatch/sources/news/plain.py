"""Plain text: optional header lines, a blank line, and the article.

title: Nothing but silence
date: 2014-12-23T10:00Z
outlet: The Example
language: en

The first sentence ...
"""

import re

from duskwatch.records.claim import Article
from duskwatch.sources.news.dates import When, read_date

HEADERS = ("title", "date", "outlet", "language", "speaker", "url", "author", "published", "source", "headline", "by")
LONGEST_HEAD = 4000  # characters; a head that is longer is text
_HEADER = re.compile(rf"({'|'.join(HEADERS)})[ \t]*:[ \t]*(.*)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]")
_DATELINE = re.compile(r"(?i)^(?:published|updated|posted|last updated|first published|date)\b[: ]+(.{6,60})$", re.M)
_PLACE_LINE = re.compile(r"^[A-Z][A-Z .'/-]{2,40},? (.{0,40}?\b(?:19|20)\d\d)\b[^\n]{0,30}?[-–—:]", re.M)


def cleaned(text: str) -> str:
    """Text with one kind of line end, and each control or direction character as a space: offsets stay true."""
    return _CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def read_plain(text: str, file: str) -> Article:
    """The article in ``text``. A head is one only where each of its lines is a header and a blank line follows."""
    text = cleaned(text)
    head, body = _head(text)
    when = read_date(head.get("date") or head.get("published") or "")
    notes: tuple[str, ...] = ()
    if when is None and (given := head.get("date") or head.get("published")):
        notes = (f"'{given[:60]}' is no date with a year; write it as 2014-12-23 or 2014-12-23T10:00Z",)
    if when is None:
        when = dateline(text[body : body + LONGEST_HEAD])
    return Article(
        file=file,
        text=text,
        title=head.get("title") or head.get("headline") or _first_line(text, body),
        published_us=when.time_us if when else None,
        day_only=bool(when and when.day_only),
        outlet=head.get("outlet") or head.get("source") or "",
        language=(head.get("language") or "en").lower()[:12],
        speaker=head.get("speaker", ""),
        body=body,
        notes=notes,
    )


def _first_line(text: str, body: int) -> str:
    """A line that stands alone above the text and ends without a stop; '' where there is none."""
    for match in re.finditer(r"[^\n]+", text[body : body + 600]):
        line = match[0].strip()
        if len(re.findall(r"\w+", line)) < 3:  # a cross, a section name
            continue
        alone = re.match(r"[ \t]*\n[ \t]*\n", text[body + match.end() :])
        return line if alone and len(line) <= 140 and line[-1] not in '.!?:;,"”' else ""
    return ""


def dateline(text: str) -> When | None:
    """The date that the first lines of an article give, with its year; None where they give none."""
    for pattern in (_DATELINE, _PLACE_LINE):
        if (match := pattern.search(text)) and (when := read_date(match[1])):
            return when
    return None


def _head(text: str) -> tuple[dict[str, str], int]:
    found: dict[str, str] = {}
    at = len(text) - len(text.lstrip("\n \t"))
    while at < min(len(text), LONGEST_HEAD):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].strip()
        if not line:
            return (found, end) if found else ({}, 0)
        match = _HEADER.fullmatch(line)
        if match is None:
            return {}, 0
        found.setdefault(match[1].lower(), match[2].strip())
        at = end + 1
    return (found, len(text)) if found and at >= len(text) else ({}, 0)
