"""The receiver's tables.

Box ids are kept as 16 hexadecimal digits, times with their time zone. Every
table with personal data has a purpose and a delete-after date. The migrations
make the tables; a test holds both to each other.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC. SQLite forgets the zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


metadata = MetaData()

boxes = Table(
    "boxes",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    # The acknowledgements' HMAC needs the secret itself; no alert can be forged with it.
    Column("secret", LargeBinary, nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("purpose", String(100), nullable=False),
    Column("delete_after", UtcDateTime),
    Index(
        "one_box_in_service_per_name",
        "name",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
)

invites = Table(
    "invites",
    metadata,
    # SHA-256 of the token, which itself only the invited technician has.
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("name", String(100)),  # of the one shop that it is for, or of any
    Column("host", String(253), nullable=False),  # where the invited box finds this machine
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Column("used_by", String(16), ForeignKey("boxes.id")),
    Column("purpose", String(100), nullable=False),
    Column("delete_after", UtcDateTime, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("box", String(16), ForeignKey("boxes.id"), nullable=False),
    Column("boot", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("source", Integer, nullable=False),
    Column("pressed", UtcDateTime),  # as the box says
    Column("pressed_at", UtcDateTime, nullable=False),  # as the receiver works it out
    Column("clock_wrong", Boolean, nullable=False),
    Column("uptime", BigInteger, nullable=False),
    Column("boot_at", BigInteger, nullable=False),  # received minus uptime, Unix seconds: not before the boot
    Column("incident", BigInteger, nullable=False),
    Column("flags", String(200), nullable=False),  # names, separated by spaces
    Column("unknown", Text),  # JSON of the keys that this version does not know
    Column("raw", LargeBinary, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("purpose", String(100), nullable=False),
    Column("delete_after", UtcDateTime, nullable=False),
    UniqueConstraint("box", "sequence", name="one_alert_per_sequence"),
    Index("alerts_by_boot", "box", "boot", "boot_at"),
    Index("alerts_by_arrival", "box", "received_at"),
)

refusal_counts = Table(
    "refusal_counts",
    metadata,
    Column("reason", String(30), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
)

refusals = Table(
    "refusals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", String(30), nullable=False),
    Column("box", String(16)),  # as the topic or the login claims: it may be no box of ours
    Column("size", Integer, nullable=False),
    Column("detail", String(200), nullable=False),
    Column("raw", LargeBinary),  # kept of a verified alert that contradicts a stored one: somebody must look at it
)

states = Table(
    "states",
    metadata,
    Column("box", String(16), ForeignKey("boxes.id"), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

watches = Table(
    "watches",
    metadata,
    Column("box", String(16), ForeignKey("boxes.id"), primary_key=True),
    Column("unreachable_since", UtcDateTime),
    Column("overdue_since", UtcDateTime),
)

silences = Table(
    "silences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("box", String(16), ForeignKey("boxes.id"), nullable=False),
    Column("sequence", BigInteger, nullable=False),  # of the press
    Column("raised_at", UtcDateTime, nullable=False),
    Column("purpose", String(100), nullable=False),
    Column("delete_after", UtcDateTime, nullable=False),
    UniqueConstraint("box", "sequence", name="one_silence_per_press"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    # The alert; a silence is named by its press.
    Column("box", String(16), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("what", String(10), nullable=False),  # alert, silence
    Column("plugin", String(30), nullable=False),
    Column("recipient", String(200), nullable=False),  # as the plugin names it
    Column("state", String(10), nullable=False),  # waiting, delivered, failed
    Column("tries", Integer, nullable=False),
    Column("next_at", UtcDateTime),  # of one that waits for another try
    Column("purpose", String(100), nullable=False),
    Column("delete_after", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["box", "sequence"], ["alerts.box", "alerts.sequence"], name="of_alert"),
    UniqueConstraint("box", "sequence", "what", "plugin", "recipient", name="one_delivery_per_recipient"),
    Index(
        "deliveries_waiting",
        "id",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

false_alarms = Table(
    "false_alarms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("box", String(16), ForeignKey("boxes.id"), nullable=False),
    # Copied from the alert, not a key into its table: the count outlives the alert.
    Column("sequence", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("source", Integer, nullable=False),
    Column("incident", BigInteger, nullable=False),
    Column("pressed_at", UtcDateTime, nullable=False),
    Column("said_at", UtcDateTime, nullable=False),
    Column("purpose", String(100), nullable=False),
    Column("delete_after", UtcDateTime, nullable=False),
    UniqueConstraint("box", "sequence", name="said_once_per_press"),
)
