"""Invites: one box each may enrol itself over the network."""

import sqlalchemy as sa
from alembic import op

from alertbox.receiver.store.models import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "invites",
        sa.Column("token_hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("name", sa.String(100)),
        sa.Column("host", sa.String(253), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("used_at", UtcDateTime),
        sa.Column("used_by", sa.String(16), sa.ForeignKey("boxes.id")),
        sa.Column("purpose", sa.String(100), nullable=False),
        sa.Column("delete_after", UtcDateTime, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("invites")
