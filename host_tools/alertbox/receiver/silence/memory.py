"""The watch's memory: its findings as rows, and the rows as what it knew before a restart."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, insert, not_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbox.receiver.silence.watch import PRESS_S, PRESSES, Finding, Found, Known
from alertbox.receiver.store.models import alerts, boxes, silences, states, watches
from alertbox.receiver.store.records import TEST_MODE, TRIED, Delivery, Recipients, Silence

PURPOSE = "answering a silence after a press"
KEEP = timedelta(days=365)
# `StoredAlert.for_people` of a press, in SQL.
PRESS_FOR_PEOPLE = and_(alerts.c.kind.in_(PRESSES), not_(alerts.c.kind.in_(TRIED) & alerts.c.flags.contains(TEST_MODE)))

_COLUMNS = {
    Found.UNREACHABLE: ("unreachable_since", True),
    Found.REACHABLE: ("unreachable_since", False),
    Found.OVERDUE: ("overdue_since", True),
    Found.HEARD: ("overdue_since", False),
}
SILENCES = (
    select(silences.c.box, boxes.c.name, silences.c.sequence, alerts.c.kind, alerts.c.pressed_at, silences.c.raised_at)
    .join(boxes, boxes.c.id == silences.c.box)
    .join(alerts, (alerts.c.box == silences.c.box) & (alerts.c.sequence == silences.c.sequence))
)


@dataclass(frozen=True, slots=True)
class Told:
    """Whether the finding is to be told. Of a silence: its record, and whom it goes to."""

    news: bool
    silence: Silence | None = None
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingWaiting:
    """A finding on its way to the disk."""

    finding: Finding
    outcome: "asyncio.Future[Told]"


async def write(connection: AsyncConnection, waiting: list[FindingWaiting], recipients: Recipients) -> list[Told]:
    return [await _write(connection, one.finding, recipients) for one in waiting]


async def _write(connection: AsyncConnection, finding: Finding, recipients: Recipients) -> Told:
    in_service = select(boxes.c.id).where(boxes.c.id == finding.box, boxes.c.revoked_at.is_(None))
    if (await connection.execute(in_service)).scalar() is None:
        return Told(False)
    at = datetime.fromtimestamp(finding.at, UTC)
    if finding.found is Found.SILENCE:
        return await _write_silence(connection, finding, at, recipients)
    column, begins = _COLUMNS[finding.found]
    values = {column: at if begins else None}
    done = await connection.execute(update(watches).where(watches.c.box == finding.box).values(values))
    if done.rowcount == 0:
        await connection.execute(insert(watches).values(box=finding.box, **values))
    return Told(True)


async def _write_silence(connection: AsyncConnection, finding: Finding, at: datetime, recipients: Recipients) -> Told:
    this = silences.c.box == finding.box, silences.c.sequence == finding.sequence
    if (await connection.execute(select(silences.c.id).where(*this))).scalar() is not None:
        return Told(False)
    row = {"box": finding.box, "sequence": finding.sequence, "raised_at": at}
    await connection.execute(insert(silences).values(row | {"purpose": PURPOSE, "delete_after": at + KEEP}))
    silence = Silence.from_row((await connection.execute(SILENCES.where(*this))).one())
    return Told(True, silence, tuple(Delivery(silence, *whom) for whom in recipients(silence)))


async def known(connection: AsyncConnection) -> dict[str, Known]:
    """The boxes in service that were ever heard, as the watch has to remember them."""
    last = select(alerts.c.box, func.max(alerts.c.received_at).label("at")).group_by(alerts.c.box).subquery()
    columns = last.c.at, states.c.since, states.c.seen_at, watches.c.unreachable_since, watches.c.overdue_since
    query = (
        select(boxes.c.id, *columns)
        .outerjoin(last, last.c.box == boxes.c.id)
        .outerjoin(states, states.c.box == boxes.c.id)
        .outerjoin(watches, watches.c.box == boxes.c.id)
        .where(boxes.c.revoked_at.is_(None), (last.c.at.is_not(None)) | (states.c.since.is_not(None)))
    )
    return {row.id: await _known(connection, row) for row in (await connection.execute(query)).all()}


async def _known(connection: AsyncConnection, row: Any) -> Known:
    seen = max(at for at in (row.at, row.seen_at) if at is not None)
    pressed = (
        select(alerts.c.sequence, alerts.c.received_at)
        .where(alerts.c.box == row.id, alerts.c.received_at >= seen - timedelta(seconds=PRESS_S))
        .where(PRESS_FOR_PEOPLE)
        .order_by(alerts.c.received_at.desc(), alerts.c.id.desc())
        .limit(1)
    )
    press = (await connection.execute(pressed)).one_or_none()
    return Known(
        seen=seen.timestamp(),
        heard=(row.at or row.since).timestamp(),
        unreachable=row.unreachable_since is not None,
        overdue=row.overdue_since is not None,
        press=None if press is None else (press.sequence, press.received_at.timestamp()),
    )
