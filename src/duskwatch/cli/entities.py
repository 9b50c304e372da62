"""What a person names on the command line: a code, a network, a prefix, or a country by its name."""

import re

from duskwatch.records.entity import Entity, parse_entity
from duskwatch.records.errors import InputError


def entity_named(text: str) -> Entity:
    """The entity that ``text`` names: KP, AS131279, 175.45.176.0/22 or North Korea.

    Raises InputError, which says what was probably meant: a number is an AS, an address lies in a /24 (IPv6: a /48), a
    word may be a misspelt country.
    """
    word = text.strip()
    try:
        return parse_entity(word)
    except InputError as error:
        if meant := _near(word):
            raise InputError(f"'{text}' is not an entity; did you mean {meant}?") from None
        from duskwatch.sources.reference.names import UnknownCountryError, country_named

        if not re.search(r"[^\W\d_]{3}", word) or re.search(r"[/.:]", word):
            raise
        try:
            return Entity("country", country_named(word))
        except UnknownCountryError as unknown:
            raise InputError(str(unknown)) from error


def _near(word: str) -> str:
    import ipaddress

    if number := re.fullmatch(r"(?:asn?[\s:_-]*)?(\d{1,10})", word, re.IGNORECASE):
        value = int(number[1])
        return f"AS{value}" if 0 < value < 2**32 else ""
    try:
        address = ipaddress.ip_address(word.strip("[]"))
    except ValueError:
        return ""
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))
