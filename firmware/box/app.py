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
import network
from esp32 import Partition

from box import enrolment, identity, log
from box.clock import Clock
from box.core import alert, cose, mac, policy, signs
from box.core.incident import Incident
from box.core.signer import Signer
from box.dispatcher import Dispatcher
from box.errors import StorageError, TransportError
from box.events import EventLog
from box.folder_flash import FolderFlash
from box.inputs.button import Button
from box.inputs.mains import Mains
from box.issuer import Issuer
from box.journal import Journal
from box.local.light import Light
from box.local.siren import Siren
from box.log import Log
from box.supervisor import WATCHDOG_MS, Supervisor
from box.transports.dns import AddressFile, Resolver
from box.transports.receiver import ReceiverLink
from box.transports.wifi import Wifi
from box.upkeep import Upkeep
from box.version import BUILT, VERSION

_KEY_FILE = "/key"
_ADDRESS_FILE = "/address"
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


def _flash(label: str, blocks: int):
    """The raw partition `label`, or a folder of `blocks` blocks where the partition table is not ours."""
    found = Partition.find(Partition.TYPE_DATA, label=label)
    if found:
        return found[0]
    _log.warning("no such partition, using a folder: for development only", label=label)
    return FolderFlash("/" + label, blocks)


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
        self._enrolment = self._load_enrolment()
        self._journal = Journal(_flash("journal", 32))
        self._journal.recover()
        self._wlan = network.WLAN(network.STA_IF)
        self._radio_on()
        self._new_key = False
        self._flash_fault = False  # until the next start: somebody must look at this box
        self._identity = self._load_identity()
        self._events = EventLog(_flash("events", 16))
        self._events.recover(self._journal.highest_boot, "reset %d" % machine.reset_cause())
        if self._new_key:
            self._events.record(None, 0, self._events.KEY_MADE)
        self._clock.start_at(max(self._events.last_utc, self._enrolment.issued if self._enrolment else 0))
        self._signer = Signer(self._identity.private, self._events.boot, os.urandom)
        pin, active = _input_pin("button")
        self._button = Button(pin, self._clock.now, active)
        pin, active = _input_pin("mains")
        self._mains = Mains(pin, active, self._clock)
        pin, active = _output_pin("siren")
        self._siren = Siren(pin, active, self._enrolment is not None and self._enrolment.siren, self._clock.now)
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
            lambda: self._button.open,
            lambda: self._receiver.connected if self._receiver else None,
            self._show,
        )
        _log.info("identity", box=self._identity.box.hex(), public=self._identity.public.hex())

    def _radio_on(self) -> None:
        """The hardware generator is only random with the radio on. Without it the box is armed all the same."""
        try:
            self._wlan.active(True)
        except (OSError, RuntimeError) as error:  # the port raises both
            _log.error("the radio does not start", reason=error)

    def _load_enrolment(self):
        try:
            return enrolment.load()
        except StorageError as error:
            _log.error("not enrolled", reason=error)
            return None

    def _load_identity(self):
        known = identity.load(_KEY_FILE)
        if known is not None and self._journal.holds(known.box):
            return known
        if known is not None or not self._journal.fresh:
            _log.error("key and journal do not belong together: new key, enrol this box again")
        made = identity.make(_KEY_FILE, os.urandom)
        self._journal.format(made.box)
        self._new_key = True
        return made

    # ---- the parts call back ----

    def _flags(self) -> int:
        flags = alert.FLAG_NO_MODEM
        if not self._mains.present:
            flags |= alert.FLAG_MAINS_LOST
        if not self._clock.is_set:
            flags |= alert.FLAG_CLOCK_UNSURE
        if self._upkeep.path.lost:
            flags |= alert.FLAG_PATH_DEGRADED
        return flags

    def _pressed(self, meaning: int, at_ms: int) -> None:
        kind = policy.DEFAULT[meaning]
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
        # Whoever looks at the light asks: can this box alert?
        fault = self._flash_fault or self._upkeep.fault or self._upkeep.path.lost or self._receiver is None
        waiting = self._journal.undelivered_presses()
        self._light.show(signs.choose(fault, waiting, self._received_ms, self._clock.now()))

    # ---- tasks ----

    async def run(self) -> None:
        tasks = {
            "button": self._button.run(self._pressed),
            "mains": self._mains.run(self._mains_changed),
            "light": self._light.run(),
            "siren": self._siren.run(),
            "upkeep": self._upkeep.run(),
        }
        try:
            if self._enrolment:
                tasks.update(self._link(self._enrolment))
                tasks["supervisor"] = self._supervisor().run()
        except TransportError as error:
            _log.error("no link", reason=error)
        for name, coroutine in tasks.items():
            asyncio.create_task(self._critical(name, coroutine))
        self._show()
        gc.collect()
        _log.info("armed", boot=self._events.boot, undelivered=self._journal.undelivered(), heap=gc.mem_alloc())
        await asyncio.Event().wait()

    def _link(self, where) -> dict:
        """Wi-Fi, the link to the receiver and the dispatcher, as named coroutines."""
        wifi = Wifi(self._wlan, *where.wifi)
        key = mac.hkdf_sha256(where.secret, cose.ACK_INFO)
        dispatcher = Dispatcher(self._journal, self._identity.box, key, self._clock, os.urandom, self._received)
        resolver = Resolver(lambda: [self._wlan.ifconfig()[3]], AddressFile(_ADDRESS_FILE, where.host), os.urandom)

        def linked() -> None:
            resolver.confirm()
            dispatcher.link_changed()

        link = ReceiverLink(
            where,
            self._identity.box,
            # A handshake would hold up the reading of a gesture.
            lambda: wifi.connected and not self._button.open,
            os.urandom,
            dispatcher.acknowledge,
            linked,
            resolver.resolve,
        )
        self._wifi, self._receiver, self._dispatcher = wifi, link, dispatcher
        return {"wifi": wifi.run(link.network_changed), "link": link.run(), "dispatcher": dispatcher.run(link)}

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
