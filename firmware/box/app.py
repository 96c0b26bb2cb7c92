"""The box: everything wired together.

Boot order: what a press needs first (flash, key, button), then the network. The
box is armed before it has any link, and stays armed whatever the link does.
"""

import asyncio
import gc
import os
import sys
import time

import board
import machine
import micropython
import network

from box import log
from box.clock import Clock
from box.console import close_window
from box.core import alert, cose, mac, policy, signs
from box.core.commissioning import TestMode
from box.core.incident import Incident
from box.core.signer import Signer
from box.dispatcher import Dispatcher
from box.door import console
from box.errors import StorageError, TransportError
from box.inputs.button import Button
from box.inputs.mains import Mains
from box.issuer import Issuer
from box.local.light import Light
from box.local.siren import Siren
from box.log import Log
from box.startup import ADDRESS_FILE, Stored
from box.supervisor import WATCHDOG_MS, Supervisor
from box.transports.dns import AddressFile, Resolver
from box.transports.receiver import ReceiverLink
from box.transports.wifi import Wifi
from box.upkeep import Upkeep
from box.version import BUILT, VERSION

_RESTART_S = 5

_log = Log("app")


def main() -> None:
    """Run the box. It never returns: a box that cannot go on restarts, and Ctrl-C leads to the prompt."""
    try:
        asyncio.run(_Box().run())
    except Exception as error:  # noqa: BLE001 - whatever it was, a box at rest would alert nobody
        sys.print_exception(error)
        _log.error("cannot go on, restarting", in_s=_RESTART_S)
        time.sleep(_RESTART_S)
        machine.reset()


def _input_pin(name: str):
    """(pin, level while active)."""
    number, active, pull_up = board.INPUTS[name]
    return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP if pull_up else -1), active


def _output_pin(name: str):
    """(pin, level while on)."""
    number, active = board.OUTPUTS[name]
    return machine.Pin(number, machine.Pin.OUT, value=1 - active), active


class _Box:
    """Holds the parts; the methods below only pass things on."""

    def __init__(self):
        self._clock = Clock(machine.RTC(), BUILT)
        log.now = self._clock.now
        _log.info("start", version=VERSION, board=board.NAME, reset=machine.reset_cause())
        self._light = Light(*_output_pin("light"))
        self._dispatcher: "Dispatcher | None" = None
        self._receiver: "ReceiverLink | None" = None
        self._received_ms: "int | None" = None
        self._flash_fault = False  # until the next start: somebody must look at this box
        self._stored = stored = Stored()
        stored.take_over()
        settings = stored.load_settings()
        self._enrolment = stored.load_enrolment()
        stored.open_journal()
        self._journal = stored.journal
        self._wlan = network.WLAN(network.STA_IF)
        self._radio_on()
        stored.open_identity(os.urandom)
        self._identity = stored.identity
        stored.open_events(machine.reset_cause())
        self._events = stored.events
        self._clock.start_at(max(self._events.last_utc, self._enrolment.issued if self._enrolment else 0))
        self._test_mode = TestMode()
        self._make_senses(settings)
        self._make_alerts()
        self._make_network(settings)
        _log.info("identity", box=self._identity.box.hex(), public=self._identity.public.hex())

    def _radio_on(self) -> None:
        """The hardware generator is only random with the radio on. Without it the box is armed all the same."""
        try:
            self._wlan.active(True)
        except (OSError, RuntimeError) as error:  # the port raises both
            _log.error("the radio does not start", reason=error)

    def _make_senses(self, settings: dict) -> None:
        pin, active = self._button_pin = _input_pin("button")
        self._button = Button(pin, self._clock.now, active)
        self._meanings = policy.meanings(settings["policy"]["button"])
        pin, active = _input_pin("mains")
        self._mains = Mains(pin, active, self._clock)
        siren = settings["siren"]
        pin, active = _output_pin("siren")
        self._siren = Siren(pin, active, siren["allowed"], self._clock.now, siren["max_s"])

    def _make_alerts(self) -> None:
        self._signer = Signer(self._identity.private, self._events.boot, os.urandom)
        self._issuer = Issuer(
            self._identity,
            self._events.boot,
            self._signer,
            self._journal,
            Incident(),
            self._clock,
            self._flags,
            self._issued,
            self._flash_failed,
        )
        self._upkeep = Upkeep(
            self._clock,
            self._journal,
            self._events,
            self._signer,
            self._issuer,
            self._is_busy,
            lambda: self._receiver.connected if self._receiver else None,
            self._show,
        )

    def _make_network(self, settings: dict) -> None:
        self._wifi = Wifi(self._wlan, [(each["ssid"], each["key"]) for each in settings["wifi"]])
        self._where = settings["receiver"]
        self._console = console(
            self._stored,
            self._enrolment.town if self._enrolment else None,
            self._clock,
            self._signer,
            self._issuer,
            self._wifi,
            self._test_mode,
            self._state,
            self._checks(),
            self._is_busy,
            lambda: self._button_pin[0].value() == self._button_pin[1],
        )

    # ---- the parts call back ----

    def _is_busy(self) -> bool:
        return self._button.open

    def _flags(self) -> int:
        flags = alert.FLAG_NO_MODEM
        if not self._mains.present:
            flags |= alert.FLAG_MAINS_LOST
        if not self._clock.is_set:
            flags |= alert.FLAG_CLOCK_UNSURE
        if self._upkeep.path.lost:
            flags |= alert.FLAG_PATH_DEGRADED
        if self._test_mode.is_on(self._clock.now()):
            flags |= alert.FLAG_TEST_MODE
        return flags

    def _pressed(self, meaning: int, at_ms: int) -> None:
        kind = self._meanings[meaning]
        _log.info("classified", kind=alert.KINDS[kind], late_ms=self._clock.now() - at_ms)
        self._issuer.issue(kind, board.SOURCES["button"], self._button.began_ms)

    def _mains_changed(self, present: bool) -> None:
        self._issuer.issue(alert.MAINS_BACK if present else alert.MAINS_LOST, 0)

    def _issued(self, sequence: int, kind: int) -> None:
        self._show()
        if kind == alert.ALARM:
            self._siren.sound()
        if self._dispatcher and self._receiver:
            self._dispatcher.notify()
            if kind in alert.PRESSES:
                self._receiver.hurry()

    def _flash_failed(self, error: StorageError) -> None:
        self._flash_fault = True
        self._show()

    def _received(self, kind: int, state: int, utc: "int | None") -> None:
        if utc is not None:
            self._clock.correct(utc)
        if kind in alert.PRESSES:
            self._received_ms = self._clock.now()
        self._show()
        if state == alert.IN_CHARGE:
            self._siren.silence()

    def _show(self) -> None:
        waiting = self._journal.undelivered_presses()
        self._light.show(signs.choose(self._fault() is not None, waiting, self._received_ms, self._clock.now()))

    def _fault(self) -> "str | None":
        """What keeps this box from alerting as it should, as a sentence; None if nothing does."""
        if self._flash_fault or self._upkeep.fault:
            return "Flash fails: replace this box."
        if self._stored.fault:
            return self._stored.fault
        if self._receiver is None:
            return "It is not enrolled: provision this box."
        if self._upkeep.path.lost:
            return "The receiver cannot be reached: check the Wi-Fi, then the receiver."
        return None

    # ---- for the technician ----

    def _state(self) -> dict:
        return {
            "enrolled": self._enrolment is not None,
            "wifi": self._wifi.connected,
            "link": self._receiver is not None and self._receiver.connected,
            "mains": self._mains.present,
            "fault": self._fault(),
            "heap": gc.mem_alloc(),
        }

    def _checks(self) -> dict:
        """The self-test: name -> function that gives None or a short sentence."""
        return {
            "flash": lambda: "Flash fails." if self._flash_fault or self._upkeep.fault else None,
            "random": lambda: "It repeats itself." if os.urandom(16) == os.urandom(16) else None,
            "clock": lambda: None if self._clock.is_set else "Not set yet.",
            "wifi": lambda: None if self._wifi.connected else "Not joined.",
            "link": lambda: None if self._receiver and self._receiver.connected else "No receiver.",
        }

    # ---- tasks ----

    async def run(self) -> None:
        tasks = {
            "button": self._button.run(self._pressed),
            "mains": self._mains.run(self._mains_changed),
            "light": self._light.run(),
            "siren": self._siren.run(),
            "upkeep": self._upkeep.run(),
            "console": self._console.run(),
        }
        on_network = lambda connected: None  # noqa: E731 - without a receiver nobody minds
        try:
            if self._enrolment and self._where["host"]:
                tasks.update(self._link(self._enrolment))
                on_network = self._receiver.network_changed  # type: ignore[union-attr]  # _link made it
                tasks["supervisor"] = self._supervisor().run()
        except TransportError as error:
            _log.error("no link", reason=error)
        tasks["wifi"] = self._wifi.run(on_network)
        for name, coroutine in tasks.items():
            asyncio.create_task(self._critical(name, coroutine))
        if self._enrolment:
            asyncio.create_task(close_window(micropython.kbd_intr, self._clock))
        self._show()
        gc.collect()
        _log.info("armed", boot=self._events.boot, undelivered=self._journal.undelivered(), heap=gc.mem_alloc())
        await asyncio.Event().wait()

    def _link(self, enrolment) -> dict:
        """The link to the receiver and the dispatcher, as named coroutines."""
        key = mac.hkdf_sha256(enrolment.secret, cose.ACK_INFO)
        dispatcher = Dispatcher(self._journal, self._identity.box, key, self._clock, os.urandom, self._received)
        addresses = AddressFile(ADDRESS_FILE, self._where["host"])
        resolver = Resolver(lambda: [self._wlan.ifconfig()[3]], addresses, os.urandom)

        def linked() -> None:
            resolver.confirm()
            dispatcher.link_changed()

        link = ReceiverLink(
            self._where,
            enrolment,
            self._identity.box,
            # A handshake would hold up the reading of a gesture.
            lambda: self._wifi.connected and not self._button.open,
            os.urandom,
            dispatcher.acknowledge,
            linked,
            resolver.resolve,
        )
        self._receiver, self._dispatcher = link, dispatcher
        return {"link": link.run(), "dispatcher": dispatcher.run(link)}

    def _supervisor(self) -> Supervisor:
        """In service only: a watchdog cannot be stopped, and would cut into a developer's session."""
        parts = {
            "button": (self._button, 30_000),
            "upkeep": (self._upkeep, 30_000),
            "wifi": (self._wifi, 30_000),
            "link": (self._receiver, 120_000),
            "dispatcher": (self._dispatcher, 120_000),
        }
        return Supervisor(parts, machine.WDT(timeout=WATCHDOG_MS), self._clock)

    async def _critical(self, name: str, coroutine) -> None:
        """Run a task that must not end: the box never looks alive while it cannot alert."""
        try:
            await coroutine
            _log.error("task ended", task=name)
        except Exception as error:  # noqa: BLE001 - whatever ended it, the box restarts
            _log.error("task died", task=name, reason=repr(error))
        try:
            self._events.record(self._clock.utc_to_save(), self._clock.uptime_s(), self._events.TASK_DIED, name)
        finally:
            machine.reset()
