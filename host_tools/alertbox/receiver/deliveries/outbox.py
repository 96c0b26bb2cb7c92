"""The outbox: each delivery is tried at once, tried again after a while, and given up aloud.

A row of the table `deliveries` comes with its alert, in the alert's own commit: what is stored and not yet delivered
is found by the next start. Each plugin has a queue and a task of its own, so that a slow one holds up no other and
none holds up the alerts. `notes` keeps a killed receiver from delivering twice.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from alertbox.receiver.deliveries.notes import Notes
from alertbox.receiver.deliveries.plugin import Failed, Message, Plugin
from alertbox.receiver.log import JsonLog
from alertbox.receiver.store.records import Delivery, DeliveryState, Silence, StoredAlert
from alertbox.receiver.telling import Tell

# Waits after the first, second, ... try; the last one again and again.
BACK_OFF_S = (5, 15, 60, 300, 900)
# A day of them. Each one that failed is in the log.
MOST_TRIES = 100
# Of one try. What hangs for longer may have gone out: the next try says that it is repeated.
TRY_S = 60
# Deliveries in one go: a plugin that never waits must not keep the loop from the alerts.
_IN_ONE_GO = 20
# A stopping receiver waits so long for what is on its way; the next start does the rest.
_CLOSE_S = 5


class Outbox:
    """`mark(delivery)` queues the row's change, `tell` says what happened, `now()` gives Unix seconds."""

    def __init__(
        self,
        plugins: Sequence[Plugin],
        *,
        notes: Notes,
        mark: Callable[[Delivery], None],
        tell: Tell,
        now: Callable[[], float],
        log: JsonLog,
    ) -> None:
        self._plugins = {plugin.name: plugin for plugin in plugins}
        self._queues: dict[str, asyncio.Queue[Delivery]] = {name: asyncio.Queue() for name in self._plugins}
        self._later: list[Delivery] = []
        self._notes = notes
        self._mark = mark
        self._tell = tell
        self._now = now
        self._log = log
        self._workers: list[asyncio.Task[None]] = []

    def recipients(self, record: StoredAlert | Silence) -> list[tuple[str, str]]:
        """Plugin and recipient of each delivery that this record wants."""
        return [(plugin.name, whom) for plugin in self._plugins.values() for whom in plugin.recipients(record)]

    def open(self, left: Sequence[Delivery]) -> None:
        """Begin with what an earlier run left. Its marks go into one commit, after which the notes are empty."""
        for delivery in left:
            if self._notes.was_done(delivery.key):
                self._mark(_done(delivery))
            else:
                self.add(delivery)
        self._workers = [asyncio.create_task(self._work(name)) for name in self._plugins]

    def add(self, delivery: Delivery) -> None:
        """Try it as soon as its plugin is free."""
        queue = self._queues.get(delivery.plugin)
        if queue is None:
            # It stays in the table: the plugin may be back at the next start.
            self._log.error("no-such-plugin", plugin=delivery.plugin, **_names(delivery))
        else:
            queue.put_nowait(delivery)

    def tick(self) -> None:
        """See what time it is; to be called every second or so."""
        now = datetime.fromtimestamp(self._now(), UTC)
        failed, self._later = self._later, []
        for delivery in failed:
            if delivery.next_at is not None and delivery.next_at > now:
                self._later.append(delivery)
            else:
                self.add(delivery)

    async def run(self) -> None:
        """Wait. Returns never; raises what ended a worker."""
        await asyncio.gather(*self._workers)

    async def close(self) -> None:
        """Deliver what is on its way, then leave. The rest waits in the table."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await asyncio.gather(*(queue.join() for queue in self._queues.values()))
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self, name: str) -> None:
        queue, plugin = self._queues[name], self._plugins[name]
        taken = 0
        while True:
            delivery = await queue.get()
            await self._try(plugin, delivery)
            queue.task_done()
            taken += 1
            if taken % _IN_ONE_GO == 0:
                await asyncio.sleep(0)

    async def _try(self, plugin: Plugin, delivery: Delivery) -> None:
        key = delivery.key
        record = replace(delivery.record, repeated=True) if self._notes.in_doubt(key) else delivery.record
        self._notes.begin(key)
        try:
            async with asyncio.timeout(TRY_S):
                await plugin.deliver(Message(record, delivery.recipient))
        except TimeoutError as error:
            # No note: whether it went out is in doubt.
            self._failed(delivery, error)
        except Exception as error:  # noqa: BLE001 - another's code: its fault must not stop the receiver
            self._notes.end(key, done=False)
            self._failed(delivery, error)
        else:
            self._delivered(delivery, record)

    def _delivered(self, delivery: Delivery, record: StoredAlert | Silence) -> None:
        marks: dict[str, Any] = {"repeated": record.repeated, "test": isinstance(record, StoredAlert) and record.test}
        names = _names(delivery)
        shown = {name: True for name, on in marks.items() if on}
        self._log.info("dispatched", plugin=delivery.plugin, **names, **shown)
        self._notes.end(delivery.key, done=True)
        self._mark(_done(delivery))
        self._tell("dispatched", plugin=delivery.plugin, **names, **marks)

    def _failed(self, delivery: Delivery, error: Exception) -> None:
        tries = delivery.tries + 1
        fields = {"plugin": delivery.plugin, "tries": tries, **_names(delivery)}
        self._log.error("dispatch-failed", **fields, reason=repr(error))
        if tries >= MOST_TRIES or (isinstance(error, Failed) and error.permanent):
            self._mark(replace(delivery, state=DeliveryState.FAILED, tries=tries, next_at=None))
            self._log.error("undelivered", **fields)
            self._tell("undelivered", **fields)
            return
        wait_s = BACK_OFF_S[min(tries, len(BACK_OFF_S)) - 1]
        later = replace(delivery, tries=tries, next_at=datetime.fromtimestamp(self._now() + wait_s, UTC))
        self._later.append(later)
        self._mark(later)


def _done(delivery: Delivery) -> Delivery:
    return replace(delivery, state=DeliveryState.DELIVERED, tries=delivery.tries + 1, next_at=None)


def _names(delivery: Delivery) -> dict[str, Any]:
    """What a log may say of it: not the recipient."""
    record = delivery.record
    return {"box": record.box, "sequence": record.sequence, "what": record.what}
