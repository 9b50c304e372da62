"""Alerts, and to which channels each was delivered."""

import sqlalchemy as sql
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tables ``alerts`` and ``alert_deliveries``."""
    op.create_table(
        "alerts",
        sql.Column("id", sql.Integer, primary_key=True),
        sql.Column("key", sql.Text, nullable=False),
        sql.Column("outage", sql.Text, nullable=False),
        sql.Column("stage", sql.Text, nullable=False),
        sql.Column("at_us", sql.BigInteger, nullable=False),
        sql.Column("made_us", sql.BigInteger, nullable=False),
        sql.Column("document", sql.JSON, nullable=False),
        sql.Column("acked_us", sql.BigInteger),
        sql.Column("acked_by", sql.Text, nullable=False, server_default=sql.text("''")),
        sql.PrimaryKeyConstraint("id", name="pk_alerts"),
        sql.UniqueConstraint("key", name="uq_alerts_key"),
    )
    op.create_index("ix_alerts_outage", "alerts", ["outage"])
    op.create_table(
        "alert_deliveries",
        sql.Column("id", sql.Integer, primary_key=True),
        sql.Column("alert_id", sql.Integer, nullable=False),
        sql.Column("channel", sql.Text, nullable=False),
        sql.Column("state", sql.Text, nullable=False),
        sql.Column("attempts", sql.Integer, nullable=False, server_default=sql.text("0")),
        sql.Column("next_us", sql.BigInteger, nullable=False),
        sql.Column("done_us", sql.BigInteger),
        sql.Column("error", sql.Text, nullable=False, server_default=sql.text("''")),
        sql.PrimaryKeyConstraint("id", name="pk_alert_deliveries"),
        sql.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_alert_deliveries_alert_id"),
        sql.UniqueConstraint("alert_id", "channel", name="uq_alert_deliveries_alert_id_channel"),
    )
    op.create_index("ix_alert_deliveries_channel_state", "alert_deliveries", ["channel", "state"])
