"""Incidents that an analysis finds: of what entity and when, by which detector, and what explains them."""

import sqlalchemy as sql
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns of ``incidents`` and ``incident_revisions``; those by people get the times of their outages."""
    for name in ("entity_type", "entity", "entity_name", "detector"):
        op.add_column("incidents", sql.Column(name, sql.Text))
    for name in ("from_us", "until_us"):
        op.add_column("incidents", sql.Column(name, sql.BigInteger))
    op.create_index("ix_incidents_from_us", "incidents", ["from_us"])
    for name in ("window_from_us", "window_until_us"):
        op.add_column("incident_revisions", sql.Column(name, sql.BigInteger))
    op.add_column("incident_revisions", sql.Column("document", sql.JSON))
    for column, best in (("from_us", "min(onset_us)"), ("until_us", "max(end_us)")):
        lasts = " HAVING count(*) = count(end_us)" if column == "until_us" else ""
        op.execute(
            f"UPDATE incidents SET {column} = (SELECT {best} FROM outages JOIN incident_outages "
            f"ON outages.id = incident_outages.outage_id WHERE incident_outages.incident_id = incidents.id{lasts})"
        )
