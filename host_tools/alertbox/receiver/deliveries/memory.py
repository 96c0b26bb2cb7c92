"""The outbox's memory: deliveries as rows, written in the commit of what they tell of."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbox.receiver.silence.memory import SILENCES
from alertbox.receiver.store.models import alerts, deliveries, silences
from alertbox.receiver.store.records import Delivery, DeliveryState, Silence, StoredAlert
from alertbox.receiver.store.rows import ALERTS

PURPOSE = "telling people of an alert, and proving it"
KEEP = timedelta(days=365)

_KEY = ("box", "sequence", "what", "plugin", "recipient")
_COURSE = ("state", "tries", "next_at")
_MARK = (
    update(deliveries)
    .where(*(deliveries.c[name] == bindparam(f"of_{name}") for name in _KEY))
    .values({name: bindparam(f"new_{name}") for name in _COURSE})
)


async def add(connection: AsyncConnection, new: Sequence[Delivery]) -> None:
    """Rows for what was stored in this transaction."""
    if new:
        rows = [_key(one) | _course(one) | {"delete_after": one.record.known_at + KEEP} for one in new]
        await connection.execute(insert(deliveries).values(purpose=PURPOSE), rows)


async def mark(connection: AsyncConnection, marked: Sequence[Delivery]) -> None:
    """Write how far these are."""
    if marked:
        rows = [
            {f"of_{name}": value for name, value in _key(one).items()}
            | {f"new_{name}": value for name, value in _course(one).items()}
            for one in marked
        ]
        await connection.execute(_MARK, rows)


async def waiting(connection: AsyncConnection) -> list[Delivery]:
    """What an earlier run did not live to deliver, or to write down: alerts as they were stored, then silences."""
    found = []
    for kind, query, table in ((StoredAlert, ALERTS, alerts), (Silence, SILENCES, silences)):
        this = (deliveries.c.box == table.c.box) & (deliveries.c.sequence == table.c.sequence)
        columns = (deliveries.c[name] for name in ("plugin", "recipient", "tries"))
        of_kind = deliveries.c.what == kind.what, deliveries.c.state == DeliveryState.WAITING
        query = query.join(deliveries, this).add_columns(*columns)
        rows = await connection.execute(query.where(*of_kind).order_by(deliveries.c.id))
        found += [Delivery(kind.from_row(row), row.plugin, row.recipient, tries=row.tries) for row in rows]
    return found


def _key(delivery: Delivery) -> dict[str, Any]:
    record = delivery.record
    values = record.box, record.sequence, record.what, delivery.plugin, delivery.recipient
    return dict(zip(_KEY, values, strict=True))


def _course(delivery: Delivery) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in _COURSE}
