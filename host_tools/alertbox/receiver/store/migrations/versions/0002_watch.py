"""The watch over the boxes: who is unreachable or overdue, and which presses were followed by silence."""

import sqlalchemy as sa
from alembic import op

from alertbox.receiver.store.models import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("alerts_by_arrival", "alerts", ["box", "received_at"])
    op.create_table(
        "watches",
        sa.Column("box", sa.String(16), sa.ForeignKey("boxes.id"), primary_key=True),
        sa.Column("unreachable_since", UtcDateTime),
        sa.Column("overdue_since", UtcDateTime),
    )
    op.create_table(
        "silences",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("box", sa.String(16), sa.ForeignKey("boxes.id"), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("raised_at", UtcDateTime, nullable=False),
        sa.Column("dispatched_at", UtcDateTime),
        sa.Column("purpose", sa.String(100), nullable=False),
        sa.Column("delete_after", UtcDateTime, nullable=False),
        sa.UniqueConstraint("box", "sequence", name="one_silence_per_press"),
    )


def downgrade() -> None:
    op.drop_table("silences")
    op.drop_table("watches")
    op.drop_index("alerts_by_arrival", "alerts")
