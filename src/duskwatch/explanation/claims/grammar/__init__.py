"""Tables of one language: words and patterns in TOML, one folder for each language. A new language is a new folder.

A pattern is a regular expression on lower-case text in which ``{name}`` stands for a list of the same file or of
``lists.toml``. Nothing in a table is run as code.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

FILES = ("words", "lists", "patterns", "places", "hints", "weights")
_NAME = re.compile(r"\{([a-z_]{2,40})\}")


def alternatives(words: Iterable[str]) -> str:
    """Words as the inside of a group, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class Grammar:
    """One language: ``words`` are plain tables, ``lists`` what patterns name, ``patterns`` by kind."""

    language: str
    words: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    patterns: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Any] = field(default_factory=dict)
    hints: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)

    def expand(self, pattern: str) -> str:
        """A pattern with each {name} replaced by its list. ValueError names a list that is not there."""

        def put(match: re.Match[str]) -> str:
            if match[1] not in self.lists:
                raise ValueError(f"grammar '{self.language}': there is no list '{match[1]}'")
            return f"(?:{self.lists[match[1]]})"

        for _ in range(6):
            fresh = _NAME.sub(put, pattern)
            if fresh == pattern:
                return pattern
            pattern = fresh
        raise ValueError(f"grammar '{self.language}': lists name each other in a circle")

    def compile(self, pattern: str) -> re.Pattern[str]:
        """The pattern, compiled."""
        return re.compile(self.expand(pattern))


def languages() -> tuple[str, ...]:
    """Codes of the languages that there are tables of."""
    folder = resources.files(__package__)
    return tuple(sorted(child.name for child in folder.iterdir() if child.joinpath("words.toml").is_file()))


@cache
def grammar(language: str) -> Grammar | None:
    """The tables of a language (``en``; of ``en-gb`` too), or None where there are none."""
    code = language.lower().replace("_", "-").split("-")[0]
    if code not in languages():
        return None
    folder = resources.files(__package__).joinpath(code)
    tables = {name: tomllib.loads(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8")) for name in FILES}
    lists = {name: "|".join(entries) for name, entries in tables["lists"].items()}
    return Grammar(
        code, tables["words"], lists, tables["patterns"], tables["places"], tables["hints"], tables["weights"]
    )
