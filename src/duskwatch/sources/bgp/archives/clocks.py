"""Names of one collector's files held against their records: which clock names are on, and when each file begins.

Where most names fit, a file whose records do not may have been written while a clock was wrong: its name is believed,
and the fold sorts out the records. Where most do not, names are the hint that is wrong: on a local clock, all by the
same quarters of an hour, or not to be used at all.
"""

from collections import Counter
from collections.abc import Sequence

from duskwatch.records.times import DAY, HOUR, MINUTE, iso, span_text
from duskwatch.sources.bgp.archives.probe import SLACK_US, ArchiveFile, Head, wrong_first_record

# A quiet file's first record may come so long after the time in its name.
QUIET_US = HOUR
# Local clocks are off by quarters of an hour, up to 14 h (the tz database); summer time moves them by an hour.
ZONE_US, FARTHEST_ZONE_US, SUMMER_US = 15 * MINUTE, 14 * HOUR, HOUR


def dated(collector: str, heads: Sequence[Head]) -> list[ArchiveFile]:
    """The files of one collector, each with the time at which it begins."""
    both = [head for head in heads if _is_exact(head) and head.time_us is not None]
    fits = sum(_fits(_off(head)) for head in both)
    zone = 0
    if 2 * fits < len(both):
        zones = Counter(_zone(_off(head)) for head in both)
        found, times = max(zones.items(), key=lambda item: (item[1], -abs(item[0])))
        zone = found if 2 * times >= len(both) and found else 0
    names_count = 2 * fits >= len(both)
    return [_dated(collector, head, names_count, zone) for head in heads]


def _dated(collector: str, head: Head, names_count: bool, zone: int) -> ArchiveFile:
    named, time_us = head.named, head.time_us
    notes = [note] if (note := wrong_first_record(head)) else []
    named_us = named.time_us if named is not None and _is_exact(head) else None
    if named is not None and time_us is not None:
        off = time_us - named.time_us
        if named_us is None:
            if not -SLACK_US <= off < DAY + SLACK_US:
                notes.append(f"is named by {iso(named.time_us)[:10]}; its records begin {iso(time_us)} and were taken")
        elif zone:
            shift = _shift(off, zone)
            named_us = None if shift is None else named.time_us + shift
            if shift is None:
                notes.append(_other(named.time_us, time_us))
            else:
                way = "ahead of" if shift < 0 else "behind"
                notes.append(
                    f"is named {span_text(abs(shift))} {way} its records (a local clock?): the records were taken"
                )
        elif not _fits(off) and not names_count:
            named_us = None
            notes.append(_other(named.time_us, time_us))
    start_us = named_us if named_us is not None else time_us
    if start_us is None:
        start_us = named.time_us if named is not None else head.first_us
    return ArchiveFile(
        collector,
        start_us,
        head.is_update,
        head.path,
        head.size_bytes,
        head.reenactment,
        named_us,
        named_us is None,
        "; ".join(notes),
    )


def _other(named_us: int, time_us: int) -> str:
    return f"is named {iso(named_us)}; its records begin {iso(time_us)} and were taken"


def _is_exact(head: Head) -> bool:
    """Whether the name tells more than a day."""
    return head.named is not None and head.named.unit_us < DAY


def _off(head: Head) -> int:
    assert head.named is not None
    assert head.time_us is not None
    return head.time_us - head.named.time_us


def _fits(off_us: int) -> bool:
    return -SLACK_US <= off_us <= QUIET_US


def _zone(off_us: int) -> int:
    """How far a name's clock is off, in whole quarters of an hour; 0 where that is no time zone."""
    zone = (off_us + SLACK_US) // ZONE_US * ZONE_US
    return zone if abs(zone) <= FARTHEST_ZONE_US else 0


def _shift(off_us: int, zone: int) -> int | None:
    """The zone of one file: that of most, or one of an hour more or less; None where it is another."""
    for shift in (zone, zone + SUMMER_US, zone - SUMMER_US):
        if -SLACK_US <= off_us - shift < SUMMER_US - SLACK_US:
            return shift
    return None
