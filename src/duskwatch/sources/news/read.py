"""Which reader a file needs, by its bytes, and the limits of what is read."""

import re
from pathlib import Path

from duskwatch.records.claim import Article
from duskwatch.sources.news.errors import NewsError
from duskwatch.sources.news.plain import read_plain

LARGEST_FILE = 64 << 20  # bytes; a larger file is refused
LARGEST_TEXT = 2_000_000  # characters of plain text that are looked at; the rest is left out, with a note
_MARKUP = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|article|div|meta|p|h1|main|section)\b", re.I | re.S
)
_FEED = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}\?>)?\s*"
    r"(?:<!--.{0,2000}?-->\s*|<\?xml-stylesheet[^>]{0,300}\?>\s*"
    r"|<!DOCTYPE[^>\[]{0,300}(?:\[.{0,20000}?\])?\s*>\s*)*<(?:rss|feed|rdf:RDF|atom:feed)\b",
    re.I | re.S,
)
_XML = re.compile(r"\s*<\?xml\b")


def read_articles(path: Path, name: str | None = None) -> list[Article]:
    """Articles of one file: plain text, HTML, RSS or Atom. NewsError or OSError where it cannot be read."""
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise NewsError(f"{path}: {size >> 20} MB is no article; give files of at most {LARGEST_FILE >> 20} MB")
    with path.open("rb") as file:
        data = file.read(LARGEST_FILE)
    return articles_of(data, name or str(path))


def articles_of(data: bytes, name: str) -> list[Article]:
    """Articles in ``data``; ``name`` stands in messages and in the output. NewsError where it holds no text."""
    text = decoded(data, name)
    start = text[:4000].lstrip("\ufeff")
    if _FEED.match(start):
        from duskwatch.sources.news.feeds import read_feed

        return read_feed(data, name)
    if _MARKUP.match(start) or (_XML.match(start) and "<html" in start.lower()):
        from duskwatch.sources.news.markup import read_html

        return [read_html(text, name)]
    if _XML.match(start):
        raise NewsError(f"{name}: this XML is neither a feed nor a page; give RSS, Atom, HTML or plain text")
    article = read_plain(text[:LARGEST_TEXT], name)
    if len(text) > LARGEST_TEXT:
        from dataclasses import replace

        left_out = f"only the first {LARGEST_TEXT:,} of {len(text):,} characters were read"
        article = replace(article, notes=(*article.notes, left_out))
    return [article]


def decoded(data: bytes, name: str) -> str:
    """The text of ``data``: UTF-8, UTF-16 with its mark, else Windows-1252. NewsError where it looks like no text."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if b"\x00" in data[:1000] and data[:1000].count(0) > 20:
        raise NewsError(f"{name}: this is no text; give plain text, HTML, RSS or Atom")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if declared := re.search(rb"(?:charset|encoding)\s*=\s*[\"']?([A-Za-z0-9_-]{2,20})", data[:2000]):
            try:
                return data.decode(declared[1].decode("ascii"), "replace")
            except LookupError:
                pass
        return data.decode("cp1252", "replace")
