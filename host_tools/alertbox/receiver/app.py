"""The receiver: its parts are built here, wired, started and stopped. Nothing is decided here."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from alertbox.receiver.accounts import Accounts
from alertbox.receiver.admission import Admission
from alertbox.receiver.broker import TownBroker
from alertbox.receiver.deliveries.in_process import InProcess
from alertbox.receiver.deliveries.notes import Notes
from alertbox.receiver.deliveries.outbox import Outbox
from alertbox.receiver.deliveries.plugin import Plugin
from alertbox.receiver.enrolment import EnrolmentService
from alertbox.receiver.intake import Intake
from alertbox.receiver.link import Address, Link
from alertbox.receiver.log import JsonLog
from alertbox.receiver.pipeline import Pipeline
from alertbox.receiver.silence.watcher import Watcher
from alertbox.receiver.store import database
from alertbox.receiver.store.records import BoxState, Refusal, Silence, StoredAlert
from alertbox.receiver.store.store import Store
from alertbox.receiver.telling import OnEvent, Refusals, tell_to
from alertbox.receiver.town import Town

# How often the parts that wait for a time look at the clock.
_TICK_S = 1


class Receiver:
    """Runs while its `async with` block does.

    `broker`: mqtts://USER:PASSWORD@HOST:PORT, whose certificate `broker_ca` (default: the town's CA) has signed;
    None runs the embedded broker on `listen` and `port` (0: a free one, see `self.port`). Boxes enrol over HTTPS on
    `listen` and `enrol_port` (0: a free one, see `self.enrol_port`).
    `dispatch` is called once for each newly stored alert that is `for_people`, `on_silence` once for each press after
    which its box became unreachable (see `silence.watch`); `plugins` deliver both elsewhere. `on_event` gets a dict
    with `event`, `at` (monotonic seconds) and the box's id for each step: enrolled, arrived, verified, stored,
    acknowledged, dispatched, undelivered, withheld (a test), duplicate, refused, state; unreachable, reachable,
    overdue, heard, silence; link and committed (which have no box).
    `now` gives Unix seconds. The hooks run in the event loop and must not block.
    """

    def __init__(
        self,
        town: Town,
        *,
        listen: str = "127.0.0.1",
        port: int = 0,
        enrol_port: int = 0,
        broker: str | None = None,
        broker_ca: Path | None = None,
        client_id: str = "alertbox-receiver",
        log: JsonLog | None = None,
        on_event: OnEvent | None = None,
        dispatch: Callable[[StoredAlert], None] | None = None,
        on_silence: Callable[[Silence], None] | None = None,
        plugins: Sequence[Plugin] = (),
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
        self._tell = tell_to(on_event or (lambda event: None))
        hooks = InProcess(dispatch or (lambda alert: None), on_silence or (lambda silence: None))
        self._plugins = (hooks, *plugins)
        self._now = now
        self._refused: Counter[str] = Counter()

    def _build(self) -> None:
        """The parts, in the order of an alert's way."""
        log, tell, now = self._log, self._tell, self._now
        self._broker: TownBroker | None = None
        self._enrolment: EnrolmentService | None = None
        self._link: Link | None = None
        self._notes = Notes(self._town.path / "deliveries.notes", log)
        self._outbox = Outbox(
            self._plugins, notes=self._notes, mark=lambda one: self._store.mark(one), tell=tell, now=now, log=log
        )
        self._store = Store(
            self._town.database,
            log,
            recipients=self._outbox.recipients,
            on_commit=partial(tell, "committed", None),
            on_all_marked=self._notes.clear,
        )
        self._intake = Intake(self._store.box_row)
        self._refuse = Refusals(self._store.refuse, tell, now, log, self._refused)
        self._watcher = Watcher(self._store, self._outbox, tell, now, log)
        self._admission = Admission(
            Accounts(self._town), store=self._store, intake=self._intake, drop=self._drop, tell=tell, log=log
        )
        self._pipeline = Pipeline(
            intake=self._intake,
            store=self._store,
            outbox=self._outbox,
            watcher=self._watcher,
            refuse=self._refuse,
            on_revoked=self._admission.revoked,
            tell=tell,
            now=now,
            log=log,
        )

    async def __aenter__(self) -> "Receiver":
        self._libraries = self._log.with_libraries()
        self._libraries.__enter__()
        self._build()
        self._pump = asyncio.create_task(self._pipeline.run())
        self._ticking = asyncio.create_task(self._tick_often())
        try:
            await self._open_store()
            address = self._address or await self._open_broker()
            self._link = Link(address, self._client_id, self._pipeline.arrived, self._watcher.link, self._log)
            self._pipeline.link = self._link
            await self._link.open()
            self.port, self.address = address.port, str(address)
            await self._open_enrolment()
        except BaseException:
            await self._close()
            raise
        self._log.info("ready", broker=str(address), enrol_port=self.enrol_port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Store, acknowledge and deliver what is verified, then leave. What waits unverified comes again."""
        await self._close()
        self._log.info("stopped", **self.counters())

    async def _close(self) -> None:
        if self._enrolment is not None:
            await self._enrolment.close()
        self._pump.cancel()
        self._ticking.cancel()
        await asyncio.gather(self._pump, self._ticking, return_exceptions=True)
        await self._store.flush()
        await self._outbox.close()
        await self._store.close()
        self._notes.close()
        if self._link is not None:
            await self._link.close()
        if self._broker is not None:
            await self._broker.close()
        self._libraries.__exit__(None, None, None)

    async def run(self) -> None:
        """Wait. Returns never: if a task that the receiver cannot do without ends, its error comes out here."""
        others = self._store.run(), self._outbox.run()
        tasks = [self._pump, self._ticking, *map(asyncio.create_task, others)]
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
        counted = {"received": self._pipeline.received, "duplicates": self._pipeline.duplicates}
        return {**counted, "refused": dict(self._refused)}

    async def alerts(self) -> list[StoredAlert]:
        return await self._store.alerts()

    async def states(self) -> list[BoxState]:
        return await self._store.states()

    async def refusals(self) -> list[Refusal]:
        return await self._store.refusals()

    async def silences(self) -> list[Silence]:
        return await self._store.silences()

    def tick(self) -> None:
        """Let the parts see what time it is; done every second, and by those who step `now`."""
        self._watcher.tick()
        self._outbox.tick()

    async def _tick_often(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self.tick()

    # ---- doors

    async def _open_store(self) -> None:
        """Bring the tables to this version, and finish what an earlier run left undone."""
        await asyncio.to_thread(database.migrate, self._town.database)
        await self._store.open()
        with database.user_errors(self._town.database):
            self._notes.open()
            left = await self._store.waiting_deliveries()
            await self._watcher.remember()
        self._outbox.open(left)

    async def _open_broker(self) -> Address:
        tls, check = self._town.server_context(), self._admission.check_login
        broker = TownBroker(self._listen, self.port, tls, check, self._refuse)
        port = await broker.open()
        self._broker = broker
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._listen, self._listen)
        user, password = broker.receiver
        return Address(host, port, user, password, "localhost", self._town.ca_certificate)

    async def _open_enrolment(self) -> None:
        there = self._address
        self._admission.address = (
            {"host": there.host, "port": there.port, "server_name": there.server_name}
            if there is not None
            else {"port": self.port, "server_name": self._town.names[0]}
        )
        self._enrolment = EnrolmentService(
            self._listen,
            self.enrol_port,
            tls=self._town.server_context(),
            ca=self._town.ca_der(),
            redeem=self._admission.redeem,
            on_refused=self._refuse,
            log=self._log,
        )
        self.enrol_port = await self._enrolment.open()

    def _drop(self, box: str) -> None:
        if self._broker is not None:
            self._broker.drop(box)
