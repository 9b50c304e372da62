"""From outages that were recorded to alerts in the outbox, and from there to their receivers."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from duskwatch.publication.alerts.alert import alert_document, alert_key
from duskwatch.publication.alerts.channels import Channel, RefusedError, UndeliveredError
from duskwatch.publication.alerts.rules import Rule, channels_of
from duskwatch.publication.alerts.stages import Told, stages_of
from duskwatch.records.errors import DuskwatchError
from duskwatch.records.report import Report
from duskwatch.records.times import SECOND
from duskwatch.store import Store, outbox
from duskwatch.store.outages import StoredOutage, stored_outages
from duskwatch.store.outbox import NewAlert

log = logging.getLogger("duskwatch.live")

FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 300.0
POLL_S = 5.0
SEND_S = 60.0  # no receiver is waited for longer


@dataclass
class Alerts:
    """Plans alerts after each judgement and delivers them, channel by channel.

    ``plan`` is called where outages were just recorded, beside the event loop; ``deliver`` is a task for each channel.
    What is planned is written in one transaction, and is worked out from what is recorded: after a crash the next
    judgement plans what is missing, and nothing twice.
    """

    store: Store
    source: str
    rules: tuple[Rule, ...]
    channels: dict[str, Channel]
    clock: Callable[[], int]
    made: int = 0
    failures: int = 0
    last_error: str = ""
    held: str = ""  # why nothing new is told at the moment; empty: it is
    errors: dict[str, str] = field(default_factory=dict)  # by channel, the last one
    wake: dict[str, asyncio.Event] = field(default_factory=dict)
    loop: asyncio.AbstractEventLoop | None = None

    def plan(self, reports: Sequence[Report], window: tuple[int, int]) -> bool:
        """Write the alerts that the outages of a window call for; whether that could be done."""
        try:
            keys = outbox.put(self.store.events(), self._planned(reports, window), now_us=self.clock())
        except (DuskwatchError, OSError) as error:
            self.failures, self.last_error = self.failures + 1, str(error)
            log.error("alerts not written", extra={"error": str(error)})
            return False
        self.made += len(keys)
        for key in keys:
            log.info("alert", extra={"id": key})
        if keys and self.loop is not None:
            for event in self.wake.values():
                self.loop.call_soon_threadsafe(event.set)
        return True

    def _planned(self, reports: Sequence[Report], window: tuple[int, int]) -> list[NewAlert]:
        where = self.store.events()
        by_code = {report.entity.code: report for report in reports}
        stored = [
            one
            for one in stored_outages(where, entities=[report.entity for report in reports], from_us=window[0])
            if self.source in one.sources and not one.within
        ]
        told_before = outbox.keys_of(where, {one.uid for one in stored})
        out: list[NewAlert] = []
        for one in stored:
            report = by_code[one.entity.code]
            opened = f"{one.uid}/opened" in told_before
            level = (report.led or report.history).level
            for told in stages_of(one.newest.outage, level):
                if alert_key(one.uid, told) in told_before or (self.held and not opened):
                    continue
                alert = self._alert(one, told)
                # Who was not told that it began (too short, too small) is not told how it went on.
                if told.stage != "opened" and not opened:
                    continue
                opened |= told.stage == "opened" and bool(alert.channels)
                if alert.channels or told.stage != "opened":
                    out.append(alert)
        lasting = outbox.opened_outages(where) - {one.uid for one in stored}
        gone = ("withdrawn", "superseded", "dismissed")
        for one in stored_outages(where, uids=lasting, states=gone) if lasting else ():
            out.append(self._alert(one, Told("withdrawn", "withdrawn", window[1])))
        return out

    def _alert(self, one: StoredOutage, told: Told) -> NewAlert:
        newest = one.newest
        document = alert_document(one.uid, one.entity, newest.outage, told, newest.concluded, newest.state)
        channels = channels_of(self.rules, document, self.clock())
        known = tuple((name, at_us) for name, at_us in channels if name in self.channels)
        return NewAlert(alert_key(one.uid, told), one.uid, told.stage, told.at_us, document, known)

    async def deliver(self, name: str, rng: random.Random | None = None) -> None:
        """Bring to one channel what waits for it, in order, until cancelled. Nothing else waits for it."""
        rng = rng or random.Random()
        self.loop = asyncio.get_running_loop()
        event = self.wake.setdefault(name, asyncio.Event())
        while True:
            event.clear()
            wait_s = POLL_S
            try:
                wait_s = await self.deliver_waiting(name, rng)
            except (DuskwatchError, OSError) as error:
                self.failures, self.last_error = self.failures + 1, str(error)
                log.error("outbox out of reach", extra={"channel": name, "error": str(error)})
            with suppress(TimeoutError):  # not wait_for, which before Python 3.12 may lose a cancellation
                async with asyncio.timeout(min(POLL_S, wait_s)):
                    await event.wait()

    async def deliver_waiting(self, name: str, rng: random.Random) -> float:
        """Send what is due; seconds until something may be due again."""
        where, channel = self.store.events(), self.channels[name]
        while True:
            rows = await asyncio.to_thread(outbox.waiting, where, name, limit=50)
            if not rows:
                return POLL_S
            for row in rows:
                if (early_us := row.next_us - self.clock()) > 0:
                    return max(0.05, early_us / SECOND)
                try:
                    async with asyncio.timeout(SEND_S):
                        await channel.send(row.document)
                except RefusedError as error:
                    self.errors[name] = str(error)
                    log.error("alert refused", extra={"channel": name, "id": row.key, "error": str(error)})
                    await asyncio.to_thread(outbox.refused, where, row.id, str(error), now_us=self.clock())
                except Exception as error:  # whatever a channel does wrong: the alert waits, and others go on
                    why = str(error) if isinstance(error, UndeliveredError) else f"{type(error).__name__}: {error}"
                    self.errors[name] = why
                    longest_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(row.attempts, 20))
                    wait_s = longest_s * (0.5 + rng.random() / 2)
                    log.warning("alert not taken", extra={"channel": name, "id": row.key, "error": why})
                    again_us = self.clock() + int(wait_s * SECOND)
                    await asyncio.to_thread(outbox.failed, where, row.id, why, again_us)
                    return wait_s
                else:
                    self.errors.pop(name, None)
                    await asyncio.to_thread(outbox.sent, where, row.id, now_us=self.clock())
