"""What countries are called, and what time it is there: CLDR names (through Babel), zones of the tz database.

Babel is loaded only when a name is asked for. The main zone of a country with several is that of its capital,
from the table below; the tz database lists zones by geography and gives none the first place.
"""

import difflib
import re
import unicodedata
from functools import cache
from importlib import resources

from duskwatch.records.errors import InputError

_BESIDE_ISO = ("AP", "EU", "XK")  # registries file space under the first two, databases under Kosovo
# Codes that delegations of their time hold (ISO 3166-3): name, who has it now, time zone.
_FORMER = {
    "AN": ("Netherlands Antilles", ("CW", "SX", "BQ"), "America/Curacao"),
    "CS": ("Serbia and Montenegro", ("RS", "ME"), "Europe/Belgrade"),
    "TP": ("East Timor", ("TL",), "Asia/Dili"),
    "YU": ("Yugoslavia", ("RS", "ME"), "Europe/Belgrade"),
    "ZR": ("Zaire", ("CD",), "Africa/Kinshasa"),
}
_ALSO_CALLED = {
    "britain": "GB", "burma": "MM", "cape verde": "CV", "congo brazzaville": "CG", "congo kinshasa": "CD",
    "czech republic": "CZ", "dprk": "KP", "dr congo": "CD", "drc": "CD", "great britain": "GB", "holland": "NL",
    "ivory coast": "CI", "macedonia": "MK", "republic of korea": "KR", "russian federation": "RU", "swaziland": "SZ",
    "viet nam": "VN",
}  # fmt: skip
_REGION_NAMES = {"AP": "Asia and the Pacific"}  # no ISO code, so CLDR has no name for it
_CAPITAL_ZONE = {  # of countries with several zones; where there is no capital, the largest station
    "AQ": "Antarctica/McMurdo",
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "FM": "Pacific/Pohnpei",
    "GL": "America/Nuuk",
    "ID": "Asia/Jakarta",
    "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty",
    "MH": "Pacific/Majuro",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PF": "Pacific/Tahiti",
    "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Hebron",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UM": "Pacific/Wake",
    "US": "America/New_York",
    "UZ": "Asia/Tashkent",
}


class UnknownCountryError(InputError):
    """No such country; the message says what to write instead, in one line."""


def country_code(text: str) -> str:
    """The code that ``text`` is, in capitals: ISO 3166-1 alpha-2, a former one (AN), or one of registries (AP).

    UnknownCountryError otherwise, with a hint: UK is written GB, North Korea is written KP, PRK is written KP.
    """
    code = text.strip().upper()
    if code in _codes() or code in _FORMER:
        return code
    shown = "".join(c if c.isprintable() else "?" for c in text.strip()[:60])
    if re.fullmatch(r"[A-Z0-9]{2,3}", code) and (meant := _aliases(code)):
        if len(meant) == 1:
            raise UnknownCountryError(f"'{shown}' is not a country code; write {_with_name(meant[0])}")
        listed = ", ".join(_with_name(each) for each in meant)
        raise UnknownCountryError(f"'{shown}' is no longer a country; write one of {listed}")
    if len(code) > 2 and (meant := _by_name(text)):
        listed = " or ".join(_with_name(each) for each in meant)
        raise UnknownCountryError(f"'{shown}' is not a country code; write {listed}")
    raise UnknownCountryError(f"'{shown}' is not a country; write its code of two letters (ISO 3166-1), such as KP")


def country_named(text: str) -> str:
    """The code of the country that is called ``text`` (CLDR's or the tz database's English name, or its code).

    UnknownCountryError otherwise; where some names are alike, the message lists their countries.
    """
    wanted = _folded(text)
    names = [(row[1], row[0]) for row in _table("iso3166.tab")]
    names += [(name, code) for code, name in _names("en").items() if code in _codes()]
    names += [(name, code) for code, (name, *_) in _FORMER.items()]
    exact = {code for name, code in names if _spellings(wanted) & _spellings(name)}
    if wanted in _ALSO_CALLED:
        exact = {_ALSO_CALLED[wanted]}
    if len(exact) == 1:
        return exact.pop()
    try:
        return country_code(text)
    except UnknownCountryError:
        if meant := _by_name(text):
            listed = " or ".join(_with_name(each) for each in meant)
            shown = "".join(c if c.isprintable() else "?" for c in text.strip()[:60])
            raise UnknownCountryError(f"'{shown}' is not a country; did you mean {listed}?") from None
        raise


def _spellings(name: str) -> set[str]:
    """A name, without what stands in parentheses, with "and" for "&", turned round at "(North)", without "the"."""
    folded = _folded(name.replace("&", " and "))
    bare = _folded(re.sub(r"\(.*?\)", "", name).replace("&", " and "))
    turned = [_folded(f"{inside} {bare}") for inside in re.findall(r"\((.*?)\)", name)]
    plain = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return {folded, bare, plain, *turned, folded.removeprefix("the ")}


def country_name(code: str, language: str = "en") -> str:
    """The name of a country in a language (a CLDR locale such as ``en``, ``de``, ``pt_BR``).

    UnknownCountryError where the code is no country, ValueError where the language is not known.
    """
    code = country_code(code)
    preferred = _FORMER[code][0] if code in _FORMER else _REGION_NAMES.get(code)
    return preferred or _names(language).get(code) or _names("en").get(code) or code


def name_or_code(code: str) -> str:
    """The name of a country; the code itself where nobody knows a country of it: files may hold any two letters."""
    try:
        return country_name(code)
    except UnknownCountryError:
        return code


def former_codes(code: str) -> tuple[str, ...]:
    """Codes under which a country's addresses were delegated before it had its own: AN for CW."""
    return tuple(former for former, (_, now, _) in _FORMER.items() if code in now)


def time_zones(code: str) -> tuple[str, ...]:
    """IANA names of a country's time zones, that of the capital first; empty where the tz database has none."""
    code = country_code(code)
    zones = (_FORMER[code][2],) if code in _FORMER else _zones().get(code, ())
    return tuple(sorted(zones, key=lambda zone: zone != _CAPITAL_ZONE.get(code)))  # the sort is stable


def main_time_zone(code: str) -> str:
    """The time zone of a country's capital; '' where the tz database has none, or the code is no country's."""
    try:
        return next(iter(time_zones(code)), "")
    except UnknownCountryError:
        return ""


@cache
def _table(name: str) -> tuple[tuple[str, ...], ...]:
    text = (resources.files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")
    return tuple(tuple(line.split("\t")) for line in text.splitlines() if line and not line.startswith("#"))


@cache
def _codes() -> frozenset[str]:
    return frozenset(row[0] for row in _table("iso3166.tab")) | frozenset(_BESIDE_ISO)


@cache
def _zones() -> dict[str, tuple[str, ...]]:
    zones: dict[str, tuple[str, ...]] = {}
    for code, _, zone, *_ in _table("zone.tab"):
        zones[code] = (*zones.get(code, ()), zone)
    return zones


@cache
def _names(language: str) -> dict[str, str]:
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(language.replace("-", "_"))
        return dict(locale.territories)
    except (UnknownLocaleError, ValueError, TypeError):
        raise ValueError(f"'{language[:40]}' is not a language that country names are known in") from None


def _aliases(code: str) -> tuple[str, ...]:
    from babel.core import get_global

    return tuple(meant for meant in get_global("territory_aliases").get(code, ()) if meant in _codes())


def _with_name(code: str) -> str:
    return f"{code} ({country_name(code)})"


def _by_name(text: str) -> tuple[str, ...]:
    """Codes of countries whose name is, holds or resembles the text; the best three."""
    wanted = _folded(text)
    names = [(_folded(row[1]), row[0]) for row in _table("iso3166.tab")]
    names += [(_folded(name), code) for code, name in _names("en").items() if code in _codes()]
    exact = [code for name, code in names if name == wanted]
    holding = [code for name, code in names if len(wanted) >= 4 and wanted in name]
    close = difflib.get_close_matches(wanted, [name for name, _ in names], n=3, cutoff=0.75)
    resembling = [code for like in close for name, code in names if name == like]
    return tuple(dict.fromkeys(exact or holding or resembling))[:3]


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text[:80].casefold()))
