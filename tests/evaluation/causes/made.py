"""Lists of events made up by chance: countries with habits, causes with marks."""

import random
from collections.abc import Sequence

HEAD = (
    "ID,Begin time,End time,Country,IODA BGP visible by human,IODA AP visible by human,IODA IBR visible by human,"
    "Scope (based on granularity at which the outage appears in IODA),Region,AS,Cause,Confirmation Status,"
    "Manually verified,Notes"
)
COUNTRIES = ("Iraq", "Syria", "Togo", "Benin", "Gabon", "Haiti", "Niger", "Kenya", "Ghana", "Peru", "Cuba", "Fiji")


def row(
    begin: str, end: str, country: str, cause: str = "", seen: str = "True,True,True", scope: str = "Country"
) -> str:
    return f'X,"{begin}","{end}",{country},{seen},{scope},,,{cause},,Yes,'


def listed(rows: Sequence[str]) -> str:
    return "\n".join([HEAD, *rows]) + "\n"


def by_chance(seed: int = 1, each: int = 20) -> str:
    """Ordered shutdowns at full hours, for hours, again the next day; cable cuts at any minute of the working day."""
    dice = random.Random(seed)
    rows = []
    for country in COUNTRIES:
        for day in range(1, each + 1):
            cause = dice.choice(["", "", "", "Cable-Cut", "Government-Ordered", "Power-Outage"])
            hour, minute, hours = dice.randrange(24), dice.choice(range(0, 60, 5)), dice.choice([0.5, 1, 2, 3])
            if cause == "Government-Ordered":
                hour, minute, hours = 3, 0, 6
            elif cause == "Cable-Cut":
                hour, hours = dice.randrange(9, 17), 30
            elif cause == "Power-Outage":
                hours = 7.25
            begin = f"2019-{dice.randrange(1, 12):02}-{day:02}T{hour:02}:{minute:02}:00"
            rows.append((begin, hours, country, cause))
    return listed([row(begin, later(begin, hours), country, cause) for begin, hours, country, cause in rows])


def later(begin: str, hours: float) -> str:
    from datetime import datetime, timedelta

    return (datetime.fromisoformat(begin) + timedelta(hours=hours)).isoformat()
