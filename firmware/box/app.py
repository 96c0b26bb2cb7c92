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
from box import log, power
from box.alerts.idle import Upkeep
from box.alerts.issuer import Issuer
from box.clock import Clock
from box.console.serial import Console, close_window
from box.core import alert, battery
from box.core.commissioning import TestMode
from box.core.incident import Incident
from box.core.signer import Signer
from box.errors import StorageError
from box.log import Log
from box.parts import WATCHDOG_MS, Supervisor
from box.version import BUILT, VERSION
from box.wiring.cable import console
from box.wiring.flash import Stored
from box.wiring.network import Uplink
from box.wiring.pins import Senses, light
from box.wiring.radio import Radio

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


class _Box:
    """Holds the parts; the methods below only pass things on."""

    def __init__(self):
        self._clock = Clock(machine.RTC(), BUILT, power.began)
        log.now = self._clock.now
        _log.info("start", version=VERSION, board=board.NAME, reset=machine.reset_cause())
        self._light = light()
        self._flash_fault = False  # until the next start: somebody must look at this box
        self._stored = stored = Stored(self._clock)
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
        stored.open_counters()
        self._clock.start_at(max(self._events.last_utc, self._enrolment.issued if self._enrolment else 0))
        self._test_mode = TestMode()
        self._incident = Incident()
        self._senses = Senses(settings, self._clock, self._test_mode, self._is_needed, self._siren_did)
        self._uplink = Uplink(
            self._wlan,
            settings,
            self._enrolment,
            self._journal,
            self._identity,
            self._clock,
            self._is_busy,
            self._received,
        )
        self._make_alerts()
        self._radio = Radio(stored, settings, self._issuer, self._clock)
        self._radio.bips.resume()
        self._console = self._make_console()
        _log.info("identity", box=self._identity.box.hex(), public=self._identity.public.hex())

    def _radio_on(self) -> None:
        """The hardware generator is only random with the radio on. Without it the box is armed all the same."""
        try:
            self._wlan.active(True)
        except (OSError, RuntimeError) as error:  # the port raises both
            _log.error("the radio does not start", reason=error)

    def _make_alerts(self) -> None:
        self._signer = Signer(self._identity.private, self._events.boot, os.urandom)
        self._issuer = Issuer(
            self._identity,
            self._events.boot,
            self._signer,
            self._journal,
            self._incident,
            self._clock,
            self._flags,
            self._issued,
            self._flash_failed,
        )
        self._upkeep = Upkeep(
            self._clock,
            self._journal,
            self._events,
            self._stored.counters,
            self._signer,
            self._issuer,
            self._is_busy,
            lambda: self._uplink.connected if self._uplink.leads_somewhere else None,
            self._show,
        )

    def _make_console(self) -> Console:
        return console(
            self._stored,
            self._enrolment.town if self._enrolment else None,
            self._clock,
            self._signer,
            self._issuer,
            self._uplink.wifi,
            self._test_mode,
            self._radio,
            self._state,
            self._checks(),
            self._is_busy,
            self._is_wanted,
            self._senses.button.is_down,
        )

    # ---- the parts call back ----

    def _is_busy(self) -> bool:
        return self._senses.open or self._radio.bips.open

    def _is_needed(self) -> bool:
        return self._is_busy() or self._is_wanted() or self._incident.runs(self._clock.now())

    def _is_wanted(self) -> bool:
        """Does a press need the network? A gesture that is open is not asked for: it may be none, after a stall."""
        return self._uplink.leads_somewhere and self._journal.undelivered_presses() > 0

    @property
    def _is_new(self) -> bool:
        """Nobody has enrolled it. One whose enrolment cannot be read any more is not new: it has been in service."""
        return self._enrolment is None and not self._stored.fault

    def _flags(self) -> int:
        flags = alert.FLAG_NO_MODEM | self._senses.flags()
        if not self._clock.is_set:
            flags |= alert.FLAG_CLOCK_UNSURE
        if self._upkeep.path.lost:
            flags |= alert.FLAG_PATH_DEGRADED
        # What is pressed on a new box reaches its receiver later, and must not call people then.
        if self._is_new or self._test_mode.is_on(self._clock.now()):
            flags |= alert.FLAG_TEST_MODE
        return flags

    def _pressed(self, source: int, kind: int, began_ms: int, decided_ms: int) -> None:
        _log.info("classified", kind=alert.KINDS[kind], late_ms=self._clock.now() - decided_ms)
        self._issuer.issue(kind, source, began_ms)
        if self._is_new and source == board.SOURCES["button"]:
            self._radio.pairing.learn_by_button()

    def _mains_changed(self, is_lost: bool) -> None:
        self._issuer.issue(alert.MAINS_LOST if is_lost else alert.MAINS_BACK, 0)

    def _case_changed(self, is_open: bool) -> None:
        _log.warning("case", open=is_open)
        if is_open:
            self._issuer.issue(alert.TAMPER, 0)

    def _battery_changed(self, what: int, mv: int) -> None:
        _log.warning("battery", what=what, mv=mv)
        if what == battery.LOW:
            self._issuer.issue(alert.BATTERY_LOW, 0)
        elif what == battery.EMPTY:
            self._stored.note(self._events.EMPTY, "%d mV" % mv)
            power.switch_off(self._senses.button)

    def _siren_did(self, what: str) -> None:
        self._stored.note(self._events.SIREN, what)

    def _issued(self, sequence: int, kind: int) -> None:
        if kind in alert.PRESSES:
            self._senses.signs.pressed(self._clock.now())
        self._show()
        if kind == alert.ALARM:
            self._senses.siren.sound()
        self._uplink.notify(kind in alert.PRESSES)

    def _flash_failed(self, error: StorageError) -> None:
        self._flash_fault = True
        self._show()

    def _received(self, kind: int, state: int, utc: "int | None") -> None:
        if utc is not None:
            self._clock.correct(utc)
        if kind in alert.PRESSES:
            self._senses.signs.received(self._clock.now())
        self._show()
        if state == alert.IN_CHARGE:
            self._senses.siren.silence()
            self._senses.signs.in_charge(self._clock.now())

    def _show(self) -> None:
        now = self._clock.now()
        test_mode = self._test_mode.is_on(now)
        learning = self._radio.pairing.waits
        # Where there is no receiver, nothing is under way; the press that began learning would hide it.
        waiting = 0 if learning and not self._uplink.leads_somewhere else self._journal.undelivered_presses()
        self._light.show(self._senses.signs.state(now, waiting, self._fault() is not None, learning, test_mode))

    def _fault(self) -> "str | None":
        """What keeps this box from alerting as it should, as a sentence; None if nothing does."""
        if self._flash_fault or self._upkeep.fault:
            return "Flash fails: replace this box."
        if self._stored.fault:
            return self._stored.fault
        if not self._uplink.leads_somewhere:
            return "It is not enrolled: provision this box."
        if self._upkeep.path.lost:
            return "The receiver cannot be reached: check the Wi-Fi, then the receiver."
        return self._radio.fault or self._senses.fault

    # ---- for the technician ----

    def _state(self) -> dict:
        return {
            "enrolled": self._enrolment is not None,
            "wifi": self._uplink.wifi.connected,
            "link": self._uplink.connected,
            "mains": self._senses.mains,
            "battery_mv": self._senses.battery.mv(),
            "fault": self._fault(),
            "heap": gc.mem_alloc(),
        }

    def _checks(self) -> dict:
        """The self-test: name -> function that gives None or a short sentence."""
        return {
            "flash": lambda: "Flash fails." if self._flash_fault or self._upkeep.fault else None,
            "random": lambda: "It repeats itself." if os.urandom(16) == os.urandom(16) else None,
            "bips": lambda: self._radio.fault,
            "senses": lambda: self._senses.fault,
            "clock": lambda: None if self._clock.is_set else "Not set yet.",
            "wifi": lambda: None if self._uplink.wifi.connected else "Not joined.",
            "link": lambda: None if self._uplink.connected else "No receiver.",
        }

    # ---- tasks ----

    async def run(self) -> None:
        tasks = self._senses.tasks(self._pressed, self._mains_changed, self._case_changed, self._battery_changed)
        tasks["ble"] = self._radio.ble.run(self._radio.packet, self._radio.bips.turn)
        tasks["radio"] = self._radio.run()
        tasks["light"] = self._light.run()
        tasks["upkeep"] = self._upkeep.run()
        tasks["console"] = self._console.run()
        self._senses.siren.restarted(self._events.last_detail(self._events.SIREN))
        tasks.update(self._uplink.tasks())
        if self._uplink.leads_somewhere:
            tasks["supervisor"] = self._supervisor().run()
        for name, coroutine in tasks.items():
            asyncio.create_task(self._critical(name, coroutine))
        if self._enrolment:
            asyncio.create_task(close_window(micropython.kbd_intr, self._clock))
        self._show()
        gc.collect()
        _log.info("armed", boot=self._events.boot, undelivered=self._journal.undelivered(), heap=gc.mem_alloc())
        await asyncio.Event().wait()

    def _supervisor(self) -> Supervisor:
        """In service only: a watchdog cannot be stopped, and would cut into a developer's session."""
        parts = self._uplink.watched()
        parts["ble"] = (self._radio.ble, 30_000)
        parts["radio"] = (self._radio, 30_000)
        parts["upkeep"] = (self._upkeep, 30_000)
        for name, _, button, _ in self._senses.sources:
            parts[name] = (button, 30_000)
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
