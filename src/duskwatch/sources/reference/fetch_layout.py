"""Where the five registries keep their delegated statistics of the past, and under which names.

Each file is also on the day's ``...-latest``; only dated names are fetched, so that a file's name says its day.

afrinic   pub/stats/afrinic/2014/delegated-afrinic-extended-20141222          plain
apnic     stats/apnic/2014/delegated-apnic-extended-20141222.gz               the newest days also one folder up, plain
arin      pub/stats/arin/archive/2014/delegated-arin-extended-20141222        plain or .gz; the current year one up
lacnic    pub/stats/lacnic/delegated-lacnic-extended-20141222                 all years in one folder, or archive/2014/
ripencc   pub/stats/ripencc/2014/delegated-ripencc-extended-20141222.bz2
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

PUBLIC = {
    "afrinic": "https://ftp.afrinic.net/pub/stats/afrinic",
    "apnic": "https://ftp.apnic.net/stats/apnic",
    "arin": "https://ftp.arin.net/pub/stats/arin",
    "lacnic": "https://ftp.lacnic.net/pub/stats/lacnic",
    "ripencc": "https://ftp.ripe.net/pub/stats/ripencc",
}
# Names of AS numbers: one file, of the present alone; a cached one serves for so many days.
AS_NAMES = "https://ftp.ripe.net/ripe/asnames"
AS_NAMES_FILE = "asn.txt"
AS_NAMES_DAYS = 7
FOLDERS = {
    "afrinic": ("{year}/", ""),
    "apnic": ("{year}/", ""),
    "arin": ("archive/{year}/", ""),
    "lacnic": ("archive/{year}/", ""),
    "ripencc": ("{year}/", ""),
}
ENDINGS = {"apnic": (".gz", ""), "arin": ("", ".gz"), "ripencc": (".bz2", "")}
NAME = re.compile(r"delegated-(?P<registry>[a-z]+)(?P<extended>-extended)?-(?P<day>\d{8})(?:\.gz|\.bz2|\.xz)?")
FURTHEST = timedelta(days=31)  # a file may be so much older than the day asked for
MOST_BYTES = 256 << 20
# In its first months RIPE NCC's extended file left about half of the country codes blank; the plain one has them.
PLAIN_BETTER = {"ripencc": (date(2011, 6, 1), date(2012, 2, 1))}


@dataclass(frozen=True, slots=True)
class Dated:
    """A dated name, taken apart."""

    day: date
    extended: bool
    name: str


def dated(name: str, registry: str) -> Dated | None:
    """What a file name of a registry says; None where it is another's, or no such name."""
    match = NAME.fullmatch(name)
    if match is None or match["registry"] != registry:
        return None
    text = match["day"]
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return Dated(day, match["extended"] is not None, name)


def choose(names: Iterable[str], registry: str, on: date) -> Dated | None:
    """The file to use for a day: of that day, else of the nearest earlier one; None where there is none in a month.

    Extended files are preferred to plain ones of the same or a later day, but for the months in which they were poor.
    """
    poor_from, poor_until = PLAIN_BETTER.get(registry, (date.max, date.max))
    near = [file for name in names if (file := dated(name, registry)) and on - FURTHEST <= file.day <= on]
    good = [file for file in near if file.extended and not poor_from <= file.day < poor_until]
    plain = [file for file in near if not file.extended]
    ranked = good or plain or near
    # Of one day's copies the first by name is the plain one, which needs no unpacking.
    return min(ranked, key=lambda file: (-file.day.toordinal(), file.name), default=None)


def folders(registry: str, on: date) -> list[str]:
    """Folders, relative to a registry's address, in which the files of a day and the month before it may be."""
    years = dict.fromkeys((on.year, (on - FURTHEST).year))
    return list(dict.fromkeys(each.format(year=year) for year in years for each in FOLDERS[registry]))


def names(registry: str, on: date) -> list[str]:
    """Names that the file of exactly one day may have, the likeliest first."""
    stem = f"{on:%Y%m%d}"
    endings = ENDINGS.get(registry, ("", ".gz"))
    return [
        f"delegated-{registry}{form}-{stem}{ending}"
        for form in (("", "-extended") if _plain_is_better(registry, on) else ("-extended", ""))
        for ending in endings
    ]


def _plain_is_better(registry: str, on: date) -> bool:
    begin, end = PLAIN_BETTER.get(registry, (date.max, date.max))
    return begin <= on < end
