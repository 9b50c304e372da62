"""Folds a collector's events into its archive: table dumps and update files, named and packed as archives do it."""

import bz2
import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from duskwatch.cases.case import Case, CollectorPlan
from duskwatch.cases.events import Action, Event, Events
from duskwatch.cases.stage import Session, Stage
from duskwatch.records.times import SECOND
from duskwatch.sources.bgp.formats import mrt_write as mrt
from duskwatch.sources.bgp.formats.mrt_write import BgpState
from duskwatch.sources.bgp.formats.reenactment import MARK, view_name

# RIPE RIS keeps five minutes in a file, RouteViews fifteen.
PERIOD_S = {"ris": 300, "route-views": 900}
# How a lost session is established again (RFC 4271 section 8.2.2), as daemons log it.
COMING_UP = (BgpState.IDLE, BgpState.CONNECT, BgpState.OPEN_SENT, BgpState.OPEN_CONFIRM, BgpState.ESTABLISHED)
PREFIXES_PER_UPDATE = 400


class Table:
    """What one session's peer holds, and whether the session is up. Route variants and when they came, by prefix."""

    def __init__(self, stage: Stage, session: Session, before_s: int) -> None:
        self.stage = stage
        self.session = session
        self.up = True
        self.held = {row: (0, before_s - 3600 - (row * 7919 + session.peer.asn) % 2_000_000) for row in session.carries}
        self._attributes: dict[tuple[int, int], bytes] = {}
        self._rib_attributes: dict[tuple[int, int], bytes] = {}
        self._nlri: dict[int, bytes] = {}

    def apply(self, event: Event) -> bytes:
        """Take an event in; what the collector records of it, nothing while the session is down."""
        action = event.action
        if action == Action.ANNOUNCE:
            for row in event.prefixes:
                self.held[row] = (event.variant, event.second)
            return self._said(event.second, self._announce(event.prefixes, event.variant))
        if action == Action.AGAIN:
            rows = tuple(row for row in event.prefixes if row in self.held)
            return self._said(event.second, self._announce(rows, self.held[rows[0]][0])) if rows else b""
        if action == Action.WITHDRAW:
            rows = tuple(row for row in event.prefixes if self.held.pop(row, None) is not None)
            return self._said(event.second, mrt.withdraw([self.stage.prefixes[row] for row in rows])) if rows else b""
        if action == Action.ALIVE:
            return self._said(event.second, mrt.keepalive())
        if action == Action.DOWN:
            self.up = False
            return self._state(event.second, BgpState.ESTABLISHED, BgpState.IDLE)
        if action == Action.UP:
            return self._come_up(event.second)
        if action == Action.RESEND:
            return b"".join(self._resend(event))
        return self._said(event.second, mrt.end_of_rib(2 if self.session.feed == "ipv6" else 1))

    def rib_entry(self, row: int) -> tuple[int, bytes] | None:
        """When the peer got its route to a prefix, and the route's attributes; None where it has none."""
        if row not in self.held:
            return None
        variant, since = self.held[row]
        key = self.stage.group_of[row], variant
        found = self._rib_attributes.get(key)
        if found is None:
            found = mrt.rib_attributes(self.stage.route(self.session, *key))
            self._rib_attributes[key] = found
        return since, found

    def _said(self, second: int, message: bytes) -> bytes:
        if not self.up:
            return b""
        return mrt.bgp4mp(second, self.session.peer, self.session.local, message, interface=MARK)

    def _state(self, second: int, old: BgpState, new: BgpState) -> bytes:
        return mrt.state_change(second, self.session.peer, self.session.local, old, new, interface=MARK)

    def _come_up(self, second: int) -> bytes:
        self.up = True
        out = b""
        for old, new in pairwise(COMING_UP):
            out += self._state(second, old, new)
            if new == BgpState.OPEN_SENT:
                out += self._said(second, mrt.open_message(self.session.peer.asn, self.session.peer.bgp_id))
            if new == BgpState.OPEN_CONFIRM:
                out += self._said(second, mrt.keepalive())
        return out

    def _resend(self, event: Event) -> Iterator[bytes]:
        same: dict[tuple[int, int], list[int]] = {}
        for row in event.prefixes:
            if row in self.held:
                same.setdefault((self.stage.group_of[row], self.held[row][0]), []).append(row)
        for (_, variant), rows in same.items():
            yield self._said(event.second, self._announce(tuple(rows), variant))

    def _announce(self, rows: tuple[int, ...], variant: int) -> bytes:
        key = self.stage.group_of[rows[0]], variant
        if self.stage.prefixes[rows[0]].afi == 2:
            return mrt.announce(self.stage.route(self.session, *key), [self.stage.prefixes[row] for row in rows])
        found = self._attributes.get(key)
        if found is None:
            found = self._attributes[key] = mrt.attributes(self.stage.route(self.session, *key))
        return mrt.update(b"", found, mrt.nlri(self.stage.prefixes[row] for row in rows))


def write_collector(
    case: Case, stage: Stage, plan: CollectorPlan, events: Events, out: Path, wrote: Callable[[Path, int], None]
) -> None:
    """Write one collector's files below ``out``; ``wrote`` gets each file and its size."""
    begin, end = case.from_us // SECOND, case.until_us // SECOND
    period = PERIOD_S[plan.layout]
    tables = [Table(stage, session, begin) for session in stage.sessions[plan.name]]
    missing = {trap.from_us for trap in case.traps if trap.kind == "missing-file" and trap.collector == plan.name}
    rows = [
        (event.second, place, event)
        for place, session in enumerate(stage.sessions[plan.name])
        for event in events[session.collector, session.number]
    ]
    rows.sort(key=lambda row: row[:2])
    at = 0
    for start in range(begin, end, period):
        if (start - begin) % (case.background.table_dump_hours * 3600) == 0:
            path = out / plan.name / _name(plan, start, dump=True)
            wrote(path, _store(path, b"".join(_dump(case, stage, tables, start))))
        records = []
        while at < len(rows) and rows[at][0] < min(start + period, end):
            records.append(tables[rows[at][1]].apply(rows[at][2]))
            at += 1
        # The file that got lost: what the peers said in it was said all the same.
        if start * SECOND not in missing:
            path = out / plan.name / _name(plan, start, dump=False)
            wrote(path, _store(path, b"".join(records)))


def _dump(case: Case, stage: Stage, tables: list[Table], second: int) -> Iterator[bytes]:
    live = [table for table in tables if table.up]
    yield mrt.peer_index_table(
        second,
        live[0].session.local.bgp_id if live else "0.0.0.0",
        [table.session.peer for table in live],
        view_name(case.reenactment),
    )
    order = sorted(range(len(stage.prefixes)), key=lambda row: stage.prefixes[row])
    sequence = 0
    for row in order:
        entries = [(place, *entry) for place, table in enumerate(live) if (entry := table.rib_entry(row)) is not None]
        if entries:
            yield mrt.rib(second, sequence, stage.prefixes[row], entries)
            sequence += 1


def _name(plan: CollectorPlan, second: int, *, dump: bool) -> str:
    moment = datetime.fromtimestamp(second, UTC)
    stamp, month = moment.strftime("%Y%m%d.%H%M"), moment.strftime("%Y.%m")
    if plan.layout == "ris":
        return f"{month}/{'bview' if dump else 'updates'}.{stamp}.gz"
    return f"{month}/{'RIBS/rib' if dump else 'UPDATES/updates'}.{stamp}.bz2"


def _store(path: Path, data: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    # No time in the gzip header: the same seed makes the same file.
    packed = gzip.compress(data, 6, mtime=0) if path.suffix == ".gz" else bz2.compress(data, 9)
    path.write_bytes(packed)
    return len(packed)
