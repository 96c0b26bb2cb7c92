"""What the box hears over the air, wired: its bips over Bluetooth, and whether the radio is jammed."""

import asyncio

import bluetooth
from box.bips.pairing import Pairing
from box.bips.registry import Registry
from box.core import alert, bthome, jamming
from box.inputs.ble import Ble
from box.log import Log

_LOOK_MS = 1000

_log = Log("radio")


class Radio:
    """`ble`, `bips`, `pairing`: driver, registry, and who comes into it."""

    def __init__(self, stored, settings: dict, issuer, clock):
        self.turns = 0
        self._stored = stored
        self._issuer = issuer
        self._clock = clock
        self.ble = ble = Ble(bluetooth.BLE(), clock.now)
        self.bips = Registry(settings, stored, issuer, clock, ble.follow)
        self.pairing = Pairing(stored, self.bips, clock)
        self._jamming = jamming.JammingWatch(clock.now())

    @property
    def fault(self) -> "str | None":
        if self.ble.deaf:
            return "Bluetooth fails: restart this box; if that does not help, replace it."
        if self._jamming.suspected:
            return "No radio is heard any more, as if somebody jammed it: look around, press each bip."
        return self.bips.fault

    def packet(self, address, rssi: int, payload: bytes, at_ms: int) -> None:
        frame = bthome.split(address, payload)
        if frame:
            self.bips.packet(frame, rssi, at_ms)
            self.pairing.packet(frame, at_ms)

    async def run(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep_ms(_LOOK_MS)
            self.bips.look()
            self.pairing.look()
            self._listen()

    def _listen(self) -> None:
        now = self._clock.now()
        if not self.ble.scans:
            self._jamming.restart(now)
            return
        found = self._jamming.look(self.ble.heard, now)
        if found is None:
            return
        begun = found == jamming.BEGUN
        _log.warning("jamming suspected" if begun else "the air is alive again")
        self._stored.note(self._stored.events.JAMMING, "begun" if begun else "over")
        if begun:
            self._issuer.issue(alert.JAMMING, 0)
            self.ble.rescan()  # or was it the scan that had died?
