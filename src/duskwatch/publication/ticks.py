"""Times along a chart: round steps, a date at every midnight, the local clock below."""

from typing import NamedTuple

from duskwatch.publication.levels import Span
from duskwatch.publication.times_text import MONTHS, dates, place, zone
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, to_datetime

STEPS = (
    *(n * SECOND for n in (1, 2, 5, 10, 15, 30)), *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)), *(n * DAY for n in (1, 2, 4, 7, 14, 28, 91, 182, 365, 1825)),
)  # fmt: skip


class Tick(NamedTuple):
    """One labelled time."""

    time_us: int
    text: str  # in UTC: a clock time, or the date at midnight
    local: str  # the local clock; empty where it is not drawn
    strong: bool  # a date


def ticks(span: Span, time_zone: str, pixels: int, apart: int) -> tuple[Tick, ...]:
    """Ticks at round times, at least ``apart`` pixels from each other."""
    least = apart * span.length_us / max(1, pixels)
    step = next((step for step in STEPS if step >= least), STEPS[-1])
    there = zone(time_zone) if step < DAY else None
    found = []
    first = -(-span.from_us // step) * step
    for time_us in range(first, span.until_us + 1, step):
        moment = to_datetime(time_us)
        midnight = time_us % DAY == 0
        clock = "%H:%M:%S" if step < MINUTE else "%H:%M"
        text = f"{moment.day} {MONTHS[moment.month - 1][:3]}" if midnight else moment.strftime(clock)
        if midnight and step >= 28 * DAY:
            text += f" {moment.year}"
        local = moment.astimezone(there).strftime(clock) if there is not None else ""
        found.append(Tick(time_us, text, local, midnight))
    return tuple(found)


def axis_caption(span: Span, time_zone: str, with_local: bool) -> str:
    """``19 February 2008, UTC. Second line: Djibouti (UTC+3)``."""
    text = dates(*span).removeprefix("on ").removeprefix("from ") + ", UTC"
    there = zone(time_zone)
    if there is None or not with_local:
        return text
    offsets = {to_datetime(at).astimezone(there).utcoffset() for at in span}
    hours = [offset.total_seconds() / 3600 for offset in offsets if offset is not None]
    if len(hours) != 1:
        return f"{text}; second line: {place(time_zone)}"
    whole, part = divmod(abs(round(hours[0] * 60)), 60)
    sign = "+" if hours[0] >= 0 else "\u2212"
    return f"{text}; second line: {place(time_zone)} (UTC{sign}{whole}{f':{part:02d}' if part else ''})"
