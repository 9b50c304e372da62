"""RSS 2.0, RSS 1.0 and Atom (RFC 4287): each item is an article."""

from collections.abc import Iterator
from typing import Any

from duskwatch.records.claim import Article
from duskwatch.sources.news.dates import read_date
from duskwatch.sources.news.errors import NewsError
from duskwatch.sources.news.markup import walked
from duskwatch.sources.news.plain import cleaned

MOST_ITEMS = 2000
_BODY = ("encoded", "content", "description", "summary")
_DATE = ("pubDate", "published", "date", "updated", "issued")


def read_feed(data: bytes, file: str) -> list[Article]:
    """Items of a feed, in its order. NewsError where ``data`` is no feed. No entity is expanded, nothing is fetched."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
    try:
        root: Any = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NewsError(f"{file}: this is no feed ({str(error)[:80]}); give RSS, Atom, HTML or plain text") from None
    if root is None or _name(root) not in ("rss", "feed", "RDF"):
        raise NewsError(f"{file}: this XML is no feed; give RSS, Atom, HTML or plain text")
    outlet = language = ""
    for node in root.iter():
        name = _name(node)
        if name in ("item", "entry"):
            break
        if name == "title" and not outlet:
            outlet = _text(node)
        if name == "language" and not language:
            language = _text(node).lower()
    language = language or str(root.get("{http://www.w3.org/XML/1998/namespace}lang") or "en").lower()
    found = []
    for item in _items(root):
        found.append(_article(item, file, outlet, language.split("-")[0] or "en"))
        if len(found) == MOST_ITEMS:
            break
    return found


def _items(root: Any) -> Iterator[Any]:
    return (node for node in root.iter() if _name(node) in ("item", "entry"))


def _article(item: Any, file: str, outlet: str, language: str) -> Article:
    fields: dict[str, str] = {}
    for child in item:
        name = _name(child)
        text = _text(child)
        if text and name not in fields:
            fields[name] = text
    markup = next((fields[name] for name in _BODY if name in fields), "")
    text = cleaned(walked(markup)).strip() if "<" in markup or "&" in markup else cleaned(markup).strip()
    when = next((found for name in _DATE if (found := read_date(fields.get(name, "")))), None)
    return Article(
        file=file,
        text=text,
        title=" ".join(cleaned(walked(fields.get("title", ""))).split()),
        published_us=when.time_us if when else None,
        day_only=bool(when and when.day_only),
        outlet=" ".join(cleaned(fields.get("source") or outlet).split()),
        language=language,
    )


def _name(node: Any) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _text(node: Any) -> str:
    parts: list[str] = []
    size = 0
    for part in node.itertext():
        parts.append(part)
        size += len(part)
        if size > 1_000_000:
            break
    return "".join(parts).strip()
