"""The box: everything wired together, and nothing decided.

Boot order: what a press needs first (flash, key, button), then the network. The
box is armed before it has any link, and stays armed whatever the link does.
"""

import asyncio
import gc
import os

import board
import machine
import micropython

from box import log, power, start
from box.alerts.heartbeat import Heartbeat
from box.alerts.idle import Idle
from box.alerts.issuer import Issuer
from box.clock import Clock
from box.console.serial import close_window
from box.core import conditions
from box.core.commissioning import TestMode
from box.core.incident import Incident
from box.core.signer import Signer
from box.log import Log
from box.parts import WATCHDOG_MS, Parts
from box.status import Status
from box.version import BUILT, VERSION
from box.wiring import cable
from box.wiring.flash import Stored
from box.wiring.network import Network, radio_on
from box.wiring.pins import Pins
from box.wiring.radio import Radio

_LIMIT_MS = 30_000
_CONSOLE_MS = 180_000  # a method may take as long as it holds the button down, or looks for a network

_log = Log("app")


def main() -> None:
    """Run the box; main.py restarts it when that ends."""
    asyncio.run(Box().run())


class Box:
    """The record of the box's parts; the console gets it as it is."""

    board = board.NAME

    def __init__(self):
        self.clock = clock = Clock(machine.RTC(), BUILT, power.began)
        log.now = clock.now
        _log.info("start", version=VERSION, board=board.NAME, reset=machine.reset_cause())
        self.status = status = Status()
        self.stored = stored = Stored(clock, status)
        settings = stored.open_documents()
        stored.open_journal()
        self.pins = Pins(settings, stored, clock, status)
        radio_on()
        stored.open_rest(os.urandom, machine.reset_cause())
        self.test_mode = TestMode()
        self.signer = Signer(stored.identity.private, stored.events.boot, os.urandom)
        self.issuer = issuer = Issuer(stored, self.signer, Incident(), clock, status)
        self.network = Network(settings, stored, clock, status)
        self.radio = Radio(stored, settings, issuer, clock, status)
        self._connect(self.network.outbox)
        self.radio.bips.resume()
        self.console = cable.console(self)
        _log.info("identity", box=stored.identity.box.hex(), public=stored.identity.public.hex())

    def _connect(self, outbox) -> None:
        """Who hears of what, and what is measured."""
        status, light, siren = self.status, self.pins.light, self.pins.siren
        status.listeners = (self.stored, self.issuer, light)
        self.issuer.listeners = (light, siren)
        if outbox:
            self.issuer.listeners += (outbox,)
            outbox.listeners = (light, siren)
        status.set(conditions.UNENROLLED, outbox is None)
        status.set(conditions.NO_MODEM, True)
        status.measure(conditions.CLOCK_UNSURE, lambda: not self.clock.is_set)
        status.measure(conditions.TEST_MODE, lambda: self.stored.is_new or self.test_mode.is_on(self.clock.now()))
        siren.restarted(self.stored.events.last_detail(self.stored.events.SIREN))

    def _rows(self) -> list:
        stored, clock, status = self.stored, self.clock, self.status
        rings = (stored.journal, stored.plan, stored.counters, stored.events)
        beat = Heartbeat(self.network.link, self.issuer, self.test_mode, clock, status)
        return self.pins.rows(self.issuer, self.radio.pairing.learn_by_button) + [
            ("ble", _LIMIT_MS, self.radio.ble, (self.radio.packet, self.radio.bips.turn)),
            ("radio", _LIMIT_MS, self.radio, ()),
            ("idle", _LIMIT_MS, Idle(rings, self.signer, clock, status), ()),
            ("heartbeat", _LIMIT_MS, beat, ()),
            ("console", _CONSOLE_MS, self.console, ()),
        ] + self.network.rows()  # fmt: skip

    async def run(self) -> None:
        # In service only: a watchdog cannot be stopped, and would cut into a developer's session.
        watchdog = machine.WDT(timeout=WATCHDOG_MS) if self.network.outbox else None
        parts = Parts(self._rows(), watchdog, self.clock, self._died)
        asyncio.create_task(start.hold(watchdog is not None))
        if self.stored.login:
            asyncio.create_task(close_window(micropython.kbd_intr, self.clock))
        gc.collect()
        journal, events = self.stored.journal, self.stored.events
        _log.info("armed", boot=events.boot, undelivered=journal.undelivered(), heap=gc.mem_alloc())
        await parts.run()

    def _died(self, part: str) -> None:
        try:
            self.stored.note(self.stored.events.TASK_DIED, part)
        finally:
            machine.reset()
