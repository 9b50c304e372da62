"""Every stretch of a sentence that could make a claim, whatever the patterns say; `hints` weighs each."""

import re
from collections.abc import Iterator
from dataclasses import replace

from duskwatch.explanation.claims.attacks import Attacks, attack_type
from duskwatch.explanation.claims.causes import Causes
from duskwatch.explanation.claims.events import Moment
from duskwatch.explanation.claims.figures import FLIP, Figures
from duskwatch.explanation.claims.grammar import Grammar
from duskwatch.explanation.claims.hints import Candidate, Lexicon, stem
from duskwatch.explanation.claims.numbers import Numbers
from duskwatch.explanation.claims.others import Others
from duskwatch.explanation.claims.scene import Draft, Scene

_OF_NETWORKS = frozenset(
    ("exchange", "exchanges", "servers", "server", "software", "emails", "email", "payments", "schools", "banks")
)
_HEADING = re.compile(r"(?:why|how|what|who|when|where|the )\b(?!.*\b(?:is|are|was|were|has|have|had)\b.*[.])")
_HALF_OF = re.compile(
    r"\b(?:north|south|east|west|northern|southern|eastern|western|upper|lower|first|second|other|latter) $"
)
_SITE = re.compile(r"\b(?:web ?sites?|sites?|home ?pages?|portals?|pages?)\b|\.(?:com|net|org|gov|example)\b")
MOST = 80  # candidates of one sentence


class Candidates:
    """Finds candidates by the tables of one language."""

    def __init__(
        self,
        grammar: Grammar,
        causes: Causes,
        attacks: Attacks,
        figures: Figures,
        others: Others,
        numbers: Numbers,
        left: object,
    ) -> None:
        self._left = left
        self._causes, self._attacks, self._figures = causes, attacks, figures
        self._others, self._numbers = others, numbers
        self._cause = Lexicon(grammar.hints.get("cause", {}))
        self._refusal = Lexicon(grammar.hints.get("refusal", {}))
        self._state = Lexicon(grammar.hints.get("state", {}))

    def find(self, scene: Scene) -> list[Candidate]:
        """Candidates of one sentence, at most `MOST`."""
        out: list[Candidate] = []
        if scene.question or (scene.sentence.title and _HEADING.match(scene.low)):
            return out
        parts = [self._causes_of, self._attacks_of, self._sites, self._refusals, self._dependences]
        kinds = {noun.kind for noun in scene.nouns}
        others = [
            noun
            for noun in scene.nouns
            if noun.kind == "other" and scene.low[noun.start : noun.end] not in _OF_NETWORKS
        ]
        if not others or "net" in kinds:  # what befalls flights and shops befalls no network
            parts += [self._states, self._moments, self._durations, self._shares, self._impacts]
        for part in parts:
            out += [one for one in part(scene) if one.model not in ("state", "moment") or not _of_site(scene, one)]
            if len(out) >= MOST:
                break
        return out[:MOST]

    def settled(self, scene: Scene, one: Candidate) -> Draft:
        """The draft of a candidate that is taken, with how a cause is put."""
        if one.model != "cause" or one.value == "unknown":
            return one.draft
        return replace(one.draft, modality=self._causes.modality(scene, one.start, one.end, one.value))

    def _causes_of(self, scene: Scene) -> Iterator[Candidate]:
        low = scene.low
        for name, start, end in self._cause.find(low):
            draft = Draft("cause", name, end - 1, modality="asserted", confidence=0.6)
            yield Candidate("cause", name, start, end, draft, ("t:" + stem(low[start:end]),))

    def _states(self, scene: Scene) -> Iterator[Candidate]:
        for name, start, end in self._state.find(scene.low):
            draft = Draft("state", name, start, confidence=0.6)
            yield Candidate("state", name, start, end, draft, ("t:" + stem(scene.low[start:end]),))

    def _moments(self, scene: Scene) -> Iterator[Candidate]:
        times = scene.times
        used: set[int] = set()
        for number, one in enumerate(times):
            following = times[number + 1] if number + 1 < len(times) else None
            last = None
            if (
                following is not None
                and one.role == "between"
                and following.role == "and"
                and following.start - one.end < 8
            ):
                last = following
                used.add(id(following))
            if id(one) in used:
                continue
            shape = [f"role:{one.role}", f"bound:{one.bound}", "exact" if _exact(one) else "vague"]
            shape.append("day:" + (one.day[0] if one.day else "none"))
            shape.append("clock" if one.clock else "ago" if one.ago else "span" if one.span else "dayonly")
            shape.append("others:" + str(min(3, len(times) - 1)))
            if any(_exact(other) for other in times if other is not one):
                shape.append("other-exact")
            if any(other.start < one.start for other in times):
                shape.append("not-first")
            for kind in ("onset", "end"):
                how = "between" if last is not None else "before" if one.role in ("by", "no later than") else "within"
                draft = Draft(kind, Moment(one, last, how), one.start, confidence=0.6)
                yield Candidate("moment", kind, one.start, (last or one).end, draft, tuple(shape))

    def _durations(self, scene: Scene) -> Iterator[Candidate]:
        for span in scene.spans:
            value = {
                "min_s": None if span.low is None else round(span.low),
                "max_s": None if span.high is None else round(span.high),
            }
            shape = ("min:" + ("none" if span.low is None else "zero" if not span.low else "some"),
                     "max:" + ("none" if span.high is None else "some"),
                     "size:" + str(len(str(int(span.low or span.high or 0)))))  # fmt: skip
            draft = Draft("duration", value, span.start, confidence=0.6)
            yield Candidate("duration", "duration", span.start, span.end, draft, shape)

    def _shares(self, scene: Scene) -> Iterator[Candidate]:
        low = scene.low
        taken: list[tuple[int, int]] = [(one.start, one.end) for one in scene.spans]
        for start, end, of, share, bound in self._figures.counted(low):
            taken.append((start, end))
            for name, lost, edge in (("lost", share, bound), ("left", 1 - share, FLIP[bound])):
                draft = Draft("share", {"of": of, "lost": round(lost, 4), "bound": edge}, start, confidence=0.6)
                yield Candidate("share", name, start, end, draft, ("counted",))
        for amount in self._numbers.fractions(low):
            if (
                amount.said > 1
                or _HALF_OF.search(low[: amount.start])
                or any(a < amount.end and amount.start < b for a, b in taken)
            ):
                continue
            near = low[max(0, amount.start - 60) : amount.end + 40]
            of = self._figures.what(near)
            for name, lost, edge in (
                ("lost", amount.said, amount.bound),
                ("left", 1 - amount.said, FLIP[amount.bound]),
            ):
                draft = Draft("share", {"of": of, "lost": round(lost, 4), "bound": edge}, amount.start, confidence=0.6)
                yield Candidate("share", name, amount.start, amount.end, draft, ("fraction",))

    def _impacts(self, scene: Scene) -> Iterator[Candidate]:
        low = scene.low
        busy = [*((one.start, one.end) for one in scene.times), *((one.start, one.end) for one in scene.spans)]
        fractions = [
            amount
            for amount in self._numbers.fractions(low)
            if amount.said <= 1 and not any(a < amount.end and amount.start < b for a, b in busy)
        ]
        for amount in fractions:
            value = {"people": None, "share": round(amount.said, 4), "quantifier": amount.bound}
            draft = Draft("impact", value, amount.start, confidence=0.6)
            yield Candidate("impact", "share", amount.start, amount.end, draft)
        busy += [(one.start, one.end) for one in fractions]
        for amount in self._numbers.amounts(low):
            if any(a < amount.end and amount.start < b for a, b in busy) or (
                amount.bound != "vague" and amount.said < 20
            ):
                continue
            number = None if amount.bound == "vague" or amount.said != amount.said else int(amount.said)
            quantifier = amount.bound if number is not None else low[amount.start : amount.end]
            value = {"people": number, "share": None, "quantifier": quantifier}
            draft = Draft("impact", value, amount.start, confidence=0.6)
            shape = ("year",) if number and 1900 < number < 2100 and "," not in low[amount.start : amount.end] else ()
            yield Candidate("impact", "count", amount.start, amount.end, draft, shape)
        for start, end, words in self._figures.few(low):
            draft = Draft("impact", {"people": None, "share": None, "quantifier": words}, start, confidence=0.6)
            yield Candidate("impact", "few", start, end, draft, ("t:" + words,))

    def _attacks_of(self, scene: Scene) -> Iterator[Candidate]:
        for start, end, entity, since in self._attacks.seen(scene):
            text = scene.low[start:end]
            draft = Draft(
                "attack", {"type": attack_type(text, scene.low), "since": since}, start, entity=entity, confidence=0.6
            )
            yield Candidate("attack", "saw", start, end, draft, ("t:" + stem(text), "since" if since else "nosince"))

    def _refusals(self, scene: Scene) -> Iterator[Candidate]:
        for name, start, end in self._refusal.find(scene.low):
            who = self._others.refuser(scene, start, self._left)
            if who is None:
                continue
            draft = Draft("refusal", None, start, speaker=who, own_speaker=True, modality="refused", confidence=0.6)
            yield Candidate("refusal", name, start, end, draft, ("t:" + stem(scene.low[start:end]),))

    def _dependences(self, scene: Scene) -> Iterator[Candidate]:
        for start, end, on, share, quantifier in self._others.carried(scene):
            value = {"on": on, "share": share, "quantifier": quantifier}
            draft = Draft("dependence", value, start, confidence=0.6)
            shape = (
                "t:" + scene.low[start:end].strip(),
                "share" if share is not None else "noshare",
                f"q:{quantifier}",
            )
            yield Candidate("dependence", "through", start, end, draft, shape)

    def _sites(self, scene: Scene) -> Iterator[Candidate]:
        low = scene.low
        if not ("." in low or "site" in low or "page" in low or "portal" in low or "that of" in low):
            return
        for name, start, end in self._others.named_sites(scene.sentence.flat, low):
            for value in ("up", "down"):
                draft = Draft("site", {"name": name, "up": value == "up"}, start, confidence=0.6)
                yield Candidate("site", value, start, end, draft, ("host",) if "." in name else ("named",))


def _exact(one: object) -> bool:
    clock = getattr(one, "clock", None)
    return clock is not None and clock[0] == clock[1]


def _of_site(scene: Scene, one: Candidate) -> bool:
    """Whether a state or a moment is that of a web site."""
    begin, _ = scene.region(one.start)
    return _SITE.search(scene.low, begin, one.start) is not None
