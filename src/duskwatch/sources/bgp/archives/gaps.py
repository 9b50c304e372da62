"""Which update files of a collector are missing between those that are there."""

from collections.abc import Sequence

from duskwatch.records.messages import Silence
from duskwatch.records.signals import Gap
from duskwatch.records.times import MINUTE, SECOND
from duskwatch.sources.bgp.archives.find import ArchiveFile, period_of

# How much later than the end of one file the next may begin before something is missing between them.
SLACK_US = 45 * SECOND
NO_UPDATES, MISSING = "no update file", "missing file"


def missing_files(files: Sequence[ArchiveFile], from_us: int, until_us: int) -> list[Gap]:
    """Stretches of the window for which one collector's update files are missing."""
    updates = [file for file in files if file.is_update]
    collector = files[0].collector
    reason = MISSING if updates else NO_UPDATES
    return [
        Gap(collector, silence.from_us, silence.until_us, reason)
        for silences in silences_before(updates, from_us, until_us)
        for silence in silences
    ]


def silences_before(files: Sequence[ArchiveFile], from_us: int, until_us: int) -> list[list[Silence]]:
    """What is missing of the time from ``from_us`` on ahead of each of some files, and after the last, [files + 1].

    Files are those of one collector, in order. A stretch that goes on over a table dump is told in pieces, so that the
    fold knows ahead of the dump that it does not follow what came before.
    """
    updates = [file for file in files if file.is_update]
    period = period_of(files[0].collector, updates) if updates else 0
    reason = MISSING if updates else NO_UPDATES
    out: list[list[Silence]] = []
    reached = told = from_us

    def up_to(end_us: int) -> list[Silence]:
        nonlocal told
        start_us, told = max(reached, told), max(end_us, told)
        return [Silence(start_us, end_us, reason)] if start_us < end_us else []

    for file in files:
        lacks = file.start_us > reached + SLACK_US and file.start_us > from_us
        out.append(up_to(min(file.start_us, until_us)) if lacks else [])
        if file.is_update:
            reached = max(reached, file.start_us + period)
    # What is named by the minute ends by the minute: nothing that begins before the window ends may lack.
    lacks = reached + (SLACK_US if reached % MINUTE else 0) < until_us
    return [*out, up_to(until_us) if lacks else []]
