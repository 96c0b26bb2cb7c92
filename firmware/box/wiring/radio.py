"""What the box hears over the air, wired: its bips over Bluetooth, and whether the radio is jammed."""

import asyncio

import bluetooth

from box.bips.pairing import Pairing
from box.bips.registry import Registry
from box.core import bthome, conditions, jamming
from box.inputs.ble import Ble
from box.log import Log

_LOOK_MS = 1000

_log = Log("radio")


class Radio:
    """`ble`, `bips`, `pairing`: driver, registry, and who comes into it."""

    def __init__(self, stored, settings: dict, issuer, clock, status):
        self.turns = 0
        self._clock = clock
        self._status = status
        self.ble = ble = Ble(bluetooth.BLE(), clock.now)
        self.bips = Registry(settings, stored, issuer, clock, ble.follow)
        self.pairing = Pairing(stored, self.bips, clock)
        self._jamming = jamming.JammingWatch(clock.now())
        status.inputs += (self.bips,)

    def packet(self, address, rssi: int, payload: bytes, at_ms: int) -> None:
        frame = bthome.split(address, payload)
        if frame:
            self.bips.packet(frame, rssi, at_ms)
            self.pairing.packet(frame, at_ms)

    async def run(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep_ms(_LOOK_MS)
            self.bips.tick()
            self.pairing.tick()
            self._listen()
            fault = self.bips.fault
            self._status.set(conditions.DEAF, self.ble.deaf)
            self._status.set(conditions.BIP, fault is not None, fault or "")
            self._status.set(conditions.LEARNING, self.pairing.waits)

    def _listen(self) -> None:
        now = self._clock.now()
        if not self.ble.scans:
            self._jamming.restart(now)
            return
        found = self._jamming.update(self.ble.heard, now)
        if found is None:
            return
        begun = found == jamming.BEGUN
        _log.warning("jamming suspected" if begun else "the air is alive again")
        self._status.set(conditions.JAMMED, begun)
        if begun:
            self.ble.rescan()  # or was it the scan that had died?
