"""False alarms: which presses a person of the town said to be false."""

import sqlalchemy as sa
from alembic import op

from alertbox.receiver.store.models import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "false_alarms",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("box", sa.String(16), sa.ForeignKey("boxes.id"), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("source", sa.Integer, nullable=False),
        sa.Column("incident", sa.BigInteger, nullable=False),
        sa.Column("pressed_at", UtcDateTime, nullable=False),
        sa.Column("said_at", UtcDateTime, nullable=False),
        sa.Column("purpose", sa.String(100), nullable=False),
        sa.Column("delete_after", UtcDateTime, nullable=False),
        sa.UniqueConstraint("box", "sequence", name="said_once_per_press"),
    )


def downgrade() -> None:
    op.drop_table("false_alarms")
