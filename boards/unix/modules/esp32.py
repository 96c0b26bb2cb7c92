"""`esp32` of the virtual ESP32: data partitions on the virtual flash, and the pins that end a deep sleep.

Not modelled: application partitions' boot selection, NVS, RMT, ULP, the IDF
heap, waking by touch. Which reads fault on a real chip with a worn cell is up to tests/hil.
"""

from virtual.chip import chip

_BLOCK = 4096
_WAKERS = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39)  # the pins that the RTC sees

WAKEUP_ALL_LOW = False
WAKEUP_ANY_HIGH = True


def _waker(pin):
    if pin._number not in _WAKERS:
        raise ValueError("invalid pin")
    return pin._number


def wake_on_ext0(pin=None, level=WAKEUP_ALL_LOW):
    chip.ext0 = None if pin is None else (_waker(pin), level)


def wake_on_ext1(pins=None, level=WAKEUP_ALL_LOW):
    chip.ext1 = ([_waker(pin) for pin in pins or ()], level)


class Partition:
    TYPE_APP = 0
    TYPE_DATA = 1

    def __init__(self, id, block_size=_BLOCK):
        for row in chip.partitions:
            if row[4] == id:
                self._row = row
                self._first = row[2] // _BLOCK
                return
        raise OSError(2)

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, label=None):
        return [
            Partition(row[4])
            for row in chip.partitions
            if row[0] == type and subtype in (0xFF, row[1]) and label in (None, row[4])
        ]

    def info(self):
        """(type, subtype, address, size, label, encrypted)."""
        return self._row

    def ioctl(self, op, arg=0):
        if op == 4:
            return self._row[3] // _BLOCK
        if op == 6:
            arg += self._first
        return chip.flash.ioctl(op, arg)

    def readblocks(self, block_num, buf, offset=0):
        chip.fail("flash")
        chip.flash.readblocks(self._first + block_num, buf, offset)

    def writeblocks(self, block_num, buf, offset=None):
        chip.fail("flash")
        if offset is None:
            chip.flash.writeblocks(self._first + block_num, buf)
        else:
            chip.flash.writeblocks(self._first + block_num, buf, offset)
