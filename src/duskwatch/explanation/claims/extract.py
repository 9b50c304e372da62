"""An article into claims: each sentence is analysed, each kind looks for what it knows, and place and time are settled.

The rules are transparent: word lists and patterns of one language (``grammar/``), and the order of this file.
Nothing is learned and nothing is fetched.
"""

import re
from dataclasses import replace
from datetime import date, timedelta, tzinfo
from functools import lru_cache

from duskwatch.explanation.claims.attacks import Attacks
from duskwatch.explanation.claims.candidates import Candidates
from duskwatch.explanation.claims.causes import Causes
from duskwatch.explanation.claims.events import Events, Moment
from duskwatch.explanation.claims.expression import Expression
from duskwatch.explanation.claims.fields import asked, fields
from duskwatch.explanation.claims.figures import Figures
from duskwatch.explanation.claims.grammar import Grammar, grammar
from duskwatch.explanation.claims.hints import Hints
from duskwatch.explanation.claims.moments import EPOCH, Dateline, Interval, resolve, zone_in, zone_of
from duskwatch.explanation.claims.numbers import Numbers
from duskwatch.explanation.claims.others import Others
from duskwatch.explanation.claims.places import Gazetteer, Mention, operators
from duskwatch.explanation.claims.scene import Draft, Noun, Scene, regions
from duskwatch.explanation.claims.sentences import Sentence, fold, sentences
from duskwatch.explanation.claims.subjects import counts, entity_of
from duskwatch.explanation.claims.times import Times
from duskwatch.explanation.claims.voices import Memory, Voice, Voices
from duskwatch.explanation.claims.weighing import Weighed, Weights, weigh, weighed
from duskwatch.records.claim import Article, Claim, Places
from duskwatch.records.times import iso

_ABOUT_NET = re.compile(
    r"\b(?:inter-?net|online|off-?line|connectivity|broadband|mobile data|web|netblocks"
    r"|bgp|routes|prefixes|isps?|wi-?fi|bandwidth|telecom\w*|data services?|3g|4g|fib(?:re"
    r"|er)|networks?|ddos|denial-of-service|connections?|routing|(?:sub-?sea|submarine|undersea) cables?|carriers?"
    r"|providers?|landing station|hackers?)\b"
)
_LISTED = re.compile(
    r"(?:'s)?(?:,| and| or|, and| and in|, in|,? as well as)(?: (?:the|in|in the"
    r"|the north of))? ?(?:in )?(?:the (?:north|south|east|west) of )?"
)


_ALLEGED = re.compile(
    r"\b(?:(?:rejected|rejects|dismissed|dismisses|denied|denies|disputed|disputes|refuted"
    r"|refutes|contradicted|contradicts|repudiated"
    r"|brushed (?:off|aside)|shrugged off|scoffed at|waved away|has denied|has rejected"
    r"|has dismissed) (?:this|that|it|(?:the|these|those|such|any|all)(?: \w+)?"
    r" (?:allegations?|accusations?|charges?|claims?|reports?|suggestions?|accounts?|rumou?rs?"
    r"|speculation|theor(?:y|ies)|version|idea|notion|link))\b(?! (?:that|of))"
    r"|(?:calls?|called|terms?|termed|labels?|labelled|labeled|brands?|branded|describes?|described) "
    r"(?:this|that|it|them|these|(?:the|these|those|such|any|all) (?:[\w-]+ ){0,2}?(?:allegation|accusation|claim"
    r"|charge|report"
    r"|suggestion|idea|rumou?r|theory|suspicion|story|account|version|talk|speculation|insinuation|notion|explanation"
    r"|theories|stories)s?) (?:as )?(?:\"|(?:\w+ )?(?:absurd|nonsense|false|untrue|baseless|groundless|unfounded"
    r"|ridiculous|ludicrous|laughable|a (?:\w+ )?lie|lies|fabricat\w+|fantasy|fantasies|fiction|invent\w+|inventions?"
    r"|wrong|slander|fake|speculation|rubbish|malicious|far-fetched|a (?:\w+ )?(?:fairy ?tale|joke|myth|smear)|not true"
    r"|incorrect|inaccurate|mischievous|preposterous|propaganda))"
    r"|(?:says?|said|insists?|insisted) (?:this|that|it) (?:is|was) (?:not true|untrue|false|nonsense|wrong|a lie"
    r"|absurd)"
    r"|\b(?:this|that|it|all of it)(?: is| was|'s) (?:not (?:so|true|the case|correct)|(?:a |an |pure |utter "
    r"|complete |simply "
    r"|just |plain |total |sheer )*(?:fairy ?tale|lie|nonsense|inventions?|fantasy|fabrications?|untrue|false|rubbish"
    r"|absurd|fiction|propaganda|slander)))"
)
_OUTAGE = re.compile(r"\b(?:outages?|black-?outs?|shut-?downs?|off-?line|online|unreachable|disruptions?|cut-?offs?)\b")
_BODY = re.compile(
    r"(?P<who>(?:The|An?|Its|Our|One) (?:[\w'-]+ ){0,3}?(?:council|ministry|government|operator|provider|carrier"
    r"|company|regulator|agency"
    r"|authority|commission|consortium|firm|group|union|association|embassy|army|police|office|committee|institute"
    r"|project|paper"
    r"|newspaper|broadcaster|bank|utility|team))(?= (?:has|had|have|is|was|also|then|later|now|issued|released"
    r"|published|put out|sent"
    r"|posted|apologi[sz]ed|held|met)\b)"
)
_PLACED = re.compile(
    r"\b(?:in|across|throughout|on|of|around) (?:the )?(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February"
    r"|March|April"
    r"|May\b|June|July|August|September|October|November|December|UTC|GMT|Internet|I\b)(?P<name>[A-Z][a-z][\w'-]*(?:"
    r" [A-Z][a-z][\w'-]*){0,2})"
)
_AT_HOME = re.compile(
    r"(?:'s?)? (?:[\w-]+ ){0,2}?(?:tele\w+|operators?|providers?|regulators?|authorit\w+|government|ministry"
    r"|inter-?net|networks?"
    r"|traffic|users|customers|people|villages?|towns?|cit(?:y|ies)|provinces?|capital|utility|mobile)\b"
)
_WITHIN = re.compile(
    r"\b(?:in|across|throughout|around|off) (?:the )?(?:\w+ern |north of |south of |east of |west of )?$"
)
_MODEMS = re.compile(r"\b(?:the net|modems?|base stations?|the mobiles?|phone signal|gateways?|web ?pages?|masts?)\b")
ENOUGH = 2  # sentences about the Internet that make it what a text is about
_WHY = re.compile(
    r"\b(?:why|what (?:\w+ ){0,2}?(?:caused|happened|went wrong|broke|failed|was it)|who did|cause|reason|to blame)\b"
)
_COMPARED = re.compile(
    r"\b(?:that of|those of|than|like|unlike|as on|compared (?:with|to)|below|level of|of a|normal) $"
)
_OPENS = re.compile(
    r"\b(?:said|says|repl(?:y|ies|ied)|answers?|answered|writes|wrote|stated|states|declared|reads?):(?= |$)"
)
_GOES_ON = re.compile(
    r"(?:then|that|those|it|this|at (?:that|the) time|the (?:cut|outage|blackout|shutdown"
    r"|disruption) (?:then|that year|at the time)|back then|on that occasion|service then)\b"
)
_DRILL = re.compile(
    r"\b(?:drills?|exercise|rehears\w+|simulat\w+|tabletop|war game"
    r"|test of (?:\w+ ){0,2}(?:plans?|readiness|procedures)|trains? for|pretend\w*)\b"
)


class Extractor:
    """Extracts claims from articles of one language. Made once for many articles."""

    def __init__(self, language: Grammar, places: Places, weights: Weights | None = None) -> None:
        self._weights = language.weights if weights is None else weights
        self._numbers = Numbers(language)
        self._times = Times(language)
        self._voices = Voices(language)
        self._gazetteer = Gazetteer(language, places)
        self._events = Events(language)
        self._causes = Causes(language, self._events)
        self._attacks = Attacks(language, self._events)
        self._figures = Figures(language, self._events, self._numbers)
        self._others = Others(language, self._events, self._numbers)
        self._hints = Hints(language)
        self._candidates = Candidates(
            language, self._causes, self._attacks, self._figures, self._others, self._numbers, self._voices._left
        )
        self._noun = language.compile(
            "(?<![\\w-])(?:(?P<other>{other})|(?P<part>{part})|(?P<net>{net})|(?P<general>{general}))(?![\\w])"
        )

    def read(
        self, article: Article, number: int, *, now: Dateline | None = None, entity: str | None = None
    ) -> list[Claim]:
        """Claims of an article, in the order of its text.

        ``now`` is what relative times count from, where it is not the article's own date; ``entity`` is what the
        article is about where it names no place.
        """
        return _Reading(self, article, number, now or Dateline(article.published_us, article.day_only), entity).claims()

    def observe(self, article: Article, number: int) -> list[tuple[Weighed, Claim | None, bool, str]]:
        """Every candidate: the claim that it would make, whether the patterns make that claim, and its sentence."""
        reading = _Reading(self, article, number, Dateline(article.published_us, article.day_only), None)
        reading.observed = []
        reading.claims()
        return reading.observed


class _Reading:
    """The state of reading one article from its first sentence to its last."""

    def __init__(self, tools: Extractor, article: Article, number: int, now: Dateline, entity: str | None) -> None:
        self.tools, self.article, self.number, self.now = tools, article, number, now
        self.sentences = sentences(article.text, article.body)
        if not self.sentences and article.title:
            self.sentences = []
        self.korea = "North Korea" in article.text or "Pyongyang" in article.text
        flats = [one.flat for one in self.sentences]
        self.operators = operators(flats, set())
        self.title_mentions = self._mentions(*fold(article.title))
        self.there = ""
        self.why = 0  # the last paragraph that answers "what caused it?"
        self.spoken: list[bool] = []  # whether each sentence speaks of the Internet
        self.paragraphs: dict[int, bool] = {}
        self.numbers: dict[int, int] = {}
        self.inner_zones: dict[str, str] = {}  # of the places inside a country that the text is about
        self.focus: str | None = entity
        self.country: str | None = None
        self.network: str | None = None
        for one in [*self.title_mentions, *(found for flat in flats[:2] for found in self._mentions(*fold(flat)))]:
            main = tools._gazetteer.zones.get(one.entity, "")
            if one.kind == "country" and one.zone and main and one.zone != main:
                self.inner_zones.setdefault(one.entity, one.zone)
        for one in self.title_mentions:
            if one.kind in ("country", "people") and self.country is None:
                self.country = self.focus = one.entity
        if self.country is None:
            self.country = self._lead_country()
            self.focus = self.country or self.focus
        self.main = self._main_country()
        whole = (article.title + " " + article.text[article.body : article.body + 600]).lower()
        about = [match.lastgroup for match in tools._noun.finditer(whole)]
        spoken = sum(bool(_ABOUT_NET.search(one.low) or _MODEMS.search(one.low)) for one in self.sentences)
        self.topic = "net" if _ABOUT_NET.search(whole) or "other" not in about or spoken >= ENOUGH else "other"
        self.base = self.topic
        self.memory = Memory()
        self.anchor_us: int | None = None
        self.year = self._year()
        self.month = 0 if now.time_us is None else (EPOCH + timedelta(microseconds=now.time_us)).month
        self.line_voice = ""
        self.voice_line = -1
        self.corrected: list[int] = []
        self.past, self.past_paragraph = False, -1
        self.onset_us: int | None = None
        self.last_cause: str | None = None
        lead = (article.title + ". " + (self.sentences[0].flat if self.sentences else "")).lower()
        self.drill = bool(_DRILL.search(lead))
        self.asked = ""  # the kind of claim that the sentence before asks for
        clocks = article.text.lower()
        self.twelve = not re.search(r"\b(?:1[3-9]|2[0-3])[:.h][0-5]\d", clocks)
        self.exact_us: int | None = None
        self.observed: list[tuple[Weighed, Claim | None, bool, str]] | None = None

    def _year(self) -> int | None:
        return None if self.now.time_us is None else (EPOCH + timedelta(microseconds=self.now.time_us)).year

    def _main_country(self) -> str:
        """The country that the whole text is about: that of its title, or most of those it names; '' if none."""
        titled = {one.entity for one in self.title_mentions if one.kind in ("country", "people")}
        if len(titled) == 1:
            return titled.pop()
        counts: dict[str, int] = {}
        for one in self.sentences[:80]:
            for mention in self._mentions(one.flat, one.low):
                if mention.kind == "country":
                    counts[mention.entity] = counts.get(mention.entity, 0) + 1
        best = max(counts, key=lambda code: counts[code], default="")
        return best if best == self.country and counts[best] * 2 > sum(counts.values()) else ""

    def _lead_country(self) -> str | None:
        """The first country that stands in a sentence about the Internet."""
        for one in self.sentences[:8]:
            if _ABOUT_NET.search(one.low):
                found = [mention for mention in self._mentions(one.flat, one.low) if mention.kind == "country"]
                found = found or [mention for mention in self._mentions(one.flat, one.low) if mention.kind == "people"]
                if found:
                    return found[0].entity
        counts: dict[str, int] = {}
        for one in self.sentences[:60]:
            for mention in self._mentions(one.flat, one.low):
                if mention.kind in ("country", "people"):
                    home = _AT_HOME.match(one.low, mention.end)
                    weight = 4 if home else 2 if _WITHIN.search(one.low[: mention.start]) else 1
                    counts[mention.entity] = counts.get(mention.entity, 0) + weight
        if counts:
            return max(counts, key=lambda code: counts[code])
        placed = self._mentions(*fold(self.article.outlet))
        return next((one.entity for one in placed if one.kind in ("country", "people")), None) or self._written()

    def _written(self) -> str | None:
        """A place that no table knows, as the text writes it: what stands most often after "in"."""
        named: dict[str, int] = {}
        for one in self.sentences[:60]:
            for match in _PLACED.finditer(one.flat):
                if match["name"] not in self.operators:
                    named[match["name"]] = named.get(match["name"], 0) + 1
        best = max(named, key=lambda name: named[name], default=None)
        return best if best is not None and named[best] > 1 else None

    def _mentions(self, flat: str, low: str) -> list[Mention]:
        if flat.isupper() or (len(flat) > 30 and flat == low):  # a flash in capitals, a post without any
            flat = flat.title()
        found = self.tools._gazetteer.find(flat, korea=self.korea)
        for name, entity in self.operators.items():
            at = flat.find(name)
            while at >= 0:
                end = at + len(name)
                if not (flat[end : end + 1].isalnum() or flat[at - 1 : at].isalnum()) and not any(
                    one.start < end and at < one.end for one in found
                ):
                    found.append(Mention(at, end, entity, "network"))
                at = flat.find(name, end)
        return sorted(found, key=lambda one: one.start)

    # ------------------------------------------------------------------ reading

    def claims(self) -> list[Claim]:
        """All claims of the article."""
        out: list[Claim] = []
        paragraph = -1
        for sentence in self.sentences:
            if sentence.paragraph != paragraph or sentence.first:
                if sentence.paragraph != paragraph or sentence.line != self.voice_line:
                    self.topic = self.base
                if sentence.paragraph != paragraph and self.main:
                    self.country = self.main
                    if self.focus is not None and len(self.focus) == 2 and self.focus.isupper():
                        self.focus = self.main
                if sentence.paragraph != paragraph:
                    self.memory.open_quote = self.memory.open_quote if sentence.flat.startswith('"') else ""
                paragraph = sentence.paragraph
            scene = self._scene(sentence)
            drafts = [] if self.drill else self._weighed(scene, self._drafts(scene))
            for draft in drafts:
                claim = self._settled(scene, draft)
                if claim is None:
                    continue
                for one in self._each(scene, claim, draft):
                    if not _same(out, one):
                        out.append(one)
            self._remember(scene, drafts)
        return _ordered(out)

    def _weighed(self, scene: Scene, drafts: list[Draft]) -> list[Draft]:
        """What the patterns found without what the words around speak against, and what these speak for."""
        tools = self.tools
        place = self._place(scene.sentence)
        candidates = tools._candidates.find(scene)
        reasons: dict[tuple[int, int], str] = {}

        def unreal(start: int, end: int) -> str:
            if (start, end) not in reasons:
                reasons[start, end] = tools._events.unreal(scene, start, end, self.year)
            return reasons[start, end]

        found = weigh(
            tools._hints, tools._weights, scene, candidates, place,
            unreal,
        )  # fmt: skip
        kept = weighed(tools._weights, drafts, found, lambda one: tools._candidates.settled(scene, one))
        if self.observed is not None:
            state = self.anchor_us, self.onset_us, self.exact_us
            for one in found:
                claim = self._settled(scene, tools._candidates.settled(scene, one.candidate))
                self.observed.append((one, claim, one.fits(drafts), scene.low))
                self.anchor_us, self.onset_us, self.exact_us = state
        return kept

    def _place(self, sentence: Sentence) -> list[str]:
        """Features of where a sentence stands: how far down, and whether the Internet is spoken of around it."""
        if not self.spoken:
            self.spoken = [bool(_ABOUT_NET.search(one.low) or _OUTAGE.search(one.low)) for one in self.sentences]
            for one, spoken in zip(self.sentences, self.spoken, strict=True):
                self.paragraphs[one.paragraph] = self.paragraphs.get(one.paragraph, False) or spoken
            self.numbers = {id(one): number for number, one in enumerate(self.sentences)}
        number = self.numbers[id(sentence)]
        before = number > 0 and self.spoken[number - 1]
        after = number + 1 < len(self.spoken) and self.spoken[number + 1]
        return [
            "place:" + ("0" if number == 0 else "1" if number < 3 else "2") + "." + self.base,
            f"here:{self.spoken[number]}",
            f"before:{before}",
            f"after:{after}",
            f"paragraph:{self.paragraphs[sentence.paragraph]}",
            f"asked:{self.why and sentence.paragraph <= self.why}",
            f"around:{self.spoken[number] or self.paragraphs[sentence.paragraph] or before}",
        ]

    def _each(self, scene: Scene, claim: Claim, draft: Draft) -> list[Claim]:
        """The claim once for each country of a list: "in Hungary, Slovakia and Romania"; "both countries" are two."""
        if claim.kind in ("cause", "refusal", "attack", "dependence", "site", "impact"):
            return [claim]
        named = [one for one in scene.mentions if one.kind == "country" and counts(scene, one)]
        at = next((k for k, one in enumerate(named) if one.entity == claim.entity), None)
        if at is None:
            return [claim]
        low, high = at, at
        while low and _LISTED.fullmatch(scene.low, named[low - 1].end, named[low].start):
            low -= 1
        while high + 1 < len(named) and _LISTED.fullmatch(scene.low, named[high].end, named[high + 1].start):
            high += 1
        countries = list(dict.fromkeys(one.entity for one in named[low : high + 1]))
        if len(countries) == 1:
            return [claim]
        out = []
        for country in countries:
            again = self._settled(scene, replace(draft, entity=country, own_entity=True))
            if again is not None:
                out.append(again)
        return out

    def _scene(self, sentence: Sentence) -> Scene:
        tools = self.tools
        low = sentence.low
        if (
            sentence.voice
            and (placed := tools._gazetteer.find(sentence.voice))
            and placed[0].end - placed[0].start == len(sentence.voice)
        ):
            self.country = self.focus = placed[0].entity  # "Kiribati: complete outage on 12 July"
        self._headed(sentence)
        if sentence.stamp and sentence.first and self.now.time_us is not None:
            self.anchor_us = None  # an entry of a live blog counts from its own day
        voices = tools._voices.find(sentence.flat, low)
        spans = tools._numbers.spans(low)
        times = tools._times.find(low, [(one.start, one.end) for one in spans])
        spans = [
            one
            for one in spans
            if not any((time.ago or time.clock) and time.start < one.end and one.start < time.end for time in times)
        ]
        nouns = [Noun(match.start(), match.end(), match.lastgroup or "general") for match in tools._noun.finditer(low)]
        mentions = self._mentions(sentence.flat, low)
        topic = self.topic
        if any(noun.kind == "net" for noun in nouns) and not (any(noun.kind == "other" for noun in nouns)):
            topic = "net"
        scene = Scene(
            sentence=sentence, nouns=nouns, mentions=mentions, spans=spans, times=times, voices=voices, topic=topic,
            focus=self.focus, network=self.network, country=self.country, quoted_by=self._open_quote(sentence, voices),
            voice=self._line_voice(sentence), question=low.rstrip("\"') ").endswith("?"), resolved=self._pronouns(),
            month=self.month, there=self.there,
            past=self.past and sentence.paragraph == self.past_paragraph and bool(_GOES_ON.match(low)),
        )  # fmt: skip
        for count, voice in enumerate(voices):
            if (
                voice.refers
                and count
                and not voices[count - 1].refers
                and voice.speaker.lower() in ("they", "it", "he", "she")
            ):
                scene.resolved[voice.speaker.lower()] = voices[count - 1].speaker
        for voice in voices:
            if voice.refers and voice.speaker.lower() == "it":  # "... pass through China, and it dismissed ..."
                near = [one for one in mentions if one.end <= voice.phrase[0] and one.kind in ("country", "network")]
                if near and not any(other.phrase[0] < voice.phrase[0] for other in voices):
                    scene.resolved["it"] = sentence.flat[near[-1].start : near[-1].end]
        triggers = [(one.start, one.end) for one in tools._events.triggers(scene)]
        closed = [(one.start, one.end) for one in times] + [(one.start, one.end) for one in spans]
        scene.cuts = regions(low, triggers, closed)
        return scene

    def _headed(self, sentence: Sentence) -> None:
        """A place alone in capitals or brackets heads what follows: "CAMEROON. The two regions ..."."""
        flat = sentence.flat.rstrip(".:")
        if sentence.first and flat.isupper() and len(flat) < 40:
            found = self._mentions(sentence.flat, sentence.low)
            if found and found[0].kind == "country" and found[0].end - found[0].start >= len(flat) - 5:
                self.country = self.focus = found[0].entity
                self.network = None

    def _line_voice(self, sentence: Sentence) -> str:
        voice = re.sub(
            r"^(?:(?!(?:Mr|Mrs|Ms|Dr|St|Prof|Gen|Col|Capt)\.)[A-Z][\w' -]*\. )+(?=[A-Z])", "", sentence.voice
        )
        if voice.isupper() and "," in voice:
            voice = voice.rpartition(",")[2].strip()  # "CLIP, UNION MAN"
        single = voice and " " not in voice and not voice.startswith("@") and not voice.isupper()
        if (
            single
            and len(re.findall(rf"\b{re.escape(voice)}\b(?!:)", self.article.text)) == 0
            and not re.match(r"(?i)(?:minister|spokes\w+|president|governor|engineer)$", voice)
        ):
            return self.article.speaker
        if voice and not re.fullmatch(
            r"(?i)(?:update|updated|correction|note|photo|read more|breaking|live|editor'?s note"
            r"|background|what we know|clarification|summary|analysis|key points|status|impact"
            r"|cause|start|end|affected|time|date|location|subject|title|duration|reason|q|a"
            r"|question|answer|issue|incident|resolved|monitoring|identified|investigating"
            r"|next update|severity|assessment|outlook|retraction|verdict|conclusion|advice"
            r"|mitigation|workaround|result|context|method|figures|numbers|fact|facts|claim"
            r"|finding|findings|consequences|reaction|response|measures|duration|start|end|cause"
            r"|reason|resolution|current status|status update|next steps|services?|region|issued"
            r"|reference|to|from|advisory|bulletin|notice|the facts|timeline|more|watch|see also"
            r"|related|the latest|developing|alert|scope|description|summary of events|root cause"
            r"|details|what happened|why it matters|in brief|by|attention|dear \w+|\d+"
            r"|correction to .*|what is known|the bottom line|history|effect|recommendation"
            r"|overview|contact|source|remarks?|outlook|transcript|present|subject line|web"
            r"|internet|power|weather|sports?|voice ?over|on camera|narrat(?:or|ion)|graphic|caption|headline|intro"
            r"|outro|tease"
            r"|title card|severity|ongoing|onset|note to .*|for the record|place|measured|observed|unaffected|(?:root"
            r" |likely |probable |suspected )?(?:cause"
            r"|reason)(?: .{1,40})?|diagnosis|present state|current state|state|not related|unrelated"
            r"|what we do not know"
            r"|what is (?:not |un)known|what happened next|explanation|remedy|action taken|actions?"
            r"|customers affected|affected (?:services?|customers|areas?|regions?)|in short|in numbers"
            r"|place|where|when"
            r"|why|how|who|share.*|share of .*|total|total downtime|first|second|third|finally|rfo|eta"
            r"|recap|tl;dr|takeaway|lesson|good news|bad news|fine print|p\.?s|ps|re|cc)",
            voice,
        ):
            return voice
        if voice:
            return self.article.speaker
        return self.article.speaker if not self._carried(sentence) else self.line_voice

    def _carried(self, sentence: Sentence) -> bool:
        """Whether the speaker of a transcript still speaks: same line, or later lines until somebody else does."""
        return bool(self.line_voice) and (sentence.line == self.voice_line or (self.transcript and not sentence.voice))

    transcript = False

    def _open_quote(self, sentence: Sentence, voices: list[Voice]) -> str:
        flat = sentence.flat
        if flat.startswith('"') and not voices and self.memory.last:
            return self.memory.last
        if self.memory.open_quote and not voices:
            return self.memory.open_quote
        return ""

    def _pronouns(self) -> dict[str, str]:
        memory = self.memory
        last = "" if memory.last == memory.group else memory.last
        person = memory.person or last
        body = memory.body or last
        if memory.group:
            return {
                key: value
                for key, value in (
                    ("he", person),
                    ("she", person),
                    ("they", memory.group),
                    ("it", body),
                    ("who", memory.last),
                )
                if value
            }
        return {
            key: value
            for key, value in (("he", person), ("she", person), ("they", body), ("it", body), ("who", memory.last))
            if value
        }

    def _drafts(self, scene: Scene) -> list[Draft]:
        tools, year = self.tools, self.year
        low = scene.low
        out: list[Draft] = []
        sites = (
            tools._others.sites(scene, year)
            if ("." in low or "site" in low or "page" in low or "portal" in low)
            else []
        )
        out += sites
        events = tools._events.read(scene, year)
        if sites or re.search(r"\b(?:web ?sites?|sites?|home ?pages?|portals?|pages?)\b", low):
            spots = [draft.at for draft in sites]
            events = [
                draft
                for draft in events
                if not (draft.kind in ("state", "onset", "end") and self._of_site(scene, draft, spots))
            ]
        from_fields = fields(scene, self.asked)
        events = from_fields + [one for one in events if not any(one.kind == other.kind for other in from_fields)]
        out += events
        attacks = tools._attacks.read(scene, year)
        out += attacks
        causes = tools._causes.read(scene, year)
        if not any(draft.kind == "onset" for draft in events):
            events += out_of_order(scene, causes)
            out += [draft for draft in events if draft.kind == "onset"]
        if attacks:
            causes = [draft for draft in causes if draft.value != "attack"]
        out += causes
        if not causes and not scene.question and (denied := self._denied_again(scene)):
            out.append(denied)
        self.last_cause = next((str(draft.value) for draft in causes if draft.value != "unknown"), self.last_cause)
        dependences = tools._others.dependences(scene, year)
        if dependences:  # "carried by a single cable" blames no cable
            out = [draft for draft in out if not (draft.kind == "cause" and draft.value == "cable")]
        out += dependences
        figures = tools._figures.read(scene, year)
        if any(
            draft.kind == "share" and isinstance(draft.value, dict) and draft.value["lost"] < 0.95 for draft in figures
        ):
            out = [one for one in out if not (one.kind == "state" and one.value == "offline" and one.confidence <= 0.7)]
        out += figures
        refusals = (
            tools._others.refusals(scene, tools._voices._left) if self.topic == "net" or scene.topic == "net" else []
        )
        spots = [draft.at for draft in refusals]
        return [
            draft for draft in out if not (draft.kind == "state" and any(abs(spot - draft.at) < 22 for spot in spots))
        ] + refusals

    def _denied_again(self, scene: Scene) -> Draft | None:
        """A denial of what was just alleged: "the ministry rejected the allegation", "the office calls this absurd"."""
        if self.last_cause is None or scene.topic != "net" or re.search(r"\bsony\b|\bhack", scene.low):
            return None
        match = _ALLEGED.search(scene.low)
        if match is None:
            return None
        voice = next((one for one in scene.voices if one.phrase[0] <= match.start() < one.phrase[1] + 2), None)
        speaker = voice.speaker if voice else self.tools._voices._left(scene.sentence.flat, scene.low, match.start())[0]
        speaker = speaker or scene.speaker_at(len(scene.low) - 1) or scene.voice
        if not speaker:
            return None
        speaker = scene.resolved.get(speaker.lower(), speaker)
        return Draft(
            "cause",
            self.last_cause,
            match.start(),
            speaker=speaker,
            own_speaker=True,
            modality="denied",
            confidence=0.7,
        )

    @staticmethod
    def _of_site(scene: Scene, draft: Draft, spots: list[int]) -> bool:
        before = scene.low[: draft.at + 1]
        begin, _ = scene.region(draft.at)
        site = re.search(
            r"\b(?:web ?sites?|sites?|home ?pages?|portals?|pages?)\b|\.(?:com|net|org|gov|kp)\b", before[begin:]
        )
        return any(abs(spot - draft.at) < 4 for spot in spots) or bool(site)

    # ----------------------------------------------------------------- settling

    def _settled(self, scene: Scene, draft: Draft) -> Claim | None:
        entity = draft.entity if draft.entity or draft.own_entity else entity_of(scene, draft)
        value = draft.value
        if isinstance(value, Moment):
            interval = self._resolved(scene, value, entity, draft.kind)
            if interval is None or interval == (None, None):
                if draft.kind in ("onset", "end"):
                    return self._undated(scene, draft, entity)
                return None
            value = {"earliest": _iso(interval[0]), "latest": _iso(interval[1])}
        elif draft.kind == "attack" and isinstance(value, dict):
            since = value["since"]
            interval = self._resolved(scene, since, entity) if isinstance(since, Moment) else None
            value = {
                "type": value["type"],
                "since": None if interval is None else {"earliest": _iso(interval[0]), "latest": _iso(interval[1])},
            }
        if draft.kind == "site" and isinstance(value, dict):
            entity = (
                str(value["name"]).lower() if "." in str(value["name"]) and " " not in str(value["name"]) else entity
            )
        if draft.kind == "state" and entity is None and self.topic != "net":
            return None
        speaker = draft.speaker if draft.own_speaker else scene.speaker_at(draft.at)
        modality = draft.modality or self.tools._events.modality(scene, draft.at, draft.at + 1)
        if speaker and self.article.outlet and speaker.lower() == self.article.outlet.lower():
            speaker = None
        sentence = scene.sentence
        text = self.article.text[sentence.start : sentence.end]
        return Claim(
            self.number, draft.kind, entity, value, speaker or None, modality, text, sentence.start, sentence.end,  # type: ignore[arg-type]
            round(draft.confidence * (0.8 if modality == "hedged" else 1.0), 2),
        )  # fmt: skip

    def _undated(self, scene: Scene, draft: Draft, entity: str | None) -> Claim | None:
        """A moment that nothing dates: what is left of it is the state."""
        if re.match(r"(?:\w+ ){0,6}(?:began|started|beginning|starting|occurred|happened)", scene.low[draft.at :]):
            return None
        value = "offline" if draft.kind == "onset" else "restored"
        return self._settled(scene, Draft("state", value, draft.at, entity=entity, confidence=0.6))

    def _resolved(self, scene: Scene, moment: Moment, entity: str | None, kind: str = "") -> Interval | None:
        tools = self.tools
        zone = self._zone(scene, entity)
        parts: list[Interval] = []
        first, last = moment.first, moment.last
        if first is None:
            return None
        days = [
            one
            for one in scene.times
            if one.day is not None
            and one.day[0] not in ("year",)
            and not (one.day[0].startswith("nth"))
            and scene.outside_speech(one.start, one.end)
        ]
        anchor = self._anchor_of(scene, first, days, zone)
        for one in (first, last):
            if one is None:
                continue
            here = tools._gazetteer.zone_of_place(one.place) or zone if one.place else zone
            interval = resolve(one, here, self.now, anchor)
            if interval is None:
                return None
            parts.append(interval)
        low, high = parts[0]
        if (
            first.span == "half-day"
            and self.twelve
            and low is not None
            and len(parts) == 1
            and self.exact_us is not None
        ):
            half = 43_200_000_000  # "at 6:20 in the evening ... back at 7:05"
            if -half < low - self.exact_us < 0:
                low, high = low + half, None if high is None else high + half
        if len(parts) == 2:
            high = parts[1][1]
            if low is not None and high is not None and high < low:
                if last is not None and last.day is None:
                    high += 86_400_000_000
                else:
                    low -= 86_400_000_000
        if moment.how == "before":
            low = None
        elif moment.how == "after":
            high = None
        latest = self.now.latest_us(zone_of(zone))
        day = 86_400_000_000
        undated = kind == "end" and first.day is None and first.clock is not None and last is None
        if (
            undated
            and low is not None
            and self.onset_us is not None
            and low < self.onset_us <= low + day
            and (latest is None or low + day <= latest)
        ):
            low, high = low + day, None if high is None else high + day  # "gone at 19:30 and back after midnight"
        if kind == "onset" and first.clock and low is not None:
            self.onset_us = low
        if latest is not None:
            if low is not None and low > latest:
                return None
            if high is not None and high > latest:
                high = max(latest, low or latest)
        if low is not None and high is not None and low > high:
            return None
        reference = low if low is not None else high
        if reference is not None and first.clock is None and first.ago is None and first.span:
            return low, high
        if reference is not None:
            self.anchor_us = _middle((low, high))
            if first.clock and first.clock[0] == first.clock[1]:
                self.exact_us = self.anchor_us
        return low, high

    def _anchor_of(self, scene: Scene, one: Expression, days: list[Expression], zone: str) -> date | None:
        """The day that a clock without a day belongs to: of the nearest day in its sentence, else the last named."""
        tz = zone_in(one, zone)
        if one.day is not None:
            return self._day_named(tz)
        near = [
            day
            for day in days
            if day is not one and not (day.start > one.end and day.clock and day.role in ("until", "till", "since"))
        ]
        if not near:
            return self._day_named(tz)
        nearest = min(near, key=lambda day: abs(day.start - one.start))
        interval = resolve(nearest, zone, self.now, self._day_named(tz))
        if not interval or interval[0] is None:
            return self._day_named(tz)
        moment = EPOCH + timedelta(microseconds=_middle(interval) if nearest.clock is None else interval[0])
        found = moment.astimezone(tz).date()
        exact = nearest.clock is not None and nearest.clock[0] == nearest.clock[1]
        if exact and one.clock and nearest.start < one.start:
            local = moment.astimezone(tz)
            if local.hour + local.minute / 60 > one.clock[0]:
                found += timedelta(days=1)  # "from 10 p.m. on Monday until 6 a.m."
        return found

    def _day_named(self, tz: tzinfo) -> date | None:
        if self.anchor_us is None:
            return None
        return (EPOCH + timedelta(microseconds=self.anchor_us)).astimezone(tz).date()

    def _zone(self, scene: Scene, entity: str | None) -> str:
        cities = [one for one in scene.mentions if one.zone and one.kind == "country" and one.entity == entity]
        if cities and cities[0].zone:
            return cities[0].zone
        if (inner := self.inner_zones.get(entity or self.country or "")) is not None:
            return inner
        zones = self.tools._gazetteer.zones
        return zones.get(entity or "", "") or zones.get(self.country or "", "")

    def _remember(self, scene: Scene, drafts: list[Draft]) -> None:
        sentence = scene.sentence
        self.asked = asked(sentence.low) if scene.question else ""
        if scene.question:  # what follows in this paragraph and the next answers
            self.why = sentence.paragraph + 1 if _WHY.search(sentence.low) else 0
        self.past = scene.past or (not drafts and self.tools._events.history_before(sentence.low, self.year))
        self.past_paragraph = sentence.paragraph
        if not sentence.voice and (opening := _OPENS.search(sentence.flat)) is not None and scene.voices:
            alone = not sentence.flat[opening.end() :].strip()
            voice = next(
                (one for one in reversed(scene.voices) if one.phrase[0] <= opening.start() < one.phrase[1] + 3), None
            )
            if voice is not None and not voice.refers and (alone or '"' not in sentence.flat):
                self.line_voice, self.voice_line = voice.speaker, sentence.line
                self.transcript = alone
        if sentence.voice:
            self.line_voice = scene.voice
            self.voice_line = sentence.line
            self.transcript = sentence.voice.isupper() or self.transcript
        nouns = [noun.kind for noun in scene.nouns if noun.kind in ("net", "other")]
        if nouns:
            if "net" in nouns and (
                nouns.count("net") >= nouns.count("other")
                or any(draft.kind in ("state", "onset", "end") for draft in drafts)
            ):
                self.topic = "net"
            elif "net" not in nouns and not any(
                draft.kind in ("state", "onset", "end", "duration", "cause") for draft in drafts
            ):
                self.topic = "other"
        elif _ABOUT_NET.search(sentence.low):
            self.topic = "net"
        self._remember_day(scene)
        self._remember_places(scene, drafts)
        memory = self.memory
        for voice in scene.voices:
            if not voice.refers:
                memory.last = voice.speaker
                plural = (
                    bool(
                        re.search(
                            r"\b(?:officials|analysts|experts|engineers|researchers|residents|users|customers"
                            r"|monitors|[a-z]+(?<!s)s|people|some|many|others)(?: (?:at|of|in|from) .*)?$",
                            voice.speaker.lower(),
                        )
                    )
                    and not re.match(r"[A-Z][\w-]*(?: [A-Z]|$)", voice.speaker)
                ) or bool(
                    re.match(
                        r"(?:[A-Z][a-z]+ )?(?:officials|analysts|experts|engineers|researchers|residents|users"
                        r"|customers|monitors)\b",
                        voice.speaker,
                    )
                )
                if plural:
                    memory.group = voice.speaker
                if re.search(
                    r"\b(?:spokes(?:man|woman|person)|minister|official|engineer|director|head|chief"
                    r"|analyst|researcher|manager|president|executive|officer|professor|expert|owner"
                    r"|resident|captain|author|founder|secretary|diplomat|technician|specialist|governor"
                    r"|mayor|editor|consultant|he|she)\b",
                    voice.speaker.lower(),
                ) or re.fullmatch(r"(?:[A-Z][\w'-]+ ){1,2}[A-Z][\w'-]+.*", voice.speaker):
                    memory.person = voice.speaker
                elif not plural:
                    memory.body, memory.group = voice.speaker, ""
        for draft in drafts:
            if draft.kind == "refusal" and draft.speaker and not scene.voices:
                memory.last = draft.speaker
                if re.search(
                    r"(?i)\b(?:minister|spokes\w+|director|head|chief|manager|owner|governor|mayor|engineer)\b",
                    draft.speaker,
                ):
                    memory.person = draft.speaker
        if not scene.voices and (subject := self._subject(sentence.flat)):
            memory.body, memory.group = subject, ""  # "The council has released a statement. It says ..."
        if sentence.flat.count('"') % 2 == 1:
            memory.open_quote = "" if memory.open_quote else memory.last
        elif memory.open_quote and not sentence.flat.startswith('"') and '"' in sentence.flat:
            memory.open_quote = ""

    def _subject(self, flat: str) -> str:
        """The body that a sentence begins with: "The ruling council", "An operator"; '' for others."""
        match = _BODY.match(flat)
        return match["who"] if match else ""

    def _remember_day(self, scene: Scene) -> None:
        """The day that a sentence speaks of, for clocks without a day in what follows."""
        zone = self._zone(scene, self.country)
        for one in scene.times:
            if (
                one.day is None
                or one.day[0] in ("year", "month")
                or one.day[0].startswith(("nth", "next"))
                or one.role in ("since",)
                or not scene.outside_speech(one.start, one.end)
                or _COMPARED.search(scene.low[: one.start])
            ):
                continue
            interval = resolve(one, zone, self.now, self._day_named(zone_in(one, zone)))
            bound_known = next((bound for bound in interval or () if bound is not None), None)
            if bound_known is not None and interval is not None:
                self.anchor_us = _middle(interval)

    def _remember_places(self, scene: Scene, drafts: list[Draft]) -> None:
        about = any(noun.kind == "net" for noun in scene.nouns) or bool(drafts)
        named = [one for one in scene.mentions if counts(scene, one)]
        countries = [one.entity for one in named if one.kind == "country"]
        networks = [one.entity for one in named if one.kind in ("network", "asn")]
        if countries:
            self.there = countries[0]
        if about and networks and any(draft.kind in ("state", "onset", "end", "duration", "share") for draft in drafts):
            self.network = networks[-1]
        elif networks:
            self.network = self.network or networks[-1]
        if (
            about
            and countries
            and (
                self.country is None
                or any(
                    draft.kind in ("state", "onset", "end", "duration", "share", "site", "impact", "dependence")
                    for draft in drafts
                )
            )
        ):
            self.country = self.focus = countries[0]
        if about and networks and not countries and drafts:
            self.focus = (
                networks[-1]
                if any(draft.kind in ("state", "onset", "end", "share") for draft in drafts)
                else self.focus
            )


def out_of_order(scene: Scene, causes: list[Draft]) -> list[Draft]:
    """An onset where something broke by the clock: "the line was severed on Sunday at 1:50 p.m."."""
    broke = next(
        (draft for draft in causes if draft.value in ("cable", "fault", "power") and draft.confidence == 0.75), None
    )
    if broke is None or broke.modality not in (None, "asserted"):
        return []
    begin, until = scene.region(broke.at)
    clock = next(
        (
            one
            for one in scene.times
            if begin <= one.start < until
            and one.clock
            and one.clock[0] == one.clock[1]
            and scene.outside_speech(one.start, one.end)
        ),
        None,
    )
    return [] if clock is None else [Draft("onset", Moment(clock, None, "within"), broke.at, confidence=0.65)]


def _same(out: list[Claim], claim: Claim) -> bool:
    for one in out:
        alike = (one.kind, one.value, one.entity, one.modality) == (
            claim.kind,
            claim.value,
            claim.entity,
            claim.modality,
        )
        if not alike:
            continue
        if one.start == claim.start or (one.speaker == claim.speaker and claim.kind != "state"):
            return True
        if claim.kind == "cause" and (claim.speaker is None or _one_speaker(one.speaker, claim.speaker)):
            return True
    return False


def _middle(interval: Interval) -> int:
    """The middle of an interval; its one bound where it has one."""
    low, high = interval
    if low is None or high is None:
        return low if low is not None else high or 0
    return (low + high) // 2


def _one_speaker(first: str | None, second: str) -> bool:
    common = set(re.findall(r"[\w']{4,}", (first or "").lower())) & set(re.findall(r"[\w']{4,}", second.lower()))
    return bool(common - {"said", "their", "that"})


def _ordered(claims: list[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda one: one.start)


def _iso(time_us: int | None) -> str | None:
    return None if time_us is None else iso(time_us // 1_000_000 * 1_000_000)


@lru_cache(maxsize=8)
def _made(language: str, key: int) -> Extractor | None:
    tables = grammar(language)
    return None if tables is None else Extractor(tables, _PLACES[key])


_PLACES: dict[int, Places] = {}


def extractor(language: str, places: Places) -> Extractor | None:
    """The extractor of a language, or None where there are no tables of it."""
    _PLACES[id(places)] = places
    return _made(language.lower().replace("_", "-").split("-")[0], id(places))
