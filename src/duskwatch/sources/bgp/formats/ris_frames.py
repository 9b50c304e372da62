"""Frames of RIS Live out of recorded bytes: JSON objects, one a line or the members of an array."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from duskwatch.sources.bgp.formats.ris_live import FRAME_LIMIT

SPACE = b" \t\r\n"
QUOTE, OPENING = b'"{'


def frames(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """JSON objects: one a line, or the members of an array. One past FRAME_LIMIT comes cut, to be counted as bad."""
    pieces = iter(pieces)
    first = next((piece for piece in pieces if piece.strip(SPACE)), b"")
    if first.lstrip(SPACE)[:1] == b"[":
        yield from _members(chain((first,), pieces))
        return
    held = b""
    for piece in chain((first,), pieces):
        *lines, held = (held + piece).split(b"\n")
        for line in lines:
            if line.strip(SPACE):
                yield line[: FRAME_LIMIT + 1]
        while len(held) > FRAME_LIMIT:  # no line is as long: what follows, up to its end, is more of it
            yield held[: FRAME_LIMIT + 1]
            held = held[FRAME_LIMIT + 1 :]
    if held.strip(SPACE):
        yield held


_MARKS = re.compile(rb'[{}]|"(?:[^"\\]|\\.)*"|"', re.DOTALL)  # the last one: a string that has no end yet


def _members(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Objects of an array of objects, cut at the braces that stand outside strings."""
    held, depth, begin, at = b"", 0, 0, 0
    for piece in pieces:
        held += piece
        end = len(held)
        for mark in _MARKS.finditer(held, at):
            letter = held[mark.start()]
            if letter == QUOTE:
                if mark.end() == mark.start() + 1:
                    break
                at = mark.end()
                continue
            depth += 1 if letter == OPENING else -1
            at = mark.end()
            if depth == 1 and letter == OPENING:
                begin = mark.start()
            elif depth == 0:
                yield held[begin:at][: FRAME_LIMIT + 1]
            elif depth < 0:
                yield held[mark.start() :][: FRAME_LIMIT + 1]
                return
        held, at, begin = _rest(held, depth, begin, at, end)
        if len(held) > FRAME_LIMIT:
            yield held[: FRAME_LIMIT + 1]
            return
    if depth > 0:
        yield held


def _rest(held: bytes, depth: int, begin: int, at: int, end: int) -> tuple[bytes, int, int]:
    """What is needed of an array's octets once more follow: the object that has begun, and a string that has."""
    quote = held.find(b'"', at)
    seen = end if quote < 0 else quote
    if depth == 0:
        return held[seen:], 0, 0
    return held[begin:], seen - begin, 0
