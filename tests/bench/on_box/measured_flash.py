"""The virtual NOR flash with a stopwatch, so that the time of the model itself can be told from the firmware's."""

import time

from virtual.nor import NorFlash


class MeasuredFlash:
    """A block device of `blocks` blank blocks. `us` is the time spent in the model."""

    def __init__(self, blocks):
        cells = bytearray(4096 * blocks)  # filled in place: the heap has no room for it twice
        for block in range(blocks):
            cells[block * 4096 : (block + 1) * 4096] = b"\xff" * 4096
        self._flash = NorFlash(cells)
        self.reads = self.read_bytes = self.us = 0

    @property
    def programs(self):
        return sum(self._flash.programs)

    @property
    def erases(self):
        return sum(self._flash.erases)

    def ioctl(self, op, arg=0):
        return self._timed(self._flash.ioctl, op, arg)

    def readblocks(self, block, buf, offset=0):
        self.reads += 1
        self.read_bytes += len(buf)
        self._timed(self._flash.readblocks, block, buf, offset)

    def writeblocks(self, block, buf, offset):
        self._timed(self._flash.writeblocks, block, buf, offset)

    def _timed(self, operation, *arguments):
        begin = time.ticks_us()
        result = operation(*arguments)
        self.us += time.ticks_diff(time.ticks_us(), begin)
        return result
