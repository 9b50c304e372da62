"""Shares that were lost, and how many people an outage reached."""

import re
from collections.abc import Iterator

from duskwatch.explanation.claims.events import Events
from duskwatch.explanation.claims.grammar import Grammar
from duskwatch.explanation.claims.numbers import Amount, Numbers
from duskwatch.explanation.claims.scene import Draft, Scene

FLIP = {"at least": "at most", "at most": "at least", "exact": "exact", "about": "about"}


_BOUNDS = {
    "at least": "at least",
    "more than": "at least",
    "nearly": "about",
    "about": "about",
    "some": "about",
    "fewer than": "at most",
}

_STANDS = re.compile(
    r"\b(?:(?:are|is|was|were|be|been|back|now|stands?|stood|currently|still|running|hovering"
    r"|remains?|remained|reached|reaches|recovered to|up)"
    r" (?:now |back |only |just |still |currently )*at|(?:had|has|have) (?:been|reached)|(?:it"
    r"|traffic|connectivity|volumes?|levels?|capacity) (?:was|is|were|are|had been|has been"
    r"|reached|reaches)"
    r"|(?:traffic|connectivity|volumes?|levels?|capacity) (?:at|of)|reached"
    r"|climbed back to)(?: only| just| barely| a mere| about| around)* $"
)
_PLANT = re.compile(r"(?:tower|mast|antenna|router|switch|base station|cable|fib|exchange|node|cabinet)")


class Figures:
    """Finds shares and impacts by the patterns of one language."""

    def __init__(self, grammar: Grammar, events: Events, numbers: Numbers) -> None:
        share, impact = grammar.patterns["share"], grammar.patterns["impact"]
        self._numbers, self._events = numbers, events
        self._left = grammar.compile(
            "\\b(?:"
            + "|".join(share["left"])
            + ")(?:\\s+(?:just|only|about|around|some|nearly|barely|a mere|roughly|as little as"
            "|as low as|less than|under|almost|over|more than))*\\s*$"
        )
        self._of_normal = grammar.compile("^\\s*(?:capacity\\s+)?(?:" + "|".join(share["of_normal"]) + ")")
        self._by = grammar.compile(
            "(?:\\b(?:" + "|".join(share["by"]) + ")\\s*[:=]?\\s*(?:of\\s+)?|\\bminus |(?<![\\w)])-)$"
        )
        down, up = share["down"][1], share["up"][0]
        self._drop_after = grammar.compile("^[ -](?:\\w+ ){0,2}?(?:" + share["down"][0] + ")")
        self._drop_before = re.compile(
            rf"\b{share['down'][0]} (?:in [^.;]{{2,40}}? )?(?:of|by) (?:about |around |some "
            r"|nearly |more than |roughly )?$"
        )
        self._down = grammar.compile(f"\\b{down}\\b")
        self._up = grammar.compile(f"\\b{up}\\b")
        self._what = grammar.compile("\\b(?:" + "|".join(share["what"]) + ")\\b")
        self._counted = "(?:" + "|".join(share["counted"]) + ")"
        number = numbers.number
        self._of_count = grammar.compile(
            r"(?<![\w.])(?P<q>(?:all|only|just|at least|more than|nearly|about|some"
            rf"|fewer than) )?(?P<n>{number}|none|all|half) (?:out )?of (?:the |its |their "
            rf"|the country's |\w+'s |our )?(?P<m>{number}) (?:\w+ ){{0,3}}?"
            rf"(?P<what>{self._counted})\b"
        )
        self._all_count = grammar.compile(
            r"\b(?:all|every one of|each of) (?:of )?(?:the |its |their |[\w']+'s "
            rf"|our )?(?:\w+ )?(?P<n>{number}) (?:of (?:the |its |their "
            rf"|[\w' ]+'s )?)?(?:\w+ ){{0,2}}?(?P<what>{self._counted})\b"
        )
        people = grammar.lists["people"]
        self._people = grammar.compile(
            rf"^(?: (?:of (?:the |its |their |our |all )?)?(?:[\w'-]+ ){{0,4}}?)(?P<who>{people})\b"
        )
        self._usual = re.compile(
            r"^ of (?:the |its )?(?:\w+ )?(?:traffic|networks|routes|prefixes|volume|capacity"
            r"|connections|what) (?:that )?(?:it|they|we|is|are|was|were|he|she)? ?(?:usually"
            r"|normally|ordinarily|typically|would)\b"
        )
        self._number_of = grammar.compile(
            rf"\bnumber of (?:\w+ )?(?:{people})(?: \w+){{0,3}}? (?:at|to|was|is|reached)(?: about| around| some)? $"
        )
        self._hit = grammar.compile("\\b(?:" + "|".join(impact["verb"]) + ")\\b")
        self._online = grammar.compile("\\b(?:" + "|".join(impact["online"]) + ")\\b")
        self._few = grammar.compile(
            "\\b(?P<q>"
            + "|".join(impact["few"])
            + ")(?: of)?(?: the| its| all| our)? (?:[\\w'-]+ ){0,3}?(?P<who>"
            + people
            + ")\\b"
        )

    def read(self, scene: Scene, year: int | None) -> list[Draft]:
        """Drafts of shares and impacts in one sentence."""
        low = scene.low
        out: list[Draft] = []
        taken: list[tuple[int, int]] = []
        for pattern in (self._all_count, self._of_count):
            for match in pattern.finditer(low):
                if any(a < match.end() and match.start() < b for a, b in taken) or not self._fair(
                    scene, match.start(), match.end(), year
                ):
                    continue
                if re.search(r"\bevery $", low[: match.start()]) and "m" in match.groupdict():
                    continue
                if draft := self._counted_share(scene, match):
                    out.append(draft)
                    taken.append((match.start(), match.end()))
        for amount in self._numbers.fractions(low):
            if any(one.start < amount.end and amount.start < one.end for one in scene.spans):
                continue  # "six hours and a quarter"
            if any(a < amount.end and amount.start < b for a, b in taken) or not self._fair(
                scene, amount.start, amount.end, year
            ):
                continue
            draft = self._fraction(scene, amount)
            if draft is not None:
                out.append(draft)
                taken.append((amount.start, amount.end))
        if not any(draft.kind == "impact" for draft in out):
            out += self._impacts(scene, year, taken)
        return out

    def counted(self, low: str) -> Iterator[tuple[int, int, str, float, str]]:
        """Counts of a whole, "three of the four networks": offsets, of what, the share, the bound."""
        taken: list[tuple[int, int]] = []
        for pattern in (self._all_count, self._of_count):
            for match in pattern.finditer(low):
                if any(a < match.end() and match.start() < b for a, b in taken):
                    continue
                share = self._share_of_count(match)
                if share is None:
                    continue
                taken.append(match.span())
                bound = _BOUNDS.get((match.groupdict().get("q") or "").strip(), "exact")
                yield match.start(), match.end(), match["what"], share, bound

    def what(self, near: str) -> str:
        """What a share near here is a share of."""
        found = self._what.findall(near)
        return found[0] if found else "connectivity"

    def few(self, low: str) -> Iterator[tuple[int, int, str]]:
        """Words for how many people, without a number: offsets and the words."""
        for match in self._few.finditer(low):
            yield match.start(), match.end(), " ".join(match["q"].split())

    def _share_of_count(self, match: "re.Match[str]") -> float | None:
        groups = match.groupdict()
        whole = self._numbers.value(groups["m"]) if "m" in groups else self._numbers.value(groups["n"])
        word = groups["n"]
        if "m" not in groups or word == "all":
            part = whole
        elif word in ("none", "half"):
            part = 0.0 if word == "none" else whole / 2
        else:
            part = self._numbers.value(word)
        if whole == 2 and groups["what"].startswith(("cable", "link")):
            return None
        return part / whole if whole >= 2 and part <= whole else None

    def _fair(self, scene: Scene, start: int, end: int, year: int | None) -> bool:
        return scene.outside_speech(start, end) and not self._events.unreal(scene, start, end, year)

    def _counted_share(self, scene: Scene, match: "re.Match[str]") -> Draft | None:
        groups = match.groupdict()
        whole = self._numbers.value(groups["m"]) if "m" in groups else self._numbers.value(groups["n"])
        word = groups["n"]
        part = (
            whole
            if "m" not in groups or word == "all"
            else 0.0
            if word == "none"
            else whole / 2
            if word == "half"
            else self._numbers.value(word)
        )
        if (
            re.search(r"\ball but $", scene.low[: match.start()] + scene.low[match.start() : match.start() + 8])
            or whole < 2
            or (whole == 2 and groups["what"].startswith(("cable", "link")))
        ):
            return None
        if not (whole and part <= whole and whole == whole):
            return None
        share = part / whole
        direction = self._direction(scene, match.start(), match.end())
        if direction is None:
            return None
        lost = share if direction == "down" else 1 - share
        bound = _BOUNDS.get((groups.get("q") or "").strip(), "exact")
        return Draft(
            "share",
            {"of": groups["what"], "lost": round(lost, 4), "bound": bound if direction == "down" else FLIP[bound]},
            match.start(),
            confidence=0.8,
        )

    def _direction(self, scene: Scene, start: int, end: int) -> str | None:
        _begin, until = scene.region(start)
        after = scene.low[end : min(len(scene.low), max(until, end + 60))][:70]
        before = scene.low[max(0, start - 50) : start]
        down, up = self._down.search(after), self._up.search(after)
        if down and (up is None or down.start() < up.start()):
            no = re.search(r"\b(?:not|n't|never|no)\b", after[: down.start()])
            return "up" if no else "down"
        if up:
            no = re.search(r"\b(?:not|n't|never|no longer|yet to)\b", after[: up.start()])
            return "down" if no else "up"
        if re.search(
            r"\b(?:lost|losing|loss of|withdr\w+|robbed (?:\w+ )?of|deprived (?:\w+ )?of|wiped out"
            r"|swallowed|shed|dropp\w+|knocked (?:out|offline)|took (?:down|out)"
            r"|affect\w+|down|dropped|cut|disconnected|hit|disappearance of"
            r"|missing)\s*(?:\w+\s){0,2}$",
            before,
        ):
            return "down"
        if re.search(
            r"\b(?:restored|reconnected|back|returned|see|reach|saw|regained|recovered|announc\w+)\s*(?:\w+\s){0,2}$",
            before,
        ):
            return "up"
        return None

    def _fraction(self, scene: Scene, amount: Amount) -> Draft | None:
        low = scene.low
        before, after = low[max(0, amount.start - 60) : amount.start], low[amount.end : amount.end + 80]
        if re.match(
            r" (?:an? )?(?:hour|day|past|dozen|mile|kilomet|of an hour|the size|way|time|hearted"
            r"|the (?:price|size|distance))",
            after,
        ) or re.match(r" (?:owned|stake|share in|tax|interest|growth|of (?:gdp|the vote|votes|exports|shares))", after):
            return None
        if re.search(r"\b(?:northern|southern|eastern|western|north|south|east|west|upper|lower) $", before):
            return None
        if re.search(r"\b(?:first|second|other|in|the) $", before) and re.match(
            r"(?: of)? (?:the )?(?:day|night|match|year|game|month|century)", after
        ):
            return None
        share = amount.said
        people = self._people.match(after)
        named = next(
            (
                one
                for one in scene.mentions
                if one.kind == "people"
                and (
                    (amount.end <= one.start <= amount.end + 22 and scene.low[one.end - 1] == "s")
                    or amount.start <= one.start < amount.end
                )
            ),
            None,
        )
        if named is not None and people is None and share <= 1:
            return self._people_share(scene, amount, "people")
        if people and share <= 1:
            who = people["who"]
            if re.search(
                r"users|customers|subscribers|people|population|households?|homes|residents"
                r"|inhabitants|premises|lines|clients|accounts|citizens",
                who,
            ):
                return self._people_share(scene, amount, who)
        if not self._about_net(scene, amount):
            return None
        if share > 1:
            return None
        if re.match(r" (?:below|under|less than|short of|lower than|down on|off) ", after):
            return self._share(scene, amount, share, amount.bound)
        if _STANDS.search(before) and re.match(
            r"\s*(?:[.,;)]|$|again|now|at |on |of (?:its|the) (?:normal|usual)|(?:by|this|last|in the) )", after
        ):
            return self._share(scene, amount, 1 - share, FLIP[amount.bound])
        if self._of_normal.match(after) or (
            self._left.search(before) and (self._what.search(before) or self._what.search(after[:50]))
        ):
            if re.search(
                r"\b(?:by|fell|dropped|down)\s*(?:about |around |some |nearly )?$", before
            ) and not self._of_normal.match(after):
                return self._share(scene, amount, share, amount.bound)
            return self._share(scene, amount, 1 - share, FLIP[amount.bound])
        if self._usual.match(after) or re.search(
            r"\b(?:traffic|connectivity|capacity|levels?) at (?:about |around |only |just |some )?$", before
        ):
            return self._share(scene, amount, 1 - share, FLIP[amount.bound])
        if before.endswith("-") and re.search(r"\b(?:traffic|connectivity|routes|networks)\b", low):
            return self._share(scene, amount, share, amount.bound)
        if re.match(
            r" (?:of them |of these )?(?:were|was|are|is|have|had|remained) (?:still |now "
            r"|all )?(?:missing|offline|down|unreachable|gone|lost|dark)\b",
            after,
        ):
            return self._share(scene, amount, share, amount.bound)
        if re.match(
            r" (?:of them |of these )?(?:were|was|are|is|have|had|remained) (?:still |now |all "
            r"|been )?(?:back|online|reachable|restored|up)\b",
            after,
        ):
            return self._share(scene, amount, 1 - share, FLIP[amount.bound])
        if re.match(r" (?:lower|less|below|fewer|down|under|weaker)\b", after):
            return self._share(scene, amount, share, amount.bound)
        if self._drop_after.match(after) or self._drop_before.search(before) or self._by.search(before):
            return self._share(scene, amount, share, amount.bound)
        if (
            self._what.search(after[:50])
            or self._what.search(before[-40:])
            or self._what.search(low[amount.start : amount.end])
        ):
            direction = self._direction(scene, amount.start, amount.end)
            if direction == "down":
                return self._share(scene, amount, share, amount.bound)
            if direction == "up":
                return self._share(scene, amount, 1 - share, FLIP[amount.bound])
        return None

    def _about_net(self, scene: Scene, amount: Amount) -> bool:
        begin, _until = scene.region(amount.start)
        noun = scene.noun_before(amount.start, begin)
        after = next((one for one in scene.nouns if one.start >= amount.end and one.start < amount.end + 45), None)
        near = (
            after is not None
            and len(scene.low[amount.end : after.start].split()) <= 5
            and " of" in scene.low[amount.end : after.start + 1]
        )
        for one in (after, noun) if near else (noun, after):
            if one is not None and one.kind in ("net", "other", "part"):
                word = scene.low[one.start : one.end]
                return one.kind == "net" or (scene.topic == "net" and one.kind == "part" and bool(_PLANT.match(word)))
        return scene.topic == "net"

    def _share(self, scene: Scene, amount: Amount, lost: float, bound: str) -> Draft:
        near = scene.low[max(0, amount.start - 60) : amount.end + 40]
        what = self._what.findall(near)
        return Draft(
            "share",
            {"of": what[0] if what else "connectivity", "lost": round(min(1.0, max(0.0, lost)), 4), "bound": bound},
            amount.start,
            confidence=0.85,
        )

    def _people_share(self, scene: Scene, amount: Amount, who: str) -> Draft | None:
        low = scene.low
        nouns = {noun.kind for noun in scene.nouns}
        if (
            "other" in nouns
            and "net" not in nouns
            and (scene.topic != "net" or re.search(r"\b(?:power|electricity|light|water|gas)\b", low))
        ):
            return None
        if not (self._hit.search(low) or self._online.search(low) or self._up.search(low)):
            return None
        if scene.topic != "net" and "net" not in nouns:
            return None
        direction = self._direction(scene, amount.start, amount.end)
        if direction == "up" and not self._hit.search(low):
            if self._online.search(low) or re.search(r"\b(?:are|is) online\b", low):
                return Draft(
                    "impact",
                    {"people": None, "share": round(amount.said, 4), "quantifier": "online"},
                    amount.start,
                    confidence=0.75,
                )
            return Draft(
                "share",
                {"of": who, "lost": round(1 - amount.said, 4), "bound": FLIP[amount.bound]},
                amount.start,
                confidence=0.75,
            )
        return Draft(
            "impact",
            {"people": None, "share": round(amount.said, 4), "quantifier": amount.bound},
            amount.start,
            confidence=0.8,
        )

    def _impacts(self, scene: Scene, year: int | None, taken: list[tuple[int, int]]) -> list[Draft]:
        low = scene.low
        nouns = {noun.kind for noun in scene.nouns}
        if scene.topic != "net" and "net" not in nouns:
            return []
        power = re.search(r"\b(?:power|electricity|the lights)\b", low)
        hit = self._hit.search(low)
        for amount in self._numbers.amounts(low):
            busy = [
                *taken,
                *((one.start, one.end) for one in scene.times),
                *((one.start, one.end) for one in scene.spans),
            ]
            if any(a < amount.end and amount.start < b for a, b in busy):
                continue
            after = low[amount.end : amount.end + 60]
            begin, until = scene.region(amount.start)
            kinds = {noun.kind for noun in scene.nouns if begin <= noun.start < until}
            if power is not None and begin <= power.start() < until and "net" not in kinds:
                continue
            if self._number_of.search(low[: amount.start]) and self._fair(scene, amount.start, amount.end, year):
                value = {"people": int(amount.said), "share": None, "quantifier": amount.bound}
                return [Draft("impact", value, amount.start, confidence=0.75)] if amount.said == amount.said else []
            people = self._people.match(after)
            if people is None or not self._fair(scene, amount.start, amount.end, year):
                continue
            if amount.said < 20 and amount.bound != "vague":
                continue
            noun = re.search(r"\b(?:without|lost|no) (?:power|electricity|water|heating|light)\b", low)
            if (noun and "net" not in nouns) or (hit is None) or ("other" in nouns and "net" not in nouns):
                continue
            if re.search(
                r"\b(?:with|has|have|had|serves?|serving|home to|population of|of about|employs?"
                r"|some) (?:about |around |some |more than |nearly |over )?$",
                low[max(0, amount.start - 25) : amount.start],
            ) and not self._near_hit(low, amount, people):
                continue
            if noun and self._nearest_power(low, amount, noun):
                continue
            number = None if amount.bound == "vague" or amount.said != amount.said else amount.said
            quantifier = (
                amount.bound
                if number is not None
                else low[amount.start : amount.end].split(" ", 1)[-1]
                if False
                else low[amount.start : amount.end]
            )
            return [
                Draft(
                    "impact",
                    {"people": None if number is None else int(number), "share": None, "quantifier": quantifier},
                    amount.start,
                    confidence=0.85,
                )
            ]
        for match in self._few.finditer(low):
            if not self._fair(scene, match.start(), match.end(), year):
                continue
            tail = low[match.end() : match.end() + 70]
            if (
                self._online.search(tail)
                and ("net" in nouns)
                and re.search(
                    r"few|small|tiny|handful|fraction|minority|hardly|almost no|not many|minute|elite|most"
                    r"|all|nobody|no one|majority",
                    match["q"],
                )
            ):
                return [
                    Draft(
                        "impact",
                        {"people": None, "share": None, "quantifier": " ".join(match["q"].split())},
                        match.start(),
                        confidence=0.8,
                    )
                ]
            if (
                re.search(r"million|thousand|entire|whole|everyone|vast|majority|most|large|huge|many", match["q"])
                and self._hit.search(low[max(0, match.start() - 40) : match.start()] + tail[:40])
                and not ("other" in nouns and "net" not in nouns)
            ):
                if re.search(r"\b(?:most|many)\b", match["q"]) and not re.search(
                    r"(?:without|lost|cut off|unable|left|no (?:internet|service|access|connection)|affect)", low
                ):
                    continue
                return [
                    Draft(
                        "impact",
                        {"people": None, "share": None, "quantifier": " ".join(match["q"].split())},
                        match.start(),
                        confidence=0.7,
                    )
                ]
        return []

    def _near_hit(self, low: str, amount: Amount, people: "re.Match[str]") -> bool:
        tail = low[amount.end + people.end() : amount.end + people.end() + 50]
        return bool(
            self._hit.search(low[max(0, amount.start - 30) : amount.start]) or self._hit.match(tail.lstrip(" ,"))
        )

    @staticmethod
    def _nearest_power(low: str, amount: Amount, noun: "re.Match[str]") -> bool:
        net = re.search(r"\b(?:internet|online|connectivity|broadband|mobile data|web)\b", low)
        return net is None or abs(noun.start() - amount.end) < abs(net.start() - amount.end)
