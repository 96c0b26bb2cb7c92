"""The receiver: MQTT in, verify, store, acknowledge after the commit, dispatch.

At-least-once on every leg, made exactly-once by the store: a box sends until it
holds our acknowledgement, and an alert is new only once. So a receiver that is
killed anywhere, also between the broker's PUBACK and its own commit, loses
nothing, and dispatches nothing twice but, marked so, the one alert whose
dispatch it was in the middle of (see `dispatching`).
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from alertbox.contract import formats
from alertbox.contract.formats import Alert, Refused
from alertbox.receiver.broker import TownBroker
from alertbox.receiver.deliveries.dispatching import Dispatching, Notes
from alertbox.receiver.enrolment import EnrolmentService
from alertbox.receiver.intake import Intake, Key
from alertbox.receiver.link import Address, Link, Message
from alertbox.receiver.log import JsonLog
from alertbox.receiver.silence.watcher import Supervision
from alertbox.receiver.store import database
from alertbox.receiver.store.records import BoxState, Refusal, Silence, StoredAlert, Verdict
from alertbox.receiver.store.registry import check_password
from alertbox.receiver.store.store import Store, StoreFailed
from alertbox.receiver.store.writing import Outcome

if TYPE_CHECKING:  # a town has the receiver's database, so it comes first
    from alertbox.town import Town

# Messages that may wait for verification: a second's work. The rest is refused, and its box sends it again.
_QUEUE = 10_000
# Verifications in one go: 3 ms, so that the embedded broker in the same loop keeps breathing.
_IN_ONE_GO = 20

OnEvent = Callable[[dict[str, Any]], None]
Dispatch = Callable[[StoredAlert], None]
OnSilence = Callable[[Silence], None]


class Receiver:
    """Runs while its `async with` block does.

    `broker`: mqtts://USER:PASSWORD@HOST:PORT, whose certificate `broker_ca` (default: the town's CA) has signed;
    None runs the embedded broker on `listen` and `port` (0: a free one, see `self.port`). Boxes enrol over HTTPS on
    `listen` and `enrol_port` (0: a free one, see `self.enrol_port`).
    `dispatch` is called once for each newly stored alert that is `for_people`, `on_silence` once for each press after
    which its box became unreachable (see `watch`). `on_event` gets a dict with `event`, `at` (monotonic
    seconds) and the box's id for each step: enrolled, arrived, verified, stored, acknowledged, dispatched, withheld (a
    test), duplicate, refused, state; unreachable, reachable, overdue, heard, silence; committed (which has no box)
    after each commit.
    `now` gives Unix seconds. The hooks run in the event loop and must not block.
    """

    def __init__(
        self,
        town: "Town",
        *,
        listen: str = "127.0.0.1",
        port: int = 0,
        enrol_port: int = 0,
        broker: str | None = None,
        broker_ca: Path | None = None,
        client_id: str = "alertbox-receiver",
        log: JsonLog | None = None,
        on_event: OnEvent | None = None,
        dispatch: Dispatch | None = None,
        on_silence: OnSilence | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.port = port
        self.enrol_port = enrol_port
        self.address = ""
        self._town = town
        self._listen = listen
        self._address = Address.parse(broker, broker_ca or town.ca_certificate) if broker else None
        self._client_id = client_id
        self._log = log or JsonLog()
        self._on_event = on_event or (lambda event: None)
        self._dispatch_to = dispatch or (lambda alert: None)
        self._on_silence = on_silence or (lambda silence: None)
        self._now = now
        self._received = 0
        self._duplicates = 0
        self._refused: Counter[str] = Counter()
        self._broker: TownBroker | None = None
        self._enrolment: EnrolmentService | None = None

    async def __aenter__(self) -> "Receiver":
        self._libraries = self._log.with_libraries()
        self._libraries.__enter__()
        self._messages: asyncio.Queue[Message] = asyncio.Queue(_QUEUE)
        self._notes = Notes(self._town.path / "receiver.notes", self._log)
        self._store = Store(self._town.database, self._log, partial(self._event, "committed", None), self._notes.clear)
        self._dispatching = Dispatching(self._notes, self._store.mark_dispatched, self._log)
        self._intake = Intake(self._store.box_row)
        self._supervision = Supervision(
            self._store, self._dispatching, self._on_silence, self._event, self._now, self._log
        )
        self._pump = asyncio.create_task(self._take_messages())
        self._watching = asyncio.create_task(self._supervision.run())
        self._link: Link | None = None
        try:
            await self._open_store()
            address = self._address or await self._open_broker()
            self._link = Link(address, self._client_id, self._arrived, self._supervision.link, self._log)
            await self._link.open()
            self.port, self.address = address.port, str(address)
            await self._open_enrolment()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        self._log.info("ready", broker=str(address), enrol_port=self.enrol_port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Store and acknowledge what is verified, then leave. What waits unverified comes again."""
        if self._enrolment is not None:
            await self._enrolment.close()
        self._pump.cancel()
        self._watching.cancel()
        await asyncio.gather(self._pump, self._watching, return_exceptions=True)
        await self._store.close()
        self._notes.close()
        if self._link is not None:
            await self._link.close()
        if self._broker is not None:
            await self._broker.close()
        self._log.info("stopped", **self.counters())
        self._libraries.__exit__(None, None, None)

    async def run(self) -> None:
        """Wait. Returns never: if a task that the receiver cannot do without ends, its error comes out here."""
        tasks = [self._pump, self._watching, asyncio.create_task(self._store.run())]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise RuntimeError("a task of the receiver ended")

    # ---- what others may ask

    def counters(self) -> dict[str, Any]:
        """Since the start: alerts received, duplicates among what came in, and refusals by reason.

        A duplicate is also counted as refused for `replay`: whether an attacker sent it or the box, whose
        acknowledgement was lost, cannot be told, and both get the same answer.
        """
        return {"received": self._received, "duplicates": self._duplicates, "refused": dict(self._refused)}

    async def alerts(self) -> list[StoredAlert]:
        return await self._store.alerts()

    async def states(self) -> list[BoxState]:
        return await self._store.states()

    async def refusals(self) -> list[Refusal]:
        return await self._store.refusals()

    async def silences(self) -> list[Silence]:
        return await self._store.silences()

    def look(self) -> None:
        """Let the watch see what time it is; done every second, and by those who step `now`."""
        self._supervision.look()

    # ---- in

    async def _open_store(self) -> None:
        """And finish what an earlier run left undone."""
        await self._store.open()
        with database.user_errors(self._town.database):
            self._notes.open()
            left_alerts, left_silences = await self._store.undispatched(), await self._store.undispatched_silences()
            await self._supervision.remember()
        # No waiting from here on: what is marked goes into one commit, after which the notes are empty.
        for alert in left_alerts:
            if alert.for_people and not self._dispatching.was_done(alert):
                self._dispatch(alert)
        for silence in left_silences:
            if not self._dispatching.was_done(silence):
                self._supervision.dispatch(silence)

    async def _open_broker(self) -> Address:
        self._broker = TownBroker(self._listen, self.port, self._town.server_context(), self._check_login, self._refuse)
        try:
            port = await self._broker.open()
        except BaseException:
            self._broker = None
            raise
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._listen, self._listen)
        user, password = self._broker.receiver
        return Address(host, port, user, password, "localhost", self._town.ca_certificate)

    async def _open_enrolment(self) -> None:
        tls, ca = self._town.server_context(), self._town.ca_der()
        self._enrolment = EnrolmentService(
            self._listen, self.enrol_port, tls, ca, self._redeem, self._refuse, self._log
        )
        self.enrol_port = await self._enrolment.open()

    async def _redeem(self, token: bytes, public_key: bytes, name: str | None) -> dict[str, Any]:
        """Enrol a box by its invite. The database is another thread's: alerts do not wait for it."""
        new = await asyncio.to_thread(self._town.redeem, token, public_key, name)
        self._log.info("enrolled", box=new.box, revoked=list(new.revoked))
        self._intake.forget(new.box)
        for box in new.revoked:
            self._revoked(box)
        self._event("enrolled", new.box, revoked=list(new.revoked))
        server_name = self._town.names[0]
        receiver = {"host": new.host, "port": self.port, "server_name": server_name}
        if self._address is not None:
            there = self._address
            receiver = {"host": there.host, "port": there.port, "server_name": there.server_name}
        return {"enrolment": new.document, "receiver": receiver, "fingerprint": new.box}

    def _revoked(self, box: str) -> None:
        """Nothing of this box is taken any more: it need not stay connected."""
        self._intake.forget(box)
        if self._broker is not None:
            self._broker.drop(box)

    async def _check_login(self, user: str, password: str) -> str | None:
        try:
            row = await self._store.box_row(user)
        except StoreFailed as error:
            self._log.error("store-failed", box=user, reason=str(error))
            return "overload"
        if row is None:
            return "unknown-box"
        if not check_password(password, row.password_hash):
            return "login"
        # It may have been enrolled anew since its last visit.
        self._intake.forget(user)
        return "revoked" if row.revoked_at is not None else None

    def _arrived(self, message: Message) -> None:
        try:
            self._messages.put_nowait(message)
        except asyncio.QueueFull:
            self._refuse("overload", None, len(message.payload), "too much waits")

    async def _take_messages(self) -> None:
        taken = 0
        while True:
            message = await self._messages.get()
            await self._take(message)
            taken += 1
            if taken % _IN_ONE_GO == 0:
                await asyncio.sleep(0)

    async def _take(self, message: Message) -> None:
        box: str | None = None
        arrived = time.monotonic()
        try:
            box, what = self._intake.split(message.topic)
            if what == "state":
                await self._take_state(box, message)
                return
            self._event("arrived", box, at=arrived)
            alert, key = await self._intake.alert(box, message.payload)
        except Refused as refused:
            self._refuse(refused.reason, box, len(message.payload), refused.detail)
            self._settle(message)
            return
        except StoreFailed as error:
            self._log.error("store-failed", box=box, reason=str(error))
            self._settle(message)
            return
        self._event("verified", box, sequence=alert.sequence, kind=alert.kind_name)
        received_at = datetime.fromtimestamp(self._now(), UTC)
        self._store.add(alert, received_at).add_done_callback(partial(self._written, message, alert, key))

    async def _take_state(self, box: str, message: Message) -> None:
        state = await self._intake.state(box, message.payload)
        self._store.note_state(box, state, datetime.fromtimestamp(self._now(), UTC))
        self._settle(message)
        self._log.info("state", box=box, state=state)
        self._event("state", box, state=state)
        self._supervision.state(box, state)

    # ---- after the commit

    def _written(self, message: Message, alert: Alert, key: Key, written: "asyncio.Future[Outcome]") -> None:
        """Acknowledge, then dispatch. After a failed commit neither: the box sends the alert again."""
        self._settle(message)
        if written.cancelled() or written.exception() is not None:
            return
        verdict, record = written.result()
        box = alert.box.hex()
        if record is not None:
            self._received += 1
            self._event("stored", box, sequence=alert.sequence, kind=alert.kind_name, alert=record)
            self._acknowledge(alert, key)
            fields = {"kind": record.kind_name, "source": record.source_name, "incident": record.incident}
            number = {"sequence": record.sequence, "boot": record.boot}
            self._log.info("received", box=box, **number, **fields, clock_wrong=record.clock_wrong)
            if record.for_people:
                self._dispatch(record)
            else:
                self._withhold(record)
            self._supervision.alert(record)
        elif verdict is Verdict.REPLAY:
            self._duplicates += 1
            self._refuse("replay", box, len(alert.raw), f"sequence {alert.sequence} is stored already")
            self._event("duplicate", box, sequence=alert.sequence)
            self._acknowledge(alert, key)
            # Perhaps our acknowledgement did not suit the box, because its secret is a new one: read it anew next time.
            self._intake.forget(box)
        else:
            self._intake.forget(box)
            raw = alert.raw if verdict is Verdict.CONFLICT else None
            self._refuse(verdict.value, box, len(alert.raw), f"sequence {alert.sequence}", raw)
            if verdict is Verdict.REVOKED:
                self._revoked(box)

    def _acknowledge(self, alert: Alert, key: Key) -> None:
        box = alert.box.hex()
        ack = formats.encode_ack(key.ack, alert.box, alert.sequence, self._now())
        if self._link is not None and self._link.publish(f"alertbox/{box}/ack", ack):
            self._event("acknowledged", box, sequence=alert.sequence)

    def _dispatch(self, alert: StoredAlert) -> None:
        done = self._dispatching.hand_over(alert, self._dispatch_to)
        if done is not None:
            self._event("dispatched", alert.box, sequence=alert.sequence, repeated=done.repeated, test=done.test)

    def _withhold(self, alert: StoredAlert) -> None:
        """A technician tries the box: nobody is called. It stays without a time of dispatch."""
        self._log.info("withheld", box=alert.box, sequence=alert.sequence, kind=alert.kind_name)
        self._event("withheld", alert.box, sequence=alert.sequence)

    # ---- small things

    def _settle(self, message: Message) -> None:
        if self._link is not None:
            self._link.settle(message)

    def _refuse(self, reason: str, box: str | None, size: int, detail: str, raw: bytes | None = None) -> None:
        self._refused[reason] += 1
        self._store.refuse(Refusal(datetime.fromtimestamp(self._now(), UTC), reason, box, size, detail, raw))
        self._log.warning("refused", reason=reason, box=box, size=size, detail=detail)
        self._event("refused", box, reason=reason)

    def _event(self, event: str, box: str | None, *, at: float | None = None, **fields: object) -> None:
        self._on_event({"event": event, "at": time.monotonic() if at is None else at, "box": box, **fields})
