"""The receiver's memory: one writer, many alerts a commit.

What is added waits only as long as the commit before it takes. So a lone alert
is written at once, and under load the commits grow instead of their number; no
timer is needed to gather them. An alert's future resolves after the commit
(WAL, synchronous=FULL), and only then may it be acknowledged.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbox.contract.formats import Alert
from alertbox.receiver.deliveries import memory as outbox_memory
from alertbox.receiver.log import JsonLog
from alertbox.receiver.silence import memory as silence_memory
from alertbox.receiver.silence.memory import FindingWaiting, Told
from alertbox.receiver.silence.watch import Finding, Known
from alertbox.receiver.store import database, writing
from alertbox.receiver.store.models import alerts, boxes, refusal_counts, refusals, silences, states, watches
from alertbox.receiver.store.records import BoxState, Delivery, Recipients, Refusal, Silence, StoredAlert
from alertbox.receiver.store.rows import ALERTS
from alertbox.receiver.store.writing import Batch, Outcome, Waiting


class StoreFailed(Exception):
    """The database cannot be read, or a commit failed: nothing of it may be acknowledged. The box sends it again."""


class Store:
    """The database at `path`, brought to its version before (`database.migrate`)."""

    def __init__(
        self,
        path: Path,
        log: JsonLog,
        *,
        recipients: Recipients = lambda record: (),
        on_commit: Callable[[], None] = lambda: None,
        on_all_marked: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._log = log
        self._recipients = recipients
        self._on_commit = on_commit
        self._on_all_marked = on_all_marked  # every delivery so far is marked in the database
        self._engine = database.open_async_engine(path)
        self._batch = Batch()
        self._wake = asyncio.Event()
        self._closing = False
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        with database.user_errors(self._path):
            connection = await self._engine.execution_options(begin="IMMEDIATE").connect()
        self._writer = asyncio.create_task(self._write_batches(connection))

    async def flush(self) -> None:
        """Until there was an attempt to write what waits, and whoever waited for it was told."""
        if self._writer is not None and not self._writer.done():
            attempted = self._batch.attempted
            self._wake.set()
            await attempted.wait()

    async def close(self) -> None:
        """Write what waits, then close."""
        self._closing = True
        self._wake.set()
        if self._writer is not None:
            await self._writer
        await self._engine.dispose()

    # ---- what is written: each call only queues

    def add(self, alert: Alert, received_at: datetime) -> "asyncio.Future[Outcome]":
        """Resolves after the commit: the verdict, and the record if it was stored; or StoreFailed."""
        outcome = asyncio.get_running_loop().create_future()
        self._batch.alerts.append(Waiting(alert, received_at, outcome))
        self._wake.set()
        return outcome

    def note(self, finding: Finding) -> "asyncio.Future[Told]":
        """Resolves after the commit. After a failed one it is written with the next, for it cannot be asked for again.

        Not to be told is a silence that was raised before, and what concerns a box that is not in service any more.
        """
        outcome = asyncio.get_running_loop().create_future()
        self._batch.findings.append(FindingWaiting(finding, outcome))
        self._wake.set()
        return outcome

    def mark(self, delivery: Delivery) -> None:
        """Its row shall say how far it is."""
        self._batch.marked.append(delivery)
        self._wake.set()

    def note_state(self, box: str, state: str, at: datetime) -> None:
        self._batch.states.append((box, state, at))
        self._wake.set()

    def refuse(self, refusal: Refusal) -> None:
        self._batch.refused[refusal.reason] += 1
        self._batch.refusals.append(refusal)
        self._wake.set()

    @property
    def waiting(self) -> int:
        """Alerts that are not written yet."""
        return len(self._batch.alerts)

    # ---- what is read

    async def box_row(self, box: str) -> Any:
        """id, name, public_key, secret, password_hash, revoked_at of a box, or None."""
        columns = boxes.c.id, boxes.c.name, boxes.c.public_key, boxes.c.secret, boxes.c.password_hash
        return (await self._read(select(*columns, boxes.c.revoked_at).where(boxes.c.id == box))).one_or_none()

    async def alerts(self) -> list[StoredAlert]:
        """All stored alerts, in the order in which they were stored."""
        return [StoredAlert.from_row(row) for row in await self._read(ALERTS.order_by(alerts.c.id))]

    async def waiting_deliveries(self) -> list[Delivery]:
        """What an earlier run did not live to deliver, or to mark."""
        async with self._engine.connect() as connection:
            return await outbox_memory.waiting(connection)

    async def silences(self) -> list[Silence]:
        """All silences after a press, in the order in which they were raised."""
        return [Silence.from_row(row) for row in await self._read(silence_memory.SILENCES.order_by(silences.c.id))]

    async def known(self) -> dict[str, Known]:
        """What the watch has to remember from earlier runs, by box."""
        async with self._engine.connect() as connection:
            return await silence_memory.known(connection)

    async def states(self) -> list[BoxState]:
        query = select(states, watches.c.unreachable_since, watches.c.overdue_since)
        query = query.outerjoin(watches, watches.c.box == states.c.box).order_by(states.c.box)
        return [BoxState(*row) for row in await self._read(query)]

    async def refusal_counts(self) -> dict[str, int]:
        """How many were refused in the database's life, by reason."""
        rows = await self._read(select(refusal_counts.c.reason, refusal_counts.c.count))
        return {row.reason: row.count for row in rows}

    async def refusals(self) -> list[Refusal]:
        """The latest refusals in detail, the oldest first."""
        columns = (refusals.c[name] for name in ("at", "reason", "box", "size", "detail", "raw"))
        return [Refusal(*row) for row in await self._read(select(*columns).order_by(refusals.c.id))]

    async def _read(self, query: Select[Any]) -> Any:
        try:
            async with self._engine.connect() as connection:
                return await connection.execute(query)
        except SQLAlchemyError as error:
            raise StoreFailed(str(error).splitlines()[0]) from error

    # ---- the writer

    async def run(self) -> None:
        """Write until `close`. If this ends otherwise, nothing is stored any more: the receiver must stop."""
        assert self._writer is not None
        await self._writer

    async def _write_batches(self, connection: AsyncConnection) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                batch, self._batch = self._batch, Batch()
                written = batch.empty or await self._commit(connection, batch)
                batch.attempted.set()
                # Those who waited go first: what they note belongs into the next batch, and into the last one.
                await asyncio.sleep(0)
                if self._closing and (self._batch.empty or not written):
                    return
        finally:
            await connection.close()

    async def _commit(self, connection: AsyncConnection, batch: Batch) -> bool:
        try:
            async with connection.begin():
                outcomes, told = await writing.write(connection, batch, self._recipients)
        except Exception as error:  # noqa: BLE001 - whatever one alert did to the writer, it must not silence a town
            reason = str(error).splitlines()[0] if isinstance(error, (SQLAlchemyError, OSError)) else repr(error)
            self._log.error("store-failed", alerts=len(batch.alerts), reason=reason)
            for waiting in batch.alerts:
                waiting.outcome.set_exception(StoreFailed("not stored"))
            # These cannot be asked for again, as an alert can.
            self._batch.marked[:0] = batch.marked
            self._batch.findings[:0] = batch.findings
            self._batch.refused.update(batch.refused)
            return False
        for waiting, outcome in zip(batch.alerts, outcomes, strict=True):
            waiting.outcome.set_result(outcome)
        for found, one in zip(batch.findings, told, strict=True):
            found.outcome.set_result(one)
        if batch.marked and not self._batch.marked:
            # Deliveries follow commits, and those of this one are still to come.
            self._on_all_marked()
        self._on_commit()
        return True
