"""Advertisements: most are foreign, so what one of those takes decides how much a busy street costs."""

import esp32
import weight
from interpreter import run
from rows import Row

_CROWD = 200  # foreign advertisements a second
# Bips, senses and local signs, whole; a light and a siren the box had before.
_MODULES = (
    *("bips/registry", "bips/pairing", "console/bips", "storage/bip_counters", "inputs/ble"),
    *("wiring/radio", "wiring/pins", "power"),
    *("core/bip", "core/bip_frame", "core/bip_gesture", "core/bip_guard", "core/bip_faults", "core/bip_learning"),
    *("core/bthome", "core/ccm", "core/jamming"),
    *("core/levels", "core/battery", "core/siren", "core/signs", "core/hours", "core/incident"),
    *("inputs/contact", "inputs/battery", "outputs/siren", "outputs/light"),
)
# A box with its button and its light alone.
_WITHOUT = {
    "wiring/radio": """
import asyncio

class Radio:
    turns, waits, open = 0, False, False
    def __init__(self, stored, settings, issuer, clock, status):
        del stored.counters
        stored.counters = _NoCounters
        self.ble = self.bips = self.pairing = self
    def resume(self):
        pass
    packet = turn = learn_by_button = resume
    async def run(self, *arguments):
        await asyncio.Event().wait()

class _NoCounters:
    @staticmethod
    def prepare():
        return False
""",
    "console/bips": """
class BipMethods:
    ROWS = {}
    def __init__(self, *parts):
        pass
""",
    "wiring/pins": """
import board
import machine
from box import power
from box.core import policy
from box.inputs.button import Button
from box.outputs.light import Light

class _Nothing:
    def mv(self):
        return 0
    def alert(self, *what):
        pass
    answered = restarted = alert

class Pins:
    mains = True
    def __init__(self, settings, stored, clock, status):
        number, active = board.OUTPUTS["light"]
        output = machine.Pin(number, machine.Pin.OUT, value=1 - active), active
        self.light = Light(output, clock, status, stored.journal.undelivered_presses)
        self.button = Button(power.pin("button"), clock.now, board.INPUTS["button"][1])
        self._meanings = policy.meanings(settings["policy"]["button"])
        status.inputs = (self.button,)
        self.battery = self.siren = _Nothing()
    def rows(self, issuer, learn):
        def report(gesture, at_ms):
            issuer.issue(self._meanings[gesture], 1, self.button.began_ms)
        return [("light", 30_000, self.light, ()), ("button", 30_000, self.button, (report,))]
""",
}


def rows() -> list[Row]:
    figures = run("bips.py").figures
    foreign_us, opened_us = figures["foreign_us"], figures["opened_us"]
    busy_ms = _CROWD * esp32.code_ms(foreign_us)
    return [
        Row("foreign advertisement, 16 bips bound, unix port", foreign_us, "us", goal=15),
        Row("heap kept by 20,000 foreign advertisements", figures["kept"], "bytes", goal=0),
        Row("bound advertisement opened (AES-CCM), unix port", opened_us / 1000, "ms", goal=0.3),
        Row("bound advertisement opened, ESP32 estimate", esp32.code_ms(opened_us), "ms"),
        Row(f"{_CROWD} foreign advertisements a second, ESP32 estimate, in each second", busy_ms, "ms", goal=20),
        Row("bips, senses and signs, compiled", weight.code_bytes(_MODULES), "bytes", goal=35 * 1024),
        *weight.live_heap("bips, senses and signs, two bips bound", _WITHOUT, 8 * 1024),
        *weight.live_heap_of_bips(16, 8 * 1024),
    ]
