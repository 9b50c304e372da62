"""Conclusions with their history: outages, incidents, annotations. Every change is a revision, none overwritten."""

import sqlalchemy as sql

from duskwatch.store import database as db
from duskwatch.store.annotations import annotate, annotations, revise_annotation
from duskwatch.store.concluding import CURRENT, Recorded
from duskwatch.store.incidents import incidents, record_incident, record_incidents, revise_incident, stored_incidents
from duskwatch.store.outages import (
    Revision,
    StoredOutage,
    dismiss_outage,
    outage_history,
    record_outages,
    stored_outages,
)

__all__ = [
    "Recorded",
    "Revision",
    "StoredOutage",
    "annotate",
    "annotations",
    "counts",
    "dismiss_outage",
    "incidents",
    "outage_history",
    "record_incident",
    "record_incidents",
    "record_outages",
    "revise_annotation",
    "revise_incident",
    "stored_incidents",
    "stored_outages",
]


def counts(where: str) -> dict[str, int]:
    """How many outages, incidents and notes there are, and revisions of outages."""
    named = {
        "outages": db.outages.c.state.in_(CURRENT),
        "outage revisions": db.outage_revisions.c.id > 0,
        "incidents": db.incidents.c.state != "withdrawn",
        "notes": db.annotations.c.state == "shown",
    }
    with db.transaction(where) as connection:
        return {
            name: connection.execute(sql.select(sql.func.count()).where(condition)).scalar_one()
            for name, condition in named.items()
        }
