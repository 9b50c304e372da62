"""States, onsets, ends and durations: what happened to a network, and when."""

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from duskwatch.explanation.claims.expression import Expression
from duskwatch.explanation.claims.grammar import Grammar
from duskwatch.explanation.claims.scene import Draft, Scene


@dataclass(frozen=True, slots=True)
class Trigger:
    """One event in a sentence: a state with its direction, or the beginning or end of an outage."""

    start: int
    end: int
    value: str
    direction: str  # down, up
    noun: bool = False  # a noun says it: "the outage began"


@dataclass(frozen=True, slots=True)
class Moment:
    """An onset or end whose time is still to be resolved: one or two expressions and how they bound it."""

    first: Expression | None
    last: Expression | None
    how: str  # within, after, before, between


_CHANGE = re.compile(r"\b(?:reduced|disrupted|interrupted|impaired|throttled|restricted|cut|knocked|hampered|hit)\b")
_OF_WORDS = re.compile(
    r"\b(?:published|posted|issued|dated|released|aired|broadcast|printed|signed|received"
    r"|obtained|seen|written|speaking|interviewed"
    r"|tweeted|uploaded|circulated)(?: online)?,? (?:(?:late|early) )?(?:on|at|in|last|this|yesterday|\d)"
    r"|\btimes? (?:this|in the|since|last)\b"
)
_OF_LOSS = re.compile(
    r"\b(?:after|following|from|since) (?:an?|the|its|their|that|this)\b(?! (?:few|couple|short))[^,;]*$"
)  # "restored after a failure on Monday"
_MONTHS = (
    "",
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = re.compile(r"\b(?:in|last|back in) (" + "|".join(_MONTHS[1:]) + r")\b(?! \d| (?:may|might))")
_ASKS = re.compile(  # "I ask the minister why the island had no internet"
    r"\b(?:asks?|asked|wonders?|wondered|enquired?|inquired?) (?:[\w' ]{2,40} )?(?:whether|why|how|if|when"
    r"|what)\b[^,;]*$"
)
_NIGHTLY = re.compile(
    r"\b(?:every|each) (?:single )?(?:evening|night|day|morning|afternoon|weekend|hour)\b|\b(?:nightly|daily)\b"
    r"|\bbetween \d[\w:. ]{0,12} and \d[\w:. ]{0,12} (?:every|each) "
)


class Events:
    """Finds events by the patterns of one language."""

    def __init__(self, grammar: Grammar) -> None:
        self._states = [
            (
                row["value"],
                row["direction"],
                row["domain"] == "strong",
                grammar.compile("(?<![\\w-])(?:" + "|".join(row["patterns"]) + ")(?![\\w])"),
            )
            for row in grammar.patterns["state"]
        ]
        self._began = grammar.compile("\\b(?:" + "|".join(grammar.patterns["event"]["began"]) + ")(?![\\w])")
        self._ended = grammar.compile("\\b(?:" + "|".join(grammar.patterns["event"]["ended"]) + ")(?![\\w])")
        self._event = grammar.compile("\\b{event}\\b")
        self._event_of = grammar.compile("{event} (?:lasting |of |for )(?:a total of |about |around )?$")
        self._counted = re.compile(
            r"\b(?:speaks? of|spoke of|counted|counts|puts? (?:\w+ ){1,5}at|put it at|shows?"
            r"|measured|(?:total )?(?:downtime|duration|length|outage time)[:=]?|(?:length|duration"
            r"|total|outage|interruption|blackout|disruption"
            r"|shut-?down) (?:was|is|of)|in all|total of|came to"
            r"|reports?|gives?|gave|for)(?: a total of| the length as| about| around)? $"
        )
        self._history = grammar.compile("\\b{history}")
        self._future = grammar.compile(
            "(?<![\\w])(?:{future}|'ll|(?:it|they|he|she|we|that|there)'d(?! been))(?![\\w-])"
        )
        self._condition = grammar.compile("\\b{condition}\\b")
        self._negation = grammar.compile("(?:(?<!\\w){negation}|n't)\\b(?: (?!only\\b)[\\w'-]+){0,3} ?$")
        self._hedge = grammar.compile("\\b(?:(?<!\\d )(?!may \\d|can't|cannot|could not){hedge})\\b")
        self._year = re.compile(
            r"\b(?:in|of|since|during|from|the|early|late|mid|by|january|february|march|april|may"
            r"|june|july|august|september|october|november|december),? ((?:19|20)\d\d)\b"
        )
        self._corrected = re.compile(
            r"\b(?:earlier|previous|original|first|older) (?:version|edition|report)s? of (?:this|the"
            r"|our)\b|\b(?:an|the|our) (?:earlier|previous|original|older|first) (?:version|edition)\b"
            r"|\b(?:incorrectly|wrongly|mistakenly|erroneously) (?:said|stated|reported"
            r"|gave|put|described)\b|\bwe (?:earlier|previously) (?:said|reported"
            r"|wrote)\b|\b(?:reports?|claims?|rumou?rs?|posts?|stor(?:y|ies)|messages?"
            r"|videos?) (?:that|of|about|saying|claiming) [^.;]{4,140}?"
            r" (?:was|were|is|are|proved|turned out(?: to be)?) (?:wrong|false|untrue|incorrect|fake"
            r"|baseless|unfounded|a hoax|not true|mistaken)\b"
            r"|\bmisstated\b|\bearlier (?:said|reported|wrote) (?:in error|wrongly)"
        )
        self._still = re.compile(
            r"\b(?:still|as of|already|remain\w*|so far|by then|at that (?:time|point)|continued? to)\b"
        )

    # ---------------------------------------------------------------- triggers

    def triggers(self, scene: Scene) -> list[Trigger]:
        """Events of a sentence in order, none overlapping; whether they are about the Internet is judged later."""
        if scene.triggers is not None:
            return scene.triggers
        found: list[Trigger] = []

        def put(trigger: Trigger) -> None:
            if not any(one.start < trigger.end and trigger.start < one.end for one in found):
                found.append(trigger)

        low = scene.low
        for match in self._ended.finditer(low):
            put(Trigger(match.start(), match.end(), "restored", "up", noun=True))
        for value, direction, strong, pattern in self._states:
            for match in pattern.finditer(low):
                start = match.start()
                if match[0] != match[0].lstrip():
                    start += len(match[0]) - len(match[0].lstrip())
                put(Trigger(start, match.end(), value, direction if strong else direction + "?"))
        for match in self._began.finditer(low):
            put(Trigger(match.start(), match.end(), "", "down?", noun=True))
        found.sort(key=lambda one: one.start)
        scene.triggers = found
        return found

    # ------------------------------------------------------------------ gates

    def unreal(self, scene: Scene, at: int, end: int, year: int | None) -> str:
        """Why what stands at ``at`` is no claim about this outage (history, future, a question); '' if it is one."""
        begin, until = scene.region(at)
        piece = scene.low[begin:until]
        for voice in scene.voices:  # "a survey of last year found" dates the survey
            a, b = max(voice.phrase[0], begin) - begin, min(voice.phrase[1], until) - begin
            if a < b:
                piece = piece[:a] + " " * (b - a) + piece[b:]
        if scene.question or _ASKS.search(scene.low[:at]):
            return "question"
        if scene.past:
            return "history"
        if self._corrected.search(scene.low[: at + 1]) or (
            (hoax := self._corrected.search(scene.low)) and hoax.end() > at
        ):
            return "correction"
        if self._history.search(piece) or (begin and self._history.search(scene.low[:60]) and begin < 90):
            return "history"
        then = re.search(r"\b((?:19|20)\d\d),? when\b[^.;]*$", scene.low[:at])
        if then is not None and year is not None and int(then[1]) < year:
            return "history"
        for match in [*self._year.finditer(piece), *self._year.finditer(scene.low[:begin])]:
            if re.search(
                r"\b(?:longest|worst|biggest|largest|first|most \w+)\b[^.;]{0,40}since ?$",
                match.string[: match.start(1)],
            ):
                continue  # a comparison says nothing against what it is compared with
            if match.string is not piece and (re.search(r"\bsince ", match[0]) or scene.times):
                continue
            if year is not None and int(match[1]) != year and not (int(match[1]) == year - 1 and "december" in piece):
                return "history"
        if (month := _MONTH.search(piece)) and scene.month and not any(one.clock for one in scene.times):
            back = (scene.month - _MONTHS.index(month[1])) % 12
            if back > 1 and not re.search(r"\b(?:since|from|until|this)\b", piece):
                return "history"  # "we saw the same in January"
        if (condition := self._condition.search(piece)) and condition.start() + begin <= at:
            return "condition"
        for future in self._future.finditer(scene.low, max(begin, at - 60), min(until, end + 18)):
            between = scene.low[future.end() : at]
            if (
                (future.end() <= end or future.start() - end < 10)
                and len(between) < 45
                and not re.search(r"\b(?:said|but|and|after)\b", between)
            ):
                return "future"
        return ""

    def history_before(self, low: str, year: int | None) -> bool:
        """Whether a sentence tells of an earlier time."""
        if year is None:
            return False
        return any(int(match[1]) < year - 1 for match in self._year.finditer(low)) or bool(
            re.search(r"\b(?:last year|years ago|a year ago|decades? ago)\b", low)
        )

    def modality(self, scene: Scene, at: int, end: int) -> str:
        """asserted, hedged or denied, from the words near an event and from how its speaker puts it."""
        voice = scene.voice_at(at)
        act = voice.act if voice else ""
        if act == "deny":
            return "denied"
        if act == "rule_out":
            return "ruled out"
        begin, until = scene.region(at)
        near = scene.low[max(begin, at - 70) : min(until, end + 25)]
        hedge = self._hedge.search(near)
        if (
            hedge
            and hedge.end() == len(near)
            and re.match(r" (?:not|no longer)\b", scene.low[max(begin, at - 70) + hedge.end() :])
        ):
            hedge = None  # "so that nobody could | not ..."
        if act == "think" or hedge:
            return "hedged"
        return "asserted"

    def negated(self, scene: Scene, at: int) -> bool:
        """Whether a negation stands right before the event."""
        begin, _ = scene.region(at)
        return scene.negated(at, begin, self._negation)

    # ----------------------------------------------------------------- claims

    def read(self, scene: Scene, year: int | None) -> list[Draft]:
        """Drafts of states, onsets, ends and durations. Values of moments are `Moment`, resolved by the caller."""
        triggers = self.triggers(scene)
        out: list[Draft] = []
        used: set[int] = set()
        for trigger in triggers:
            strong = not trigger.direction.endswith("?")
            if not trigger.noun and not scene.about_net(trigger.start, trigger.end, strong=strong):
                continue
            if trigger.noun and not self._noun_about_net(scene, trigger):
                continue
            if re.search(r"\battacks? (?:has |had |have )?$", scene.low[: trigger.start]):
                continue  # "the attack stopped" is no outage
            if self.unreal(scene, trigger.start, trigger.end, year):
                continue
            negated = self.negated(scene, trigger.start)
            if trigger.value == "degraded" and re.search(r"\b(?:no|not|any)\b", scene.low[trigger.start : trigger.end]):
                continue
            out += self._of_trigger(scene, trigger, negated, used)
        out += self._durations(scene, triggers, year)
        return out

    def _noun_about_net(self, scene: Scene, trigger: Trigger) -> bool:
        piece = scene.low[trigger.start : trigger.end]
        inside = [noun for noun in scene.nouns if noun.start < trigger.end and noun.end > trigger.start]
        if any(noun.kind == "net" for noun in inside):
            return True
        if any(noun.kind in ("other", "part") for noun in inside):
            return False
        before = scene.noun_before(trigger.start, max(scene.region(trigger.start)[0], trigger.start - 30))
        if before is not None and before.kind in ("other", "part") and not re.match(r"(?:it|this|the)\b", piece):
            return False
        return scene.topic == "net"

    def _of_trigger(self, scene: Scene, trigger: Trigger, negated: bool, used: set[int]) -> list[Draft]:
        direction = trigger.direction.rstrip("?")
        value = trigger.value
        ordered = scene.low[max(0, trigger.start - 70) : trigger.start]
        if direction == "down" and re.search(
            r"\b(?:not|n't|never|nobody|no one|denied|denies)\b[^,;]{0,40}"
            r"\b(?:instruct|order|ask|told|direct|request|demand)\w*\b[^,;]*$",
            ordered,
        ):
            return []
        if negated:
            if direction == "down":
                return self._denial(scene, trigger)
            times = self._times(scene, trigger)
            until = [one for one in times if one.role in ("not until", "until", "till") or one.bound == "before"]
            if until and re.search(r"\b(?:not|n't)\b", scene.low[: trigger.start]):
                used.update(id(one) for one in until)
                return [Draft("end", Moment(until[0], None, "within"), trigger.start, confidence=0.85)]
            if trigger.noun:
                return []
            since = [one for one in times if one.role == "since"]
            if since:
                return [Draft("onset", Moment(since[0], None, "within"), trigger.start, confidence=0.75)]
            piece = scene.low[trigger.start : trigger.end]
            if (
                value == "restored"
                and re.match(
                    r"restor|return|back\b|reconnect|resum|online|come back|re-?establ|been|back (?:online|up|on)",
                    piece,
                )
                and "normal" not in piece
            ):
                return [Draft("state", "offline", trigger.start, confidence=0.6)]
            return []
        out: list[Draft] = []
        times = [one for one in self._times(scene, trigger) if id(one) not in used]
        moments = self._moments(scene, trigger, times)
        for kind, moment in moments:
            if trigger.value == "normal" and (moment.first is None or moment.first.role != "since"):
                out.append(Draft("state", "normal", trigger.start, confidence=0.6))
                continue
            out.append(
                Draft(kind, moment, trigger.start, confidence=0.9 if moment.first and moment.first.clock else 0.8)
            )
            used.update(id(one) for one in (moment.first, moment.last) if one)
        wanted = "onset" if direction == "down" else "end"
        nth = any(
            moment.first is not None and moment.first.day is not None and moment.first.day[0].startswith("nth")
            for _, moment in moments
        )
        if not trigger.noun and (
            nth or not any(kind == wanted for kind, _ in moments) or value in ("unstable", "partial")
        ):
            out.append(
                Draft("state", value, trigger.start, confidence=0.8 if not trigger.direction.endswith("?") else 0.7)
            )
        return out

    def _denial(self, scene: Scene, trigger: Trigger) -> list[Draft]:
        """A negated loss: somebody's "there was no shutdown" is a denial, "no longer offline" is a return."""
        before = scene.low[max(0, trigger.start - 20) : trigger.start]
        if "no longer" in before:
            return [Draft("state", "restored", trigger.start, confidence=0.7)]
        voice = scene.voice_at(trigger.start)
        if voice is not None and voice.act == "deny":
            return [Draft("state", trigger.value or "offline", trigger.start, modality="denied", confidence=0.6)]
        return []

    def _times(self, scene: Scene, trigger: Trigger) -> list[Expression]:
        begin, until = scene.region(trigger.start)
        found = [
            one
            for one in scene.times
            if begin <= one.start < until
            and scene.outside_speech(one.start, one.end)
            and not _OF_WORDS.search(scene.low, max(0, one.start - 30), one.start + 4)
            and not (
                trigger.direction.startswith("up")
                and trigger.end < one.start
                and _OF_LOSS.search(scene.low[trigger.end : one.start])
            )
        ]
        nth = [one for one in found if one.day is not None and one.day[0].startswith("nth")]
        if nth:  # "for the second day running on Saturday": the day only tells when the count was made
            return [one for one in found if one in nth or one.role in ("until", "till", "since")]
        clocks = [one for one in found if one.clock is not None and one.clock[0] == one.clock[1] and one.day is None]
        if clocks:  # "on Wednesday all went dark at 9:12": the day belongs to the clock
            found = [
                one
                for one in found
                if not (one.clock is None and one.day is not None and one.role not in ("since", "until", "till"))
            ]
        return found

    def _moments(self, scene: Scene, trigger: Trigger, times: list[Expression]) -> list[tuple[str, Moment]]:
        direction = trigger.direction.rstrip("?")
        low = scene.low
        out: list[tuple[str, Moment]] = []
        if _NIGHTLY.search(low):  # "every evening from 4 p.m. until midnight" begins and ends no outage
            times = [one for one in times if one.role == "since" or one.day is not None]
        pair = self._pair(low, times)
        if pair is not None:
            first, last, how = pair
            if first.clock and last.clock and first.zone is None and not first.place:
                first = replace(first, zone=last.zone, place=last.place)
            momentary = trigger.noun or re.match(
                r"(?:went|go|gone|vanish|disappear|lost|fell|drop|collaps|fail|knock|taken|took|cut|began|start|shut)",
                low[trigger.start :],
            )
            if direction == "up":
                return (
                    [("end", Moment(first, last, "between"))]
                    if how == "between"
                    else [("onset", Moment(first, None, "within")), ("end", Moment(last, None, "within"))]
                )
            if (
                how == "between"
                and momentary
                and not re.search(
                    r"\b(?:was|were|been|remained|stayed|lasted|offline)\b", low[trigger.start : trigger.end + 12]
                )
            ):
                return [("onset", Moment(first, last, "between"))]
            return [("onset", Moment(first, None, "within")), ("end", Moment(last, None, "within"))]
        if any(one.role in ("since", "from", "starting", "beginning") for one in times) and direction == "down":
            times = [one for one in times if one.role]  # "the typhoon at the weekend has left ... since Saturday"
        present = re.search(r"\b(?:is|are|has been|have been|works?|'s)\b[^,;]{0,12}$", low[: trigger.start + 6])
        for one in times:
            role = one.role
            if role in ("during", "over", "throughout"):
                continue
            if present and not role and one.day == ("offset", 0) and (one.clock is None or one.span == "part"):
                continue  # "is working again tonight"
            if (
                direction == "down"
                and trigger.value in ("unstable", "degraded")
                and role in ("", "and")
                and not _CHANGE.search(low[trigger.start : trigger.end])
                and re.search(
                    r"\b(?:was|were|is|are|had|has|have|remained|been|stayed)\b",
                    low[max(0, trigger.start - 12) : trigger.end],
                )
            ):
                continue
            if re.search(
                r"\b(?:most|much|all|part|half|rest|parts|throughout|during|through) (?:of )?(?:the )?$",
                low[max(0, one.start - 22) : one.start],
            ):
                continue
            if direction == "down":
                if role in ("until", "till", "not until", "up to") or (role == "to" and out):
                    out.append(
                        (
                            "end",
                            Moment(
                                one, None, "after" if "at least" in low[max(0, one.start - 2) : one.end] else "within"
                            ),
                        )
                    )
                    continue
                if role == "as of" or (
                    role in ("", "by")
                    and self._still.search(low[max(0, trigger.start - 25) : trigger.end + 15])
                    and role != "since"
                ):
                    continue
                if any(kind == "onset" for kind, _ in out):
                    continue
                if trigger.value == "" and re.search(r"last", low[trigger.start : trigger.end]):
                    continue
                out.append(("onset", Moment(one, None, "before" if role in ("by", "no later than") else "within")))
            else:
                if role == "as of" and not re.match(
                    r"(?:back|up|restored|online|reachable)$", low[trigger.start : trigger.end]
                ):
                    continue
                if role in ("from", "since", "between") and trigger.noun:
                    out.append(("onset", Moment(one, None, "within")))
                    continue
                if any(kind == "end" for kind, _ in out):
                    continue
                lasted = "at least" in low[max(0, one.start - 12) : one.end]
                out.append(
                    (
                        "end",
                        Moment(
                            one, None, "after" if lasted else "before" if role in ("by", "no later than") else "within"
                        ),
                    )
                )
        return out

    @staticmethod
    def _pair(low: str, times: list[Expression]) -> tuple[Expression, Expression, str] | None:
        for first, last in pairwise(times):
            between = low[first.end : last.start]
            if len(between.strip(" ,-")) > 6:
                continue
            if first.role == "between" and last.role == "and":
                return first, last, "between"
            if last.role in ("until", "till", "to", "up to") and first.role in (
                "from",
                "since",
                "between",
                "",
                "starting",
                "beginning",
            ):
                return first, last, "from"
            if between.strip() in ("-", "to", "until", "till") and first.clock and last.clock:
                return first, last, "from"
        return None

    def _durations(self, scene: Scene, triggers: list[Trigger], year: int | None) -> list[Draft]:
        out: list[Draft] = []
        low = scene.low
        for span in scene.spans:
            if not scene.outside_speech(span.start, span.end):
                continue
            before, after = low[max(0, span.start - 40) : span.start], low[span.end : span.end + 45]
            if re.match(
                r" (?:ago|before|earlier|from now|ahead|prior|away|old|per|a day|each|every|to go"
                r"|of (?:the day|talks|protests?|air|flights?|age|power|work)|into (?:the )?(?:match"
                r"|game|second)|delay|notice|battery|backup|curfew|flight|drive|journey|war|conflict"
                r"|strike|deadline|warning|window|meeting|search|visit|interval|trip|power)",
                after,
            ):
                continue
            if (
                re.search(
                    r"\b(?:every|within|in the (?:past|next|coming|last|first)|next|coming|past|previous"
                    r"|another|per|each|in|take|takes|need|needs|delayed(?: by)?|late by|first|final|last"
                    r"|aged|minute|by)\s*(?:the\s*)?$",
                    before,
                )
                and not re.search(r"\b(?:for|over) the (?:past|last) ?$", before)
                and not re.search(r"took $", before)
            ):
                # "back in nine hours" is a plan or a record time; "in 20 minutes all routes were gone" is a pace
                continue
            if not (
                re.match(r",? (?:in total|in all|altogether|all told|overall|all in all)\b", after)
                and scene.topic == "net"
            ) and not self._lasting(scene, span.start, span.end, before, after, triggers):
                continue
            if self.unreal(scene, span.start, span.end, year):
                continue
            ends = (span.low, span.high)
            if span.high is None and re.search(
                r"\b(?:never|not) (?:for|(?:\w+ )?(?:last\w*|exceed\w*|longer))\b[^,;]{0,16}$", before
            ):
                ends = (None, span.low)  # "never for more than twelve minutes"
            value = {"min_s": _whole(ends[0]), "max_s": _whole(ends[1])}
            out.append(Draft("duration", value, span.start, confidence=0.85))
        return out

    def _lasting(self, scene: Scene, start: int, end: int, before: str, after: str, triggers: list[Trigger]) -> bool:
        """Whether a duration is that of an outage of the Internet."""
        if noun := self._event.match(after.lstrip(" -")[:40]) or re.match(
            r"(?:\w+ )?(?:\w+ )?(?:outage|blackout|shutdown|disruption|interruption|cut-?off"
            r"|downtime|silence|gap|drop|break|loss|collapse|absence|failure)\b",
            after.lstrip(" -"),
        ):
            phrase = after.lstrip(" -")[: noun.end()]
            return self._phrase_about_net(scene, phrase, start)
        if of := re.match(
            r" of (?:\w+ ){0,3}?(?:disruption|downtime|darkness|silence|outage|interruption"
            r"|being (?:offline|down)|blackout|no (?:service|internet)|isolation|unavailability"
            r"|instability|trouble|problems)\b",
            after,
        ):
            return self._phrase_about_net(scene, of[0], start)
        if re.match(r" (?:passed|elapsed|went by|ticked by|would pass)\b", after) and scene.topic == "net":
            return True
        if re.search(r"\bnot $", before) or re.search(
            r"^(?:none|no|neither)\b", scene.low[scene.region(start)[0] :].lstrip()
        ):
            return False
        if self._event_of.search(before):
            noun_here = next(
                (noun for noun in reversed(scene.nouns) if noun.start < start and noun.kind != "general"), None
            )
            return (
                noun_here.kind == "net"
                if noun_here is not None and start - noun_here.end < 40
                else scene.topic == "net"
            )
        if (
            self._counted.search(before)
            and scene.topic == "net"
            and not any(noun.kind == "other" for noun in scene.nouns)
        ):
            return True
        begin, until = scene.region(start)
        near = [one for one in triggers if one.start < until + 1 and one.end > begin - 1] or [
            one for one in triggers if abs(one.start - end) < 60 or abs(start - one.end) < 40
        ]
        about = [
            one
            for one in near
            if scene.about_net(one.start, one.end, strong=not one.direction.endswith("?"))
            or (one.noun and self._noun_about_net(scene, one))
        ]
        if re.search(
            r"\b(?:last(?:ed|s|ing)?|dragged on|went on|stretched|ran|continued|persisted|endured"
            r"|spanned|duration (?:of|was)|duration (?:of the outage )?(?:was|at)|total(?:l?ed"
            r"|ling)|put at|came to|amounted to|took|lasted in all|measured)(?: (?:for|on for|only"
            r"|just|in all|to))*(?: a total of)? ?$",
            before,
        ):
            noun_here = scene.noun_before(start, begin)
            return (noun_here is None or noun_here.kind in ("net", "general")) and (
                scene.topic == "net" or bool(noun_here and noun_here.kind == "net")
            )
        if re.search(r"\btook (?:\w+ ){0,4}$", before) and any(one.direction.startswith("up") for one in triggers):
            return scene.topic == "net"
        if not about:
            return False
        if scene.low.startswith("within", start) and any(one.direction.startswith("up") for one in about):
            return True
        if re.match(
            r",? (?:later|after(?:wards| (?!\d)\w+)?\b)",
            after,
        ):
            ups = [one for one in near if one.direction.startswith("up")]
            if not ups:
                return False
            earlier = [one for one in triggers if one.direction.startswith("up") and one.end < ups[0].start]
            return "later" not in after[:8] or not earlier
        if re.search(
            r"\b(?:for|after|over|throughout|during|following|because of|spent"
            r"|than)(?: (?:the past|the last|about|around|just|only|well|some|a total of|at least"
            r"|more than|over|nearly|almost|exactly|up to))* ?$",
            before,
        ) or low_for(before):
            return True
        return bool(re.match(r" (?:offline|without|in the dark|down|cut off|dark|of)\b", after))

    def _phrase_about_net(self, scene: Scene, phrase: str, start: int) -> bool:
        inside = [
            noun
            for noun in scene.nouns
            if noun.start >= start
            and noun.end <= start + len(phrase) + 60
            and noun.kind != "general"
            and scene.low[noun.start : noun.end] in phrase
        ]
        if inside:
            return inside[0].kind == "net"
        return scene.topic == "net"


def low_for(before: str) -> bool:
    """Whether "for" stands close before, with only words of degree between."""
    return bool(re.search(r"\bfor\s+(?:\w+\s+){0,2}$", before))


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
