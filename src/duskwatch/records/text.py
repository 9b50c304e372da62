"""Names that come from outside, as they may be printed, drawn and stored; sizes as people read them."""

import unicodedata

MAX_NAME = 200  # characters of a name that are kept


def clean_name(text: str, most: int = MAX_NAME) -> str:
    """One line without control, formatting, private or broken characters, at most ``most`` characters; may be empty.

    Left out are the Unicode categories C*: controls reach a terminal, bidirectional marks reorder a page, half
    surrogates stand for bytes of a file name that is no UTF-8, and XML 1.0 (section 2.2) forbids most of them. Every
    source cleans its names with this function, once, where they come in.
    """
    kept = (" " if c.isspace() else c for c in text[: 8 * most] if c.isspace() or unicodedata.category(c)[0] != "C")
    words = " ".join("".join(kept).replace("\ufffd", "?").split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def printable(text: str) -> str:
    """The same without a character that a terminal would obey: U+FFFD stands for each. For text that was not cleaned
    where it came in: what people wrote, what a store holds."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def size_text(count: int) -> str:
    """512 B, 6.4 MB, 1.5 GB: powers of 1000, as `ls --si` and disks count."""
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
