"""Alerts as an Atom feed (RFC 4287) in a file: one entry for each outage, updated at each stage.

The file is replaced as a whole, so that who reads it sees the old or the new one.
"""

from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from duskwatch.publication.alerts.channels.channel import Json, UndeliveredError
from duskwatch.publication.terminal import clean

ATOM = "http://www.w3.org/2005/Atom"
NAMES = {None: ATOM}
MOST_ENTRIES = 200
LARGEST = 16 << 20


@dataclass(frozen=True, slots=True)
class AtomFile:
    """A feed. ``feed_id``: its IRI, which should never change."""

    name: str
    path: Path
    title: str = "Outages"
    feed_id: str = "urn:duskwatch:outages"

    async def send(self, alert: Json) -> None:
        """Put the outage's entry in front, in place of its older one."""
        try:
            entries = _entries(self.path)
            mine = f"urn:duskwatch:outage:{alert['outage']}"
            entries = [each for each in entries if each.findtext(f"{{{ATOM}}}id") != mine][: MOST_ENTRIES - 1]
            root = etree.Element(f"{{{ATOM}}}feed", nsmap=NAMES)
            _text(root, "id", self.feed_id)
            _text(root, "title", self.title)
            _text(root, "updated", alert["at"])
            author = etree.SubElement(root, f"{{{ATOM}}}author")
            _text(author, "name", "duskwatch")
            root.append(_entry(mine, alert))
            root.extend(entries)
            written = self.path.with_name(f".{self.path.name}.part")
            written.write_bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True))
            written.replace(self.path)
        except (OSError, ValueError, etree.XMLSyntaxError) as error:
            raise UndeliveredError(f"{self.path.name}: {error}") from None


def _entry(name: str, alert: Json) -> "etree._Element":
    entity = alert["entity"]
    entry = etree.Element(f"{{{ATOM}}}entry", nsmap=NAMES)
    _text(entry, "id", name)
    _text(entry, "title", f"{entity['name'] or entity['code']}: {alert['stage']}")
    _text(entry, "published", alert["onset"]["best"])
    _text(entry, "updated", alert["at"])
    _text(entry, "summary", alert["text"])
    etree.SubElement(entry, f"{{{ATOM}}}category", term=alert["severity"])
    etree.SubElement(entry, f"{{{ATOM}}}category", term=entity["code"])
    return entry


def _entries(path: Path) -> list["etree._Element"]:
    if not path.exists():
        return []
    if path.stat().st_size > LARGEST:
        raise ValueError(f"larger than {LARGEST >> 20} MiB; it is no feed of ours")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    root = etree.fromstring(path.read_bytes(), parser)
    if root.tag != f"{{{ATOM}}}feed":
        raise ValueError("it is there and no Atom feed")
    return list(root.iterfind(f"{{{ATOM}}}entry"))


def _text(parent: "etree._Element", name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{ATOM}}}{name}").text = clean(text)
