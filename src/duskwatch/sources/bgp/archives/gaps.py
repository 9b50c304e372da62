"""Which update files of a collector are missing between those that are there."""

from collections.abc import Iterator, Sequence

from duskwatch.records.messages import Silence
from duskwatch.records.signals import Gap
from duskwatch.records.times import MINUTE, SECOND
from duskwatch.sources.bgp.archives.find import ArchiveFile, has_cadence, period_of

# How much later than the end of one file the next may begin before something is missing between them.
SLACK_US = 45 * SECOND
UNKNOWN_US = 15 * MINUTE  # the same where nobody knows how long files are
NO_UPDATES, MISSING = "no update file", "missing file"
NO_MRT = "file that is no MRT"  # a file of the right name is there, and holds something else


def missing_files(files: Sequence[ArchiveFile], from_us: int, until_us: int) -> list[Gap]:
    """Stretches of the window for which one collector's update files are missing, by when files begin alone."""
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

    Files are those of one collector, in order; none of them was read, so that each is as long as files usually are.
    """
    if not files:
        return [[Silence(from_us, until_us, NO_UPDATES)] if from_us < until_us else []]
    reach = Reach(files, from_us, until_us)
    out = []
    for file in files:
        out.append(reach.before(file))
        reach.read(file)
    return [*out, reach.rest()]


class Reach:
    """How far the files of one collector lead, as one after the other is read.

    A file leads as far as files usually do, or as its records do where these go on for longer. A stretch that goes on
    over a table dump comes in pieces, so that the fold knows ahead of the dump that it does not follow what came
    before.

    unusable  when files begin, by their names, that are there and are no MRT: what these should hold has this reason
    """

    def __init__(self, files: Sequence[ArchiveFile], from_us: int, until_us: int, unusable: Sequence[int] = ()) -> None:
        self._unusable = sorted(set(unusable))
        updates = [file for file in files if file.is_update]
        self._from_us, self._until_us = from_us, until_us
        self._reached = self._silent_until = from_us
        self._heard = bool(updates)
        # Of somebody's own collector one file alone says nothing of how long files are.
        self._usual = len({file.start_us for file in updates}) > 1 or has_cadence(files[0].collector)
        self._period_us = period_of(files[0].collector, updates) if self._usual else 0
        # Where files begin by themselves, the first record of a quiet one comes late.
        self._slack_us = SLACK_US
        if any(file.by_records for file in updates):
            self._slack_us = max(SLACK_US, self._period_us // 2)
        elif not self._usual:
            self._slack_us = UNKNOWN_US

    def before(self, file: ArchiveFile) -> list[Silence]:
        """What is missing ahead of a file."""
        lacks = file.start_us > self._reached + self._slack_us and file.start_us > self._from_us
        return self._up_to(min(file.start_us, self._until_us)) if lacks else []

    def read(self, file: ArchiveFile, last_us: int | None = None) -> None:
        """A file was read, and its records lead up to ``last_us``; None: it was not opened, or holds no update."""
        if file.is_update:
            self._reached = max(self._reached, file.start_us + self._period_us)
        if last_us is None:
            return
        self._heard = True
        if last_us > self._reached:
            period = self._period_us
            over = -(-(last_us - file.start_us) // period) * period if period else last_us - file.start_us
            self._reached = max(last_us, min(file.start_us + over, last_us + period))

    def rest(self) -> list[Silence]:
        """What is missing after the last file."""
        if self._heard and not self._usual:
            return []  # nobody knows how long its files are; who is silent for an hour leaves the vote
        # What is named by the minute ends by the minute: nothing that begins before the window ends may lack.
        reached = self._reached
        lacks = reached + (SLACK_US if reached % MINUTE else 0) < self._until_us
        return self._up_to(self._until_us) if lacks else []

    def _up_to(self, end_us: int) -> list[Silence]:
        start_us, self._silent_until = max(self._reached, self._silent_until), max(end_us, self._silent_until)
        return list(self._pieces(start_us, end_us)) if start_us < end_us else []

    def _pieces(self, start_us: int, end_us: int) -> Iterator[Silence]:
        """A stretch of which nothing was read, cut where a file begins and ends that is no MRT."""
        missing = MISSING if self._heard else NO_UPDATES
        at_us = start_us
        for own_us in self._unusable:
            begin, end = max(at_us, own_us), min(own_us + (self._period_us or UNKNOWN_US), end_us)
            if begin >= end:
                continue
            if at_us < begin:
                yield Silence(at_us, begin, missing)
            yield Silence(begin, end, NO_MRT)
            at_us = end
        if at_us < end_us:
            yield Silence(at_us, end_us, missing)
