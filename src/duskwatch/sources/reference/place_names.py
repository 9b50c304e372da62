"""Names of places for those who read prose: countries as CLDR calls them, cities of the tz database, their zones."""

from functools import cache

from duskwatch.records.claim import Place, Places
from duskwatch.sources.reference.names import _codes, _names, main_time_zone, time_zones

_WITHOUT_ZONE = {"XK": "Europe/Belgrade"}  # the tz database lists no zone for these


@cache
def place_names(language: str = "en") -> Places:
    """Countries by their names in a language, and the cities that name time zones."""
    codes = sorted(code for code in _codes() if code not in ("AQ", "EU", "UM"))
    zones = {code: main_time_zone(code) or _WITHOUT_ZONE.get(code, "") for code in codes}
    names: dict[str, Place] = {}
    for code in codes:
        for zone in time_zones(code):
            city = zone.rpartition("/")[2].replace("_", " ")
            if len(city) > 3:
                names[city] = Place(code, zone)
    listed = _names(language)
    for code in codes:
        place = Place(code, zones[code])
        name = listed.get(code, "")
        parts = [part for part in name.split(" & ") if len(part) > 4 and part[0].isupper()] if " & " in name else []
        for word in {
            *parts,
            name,
            name.split(" (")[0],
            name.replace("&", "and"),
            name.replace("St.", "Saint"),
            name.removesuffix(" SAR China"),
        }:
            if len(word) > 2 and " - " not in word:
                names[word] = place
    return Places(names, zones)
