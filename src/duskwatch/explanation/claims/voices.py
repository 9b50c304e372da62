"""Who says what in a sentence: speakers before, after and within what they say, quotes, and how they say it."""

import re
from dataclasses import dataclass
from itertools import islice

from duskwatch.explanation.claims.grammar import Grammar

MOST = 24  # verbs of speaking looked at in one sentence
_ROLE = (
    r"officials?|spokes(?:man|woman|person|people)|minister|ministry|government"
    r"|authorities|regulator|analysts?|experts?|engineers?|researchers?|monitors?|firm"
    r"|company|group|"
    r"operator|provider|carrier|agency|agencies|police|army|military|president|director"
    r"|chief|head|ceo|residents?|witnesses|users?|customers?|diplomats?|sources?"
    r"|specialists?|observers?|activists?|"
    r"organi[sz]ation|observatory|institute|university|team|centre|center|newspaper|paper"
    r"|broadcaster|statement|notice|report|bulletin|embassy|council|commission"
    r"|technicians?|managers?|lawmakers?|politicians?|opposition|"
    r"professor|scientists?|lab|laboratory|project|service|channel|station|network"
    r"|executive|administrator|union|league|correspondent|reporter|watchdog|advisory"
    r"|registry|employees?|staff|workers?|party|leaders?|governor|mayor|secretary|aide"
    r"|people|hackers|shopkeepers?|owners?|journalists?|bloggers?|lawyers?|utility|post"
    r"|tweet|message|letter|email|media|state television|commander|general|consultants?"
    r"|insiders?|teachers?|traders?|pilots?|bosses|campaigners?|blog|website|site|outlet"
    r"|daily|wire|insurer|captain|academics?|economists?|deputy|envoy|ambassador|delegate"
    r"|operators|providers|carriers|ministers|firms|companies|groups|monitor|others|some"
    r"|many|one|critics|nobody|no one|none|friend|contact|insider|colleague|relative|neighbours?|locals|guest"
    r"|caller|reader|listener|fishermen|fisherman|farmers?|founder|co-founder|officer|investigators?|prosecutors?"
    r"|judge|court|presidency|bureau|board|committee|office|department|authority|foundation|association|federation"
    r"|collective|alliance|consortium|outfit|start-?up|vendor|host|exchange|observer|tracker|admins?|sysadmin"
    r"|parliament|cabinet|palace|state|regime|junta|coalition|rebels?|militia|hospital|bank|airline|hotelier|merchant"
    r"|cert|csirt|noc|ngo|isp|vendors?|students?|lecturer|tourists?|drivers?|nurses?|doctors?"
    r"|entrepreneurs?|woman|man|couple|family"
)
_SUBJECT_OF_DATA = re.compile(
    r"\b(?:data|figures|measurements|measurement|charts?|graphs?|statistics|numbers|probes"
    r"|tests|monitoring|logs|records|readings|analysis|maps?|tables|telemetry|metrics"
    r"|dashboards?|sensors|collectors|routing data|scans)\b"
)
_NOUNS = re.compile(
    r"\b(?:the|these|those|such|any|his|her|their|its|a|an|of|no|some|first|early|media"
    r"|news|several|other|many|recent|unconfirmed|new|earlier|this|that|in|on|to|'s|from)$"
)
_NOUN_OR_VERB = frozenset(
    {
        "report",
        "reports",
        "claims",
        "claim",
        "notes",
        "states",
        "records",
        "record",
        "finds",
        "doubts",
        "shows",
        "show",
        "fears",
        "estimates",
        "estimate",
        "suspects",
        "suspect",
        "logs",
        "answers",
        "posts",
        "sees",
        "blame",
        "thought",
        "found",
        "saw",
        "post",
        "feared",
        "alleged",
        "reported",
        "shown",
        "suspected",
        "noted",
        "confirmed",
        "claimed",
        "described",
        "assumed",
        "detected",
        "recorded",
        "observed",
        "measured",
        "registered",
        "revealed",
        "deny",
        "dispute",
        "disputes",
    }
)
_AUX = re.compile(
    r"(?:\b(?:has|have|had|also|later|earlier|further|separately|then|now|again|still"
    r"|previously|already|would only|has since|could only|told|meanwhile|himself|herself"
    r"|itself|repeatedly|initially|first|both|all|only|jointly|publicly|quickly|officially"
    r"|briefly|flatly|strongly|firmly|categorically|simply|independently|nevertheless"
    r"|however|did|do|does)\s*|\b(?:on|late|early|earlier|this|yesterday|last"
    r"|at) (?:on )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|morning"
    r"|afternoon|evening|night|today|week)\s*(?:morning|afternoon|evening|night)?\s*"
    r"|,\s*however,\s*|\b(?:yesterday|today|tonight)\s*)+$",
    re.IGNORECASE,
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|had|have|will|would|went|came|began|fell|lost|did|does"
    r"|could|can|may|might|should|started|ended|lasted|returned|dropped|vanished"
    r"|disappeared|remained|caused|hit|cut|left|took|saw|shut|struck|broke|collapsed"
    r"|failed|affected|resumed|recovered|stayed|restored|comes|runs|goes|passes|depends"
    r"|relies|cannot|couldn't|wasn't|weren't|isn't|aren't|hasn't|haven't|didn't|don't"
    r"|doesn't|there's|it's|says?|said|declined|remains|stood|stopped|carries|(?!(?:based"
    r"|owned|backed|sponsored|named|led|unnamed|affiliated|aligned|elected|respected"
    r"|appointed|retired|called|affected|united|limited|exiled|controlled|displaced"
    r"|related|speed|need|feed|red|bed|indeed)\b)[a-z]{3,}ed)\b"
)
_RIGHT_ALONE = re.compile(
    r"\s+(?P<who>(?:the |an? |one |its |their |our |his |her )(?:[\w'-]+ ){0,5}?[\w'-]+|(?:[A-Z][\w.'-]*)(?:"
    r" (?:[A-Z][\w.'-]*|of|the|for|and)){0,6})"
    r"(?=[.,;]|$|\"| (?:on|in|at|late|early|yesterday|today|to|by|via|during|after|who|which)\b)"
)
_ASIDE = re.compile(
    r"(?:On|To|At|In|About|For) (?:that|this|which) (?:point|question|matter|subject|issue|score|count"
    r"|occasion|reason),? "
)
_BEFORE_ADJECTIVE = re.compile(
    r"\b(?:the|an?|its|their|his|her|our|and|of|two|three|some|many|several|most|other|no|any)\s*$"
)


def _finite(text: str) -> list["re.Match[str]"]:
    """Finite verbs of lower-case text; "the armed forces" has none."""
    return [
        one
        for one in _FINITE.finditer(text)
        if not (one[0].endswith("ed") and _BEFORE_ADJECTIVE.search(text[: one.start()]) and text[one.end() :].strip())
    ]


_CUT = re.compile(
    r"[,;()\"]|:(?!\d)|(?<= )-(?= )|\b(?:that|because|after|while|whereas|but|as|when"
    r"|where|although|though|since|before|which|and that|so|until|if|once|even though)\b",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^(?:(?:meanwhile|but|and|however|also|later|earlier|still|separately|on \w+day"
    r"|in a (?:\w+ )?(?:statement|post|tweet|letter|note)|for (?:its|his|her|their) part"
    r"|(?:on|to|at|in|about) (?:that|this|which) (?:point|question|matter|subject|issue|score|count|occasion)|in turn"
    r"|yesterday|today|then|instead|now|asked [^,]{0,60},|so|yet|nor|in \w+"
    r"|at the time|by then|nevertheless|both|only|according to|for example|one"
    r"|even)\b,?\s+)+(?=\S)",
    re.IGNORECASE,
)
_TIMED = re.compile(
    r"\s*(?:(?:(?:on|at|by|since|in|from|around|late|early|about|after|between|until"
    r"|of)\s+)*(?:[\w:.]*\d[\w:.]*,?|UTC|GMT|[A-Z][a-z]+day,?|January|February|March|April"
    r"|May|June|July|August|September|October|November|December|[ap]\.?m\.?,?"
    r"|(?:the )?(?:morning|afternoon|evening|night)|local time|last week|this week"
    r"|yesterday|today)\s+)+(?=\S)",
    re.IGNORECASE,
)
_APPOSED = re.compile(
    r"^\s*(?:an?|the|one of|its|who|which|whose|chief|head|director|president|deputy|vice"
    r"|senior|spokes\w+|ceo|co-?founder|founder|professor|minister|based|part of|owned"
    r"|head of|in charge|speaking|citing|also|now|formerly|himself|herself|their|his|her"
    r"|our|research|another|until)\b"
)
_ADJUNCT = re.compile(
    r"^(?:[\s,]*(?:in (?:a|an|its|his|her|their|the|two|one)(?: \w+){0,5}? (?:statement"
    r"|post|posts|tweet|thread|interview|blog|briefing|email|e-mail|letter|report|note"
    r"|bulletin|notice|message|conference|update|advisory|broadcast|session|memo|speech"
    r"|release)(?: (?:to|with|published|posted|issued|carried)(?: \w+){1,6}?(?=[,.\"]"
    r"| that\b| on ))?|on (?:twitter|x|facebook|mastodon|telegram|air|state (?:television"
    r"|tv|radio)|camera|national television|condition of anonymity"
    r"|the condition of anonymity)|by (?:phone|telephone|email)"
    r"|to (?:reporters|journalists|parliament|the press)|(?:late |early "
    r"|earlier )?(?:on )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|today"
    r"|yesterday|tonight)(?: (?:morning|afternoon|evening|night))?|late on \w+day"
    r"|the (?:next|following|same) (?:day|morning|evening)|(?:this|last) (?:week|morning"
    r"|evening|afternoon|night|weekend)|earlier|later|afterwards|at (?:a"
    r"|the) (?:\w+ )?(?:briefing|press conference|news conference)(?: in \w+)?"
    r"|shortly (?:before|after) \w+|in [A-Z][\w-]+(?: [A-Z][\w-]+)*|at \d{1,2}(?::\d\d)?(?: ?[ap]\.?m\.?)?(?: "
    r"(?:gmt|utc|local time))?))+",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r"\s+(?:in|on|at|by|to|from|via|during|through|over|before|late|early|yesterday|today|this|last|when asked"
    r"|when reached|speaking|under|without|with)\b[^,;:\"]{2,70}"
)
_LISTENER = re.compile(
    r"^\s+(?:(?:the |a )?(?:[A-Z][\w.-]*|reporters?|journalists?|us|me|parliament"
    r"|lawmakers|listeners|viewers|readers|this (?:newspaper|outlet|site)"
    r"|state (?:television|tv|radio|media)|local (?:radio|media)|news agency|agency"
    r"|broadcaster|newspaper|customers|our|the|national|public|radio)(?: [A-Z][\w.-]*"
    r"| (?:news agency|television|radio|newspaper|correspondent|daily|reporter|channel"
    r"|station))*)(?=[\s,:.;])"
)
_PRONOUN = re.compile(r"^(?:he|she|they|it|we|i|who|you)$", re.IGNORECASE)


_QUOTED_AS = re.compile(
    r"(?<![\w'-])(?:(?:[Tt]he |[Aa]n? )?[\w'-]+(?: [\w'-]+){0,4}? (?:quote[sd]?|cite[sd]?"
    r"|reported|reports) (?P<whom>him|her|them|it|(?:the |an? )?[\w'-]+(?: [\w'-]+){0,6}?)"
    r"|(?:is|was|were|are|has been|have been|had been) (?:quoted|cited|reported)(?: (?:by"
    r"|in) [^,;]{2,50}?)?) as (?:saying|telling \w+)"
)
_RECKONING = re.compile(
    r"(?<![\w-])(?:(?:[Bb]y|[Ii]n|[Oo]n|[Ff]rom|[Tt]o) (?P<whose>his|her|its|their|my|our"
    r"|(?:[Tt]he |[Aa]n? )?(?:[\w&.-]+ ){0,4}?[\w&.-]+'s?) (?:own )?(?:(?:first|latest|early"
    r"|initial|rough|best|own|public|daily"
    r"|official|preliminary|internal) )*(?:reckoning|count|account|estimate|estimation"
    r"|estimates|view|opinion|words|telling|version"
    r"|assessment|tally|calculations?|judge?ment|figures|data|measurements|mind|eyes|reading|logs|records|clock|probes"
    r"|sensors|graphs?|charts?|dashboards?|analysis|statistics|numbers|books)(?! of)|(?:[Ii]n"
    r"|[Aa]ccording to) the (?:view|opinion|words|judge?ment"
    r"|assessment|estimation|eyes|account) of (?P<who>(?:the "
    r"|an? )?(?:[\w&.'-]+)(?: [\w&.'-]+){0,5}?))(?=[,.;:]|$| (?:the|a|an|it|all|about|some"
    r"|only|most)\b)"
)
_NAMED_COLON = re.compile(
    r"(?P<who>(?:The|An?|Our|Its|One) (?:[\w&.'-]+ ){0,5}?[\w&.'-]+)(?:, (?:[\w'-]+ ){0,6}?[\w'-]+)?: +(?=[\"\w])"
)
_COLON = re.compile(
    r"(?P<who>(?:[Oo]nly |[Bb]ut |[Aa]nd )?(?:[Tt]he |[Aa]n? |[Oo]ne |[Oo]ur |[Ii]ts )?[\w&.'-]+(?: [\w&.'-]+){0,7}?) "
    r"(?:(?:also|now|later|then|still|too|even|nevertheless) )?"
    r"(?:gives?|gave|has|had|offers?|offered|supports?|supported|backs?|backed|contradict(?:s"
    r"|ed)|disagree[sd]?|agree[sd]?|differs?|differed"
    r"|(?:is|was|are|were) (?:more |less |very |quite |rather |even |not )?(?:blunt|blunter"
    r"|cautious|precise|clear|specific|certain|sure|sceptical|skeptical"
    r"|convinced|firm|adamant|categorical|brief|terse|unequivocal|explicit|concrete|candid|frank|short)"
    r"|goes further|went further|puts? it|knows|knew|supplies|supplied|provided|provides|draws?|drew|paints?|painted"
    r"|replies|replied|answers|answered|adds?|added|sums? up|summed up|tells?|told|explains?|reads?|runs|ran|sees?|saw)"
    r"(?: [^:\"]{1,60})?: +(?=\S)"
)


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker in a sentence. ``spans`` are what this speaker says, ``phrase`` names the speaker."""

    speaker: str
    phrase: tuple[int, int]
    spans: tuple[tuple[int, int], ...]
    act: str  # say, measure, think, deny, rule_out
    refers: bool = False  # the speaker is a pronoun


@dataclass(slots=True)
class Memory:
    """Speakers spoken of before, and whose quote is still open."""

    person: str = ""
    body: str = ""
    group: str = ""
    last: str = ""
    open_quote: str = ""
    quoted: bool = False  # the last sentence was, as a whole, somebody's words


class Voices:
    """Finds speakers by the word lists of one language."""

    def __init__(self, grammar: Grammar) -> None:
        lists = grammar.lists
        compiled = "|".join(
            f"(?P<{name}>{lists[key]})"
            for name, key in (
                ("rule_out", "rule_out"),
                ("deny", "deny"),
                ("think", "think"),
                ("measure", "measure"),
                ("say", "say"),
            )
        )
        self._verb = re.compile(rf"(?<![\w-])(?:{compiled})(?![\w-])")
        self._according = re.compile(r"\b(?:according to|in the words of|quoting|citing|by the account of|per)\s+")
        self._role = re.compile(rf"\b(?:{_ROLE})(?:'s)?\b", re.IGNORECASE)

    def find(self, flat: str, low: str) -> list[Voice]:
        """Speakers of one sentence, in order of their phrases."""
        out: list[Voice] = []
        quotes = _quotes(flat)
        for match in _RECKONING.finditer(flat):
            if voice := self._reckoning(flat, match):
                out.append(voice)
        for match in self._according.finditer(low):
            if voice := self._according_to(flat, low, match):
                out.append(voice)
        tail = re.search(r" - ([A-Z@][\w.&']*(?: [A-Z][\w.&']*){0,3})$", flat)  # a headline with its source
        if tail and not out and len(flat) < 160 and not _FINITE.search(tail[1].lower()):
            out.append(Voice(tail[1], (tail.start(), len(flat)), ((0, tail.start()),), "say"))
        for match in _QUOTED_AS.finditer(flat):
            name = match["whom"] or self._left(flat, low, match.start())[0]
            refers = {"him": "he", "her": "she", "them": "they", "it": "it"}
            if name:
                spans = ((0, match.start()), (match.end(), len(flat)))
                out.append(Voice(_clean(refers.get(name, name)), match.span(), spans, "say", name in refers))
        for match in islice(self._verb.finditer(low), MOST):
            if any(begin < match.start() < until for begin, until in quotes) or any(
                earlier.phrase[0] <= match.start() < earlier.phrase[1] for earlier in out
            ):
                continue
            act = match.lastgroup or "say"
            if voice := self._spoken(flat, low, match, act):
                out.append(voice)
        if (
            not out
            and (named := _NAMED_COLON.match(flat))
            and (
                self._role.search(named["who"])
                and not re.search(r"(?i)\b(?:cause|reason|from|to|of the (?:outage|attack)|towards?)\b", named["who"])
            )
        ):
            out.append(Voice(_clean(named["who"]), named.span(), ((named.end(), len(flat)),), "say"))
        if not out and (colon := _COLON.match(flat)) and self._named(colon["who"]):
            match = colon
            out.append(
                Voice(
                    _clean(match["who"]),
                    match.span(),
                    ((match.end(), len(flat)),),
                    "say",
                    bool(_PRONOUN.match(match["who"])),
                )
            )
        out.sort(key=lambda one: one.phrase)
        return _bounded(out, flat, low)

    def _reckoning(self, flat: str, match: "re.Match[str]") -> Voice | None:
        whose = match["whose"] or match["who"]
        refers = {
            "his": "he",
            "her": "she",
            "its": "it",
            "their": "they",
            "him": "he",
            "them": "they",
            "my": "I",
            "our": "we",
        }
        if (word := whose.lower()) in refers:
            return Voice(refers[word], match.span(), ((0, match.start()), (match.end(), len(flat))), "say", True)
        name = re.sub(r"'s?$", "", whose)
        if not self._speaks(name, "say"):
            return None
        return Voice(_clean(name), match.span(), ((0, match.start()), (match.end(), len(flat))), "say")

    def _according_to(self, flat: str, low: str, match: "re.Match[str]") -> Voice | None:
        name, end = self._right(flat, match.end())
        if pronoun := re.match(r"(?:them|him|her|it)\b", flat[match.end() :]):
            end = match.end() + pronoun.end()
            person = {"them": "they", "him": "he", "her": "she", "it": "it"}[pronoun[0]]
            ahead = re.match(
                r"(?P<who>.{4,70}?) (?=(?:supports?|supported|contradicts?|disagrees?|differs?|shows?"
                r"|tells?|backs?|confirms?|says?|said|gives?|has|have|had|sees?|saw)\b)",
                flat[: match.start()],
            )
            if ahead and self._named(ahead["who"]):
                return Voice(_clean(ahead["who"]), (match.start(), end), ((end, len(flat)),), "say")
            return Voice(person, (match.start(), end), ((end, len(flat)),), "say", True)
        if not name or _SUBJECT_OF_DATA.fullmatch(name.lower()):
            return None
        if match[0].startswith("per") and not name[0].isupper():
            return None
        if match[0].startswith(("citing", "quoting")):
            left = self._left(flat, low, match.start())
            if left:
                return None
        proper = re.match(r",\s+((?:[A-Z][\w.'-]*\s?){1,4})(?=[.,;]|$)", flat[end:])  # "the news agency, Example"
        if proper and not name.split()[-1][0].isupper() and not proper[1].startswith("The"):
            name, end = proper[1], end + proper.end()
        return Voice(_clean(name), (match.start(), end), ((0, match.start()), (end, len(flat))), "say")

    def _right(self, flat: str, at: int) -> tuple[str, int]:
        """A name right of ``at``: up to punctuation, a verb or a clause."""
        rest = flat[at:]
        cut = re.search(
            r"[,;()\"]|:(?!\d)|(?<= )-(?= )|\.(?=\s|$)(?<!\b[A-Z]\.)|\b(?:but|while|which|who"
            r"|whose|that|although|because|when|after|before|since|adding|as|where|with|said|says"
            r"|show|shows|showed|on (?:monday|tuesday|wednesday|thursday|friday|saturday"
            r"|sunday))\b",
            rest,
            re.IGNORECASE,
        )
        name = rest[: cut.start()] if cut else rest
        verb = next(iter(_finite(name.lower())), None)
        if verb is not None and verb.start() > 0:
            name = name[: verb.start()]
        name = " ".join(name.split()[:12])
        return name.strip(" .'"), at + len(rest[: cut.start()] if cut else rest)

    def _spoken(self, flat: str, low: str, match: "re.Match[str]", act: str) -> Voice | None:
        verb, begin, end = match[0], match.start(), match.end()
        before = low[:begin].rstrip()
        if re.search(
            r"\b(?:is|are|was|were|been|being|be|widely|so|it is|'s)(?: also| first| widely| being"
            r"| initially| officially| later)?$",
            before,
        ):
            return self._passive(flat, low, match, act)
        if verb.split()[0] in _NOUN_OR_VERB and _NOUNS.search(before) and not before.endswith(("have", "has", "had")):
            return None
        if act in ("deny", "rule_out") and re.search(r"\b(?:not|n't|cannot|never)$", before):
            act = "think"  # what is not excluded stays open
            before = re.sub(
                r"(?:\b(?:do|does|did|could|can|would|has|have|had|is|are))? ?(?:not|n't|cannot|never)$", "", before
            ).rstrip()
            low = low[: len(before)] + " " * (begin - len(before)) + low[begin:]
            flat = flat[: len(before)] + " " * (begin - len(before)) + flat[begin:]
        if (
            re.search(r"\b(?:to|not|n't|never|would|will|can|could|should|must|did|does|do|of)$", before)
            and act != "think"
            and not (act == "rule_out" and before.endswith(("would", "did", "could", "can")))
        ) and not (act == "deny" and before.endswith(("to",)) is False and before.endswith(("did", "do", "does"))):
            return None
        after = flat[end:]
        if re.match(r" (?:them|it|him|her|our|my)sel(?:f|ves)\b", after):
            return None
        inverted = (
            bool(re.search(r"[,\"]\s*$", flat[:begin]))
            and re.match(
                r"\s+(?:[A-Z]|the |an? |one |its |their |(?:(?!(?:on|in|at|by|for|to|of|from|since|safe"
                r"|that) )[a-z]+ ){1,3}[A-Z])",
                after,
            )
            and act in ("say", "think")
        )
        name, start = self._left(flat, low, begin)
        if relative := re.search(
            r",? (?:which|who)$", flat[:begin].rstrip()
        ):  # "crosses Georgia, which reported no trouble"
            noun = re.search(
                r"(?:[A-Z][\w'-]*(?: (?:[A-Z][\w'-]*|of|the))*|\b(?:[Tt]he|[Aa]n?|[Ii]ts|[Tt]heir|[Oo]ne) (?:[\w'-]+"
                r" ){0,4}?[\w'-]+)$",
                flat[: relative.start()],
            )
            if noun is None:
                return None
            name, start = noun[0], noun.start()
        alone = _RIGHT_ALONE.match(after) if inverted else None
        if (
            alone
            and name
            and not self._role.search(name)
            and not re.search(r"(?:^|[\s-])[A-Z][a-z]+ [A-Z]", name)
            and self._speaks(alone["who"], "measure")
            and not _FINITE.search(alone["who"].lower())
        ):
            name = ""  # "Three hours, says the regulator"
        if (
            inverted
            and re.match(
                r"\s+(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April"
                r"|May\b|June|July|August|Sept|Octo|Nov|Dec|I\b|It\b|In\b|On\b)(?:[A-Z]|the |an? "
                r"|(?:[a-z]+ ){1,3}[A-Z])",
                after,
            )
            and verb in ("said", "says", "added", "wrote", "reported", "reports")
            and not self._speaks(name or "it", "measure")
        ):
            name = ""
        if inverted and (
            not name
            or not re.search(r"[A-Za-z]", name)
            or flat[:begin].rstrip().endswith(('"', ',"', '",'))
            or (flat[:begin].rstrip().endswith(",") and _FINITE.search(name.lower()))
        ):
            name, stop = self._right(flat, end + 1)
            if not name:
                return None
            more = _apposition(flat, stop)
            return Voice(_clean(name), (begin, more), ((0, begin), (more, len(flat))), act, bool(_PRONOUN.match(name)))
        if not name or not self._speaks(name, act):
            return None
        adjunct = 0
        if verb in ("told", "tells") or verb.startswith("assured"):
            listener = _LISTENER.match(after)
            adjunct = listener.end() if listener else 0
        if extra := _ADJUNCT.match(after[adjunct:]):
            adjunct += extra.end()
        rest = after[adjunct:]
        phrase = (start, end + adjunct)
        head = flat[:start].rstrip()
        tail_only = not rest.strip(" .!?\"')") or bool(
            head.endswith((",", ',"')) and _TRAILING.fullmatch(after.rstrip()) and _FINITE.search(head.lower())
        )
        if tail_only:
            phrase = (start, len(flat))
        parenthetical = (bool(re.match(r"\s*[,;]", rest)) or bool(re.match(r"\s*[,;]", after))) and not tail_only
        leads = bool(head) and head[-1] in ',"-' and len(head) > 12
        if tail_only or (parenthetical and leads) or (leads and head[-1] == '"' and re.match(r"\s*[.:]", rest)):
            spans = ((0, start), (phrase[1], len(flat))) if not tail_only else ((0, start),)
            if not head:
                return None
        elif leads and head.endswith('"') and not re.match(r"\s+that\b", rest):
            spans = ((0, start), (phrase[1], len(flat)))
        else:
            spans = ((phrase[1], len(flat)),)
        return Voice(_clean(name), phrase, spans, act, bool(_PRONOUN.match(name)))

    def _passive(self, flat: str, low: str, match: "re.Match[str]", act: str) -> Voice | None:
        by = re.match(r"(?: \w+){0,4}? by (?=[A-Za-z])", low[match.end() :])
        if by is None or act == "think":
            return None
        at = match.end() + by.end()
        if re.match(
            r"[^,;.]{3,60}? to (?:cut|shut|suspend|block|disconnect|restrict|limit|switch|turn"
            r"|throttle|close|halt|pull|disable)\b",
            flat[at:],
        ):
            return None  # an order
        name, end = self._right(flat, at)
        if not name or not (name[0].isupper() or self._role.search(name)):
            return None
        return Voice(_clean(name), (match.end(), end), ((0, match.start()), (end, len(flat))), act)

    def _left(self, flat: str, low: str, at: int) -> tuple[str, int]:
        """The name left of a verb at ``at`` and where it begins; '' where there is none."""
        text = flat[:at].rstrip()
        if aside := _ASIDE.match(text):  # "On that point the carrier declines ..."
            text = " " * aside.end() + text[aside.end() :]
        if alone := re.search(r"(?:^|[^\w'])(he|she|they|it|we|I)$", text):
            return alone[1], alone.start(1)
        while aux := _AUX.search(text):
            if aux.end() != len(text) or aux.start() == 0:
                break
            text = text[: aux.start()].rstrip()
        closed = text.endswith(",")
        if text.endswith((")",)):
            opened = text.rfind("(")
            if opened > 0:
                inner = text[:opened].rstrip()
                if not inner.endswith(","):
                    text = inner
        parts = self._parts(text.rstrip(","))
        if not parts:
            return "", at
        name, start = parts[-1]
        if closed:
            options = [
                part
                for part in parts[-3:-1]
                if part[0].strip()
                and not _TIMED.fullmatch(part[0] + " x"[:1] if part[0].strip() else part[0])
                and not _finite(part[0].lower())
                and not re.match(
                    r"\s*(?:Within|In|On|At|By|After|Since|During|For|From|Over|Under|Until|While|When|As"
                    r"|With|Only|Just|About|Around|Nearly|Almost|More|Less|Up|Some \d)\b",
                    part[0],
                )
                and len(part[0].split()) <= 12
                and text[part[1] + len(part[0]) :].lstrip().startswith(",")
                and (closed or text[start - 1 : start] == ",")
            ]
            if closed and re.fullmatch(r"\s*(?:[A-Z][\w.'-]*\s*){1,5}", name):
                options = []
            if options and (self._named(options[-1][0])):
                name, start = options[-1]
        elif (
            len(parts) > 1
            and re.search(r"\b(?:that|which|who)\s*$", text[:start], re.IGNORECASE)
            and not re.match(r"\s*(?:[A-Z@]|the |an? |its |their |his |her |some |many |our )", name)
        ):
            before = parts[-2]  # "the consortium that owns the cable said"
            if (
                not _finite(before[0].lower())
                and self._named(before[0])
                and not re.fullmatch(
                    r"\s*(?:On|In|At|By|For|To|With|From|After|Before|Of|About|Over|And|But)\s*", before[0]
                )
            ):
                name, start = before
        cuts = _finite(name.lower())
        if cuts:
            cut = cuts[-1]
            if re.search(r"\b(?:and|but|yet)\s*$", name) and name[: cuts[0].start()].strip():
                return name[: cuts[0].start()].strip(" .,'\""), start  # "the union does not believe it and suspects"
            joint = re.search(r"\b(?:and|but)\s+(?=\S)", name[cut.end() :])
            if joint is None:
                return "", at
            start += cut.end() + joint.end()
            name = name[cut.end() + joint.end() :]
        if timed := _TIMED.match(name):
            name, start = name[timed.end() :], start + timed.end()
        lead = _LEADING.match(name.lstrip())
        if lead:
            shift = len(name) - len(name.lstrip()) + lead.end()
            name, start = name[shift:], start + shift
        if pronoun := re.search(r"\b(?:and|but) (it|they|he|she)\s*$", name, re.IGNORECASE):
            start, name = start + pronoun.start(1), pronoun[1]
        stripped = name.strip(" .,'\"")
        if not stripped or len(stripped.split()) > 16:
            return "", at
        start += len(name) - len(name.lstrip())
        return stripped, start

    @staticmethod
    def _parts(text: str) -> list[tuple[str, int]]:
        out: list[tuple[str, int]] = []
        last = 0
        for match in _CUT.finditer(text):
            if match[0] == ".":
                continue
            if (
                match[0].lower() in ("that", "which", "as", "so", "before", "after", "since")
                and match.start() == last == 0
            ):
                continue
            out.append((text[last : match.start()], last))
            last = match.end()
        out.append((text[last:], last))
        return [(part, start) for part, start in out if part.strip()]

    def _named(self, text: str) -> bool:
        words = text.strip().split()
        return bool(words) and (any(word[0].isupper() for word in words) or bool(self._role.search(text)))

    def _speaks(self, name: str, act: str) -> bool:
        if _PRONOUN.match(name):
            return name.lower() not in ("it", "who", "you") or act in ("say", "deny", "rule_out")
        low = name.lower()
        if re.fullmatch(r"[\d:., ]*(?:gmt|utc|[a-z]{2,3}t|[ap]\.?m\.?|local time)?", low):
            return False
        if re.fullmatch(
            r"(?:there|this|that|these|those|which|what|nothing|something|all|the (?:outage"
            r"|blackout|disruption|shutdown|attack|recovery|incident|country|internet|network"
            r"|service|problem|fault|traffic|connectivity)s?)",
            low,
        ):
            return False
        proper = bool(re.search(r"(?:^|[\s'-])@?[A-Z]\w", name)) and not re.fullmatch(
            r"(?:(?:On |Late |Early )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day.*|Traffic"
            r"|Connectivity|Service|Internet\b.*|The (?:outage|blackout|disruption|attack|recovery"
            r"|internet|traffic)\b.*)",
            name,
        )
        if (
            act != "measure"
            and re.match(
                r"(?:the|an?|its|his|her|their|our|one|two|three|four|another|some|most|many|several|both|\d+) [a-z]",
                low,
            )
            and not re.search(
                r"\b(?:outages?|internet|network|service|traffic|attacks?|problem|fault|disruption"
                r"|incident|connection|power|cable|country|night|day|week|time|way|storm|fire|quake"
                r"|number)\b$",
                low,
            )
        ):
            return True
        if act != "measure" and re.fullmatch(
            r"(?:[a-z]+ ){0,2}[a-z]{3,}(?:ers|ors|ists|ians|ants|ents|ees|men|women|chiefs|bosses)", low
        ):
            return True
        if act == "measure":
            return bool(
                self._role.search(name)
                or _SUBJECT_OF_DATA.search(low)
                or (
                    proper
                    and not re.match(
                        r"(?:The|In|On|At|Most|Some|All|Many|Customers|Users|Traffic|Internet|Service)\b", name
                    )
                )
            )
        return proper or bool(self._role.search(name)) or bool(_SUBJECT_OF_DATA.search(low))


def _clean(name: str) -> str:
    """A speaker as shown, without quotes and the data that the speaker cites."""
    name = " ".join(name.split()).strip(" ,.'\"")
    name = re.sub(r" \w+ (?:and|but)$", "", name)
    name = re.sub(
        r"'s (?:data|figures|measurements|probes|charts?|graphs?|own data|monitoring|logs"
        r"|sensors|statistics|dashboards?|numbers|analysis|traffic data|readings|telemetry"
        r"|collectors|records)$",
        "",
        name,
    )
    return name[:120]


def _quotes(flat: str) -> list[tuple[int, int]]:
    marks = [at for at, char in enumerate(flat) if char == '"']
    return [(marks[k], marks[k + 1]) for k in range(0, len(marks) - 1, 2)]


def _apposition(flat: str, at: int) -> int:
    """The end of ", director of research at the firm" after a name."""
    match = re.match(
        r",\s*(?:an?|the|chief|head|director|president|deputy|vice|senior|spokes\w+|ceo"
        r"|founder|who|its|professor|minister|co-?founder|engineer|manager)\b[^,.;\"]{0,80}",
        flat[at:],
    )
    return at + match.end() if match else at


def _bounded(voices: list[Voice], flat: str, low: str) -> list[Voice]:
    """Each voice ends where the next speaker's phrase begins, if that one is set apart: "X said A, but Y said B"."""
    out = []
    for number, voice in enumerate(voices):
        following = next(
            (
                later
                for later in voices[number + 1 :]
                if later.phrase[0] >= voice.phrase[1]
                and (0, later.phrase[0]) not in later.spans
                and later.spans
                and later.spans[0][0] >= later.phrase[1]
            ),
            None,
        )
        if following is None:
            out.append(voice)
            continue
        head = low[: following.phrase[0]].rstrip()
        joint = re.search(r"(?:[,;:]|\b(?:but|while|whereas|and|although|though|as|when|after))$", head)
        if joint and following.speaker != voice.speaker:
            limit = following.phrase[0]
            spans = tuple((begin, min(until, limit)) for begin, until in voice.spans if begin < limit)
            out.append(Voice(voice.speaker, voice.phrase, spans, voice.act, voice.refers))
        else:
            out.append(voice)
    return out
