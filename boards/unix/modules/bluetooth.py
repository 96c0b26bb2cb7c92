"""`bluetooth` of the virtual ESP32: hearing advertisements.

As on the chip the handler of events is called between two bytecodes, from the Bluetooth task, and must not raise. What
it gets are views of a buffer that is used again at once. While C code blocks, the chip's host keeps eight reports and
drops those that come then (`chip.service`). `rxbuf` cannot be set there, since the port hands events over directly.
An advertisement is heard if it falls into a scan window, an answer to it if the scan is active besides.
Not modelled: the three channels, collisions, what Wi-Fi takes of the radio's time, extended advertising, filtering of
duplicates, the RAM that the stack takes; connections, advertising, pairing, and everything of GATT and L2CAP.
"""

from virtual.chip import chip

_SCAN_RESULT, _SCAN_DONE = 5, 6
_ADV_IND, _SCAN_RSP = 0, 4
_PUBLIC = 0
_EINVAL, _ENODEV, _EALREADY = 22, 19, 114
_LONGEST = 31
_LEAST_US, _MOST_US = 2500, 40959375  # of the scan's interval and window: 16 bits of 625 us


class BLE:
    """One for the whole chip, however often it is made."""

    _active = False
    _handler = None
    _scan = None  # interval and window in microseconds, active; None: no scan
    _ends_us = None
    _address = bytearray(6)
    _data = bytearray(_LONGEST)

    def __new__(cls):
        if chip.ble is None:
            chip.ble = object.__new__(cls)
        return chip.ble

    def active(self, active=None):
        if active is not None:
            chip.fail("ble")
            self._active = bool(active)
            if not active:
                self._scan = None
        return self._active

    def config(self, param=None, **settings):
        if param == "mac":
            return (_PUBLIC, chip.mac)
        raise ValueError("unknown config param")

    def irq(self, handler):
        self._handler = handler

    def gap_scan(self, duration_ms, interval_us=1280000, window_us=11250, active=False):
        chip.fail("ble")
        if not self._active:
            raise OSError(_ENODEV)
        if duration_ms is None:
            if self._scan:
                self._stop()
            return
        if self._scan:
            raise OSError(_EALREADY)
        if not _LEAST_US <= window_us <= interval_us <= _MOST_US:
            raise OSError(_EINVAL)
        self._scan = (interval_us, window_us, bool(active))
        self._ends_us = chip.clock.now_us() + duration_ms * 1000 if duration_ms else None

    # ---- the chip calls ----

    def _stop(self):
        self._scan = None
        if self._handler:
            self._handler(_SCAN_DONE, ())

    def _hear(self, us, address, payload, rssi, answer):
        if self._scan and self._ends_us is not None and us >= self._ends_us:
            self._stop()
        if not self._scan:
            return
        interval_us, window_us, active = self._scan
        if us % interval_us >= window_us:
            return
        self._report(_ADV_IND, address, payload, rssi)
        if active and answer:
            self._report(_SCAN_RSP, address, answer, rssi)

    def _report(self, kind, address, payload, rssi):
        if not self._handler:
            return
        size = len(payload)
        self._address[:] = address
        self._data[:size] = payload
        self._handler(_SCAN_RESULT, (_PUBLIC, memoryview(self._address), kind, rssi, memoryview(self._data)[:size]))
        self._address[:] = bytes(6)
        self._data[:] = bytes(_LONGEST)
