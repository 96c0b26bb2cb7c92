"""Safe mode, after starts that failed: the least that takes a press, and then, where there is room, sends it.

Button and foot switch, signed and journalled as in service, with what the settings say they mean. No bips, no watch
over mains, battery, case or path, no siren, no console, no heartbeat. Ctrl-C stays on, for who repairs it. After ten
minutes without a press a normal start is tried.
"""

import asyncio
import gc
import json
import os
import sys

import board
import esp32
import machine
from box import log
from box.alerts.issuer import Issuer
from box.clock import Clock
from box.core import alert, policy
from box.core.incident import Incident
from box.core.signer import POOL_SIZE, Signer
from box.core.signs import Signs
from box.errors import StorageError
from box.inputs.button import Button
from box.log import Log
from box.outputs.light import Light
from box.storage import identity
from box.storage.events import EventLog
from box.storage.journal import Journal
from box.storage.slots import Slots
from box.version import BUILT

_LASTS_MS = 10 * 60 * 1000
_PAUSE_MS = 100
_WATCHDOG_MS = 60 * 1000
# Only PSRAM has it. A plain ESP32 shows 165 KB at most, and what sends, with TLS, would leave the next press no room.
_ROOM_TO_SEND = 192 * 1024
_PLAIN = {"click": "inform", "double": "help", "hold": "alarm"}

_log = Log("safe")


def main() -> None:
    """Returns when it is time for a normal start."""
    asyncio.run(_Safe().run())


def _ring(label: str):
    return esp32.Partition.find(esp32.Partition.TYPE_DATA, label=label)[0]


def _settings() -> dict:
    """As they are stored, not checked; none if they cannot be read."""
    try:
        stored: dict = json.loads(Slots("/settings").load() or b"{}")
        return stored
    except (StorageError, ValueError) as error:
        _log.error("settings", reason=error)
        return {}


class _Safe:
    def __init__(self):
        # Both are there if they were of use before.
        power, start = sys.modules.get("box.power"), sys.modules.get("box.start")
        self._woke = power.press if power else None
        self._clock = clock = Clock(machine.RTC(), BUILT, power.began if power else None)
        log.now = clock.now
        self._is_new = start is not None and start.watchdog is None
        self._journal = journal = Journal(_ring("journal"))
        journal.recover()
        self._identity = known = identity.load("/key")
        if known is None or not journal.holds(known.box):
            raise StorageError("there is no key that belongs to this journal")
        events = EventLog(_ring("events"))
        events.recover(journal.highest_boot, "safe mode")
        clock.start_at(events.last_utc)
        self._signer = Signer(known.private, events.boot, os.urandom)
        self._incident = Incident()
        self._signs = Signs()
        number, on = board.OUTPUTS["light"]
        self._light = Light(machine.Pin(number, machine.Pin.OUT, value=1 - on), on)
        self._uplink = None
        self._issuer = Issuer(
            known,
            events.boot,
            self._signer,
            journal,
            self._incident,
            clock,
            self._flags,
            self._issued,
            lambda error: None,  # the light shows a fault already
        )
        self._buttons = self._make_buttons(_settings())

    def _make_buttons(self, settings: dict) -> list:
        """(button, source, gesture -> kind) of each."""
        found = []
        for name, source in board.SOURCES.items():
            rests = settings.get("inputs", {}).get(name, "open" if name == "button" else "none")
            if rests == "none":
                continue
            number, active, pull_up = board.INPUTS[name]
            pin = machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP if pull_up else -1)
            woke = self._woke if name == "button" else None
            button = Button(pin, self._clock.now, 1 - active if rests == "closed" else active, woke=woke)
            chosen = dict(_PLAIN)
            chosen.update(settings.get("policy", {}).get(name, {}))
            found.append((button, source, policy.meanings(chosen)))
        return found

    # ---- the parts call back ----

    def _flags(self) -> int:
        # What is not watched is not told.
        flags = alert.FLAG_NO_MODEM | alert.FLAG_PATH_DEGRADED
        if not self._clock.is_set:
            flags |= alert.FLAG_CLOCK_UNSURE
        return flags | alert.FLAG_TEST_MODE if self._is_new else flags

    def _issued(self, sequence: int, kind: int) -> None:
        if kind in alert.PRESSES:
            self._signs.pressed(self._clock.now())
        if self._uplink:
            self._uplink.notify(True)

    def _received(self, kind: int, state: int, utc: "int | None") -> None:
        now = self._clock.now()
        if utc is not None:
            self._clock.correct(utc)
        if kind in alert.PRESSES:
            self._signs.received(now)
        if state == alert.IN_CHARGE:
            self._signs.in_charge(now)

    def _is_busy(self) -> bool:
        return any(button.open for button, _, _ in self._buttons)

    # ---- tasks ----

    async def run(self) -> None:
        tasks = [asyncio.create_task(self._read(*row)) for row in self._buttons]
        tasks.append(asyncio.create_task(self._light.run()))
        gc.collect()
        _log.warning("armed in safe mode", undelivered=self._journal.undelivered(), heap=gc.mem_alloc())
        self._send()
        watchdog = None if self._is_new else machine.WDT(timeout=_WATCHDOG_MS)
        until_ms = self._clock.now() + _LASTS_MS
        while self._clock.now() < until_ms or self._is_busy() or self._incident.runs(self._clock.now()):
            if any(task.done() for task in tasks):
                raise RuntimeError("a task ended")
            if watchdog:
                watchdog.feed()
            self._light.show(self._signs.state(self._clock.now(), self._journal.undelivered_presses(), True))
            await self._prepare()
        _log.info("trying a normal start")

    async def _read(self, button, source: int, meanings: dict) -> None:
        await button.run(lambda gesture, t_ms: self._issuer.issue(meanings[gesture], source, button.began_ms))

    async def _prepare(self) -> None:
        """A step of what makes the next press cheap."""
        await asyncio.sleep_ms(_PAUSE_MS)
        if self._is_busy():
            return
        self._journal.prepare()
        if self._signer.ready < POOL_SIZE:
            for _ in self._signer.refill():
                await asyncio.sleep_ms(_PAUSE_MS if self._is_busy() else 0)
            gc.collect()

    def _send(self) -> None:
        """Bring up what sends; whatever fails there, presses are taken and kept all the same."""
        if gc.mem_free() < _ROOM_TO_SEND:
            _log.warning("no room to send: presses wait on flash", free=gc.mem_free())
            return
        try:
            import network
            from box.wiring.flash import Stored
            from box.wiring.network import Uplink

            wlan = network.WLAN(network.STA_IF)
            wlan.active(True)
            stored = Stored()
            enrolment = stored.load_enrolment()
            self._clock.start_at(enrolment.issued if enrolment else 0)
            uplink = Uplink(
                wlan,
                stored.load_settings(),
                enrolment,
                self._journal,
                self._identity,
                self._clock,
                self._is_busy,
                self._received,
            )
            for coroutine in uplink.tasks().values():
                asyncio.create_task(coroutine)
            self._uplink = uplink
        except Exception as error:  # noqa: BLE001 - whatever it was
            _log.error("cannot send: presses wait on flash", reason=repr(error))
