"""Times and numbers as people read them, in UTC and in the local time of the place. English, whatever the locale."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from duskwatch.records.times import MINUTE, SECOND, to_datetime

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
FINE_US = 15 * MINUTE  # what lasts less than this is told to the second


def clock(moment: datetime, seconds: bool = False) -> str:
    """``16:15``, or ``16:15:03``."""
    return moment.strftime("%H:%M:%S" if seconds else "%H:%M")


def day(moment: datetime) -> str:
    """``22 December``."""
    return f"{moment.day} {MONTHS[moment.month - 1]}"


def long_day(moment: datetime) -> str:
    """``Monday 22 December 2014``."""
    return f"{DAYS[moment.weekday()]} {day(moment)} {moment.year}"


def told(time_us: int, seconds: bool = False) -> datetime:
    """The moment as it is told: cut to the second, or else rounded to the nearest minute."""
    return to_datetime(time_us if seconds else (time_us + MINUTE // 2) // MINUTE * MINUTE)


def utc(time_us: int, seconds: bool = False) -> str:
    """``16:15 UTC on Monday 22 December 2014``."""
    moment = told(time_us, seconds)
    return f"{clock(moment, seconds)} UTC on {long_day(moment)}"


def utc_after(time_us: int, earlier_us: int, seconds: bool = False) -> str:
    """The same, with no more of the date than a reader needs who has just been told the earlier time."""
    moment, earlier = told(time_us, seconds), told(earlier_us, seconds)
    text = f"{clock(moment, seconds)} UTC"
    if moment.date() == earlier.date():
        return text
    if moment.year == earlier.year:
        return f"{text} on {day(moment)}"
    return f"{text} on {day(moment)} {moment.year}"


def zone(name: str) -> ZoneInfo | None:
    """The time zone of that IANA name; None where there is no such zone, or it is UTC itself."""
    if not name or name in ("UTC", "Etc/UTC"):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def place(name: str) -> str:
    """The place that a zone is named after: ``Pyongyang``."""
    return name.rsplit("/", 1)[-1].replace("_", " ")


def local(time_us: int, time_zone: str, seconds: bool = False) -> str:
    """``01:15 on Tuesday in Pyongyang``; no day where it is the one in UTC; empty where no zone is known."""
    there = zone(time_zone)
    if there is None:
        return ""
    moment = told(time_us, seconds)
    at = moment.astimezone(there)
    of_day = "" if at.date() == moment.date() else f" on {DAYS[at.weekday()]}"
    return f"{clock(at, seconds)}{of_day} in {place(time_zone)}"


def table_time(time_us: int) -> str:
    """``2014-12-22 16:15:03``, for tables that say UTC in their head; fractions of a second are cut off."""
    return to_datetime(time_us).strftime("%Y-%m-%d %H:%M:%S")


def local_table_time(time_us: int, time_zone: str) -> str:
    """``2014-12-23 01:15:03``, in local time; empty where no zone is known."""
    there = zone(time_zone)
    return to_datetime(time_us).astimezone(there).strftime("%Y-%m-%d %H:%M:%S") if there else ""


def fine(*spans_us: int) -> bool:
    """Whether times must be told to the second to make sense of these durations."""
    return any(span < FINE_US for span in spans_us)


def count(number: int, one: str, several: str) -> str:
    """``one gap``, ``four gaps``, ``1,024 gaps``."""
    return f"{number_text(number)} {one if number == 1 else several}"


def number_text(number: float) -> str:
    """A whole number: in words up to ten, with a comma at the thousands above."""
    whole = round(number)
    return NUMBERS[whole] if 0 <= whole < len(NUMBERS) else f"{whole:,}"


def percent(share: float) -> str:
    """``75 %``; one place where a whole number would say nothing or all."""
    value = 100 * share
    if (0 < value < 1) or (99 < value < 100):
        text = f"{value:.1f}"
        if text in ("0.0", "100.0"):
            return "under 0.1 %" if value < 1 else "over 99.9 %"
        return f"{text} %"
    return f"{value:.0f} %"


def often(number: int) -> str:
    """``once``, ``twice``, ``three times``."""
    return {1: "once", 2: "twice"}.get(number, f"{number_text(number)} times")


def listed(words: list[str]) -> str:
    """``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def near(one_us: int, other_us: int) -> bool:
    """Whether two times are the same to a reader of minutes."""
    return abs(one_us - other_us) <= 60 * SECOND
