"""One commit of the store: which alerts are new, when they were pressed, and the rows that say so."""

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbox.contract.formats import Alert
from alertbox.receiver.clock import time_of_pressing
from alertbox.receiver.deliveries import memory as outbox_memory
from alertbox.receiver.silence import memory as silence_memory
from alertbox.receiver.silence.memory import FindingWaiting, Told
from alertbox.receiver.store.models import alerts, boxes, refusal_counts, refusals, states
from alertbox.receiver.store.records import (
    Delivery,
    Recipients,
    Refusal,
    StoredAlert,
    Verdict,
    flags_to_text,
    unknown_to_text,
)

PURPOSE = "answering an alert, and proving it"
KEEP = timedelta(days=365)
# A flood of refusals is counted in full; in detail only the latest are kept, of one commit and in all.
_REFUSALS_A_COMMIT = 20
_REFUSALS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a verified alert. If it was stored: its record, and whom it goes to."""

    verdict: Verdict
    record: StoredAlert | None = None
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A verified alert on its way to the disk."""

    alert: Alert
    received_at: datetime
    outcome: "asyncio.Future[Outcome]"


@dataclass
class Batch:
    """What one commit writes."""

    alerts: list[Waiting] = field(default_factory=list)
    marked: list[Delivery] = field(default_factory=list)
    findings: list[FindingWaiting] = field(default_factory=list)
    states: list[tuple[str, str, datetime]] = field(default_factory=list)  # box, state, when
    refused: Counter[str] = field(default_factory=Counter)
    refusals: deque[Refusal] = field(default_factory=lambda: deque(maxlen=_REFUSALS_A_COMMIT))
    attempted: asyncio.Event = field(default_factory=asyncio.Event)  # it was written, or that failed

    @property
    def empty(self) -> bool:
        return not (self.alerts or self.marked or self.findings or self.states or self.refused)


async def write(connection: AsyncConnection, batch: Batch, recipients: Recipients) -> tuple[list[Outcome], list[Told]]:
    """Write a batch inside the caller's transaction; the outcomes of its alerts and findings, in their order."""
    outcomes = await _write_alerts(connection, batch.alerts, recipients) if batch.alerts else []
    await outbox_memory.mark(connection, batch.marked)
    for box, state, at in batch.states:
        await _write_state(connection, box, state, at)
    # After the alerts: a silence names its press.
    told = await silence_memory.write(connection, batch.findings, recipients)
    new = [outcome.deliveries for outcome in outcomes] + [finding.deliveries for finding in told]
    await outbox_memory.add(connection, list(chain.from_iterable(new)))
    if batch.refused:
        await _write_refusals(connection, batch)
    return outcomes, told


async def _write_alerts(
    connection: AsyncConnection, waiting: Sequence[Waiting], recipients: Recipients
) -> list[Outcome]:
    in_service = await _boxes_in_service(connection, {one.alert.box.hex() for one in waiting})
    keys = [(one.alert.box.hex(), one.alert.sequence) for one in waiting]
    query = select(alerts.c.box, alerts.c.sequence, alerts.c.raw)
    known = await connection.execute(query.where(tuple_(alerts.c.box, alerts.c.sequence).in_(keys)))
    taken = {(row.box, row.sequence): row.raw for row in known}
    outcomes: list[Outcome] = []
    rows = []
    for one, key in zip(waiting, keys, strict=True):
        box = in_service.get(key[0])
        if box is None:
            outcomes.append(Outcome(Verdict.REVOKED))
        elif key in taken:
            outcomes.append(Outcome(Verdict.REPLAY if taken[key] == one.alert.raw else Verdict.CONFLICT))
        else:
            taken[key] = one.alert.raw
            row = await _row(connection, one, box)
            rows.append(row)
            record = StoredAlert.from_row(row | {"name": box.name})
            goes_to = recipients(record) if record.for_people else ()
            outcomes.append(Outcome(Verdict.STORED, record, tuple(Delivery(record, *whom) for whom in goes_to)))
    if rows:
        await connection.execute(insert(alerts), rows)
    return outcomes


async def _boxes_in_service(connection: AsyncConnection, ids: set[str]) -> dict[str, Any]:
    """Looked up in the commit's own transaction: from the moment of its revocation, a box stores nothing more."""
    query = select(boxes.c.id, boxes.c.name, boxes.c.enrolled_at)
    found = await connection.execute(query.where(boxes.c.id.in_(sorted(ids)), boxes.c.revoked_at.is_(None)))
    return {row.id: row for row in found}


async def _row(connection: AsyncConnection, one: Waiting, box: Any) -> dict[str, Any]:
    alert, received_at = one.alert, one.received_at
    boot_at = int(received_at.timestamp()) - alert.uptime
    pressed_at, clock_wrong = time_of_pressing(
        alert, received_at, datetime.fromtimestamp(boot_at, UTC), box.enrolled_at
    )
    if clock_wrong:
        # Only now are this boot's earlier alerts worth a look.
        query = select(func.min(alerts.c.boot_at)).where(alerts.c.box == box.id, alerts.c.boot == alert.boot)
        earliest = (await connection.execute(query)).scalar()
        booted_at = datetime.fromtimestamp(min(boot_at, earliest or boot_at), UTC)
        pressed_at, clock_wrong = time_of_pressing(alert, received_at, booted_at, box.enrolled_at)
    return {
        "box": box.id,
        "boot": alert.boot,
        "sequence": alert.sequence,
        "kind": alert.kind,
        "source": alert.source,
        "pressed": alert.pressed,
        "pressed_at": pressed_at,
        "clock_wrong": clock_wrong,
        "uptime": alert.uptime,
        "boot_at": boot_at,
        "incident": alert.incident,
        "flags": flags_to_text(alert.flags),
        "unknown": unknown_to_text(alert.unknown),
        "raw": alert.raw,
        "received_at": received_at,
        "purpose": PURPOSE,
        "delete_after": received_at + KEEP,
    }


async def _write_state(connection: AsyncConnection, box: str, state: str, at: datetime) -> None:
    before = (await connection.execute(select(states.c.state).where(states.c.box == box))).scalar()
    if before is None:
        if await _boxes_in_service(connection, {box}):
            await connection.execute(insert(states).values(box=box, state=state, since=at, seen_at=at))
        return
    changed = {"seen_at": at} if before == state else {"seen_at": at, "state": state, "since": at}
    await connection.execute(update(states).where(states.c.box == box).values(**changed))


async def _write_refusals(connection: AsyncConnection, batch: Batch) -> None:
    now = datetime.now(UTC)
    for reason, count in batch.refused.items():
        more = update(refusal_counts).where(refusal_counts.c.reason == reason)
        done = await connection.execute(more.values(count=refusal_counts.c.count + count, last_at=now))
        if done.rowcount == 0:
            await connection.execute(insert(refusal_counts).values(reason=reason, count=count, last_at=now))
    if batch.refusals:
        names = ("at", "reason", "box", "size", "detail", "raw")
        rows = [{name: getattr(one, name) for name in names} | {"detail": one.detail[:200]} for one in batch.refusals]
        await connection.execute(insert(refusals), rows)
        newest = select(func.max(refusals.c.id)).scalar_subquery()
        # What contradicts a stored alert is evidence and stays.
        old = refusals.c.id <= newest - _REFUSALS_KEPT, refusals.c.raw.is_(None)
        await connection.execute(delete(refusals).where(*old))
