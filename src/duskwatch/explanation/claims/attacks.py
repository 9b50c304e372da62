"""Attacks that somebody saw: on whom, of what shape, since when."""

import re
from collections.abc import Iterator

from duskwatch.explanation.claims.events import Events, Moment
from duskwatch.explanation.claims.grammar import Grammar
from duskwatch.explanation.claims.scene import Draft, Scene


class Attacks:
    """Finds attacks by the patterns of one language."""

    def __init__(self, grammar: Grammar, events: Events) -> None:
        self._events = events
        self._ruled = grammar.compile(
            "(?:{rule_out}|(?:no|any|without|lack of|little) (?:evidence|signs?|indications?"
            "|proof|trace|reason to (?:believe|think))|(?:(?<!\\w)(?:not|never|rather than"
            "|nothing to do with|neither|nor|instead of|unlikely|rules out|excluded|far from)"
            "|n't)\\b)[^;]{0,80}$"
        )
        self._attack = grammar.compile("(?<![\\w-])(?:" + "|".join(grammar.patterns["attack"]["noun"]) + ")(?![\\w])")
        self._seen = grammar.compile("\\b(?:" + "|".join(grammar.patterns["attack"]["seen"]) + ")\\b")

    def read(self, scene: Scene, year: int | None) -> list[Draft]:
        """Drafts of attacks that somebody saw; ``since`` is a `Moment` or None."""
        low = scene.low
        for match in self._attack.finditer(low):
            start, end = match.start(), match.end()
            text = match[0]
            if scene.question or self._events.unreal(scene, start, end, year) or not scene.outside_speech(start, end):
                continue
            plain = not re.search(r"denial|ddos|flood|amplif|reflect|botnet|traffic|volumetric|packet", text)
            region = low
            if not self._seen.search(region):
                continue
            if plain:
                if re.search(
                    r"\bsony\b|\bbank|heart|terror|bomb|militant|rebel|gunmen|troops|soldiers|killed"
                    r"|wounded|goal|midfield|wing\b|left back|nuclear|personal|verbal|air ?strike|missile"
                    r"|drone",
                    low,
                ):
                    continue
                target = re.search(
                    r"\b(?:networks?|routers?|dns|name ?servers?|infrastructure|addresses|servers|links?"
                    r"|gbps|gbit|gigabits?|packets|internet|provider|operator|isp)\b",
                    low[:start] + " " + low[end:],
                )
                if not target or scene.topic != "net":
                    continue
            negative = self._ruled.search(low[max(0, start - 80) : start])
            if negative or (scene.voice_at(start) is not None and scene.voice_at(start).act in ("deny", "rule_out")):  # type: ignore[union-attr]
                continue
            if re.search(
                r"\b(?:caused by|due to|because of|blamed? on|result of|could be|may be|might be"
                r"|cause (?:was|is)|possib\w+|suspect\w*|consistent with)\b[^.;]{0,40}$",
                low[:start],
            ):
                continue
            since = self._since(scene, start, end)
            return [
                Draft(
                    "attack",
                    {"type": attack_type(text, low), "since": since},
                    start,
                    entity=self._target(scene, end),
                    confidence=0.85,
                )
            ]
        return []

    def seen(self, scene: Scene) -> Iterator[tuple[int, int, str | None, Moment | None]]:
        """Every word for an attack: where it stands, the entity attacked, since when."""
        for match in self._attack.finditer(scene.low):
            start, end = match.span()
            yield start, end, self._target(scene, end), self._since(scene, start, end)

    @staticmethod
    def _target(scene: Scene, end: int) -> str | None:
        after = [
            one
            for one in scene.mentions
            if one.start >= end
            and re.search(r"\b(?:on|against|at|targeting|aimed at|to|toward)\b[^.;]{0,30}$", scene.low[end : one.start])
        ]
        return after[0].entity if after else None

    @staticmethod
    def _since(scene: Scene, start: int, end: int) -> Moment | None:
        times = [
            one
            for one in scene.times
            if scene.outside_speech(one.start, one.end)
            or any(voice.phrase[0] <= one.start < voice.phrase[1] for voice in scene.voices) is False
        ]
        exact = [one for one in times if one.clock and one.clock[0] == one.clock[1]]
        for one in exact or times:
            lead = scene.low[max(0, one.start - 40) : one.start] + scene.low[one.start : one.end]
            if one.role in ("since", "from", "starting", "beginning") or re.search(
                r"\b(?:began|begin|begun|beginning|started?|starting|since|first|from|dating)\b", lead
            ):
                return Moment(one, None, "within")
        for one in exact or times:
            if abs(one.start - end) < 80 or abs(start - one.end) < 60:
                return Moment(one, None, "within")
        return None


def attack_type(text: str, low: str) -> str:
    """denial-of-service with its shape in brackets where the words tell it, else as the words have it."""
    shape = re.search(
        r"\b(?:dns|ntp|ssdp|udp|tcp|syn|http|https|icmp|memcached)\b(?: (?:amplification"
        r"|reflection|floods?))?|\b(?:amplification|reflection|botnet|volumetric|flood)\b",
        text,
    )
    if shape is None and re.search(r"denial|ddos|flood|request|traffic|packet", text):
        shape = re.search(
            r"\b(?:dns|ntp|ssdp|udp|syn|http) (?:amplification|reflection|floods?|requests"
            r"|packets)\b|\b(?:amplification|reflection)\b",
            low,
        )
    if re.search(
        r"denial|ddos|\bdos\b|flood|amplif|reflect|botnet|volumetric|packet|traffic|request", text
    ) or re.search(r"denial[- ]of[- ]service|ddos", low):
        return "denial-of-service" + (f" ({shape[0]})" if shape else "")
    return "cyber-attack" if "cyber" in text else "attack"
