"""What is watched: a country, an autonomous system or a prefix."""

import re
from dataclasses import dataclass
from typing import Literal

from duskwatch.records.errors import InputError
from duskwatch.records.prefix import Prefix

EntityType = Literal["country", "asn", "prefix"]


@dataclass(frozen=True, slots=True)
class Entity:
    """One watched thing. ``code`` is KP, AS131279 or 175.45.176.0/22; ``name`` is for people."""

    type: EntityType
    code: str
    name: str = ""

    @property
    def asn(self) -> int:
        """The AS number; ValueError where this is no AS."""
        if self.type != "asn":
            raise InputError(f"{self.code} is a {self.type}, not an AS")
        return int(self.code[2:])

    @property
    def title(self) -> str:
        """Name and code, as a heading says it."""
        return f"{self.name} ({self.code})" if self.name and self.name != self.code else self.code

    def unnamed(self) -> "Entity":
        """Type and code alone: two mentions of one entity are equal, whatever name each carries."""
        return Entity(self.type, self.code)


def parse_entity(text: str) -> Entity:
    """Read KP, AS131279 or 175.45.176.0/22. Raises ValueError saying what would be right."""
    word = text.strip()
    if re.fullmatch(r"[A-Za-z]{2}", word):
        return Entity("country", word.upper())
    if match := re.fullmatch(r"(?:AS|as|As)(\d{1,10})", word):
        number = int(match[1])
        if not 0 < number < 2**32:
            raise InputError(f"'{text}': an AS number is above 0 (RFC 7607) and below 4294967296")
        return Entity("asn", f"AS{number}")
    if "/" in word:
        try:
            return Entity("prefix", str(Prefix.parse(word)))
        except ValueError as error:
            raise InputError(f"'{text}' is not a prefix: {error}") from None
    raise InputError(
        f"'{text}' is not an entity; write a country (KP), an AS number (AS131279) or a prefix (175.45.176.0/22)"
    )
