"""Alerts that are to be told, and to whom each was: an outbox in the database.

An alert is named by a key and written once, with one delivery for each channel, in one transaction. A delivery waits
until its receiver has taken it; what is tried again carries the same key, so that a receiver can tell.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql

from duskwatch.store import database as db
from duskwatch.store.errors import StoreError
from duskwatch.store.revision_rows import checked

ALERTS = "alerts"  # what writers of alerts wait for
LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert to be written, and when each of its channels may be told first."""

    key: str
    outage: str
    stage: str
    at_us: int
    document: dict[str, Any]
    channels: tuple[tuple[str, int], ...]  # (channel, not before)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert that waits for one channel."""

    id: int
    key: str
    channel: str
    attempts: int
    next_us: int
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert, and how it fared.

    deliveries  (channel, state, attempts, last error) of each channel; a state is waiting, sent or refused
    """

    key: str
    outage: str
    stage: str
    at_us: int
    made_us: int
    document: dict[str, Any]
    acked_us: int | None
    acked_by: str
    deliveries: tuple[tuple[str, str, int, str], ...]


def keys_of(where: str, outages: Collection[str]) -> set[str]:
    """Keys of all alerts of some outages."""
    query = sql.select(db.alerts.c.key).where(db.alerts.c.outage.in_(list(outages)))
    with db.transaction(where) as connection:
        return set(connection.execute(query).scalars())


def opened_outages(where: str) -> set[str]:
    """Outages that were told and neither closed nor withdrawn."""
    over = sql.select(db.alerts.c.outage).where(db.alerts.c.stage.in_(("closed", "withdrawn")))
    query = sql.select(db.alerts.c.outage).where(db.alerts.c.stage == "opened", db.alerts.c.outage.not_in(over))
    with db.transaction(where) as connection:
        return set(connection.execute(query).scalars())


def put(where: str, alerts: Iterable[NewAlert], *, now_us: int | None = None) -> list[str]:
    """Write alerts that are not there yet, all or none; the keys of those that were new."""
    now = _now(now_us)
    out = []
    with db.transaction(where, writes=ALERTS) as connection:
        told = list(alerts)
        known = set(
            connection.execute(sql.select(db.alerts.c.key).where(db.alerts.c.key.in_([a.key for a in told]))).scalars()
        )
        for alert in told:
            if alert.key in known:
                continue
            known.add(alert.key)
            row = {
                "key": alert.key, "outage": alert.outage, "stage": alert.stage, "at_us": alert.at_us, "made_us": now,
                "document": alert.document,
            }  # fmt: skip
            inserted = connection.execute(sql.insert(db.alerts).values(row)).inserted_primary_key
            assert inserted is not None
            rows = [
                {"alert_id": inserted[0], "channel": channel, "state": "waiting", "next_us": max(now, not_before)}
                for channel, not_before in alert.channels
            ]
            if rows:
                connection.execute(sql.insert(db.alert_deliveries), rows)
            out.append(alert.key)
    return out


def waiting(where: str, channel: str, *, limit: int = 100) -> list[Delivery]:
    """What waits for a channel, the oldest first, also what must wait longer: nothing overtakes it."""
    table = db.alert_deliveries
    query = (
        sql.select(table.c.id, db.alerts.c.key, table.c.attempts, table.c.next_us, db.alerts.c.document)
        .join(db.alerts, db.alerts.c.id == table.c.alert_id)
        .where(table.c.channel == channel, table.c.state == "waiting")
        .order_by(table.c.id)
        .limit(limit)
    )
    with db.transaction(where) as connection:
        return [
            Delivery(row["id"], row["key"], channel, row["attempts"], row["next_us"], row["document"])
            for row in connection.execute(query).mappings()
        ]


def sent(where: str, delivery: int, *, now_us: int | None = None) -> None:
    """The receiver has taken it."""
    _done(where, delivery, {"state": "sent", "done_us": _now(now_us), "error": ""})


def refused(where: str, delivery: int, error: str, *, now_us: int | None = None) -> None:
    """The receiver will never take it; it stays in the list with the reason."""
    _done(where, delivery, {"state": "refused", "done_us": _now(now_us), "error": error[:LONGEST_ERROR]})


def failed(where: str, delivery: int, error: str, again_us: int) -> None:
    """The receiver could not take it; it waits."""
    _done(where, delivery, {"next_us": again_us, "error": error[:LONGEST_ERROR]})


def _done(where: str, delivery: int, values: dict[str, Any]) -> None:
    table = db.alert_deliveries
    with db.transaction(where, writes=ALERTS) as connection:
        connection.execute(
            sql.update(table).where(table.c.id == delivery).values(attempts=table.c.attempts + 1, **values)
        )


def stored_alerts(where: str, *, outage: str | None = None, limit: int = 100) -> list[StoredAlert]:
    """Alerts, the newest first."""
    query = sql.select(db.alerts).order_by(db.alerts.c.id.desc()).limit(limit)
    if outage is not None:
        query = query.where(db.alerts.c.outage == outage)
    with db.transaction(where) as connection:
        rows = connection.execute(query).mappings().all()
        table = db.alert_deliveries
        told = connection.execute(
            sql.select(table).where(table.c.alert_id.in_([row["id"] for row in rows])).order_by(table.c.id)
        ).mappings()
        by_alert: dict[int, list[tuple[str, str, int, str]]] = {}
        for one in told:
            by_alert.setdefault(one["alert_id"], []).append(
                (one["channel"], one["state"], one["attempts"], one["error"])
            )
    return [
        StoredAlert(
            row["key"], row["outage"], row["stage"], row["at_us"], row["made_us"], row["document"], row["acked_us"],
            row["acked_by"], tuple(by_alert.get(row["id"], ())),
        )
        for row in rows
    ]  # fmt: skip


def counts(where: str) -> dict[tuple[str, str], int]:
    """Deliveries by channel and state."""
    table = db.alert_deliveries
    query = sql.select(table.c.channel, table.c.state, sql.func.count()).group_by(table.c.channel, table.c.state)
    with db.transaction(where) as connection:
        return {(channel, state): int(number) for channel, state, number in connection.execute(query)}


def acknowledge(where: str, what: str, *, by: str, now_us: int | None = None) -> Sequence[str]:
    """Mark an alert, or all of an outage, as seen by somebody; the keys. StoreError where there is none."""
    table = db.alerts
    asked = (table.c.key == what) | (table.c.outage == what)
    with db.transaction(where, writes=ALERTS) as connection:
        keys = list(connection.execute(sql.select(table.c.key).where(asked)).scalars())
        if not keys:
            raise StoreError(f"no alert '{what}'")
        values = {"acked_us": _now(now_us), "acked_by": checked(by, "by")}
        connection.execute(sql.update(table).where(asked, table.c.acked_us.is_(None)).values(values))
    return keys


def acknowledged(where: str, outages: Collection[str]) -> set[str]:
    """Outages of which somebody has seen an alert."""
    query = sql.select(db.alerts.c.outage).where(
        db.alerts.c.outage.in_(list(outages)), db.alerts.c.acked_us.is_not(None)
    )
    with db.transaction(where) as connection:
        return set(connection.execute(query).scalars())


def _now(now_us: int | None) -> int:
    return time.time_ns() // 1000 if now_us is None else now_us
