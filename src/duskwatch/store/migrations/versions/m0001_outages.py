"""Outages and their revisions."""

import sqlalchemy as sql
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tables ``outages`` and ``outage_revisions``."""
    op.create_table(
        "outages",
        sql.Column("id", sql.Integer, primary_key=True),
        sql.Column("uid", sql.Text, nullable=False),
        sql.Column("entity_type", sql.Text, nullable=False),
        sql.Column("entity", sql.Text, nullable=False),
        sql.Column("entity_name", sql.Text, nullable=False),
        sql.Column("detector", sql.Text, nullable=False),
        sql.Column("revision", sql.Integer, nullable=False),
        sql.Column("state", sql.Text, nullable=False),
        sql.Column("onset_earliest_us", sql.BigInteger, nullable=False),
        sql.Column("onset_us", sql.BigInteger, nullable=False),
        sql.Column("onset_latest_us", sql.BigInteger, nullable=False),
        sql.Column("end_us", sql.BigInteger),
        sql.PrimaryKeyConstraint("id", name="pk_outages"),
        sql.UniqueConstraint("uid", name="uq_outages_uid"),
    )
    op.create_index("ix_outages_entity_onset_us", "outages", ["entity", "onset_us"])
    op.create_index("ix_outages_onset_us", "outages", ["onset_us"])
    op.create_table(
        "outage_revisions",
        sql.Column("id", sql.Integer, primary_key=True),
        sql.Column("outage_id", sql.Integer, nullable=False),
        sql.Column("number", sql.Integer, nullable=False),
        sql.Column("at_us", sql.BigInteger, nullable=False),
        sql.Column("by", sql.Text, nullable=False),
        sql.Column("why", sql.Text, nullable=False),
        sql.Column("state", sql.Text, nullable=False),
        sql.Column("window_from_us", sql.BigInteger, nullable=False),
        sql.Column("window_until_us", sql.BigInteger, nullable=False),
        sql.Column("document", sql.JSON, nullable=False),
        sql.PrimaryKeyConstraint("id", name="pk_outage_revisions"),
        sql.ForeignKeyConstraint(["outage_id"], ["outages.id"], name="fk_outage_revisions_outage_id"),
        sql.UniqueConstraint("outage_id", "number", name="uq_outage_revisions_outage_id_number"),
    )
