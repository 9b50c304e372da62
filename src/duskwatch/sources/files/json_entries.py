"""Objects of a JSON file, each by itself: an array, one object a line, one object, or several one after the other.

One entry that cannot be read costs that entry alone where entries are lines. In an array what stands before the
damage is kept.
"""

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from duskwatch.sources.files.pieces import TransportDamage, open_pieces

LARGEST_WHOLE = 256 << 20  # unpacked bytes of an array or of a single object
LONGEST_LINE = 32 << 20  # bytes of one entry of a file of lines
_PIECE = 1 << 20
_BLANK = b" \t\r\n"


class JsonEntry(NamedTuple):
    """One entry. ``data`` is empty where ``fault`` says why it could not be had."""

    place: str  # line 7, entry 7, byte 7
    data: bytes
    fault: str = ""


def json_entries(path: Path, *, longest: int = LONGEST_LINE, largest: int = LARGEST_WHOLE) -> Iterator[JsonEntry]:
    """Entries of a file, packed or plain, in their order; faults stand among them. OSError where it cannot be read.

    Comment lines (``//``) before the first entry are passed over, as is a byte order mark. Entries are not decoded:
    each is the bytes between its braces, of at most ``longest`` bytes in a file of lines; an array or an object that
    spans lines may have ``largest`` unpacked bytes.
    """
    lines = _lines(path, longest)
    number = 0
    for number, line, fault in lines:
        text = line.removeprefix(b"\xef\xbb\xbf").strip(_BLANK) if number == 1 else line.strip(_BLANK)
        if fault or (text and not text.startswith(b"//")):
            break
    else:
        return
    if not fault and _is_whole(text):
        yield JsonEntry(f"line {number}", text)
        for number, line, fault in lines:
            if text := line.strip(_BLANK):
                yield JsonEntry(f"line {number}", b"" if fault else text, fault)
            elif fault:
                yield JsonEntry(f"line {number}", b"", fault)
        return
    lines.close()
    yield from _whole(path, largest)


def _is_whole(text: bytes) -> bool:
    """Whether a line is an object by itself."""
    if not text.startswith(b"{"):
        return False
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _lines(path: Path, longest: int) -> Generator[tuple[int, bytes, str], None, None]:
    """Number, bytes and fault of each line; a longer one is passed over."""
    number, held, over = 1, bytearray(), False
    try:
        for piece in open_pieces(path, piece_bytes=_PIECE):
            *ends, rest = piece.split(b"\n")
            for end in ends:
                over = over or len(held) + len(end) > longest
                yield number, b"" if over else bytes(held) + end, _too_long(longest) if over else ""
                held.clear()
                number, over = number + 1, False
            over = over or len(held) + len(rest) > longest
            if over:
                held.clear()
            else:
                held += rest
    except TransportDamage as damage:
        yield number, b"", f"the packed file is damaged: {damage}"
        return
    if held or over:
        yield number, bytes(held), _too_long(longest) if over else ""


def _too_long(longest: int) -> str:
    return f"longer than {longest:,} bytes"


def _whole(path: Path, largest: int) -> Iterator[JsonEntry]:
    """Entries of a file that is no file of lines."""
    data, damage = bytearray(), ""
    try:
        for piece in open_pieces(path, piece_bytes=_PIECE):
            data += piece
            if len(data) > largest:
                del data[largest:]
                damage = f"more than {largest:,} bytes; write one object a line"
                break
    except TransportDamage as error:
        damage = f"the packed file is damaged: {error}"
    text = _without_comments(bytes(data))
    if not damage:
        try:
            if text.startswith(b"["):
                for number, raw in enumerate(msgspec.json.decode(text, type=list[msgspec.Raw]), 1):
                    yield JsonEntry(f"entry {number}", bytes(raw))
                return
            yield JsonEntry("entry 1", bytes(msgspec.json.decode(text, type=msgspec.Raw)))
            return
        except (msgspec.DecodeError, RecursionError):
            pass
    yield from _saved(text, damage)


def _without_comments(data: bytes) -> bytes:
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    while text.startswith(b"//"):
        text = text.partition(b"\n")[2].lstrip(_BLANK)
    return text


def _saved(data: bytes, damage: str) -> Iterator[JsonEntry]:
    """Whole objects up to the first that is none; what is behind is one fault."""
    text = data.decode("utf-8", "replace")
    decoder, at, number = json.JSONDecoder(), 1 if text.startswith("[") else 0, 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text) or text[at] == "]":
            break
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            said = str(error).splitlines()[0][:80]
            left = len(text) - at
            yield JsonEntry(f"entry {number + 1}", b"", damage or f"{said}; {left:,} characters were not read")
            return
        number += 1
        yield JsonEntry(f"entry {number}", text[at:end].encode("utf-8", "replace"))
        at = end
    if damage:
        yield JsonEntry(f"entry {number + 1}", b"", damage)
