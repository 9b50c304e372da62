"""Countries nearby, by the places that the tz database gives for its zones (zone.tab; in the public domain)."""

import math
import re
from functools import cache
from importlib import resources

EARTH_KM = 6371.0
FAR_KM = 2000.0  # a country further away than this is no neighbour
_PLACE = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?([+-])(\d{3})(\d{2})(\d{2})?")


def nearby(code: str, far_km: float = FAR_KM) -> tuple[tuple[str, float], ...]:
    """Countries with the distance in km of the two places of both that are nearest to each other, the nearest first.

    Places are those that zones are named after, one or more in each country. Empty for a code that has none.
    """
    own = _places().get(code, ())
    found = [
        (other, min(_distance_km(one, place) for one in own for place in places))
        for other, places in _places().items()
        if other != code and own
    ]
    return tuple(sorted((row for row in found if row[1] <= far_km), key=lambda row: (row[1], row[0])))


@cache
def _places() -> dict[str, tuple[tuple[float, float], ...]]:
    """Latitude and longitude, in radians, of the places of each country."""
    text = resources.files("tzdata").joinpath("zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    out: dict[str, tuple[tuple[float, float], ...]] = {}
    for line in text.splitlines():
        code, _, rest = line.partition("\t")
        found = _PLACE.match(rest)
        if len(code) == 2 and found:
            out[code] = (*out.get(code, ()), (_radians(found, 1), _radians(found, 5)))
    return out


def _radians(found: re.Match[str], first: int) -> float:
    degrees, minutes, seconds = (int(found[first + k] or 0) for k in (1, 2, 3))
    size = degrees + minutes / 60 + seconds / 3600
    return math.radians(-size if found[first] == "-" else size)


def _distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great circle, by haversines."""
    (lat1, lon1), (lat2, lon2) = one, other
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))
