"""Text into lines and sentences, with offsets that stay true, and folded for rules to read."""

import re
from dataclasses import dataclass

LONGEST = 1200  # characters of a sentence; what is longer is cut there
MOST = 4000  # sentences of an article
_PLAIN = str.maketrans({"‘": "'", "’": "'", "‛": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
                        "–": "-", "—": "-", "‑": "-", "−": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " ",
                        "\n": " "})  # fmt: skip
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|gen|col|capt|lt|sgt|maj|sen|rep|gov|st|no|nos|vs|etc|inc"
    r"|ltd|co|corp|jr|sr|approx|jan|feb|"
    r"mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|mon|tue|tues|wed|thu|thurs|fri|sat|sun|min|max|e\.g|i\.e|cf|al|art|fig|"
    r"[a-z]|a\.m|p\.m|u\.s|u\.k|u\.n|e\.u|d\.c|u\.a\.e|d\.r))\.$"
)
_STOP = re.compile(r"[.!?…]+[\"')\]]*(?=\s|$)|[.!?](?=\"\s?[A-Z])")
_LIVE = re.compile(
    r"^[\s*•-]*\[?(?P<clock>(?:[01]?\d|2[0-3])[:.h][0-5]\d(?:\s?[ap]\.?m\.?)?(?:\s?(?:gmt"
    r"|utc|z|local|[a-z]{3,4}))?|(?:[01]\d|2[0-3])[0-5]\d ?(?:gmt|utc|z))\]?\s*(?:\((?:utc|gmt"
    r"|local)[^)]{0,6}\)\s*)?(?:[-:"
    r"|]+\s+|\s+)(?=\S)"
)
_STAMPED = re.compile(
    r"^\s*(?P<who>@\w{2,30}|[Uu]pdate\w*)[,.]?(?: on)?\s[^:\n]{0,28}?\(?\d{1,2}[:.h]\d\d"
    r"(?:\s?(?:[ap]\.?m\.?|UTC|GMT|Z|utc|gmt|[A-Z]{3,4}|local(?: time)?))?\)?\s?[:\u2014-]\s+(?=\S)"
)
_VOICE = re.compile(
    r"^\s*(?:\d{1,2}[/.)]\s?|\[[A-Z]{2,3}\] |[-*•] )?(?P<who>@\w{2,30}|[A-Z][\w.'-]*(?: (?:[A-Z][\w.'-]*|of|the"
    r"|for|and|de)){0,6}|[A-Z]+(?: [A-Z]+){0,2}, [A-Z]+(?: [A-Z]+){0,3}"
    r"|(?:The|Our|An?|Their) (?:[\w'-]+ ){0,4}?(?:minist\w+|spokes\w+|operators?|providers?|carriers?|associations?"
    r"|authority|authorities|regulators?|engineers?|company|officials?|police|army|governments?|agency|union|embassy"
    r"|council|mayor|residents?|users?|monitors?|utility|office|director|president|firm|owner|bank|institute|group))"
    r"\s?(?:\([^)\n]{1,40}\))?: +(?=\S)"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence. ``flat`` and ``low`` are as long as the text between the offsets; ``low`` is in lower case."""

    start: int
    end: int
    flat: str
    low: str
    line: int  # number of its line among those that hold text
    first: bool  # of its line
    paragraph: int
    title: bool = False  # a line that ends without a stop, and stands alone
    stamp: str = ""  # the clock that a live blog puts before an entry
    voice: str = ""  # who a line says is speaking


def fold(text: str) -> tuple[str, str]:
    """``text`` with plain quotes, dashes and spaces, and the same in lower case; both as long as ``text``."""
    flat = text.translate(_PLAIN)
    low = flat.lower()
    if len(low) != len(flat):
        low = "".join(c.lower() if len(c.lower()) == 1 else c for c in flat)
    return flat, low


def sentences(text: str, body: int = 0) -> list[Sentence]:
    """Sentences of ``text`` from ``body`` on. At most `MOST`, each at most `LONGEST` characters."""
    out: list[Sentence] = []
    paragraph = number = 0
    for begin, end in _blocks(text, body):
        if end - begin == 0:
            paragraph += 1
            continue
        number += 1
        _line(text, begin, end, number, paragraph, out)
        if len(out) >= MOST:
            break
    return out


def _blocks(text: str, body: int) -> list[tuple[int, int]]:
    """Lines, joined where a paragraph is wrapped: a line that is long or ends mid-sentence goes on in the next."""
    lines: list[tuple[int, int]] = []
    at = body
    while at < len(text) and len(lines) < 20 * MOST:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        lines.append((at, end))
        at = end + 1
    longest = max((end - begin for begin, end in lines), default=0)
    wrapped = longest <= 130  # where a line is longer nobody wrapped the text
    out: list[tuple[int, int]] = []
    previous = False
    for begin, end in lines:
        stripped = text[begin:end].strip()
        if not stripped:
            out.append((begin, begin))
            previous = False
            continue
        first = stripped[0]
        if (
            previous
            and wrapped
            and (first.islower() or first.isdigit() or _goes_on(text, out[-1], longest))
            and not _LIVE.match(fold(stripped[:60])[1])
            and not _VOICE.match(stripped[:120])
            and not _STAMPED.match(stripped[:120])
            and not re.match(r"[-*•]\s|\d{1,2}[/.)]\s", stripped)
        ):
            out[-1] = (out[-1][0], end)
        else:
            out.append((begin, end))
        previous = True
    return out


def _goes_on(text: str, block: tuple[int, int], longest: int) -> bool:
    last = text[block[0] : block[1]].rpartition("\n")[2].rstrip()
    return len(last) > 0.7 * longest and longest > 50


def _line(text: str, begin: int, end: int, number: int, paragraph: int, out: list[Sentence]) -> None:
    flat, low = fold(text[begin:end])
    stamp = voice = ""
    at = 0
    if match := _LIVE.match(low):
        stamp, at = match["clock"], match.end()
    if (match := _STAMPED.match(flat[at:])) or (match := _VOICE.match(flat[at:])):
        voice, at = match["who"], at + match.end()
    first = True
    cut = at
    stops = [match.end() for match in _STOP.finditer(flat, at)]
    for stop in [*stops, len(flat)]:
        piece = low[cut:stop]
        if not piece.strip():
            continue
        if stop < len(flat) and not _ends(flat, low, cut, stop):
            continue
        while stop - cut > LONGEST:
            _add(text, begin, flat, low, cut, cut + LONGEST, number, first, paragraph, stamp, voice, out, False)
            cut, first = cut + LONGEST, False
        alone = first and stop == len(flat) and not re.search(r"[.!?\"]$", piece.rstrip()) and len(piece) < 160
        _add(
            text,
            begin,
            flat,
            low,
            cut,
            stop,
            number,
            first,
            paragraph,
            stamp,
            voice,
            out,
            alone and not stamp and not voice,
        )
        cut, first = stop, False


def _ends(flat: str, low: str, cut: int, stop: int) -> bool:
    """Whether a stop ends a sentence: not after an abbreviation, and something that can begin one follows."""
    rest = flat[stop:].lstrip().lstrip('"')
    if not rest:
        return True
    if _ABBREVIATION.search(low[cut:stop].rstrip("\"')")) and flat[stop - 1] == ".":
        clock = re.search(r"\b(?:[ap]\.m|\d ?(?:min|sec|hrs?|max))\.$", low[cut:stop])
        return bool(
            clock
            and re.match(
                r"(?:The|It|He|She|They|But|And|In|At|On|A|An|This|Its|Service|Internet|No|All|By|We|I)\b", rest
            )
        )
    if rest[0].islower():
        return False
    if re.search(r"[.!?][\"']+$", flat[cut:stop]) and re.match(
        r"(?:[A-Z][\w.'-]+ ){1,6}(?:said|says|told|wrote|added)\b", rest
    ):
        return True
    return True


def _add(text: str, base: int, flat: str, low: str, cut: int, stop: int, number: int, first: bool, paragraph: int,
         stamp: str, voice: str, out: list[Sentence], title: bool) -> None:  # fmt: skip
    piece = flat[cut:stop]
    left = cut + len(piece) - len(piece.lstrip())
    right = stop - (len(piece) - len(piece.rstrip()))
    if right <= left or len(out) >= MOST:
        return
    out.append(
        Sentence(
            base + left, base + right, flat[left:right], low[left:right], number, first, paragraph, title, stamp, voice
        )
    )
