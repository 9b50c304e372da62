"""Index pages of directories, as Apache, nginx, lighttpd and Python's http.server write them."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

MOST_ENTRIES = 100_000
# One step down and nothing else: no separators, no "..", no hidden files, nothing that needs quoting.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,199}")
# "22-Dec-2014 16:20   1.2M", "2014-12-22 16:20  6.4M", "Mon Dec 22 ... 12345": a date and time, then the size.
SIZE = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?\s+(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\s*(?:\s|$)", re.IGNORECASE)
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
TITLE = re.compile(r"index of|directory listing", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of an index page."""

    name: str
    is_folder: bool
    size_bytes: int | None  # None where the page does not say
    exact: bool  # False where the page rounds, as in 1.2M


def parse_listing(html: str, url: str) -> tuple[Listed, ...] | None:
    """Entries directly below ``url``, in the order of the page, each once; None where this is no index page.

    Links to other hosts, to other folders, upwards, or with names that are not plain are passed over: a page decides
    which names exist in its folder, never where to go.
    """
    page = _Page()
    page.feed(html)
    page.close()
    base = url if url.endswith("/") else url + "/"
    found: dict[str, Listed] = {}
    for href, text in page.links:
        name = _child(href, base)
        if name is None or name.rstrip("/") in found:
            continue
        plain = name.rstrip("/")
        if len(found) >= MOST_ENTRIES:
            break
        size, exact = (None, False) if name.endswith("/") else _size(text)
        found[plain] = Listed(plain, name.endswith("/"), size, exact)
    if not found and not TITLE.search(page.title):
        return None
    return tuple(found.values())


def _child(href: str, base: str) -> str | None:
    """The entry's name, with a slash where it is a folder; None where the link leads anywhere but one step down."""
    try:
        here, there = urlsplit(base), urlsplit(urljoin(base, href))
    except ValueError:
        return None
    if (there.scheme, there.netloc) != (here.scheme, here.netloc) or there.query or there.fragment:
        return None
    if not there.path.startswith(here.path):
        return None
    name = unquote(there.path[len(here.path) :])
    return name if NAME.fullmatch(name.removesuffix("/")) else None


def _size(text: str) -> tuple[int | None, bool]:
    match = SIZE.search(text)
    if match is None or len(match[1]) > 18:
        return None, False
    unit = match[2].upper()
    return int(float(match[1]) * UNITS[unit]) if unit or "." in match[1] else int(match[1]), not unit


class _Page(HTMLParser):
    """Links with the text between each and the next one."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[tuple[str, str]] = []
        self.title = ""
        self._href: str | None = None
        self._inside = False
        self._in_title = False
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An anchor begins a new entry."""
        if tag == "title":
            self._in_title = True
        if tag != "a":
            return
        self._end()
        self._href = next((value for key, value in attrs if key == "href" and value), None)
        self._inside = True

    def handle_endtag(self, tag: str) -> None:
        """What follows the anchor is its date and size."""
        if tag == "title":
            self._in_title = False
        if tag == "a":
            self._inside = False
        elif tag in ("td", "tr"):
            self._text.append(" ")

    def handle_data(self, data: str) -> None:
        """Text between anchors."""
        if self._in_title:
            self.title += data[:200]
        elif not self._inside and self._href is not None and len(self._text) < 64:
            self._text.append(data[:200])

    def close(self) -> None:
        """The last entry ends with the page."""
        super().close()
        self._end()

    def _end(self) -> None:
        if self._href is not None and len(self.links) < 2 * MOST_ENTRIES:
            self.links.append((self._href, "".join(self._text)))
        self._href, self._text = None, []
