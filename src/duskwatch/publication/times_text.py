"""Times and numbers as people read them, in UTC and in the local time of the place. English, whatever the locale."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, to_datetime

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
FINE_US = 15 * MINUTE  # what lasts less than this is shown to the second
ALL = 0.9995  # a share from which on it is called all


def clock(moment: datetime, seconds: bool = False) -> str:
    """``16:15``, or ``16:15:03``."""
    return moment.strftime("%H:%M:%S" if seconds else "%H:%M")


def day(moment: datetime) -> str:
    """``22 December``."""
    return f"{moment.day} {MONTHS[moment.month - 1]}"


def long_day(moment: datetime) -> str:
    """``Monday 22 December 2014``."""
    return f"{DAYS[moment.weekday()]} {day(moment)} {moment.year}"


def shown_time(time_us: int, seconds: bool = False) -> datetime:
    """The moment as it is shown: cut to the second, or else rounded to the nearest minute."""
    return to_datetime(time_us if seconds else (time_us + MINUTE // 2) // MINUTE * MINUTE)


def utc(time_us: int, seconds: bool = False) -> str:
    """``16:15 UTC on Monday 22 December 2014``."""
    moment = shown_time(time_us, seconds)
    return f"{clock(moment, seconds)} UTC on {long_day(moment)}"


def utc_after(time_us: int, earlier_us: int, seconds: bool = False) -> str:
    """The same, with no more of the date than a reader needs who has just read the earlier time."""
    moment, earlier = shown_time(time_us, seconds), shown_time(earlier_us, seconds)
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
    moment = shown_time(time_us, seconds)
    at = moment.astimezone(there)
    of_day = "" if at.date() == moment.date() else f" on {DAYS[at.weekday()]}"
    return f"{clock(at, seconds)}{of_day} in {place(time_zone)}"


def table_time(time_us: int, seconds: bool = True) -> str:
    """``2014-12-22 16:15:03``, for tables that say UTC in their head; fractions of a second are cut off.

    Without ``seconds`` rounded to the minute, for what is known no better.
    """
    return _stamp(shown_time(time_us, seconds), seconds)


def local_table_time(time_us: int, time_zone: str, seconds: bool = True) -> str:
    """``2014-12-23 01:15:03``, in local time; empty where no zone is known."""
    there = zone(time_zone)
    return _stamp(shown_time(time_us, seconds).astimezone(there), seconds) if there else ""


def _stamp(moment: datetime, seconds: bool) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def fine(*spans_us: int) -> bool:
    """Whether times must be shown to the second to make sense of these durations."""
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


def duration_words(span_us: int) -> str:
    """A duration as a headline says it: ``9½ hours``, ``1 hour 6 minutes``, ``43 minutes``, ``three days``.

    Rounded to half hours, and to half days, only where that changes the length by less than two parts in a hundred.
    """
    for unit, name, least, most in ((DAY, "day", 2 * DAY, 1 << 62), (HOUR, "hour", 2 * HOUR, 2 * DAY)):
        halves = round(2 * span_us / unit)
        if least <= span_us < most and abs(halves * unit / 2 - span_us) <= 0.02 * span_us:
            return f"{halves // 2}½ {name}s" if halves % 2 else _units(halves // 2, name)
    if span_us >= 2 * DAY:
        days, hours = divmod(round(span_us / HOUR), 24)
        return " ".join(_units(n, name) for n, name in ((days, "day"), (hours, "hour")) if n)
    if span_us >= HOUR:
        hours, minutes = divmod(round(span_us / MINUTE), 60)
        return " ".join(_units(n, name) for n, name in ((hours, "hour"), (minutes, "minute")) if n)
    if span_us >= 2 * MINUTE:
        return _units(round(span_us / MINUTE), "minute")
    return _units(round(span_us / SECOND), "second")


def about_words(span_us: int) -> str:
    """A duration in rough words: ``two and a half days``, ``about an hour``, ``40 minutes``."""
    for unit, name, one in ((DAY, "day", "a day"), (HOUR, "hour", "an hour")):
        if span_us >= 0.9 * unit:
            halves = max(2, round(2 * span_us / unit))
            half = " and a half" if halves % 2 else ""
            if halves == 2:
                return f"about {one}"
            return f"{number_text(halves // 2)}{half} {name}s"
    return _units(max(1, round(span_us / MINUTE)), "minute")


def _units(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def dates(from_us: int, until_us: int) -> str:
    """The days of a stretch, as a headline says them: ``on 22-23 December 2014``."""
    first, last = to_datetime(from_us), to_datetime(max(from_us, until_us - 1))
    if first.date() == last.date():
        return f"on {day(first)} {first.year}"
    if first.year != last.year:
        return f"from {day(first)} {first.year} to {day(last)} {last.year}"
    if first.month != last.month or (last.date() - first.date()).days > 1:
        start = f"{first.day}" if first.month == last.month else day(first)
        return f"from {start} to {day(last)} {last.year}"
    return f"on {first.day}-{day(last)} {last.year}"


# Up to which share each word is used.
SHARE_WORDS = (
    (0.05, "a small part"), (0.14, "about a tenth"), (0.225, "about a fifth"), (0.29, "about a quarter"),
    (0.42, "about a third"), (0.58, "about half"), (0.71, "about two thirds"), (0.8, "about three quarters"),
    (0.9, "most"), (ALL, "nearly all"),
)  # fmt: skip


def share_words(share: float) -> str:
    """A share in words: ``a small part``, ``about a third``, ``half``, ``nearly all``, ``all``."""
    for exact, word in ((0.25, "a quarter"), (0.5, "half"), (0.75, "three quarters")):
        if abs(share - exact) < 0.005:
            return word
    return next((word for most, word in SHARE_WORDS if share < most), "all")


def capital(text: str) -> str:
    """The text with its first letter as a sentence begins."""
    return text[:1].upper() + text[1:]
