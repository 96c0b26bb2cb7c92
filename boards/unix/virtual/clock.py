"""The virtual board's clock: real (the host's monotonic clock) or stepped.

Everything on the board that knows time asks `now_us`: `time.ticks_*`, the
real-time clock, scheduled pin edges, asyncio. The stepped clock moves only when
the loop is idle and the host has granted time with `advance`.
"""

import utime

# MicroPython on the ESP32 counts from 2000; the unix port from 1970.
EPOCH_2000 = 946684800
TICKS_MASK = 0x3FFFFFFF  # the ESP32's ticks wrap at 2**30


class RealClock:
    stepped = False

    def now_us(self):
        return utime.ticks_us()

    def sleep_us(self, us):
        """Pass time as C code that blocks the interpreter does."""
        utime.sleep_us(us)


class SteppedClock:
    stepped = True

    def __init__(self):
        self._us = 1000
        self.until_us = self._us  # the host has granted time up to here

    def now_us(self):
        return self._us

    def sleep_us(self, us):
        self._us += us
        self.until_us = max(self.until_us, self._us)

    def move_to(self, us):
        self._us = max(self._us, us)

    def ticks_ms(self):
        return self._us // 1000 & TICKS_MASK

    def ticks_us(self):
        return self._us & TICKS_MASK

    @staticmethod
    def ticks_add(ticks, delta):
        return (ticks + delta) & TICKS_MASK

    @staticmethod
    def ticks_diff(end, start):
        half = (TICKS_MASK + 1) // 2
        return ((end - start + half) & TICKS_MASK) - half


class RealTimeClock:
    """The chip's RTC: seconds since 2000, lost whenever power is."""

    def __init__(self, clock, seconds):
        self._clock = clock
        self.set(seconds)

    def seconds(self):
        return self._at_zero + self._clock.now_us() // 1000000

    def set(self, seconds):
        self._at_zero = seconds - self._clock.now_us() // 1000000
