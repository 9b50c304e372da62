"""Events of several signals of one entity as events of the entity."""

from collections.abc import Iterable

from duskwatch.evaluation.scoring import FoundEvent


def overlapping_as_one(events: Iterable[FoundEvent]) -> tuple[FoundEvent, ...]:
    """Events that overlap, or where one begins as the other ends, are one: from the first onset to the last end.

    The alarm is the earliest of theirs. Returns them in order of onset.
    """
    out: list[FoundEvent] = []
    for event in sorted(events, key=lambda e: e.onset_us):
        last = out[-1] if out else None
        if last is None or (last.end_us is not None and event.onset_us > last.end_us):
            out.append(event)
            continue
        ends = (last.end_us, event.end_us)
        raised = [at for at in (last.raised_us, event.raised_us) if at is not None]
        until = None if ends[0] is None or ends[1] is None else max(ends[0], ends[1])
        out[-1] = FoundEvent(last.onset_us, until, min(raised, default=None))
    return tuple(out)
