"""What around a candidate speaks for or against a claim: features by name, and a weight for each in a table.

A candidate is a stretch of a sentence that could make a claim: a word for a thing that breaks, a time, a length, a
share. Its features are names such as ``b1:damaged`` (a word of damage stands close before); the sum of their weights
(grammar/en/weights.toml) is the log odds that the claim is made. `python -m tests.explanation.claims.fit` makes the
table from the labelled texts.
"""

import re
from dataclasses import dataclass, field

from duskwatch.explanation.claims.grammar import Grammar
from duskwatch.explanation.claims.scene import Draft, Scene

NEAR = 60  # characters on either side of a candidate that count as near
CLOSE = 14
KNOWN = 50_000  # words of which a lexicon remembers what they are
_SPACED = re.compile(r"[ ']|\\s")
_TOKEN = re.compile(r"[\w-]+")
_WORD = re.compile(r"[a-z][a-z'-]*|\d+|[;:,.\"]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of a sentence that could make the claim ``draft``; offsets into the sentence."""

    model: str  # which weights
    value: str  # which claim of that model: a cause, a state, onset or end
    start: int
    end: int
    draft: Draft
    shape: tuple[str, ...] = ()  # features of the stretch itself, and of the stretch where it stands


@dataclass(slots=True)
class Marks:
    """Signal words of one sentence, and the features that all its candidates share."""

    found: list[tuple[str, int, int]]
    shared: list[str] = field(default_factory=list)


class Lexicon:
    """Finds words and phrases of named lists. What a single word is, is looked up once."""

    def __init__(self, table: dict[str, list[str]]) -> None:
        self._single = [
            (name, re.compile("|".join(f"(?:{word})" for word in words if not _SPACED.search(word))))
            for name, words in table.items()
        ]
        self._phrases = [
            (name, re.compile(r"(?:(?<![\w-])|(?=n't))(?:" + "|".join(spaced) + r")(?![\w-])"))
            for name, words in table.items()
            if (spaced := [word for word in words if _SPACED.search(word)])
        ]
        self._names_of: dict[str, tuple[str, ...]] = {}

    def find(self, low: str) -> list[tuple[str, int, int]]:
        """Names of the lists with the offsets of their words, phrases first."""
        out = [(name, match.start(), match.end()) for name, pattern in self._phrases for match in pattern.finditer(low)]
        covered = {(name, at) for name, begin, until in out for at in range(begin, until)}
        for match in _TOKEN.finditer(low):
            out += [
                (name, match.start(), match.end())
                for name in self._names(match[0])
                if (name, match.start()) not in covered
            ]
        return out

    def _names(self, word: str) -> tuple[str, ...]:
        names = self._names_of.get(word)
        if names is None:
            names = tuple(name for name, pattern in self._single if pattern.fullmatch(word))
            if len(self._names_of) < KNOWN:
                self._names_of[word] = names
        return names


class Hints:
    """Features by the signal words of one language."""

    def __init__(self, grammar: Grammar) -> None:
        self._signals = Lexicon(grammar.hints.get("signal", {}))

    def marks(self, scene: Scene, place: list[str]) -> Marks:
        """Signals of a sentence; ``place`` are features that tell where in the article the sentence stands."""
        low = scene.low
        found = self._signals.find(low)
        shared = ["w:" + name for name in {name for name, _, _ in found}]
        shared += ["noun:" + kind for kind in {noun.kind for noun in scene.nouns}]
        shared.append("topic:" + scene.topic)
        shared += place
        shared.append("voice:" + ("yes" if scene.voices else "line" if scene.voice else "no"))
        if scene.question:
            shared.append("question")
        if scene.sentence.stamp:
            shared.append("stamp")
        words = len(low.split())
        shared.append("long:" + ("0" if words < 6 else "1" if words < 14 else "2" if words < 28 else "3"))
        return Marks(found, shared)

    def features(self, scene: Scene, one: Candidate, marks: Marks, beside: set[str]) -> list[str]:
        """The names of all features of one candidate; ``beside`` is what candidates of the sentence claim."""
        low = scene.low
        start, end = one.start, one.end
        begin, until = scene.region(start)
        names = set(one.shape)
        names.update("with:" + value for value in beside if value != one.value)
        for name, a, b in marks.found:
            if a < end and start < b:
                names.add("i:" + name)
                continue
            side, gap = ("b", start - b) if b <= start else ("a", a - end)
            if gap <= CLOSE:
                names.add(f"{side}1:{name}")
            if gap <= NEAR:
                names.add(f"{side}:{name}")
            if begin <= a < until:
                names.add("r:" + name)
        for trigger in scene.triggers or []:
            if begin <= trigger.start < until and not (trigger.start < end and start < trigger.end):
                names.add(
                    ("bt:" if trigger.end <= start else "at:")
                    + trigger.direction
                    + (trigger.value and "." + trigger.value)
                )
        voice = scene.voice_at(start)
        if voice is not None:
            names.add("act:" + voice.act)
        if not scene.outside_speech(start, end):
            names.add("speech")
        names.add("first" if not low[:start].strip(" \"'") else "later")
        head, tail = _WORD.findall(low[max(0, start - NEAR) : start])[-3:], _WORD.findall(low[end : end + NEAR])[:3]
        names.update(f"<{_stem(word)}" for word in head)
        names.update(f">{_stem(word)}" for word in tail)
        if head:
            names.add("<1" + head[-1])
        if tail:
            names.add(">1" + tail[0])
        out = ["bias", f"c:{one.value}", *names, *marks.shared]
        out += [f"{one.value}|{name}" for name in (*names, *marks.shared)]
        return out


def odds(weights: dict[str, float], features: list[str]) -> float:
    """The sum of the weights of the features: log odds."""
    weight_of = weights.get
    return sum([weight_of(name, 0.0) for name in features])


def stem(word: str) -> str:
    """A word without the ending of its form, roughly."""
    return _stem(word)


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "ied", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
