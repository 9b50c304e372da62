"""Which update files of a collector are missing between those that are there."""

from duskwatch.records.signals import Gap
from duskwatch.records.times import MINUTE, SECOND
from duskwatch.sources.bgp.archives.find import ArchiveFile, period_of

# How much later than the end of one file the next may begin before something is missing between them.
SLACK_US = 45 * SECOND


def missing_files(files: list[ArchiveFile], from_us: int, until_us: int) -> list[Gap]:
    """Stretches of the window for which one collector's update files are missing."""
    updates = [file for file in files if file.is_update]
    collector = files[0].collector
    if not updates:
        return [Gap(collector, from_us, until_us, "no update file")]
    period = period_of(collector, updates)
    gaps = []
    reached = from_us
    for file in updates:
        if file.start_us > reached + SLACK_US and file.start_us > from_us:
            gaps.append(Gap(collector, reached, min(file.start_us, until_us), "missing file"))
        reached = max(reached, file.start_us + period)
    # What is named by the minute ends by the minute: nothing that begins before the window ends may lack.
    if reached + (SLACK_US if reached % MINUTE else 0) < until_us:
        gaps.append(Gap(collector, max(reached, from_us), until_us, "missing file"))
    return [gap for gap in gaps if gap.until_us > gap.from_us]
