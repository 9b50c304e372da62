"""Times in prose as intervals: "late on Monday", "around 4:15 p.m. local time", "from midnight", "overnight".

Finding and resolving are apart: what is found is an `Expression`; `moments.resolve` turns it into an interval of UTC by
the zone of the place and the dateline. How wide a vague word is stands in the tables of the language (``words.toml``).
"""

import re
from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from duskwatch.explanation.claims.expression import Expression
from duskwatch.explanation.claims.grammar import Grammar, alternatives


class Times:
    """Finds and resolves times by the word lists of one language."""

    def __init__(self, grammar: Grammar) -> None:
        words = grammar.words
        self._numbers: dict[str, int] = words["numbers"]
        self._ordinals: dict[str, int] = words["ordinals"]
        self._weekdays: dict[str, int] = words["weekdays"]
        self._months: dict[str, int] = words["months"]
        self._parts: dict[str, list[float]] = words["dayparts"]
        self._zones: dict[str, Any] = words["zones"]
        hour_word = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
        long_days = (
            "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
            r"|(?:mon|tues?|wed|thu(?:rs)?|fri|sat|sun)(?=\.?,? (?:\d|(?:jan|feb|mar|apr|may|jun"
            r"|jul|aug|sep|oct|nov|dec)))"
        )
        months = alternatives(self._months)
        zone = alternatives(self._zones)
        part = alternatives(self._parts)
        self._tz = re.compile(
            rf"(?:,? ?\(?)(?:(?P<zname>{zone})\b(?:\s*(?P<off>[+-]\s?\d{{1,2}})(?::?"
            r"(?P<offm>\d\d))?)?|(?P<zlocal>local time|local)\b"
            rf"|in (?P<zin>{zone})\b|(?P<zplace>[a-z][a-z .'-]{{2,25}}?) time\b)\)?"
        )
        self._atom = re.compile(
            rf"(?P<iso>\b(?:19|20)\d\d-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d)?(?:\s?z|\s?utc|[+-]\d\d:?\d\d)?)?)"
            rf"|(?P<dayof>(?<![\w:.-])\d{{1,2}}(?:st|nd|rd|th)?(?=(?: (?:to|until|till|and|or) (?:the )?"
            rf"|-)\d{{1,2}}(?:st|nd|rd|th)?"
            rf"(?: of)? (?:{months})\b))"
            rf"|(?P<c12>\b\d{{1,2}}(?:[:.]\d\d(?::\d\d)?)?\s?(?:a\.?\s?m\b\.?|p\.?\s?m\b\.?))"
            rf"|(?P<c24>\b(?:[01]?\d|2[0-4])[:h][0-5]\d(?::[0-5]\d)?\b)"
            rf"|(?P<dot24>\b(?:[01]?\d|2[0-3])\.[0-5]\d(?=,? (?:{zone}|local|hours|hrs)\b))"
            rf"|(?P<mil>\b(?:[01]\d|2[0-3])[0-5]\d(?=\s?(?:{zone}|hours|hrs|local|z)\b))"
            rf"|(?P<mil_b>(?<=at )(?:[01]\d|2[0-3])[0-5]\d\b(?!\s?(?:[a-z]*s\b|%)))"
            rf"|(?P<word12>\b(?:{hour_word})(?:[ -](?:thirty|fifteen|forty-five|twenty|ten|forty"
            r"|fifty|o'clock))? ?(?:a\.?\s?m\b\.?|p\.?\s?m\b\.?))"
            r"|(?P<half>\b(?P<hq>half past|half|a quarter past|quarter past|a quarter to"
            rf"|quarter to|(?:five|ten|twenty|twenty-five|\d{{1,2}})(?: minutes)? (?:past"
            rf"|to)) (?P<hh>{hour_word}|1[0-2]|[1-9](?!\d)|noon|midnight|midday)\b(?: ?(?P<hm>a\.?m\b\.?"
            r"|p\.?m\b\.?))?)"
            rf"|(?P<oclock>\b(?P<oh>{hour_word}|\d{{1,2}}) o'clock\b)"
            rf"|(?P<bare>(?:(?<=between )(?:{hour_word}|\d{{1,2}})(?= and (?:{hour_word}|\d{{1,2}})(?:[,.;]|$| (?:in"
            rf" the"
            r" (?:morning|afternoon|evening)|at night|o'clock|on|local|this|yesterday|last night)\b))"
            r"|(?<=and )(?:"
            + hour_word
            + r"|\d{1,2})(?=(?:[,.;]|$| (?:in the (?:morning|afternoon|evening)|at night|local)\b))"
            rf"|(?:(?<=at )|(?<=after )|(?<=before )|(?<=around )|(?<=about )|(?<=until )|(?<=past"
            rf" ))(?:{hour_word})(?=[,.;]|$| (?:on|sharp|local"
            r"|when|this|yesterday|tonight|and|the (?:next|same|following) (?:day|morning|evening))\b(?! (?:a half"
            r"|hours?|minutes?)))))"
            r"|(?P<inpart>(?:(?<=at )|(?<=before )|(?<=after )|(?<=around )|(?<=about )|(?<=by )"
            rf"|(?<=until )|(?<=since )|(?<=past ))(?P<ih>{hour_word}"
            rf"|\d{{1,2}})(?= (?:in the (?:morning|afternoon|evening)|at night"
            rf"|on (?:{long_days})\b|yesterday|this (?:morning|afternoon|evening)|last night"
            r"|tonight|local)))"
            rf"|(?P<noon>\bnoon\b|\bmidday\b|\bmid-day\b)|(?P<midnight>\bmidnight\b)"
            rf"|(?P<date>(?<![\w-])(?:(?:the )?(?P<d1>\d{{1,2}})(?:st|nd|rd"
            rf"|th)?(?: of)? (?P<m1>{months})\b\.?|(?P<m2>{months})\b\.? (?P<d2>\d{{1,2}})(?:st|nd"
            r"|rd|th)?(?![\d:.]\d))(?:,? (?P<y>(?:19|20)\d\d)\b)?)"
            rf"|(?P<the>\b(?:on|of|since|from|until|till|by|before|after) the (?P<td>\d{{1,2}})(?:st|nd|rd|th)\b(?!"
            rf" (?:floor|century|district)))"
            r"|(?P<weekday>(?<![\w-])(?:(?P<wl>last|this|this past|the previous|next"
            rf"|the following) )?(?P<wd>{long_days})(?:'s)?\b(?! (?:times|mail|morning post|herald"
            r"|league|prayers)))"
            r"|(?P<rel>\bthe day before yesterday\b|\byesterday\b|\btoday\b|\btonight\b|\btomorrow"
            r"\b|\blast night\b|\bovernight\b|\bthis (?:morning|afternoon"
            r"|evening)\b|\bearlier today\b|\bthe weekend\b|\bthis weekend\b|\blast"
            r" weekend\b|\bthe night before\b|\bthe previous (?:day|night"
            r"|evening)\b|\bthe day before\b)"
            r"|(?P<next>\b(?:the )?(?:next|following|same|subsequent|very next) (?:day|morning"
            r"|afternoon|evening|night)\b)"
            r"|(?P<ago>\b(?P<agon>(?:about |some |around |almost |nearly |more than "
            rf"|over )?(?:{alternatives(self._numbers)}|\d+|an?|a few|several|a couple of"
            r"|half an)) (?P<agou>minutes?|hours?|days?|weeks?)(?: and a half)? ago\b)"
            r"|(?P<span>\b(?:earlier |late |early )?(?:last|this) (?:week"
            r"|month)\b|\bearlier in the week\b|\bin recent days\b)"
            r"|(?P<monthonly>\b(?:in|since|of|early|mid|mid-|late|last) (?P<mo>january|february"
            r"|march|april|june|july|august|september|october|november"
            rf"|december)(?! \d{{1,2}}\b)(?: (?P<moy>(?:19|20)\d\d))?\b)"
            r"|(?P<nth>\b(?:for (?:a|the|its|their) |(?:a|into (?:a|its|the)|in its|its"
            rf"|entered (?:a|its|the)|now in its) )(?P<nn>{alternatives(self._ordinals)}"
            rf"|\d{{1,2}}(?:st|nd|rd|th))(?: straight| consecutive| successive| full"
            r"| whole)? (?P<nu>day|night|week|hour)\b)"
            rf"|(?P<part>\b(?:{part})\b(?! (?:herald|edition|show|news|train|flight|prayers?|post|standard|star)))"
            rf"|(?P<year>(?<=in )(?:19|20)\d\d\b)"
        )
        glue = (
            r"(?:[\s,(]|\bon\b|\bat\b|\bin the\b|\bin\b|\bof\b|\bthe\b|\bnight of\b|\bevening"
            r" of\b|\bmorning of\b|\bafternoon of\b|\bbetween\b(?! \w+day)|\babout\b|\baround\b|\blocal\b|\btime\b"
            r"|\bearly\b|\blate\b|\bearlier\b|\bshortly\b|\bjust\b|\bafter\b|\bbefore\b|\bapproxim"
            r"ately\b|\broughly\b|\bexactly\b|\bfrom\b)*"
        )
        self._glue = re.compile(glue)
        self._lead = re.compile(
            r"(?P<role>\bnot until\b|\buntil\b|\btill\b|\bup to\b|\bsince\b|\bas"
            r" of\b|\bfrom\b|\bstarting\b|\bbeginning\b|\bby\b|\bbetween\b|\bas early"
            r" as\b|\bduring\b|\bover\b|\bthroughout\b"
            r"|\bno later than\b|\bat least\b|\bto\b|\band\b)?[\s,]*(?:\bat least\b\s*)?"
            r"(?P<bound>\b(?:some ?time|shortly|just|soon|immediately|moments|minutes|a little"
            r"|a few minutes|well|right|not long|a short time|shortly) (?:after|past|before"
            r"|prior to)\b|\bafter\b|\bbefore\b|\bahead of\b|\bprior to\b"
            r"|\b(?:at )?(?:about|around|approximately|roughly|some ?time around|circa|close to"
            r"|nearly|almost|at around|at about)\b|~)?[\s,]*(?:\b(?:at|on|in|the|exactly|precisely"
            r"|local time)\b\s*){0,3}$"
        )
        self._hours = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
                       "nine": 9, "ten": 10, "eleven": 11, "twelve": 12}  # fmt: skip

    # ---------------------------------------------------------------- finding

    def find(self, text: str, masked: list[tuple[int, int]] = []) -> list[Expression]:  # noqa: B006
        """Times in lower-case text, in order; what overlaps a ``masked`` stretch (a duration) is left out."""
        atoms: list[Expression] = []
        reached = 0
        for match in self._atom.finditer(text):
            if match.start() < reached:
                continue
            if (
                any(match.start() < until and begin < match.end() for begin, until in masked)
                and not match["ago"]
                and not match["nth"]
                and not match["half"]
            ):
                continue
            if (atom := self._atom_of(match)) is not None:
                atoms.append(self._zoned(text, atom))
                reached = atoms[-1].end
        return _same_half([self._led(text, one) for one in self._merged(text, atoms)])

    def _atom_of(self, match: "re.Match[str]") -> Expression | None:
        at = (match.start(), match.end())
        kind = match.lastgroup or ""
        for name in (
            "c12",
            "c24",
            "dot24",
            "mil",
            "mil_b",
            "word12",
            "half",
            "oclock",
            "bare",
            "inpart",
            "noon",
            "midnight",
            "iso",
            "dayof",
            "date",
            "the",
            "weekday",
            "rel",
            "next",
            "ago",
            "span",
            "monthonly",
            "nth",
            "part",
            "year",
        ):
            if match[name]:
                kind = name
                break
        text = match[0]
        if kind in ("c12", "word12"):
            return self._twelve(text, at)
        if kind in ("c24", "dot24"):
            parts = [int(part) for part in re.split(r"[:h.]", text)]
            hour = parts[0] + parts[1] / 60 + (parts[2] / 3600 if len(parts) > 2 else 0)
            half = "half-day" if kind == "c24" and 1 <= hour < 13 and not text.startswith("0") else ""
            return Expression(*at, clock=(hour, hour), span=half) if hour <= 24 else None
        if kind in ("mil", "mil_b"):
            hour = int(text[:2]) + int(text[2:]) / 60
            return Expression(*at, clock=(hour, hour))
        if kind == "half":
            return self._past(match, at)
        if kind == "bare" and match[0].isdigit() and not 0 < int(match[0]) <= 24:
            return None
        if kind in ("oclock", "inpart", "bare"):
            hour = self._hour(match["oh"] or match["ih"] or match[0])
            return Expression(*at, clock=(hour, hour), span="half-day") if hour <= 24 else None
        if kind == "noon":
            return Expression(*at, clock=(12, 12))
        if kind == "midnight":
            return Expression(*at, clock=(0, 0), span="midnight")
        if kind == "iso":
            return self._iso(text, at)
        if kind == "dayof":  # the first of "24 to 28 February"
            following = re.compile(r"\W+\w+\W+(?:the )?[\w-]+ (?:of )?(\w+)|-[\w]+ (?:of )?(\w+)").match(
                match.string, at[1]
            )
            month = self._months.get((following[1] or following[2]) if following else "", 0)
            number = int(re.sub(r"\D", "", text))
            return (
                Expression(*at, day=("yearless", date(2000, month, number).toordinal()), weak_year=True)
                if month and 0 < number < 29 + (month != 2)
                else None
            )
        if kind == "date":
            return self._date(match, at)
        if kind == "the":
            return (
                Expression(at[0] + match[0].index("the"), at[1], day=("monthday", int(match["td"])))
                if 0 < int(match["td"]) < 32
                else None
            )
        if kind == "weekday":
            back = {"last": "lastweekday", "next": "future", "the following": "nextweekday"}.get(
                match["wl"] or "", "weekday"
            )
            return Expression(*at, day=(back, self._weekdays[match["wd"]]))
        if kind == "rel":
            return self._relative(text, at)
        if kind == "next":
            step = 0 if "same" in text else 1
            clock = next(
                (self._clock_of(part) for part in ("morning", "afternoon", "evening", "night") if part in text), None
            )
            return Expression(*at, day=("next", step), clock=clock)
        if kind == "ago":
            return self._ago(match, at)
        if kind == "span":
            return Expression(*at, span=" ".join(text.split()))
        if kind == "monthonly":
            return Expression(
                *at,
                day=("month", self._months[match["mo"]] + 100 * int(match["moy"] or 0)),
                span=("early month" if text[0] == "e" else "late month" if text[0] == "l" else "mid month")
                if text[:3] in ("ear", "lat", "mid") and "last" not in text[:5]
                else "month",
            )
        if kind == "nth":
            digits = re.sub(r"\D", "", match["nn"])
            return Expression(*at, day=(f"nth {match['nu']}", int(digits) if digits else self._ordinals[match["nn"]]))
        if kind == "part":
            if text in ("early", "late", "night", "morning", "evening", "afternoon", "dawn"):
                return Expression(*at, clock=self._clock_of(text), span="part")
            return Expression(*at, clock=self._clock_of(text), span="part!")
        return Expression(*at, day=("year", int(text)), span="year") if kind == "year" else None

    def _clock_of(self, part: str) -> tuple[float, float]:
        begin, until = self._parts[part]
        return float(begin), float(until)

    def _hour(self, text: str) -> float:
        return self._hours[text] if text in self._hours else int(text)

    def _twelve(self, text: str, at: tuple[int, int]) -> Expression | None:
        half = "p" if re.search(r"p\.?\s?m", text) else "a"
        numbers = re.findall(r"\d+", text)
        if numbers:
            hour, minute = int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0
        else:
            words = re.split(r"[ -]", text)
            hour = self._hours[words[0]]
            tens = {"thirty": 30, "fifteen": 15, "forty": 40, "twenty": 20, "ten": 10, "fifty": 50}
            minute = tens.get(words[1], 0) + (5 if len(words) > 2 and words[2] == "five" else 0)
        if hour > 12 and half == "p" and hour < 24:
            hour -= 12
        if not 0 <= hour <= 12 or minute > 59:
            return None
        value = hour % 12 + (12 if half == "p" else 0) + minute / 60
        return Expression(*at, clock=(value, value))

    def _past(self, match: "re.Match[str]", at: tuple[int, int]) -> Expression | None:
        base = {"noon": 12, "midday": 12, "midnight": 24}.get(match["hh"])
        hour = float(base) if base is not None else self._hour(match["hh"])
        words = match["hq"]
        minutes = 30 if "half" in words else 15 if "quarter" in words else 0
        if not minutes:
            first = words.split()[0]
            minutes = int(first) if first.isdigit() else {"five": 5, "ten": 10, "twenty": 20, "twenty-five": 25}[first]
        hour += (-minutes if words.endswith("to") else minutes) / 60
        if match["hm"]:
            hour = hour % 12 + (12 if match["hm"].startswith("p") else 0)
            return Expression(*at, clock=(hour, hour))
        return Expression(*at, clock=(hour % 24, hour % 24), span="" if base is not None else "half-day")

    def _iso(self, text: str, at: tuple[int, int]) -> Expression | None:
        try:
            moment = datetime.fromisoformat(text.upper().replace(" UTC", "Z").replace(" Z", "Z"))
        except ValueError:
            return None
        day = ("date", moment.date().toordinal())
        if len(text) <= 10:
            return Expression(*at, day=day)
        hour = moment.hour + moment.minute / 60 + moment.second / 3600
        offset = moment.utcoffset()
        return Expression(
            *at, day=day, clock=(hour, hour), zone=offset.total_seconds() / 3600 if offset is not None else None
        )

    def _date(self, match: "re.Match[str]", at: tuple[int, int]) -> Expression | None:
        month, day = self._months[match["m1"] or match["m2"]], int(match["d1"] or match["d2"])
        year = int(match["y"]) if match["y"] else 2000
        try:
            value = date(year, month, day)
        except ValueError:
            return None
        return Expression(*at, day=("date" if match["y"] else "yearless", value.toordinal()), weak_year=not match["y"])

    def _relative(self, text: str, at: tuple[int, int]) -> Expression:
        table: dict[str, tuple[int, tuple[float, float] | None]] = {
            "the day before yesterday": (-2, None),
            "yesterday": (-1, None),
            "today": (0, None),
            "earlier today": (0, None),
            "tomorrow": (1, None),
            "tonight": (0, (17, 27)),
            "last night": (-1, (18, 29)),
            "overnight": (-1, (20, 32)),
            "this morning": (0, (4, 12)),
            "this afternoon": (0, (12, 18)),
            "this evening": (0, (17, 24)),
            "the night before": (-1, (18, 29)),
            "the previous night": (-1, (18, 29)),
            "the previous evening": (-1, (17, 24)),
            "the previous day": (-1, None),
            "the day before": (-1, None),
        }
        if "weekend" in text:
            return Expression(*at, span=text)
        step, clock = table[text]
        return Expression(*at, day=("offset", step), clock=clock, span="part" if clock else "")

    def _ago(self, match: "re.Match[str]", at: tuple[int, int]) -> Expression:
        words = match["agon"]
        number = re.sub(r"^(?:about|some|around|almost|nearly|more than|over) ", "", words)
        vague = {
            "a": (1, 1),
            "an": (1, 1),
            "a few": (2, 5),
            "several": (3, 8),
            "a couple of": (1.7, 2.5),
            "half an": (0.5, 0.5),
        }
        value = vague.get(number)
        if value is None:
            one = float(number) if number.isdigit() else float(self._numbers[number])
            value = (one, one)
        unit = {"m": 60, "h": 3600, "d": 86400, "w": 604800}[match["agou"][0]]
        slack = 0.15 if number != words else 0.08
        return Expression(*at, ago=(value[0] * unit * (1 - slack), value[1] * unit * (1 + slack)))

    def _zoned(self, text: str, atom: Expression) -> Expression:
        if atom.clock is None or atom.zone is not None:
            return atom
        match = self._tz.match(text, atom.end)
        if match is None or match.end() == atom.end:
            return atom
        if match["zlocal"]:
            return replace(atom, end=match.end())
        if name := match["zname"] or match["zin"]:
            zone = self._zones[name]
            if match["off"]:
                hours = float(match["off"].replace(" ", ""))
                zone = hours + (float(match["offm"] or 0) / 60) * (1 if hours >= 0 else -1)
            return replace(atom, end=match.end(), zone=zone)
        place = match["zplace"] or ""
        if len(place.split()) <= 3 and not re.search(
            r"\b(?:the|first|same|last|that|this|some|a|at|of|on|in)\b", place
        ):
            return replace(atom, end=match.end(), place=place)
        return atom

    def _merged(self, text: str, atoms: list[Expression]) -> list[Expression]:
        out: list[Expression] = []
        for atom in atoms:
            if out and "(" in text[out[-1].end : atom.start + 1] and out[-1].clock and out[-1].day and atom.clock:
                out.append(atom)  # said a second time in brackets
                continue
            last = out[-1] if out else None
            if last is not None and self._glue.fullmatch(text, last.end, max(last.end, atom.start)):
                both = self._joined(last, atom, text[last.end : atom.start])
                if both is not None:
                    out[-1] = both
                    continue
            out.append(atom)
        out = [one for at, one in enumerate(out) if not (at and _again(text, out[at - 1], one))]
        return [one for one in out if not (one.span == "part" and one.day is None and not self._alone(text, one))]

    def _alone(self, text: str, one: Expression) -> bool:
        """Whether a part of a day stands as a time by itself: "in the evening", "at dawn", not "late" in "too late"."""
        return bool(
            re.search(
                r"(?:\b(?:in|during|by|since|until|at|around|through|throughout) (?:the )?(?:early |late )?)$",
                text[: one.start],
            )
        ) and text[one.start : one.end] not in ("early", "late")

    @staticmethod
    def _joined(a: Expression, b: Expression, between: str) -> Expression | None:
        if a.ago or b.ago or (a.span and not a.span.startswith(("part", "half", "midnight"))):
            return None
        if (b.span and not b.span.startswith(("part", "half", "midnight"))) or (b.day and b.day[0].startswith("nth")):
            return None
        if "from" in between or ("after" in between and a.clock):
            return None
        day = a.day or b.day
        if a.day and b.day:
            dated = [one.day for one in (a, b) if one.day[0] in ("date", "yearless", "monthday", "offset")]  # type: ignore[index]
            if len(dated) != 1:
                return None if not dated else replace(a, end=b.end, day=dated[0], clock=a.clock or b.clock)
            day = dated[0]
        clock, zone, place, span = a.clock, a.zone, a.place, a.span
        if a.clock and b.clock:
            exact = [one for one in (a, b) if one.clock and one.clock[0] == one.clock[1]]
            if len(exact) == 2:
                if "(" not in between and "/" not in between:
                    return None
                # The same moment twice, by two clocks: the one whose own day is given.
                return replace(b, start=a.start) if b.day and not a.day else replace(a, end=b.end)
            if len(exact) == 1:
                fine, rough = (a, b) if exact[0] is a else (b, a)
                zone, place = fine.zone, fine.place
                clock, span = _within(fine, rough), ""
            else:  # "early on Tuesday morning", "late Monday night"
                low, high = max(a.clock[0], b.clock[0]), min(a.clock[1], b.clock[1])
                if low >= high:
                    rough = a if a.span == "part!" or b.clock[1] - b.clock[0] > 8 else b
                    low, high = rough.clock or b.clock
                clock, span = (low, high), "part"
        elif b.clock:
            clock, zone, place, span = b.clock, b.zone, b.place, b.span
        bound = ""
        if a.clock is None or a.clock[0] != a.clock[1]:
            if re.search(r"\b(?:about|around|approximately|roughly)\b", between):
                bound = "about"
            elif match := re.search(r"(?:(shortly|just) )?(after|before)\b", between):
                bound = f"{'shortly ' if match[1] else ''}{match[2]}"
        return replace(
            a, end=b.end, day=day, clock=clock, zone=zone, place=place, span=span, bound=bound or a.bound or b.bound
        )

    def _led(self, text: str, one: Expression) -> Expression:
        inner = re.search(r"\bbetween (?=\S)", text[one.start : one.end])
        lead = self._lead.search(text[max(0, one.start - 60) : one.start])
        if inner:
            return replace(one, role="between")
        if lead is None or not lead[0].strip():
            return one
        role = lead["role"] or ""
        bound = " ".join((lead["bound"] or "").split())
        if bound:
            after = bound.endswith(("after", "past"))
            before = bound.endswith(("before", "prior to", "ahead of"))
            short = bound.startswith(
                (
                    "shortly",
                    "just",
                    "soon",
                    "immediately",
                    "moments",
                    "minutes",
                    "a little",
                    "a few",
                    "right",
                    "not long",
                    "a short",
                )
            )
            bound = ("shortly " if short else "") + ("after" if after else "before") if after or before else "about"
        start = one.start - len(lead[0].lstrip())
        return replace(one, start=min(one.start, start), role=role, bound=bound or one.bound)


def _again(text: str, first: Expression, second: Expression) -> bool:
    return bool(
        first.clock and first.day and second.clock and re.fullmatch(r"[\s,]*\([\s,]*", text[first.end : second.start])
    )


def _within(fine: Expression, rough: Expression) -> tuple[float, float]:
    """A clock of twelve hours in a part of a day: "at nine in the evening"; a clock of 24 stays."""
    assert fine.clock is not None
    assert rough.clock is not None
    hour = fine.clock[0]
    if fine.span == "half-day" and hour <= 12:
        for candidate in (hour % 12, hour % 12 + 12, hour % 12 + 24):
            if rough.clock[0] <= candidate <= rough.clock[1]:
                return candidate, candidate
    if fine.span == "midnight" or (hour < 6 and rough.clock[1] > 24):
        return (hour + 24, hour + 24) if rough.clock[1] >= 24 else (hour, hour)
    return fine.clock


def _same_half(times: list[Expression]) -> list[Expression]:
    """ "Between eight and nine in the evening": the first clock is of the same half of the day."""
    out = list(times)
    for at, (first, last) in enumerate(pairwise(times)):
        if not (first.clock and last.clock and first.span == "half-day" and last.start - first.end < 4):
            continue
        if (
            first.clock[0] < 12 <= last.clock[0] < 24
            and first.clock[0] + 12 < last.clock[0]
            and last.role in ("and", "to", "until", "till")
        ):
            out[at] = replace(first, clock=(first.clock[0] + 12, first.clock[1] + 12), span="")
    return out
