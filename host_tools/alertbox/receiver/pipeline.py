"""The way of an alert: verified, stored, acknowledged after the commit, then given to the outbox.

At-least-once on every leg, made exactly-once by the store: a box sends until it holds our acknowledgement, and an
alert is new only once. So a receiver that is killed anywhere, also between the broker's PUBACK and its own commit,
loses nothing.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from alertbox.contract import formats
from alertbox.contract.formats import Alert, Refused
from alertbox.receiver.deliveries.outbox import Outbox
from alertbox.receiver.intake import Intake, Key
from alertbox.receiver.link import Incoming
from alertbox.receiver.log import JsonLog
from alertbox.receiver.silence.watcher import Watcher
from alertbox.receiver.store.records import StoredAlert, Verdict
from alertbox.receiver.store.store import Store, StoreFailed
from alertbox.receiver.store.writing import Outcome
from alertbox.receiver.telling import Refusals, Tell

# Messages that may wait for verification: a second's work. The rest is refused, and its box sends it again.
_QUEUE = 10_000
# Verifications in one go: 3 ms, so that the embedded broker in the same loop keeps breathing.
_IN_ONE_GO = 20


class Answers(Protocol):
    """What the pipeline needs of the link (see `link.Link`)."""

    def publish(self, topic: str, payload: bytes) -> bool: ...

    def settle(self, message: Incoming) -> None: ...


class Pipeline:
    """`arrived` queues a message, `run` works. `on_revoked` is told of a revoked box that still sends."""

    def __init__(
        self,
        *,
        intake: Intake,
        store: Store,
        outbox: Outbox,
        watcher: Watcher,
        refuse: Refusals,
        on_revoked: Callable[[str], None],
        tell: Tell,
        now: Callable[[], float],
        log: JsonLog,
    ) -> None:
        self.link: Answers | None = None  # none until the broker is there
        self.received = 0
        self.duplicates = 0
        self._intake = intake
        self._store = store
        self._outbox = outbox
        self._watcher = watcher
        self._refuse = refuse
        self._on_revoked = on_revoked
        self._tell = tell
        self._now = now
        self._log = log
        self._messages: asyncio.Queue[Incoming] = asyncio.Queue(_QUEUE)

    def arrived(self, message: Incoming) -> None:
        try:
            self._messages.put_nowait(message)
        except asyncio.QueueFull:
            self._refuse("overload", None, len(message.payload), "too much waits")

    async def run(self) -> None:
        """Take one message after the other. Never returns."""
        taken = 0
        while True:
            message = await self._messages.get()
            await self._take(message)
            taken += 1
            if taken % _IN_ONE_GO == 0:
                await asyncio.sleep(0)

    # ---- until the commit

    async def _take(self, message: Incoming) -> None:
        box: str | None = None
        arrived = time.monotonic()
        try:
            box, what = self._intake.split(message.topic)
            if what == "state":
                await self._take_state(box, message)
                return
            self._tell("arrived", box, at=arrived)
            alert, key = await self._intake.alert(box, message.payload)
        except Refused as refused:
            self._refuse(refused.reason, box, len(message.payload), refused.detail)
            self._settle(message)
            return
        except StoreFailed as error:
            self._log.error("store-failed", box=box, reason=str(error))
            self._settle(message)
            return
        self._tell("verified", box, sequence=alert.sequence, kind=alert.kind_name)
        received_at = datetime.fromtimestamp(self._now(), UTC)
        self._store.add(alert, received_at).add_done_callback(partial(self._written, message, alert, key))

    async def _take_state(self, box: str, message: Incoming) -> None:
        state = await self._intake.state(box, message.payload)
        self._store.note_state(box, state, datetime.fromtimestamp(self._now(), UTC))
        self._settle(message)
        self._log.info("state", box=box, state=state)
        self._tell("state", box, state=state)
        self._watcher.state(box, state)

    # ---- after the commit

    def _written(self, message: Incoming, alert: Alert, key: Key, written: "asyncio.Future[Outcome]") -> None:
        """After a failed commit nothing is acknowledged: the box sends the alert again."""
        self._settle(message)
        if written.cancelled() or written.exception() is not None:
            return
        outcome = written.result()
        if outcome.record is not None:
            self._stored(alert, key, outcome, outcome.record)
        else:
            self._not_stored(alert, key, outcome.verdict)

    def _stored(self, alert: Alert, key: Key, outcome: Outcome, record: StoredAlert) -> None:
        self.received += 1
        self._tell("stored", record.box, sequence=record.sequence, kind=record.kind_name, alert=record)
        self._acknowledge(alert, key)
        fields = {"kind": record.kind_name, "source": record.source_name, "incident": record.incident}
        number = {"sequence": record.sequence, "boot": record.boot}
        self._log.info("received", box=record.box, **number, **fields, clock_wrong=record.clock_wrong)
        for delivery in outcome.deliveries:
            self._outbox.add(delivery)
        if not record.for_people:
            # A technician tries the box: nobody is called.
            self._log.info("withheld", box=record.box, sequence=record.sequence, kind=record.kind_name)
            self._tell("withheld", record.box, sequence=record.sequence)
        self._watcher.alert(record)

    def _not_stored(self, alert: Alert, key: Key, verdict: Verdict) -> None:
        box = alert.box.hex()
        # It is read anew next time. Perhaps our acknowledgement did not suit the box, because its secret is a new one.
        self._intake.forget(box)
        if verdict is Verdict.REPLAY:
            self.duplicates += 1
            self._refuse("replay", box, len(alert.raw), f"sequence {alert.sequence} is stored already")
            self._tell("duplicate", box, sequence=alert.sequence)
            self._acknowledge(alert, key)
            return
        raw = alert.raw if verdict is Verdict.CONFLICT else None
        self._refuse(verdict.value, box, len(alert.raw), f"sequence {alert.sequence}", raw)
        if verdict is Verdict.REVOKED:
            self._on_revoked(box)

    def _acknowledge(self, alert: Alert, key: Key) -> None:
        box = alert.box.hex()
        ack = formats.encode_ack(key.ack, alert.box, alert.sequence, self._now())
        if self.link is not None and self.link.publish(f"alertbox/{box}/ack", ack):
            self._tell("acknowledged", box, sequence=alert.sequence)

    def _settle(self, message: Incoming) -> None:
        if self.link is not None:
            self.link.settle(message)
