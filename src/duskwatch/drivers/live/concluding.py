"""What a live run concludes, into the store: outages with their revisions, and the measures of each day."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from duskwatch.detection.conclusions import fuse_conclusions
from duskwatch.records.errors import DuskwatchError
from duskwatch.records.findings import Finding
from duskwatch.records.report import Report
from duskwatch.records.times import DAY, HOUR, iso, to_datetime
from duskwatch.store import Store, change_frames, level_frames, signal_frames

log = logging.getLogger("duskwatch.live")

DETECTOR = "live-1"
WHY = "live"


@dataclass
class Recorder:
    """Writes what was judged. What cannot be written is kept and tried again with the next judgement.

    failures    writes that failed, in a row;  last_error  why
    new, ended  outages since the run began
    """

    store: Store
    source: str
    every_us: int = HOUR  # event time between two writes of a day's measures
    failures: int = 0
    failed: int = 0
    last_error: str = ""
    new: int = 0
    withdrawn: int = 0
    written_us: int | None = None  # up to which time measures are there

    def record(self, reports: Sequence[Report], window: tuple[int, int]) -> bool:
        """Outages of one judgement; whether they are written."""
        findings = [
            Finding(report.entity, report.outages, witnesses=report.coverage.witnesses, around=report.around)
            for report in reports
        ]
        try:
            done = self.store.record_outages(
                window, findings, source=self.source, detector=DETECTOR, why=WHY, fuse=fuse_conclusions
            )
        except (DuskwatchError, OSError) as error:
            self.failures, self.failed, self.last_error = self.failures + 1, self.failed + 1, str(error)
            log.error("outages not written", extra={"error": str(error), "window_until": iso(window[1])})
            return False
        self.failures = 0
        self.new += len(done.new)
        self.withdrawn += len(done.withdrawn)
        for uid in done.new:
            log.warning("outage", extra={"id": uid})
        for uid in done.withdrawn:
            log.warning("outage withdrawn", extra={"id": uid})
        return True

    def measures(self, reports: Sequence[Report], window: tuple[int, int], *, all_of_it: bool = False) -> bool:
        """The signals, levels, changes and gaps of the days of which anything is new; whether they are written.

        Written every ``every_us`` of event time and at the end of a day, or now with ``all_of_it``.
        """
        since = window[0] if self.written_us is None else max(window[0], self.written_us)
        whole_day = since // DAY != window[1] // DAY
        if not reports or (not all_of_it and not whole_day and window[1] - since < self.every_us):
            return True
        try:
            for number in range(since // DAY, -(-window[1] // DAY)):
                self._day(reports, number, window)
        except (DuskwatchError, OSError) as error:
            self.failures, self.failed, self.last_error = self.failures + 1, self.failed + 1, str(error)
            log.error("measures not written", extra={"error": str(error), "window_until": iso(window[1])})
            return False
        self.written_us = window[1]
        return True

    def _day(self, reports: Sequence[Report], number: int, window: tuple[int, int]) -> None:
        day = to_datetime(number * DAY).date()
        histories = [(report.entity, report.led or report.history) for report in reports]
        histories.sort(key=lambda one: (one[0].type, one[0].code))
        gaps = {gap for _, history in histories for gap in history.gaps}
        with self.store.write_day(day, source=self.source) as writer:
            span = max(number * DAY, window[0]), min((number + 1) * DAY, window[1])
            writer.recorded(*span, learned=any(history.learned for _, history in histories))
            writer.inputs({file for report in reports for file in report.inputs})
            writer.gaps(sorted(gaps, key=lambda gap: (gap.from_us, gap.source, gap.until_us)))
            writer.changes(change_frames(histories, day))
            writer.levels(level_frames(histories, day))
            writer.signals(signal_frames(histories, day))
