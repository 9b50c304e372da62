"""What could not be judged, told beside every list of outages: nothing found is said of judged time alone."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from duskwatch.records.entity import Entity
from duskwatch.records.judged import JudgedSpan, inside
from duskwatch.records.times import to_datetime


def spans_of(
    opened: Any, entities: list[Entity] | None, from_us: int | None, until_us: int | None
) -> Iterator[tuple[str, tuple[JudgedSpan, ...]]]:
    """Of a window and each entity what a store says could be judged; where none is named, what was recorded.

    Where the window is open on a side, what is stored begins or ends it. Nothing where nothing is stored.
    """
    from duskwatch.analysis.judged import judged_stored, whole_of

    recorded = [JudgedSpan(*span) for span in opened.recorded(from_us, until_us)]
    if from_us is None or until_us is None:
        if not recorded:
            return
        from_us = recorded[0].from_us if from_us is None else from_us
        until_us = max(recorded[-1].until_us, from_us + 1) if until_us is None else until_us
    if from_us >= until_us:
        return
    for one in entities or ():
        yield one.code, judged_stored(opened, one, from_us, until_us)
    if not entities:
        yield "", whole_of(inside(recorded, from_us, until_us), from_us, until_us)


def not_judged_lines(
    opened: Any, entities: list[Entity] | None, from_us: int | None, until_us: int | None
) -> Iterator[str]:
    """A line for each entity of which not all could be judged."""
    from duskwatch.publication.documents.judged import not_judged_line

    for code, spans in spans_of(opened, entities, from_us, until_us):
        if line := not_judged_line(spans):
            yield f"{code}: {line}" if code else line


def reenactment_line(opened: Any, from_us: int | None, until_us: int | None) -> str:
    """What the files of a window say of themselves, where any of them is no recording; empty where none is."""
    told = set(opened.reenactment(from_us, until_us).values())
    return "; ".join(sorted(told))


def reenactment_of(marked: dict[date, str], from_us: int | None, until_us: int | None) -> str | None:
    """The same of an outage or an incident, by days; None where its days were recorded."""
    if from_us is None:
        return None
    first, last = to_datetime(from_us).date(), to_datetime(from_us if until_us is None else until_us).date()
    return next((text for day, text in sorted(marked.items()) if first <= day <= last), None)
