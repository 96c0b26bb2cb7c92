"""Bluetooth bips: hears their advertisements, and drops everybody else's.

The port calls the handler from the Bluetooth task, between two bytecodes, up to hundreds of times a second, and nobody
may hold it up or let it raise. So it asks for the address, which costs no memory, and copies what is known into a ring
that was made beforehand; a task takes it from there. A bip repeats each packet for a second and more: repeats take no
second place in the ring.

Half of the radio's time is for Wi-Fi. MicroPython's default would listen for 0.9 % of the time.
"""

import asyncio

from box.log import Log

_SCAN_RESULT, _SCAN_DONE = 5, 6
_INTERVAL_US, _WINDOW_US = 60_000, 30_000
_POLL_MS = 20
_IDLE_MS = 200  # without a bip; learning begins that much later
_RETRY_MS = 1000  # a scan that has stopped is begun again, but not in a quick circle

_SLOTS = 16  # a power of two
_LONGEST = 31  # bytes of an advertisement
_LENGTH, _RSSI, _ADDRESS, _PAYLOAD = 0, 1, 2, 8  # places in a slot
# BTHome's service data and Shelly's manufacturer data: what a bip that is to be learnt says.
_MARKS = (b"\x16\xd2\xfc", b"\xff\xa9\x0b")

_log = Log("ble")


class Ble:
    """`radio` is a bluetooth.BLE; `now()` gives monotonic milliseconds, in the Bluetooth task too."""

    def __init__(self, radio, now):
        self.turns = 0
        self.heard = 0  # everything since the start, strangers included
        self.dropped = 0  # packets of bips that found the ring full
        self._radio = radio
        self._now = now
        self._find = lambda address: None
        self._wanted: "bool | None" = None  # None: no scan; else whether an active one
        self._learning = False
        self._scan: "bool | None" = None  # what is on, likewise
        self._tried_ms: "int | None" = None
        self.deaf = False  # the radio does not do what it is told
        self._slots = [bytearray(_PAYLOAD + _LONGEST) for _ in range(_SLOTS)]
        self._times = [0] * _SLOTS
        self._head = 0  # written by the handler only
        self._tail = 0  # written by the task only

    def follow(self, find, count: int, learning: bool = False) -> None:
        """Hear the `count` bips of which `find(address)`, called in the Bluetooth task, knows; while `learning` every
        bip, and what it answers to an active scan.

        No bip, no scan: the stack takes RAM and radio time. No learning, no active scan: that tells everybody that
        somebody listens.
        """
        self._find = find
        self._learning = learning
        self._wanted = learning if count or learning else None
        self._tried_ms = None

    async def run(self, on_packet, on_turn) -> None:
        """Call `on_packet(address, rssi, payload, at_ms)` for each packet; what it gets is valid during the call. Then
        `on_turn(now_ms)`: what came before has been given."""
        while True:
            self.turns += 1
            self.keep_on()
            now_ms = self._now()
            self.drain(on_packet)
            on_turn(now_ms)
            await asyncio.sleep_ms(_IDLE_MS if self._wanted is None else _POLL_MS)

    def drain(self, on_packet) -> None:
        while self._tail != self._head:
            slot = memoryview(self._slots[self._tail])
            end = _PAYLOAD + slot[_LENGTH]
            rssi = slot[_RSSI]
            rssi = rssi - 256 if rssi > 127 else rssi
            on_packet(slot[_ADDRESS:_PAYLOAD], rssi, bytes(slot[_PAYLOAD:end]), self._times[self._tail])
            self._tail = (self._tail + 1) % _SLOTS

    # ---- the radio ----

    @property
    def scans(self) -> bool:
        return self._scan is not None

    def rescan(self) -> None:
        """Begin the scan again, in case it only seems to be on."""
        self._scan = None
        self._tried_ms = None

    def keep_on(self) -> None:
        """See to it that the scan is as wanted."""
        wanted = self._wanted
        now_ms = self._now()
        if wanted is self._scan or (self._tried_ms is not None and now_ms - self._tried_ms < _RETRY_MS):
            return
        self._tried_ms = now_ms
        try:
            if not self._radio.active():
                self._radio.active(True)
                self._radio.irq(self._happened)
            self._radio.gap_scan(None)
            if wanted is not None:
                self._radio.gap_scan(0, _INTERVAL_US, _WINDOW_US, wanted)
            self._scan = wanted
        except OSError as error:
            if not self.deaf:
                _log.error("does not hear", reason=error)
            self.deaf = True
        else:
            _log.info("scan", active=wanted)
            self.deaf = False

    # ---- in the Bluetooth task ----

    def _happened(self, event: int, data) -> None:
        if event == _SCAN_RESULT:
            self.heard += 1
            if self._find(data[1]) is not None or (self._learning and _is_bip(data[4])):
                self._take(data[1], data[3], data[4])
        elif event == _SCAN_DONE:
            self._scan = None

    def _take(self, address, rssi: int, payload) -> None:
        size = len(payload)
        head = self._head
        if head != self._tail:
            last = self._slots[(head - 1) % _SLOTS]
            if (
                last[_LENGTH] == size
                and last[_PAYLOAD : _PAYLOAD + size] == payload
                and last[_ADDRESS:_PAYLOAD] == address
            ):
                return
        after = (head + 1) % _SLOTS
        if size > _LONGEST or after == self._tail:
            self.dropped += 1
            return
        self._times[head] = self._now()
        slot = self._slots[head]
        slot[_LENGTH] = size
        slot[_RSSI] = rssi & 0xFF
        slot[_ADDRESS:_PAYLOAD] = address
        slot[_PAYLOAD : _PAYLOAD + size] = payload
        self._head = after


def _is_bip(payload) -> bool:
    data = bytes(payload)
    for mark in _MARKS:
        if data.find(mark) >= 0:
            return True
    return False
