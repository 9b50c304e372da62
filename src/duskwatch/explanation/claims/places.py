"""Places, networks and sites that a text names, and which of them a claim is about."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from duskwatch.explanation.claims.grammar import Grammar
from duskwatch.records.claim import Place, Places

HOST = re.compile(
    r"\b(?:[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?\.){1,4}(?:com|net|org|info|gov|edu|int|mil"
    r"|news|media|co|io|tv|example|test|[a-z]{2})\b(?!@)"
)
_PART_OF_NAME = re.compile(r"\b(?:Los|Las|San|Santa|Puerto|Villa|Nueva|Porto|Lake|Mount|Port) $")  # "Los Lagos"
_ASN = re.compile(r"\bAS ?(\d{1,10})\b")
_WORD = re.compile(r"\b(?:[A-Z]|[a-z]{2,4}(?=[ -][A-Z]))[\w'.-]*")
_OPERATOR_BEFORE = re.compile(
    r"\b(?:operator|provider|carrier|isp|internet company|telecoms? (?:company|firm|group"
    r"|giant)|telecoms?|telco|incumbent|network operator|phone company|internet provider"
    r"|mobile operator|service provider|network|broadband company|upstream|competitor"
    r"|rival)s?,? $"
)
_OPERATOR_AFTER = re.compile(
    r"(?:'s?)? (?:(?:mobile|fixed|broadband|internet|fibre|fixed-line|core|backbone"
    r"|home) )?(?:customers|subscribers|users|network|routes|prefixes|networks"
    r"|data network|backbone|clients)\b"
    r"|, (?:the|an?|its|one of) (?:[\w'-]+ ){0,6}(?:operator|provider|carrier|isp"
    r"|internet company|telecoms? (?:company|firm)|telecom|telco|incumbent"
    r"|internet provider|network)\b"
    r"|,? which (?:serves|carries|connects|supplies)"
)
_WATCHES = re.compile(
    r",? (?:an?|the|one of|which|that|who) (?:[\w'-]+ ){0,4}?(?:measur\w+|monitor\w*|watch\w*|research\w*|observ\w+"
    r"|tracks?"
    r"|analy\w+|security|think tank|newspaper|agency|union|association)\b"
)
_OPERATOR_NAME = re.compile(
    r"(?:\w*(?:tel|net|com|com|fibre|fiber|link|mobile|telecom|telekom|cell|wave|broadband"
    r"|wireless|online|connect|telecommunications)|Telecom|Networks?|Broadband|Mobile"
    r"|Cable|Internet|Online|Fibre|Communications|Telecoms|Telekom|Wireless)$"
)
_NAME = re.compile(r"\b[A-Z][\w&'-]*(?: (?:[A-Z][\w&'-]*|of|de|du))*(?<! of)(?<! de)(?<! du)")
_NOT_OPERATORS = re.compile(
    r"(?i)^(?:dear(?: .*)?|the|internet|but|and|in|at|on|an?|its|it|this|that|most|some|all|many|mobile"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    r"january|february|march|april|may|june|july|august|september|october|november"
    r"|december|no|only|about|around|more|after|before|when|while|if|our|his|her|their"
    r"|each|every|two|three|four|five|by|for|from|"
    r"network|networks|customers|users|subscribers|bgp|dns|ddos|utc|gmt|i|we|they|he|she"
    r"|as|update|correction|broadband|service|online|telecom|telecoms|communications"
    r"|ministry.*|isp|isps|ip|.* ministry|minister.*"
    r"|(?:(?:the|mobile|fixed|fixed-line|home|internet|online|broadband|cable|wireless|network|networks|communications"
    r"|telecoms?|telecommunications|data|satellite|fibre|fiber|full|national|international|global|main|core|all) ?)+)$"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A place or network named in a sentence; ``kind`` is country, asn, network or people (an adjective)."""

    start: int
    end: int
    entity: str
    kind: str
    zone: str = ""


class Gazetteer:
    """Finds names of places in text. Made once; one look-up for each capitalised word."""

    def __init__(self, grammar: Grammar, places: Places) -> None:
        names: dict[str, tuple[Place, str]] = {
            name: (place, "country") for name, place in places.names.items() if len(name) > 3
        }
        for code, listed in grammar.places.get("names", {}).items():
            for name in listed.split(","):
                names[name] = (
                    Place(code, grammar.places.get("zones", {}).get(name, places.zones.get(code, ""))),
                    "country",
                )
        for code, listed in grammar.places.get("people", {}).items():
            for name in listed.split(","):
                names[name] = (Place(code, places.zones.get(code, "")), "people")
                if not name.endswith(("ese", "ish", "ch", "s")):
                    names.setdefault(name + "s", (Place(code, places.zones.get(code, "")), "people"))
        for name in grammar.places.get("not_places", {}).get("names", []):
            names.pop(name, None)
        self._networks = {name: asn for name, asn in places.networks.items() if len(name) > 3}
        self._by_first: dict[str, list[str]] = {}
        self._names = names
        for name in [*names, *self._networks]:
            self._by_first.setdefault(re.split(r"[ -]", name)[0].rstrip("."), []).append(name)
        for listed_names in self._by_first.values():
            listed_names.sort(key=len, reverse=True)
        self._zones = {name.lower(): place.zone for name, (place, kind) in names.items() if place.zone}
        self.zones: Mapping[str, str] = places.zones

    def zone_of_place(self, name: str) -> str:
        """The zone of "Tripoli" in "Tripoli time", '' where the name is none."""
        return self._zones.get(name.strip(), "")

    def find(self, flat: str, *, korea: bool = False) -> list[Mention]:
        """Mentions in one sentence, in order, none inside another."""
        out: list[Mention] = []
        reached = 0
        for match in _WORD.finditer(flat):
            at = match.start()
            if at < reached:
                continue
            word = re.split(r"[ -]", match[0])[0].removesuffix("'s").rstrip(".'")
            for name in self._by_first.get(word, ()):
                if not flat.startswith(name, at) or _PART_OF_NAME.search(flat, max(0, at - 12), at):
                    continue
                end = at + len(name)
                if end < len(flat) and (
                    flat[end].isalnum()
                    or (
                        flat[end] == "-"
                        and flat[end + 1 : end + 2].isalpha()
                        and not flat.startswith(("-based", "-led", "-backed", "-owned", "-run", "-wide"), end)
                    )
                ):
                    continue
                if name in self._names:
                    place, kind = self._names[name]
                    out.append(Mention(at, end, place.country, kind, place.zone))
                else:
                    out.append(Mention(at, end, self._networks[name], "asn"))
                reached = end
                break
            else:
                if korea and word in ("North", "South") and re.search(r"\b[Tt]he $", flat[:at]):
                    out.append(Mention(at, at + 5, "KP" if word == "North" else "KR", "country", ""))
        for match in _ASN.finditer(flat):
            if 0 < int(match[1]) < 2**32:
                out.append(Mention(match.start(), match.end(), f"AS{int(match[1])}", "asn"))
        return sorted(out, key=lambda one: one.start)


def operators(flats: list[str], taken: set[str]) -> dict[str, str]:
    """Names that a text uses for networks: "operator Northline", "Northline's customers", and their short forms.

    Maps a name to the entity: an AS number where the text gives one beside the name, else the name as written.
    """
    found: dict[str, str] = {}
    for flat in flats:
        low = flat.lower()
        for match in _NAME.finditer(flat):
            name = re.sub(r"'s?$", "", match[0])
            if name in taken or _NOT_OPERATORS.match(name) or len(name) < 3 or len(name) > 40:
                continue
            before, after = low[: match.start()], low[match.start() + len(name) :]
            if asn := re.match(r" \(as ?(\d{1,10})\)", after):
                found[name] = f"AS{asn[1]}"
            elif _WATCHES.match(after):
                continue
            elif match.start() == 0 and " " not in name and not _OPERATOR_NAME.search(name):
                if re.match(_OPERATOR_AFTER, after):
                    found.setdefault(name, name)
            elif (
                _OPERATOR_BEFORE.search(before)
                or re.match(_OPERATOR_AFTER, after)
                or (_OPERATOR_NAME.search(name) and len(name) > 5)
            ):
                found.setdefault(name, name)
    return found
