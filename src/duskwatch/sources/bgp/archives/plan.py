"""Which files a window needs of a collector: a table dump at or before its start, and all updates from there on.

After a stretch without updates nobody knows what changed in it; the next table dump after it is needed as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from duskwatch.records.times import DAY, HOUR, MINUTE
from duskwatch.sources.bgp.archives import layout
from duskwatch.sources.bgp.archives.catalogue import RemoteFile
from duskwatch.sources.bgp.archives.collectors import Collector
from duskwatch.sources.bgp.archives.find import ArchiveFile, period_of
from duskwatch.sources.bgp.archives.gaps import missing_files

# How far before the window a table dump may lie. Further back the updates from it on would cost more than the state
# that they prove is worth; without a dump the state is learned from updates.
FURTHEST_DUMP_US = 2 * DAY
MOST_DUMPS_TRIED = 4
LONGEST_UPDATE_US = HOUR


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """The files of one collector for one window."""

    collector: Collector
    from_us: int
    until_us: int
    dumps: tuple[RemoteFile, ...]  # newest first; the first that can be had is used, the others are for when it cannot
    updates: tuple[RemoteFile, ...]  # from the oldest of the dumps on
    later_dumps: tuple[RemoteFile, ...] = ()  # those inside the window, in order
    listed: bool = True
    restarts: tuple[RemoteFile, ...] = ()  # those of them that parts of the window begin from

    def files(self, dump: RemoteFile | None = None) -> tuple[RemoteFile, ...]:
        """What is fetched when ``dump`` (the first, if not given) can be had, in order of time."""
        chosen = dump if dump is not None else next(iter(self.dumps), None)
        updates = self.updates_from(chosen)
        return tuple(sorted({*((chosen,) if chosen else ()), *updates, *self.extra_dumps(updates)}))

    def extra_dumps(self, updates: Sequence[RemoteFile]) -> tuple[RemoteFile, ...]:
        """Table dumps inside the window that are needed when ``updates`` are what could be had."""
        return tuple(sorted({*self.restarts, *self.dumps_after_gaps(updates)}))

    def dumps_after_gaps(self, updates: Sequence[RemoteFile]) -> tuple[RemoteFile, ...]:
        """Of each stretch of the window that ``updates`` leave out, the first table dump after it."""
        files = [ArchiveFile(self.collector.name, file.start_us, True, Path(file.name), 0) for file in updates]
        if not files or not self.later_dumps:
            return ()
        gaps = missing_files(files, files[0].start_us, self.until_us)
        found = (next((dump for dump in self.later_dumps if dump.start_us >= gap.until_us), None) for gap in gaps)
        return tuple(dict.fromkeys(dump for dump in found if dump is not None))

    def updates_from(self, dump: RemoteFile | None) -> tuple[RemoteFile, ...]:
        """Updates that are needed beside a dump; those of the window alone where there is none."""
        since = dump.start_us if dump else self.from_us
        period = self.period_us
        return tuple(file for file in self.updates if file.start_us + period > since)

    @property
    def period_us(self) -> int:
        """How long an update file lasts."""
        return _period(self.collector, self.updates, self.from_us)

    def missing(self, dump: RemoteFile | None = None) -> tuple[str, ...]:
        """Names of update files that should be there from the dump on and are not; in order."""
        chosen = dump if dump is not None else next(iter(self.dumps), None)
        # Those before the dump as well: how far apart files are is seen from all of them.
        return missing_names(self.collector, self.updates, chosen.start_us if chosen else self.from_us, self.until_us)


def make_plan(
    collector: Collector,
    dumps: Sequence[RemoteFile],
    updates: Sequence[RemoteFile],
    from_us: int,
    until_us: int,
    now_us: int,
    *,
    listed: bool = True,
    restart_us: Sequence[int] = (),
) -> FetchPlan:
    """Choose from what there is. Update files that are still being written at ``now_us`` are left out.

    ``restart_us`` are moments from which parts of the window are to be computed apart, such as midnights: the last
    table dump at or before each is planned as well.
    """
    usable = sorted((file for file in dumps if from_us - FURTHEST_DUMP_US <= file.start_us <= from_us), reverse=True)[
        :MOST_DUMPS_TRIED
    ]
    since = usable[-1].start_us if usable else from_us
    period = _period(collector, updates, from_us)
    chosen = [
        file
        for file in sorted(updates)
        if file.start_us < until_us and file.start_us + period > since and file.start_us + period <= now_us
    ]
    end_us = min(until_us, max(now_us, from_us))
    later = sorted(file for file in dumps if from_us < file.start_us < end_us)
    restarts = {max(before) for moment in restart_us if (before := [d for d in later if d.start_us <= moment])}
    return FetchPlan(
        collector, from_us, end_us, tuple(usable), tuple(chosen), tuple(later), listed, tuple(sorted(restarts))
    )


def missing_names(collector: Collector, updates: Sequence[RemoteFile], from_us: int, until_us: int) -> tuple[str, ...]:
    """What lacks between the given update files, under the names that their cadence gives."""
    if until_us <= from_us:
        return ()
    if not updates:
        return tuple(name for _, name in layout.expected(collector, from_us, until_us, updates=True))
    period = _period(collector, updates, from_us)
    files = [ArchiveFile(collector.name, file.start_us, True, Path(file.name), 0) for file in updates]
    out = []
    for gap in missing_files(files, from_us, until_us):
        # Names count on from the file before the gap, or back from the one after it where the gap comes first.
        anchor = next((f.start_us for f in reversed(files) if f.start_us <= gap.from_us), files[0].start_us)
        at = gap.from_us - (gap.from_us - anchor) % period
        # The file after a gap may begin a little late, the window ends where it ends.
        end_us = gap.until_us - (MINUTE if gap.until_us < until_us else 0)
        while at < end_us:
            out.append(layout.file_name(collector, at, updates=True))
            at += period
    return tuple(out)


def _period(collector: Collector, updates: Sequence[RemoteFile], from_us: int) -> int:
    if len(updates) < 2:
        return layout.update_period(collector, from_us)
    files = [ArchiveFile(collector.name, file.start_us, True, Path(file.name), 0) for file in updates]
    return min(period_of(collector.name, files), LONGEST_UPDATE_US)
