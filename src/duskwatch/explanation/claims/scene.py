"""One sentence with all that the rules ask of it: what is spoken of, who speaks, which place, which words bend it."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from duskwatch.explanation.claims.expression import Expression
from duskwatch.explanation.claims.numbers import Amount, Span
from duskwatch.explanation.claims.places import Mention
from duskwatch.explanation.claims.sentences import Sentence
from duskwatch.explanation.claims.voices import Voice
from duskwatch.records.claim import Modality


@dataclass(frozen=True, slots=True)
class Noun:
    """What something is about: net, general, other (power, flights), part (a cable, a router)."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A claim before its speaker, place and modality are settled. ``at`` is where in the sentence it is made."""

    kind: str
    value: object
    at: int
    entity: str | None = None
    speaker: str | None = None
    modality: Modality | None = None
    confidence: float = 0.8
    own_entity: bool = False  # ``entity`` is final, None included
    own_speaker: bool = False


@dataclass(slots=True)
class Scene:
    """The analysed sentence. Offsets of everything are into ``sentence.low``."""

    sentence: Sentence
    nouns: list[Noun]
    mentions: list[Mention]
    spans: list[Span]
    times: list[Expression]
    voices: list[Voice]
    topic: str  # net or other: what was spoken of before this sentence
    focus: str | None  # entity spoken of before
    network: str | None  # network spoken of before
    country: str | None  # country spoken of before
    quoted_by: str = ""  # whose quote an unattributed quote goes on
    voice: str = ""  # who a line, a transcript or the whole text says is speaking
    fractions: list[Amount] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)  # where regions begin, after the first
    question: bool = False
    triggers: list[Any] | None = None  # events of the sentence, once they were looked for
    there: str = ""  # the place of the sentence before
    month: int = 0  # of the publication; 0 where it has no date
    past: bool = False  # goes on about an earlier outage
    resolved: dict[str, str] = field(default_factory=dict)  # pronoun to speaker

    @property
    def low(self) -> str:
        """The sentence in lower case."""
        return self.sentence.low

    def region(self, at: int) -> tuple[int, int]:
        """The stretch of the sentence around ``at`` that one event has to itself."""
        number = bisect_right(self.cuts, at)
        begin = self.cuts[number - 1] if number else 0
        until = self.cuts[number] if number < len(self.cuts) else len(self.low)
        return begin, until

    def outside_speech(self, start: int, end: int) -> bool:
        """Whether a stretch is no part of "officials said on Monday"."""
        return not any(voice.phrase[0] <= start and end <= voice.phrase[1] for voice in self.voices)

    def voice_at(self, at: int) -> Voice | None:
        """The speaker of what stands at ``at``: the innermost one."""
        best: tuple[int, Voice] | None = None
        for voice in self.voices:
            for begin, until in voice.spans:
                if begin <= at < until or (begin <= at and at == until):
                    size = until - begin
                    if best is None or size < best[0]:
                        best = (size, voice)
        if best is None:  # "providers saw normal traffic" is what they say
            return next((voice for voice in self.voices if voice.phrase[0] <= at < voice.phrase[1]), None)
        return best[1]

    def speaker_at(self, at: int) -> str | None:
        """The name of the speaker there; None for the outlet itself."""
        voice = self.voice_at(at)
        if voice is not None:
            name = self.resolved.get(voice.speaker.lower(), voice.speaker) if voice.refers else voice.speaker
            if name.lower() in ("we", "i", "us"):
                return self.voice or None
            return name
        return self.quoted_by or self.voice or None

    def noun_before(self, at: int, begin: int) -> Noun | None:
        """The nearest noun that says what something at ``at`` is about."""
        found: Noun | None = None
        for noun in self.nouns:
            if noun.start < at and noun.start >= begin and self.outside_speech(noun.start, noun.end):
                head = found is not None and found.kind in ("other", "part") and noun.kind == "general"
                if head and re.fullmatch(r" (?:of|at|for) (?:the |its |our )?", self.low[found.end : noun.start]):  # type: ignore[union-attr]
                    continue  # "shares of the operator" are shares
                found = noun
        return found

    def about_net(self, start: int, end: int, *, strong: bool) -> bool:
        """Whether what happens at [start, end) happens to the Internet."""
        if any(noun.kind == "net" and noun.start < end and noun.end > start for noun in self.nouns):
            return True
        begin, until = self.region(start)
        before = self.noun_before(start, begin)
        if before is None and begin:  # "the network slowed and then went down": the subject stands before the cut
            before = self.noun_before(start, 0)
        if before is not None and before.kind in ("other", "part"):
            return False
        if strong or (before is not None and before.kind == "net"):
            return True
        if before is None:
            named = any(
                one.end <= start and one.start >= begin and self.outside_speech(one.start, one.end)
                for one in self.mentions
            )
            if not named:
                after = next((noun for noun in self.nouns if noun.start >= end and noun.start < until), None)
                if after is not None and after.start - end < 40:
                    return after.kind == "net" or (after.kind == "general" and self.topic == "net")
        return self.topic == "net"

    def negated(self, start: int, begin: int, pattern: "re.Pattern[str]") -> bool:
        """Whether a negation stands right before ``start``."""
        return bool(pattern.search(self.low[max(begin, start - 48) : start]))


def regions(low: str, triggers: Sequence[tuple[int, int]], closed: Sequence[tuple[int, int]]) -> list[int]:
    """Where to cut between events, so that each has its own stretch; never inside one of ``closed`` (times)."""
    cuts = [match.start() for match in _ALWAYS.finditer(low) if not any(a < match.start() < b for a, b in closed)]
    for (_, end), (start, _) in pairwise(triggers):
        if start <= end or any(end <= cut <= start for cut in cuts):
            continue
        between = low[end:start]
        spots = [match for match in _JOINT.finditer(between) if not any(a < end + match.start() < b for a, b in closed)]
        if not spots:
            continue
        strong = [match for match in spots if match.lastgroup == "strong"]
        chosen = strong[0] if strong else next((match for match in spots if match.lastgroup == "middle"), spots[-1])
        cuts.append(end + chosen.start())
    return sorted(cuts)


_ALWAYS = re.compile(r";|,? (?<!\ball )\b(?:but|while|whereas|although|though)\b")
_JOINT = re.compile(
    r"(?P<strong>;| - |: |(?<!\ball )\b(?:but|while|whereas|although|though|because|when|after|before"
    r"|until(?! \w+day)|which|who|where|following|only to|hours after)\b(?! (?:noon"
    r"|midnight|midday|dawn|\d|\w+day)))"
    r"|(?P<middle>,? (?:and|then|or|as)\b)|(?P<weak>,)"
)
