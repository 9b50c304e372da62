"""Outages name the sources that concluded them, and reasons are codes."""

import json
from typing import Any

import sqlalchemy as sql
from alembic import op

from duskwatch.records.reason import to_document
from duskwatch.store.prose_reasons import from_sentence

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENTS = ("onset", "end", "dark_from", "dark_until")
REVISIONS_AT_ONCE = 1000  # revisions in memory


def upgrade() -> None:
    """Columns ``sources`` and ``within`` of ``outages``; what each source concluded in the documents of revisions.

    All there is was concluded by ``bgp``, of whole entities.
    """
    for name in ("within", "sources"):
        op.add_column("outages", sql.Column(name, sql.Text, nullable=False, server_default=""))
    op.execute("UPDATE outages SET sources = 'bgp'")
    connection = op.get_bind()
    revisions = sql.table(
        "outage_revisions",
        sql.column("id", sql.Integer),
        sql.column("outage_id", sql.Integer),
        sql.column("window_from_us", sql.BigInteger),
        sql.column("window_until_us", sql.BigInteger),
        sql.column("document", sql.JSON),
    )
    outages = sql.table("outages", sql.column("id", sql.Integer), sql.column("detector", sql.Text))
    asked = sql.select(revisions, outages.c.detector).join(outages, outages.c.id == revisions.c.outage_id)
    last = 0
    while rows := connection.execute(
        asked.where(revisions.c.id > last).order_by(revisions.c.id).limit(REVISIONS_AT_ONCE)
    ).all():
        for row in rows:
            document = converted(row.document, row.detector, (row.window_from_us, row.window_until_us))
            change = sql.update(revisions).where(revisions.c.id == row.id).values(document=document)
            connection.execute(change)
        last = rows[-1].id


def converted(document: Any, detector: str, window: tuple[int, int]) -> dict[str, Any]:
    """The document of a revision as it is from this version on."""
    if isinstance(document, str):
        document = json.loads(document)
    out = dict(document)
    for name in MOMENTS:
        moment = out.get(name)
        if moment is not None and isinstance(moment["reason"], str):
            out[name] = moment | {"reason": to_document(from_sentence(moment["reason"], moment))}
    conclusion = {"source": "bgp", "detector": detector, "window": list(window), "outage": None}
    return out | {"concluded": [conclusion | {"witnesses": None, "transit": []}]}
