"""Annotations: what people write beside an outage, an incident, or a stretch of an entity's time."""

import sqlalchemy as sql
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tables ``annotations`` and ``annotation_revisions``."""
    op.create_table(
        "annotations",
        sql.Column("id", sql.Integer, primary_key=True),
        sql.Column("revision", sql.Integer, nullable=False),
        sql.Column("state", sql.Text, nullable=False),
        sql.Column("outage_id", sql.Integer),
        sql.Column("incident_id", sql.Integer),
        sql.Column("entity", sql.Text),
        sql.Column("from_us", sql.BigInteger),
        sql.Column("until_us", sql.BigInteger),
        sql.Column("text", sql.Text, nullable=False),
        sql.PrimaryKeyConstraint("id", name="pk_annotations"),
        sql.ForeignKeyConstraint(["outage_id"], ["outages.id"], name="fk_annotations_outage_id"),
        sql.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_annotations_incident_id"),
    )
    op.create_index("ix_annotations_outage_id", "annotations", ["outage_id"])
    op.create_index("ix_annotations_incident_id", "annotations", ["incident_id"])
    op.create_index("ix_annotations_entity", "annotations", ["entity"])
    op.create_table(
        "annotation_revisions",
        sql.Column("id", sql.Integer, primary_key=True),
        sql.Column("annotation_id", sql.Integer, nullable=False),
        sql.Column("number", sql.Integer, nullable=False),
        sql.Column("at_us", sql.BigInteger, nullable=False),
        sql.Column("by", sql.Text, nullable=False),
        sql.Column("why", sql.Text, nullable=False),
        sql.Column("state", sql.Text, nullable=False),
        sql.Column("text", sql.Text, nullable=False),
        sql.PrimaryKeyConstraint("id", name="pk_annotation_revisions"),
        sql.ForeignKeyConstraint(["annotation_id"], ["annotations.id"], name="fk_annotation_revisions_annotation_id"),
        sql.UniqueConstraint("annotation_id", "number", name="uq_annotation_revisions_annotation_id_number"),
    )
