"""Deliveries: one table says what goes out, to whom, and how far it is. What was dispatched before is taken over."""

import sqlalchemy as sa
from alembic import op

from alertbox.receiver.store.models import UtcDateTime

revision = "0005"
down_revision = "0004"

_STATE = "CASE WHEN dispatched_at IS NULL THEN 'waiting' ELSE 'delivered' END"
_TRIES = "CASE WHEN dispatched_at IS NULL THEN 0 ELSE 1 END"
# Tests and what is tried in test mode go to nobody.
_FOR_PEOPLE = "kind <> 5 AND NOT (kind IN (1, 2) AND flags LIKE '%test-mode%')"
_TAKE_OVER = """
    INSERT INTO deliveries (box, sequence, what, plugin, recipient, state, tries, purpose, delete_after)
    SELECT box, sequence, '{what}', 'in-process', '', {state}, {tries}, purpose, delete_after
    FROM {table} WHERE {condition} ORDER BY id
"""


def upgrade() -> None:
    waiting = sa.text("state = 'waiting'")
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("box", sa.String(16), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("what", sa.String(10), nullable=False),
        sa.Column("plugin", sa.String(30), nullable=False),
        sa.Column("recipient", sa.String(200), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", UtcDateTime),
        sa.Column("purpose", sa.String(100), nullable=False),
        sa.Column("delete_after", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["box", "sequence"], ["alerts.box", "alerts.sequence"], name="of_alert"),
        sa.UniqueConstraint("box", "sequence", "what", "plugin", "recipient", name="one_delivery_per_recipient"),
    )
    op.create_index("deliveries_waiting", "deliveries", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    for what, table, condition in (("alert", "alerts", _FOR_PEOPLE), ("silence", "silences", "TRUE")):
        op.execute(_TAKE_OVER.format(what=what, table=table, condition=condition, state=_STATE, tries=_TRIES))
    op.drop_index("alerts_not_dispatched", "alerts")
    # In place: a copy of the table would break the rows that refer to it.
    op.execute("ALTER TABLE alerts DROP COLUMN dispatched_at")
    op.execute("ALTER TABLE silences DROP COLUMN dispatched_at")


def downgrade() -> None:
    for what, table in (("alert", "alerts"), ("silence", "silences")):
        op.add_column(table, sa.Column("dispatched_at", UtcDateTime))
        this = f"d.box = {table}.box AND d.sequence = {table}.sequence AND d.what = '{what}'"
        # When it was delivered is not kept; that it was is what counts.
        op.execute(
            f"UPDATE {table} SET dispatched_at = CURRENT_TIMESTAMP WHERE EXISTS "
            f"(SELECT 1 FROM deliveries AS d WHERE {this} AND d.state = 'delivered')"
        )
    op.create_index("alerts_not_dispatched", "alerts", ["id"], sqlite_where=sa.text("dispatched_at IS NULL"))
    op.drop_table("deliveries")
