"""Sites that are up or down, on whom traffic depends, and who would not comment."""

import re
from collections.abc import Iterator

from duskwatch.explanation.claims.events import Events
from duskwatch.explanation.claims.grammar import Grammar
from duskwatch.explanation.claims.numbers import Numbers
from duskwatch.explanation.claims.places import HOST
from duskwatch.explanation.claims.scene import Draft, Scene

_QUANTIFIERS = {
    "almost all": None,
    "nearly all": None,
    "virtually all": None,
    "practically all": None,
    "all of": 1.0,
    "all": 1.0,
    "most": None,
    "the bulk": None,
    "the majority": None,
    "a majority": None,
    "much": None,
    "every": 1.0,
    "entirely": 1.0,
    "almost entirely": None,
    "solely": 1.0,
    "exclusively": 1.0,
    "only": 1.0,
    "heavily": None,
    "largely": None,
    "mainly": None,
    "the vast majority": None,
    "nearly everything": None,
    "sole": 1.0,
    "single": 1.0,
    "almost everything": None,
    "everything": 1.0,
    "almost every": None,
    "nearly every": None,
    "the lion's share": None,
    "primarily": None,
    "almost exclusively": None,
}
_QUANTIFIER = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, _QUANTIFIERS), key=len, reverse=True)) + r")\b")
_NAME = re.compile(
    r"^\s*(?:(?:the |a |an |its |their |one |two |single |just "
    r"|only )?(?:\w+ )?(?:provider|carrier|operator|company|upstream|neighbou?r|country"
    r"|firm|telecoms? (?:company|giant|firm)|state-(?:owned|run) \w+|cable|link|pipe"
    r"|gateway|line|path|connection|exchange|satellite|data cent(?:re|er)|landing station"
    r"|route|network)s?(?: (?:in|from|to|with|of|called|named|run by|owned by|operated by"
    r"|under|across|through))?,? )?"
)


_ASKED = re.compile(
    r"\b(?:[Cc]alls?|[Mm]essages?|[Qq]uestions?|[Rr]equests?|[Ee]-?mails?|[Ll]etters?|[Ii]nquir\w+|[Ee]nquir\w+"
    r"|[Qq]uer(?:y|ies)|word|comment|reply"
    r"|replies|answers?|statement|response|explanation|reaction|information)(?: (?:for|about) (?:an? )?\w+)?(?:"
    r" (?:has|have|had|was|were|is|came|come"
    r"|sent|put|made|been|yet|so far|today|forthcoming|available)){0,3} (?:to|from|by|at) (?P<who>(?:the |an? |its "
    r"|his |her |their |both |either )?"
    r"(?:[\w&.'-]+ ){0,5}?[\w&.'-]+)(?=[,.;\"]|$| (?:about|on|were|was|went|had|has|have|as|for|after|so|until|when"
    r"|since|rang|bounced|remain\w*|that"
    r"|who|which|and|but)\b)"
)
_WAY = re.compile(
    r"\b(?:through|via|over|across|from|on|upon|by|with|past|to|at|crosses|crossing|uses?|passes)\s+(?=\S)"
)
_SHARED_OUT = re.compile(
    r"(?=.*\b(?:traffic|bandwidth|capacity|connect\w*|links?|transit|routes?|packets?|inter-?net|data|bytes?"
    r"|everything|paths?)\b)"
    r".*\b(?:all|every\w*|most|nearly|almost|only|sole|single|depend\w*|rel(?:y|ies|iant)|hangs?|hinges?|half|thirds?"
    r"|quarters?|fifths?|tenths?"
    r"|per ?cent|bulk|majority|one|much|largely|mainly)\b|%"
)


class Others:
    """Finds sites, dependences and refusals by the patterns of one language."""

    def __init__(self, grammar: Grammar, events: Events, numbers: Numbers) -> None:
        self._events, self._numbers = events, numbers
        site, dep, ref = grammar.patterns["site"], grammar.patterns["dependence"], grammar.patterns["refusal"]
        noun = "|".join(site["noun"])
        self._up = grammar.compile("(?<![\\w-])(?:" + "|".join(site["up"]) + ")(?![\\w])")
        self._down = grammar.compile("(?<![\\w-])(?:" + "|".join(site["down"]) + ")(?![\\w])")
        self._site_of = re.compile(
            rf"\b(?i:{noun})(?: and \w+)?(?: run by| of| for| belonging to| operated by| such as"
            r"| including|,? among them)? (?:the )?(?:(?:state-run|state|official|main"
            r"|government's|country's|public|private|daily|ruling party|ruling|party|national"
            r"|local) )*"
        )
        self._owned = re.compile(
            r"(?P<who>[A-Z][\w.&'-]*(?: (?:[A-Z][\w.&'-]*|of|the|and|for))*?)(?:'s?)? (?:(?:own"
            rf"|official|main|web|news|online|English-language|public) )*(?P<noun>{noun})\b"
        )
        self._generic = re.compile(
            rf"\b(?P<who>(?:the )?(?:\w+ ){{0,3}}?(?:ministry|bank|airline|government|president"
            r"|presidency|parliament|university|newspaper|broadcaster|regulator|agency|operator"
            r"|party|tax office|central bank|police|stock exchange|telecom"
            r"|railway)(?: of (?:the )?\w+)?)(?:'s)? (?:(?:own|official|main|web|news|online"
            rf"|public) )*(?P<noun>{noun})\b",
            re.IGNORECASE,
        )
        self._of_body = re.compile(
            rf"\b(?:{noun})s? of (?P<who>(?:the )?(?:[\w'-]+ ){{0,3}}?(?:ministry|bank|airline"
            r"|government|president|presidency|parliament|congress|senate|university|newspaper"
            r"|broadcaster|regulator|agency|operator|party|tax office|police|exchange|railways?"
            r"|army|court|commission|office|council)(?: of (?:the )?\w+)?)",
            re.IGNORECASE,
        )
        self._noun = re.compile(rf"\b(?:{noun})\b")
        self._through = grammar.compile("\\b(?:" + "|".join(dep["through"]) + ")\\s+(?=\\S)")
        self._rely = grammar.compile("\\b(?:" + "|".join(dep["rely"]) + ")\\s+(?=\\S)")
        self._sole = grammar.compile("\\b(?:" + "|".join(dep["sole"]) + ")\\s*(?=\\S)")
        self._carries = grammar.compile("\\b(?:" + "|".join(dep["carries"]) + ")\\b")
        self._subject = grammar.compile("\\b(?:" + "|".join(dep["subject"]) + ")\\b")
        self._refused = grammar.compile("\\b(?:" + "|".join(ref["before"]) + ")(?!\\w)")
        self._refused_from = grammar.compile("\\b(?:" + "|".join(ref["from"]) + ")\\s+(?=\\S)")
        self._on_what = re.compile("|".join(ref["on_what"]))

    # ------------------------------------------------------------------- sites

    def sites(self, scene: Scene, year: int | None) -> list[Draft]:
        """Drafts of named sites that are up or down."""
        low, flat = scene.low, scene.sentence.flat
        names = self.named_sites(flat, low)
        out: list[Draft] = []
        for name, start, end in names:
            if not scene.outside_speech(start, end) and not any(
                a <= start < b for voice in scene.voices for a, b in voice.spans
            ):
                continue
            found = self._state(low, start, end, names)
            if found is None:
                continue
            up, at = found
            if self._events.unreal(scene, at, at + 1, year) and not re.match(r"(?:would|will)(?: not|n't)", low[at:]):
                continue
            out.append(Draft("site", {"name": name, "up": up}, at, confidence=0.85))
        return out

    def named_sites(self, flat: str, low: str) -> list[tuple[str, int, int]]:
        """Sites that a sentence names: the name and where it stands."""
        out: list[tuple[str, int, int]] = []

        def put(name: str, start: int, end: int) -> None:
            name = re.sub(r"^(?:the |The )?", "", name).strip(" ,.'")
            if (
                len(name) > 2
                and not any(a < end and start < b for _, a, b in out)
                and not re.fullmatch(
                    r"(?i)(?:other|many|several|some|most|these|those|all|its|their|news|government"
                    r"|official|north korean|state|public|foreign|two|three|of|and|the|internet|web|home"
                    r"|four|five|six|news|web news|our|on|on its|in|a|an|this|one|monday|tuesday|wednesday"
                    r"|thursday|friday|saturday|sunday)",
                    name,
                )
            ):
                out.append((name, start, end))

        for match in HOST.finditer(low):
            if (
                low[match.start() - 1 : match.start()] != "@"
                and not re.fullmatch(r"(?:[ap]\.m|u\.s|u\.k|e\.g|i\.e|u\.n|d\.c)", match[0])
                and not re.fullmatch(r"[\d.]+", match[0])
            ):
                put(match[0], match.start(), match.end())
        if not self._noun.search(low):
            return out
        for match in self._site_of.finditer(flat):
            rest = flat[match.end() :]
            listed = re.match(
                r"(?:(?:the |state-run |daily |ruling party |party )*[A-Z][\w.&'-]*(?: (?:[A-Z"
                r"(][\w.&')-]*|of|the|for))*(?: (?:newspaper|daily|agency|news agency|university|bank"
                r"|party|airline))?)(?:(?:,? and |, )(?:the |of the |that of (?:the )?"
                r"|state-run )*(?:[A-Z][\w.&'-]*(?: (?:[A-Z(][\w.&')-]*|of|the))*(?: (?:newspaper"
                r"|daily|agency|news agency|university|bank))?))*",
                rest,
            )
            if listed and re.search(
                r"(?:run by|of|for|belonging to|operated by|such as|including|among them)\s+(?:the )?(?:\w[\w-]* )*$",
                match[0],
            ):
                begin = match.end()
                for piece in re.finditer(
                    r"(?:[A-Z][\w.&'-]*)(?: (?:[A-Z(][\w.&')-]*|of(?= (?:the )?[A-Z])|the(?= [A-Z])))*", listed[0]
                ):
                    put(
                        re.sub(r"\s*\([^)]*\)?$", "", piece[0]) if "(" in piece[0] else piece[0],
                        begin + piece.start(),
                        begin + piece.end(),
                    )
        if that := re.search(
            r"\b(?:that|those|(?:web ?)?(?:site|page|portal)s?) of (?:the )?([a-z][\w'-]*(?: [a-z][\w'-]*){0,4}?)"
            r"(?: and (?:of )?(?:the )?([a-z][\w'-]*(?: [a-z][\w'-]*){0,3}?))?"
            r"(?=[,.;]| (?:was|were|is|are|has|have|had|would|could|cannot|came|shows?|showed|went"
            r"|remain\w*|did|does)\b)",
            flat,
        ):
            for group in (1, 2):
                if that[group]:
                    put(that[group], that.start(group), that.end(group))
        for match in re.finditer(r"\b(?:[Tt]hat|[Tt]hose) of (?:the )?(?P<who>[\w'-]+(?: [\w'-]+){0,3}?)(?= (?:is|was"
        r"|are|were|has|had|works?"
                                 r"|remains?|stays?|cannot|can|does|do)\b)", flat):  # fmt: skip
            put(match["who"], match.start("who"), match.end())
        for pattern in (self._owned, self._of_body, self._generic):
            for match in pattern.finditer(flat):
                put(match["who"], match.start("who"), match.end())
        return out

    def _state(self, low: str, start: int, end: int, names: list[tuple[str, int, int]]) -> tuple[bool, int] | None:
        """Up or down, for a site at [start, end): the nearest word after, else before, in its clause."""
        joint = re.search(r";|\b(?:but|while|whereas|although|though)\b", low[end:])
        until = end + joint.start() if joint else len(low)
        opened = [match.end() for match in re.finditer(r";|\b(?:but|while|whereas|although|though)\b", low[:start])]
        begin = opened[-1] if opened else 0
        for area, offset, last in ((low[end:until], end, False), (low[begin:start], begin, True)):
            ups = [(match.start(), True) for match in self._up.finditer(area)]
            downs = [(match.start(), False) for match in self._down.finditer(area)]
            taken = [match.span() for match in self._down.finditer(area)]
            ups = [one for one in ups if not any(a <= one[0] < b for a, b in taken)]
            found = sorted(ups + downs)
            if not found:
                continue
            at, up = found[-1] if last else found[0]
            if re.search(r"\b(?:not|n't|no longer|yet to|never)\b[^,;]{0,22}$", area[:at]) and up:
                up = False
            return up, offset + at
        return None

    # -------------------------------------------------------------- dependence

    def dependences(self, scene: Scene, year: int | None) -> list[Draft]:
        """Drafts of who carries the traffic of an entity."""
        low, flat = scene.low, scene.sentence.flat
        nouns = {noun.kind for noun in scene.nouns}
        if "net" not in nouns and scene.topic != "net":
            return []
        for pattern, kind in ((self._sole, "sole"), (self._rely, "rely"), (self._through, "through")):
            for match in pattern.finditer(low):
                if scene.question or self._events.unreal(scene, match.start(), match.end(), year) in (
                    "history",
                    "condition",
                    "question",
                ):
                    continue
                head = low[max(0, match.start() - 110) : match.start()]
                by_itself = re.match(r"(?:take|get|draw|buy|receive|obtain)", match[0])
                if (
                    kind == "through"
                    and not by_itself
                    and not (
                        self._subject.search(head)
                        and (
                            "net" in nouns
                            or re.search(
                                r"\btraffic|\blinks?\b|bandwidth|transit|connectivity|routes|\bpaths?\b|capacity"
                                r"|connections?\b",
                                head,
                            )
                        )
                    )
                ):
                    continue
                if kind == "through" and re.search(
                    r"\b(?:power|oil|gas|trade|goods|flights?|food|fuel|electricity|water)\b", head[-60:]
                ):
                    continue
                if kind == "rely" and re.search(
                    r"\b(?:power|oil|gas|economy|tourism|aid|exports|generators?|cash|electricity"
                    r"|business(?:es)?|hospitals?|weather|outcome)\b",
                    low[match.start() : match.end() + 30],
                ):
                    continue
                quantifier, share = self._quantity(low, match.start(), match.end(), kind)
                if (
                    kind == "through"
                    and re.match(r"(?:cross|use|travers|transit|take|get|draw|buy|receive|obtain)", match[0])
                    and (
                        quantifier is None
                        or not re.search(
                            r"\b(?:traffic|links?|connectivity|bandwidth|routes|transit|paths?|inter-?net|capacity)\b",
                            low[max(0, match.start() - 60) : match.end()],
                        )
                    )
                ):
                    continue
                if (
                    kind == "through"
                    and quantifier is None
                    and not re.search(
                        r"\b(?:traffic|links?|connectivity|bandwidth|routes|transit|capacity|connections?)\b", head
                    )
                ):
                    continue
                on = self._on(flat, match.end())
                if on is None:
                    continue
                return [
                    Draft(
                        "dependence",
                        {"on": on, "share": share, "quantifier": quantifier},
                        match.start(),
                        confidence=0.85,
                    )
                ]
        for match in self._carries.finditer(low):
            tail = low[match.end() : match.end() + 60]
            amount = next(iter(self._numbers.fractions(tail)), None)
            word = _QUANTIFIER.match(tail.strip())
            if (amount is None and word is None) or not re.search(
                r"\b(?:traffic|links?|connectivity|bandwidth|capacity|transit|connections?|routes)\b", tail
            ):
                continue
            name = re.search(
                r"([A-Z][\w&.'-]*(?: (?:[A-Z][\w&.'-]*|of))*)(?:,[^,]{2,60},)?(?: (?:alone|also|still"
                r"|now|which|that))* ?$",
                flat[: match.start()],
            )
            if name is None:
                continue
            return [
                Draft(
                    "dependence",
                    {
                        "on": name[1],
                        "share": round(amount.said, 4) if amount else (_QUANTIFIERS.get(word[0]) if word else None),
                        "quantifier": word[0] if word else amount.bound if amount else None,
                    },
                    match.start(),
                    confidence=0.75,
                )
            ]
        return []

    def _quantity(self, low: str, start: int, end: int, kind: str) -> tuple[str | None, float | None]:
        near = low[max(0, start - 110) : end]
        amounts = self._numbers.fractions(near)
        behind = re.search(r"\bfor (?P<rest>[^.;]{2,40})", low[end : end + 90])
        if not amounts and behind:
            amounts = self._numbers.fractions(behind["rest"])
        if amounts:
            return amounts[-1].bound, round(amounts[-1].said, 4)
        if match := _QUANTIFIER.search(near):
            return match[0], _QUANTIFIERS[match[0]]
        if behind and (match := _QUANTIFIER.search(behind["rest"])):
            return match[0], _QUANTIFIERS[match[0]]
        return ("sole", 1.0) if kind == "sole" else (None, None)

    @staticmethod
    def _on(flat: str, at: int) -> str | None:
        rest = flat[at:]
        if re.match(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\d", rest):
            return None
        if pronoun := re.match(r"(?:them|it|there|that one)\b(?=[.,;]|$| (?:alone|and|to|only))", rest):
            return pronoun[0]
        short = re.match(
            r"(?:an?|the|one|two|three|its|their|a single|just one|only one|this|these|that"
            r"|satellites?)(?: [\w'-]+){0,4}? (?:cables?|links?|lines?|providers?|carriers?"
            r"|operators?|companies|company|gateways?|buildings?|exchange|stations?|satellites?"
            r"|pipes?|paths?|upstreams?|data cent(?:re|er)|firm|island|router)\b(?: (?:to|from|in"
            r"|through|of|run by|owned by|called) [A-Z][\w'-]*(?: [A-Z][\w'-]*)*)?",
            rest,
        )
        if short:
            return short[0]
        if bare := re.match(
            r"(?:[a-z-]+ )?(?:satellites?|microwave(?: links?)?|radio links?|cables?|fib(?:re"
            r"|er)s?)(?=[.,;]|$| (?:and|to|from|in|only|alone))",
            rest,
        ):
            return bare[0]
        lead = re.match(r"(?:[a-z][\w'-]* ){0,9}?(?=[A-Z])", rest)
        name = (
            re.match(r"[A-Z][\w&.'-]*(?: (?:[A-Z][\w&.'-]*|of(?= [A-Z])|and(?= [A-Z])))*", rest[lead.end() :])
            if lead
            else None
        )
        if (
            lead
            and name
            and not re.search(r"\b(?:after|when|until|said|says|but|while|on|at|before|because)\b", lead[0])
        ):
            return re.sub(r"'s?$", "", name[0]).rstrip(".")
        plain = re.match(
            r"(?:an?|the|one|two|its|their|a single|just one|only one)(?: [\w-]+){1,5}?(?=[,.;]"
            r"| (?:that|which|and|in|from|to|run|owned|for|with|landing|laid|but|across"
            r"|between)\b|$)",
            rest,
        )
        return plain[0] if plain else None

    # ---------------------------------------------------------------- refusals

    def refusals(self, scene: Scene, left: object) -> list[Draft]:
        """Drafts of those who would not comment; ``left`` finds the name before a verb."""
        low, flat = scene.low, scene.sentence.flat
        if scene.question:
            return []
        if match := self._refused_from.search(low):
            name = re.match(
                r"(?:the |a |an |its |either |any |both )?[\w&.'-]+(?: [\w&.'-]+){0,7}?"
                r"(?=[,.;\"]| (?:and the|on|about|were|was|went|by|had|has|as|for|after|so|until|when|since"
                r"|in (?:the|its)|to|have|who|which|that|over|remain\w*|but|though|seeking|asking)\b|$)",
                flat[match.end() :],
            )
            if name:
                return [
                    Draft(
                        "refusal",
                        None,
                        match.start(),
                        speaker=name[0].strip(),
                        own_speaker=True,
                        modality="refused",
                        confidence=0.85,
                    )
                ]
        for match in self._refused.finditer(low):
            if not self._on_what.search(low[match.start() : match.end() + 30]):
                continue
            if re.search(
                r"(?:has|have|had|did) ?(?:not|n't) (?:yet )?(?:ma(?:d|k)e|give|given|offer|offered"
                r"|provide|provided|issue|issued)$",
                match[0],
            ) and not re.match(
                r" (?:an? |any )?(?:\w+ )?(?:comment|statement|explanation|response|reason|details|reply|answer)",
                low[match.end() :],
            ):
                continue
            if re.match(
                r"(?:did|does|do|will|could|has|have|had) ?(?:not|n't) (?:yet )?(?:say|said|explain"
                r"|explained|respond|answer)$",
                match[0],
            ) and not re.match(
                r"(?:[.,;]|$| (?:requests?|any|our|an?|the|e-?mails?|messages|repeated|phone|in time|by"
                r"|before|further|directly|until|at|(?:to|for) (?:an?|our|the|several|multiple|e-?mails?"
                r"|inquiries|enquiries|queries|comment)\b|what|when|why|how|whether|who|anything|more|much"
                r"|if|which|where|the"
                r"|for how|to (?:calls|questions|requests|emails?|messages|a request|repeated|several)"
                r"|immediately|on|calls|questions))",
                low[match.end() :],
            ):
                continue
            if re.match(r"does(?: not|n't) (?:respond|answer|reply)", match[0]) and re.search(
                r"\b(?:site|portal|page|server|network|host|address)\b", low[: match.start()]
            ):
                continue
            who = self._refuser(scene, flat, low, match.start(), left)
            if who is not None and re.search(r"\b(?:said|says|told|wrote)\b", who):
                who = scene.speaker_at(match.start())
            if who is not None and re.fullmatch(r"(?:I|we)(?: \w+)?", who):
                who = scene.voice or who
            if who is not None and who.lower() in ("but", "and", "also", "yet"):
                who = scene.speaker_at(match.start()) or next(
                    (voice.speaker for voice in scene.voices if voice.phrase[1] <= match.start()), None
                )
            if (
                (
                    who is not None
                    and re.match(
                        r"(?:the |its |their )?(?:[\w'-]+ ){0,3}?(?:web ?)?(?:site|page|portal)s?\b", who.lower()
                    )
                )
                or (
                    who is not None
                    and re.search(
                        r"\b(?:networks?|sites?|portals?|apps?|internet|servers?|services?|connections?|routes"
                        r"|islands?|people|villages?)$",
                        who.lower(),
                    )
                )
                or (
                    who is not None
                    and re.search(r"silent|reached|unreachable|quiet", match[0])
                    and any(
                        one.start < match.start()
                        and flat[one.start : one.end] in who
                        and one.kind == "country"
                        and len(who.split()) == 1
                        for one in scene.mentions
                    )
                )
            ):
                continue
            if (
                who is not None
                and re.search(r"silent|quiet|reached", match[0])
                and re.match(r"the (?:networks?|routes|lines|links)\b", who.lower())
            ):
                continue
            if who is None:
                continue
            return [
                Draft(
                    "refusal", None, match.start(), speaker=who, own_speaker=True, modality="refused", confidence=0.85
                )
            ]
        return []

    def refuser(self, scene: Scene, at: int, left: object) -> str | None:
        """Who would not speak, for a word of refusal at ``at``; None where nobody is named."""
        flat, low = scene.sentence.flat, scene.low
        if (asked := _ASKED.search(flat)) is not None:
            return asked["who"].strip(" ,.")
        who = self._refuser(scene, flat, low, at, left)
        if who is None or re.search(
            r"(?i)\b(?:networks?|sites?|portals?|pages?|routes|probes?|prefixes|lines|links)$", who
        ):
            return None
        if re.fullmatch(r"(?i)(?:and|but|also|yet|there|which|who|that|this|what|nobody|no one|none)", who):
            return None
        return who

    def carried(self, scene: Scene) -> Iterator[tuple[int, int, str, float | None, str | None]]:
        """Whom traffic could run through: offsets of the word before, the name, the share, the quantifier."""
        flat, low = scene.sentence.flat, scene.low
        if not _SHARED_OUT.search(low):
            return
        for match in _WAY.finditer(low):
            on = self._on(flat, match.end())
            if on is None:
                continue
            quantifier, share = self._quantity(low, match.start(), match.end(), "through")
            yield match.start(), match.end(), on, share, quantifier

    @staticmethod
    def _refuser(scene: Scene, flat: str, low: str, at: int, left: object) -> str | None:
        both = (
            re.search(r"\b[Nn]either (.{3,50}?) nor (.{3,50}?)\s*$", flat[:at])
            or re.match(
                r"nor (.{3,50}?) (?:responded|replied|commented|answered|returned|offered|issued|gave"
                r"|wished|wanted|was|could|had|has|would comment)",
                flat[at:],
            )
            or re.match(
                r"neither (.{3,60}?) (?:responded|replied|commented|answered|returned|offered|issued|gave"
                r"|wished|wanted|was|could|had|has|would)",
                low[at:],
            )
        )
        if both:
            return " nor ".join(part for part in both.groups() if part)
        if whose := re.search(r"\bwhose ([\w ]{3,30}?)\s*$", flat[:at]):
            return whose[1]
        name, _ = left(flat, low, at)  # type: ignore[operator]
        name = re.sub(r"^I (?:am|was|will)$|^I$", "we", name)
        if re.search(r"\bwho\s*$", low[:at]) or not name:
            name = re.sub(r",? who$", "", flat[:at].strip().rpartition(",")[2].strip())
        name = re.sub(r"^(?:(?:And|But|Meanwhile|However|So far|Yet)\b,? )+", "", name).strip(" ,")
        if not name or len(name.split()) > 14:
            return None
        if name.lower() in ("it", "they", "he", "she"):
            return scene.resolved.get(name.lower(), name)
        if name.lower() in ("we", "i", "we are", "i am"):
            return scene.speaker_at(at)
        return name
