"""What is said to have made an outage, and attacks that somebody saw."""

import re

from duskwatch.explanation.claims.events import Events
from duskwatch.explanation.claims.grammar import Grammar
from duskwatch.explanation.claims.scene import Draft, Scene
from duskwatch.records.claim import Modality

NEAR = 70  # characters between a cause and the word that makes it one
_SPECIFIC = ("exam", "maintenance", "government", "disaster", "power", "cable", "fault", "attack")
_WEAK = frozenset(
    {
        "from",
        "with",
        "by",
        "when",
        "amid",
        "is",
        "was",
        "not",
        "under",
        "after",
        "following",
        "it was",
        "that was",
        "this was",
        "involving",
        "involved",
        "involves",
        "either",
        "suspected",
        "found",
        "reported",
        "confirmed",
        "cited",
        "citing",
        "suffered",
        "identified",
        "discovered",
        "located",
        "because",
        "suspect",
        "suspects",
        "fears",
        "fear",
        "feared",
        "speak of",
        "spoke of",
        "talk of",
        "suggest",
        "suggests",
        "suggested",
        "denied",
        "denies",
        "rejected",
        "dismissed",
    }
)


_RESTRICTED = re.compile(  # said by an authority, this tells who did it
    r"\b(?:(?:access|service|internet|connections?|networks?|data|it|coverage) )?(?:had been"
    r"|has been|have been|was|were|is|are) (?:\w+ly )?"
    r"(?:restricted|limited|suspended|blocked|switched off|shut (?:down|off)|turned off|cut"
    r"|disabled|curtailed) (?:[\w-]+ ){0,4}?"
    r"(?:\"|to |for |because|in order|as a|until|on (?:security|safety)|so that)"
)


_CAUSE_LABEL = re.compile(
    r"(?:the )?(?:root |likely |probable |suspected |main )?(?:cause|reason|diagnosis"
    r"|explanation|origin|rfo|reason for outage)(?: of (?:the )?(?:outage|fault|incident"
    r"|failure))?(?:, according to .*)?"
)
_OPEN = re.compile(
    r"(?:still |as yet |yet )?(?:not (?:yet )?known|unknown|unclear|undetermined"
    r"|under investigation|being investigated|tbd|to be (?:determined|confirmed|established)"
    r"|pending|open|none given)\b"
)


class Causes:
    """Finds causes by the patterns of one language."""

    def __init__(self, grammar: Grammar, events: Events) -> None:
        table = grammar.patterns["cause"]
        self._events = events
        self._cue = grammar.compile("\\b(?:" + "|".join(sorted(table["before"], key=len, reverse=True)) + ")\\b")
        self._after = grammar.compile("^(?P<gap>[^.;:,]{0,45}?,?\\s*)\\b(?:" + "|".join(table["after"]) + ")\\b")
        self._after_far = re.compile(
            r"^(?P<gap>, [^.;]{2,70}?, )(?:is|are|was|were|may be|could be) "
            r"(?:to blame|responsible|at fault|the cause)\b"
        )
        self._unknown = grammar.compile("\\b(?:" + "|".join(table["unknown"]) + ")")
        self._classes = {
            name: grammar.compile("(?<![\\w-])(?:" + "|".join(grammar.patterns["cause_of"][name]) + ")(?![\\w])")
            for name in _SPECIFIC
        }
        self._outage = grammar.compile(
            "(?<![\\w])(?:{event}|outage|off-?line|{net}|service|cut off|went (?:down|dark)"
            "|go(?:ne|ing)? (?:down|dark)|collapsed?|disrupted|lost|disconnect\\w+|back up|it"
            "|this|that|blame|cause|culprit|responsible)\\b"
        )
        self._ruled = grammar.compile(
            "(?:{rule_out}|nothing (?:points|pointed|indicates|suggests|to suggest)|(?:no|any"
            "|without|lack of|little) (?:evidence|signs?|indications?"
            "|proof|trace|reason to (?:believe|think))|(?:(?<!\\w)(?:not|never|rather than"
            "|nothing to do with|neither|nor|nobody(?:'s)?|no one(?:'s)?|none|no [\\w-]+ (?:is|was|has|had)|instead"
            " of|unlikely|rules out|excluded|far from)"
            "|n't)\\b)[^;]{0,80}$"
        )
        self._not_ruled = re.compile(
            r"(?:not|n't|cannot|never|refus\w+ to|declin\w+ to|unable to|yet to) (?:yet |be |been "
            r"|immediately |fully )*(?:rule[ds]? out|ruling out|exclude|discount)"
        )
        self._later_no = re.compile(
            r"^[^.;]{0,50}?\b(?:(?:can|may|might|was|were|is|are|has been|had been|have been)(?: \w+ly"
            r"| now)? (?:to )?be (?:\w+ )?"
            r"(?:ruled out|excluded|discounted|dismissed)|(?:was|were|is|are|being|seems?|looks?"
            r"|appears?)(?: \w+)? (?:improbable|implausible"
            r"|unlikely|out of the question|far-?fetched|absurd|nonsense)|(?:improbable|implausible"
            r"|unlikely|out of the question|far-?fetched)\b"
            r"|(?:had|has|have) (?:nothing|little) to do with|(?:was|were|is|are|has been|had been"
            r"|have been|can be|could be"
            r"|were all|was also|being) ruled out|(?:is|was|are) (?:unlikely|not (?:to blame"
            r"|the cause|responsible|behind|involved|suspected|believed))|(?:has|have"
            r"|had) been excluded|(?:was|were|is) excluded|played no (?:role|part)"
            r"|had nothing to do|(?:did|does|do|has|have|had|was|were|is|are) ?(?:not|n't) (?:been )?(?:\w+ly"
            r" )?(?:cause[d]?|bring|brought|str(?:ike|uck)|hit|"
            r"touch(?:ed)?|reach(?:ed)?|pass(?:ed)?|cross(?:ed)?|happen(?:ed)?|occur(?:red)?|take place|taken place"
            r"|exist|damaged?|affected|"
            r"cut|broken|fail(?:ed)?|interrupted|hacked|attacked|involved))"
        )
        self._later_open = re.compile(
            r"^[^.;]{0,60}?(?:(?:could|can|has|have|had|is|was|were) ?not (?:yet )?(?:been "
            r"|be )?(?:ruled out|excluded)|n't be (?:ruled out|excluded)|cannot be (?:ruled out"
            r"|excluded)|not ruled out)"
        )
        self._deny = grammar.compile("\\b{deny}\\b")
        self._denied_order = grammar.compile(
            "\\b(?:{deny}) (?:\\w+ ){0,4}?(?:order\\w*|shutting|cutting|switching|blocking"
            "|involvement|responsib\\w+|any (?:role|part|involvement|responsibility|order|link)"
            "|a role|being behind|having (?:ordered|cut|shut|switched|blocked|asked|told"
            "|instructed|interfered|anything)|that (?:it|they|the (?:government|state|authorities"
            "|ministry)) (?:had|was|were|has)|it had|they had|a (?:deliberate )?shut-?down"
            "|deliberate|instructing|interfer\\w+|tampering)"
        )
        self._not_ordered = re.compile(
            r"\b(?:did not|didn't|never|had not|have not|has not|hasn't|haven't|hadn't|gave no"
            r"|issued no|no one|nobody|neither) (?:\w+ ){0,3}?(?:order(?:ed|s)?|shut|cut"
            r"|switch(?:ed)?|touch(?:ed)?|interfer(?:e|ed)|tamper(?:ed)?|meddled?|disrupt(?:ed)?"
            r"|restrict(?:ed)?|close[d]?|suspend(?:ed)?|pull(?:ed)?|limit(?:ed)?|sever(?:ed)?"
            r"|instruct(?:ed|ions?)?|turn(?:ed)?|block(?:ed)?|direct(?:ed|ive)?"
            r"|ask(?:ed)?)\b|\b(?:had|has|have) (?:nothing|no (?:part|role|hand)) (?:to do with"
            r"|in)\b|\bno (?:shut-?down )?(?:order|directive|instruction)s? (?:was|were|has been"
            r"|had been|to)\b|\b(?:was|were|is) not (?:involved|behind|responsible)\b"
        )
        self._government = re.compile(
            r"\b(?:government|ministry|minister|authorities|officials?|state|president|presidency"
            r"|regulator|spokes\w+|army|military|junta|police|embassy|ambassador|beijing"
            r"|washington|moscow|administration|pyongyang|kremlin|white house|foreign"
            r"|telecommunications|interior|agency|commission)\b",
            re.IGNORECASE,
        )
        failure = grammar.patterns["failure"]
        kinds = "|".join(f"(?P<{name}>(?:{'|'.join(failure[name])}))" for name in ("cable", "power", "fault"))
        part = f"(?P<part>{kinds})"
        self._broken = grammar.compile(
            rf"(?<![\w-]){part}(?:'s)?(?: (?:in|near|off|at|of|on|that|which|under|between|to|from"
            rf"|by) (?:(?!(?:was|were|had|has|is|are)\b)[\w'.-]+ ){{1,8}}?"
            rf"| )(?P<verb>{'|'.join(failure['broke'])})\b(?! (?:no|to|off from|by (?:\d|about"
            r"|half)))"
        )
        self._damaged = grammar.compile(
            rf"(?<![\w-])(?P<verb>{'|'.join(failure['damage'])}) (?:(?:the|a|an|its|their|one|two"
            r"|three|four|both|several|some|of|all|most|our|his|her|core|key|main|only|vital"
            rf"|international|national|single|\w+'s|\w+-\w+|operator's) ){{0,4}}?{part}(?![\w-])"
        )
        self._nature = grammar.compile(r"\b(?:" + "|".join(failure["nature"]) + r")\b")
        self._violence = grammar.compile(r"\b(?:" + "|".join(failure["violence"]) + r")\b")

    # ------------------------------------------------------------------ causes

    def modality(self, scene: Scene, start: int, end: int, name: str) -> Modality:
        """How a cause at [start, end) is put: asserted, hedged, denied or ruled out."""
        head, tail = scene.low[max(0, start - 130) : start], scene.low[end : end + 120]
        return self._modality(scene, start, end, head, tail, name)

    def read(self, scene: Scene, year: int | None) -> list[Draft]:
        """Drafts of causes in one sentence, each class once."""
        out: list[Draft] = []
        denied_at = -1
        low = scene.low
        if scene.topic != "net" and not any(noun.kind == "net" for noun in scene.nouns):
            return out
        if not scene.question:
            if (
                (match := self._unknown.search(low))
                and not self._events.unreal(scene, match.start(), match.end(), year)
                and self._about_outage(scene, match.start(), match.end())
            ):
                out.append(Draft("cause", "unknown", match.start(), modality="asserted", confidence=0.8))
            elif scene.sentence.first and _CAUSE_LABEL.fullmatch(scene.sentence.voice.lower()) and _OPEN.match(low):
                out.append(Draft("cause", "unknown", 0, modality="asserted", confidence=0.8))
            speaking = scene.speaker_at(len(low) - 2) or ""
            if (
                (match := _RESTRICTED.search(low))
                and self._government.search(speaking)
                and not self._events.unreal(scene, match.start(), match.end(), year)
            ):
                out.append(Draft("cause", "government", match.start(), confidence=0.7))
            if denied := self._denials(scene):
                out.append(denied)
                denied_at = denied.at
        taken: list[tuple[int, int]] = []
        for name in _SPECIFIC:
            best: tuple[Draft, re.Match[str]] | None = None
            for match in self._classes[name].finditer(low):
                if denied_at >= 0 and match.start() > denied_at:
                    continue
                if any(begin < match.end() and match.start() < until for begin, until in taken):
                    continue
                if any(draft.value == name for draft in out):
                    break
                draft = self._of(scene, name, match, year)
                if draft is not None and (best is None or draft.confidence > best[0].confidence):
                    best = (draft, match)
            if best is not None:
                out.append(best[0])
                taken.append(best[1].span())
        for draft in self.failures(scene, year):
            if not any(
                one.kind == "cause"
                and (
                    one.value == draft.value
                    or one.value in ("cable", "disaster", "power", "fault")
                    or abs(one.at - draft.at) < 25
                )
                for one in out
            ):
                out.append(draft)
        return out

    def _denials(self, scene: Scene) -> Draft | None:
        low = scene.low
        if match := self._denied_order.search(low):
            if (
                not self._about_outage(scene, match.start(), match.end())
                or re.search(
                    r"\battacks? on (?!the (?:cable|network|line)|its|our)", low[match.start() : match.end() + 60]
                )
                or re.search(r"\bhack|sony", low[match.start() :])
            ):
                return None
            subject = low[: match.start()]
            if self._government.search(subject[-80:]) or scene.topic == "net":
                return Draft("cause", "government", match.end() - 1, modality="denied", confidence=0.85)
        if match := self._not_ordered.search(low):
            speaker = scene.speaker_at(match.start()) or ""
            if (
                self._government.search(speaker) or self._government.search(low[: match.start()])
            ) and self._about_outage(scene, match.start(), match.end()):
                return Draft("cause", "government", match.start(), modality="denied", confidence=0.8)
        return None

    def _about_outage(self, scene: Scene, start: int, end: int) -> bool:
        begin, until = max(0, start - 140), min(len(scene.low), end + 140)
        near = [noun for noun in scene.nouns if begin <= noun.start < until]
        if any(noun.kind == "net" for noun in near):
            return True
        if (
            any(
                noun.kind == "other" and scene.low[noun.start : noun.end] not in ("shares",)
                for noun in near
                if noun.start > end
            )
            and scene.topic != "net"
        ):
            return False
        return scene.topic == "net"

    def _of(self, scene: Scene, name: str, match: "re.Match[str]", year: int | None) -> Draft | None:
        low = scene.low
        start, end = match.start(), match.end()
        text = match[0]
        if scene.question or self._events.unreal(scene, start, end, year) in ("history", "condition", "question"):
            return None
        if not scene.outside_speech(start, end):
            return None
        if re.search(
            r"\bwill\b|\bplans? to\b|\b(?:protect|defend|shield|secure"
            r"|guard)\w* (?:\w+ ){0,4}?(?:from|against) (?:\w+-\w+ )?$",
            low[max(0, start - 60) : start],
        ):
            return None
        if re.search(r"\bwho (?:had |has )?$", low[max(0, start - 10) : start]):
            return None
        if re.search(
            r"\b(?:examin|investigat|check|prob|stud|look\w* into|ask|verif|explor"
            r"|consider)\w* (?:\w+ ){0,3}?(?:whether|if)\b[^.;]*$",
            low[:start],
        ):
            return None  # what is looked into is not said
        if re.match(
            r"[^.;,]{0,24}?\b(?:to blame|responsible|behind|(?:the|a) (?:cause|reason)) (?:for"
            r"|of) (?:the |a )?(?:power|electric|blackout in the grid)",
            low[end:],
        ) or (
            re.search(
                r"\b(?:blame|responsible|cause|reason|behind)(?: for| of)? (?:the |a )?$",
                low[max(0, start - 24) : start],
            )
            and name == "power"
        ):
            return None  # what the power cut came from
        if name == "cable" and (
            re.match(
                r"(?:'s)? (?:company|owner|operator|station|landing|firm|ship|consortium|layer|provider|tv|car)",
                low[end:],
            )
            or re.search(r"(?:company|owner|operator|station|landing|firm|ship|consortium|layer|provider)$", text)
            or re.search(
                r"\b(?:maintenance|works?|repairs?|upgrades?) (?:on|of|to|at) (?:an? |the |its |our )?$", low[:start]
            )
        ):
            return None
        if (
            name == "power"
            and re.search(
                r"\bwithout (?:\w+ )?(?:electricity|power|light)|\b(?:lost|no) (?:power|electricity)",
                low[end : end + 120],
            )
            and not any(noun.kind == "net" for noun in scene.nouns)
        ):
            return None
        if name == "maintenance" and re.search(
            r"\b(?:failed|botched|faulty|bungled|flawed|bad|buggy|unsuccessful|aborted|defective) (?:\w+ )?$",
            low[:start],
        ):
            return None  # a fault
        if name == "disaster" and re.search(r"\b(?:traffic|packet|data|network|request)[ -]$", low[:start]):
            return None
        if (
            re.search(r"\bno (?:\w+ )?$", low[max(0, start - 14) : start])
            and scene.voice_at(start) is None
            and not scene.voice
        ):
            return None
        begin = max(0, start - 130)
        head = low[begin:start]
        tail = low[end : end + 120]
        before = self._cue_before(head)
        after = self._after.match(tail) or self._after_far.match(tail)
        strong = False
        if before is not None:
            strong = before not in _WEAK
        if after is not None and re.search(r"\b(?:but|while|who)\b", after["gap"]):
            after = None
        if (
            after is not None
            and re.search(r"\b(?:was|were|is|are|been|being|be)\s*$", after["gap"])
            and not re.match(
                r"(?:to blame|at fault|responsible|behind|the|at the|suspected|under|possible|likely"
                r"|ruled|excluded|blamed|not)\b",
                tail[len(after["gap"]) :],
            )
        ):
            after = None  # "power was cut" is no agent
        if self._later_no.search(tail) or self._later_open.search(tail):
            after = after or re.match("", tail)
        label = scene.sentence.voice.lower() if scene.sentence.first else ""
        if before is None and _CAUSE_LABEL.fullmatch(label):
            before, strong = "cause", True
        if before in (
            "found",
            "identified",
            "discovered",
            "located",
            "reported",
            "confirmed",
            "cited",
            "suspects",
            "suspected",
            "suspect",
            "suffered",
        ):
            strong = True
        direct = (
            bool(
                re.search(
                    r"\b(?:it|this|that|these|cause|reason|explanation"
                    r"|cut|outage|shut-?down|blackout|interruption|disruption|failure)(?: \w+)?"
                    r" (?:was|is|were|may be"
                    r"|may have been|might have been|could have been|has been|had been)(?: not"
                    r"|n't)?(?: (?:a|an|the|simply|just|only|simple|probably|likely|apparently|another"
                    r"|all))* ?$",
                    head,
                )
            )
            or bool(
                re.search(
                    r"\bthere (?:was|is|has been|had been|were|have been) (?:no|never|not)(?: an?| any)?(?: \w+)? $",
                    head,
                )
            )
            or bool(
                name == "attack"
                and re.match(r"hacked|attacked|sabotag", text)
                and re.search(r"\b(?:not|n't|never) (?:been )?$", head)
            )
            or bool(name == "cable" and "anchor" in text and "drag" in text)
            or bool(
                name == "fault"
                and re.match(r"(?:the |a )?wrong ", text)
                and re.search(r"\w+ed (?:out |off )?$|\b(?:pulled|cut|hit|took|typed|into) $", head)
            )
            or bool(
                re.search(r"\b(?:made|through|for|due to)(?: (?:a|an))? $", head)
                and re.match(r"mistake|want|lack|error", text)
            )
            or bool(
                re.match(
                    r" (?:was|were|had been|has been) (?:loaded|entered|announced|installed|pushed|applied"
                    r"|set|made|introduced|typed)\b",
                    tail,
                )
            )
        )
        voice = scene.voice_at(start)
        ruling = voice is not None and voice.act in ("deny", "rule_out")
        if (
            before is None
            and after is None
            and not ruling
            and not direct
            and (
                not (
                    name == "government"
                    and not re.fullmatch(r"deliberate\w*|state-sponsored.*|censorship|.*(?:filters?|firewall)", text)
                )
                and not (
                    name == "exam"
                    and re.search(
                        r"\b(?:during|for the|to (?:stop|prevent|curb|combat)|ahead of|because of|over"
                        r"|amid)(?: [\w-]+){0,4} ?$",
                        head,
                    )
                )
                and not (
                    name in ("fault", "maintenance")
                    and re.search(r"\b(?:during|for|a|of) $", head)
                    and re.search(self._outage, low)
                )
            )
        ):
            return None
        if name in (
            "power",
            "disaster",
            "government",
            "attack",
            "exam",
            "fault",
            "maintenance",
            "cable",
        ) and not self._explains(
            scene, name, match, (before is not None and strong) or direct, after is not None, ruling
        ):
            return None
        modality = self._modality(scene, start, end, head, tail, name)
        value = name
        if name == "attack" and re.search(r"state-sponsored", text) and False:
            value = "government"
        return Draft("cause", value, end - 1, modality=modality, confidence=0.85 if strong else 0.7)

    def _cue_before(self, head: str) -> str | None:
        """The word that makes what follows ``head`` a cause; a strong one first, then the nearest."""
        best = None
        for match in self._cue.finditer(head):
            gap = head[match.end() :]
            weak = match[0] in _WEAK
            if (
                len(gap) > (30 if weak else NEAR)
                or re.search(r"\b(?:but|while|although|who|which)\b|[;]", gap)
                or (not weak and re.search(r"\bafter\b", gap))
            ):
                continue
            if best is None or weak <= (best in _WEAK):
                best = match[0]
        return best

    def failures(self, scene: Scene, year: int | None) -> list[Draft]:
        """Drafts of causes that are something that broke: "a digger hit the duct", "a router had overheated"."""
        low = scene.low
        if scene.question or scene.topic != "net":
            return []
        out: list[Draft] = []
        for pattern, active in ((self._damaged, True), (self._broken, False)):
            for match in pattern.finditer(low):
                at = match.start("part")
                if self._events.unreal(scene, at, match.end(), year) or not scene.outside_speech(
                    match.start("verb"), match.end("verb")
                ):
                    continue
                name = next(key for key in ("cable", "power", "fault") if match[key])
                if (
                    name == "power"
                    and not any(noun.kind == "net" for noun in scene.nouns)
                    and not re.match(
                        r"(?:backup |diesel |emergency )*(?:generator|batter|ups|fuse|power (?:supply|feed|unit|to"
                        r"|at|in)|power$)",
                        match["power"],
                    )
                    and not re.search(r"\b(?:outage|offline|failure|blackout|disruption|interruption)\b", low)
                ):
                    continue
                head = low[max(0, match.start() - 80) : match.start()]
                if (
                    re.search(
                        r"(?:%|per ?cent|half|third|quarter|two|three|four|most|many|all|\d) (?:of )?(?:the |its "
                        r"|their )?$",
                        head,
                    )
                    and name == "fault"
                ):
                    continue  # how many masts went is a share
                if re.search(
                    r"\b(?:no|not|n't|never|without|neither)\b[^,;]{0,25}$", head + match[0][:12]
                ) or re.search(r"\b(?:no|not|never|n't)\b", match[0]):
                    continue
                if re.search(r"\b(?:repair|replac|restor|fix|splice)\w*\b[^,;]{0,30}$", head):
                    continue
                agent = head if active else low[match.end() : match.end() + 40]
                if name != "cable" and active:
                    if self._nature.search(agent[-45:]):
                        name = "disaster"
                    elif self._violence.search(agent[-45:]):
                        name = "attack"
                elif name == "cable" and active and self._nature.search(agent[-30:]) and "fire" in agent:
                    name = "disaster"
                elif not active and name == "fault" and self._violence.search(agent[:30]) and " by " in agent[:8]:
                    name = "attack"
                out.append(
                    Draft(
                        "cause",
                        name,
                        at,
                        modality=self._modality(
                            scene,
                            at,
                            match.end(),
                            low[max(0, at - 130) : at],
                            low[match.end() : match.end() + 120],
                            name,
                        ),
                        confidence=0.75,
                    )
                )
        return out[:1]

    def _explains(self, scene: Scene, name: str, match: "re.Match[str]", cue: bool, after: bool, ruling: bool) -> bool:
        """Whether the sentence ties the cause to the outage of the Internet and not to something else."""
        low = scene.low
        nouns = [noun for noun in scene.nouns if not (noun.start < match.end() and match.start() < noun.end)]
        net = any(noun.kind == "net" for noun in nouns) or bool(
            re.search(
                r"\b(?:outage|offline|blackout|disruption|shutdown|went dark|cut off|downtime"
                r"|interruption|disconnection|was out|were out|went (?:down|off|out)|unreachable|vanish\w+"
                r"|knocked out|lost (?:its|all|the))\b",
                low[: match.start()] + " " + low[match.end() :],
            )
        )
        others = [
            noun
            for noun in nouns
            if noun.kind == "other"
            and not (
                (ruling or name == "power" or (cue and scene.topic == "net"))
                and re.match(r"(?:power|electric|mains|national grid|the lights)", low[noun.start : noun.end])
            )
            and not (
                scene.topic == "net"
                and re.match(r"(?:servers?|software|systems?|exchange|emails?|calls)\b", low[noun.start : noun.end])
            )
        ]
        if name == "government" and re.search(
            r"order|instruct|direct|decree|suspend|accus|blam|suspect|imposed|told|asked|attempt|bid "
            r"|effort|ploy|security|shut-?down|pull|request|behest|required|forced",
            match[0],
        ):
            return scene.topic == "net"
        if name == "attack" and re.search(
            r"\bsony\b|\bnuclear\b|\bbank|heart attack|terror|bomb|knife|missile|rocket|drone"
            r"|shark|air (?:strike|raid)",
            low,
        ):
            return cue and net and not re.search(r"\bon sony|sony (?:hack|pictures)", low)
        if name == "attack" and match[0].startswith("hack") and not ((net or scene.topic == "net") and (cue or after)):
            return False
        if others and not net:
            return False
        if net:
            return True
        return scene.topic == "net" and (cue or ruling or after)

    def _modality(self, scene: Scene, start: int, end: int, head: str, tail: str, name: str) -> Modality:
        low = scene.low
        voice = scene.voice_at(start)
        act = voice.act if voice else ""
        window = head[-95:]
        if self._not_ruled.search(low[max(0, start - 90) : start]) or self._later_open.search(tail):
            return "hedged"
        if act == "rule_out" or self._later_no.search(tail):
            return "ruled out"
        if act == "deny" or self._deny.search(window[-60:]):
            return "denied"
        if voice is not None and voice.phrase[1] <= start:  # a refusal to be named rules nothing out
            window = low[max(voice.phrase[1], start - 95) : start]
        if re.search(r"\b(?:no|not an?|without any)\s(?:\w+\s)?$", head) and not (
            name == "power"
            and re.match(r"power|electricity|fuel|mains|current", low[start:end])
            and not re.search(r"fault|fail|cut|outage|loss", low[start:end])
        ):
            return "ruled out"
        if name == "exam" and re.search(
            r"\b(?:so that|lest|to (?:stop|prevent|keep)|could not|cannot|could no longer)\b", window
        ):
            return self._events.modality(scene, start, end) if act == "think" else "asserted"  # type: ignore[return-value]
        if match := self._ruled.search(window):
            negator = match[0]
            crossing = re.search(
                r"\b(?:but|and was|however|and (?:suspect|say|said|blam|point|think|believ|fear|see|speak"
                r"|call|talk|cit)\w*)\b",
                negator,
            )
            if not crossing and not re.search(
                r"\bnot only\b|\bnot (?:yet )?(?:clear|known|certain)|\bno (?:comment|longer)", negator
            ):
                speaker = scene.speaker_at(start) or ""
                if name == "government" and self._government.search(speaker):
                    return "denied"
                return "ruled out"
        found = self._events.modality(scene, start, end)
        if found == "asserted" and re.match(
            r"^[^.;]{0,50}\b(?<!\d )(?:suspected|possible|likely|could|may|might|under suspicion)\b", tail
        ):
            return "hedged"
        return found  # type: ignore[return-value]
