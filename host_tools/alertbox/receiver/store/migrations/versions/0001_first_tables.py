"""The first tables."""

import sqlalchemy as sa
from alembic import op

from alertbox.receiver.store.models import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "boxes",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("enrolled_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime),
        sa.Column("purpose", sa.String(100), nullable=False),
        sa.Column("delete_after", UtcDateTime),
    )
    in_service = sa.text("revoked_at IS NULL")
    op.create_index(
        "one_box_in_service_per_name",
        "boxes",
        ["name"],
        unique=True,
        sqlite_where=in_service,
        postgresql_where=in_service,
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("box", sa.String(16), sa.ForeignKey("boxes.id"), nullable=False),
        sa.Column("boot", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("source", sa.Integer, nullable=False),
        sa.Column("pressed", UtcDateTime),
        sa.Column("pressed_at", UtcDateTime, nullable=False),
        sa.Column("clock_wrong", sa.Boolean, nullable=False),
        sa.Column("uptime", sa.BigInteger, nullable=False),
        sa.Column("boot_at", sa.BigInteger, nullable=False),
        sa.Column("incident", sa.BigInteger, nullable=False),
        sa.Column("flags", sa.String(200), nullable=False),
        sa.Column("unknown", sa.Text),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("dispatched_at", UtcDateTime),
        sa.Column("purpose", sa.String(100), nullable=False),
        sa.Column("delete_after", UtcDateTime, nullable=False),
        sa.UniqueConstraint("box", "sequence", name="one_alert_per_sequence"),
    )
    op.create_index("alerts_by_boot", "alerts", ["box", "boot", "boot_at"])
    op.create_index("alerts_not_dispatched", "alerts", ["id"], sqlite_where=sa.text("dispatched_at IS NULL"))
    op.create_table(
        "refusal_counts",
        sa.Column("reason", sa.String(30), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("reason", sa.String(30), nullable=False),
        sa.Column("box", sa.String(16)),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("detail", sa.String(200), nullable=False),
        sa.Column("raw", sa.LargeBinary),
    )
    op.create_table(
        "states",
        sa.Column("box", sa.String(16), sa.ForeignKey("boxes.id"), primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("seen_at", UtcDateTime, nullable=False),
    )


def downgrade() -> None:
    for table in ("states", "refusals", "refusal_counts", "alerts", "boxes"):
        op.drop_table(table)
