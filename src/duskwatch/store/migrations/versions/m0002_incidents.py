"""Incidents: outages that make one story."""

import sqlalchemy as sql
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tables ``incidents``, ``incident_revisions`` and ``incident_outages``."""
    op.create_table(
        "incidents",
        sql.Column("id", sql.Integer, primary_key=True),
        sql.Column("revision", sql.Integer, nullable=False),
        sql.Column("state", sql.Text, nullable=False),
        sql.Column("title", sql.Text, nullable=False),
        sql.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_table(
        "incident_revisions",
        sql.Column("id", sql.Integer, primary_key=True),
        sql.Column("incident_id", sql.Integer, nullable=False),
        sql.Column("number", sql.Integer, nullable=False),
        sql.Column("at_us", sql.BigInteger, nullable=False),
        sql.Column("by", sql.Text, nullable=False),
        sql.Column("why", sql.Text, nullable=False),
        sql.Column("state", sql.Text, nullable=False),
        sql.Column("title", sql.Text, nullable=False),
        sql.Column("outages", sql.JSON, nullable=False),
        sql.PrimaryKeyConstraint("id", name="pk_incident_revisions"),
        sql.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_incident_revisions_incident_id"),
        sql.UniqueConstraint("incident_id", "number", name="uq_incident_revisions_incident_id_number"),
    )
    op.create_table(
        "incident_outages",
        sql.Column("incident_id", sql.Integer, primary_key=True),
        sql.Column("outage_id", sql.Integer, primary_key=True),
        sql.PrimaryKeyConstraint("incident_id", "outage_id", name="pk_incident_outages"),
        sql.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_incident_outages_incident_id"),
        sql.ForeignKeyConstraint(["outage_id"], ["outages.id"], name="fk_incident_outages_outage_id"),
    )
    op.create_index("ix_incident_outages_outage_id", "incident_outages", ["outage_id"])
