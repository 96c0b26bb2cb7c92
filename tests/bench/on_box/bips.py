"""What advertisements take: a foreign one through the driver's handler, and a bound one opened (AES-CCM)."""

import gc
import json
import time

from box.core import ccm
from box.core.bip import Bip, Bips
from box.inputs.ble import Ble

_FOREIGN, _OPENED = 20000, 2000
_MAC = bytes.fromhex("5448e68f80a5")
_SCAN_RESULT = 5
# The base vector of the format: six bytes, sealed.
_KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
_NONCE = _MAC + bytes.fromhex("d2fc4100112233")
_SEALED, _TAG, _OPEN = (bytes.fromhex(text) for text in ("a47266c95f73", "78237214", "02ca0903bf13"))


class _Radio:
    """Of `bluetooth.BLE`, what the driver calls; the measured handler is what it is given."""

    def active(self, *on):
        return True

    def irq(self, handler):
        self.handler = handler

    def gap_scan(self, *how):
        pass


def _driver(count):
    radio = _Radio()
    driver = Ble(radio, lambda: 0)
    driver.follow(Bips([_bip(i) for i in range(count)]).find, count, False)
    return driver._happened


def _bip(i):
    return Bip({"id": i, "name": "b", "mac": (_MAC[:5] + bytes((i,))).hex(), "key": _KEY.hex()}, bytes(5), 0)


def _each_us(operation, count):
    begin = time.ticks_us()
    for _ in range(count):
        operation()
    return time.ticks_diff(time.ticks_us(), begin) / count


_happened = _driver(16)
_event = (0, memoryview(bytes.fromhex("7a0000000001")), 0, -60, memoryview(bytes(31)))
_before = _kept = 0
for _ in range(2):  # the first round makes what this script itself keeps
    gc.collect()
    _before = gc.mem_alloc()
    _foreign_us = _each_us(lambda: _happened(_SCAN_RESULT, _event), _FOREIGN)
    gc.collect()
    _kept = gc.mem_alloc() - _before
if ccm.unseal(_KEY, _NONCE, _SEALED, _TAG) != _OPEN:
    raise ValueError("the vector is not opened")
_opened_us = _each_us(lambda: ccm.unseal(_KEY, _NONCE, _SEALED, _TAG), _OPENED)
print(json.dumps({"foreign_us": _foreign_us, "kept": _kept, "opened_us": _opened_us}))
