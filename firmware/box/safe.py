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
from box.core import conditions, policy
from box.core.incident import Incident
from box.core.signer import POOL_SIZE, Signer
from box.errors import StorageError
from box.inputs.button import Button
from box.log import Log
from box.outputs.light import Light
from box.status import Status
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
        stored: dict = json.loads(Slots("/data/settings").load() or b"{}")
        return stored
    except (StorageError, ValueError) as error:
        _log.error("settings", reason=error)
        return {}


class _Safe:
    """As stored, for the issuer and the network: `identity`, `journal`, `events`, `login`."""

    login = None

    def __init__(self):
        # Both are there if they were of use before.
        power, start = sys.modules.get("box.power"), sys.modules.get("box.start")
        self._woke = power.press if power else None
        self._clock = clock = Clock(machine.RTC(), BUILT, power.began if power else None)
        log.now = clock.now
        self._is_new = start is not None and start.watchdog is None
        self._status = status = Status()
        self.journal = journal = Journal(_ring("journal"))
        journal.recover()
        number, on = board.OUTPUTS["light"]
        pin = machine.Pin(number, machine.Pin.OUT, value=1 - on)
        self._light = Light((pin, on), clock, status, journal.undelivered_presses)
        self._buttons = self._make_buttons(_settings())
        status.inputs = tuple([button for button, _, _ in self._buttons])
        self.identity = known = identity.load("/data/key")
        if known is None or not journal.holds(known.box):
            raise StorageError("there is no key that belongs to this journal")
        self.events = events = EventLog(_ring("events"))
        events.recover(journal.highest_boot, "safe mode")
        clock.start_at(events.last_utc)
        self._signer = Signer(known.private, events.boot, os.urandom)
        self._incident = Incident()
        self._issuer = Issuer(self, self._signer, self._incident, clock, status)
        self._issuer.listeners = (self._light,)
        # What is not watched is not told.
        for row in (conditions.SAFE_MODE, conditions.NO_MODEM, conditions.PATH_LOST):
            status.set(row, True)
        status.measure(conditions.CLOCK_UNSURE, lambda: not clock.is_set)
        status.measure(conditions.TEST_MODE, lambda: self._is_new)

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

    async def run(self) -> None:
        tasks = [asyncio.create_task(self._read(*row)) for row in self._buttons]
        tasks.append(asyncio.create_task(self._light.run()))
        gc.collect()
        _log.warning("armed in safe mode", undelivered=self.journal.undelivered(), heap=gc.mem_alloc())
        self._send()
        watchdog = None if self._is_new else machine.WDT(timeout=_WATCHDOG_MS)
        until_ms = self._clock.now() + _LASTS_MS
        while self._clock.now() < until_ms or self._status.busy or self._incident.runs(self._clock.now()):
            if any(task.done() for task in tasks):
                raise RuntimeError("a task ended")
            if watchdog:
                watchdog.feed()
            await self._prepare()
        _log.info("trying a normal start")

    async def _read(self, button, source: int, meanings: dict) -> None:
        await button.run(lambda gesture, t_ms: self._issuer.issue(meanings[gesture], source, button.began_ms))

    async def _prepare(self) -> None:
        """A step of what makes the next press cheap."""
        await asyncio.sleep_ms(_PAUSE_MS)
        if self._status.busy:
            return
        self.journal.prepare()
        if self._signer.ready < POOL_SIZE:
            for _ in self._signer.refill():
                await asyncio.sleep_ms(_PAUSE_MS if self._status.busy else 0)
            gc.collect()

    def _send(self) -> None:
        """Bring up what sends; whatever fails there, presses are taken and kept all the same."""
        if gc.mem_free() < _ROOM_TO_SEND:
            _log.warning("no room to send: presses wait on flash", free=gc.mem_free())
            return
        try:
            from box.wiring.flash import Stored
            from box.wiring.network import Network, radio_on

            radio_on()
            stored = Stored(self._clock, self._status)
            settings = stored.open_documents()
            self.login = stored.login
            self._clock.start_at(self.login.issued if self.login else 0)
            network = Network(settings, self, self._clock, self._status)
            for _, _, part, arguments in network.rows():
                asyncio.create_task(part.run(*arguments))
            if network.outbox:
                network.outbox.listeners = (self._light,)
                self._issuer.listeners = (self._light, network.outbox)
        except Exception as error:  # noqa: BLE001 - whatever it was
            _log.error("cannot send: presses wait on flash", reason=repr(error))
