"""HTML into an article: trafilatura finds the text, and a plain walk over the tags stands in where it cannot.

Deep nesting is what breaks parsers of trees, so depth is counted first, without a tree.
"""

import re
from functools import cache

from duskwatch.records.claim import Article
from duskwatch.sources.news.dates import read_date
from duskwatch.sources.news.plain import cleaned, dateline

DEEPEST = 200  # open tags inside each other; real pages have about 30
LARGEST_TREE = 2_000_000  # characters of HTML that a tree is made of; larger pages are walked
LARGEST_TEXT = 1_000_000
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})")
_ANY_TAG = re.compile(r"<(/?)([a-zA-Z!?][a-zA-Z0-9]{0,15})")
_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
        "p",
        "li",
        "td",
        "tr",
        "th",
        "dd",
        "dt",
        "option",
    ]
)
_SILENT = frozenset({"script", "style", "noscript", "template", "svg", "head", "nav", "footer", "form", "iframe"})
_BREAKS = frozenset(
    [
        "p",
        "div",
        "br",
        "li",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "tr",
        "article",
        "section",
        "blockquote",
        "header",
        "ul",
        "ol",
        "table",
        "title",
    ]
)
_META = re.compile(r"<meta\b[^>]{0,600}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z:-]{2,20})\s*=\s*(?:"([^"]{0,400})"|'([^']{0,400})')""")
_TITLE = re.compile(r"<(?:title|h1)\b[^>]{0,300}>([^<]{0,400})", re.IGNORECASE)
_LANGUAGE = re.compile(r"<html\b[^>]{0,300}?\blang\s*=\s*[\"']?([a-zA-Z]{2,3})", re.IGNORECASE)
_TIME = re.compile(r"<time\b[^>]{0,300}?\bdatetime\s*=\s*[\"']([^\"']{4,60})", re.IGNORECASE)


def read_html(markup: str, file: str) -> Article:
    """The article of a page. A page without text gives an article without text, and a note."""
    from html import unescape

    meta = _meta(markup)
    text = ""
    notes: tuple[str, ...] = ()
    if len(markup) <= LARGEST_TREE and depth(markup) <= DEEPEST:
        text = _extracted(_without_comments(markup))
    else:
        notes = ("the page is too large or too deeply nested for a tree; its text was taken tag by tag",)
    if len(text) < 40:
        text = walked(markup)
    text = cleaned(text[:LARGEST_TEXT]).strip()
    title = meta.get("og:title") or meta.get("twitter:title") or ""
    if not title and (found := _TITLE.search(markup[:200_000])):
        title = unescape(found[1])
    when = None
    for name in ("article:published_time", "datepublished", "date", "dc.date", "pubdate", "dcterms.created"):
        when = when or read_date(meta.get(name, ""))
    if when is None and (found := _TIME.search(markup)):
        when = read_date(found[1])
    when = when or dateline(text[:2000])
    language = _LANGUAGE.search(markup[:5000])
    return Article(
        file=file,
        text=text,
        title=" ".join(cleaned(title).split()),
        published_us=when.time_us if when else None,
        day_only=bool(when and when.day_only),
        outlet=" ".join(cleaned(meta.get("og:site_name") or meta.get("publisher", "")).split()),
        language=language[1].lower() if language else "en",
        notes=notes if text else (*notes, "no text was found in this page"),
    )


def depth(markup: str) -> int:
    """How many tags are open inside each other at most, counted without a tree; tags that need no end do not count."""
    now = most = 0
    for match in _TAG.finditer(markup):
        if match[2].lower() in _VOID:
            continue
        now = max(0, now + (-1 if match[1] else 1))
        most = max(most, now)
    return most


def _extracted(markup: str) -> str:
    # Imported here: trafilatura takes half a second, and plain text needs none of it.
    from trafilatura import extract

    try:
        found = extract(markup, output_format="txt", include_comments=False, include_tables=True, fast=True)
    except Exception:  # whatever a page does to the parser, its text can still be walked
        return ""
    return found or ""


def walked(markup: str) -> str:
    """Text of a page by its tags alone: nothing silent, a line for each block. No tree, so depth costs nothing.

    One pass: what is searched for and not found once is not searched for again, so no input makes this quadratic.
    """
    from html import unescape

    markup = markup[: 4 * LARGEST_TREE]
    parts: list[str] = []
    at = size = 0
    closed = True  # whether a ">" is still ahead
    while at < len(markup) and size < LARGEST_TEXT:
        begin = markup.find("<", at)
        text = markup[at : begin if begin >= 0 else len(markup)]
        parts.append(unescape(text) if "&" in text else text)
        size += len(text)
        if begin < 0:
            break
        if markup.startswith("<!--", begin):
            end = markup.find("-->", begin + 4)
            if end < 0:  # a comment that is not closed hides the rest, as in browsers
                break
            at = end + 3
            continue
        match = _ANY_TAG.match(markup, begin)
        end = markup.find(">", begin) if closed else -1
        closed = end >= 0
        if match is None or end < 0:
            parts.append("<")
            at = begin + 1
            continue
        name = match[2].lower()
        at = end + 1
        if name in _SILENT and not match[1]:
            over = _close_of(name).search(markup, at)
            at = over.end() if over else len(markup)
        elif name in _BREAKS:
            parts.append("\n")
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


@cache
def _close_of(name: str) -> "re.Pattern[str]":
    return re.compile(rf"</{name}\b[^>]{{0,100}}>?", re.IGNORECASE)


def _without_comments(markup: str) -> str:
    parts = []
    at = 0
    while (begin := markup.find("<!--", at)) >= 0:
        parts.append(markup[at:begin])
        end = markup.find("-->", begin + 4)
        if end < 0:
            return "".join(parts)
        at = end + 3
    return "".join([*parts, markup[at:]])


def _meta(markup: str) -> dict[str, str]:
    from html import unescape

    found: dict[str, str] = {}
    for tag in _META.findall(markup[:500_000])[:200]:
        pairs = {match[1].lower(): unescape(match[2] or match[3] or "") for match in _ATTRIBUTE.finditer(tag)}
        name = pairs.get("property") or pairs.get("name") or pairs.get("itemprop")
        if name and pairs.get("content"):
            found.setdefault(name.lower(), pairs["content"])
    return found
