"""The mark of archives that were generated: a re-enactment must never be taken for a measurement.

Two places of MRT carry it, both read by no other program and both in every file, so that a single file keeps it:

- the interface index of BGP4MP records (RFC 6396 section 4.4.1), which collectors leave at 0: every record has MARK
- the view name of a PEER_INDEX_TABLE (section 4.3.1), which collectors leave empty: "re-enactment: " and a sentence
"""

from collections.abc import Iterable

MARK = 0xD05C
VIEW = "re-enactment: "
MOST_BYTES = 400  # of a view name
HEAD_BYTES = 1 << 10  # of a file that are enough to see the mark
SENTENCE = "This is a re-enactment: the archives were generated. They are not recorded measurements."

_BGP4MP, _BGP4MP_ET, _TABLE_DUMP_V2 = 16, 17, 13
_AS4 = frozenset({4, 5, 7, 9, 11})  # subtypes with AS numbers of four bytes, RFC 6396 and RFC 8050
_AS2 = frozenset({0, 1, 6, 8, 10})


def view_name(sentence: str) -> str:
    """The view name that carries a sentence."""
    return VIEW + sentence.encode("ascii", "replace").decode()[: MOST_BYTES - len(VIEW)]


def reenactment_of(head: bytes) -> str:
    """The sentence that says that a file is a re-enactment, by its first record; empty where it bears no mark.

    head  the file's first bytes, HEAD_BYTES at the most; fewer, or bytes that are no MRT, bear no mark
    """
    if len(head) < 12:
        return ""
    kind, subtype = int.from_bytes(head[4:6], "big"), int.from_bytes(head[6:8], "big")
    if kind in (_BGP4MP, _BGP4MP_ET) and subtype in _AS4 | _AS2:
        at = 12 + (4 if kind == _BGP4MP_ET else 0) + (8 if subtype in _AS4 else 4)
        marked = len(head) >= at + 2 and int.from_bytes(head[at : at + 2], "big") == MARK
        return SENTENCE if marked else ""
    if kind == _TABLE_DUMP_V2 and subtype == 1 and len(head) >= 18:
        length = int.from_bytes(head[16:18], "big")
        name = head[18 : 18 + min(length, MOST_BYTES)]
        if length <= MOST_BYTES and len(name) == length and name.startswith(VIEW.encode()):
            text = "".join(letter if letter.isprintable() else " " for letter in name.decode("ascii", "replace"))
            return text[len(VIEW) :].strip() or SENTENCE
    return ""


def most_telling(sentences: Iterable[str]) -> str:
    """Of what several files say, the sentence of a case before that of the mark alone; empty where none says so."""
    return max(sentences, key=lambda text: (bool(text), text != SENTENCE, len(text), text), default="")
