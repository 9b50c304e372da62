"""Numbers and spans of time in words and digits, each as an interval that respects how vaguely it is said."""

import re
from typing import NamedTuple

from duskwatch.explanation.claims.grammar import Grammar, alternatives

ENDLESS = None


class Amount(NamedTuple):
    """A number as an interval; a bound that the words do not give is None. ``start`` and ``end`` are offsets."""

    low: float | None
    high: float | None
    start: int
    end: int
    said: float  # the number itself
    bound: str  # exact, about, at least, at most


class Span(NamedTuple):
    """A duration in seconds, with its offsets; bounds as those of `Amount`."""

    low: float | None
    high: float | None
    start: int
    end: int


def bound_of(low: float | None, high: float | None) -> str:
    """The word of the JSON for an interval of factors."""
    if high is None:
        return "at least"
    if low in (0, None):
        return "at most"
    return "exact" if low == high else "about"


class Numbers:
    """Reads numbers and durations by the word lists of one language."""

    def __init__(self, grammar: Grammar) -> None:
        self._words: dict[str, float] = grammar.words["numbers"]
        self._vague: dict[str, list[float]] = grammar.words["vague_counts"]
        self._qualifiers: dict[str, list[float | None]] = {
            key: [None if bound == "" else bound for bound in pair] for key, pair in grammar.words["qualifiers"].items()
        }
        self._units: dict[str, int] = grammar.words["units"]
        self._fractions: dict[str, float] = grammar.words["fractions"]
        word = alternatives(self._words)
        self.number = (
            rf"(?:\d{{1,3}}(?:[,\u00a0\u202f]\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|(?:{word})(?:(?:[ -]"
            rf"|(?: and )){{1}}(?:{word}))*)"
            rf"(?:[ -]?(?:hundred|thousand|million|billion|bn|[mk])\b)*"
        )
        self._large = re.compile(
            rf"(?:(?P<n>{self.number})|an?) and a half (?P<u>thousand|million|billion)|(?:(?P<m>{word}|\d+)|an?) "
            r"(?P<v>thousand|million|billion) and a half"
            r"|(?P<part>half|a quarter of|three quarters of) an? (?P<w>thousand|million|billion)"
        )
        self._half = r"(?: and a half|-and-a-half|½)"
        qualifier = alternatives(self._qualifiers)
        vague = alternatives(self._vague)
        fullunit = r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?)"
        self._part = re.compile(
            rf"(?P<num>{self.number}){self._half.replace('(?:', '(?P<half>', 1)}?[ -]?"
            rf"(?P<unit>{fullunit}|(?<=\d)[hms]|(?<=\d )[hms])(?![a-z])(?P<tail> and a half"
            r"| and a quarter)?"
        )
        part = (
            rf"{self.number}{self._half}?[ -]?(?:{fullunit}|(?<=\d)[hms]"
            r"|(?<=\d )[hms])(?![a-z])(?: and a half| and a quarter)?"
        )
        self._span = re.compile(
            rf"(?<![\w.,:])(?P<q>(?:{qualifier})(?: (?:the|a|an))? )?(?:(?P<parts>(?:a |an |the "
            rf"|its )?{part}(?:(?:,? and |, |,| )?{part}){{0,3}})"
            rf"|(?P<vague>{vague})[ -](?P<vunit>{fullunit})(?![a-z])(?!s?-long)(?P<vtail> and a"
            rf" half| and a quarter)?(?: and (?P<vmore>{self.number})[ -]minutes?)?"
            r"|(?P<long>(?:hours?|days?|weeks?)-long|all[- ]day|all night|overnight-long|day-long"
            r"|daylong|hourslong|dayslong|weeklong)"
            r"|(?P<bare>(?:for )(?P<bunit>hours|days|weeks"
            r"|minutes)(?: on end)?\b))(?P<after> or (?:so|more|longer|less)| plus)?"
        )
        self._amount = re.compile(
            rf"(?<![\w.,:])(?P<q>(?:{qualifier}) )?(?:(?P<num>{self.number})|(?P<vague>dozens"
            r"|hundreds|thousands|hundreds of thousands"
            rf"|tens of thousands|tens of millions|millions))(?![\w])"
        )
        self._fraction = re.compile(
            rf"(?<![\w-])(?P<q>(?:{qualifier}) )?(?:(?<!and a )(?P<pct>{self.number}) ?(?:%"
            r"|per ?cent(?:age points?)?\b)"
            rf"(?: (?:to|or|and) (?P<pct2>{self.number}) ?(?:%|per ?cent\b))?"
            rf"|(?P<n1>{self.number})(?: [a-z]+s?)? (?:in|out of|of every|in every"
            rf"|of) (?:every )?(?P<n2>{self.number})(?! ?(?:%|per ?cent|minutes|hours|days|weeks|months"
            rf"|years|march|april|may|june|july|january|february|august|september|october|november"
            rf"|december))(?![\w:.]\d)"
            rf"|(?<! and a )(?P<frac>{alternatives(self._fractions)})(?![\w-])(?! (?:past|a million"
            r"|a billion|a dozen|a century|an hour"
            r"|a day|hour)))"
        )
        self._words_only = re.compile(rf"(?:{word})\b")

    def value(self, text: str) -> float:
        """The number that ``text`` is: ``31``, ``1,200``, ``thirty-one``, ``two million``, ``1.5m``. NaN where none."""
        text = re.sub(r"[,\u00a0\u202f](?=\d{3})", "", text.strip())
        total = current = 0.0
        seen = False
        for token in re.findall(r"\d+(?:\.\d+)?|[a-z]+", text):
            if token[0].isdigit():
                current, seen = current + float(token), True
                continue
            if token == "and":
                continue
            token = {"m": "million", "bn": "billion", "k": "thousand"}.get(token, token)
            number = self._words.get(token)
            if number is None:
                return float("nan")
            seen = True
            if number == 100 or (token == "dozen"):
                current = (current or 1) * number
            elif number >= 1000:
                total += (current or 1) * number
                current = 0
            else:
                current += number
        return total + current if seen else float("nan")

    def _factors(self, qualifier: str | None) -> tuple[float | None, float | None]:
        if not qualifier:
            return 1, 1
        words = re.sub(r" (?:the|a|an)$", "", qualifier.strip())
        low, high = self._qualifiers.get(qualifier.strip()) or self._qualifiers.get(words) or [1, 1]
        return low, high

    def spans(self, text: str) -> list[Span]:
        """Durations in lower-case text, in order."""
        found = []
        for match in self._span.finditer(text):
            span = self._span_of(match)
            if span is not None:
                found.append(span)
        return found

    def _span_of(self, match: "re.Match[str]") -> Span | None:
        low, high = self._factors(match["q"])
        if re.search(r"\b(?:a|the|its|one|each|every|any|no) second$", match[0]) and re.match(
            r"[ -][a-z]", match.string[match.end() :]
        ):
            return None  # "a second cable"
        if match["parts"]:
            seconds = 0.0
            for part in self._part.finditer(match["parts"]):
                unit = self._units[self._unit(part["unit"])]
                number = self.value(part["num"]) + (0.5 if part["half"] else 0)
                number += {" and a half": 0.5, " and a quarter": 0.25}.get(part["tail"] or "", 0)
                seconds += number * unit
            if seconds != seconds or seconds == 0:
                return None
            ends = (seconds, seconds)
        elif match["vague"]:
            unit = self._units[self._unit(match["vunit"])]
            more = {" and a half": 0.5, " and a quarter": 0.25}.get(match["vtail"] or "", 0) * unit
            more += self.value(match["vmore"]) * 60 if match["vmore"] else 0
            least, most = self._vague[match["vague"]]
            ends = (least * unit + more, most * unit + more)
        elif match["long"]:
            ends = self._long(match["long"])
        else:
            unit = self._units[self._unit(match["bunit"])]
            ends = (2 * unit, (24 if unit == 3600 else 14 if unit == 86400 else 8 if unit > 86400 else 59) * unit)
        if match["after"]:
            after = match["after"].split()[-1]
            low, high = {"so": (0.88, 1.12), "more": (1, None), "longer": (1, None), "plus": (1, None)}.get(
                after, (0, 1)
            )
        least_s = None if low is None else low * ends[0]
        most_s = None if high is None else high * ends[1]
        return Span(least_s, most_s, match.start(), match.end())

    @staticmethod
    def _long(word: str) -> tuple[float, float]:
        if word.startswith("hours") or word.startswith("hour"):
            return (7200, 86400)
        if word.startswith("days") and not word.startswith("daylong"):
            return (2 * 86400, 14 * 86400)
        if word.startswith("week"):
            return (6 * 86400, 8 * 86400)
        return (8 * 3600, 24 * 3600)

    def _unit(self, text: str) -> str:
        return text if text in self._units else text.rstrip("s")

    def fractions(self, text: str) -> list[Amount]:
        """Shares of a whole, 0 to 1, in lower-case text: ``about 80 per cent``, ``two-thirds``."""
        found = []
        for match in self._fraction.finditer(text):
            if match["n1"]:
                first, second = self.value(match["n1"]), self.value(match["n2"])
                if not (0 < first < second <= 1000) or (first > 20 and second % 10):
                    continue
                said = first / second
            else:
                said = self._fractions[match["frac"]] if match["frac"] else self.value(match["pct"]) / 100
            top = self.value(match["pct2"]) / 100 if match["pct2"] else said
            if (match["q"] or "").strip() == "all but" and said < 0.5:  # "all but two per cent"
                found.append(Amount(1 - said, 1 - said, match.start(), match.end(), 1 - said, "exact"))
                continue
            if not 0 <= said <= 10:
                continue
            low, high = self._factors(match["q"])
            found.append(Amount(None if low is None else low * said, None if high is None else high * top,
                                match.start(), match.end(), (said + top) / 2, bound_of(low, high)))  # fmt: skip
        return found

    def amounts(self, text: str) -> list[Amount]:
        """Counts in lower-case text: ``some 300,000``, ``two million``, ``dozens``."""
        found = []
        masked = text
        for match in self._large.finditer(text):
            unit = self._words[match["u"] or match["v"] or match["w"]]
            if match["part"]:
                said = unit * {"half": 0.5, "a quarter of": 0.25}.get(match["part"], 0.75)
            else:
                said = unit * ((self.value(match["n"] or match["m"]) if match["n"] or match["m"] else 1) + 0.5)
            found.append(Amount(said, said, match.start(), match.end(), said, "exact"))
            masked = masked[: match.start()] + " " * (match.end() - match.start()) + masked[match.end() :]
        for match in self._amount.finditer(masked):
            low, high = self._factors(match["q"])
            if match["vague"]:
                said = {"dozens": 50, "hundreds": 500, "thousands": 5000, "millions": 3e6}.get(
                    match["vague"], float("nan")
                )
                found.append(Amount(None, None, match.start(), match.end(), said, "vague"))
                continue
            said = self.value(match["num"])
            if said != said:
                continue
            found.append(Amount(None if low is None else low * said, None if high is None else high * said,
                                match.start(), match.end(), said, bound_of(low, high)))  # fmt: skip
        return found
