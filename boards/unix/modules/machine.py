"""`machine` of the virtual ESP32: Pin, ADC, RTC, WDT, reset, deep sleep.

Not modelled: drive strength, hold, pulls and so pins that float, in deep sleep too; light sleep; hard interrupts (they
run as soft ones), the RTC's alarms; a watchdog bites only when the loop turns again
(the host's `bite` stands in for it); the converter's noise and bent
ends, and the second converter's quarrel with Wi-Fi.
"""

import time

from virtual import sleep
from virtual.chip import chip

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5
EXT0_WAKE = sleep.EXT0
EXT1_WAKE = sleep.EXT1
TIMER_WAKE = sleep.TIMER


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, alt=None):
        self._number = id
        self._state = chip.pin(id)
        self.init(mode, pull, value=value, drive=drive, alt=alt)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, alt=None):
        if mode == Pin.OUT:
            if not self._state.output:
                self._state.output = True
                self._state.level = 0
            if value is not None:
                chip.drive(self._number, value)

    def value(self, x=None):
        if x is None:
            chip.fail("pin")
            return self._state.level
        chip.fail("output")
        chip.drive(self._number, x)
        return None

    def __call__(self, x=None):
        return self.value(x)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(1 - self._state.level)

    def irq(self, handler=None, trigger=IRQ_FALLING | IRQ_RISING, *, priority=1, wake=None, hard=False):
        self._state.pin = self
        self._state.handler = handler
        self._state.trigger = trigger


class ADC:
    """`chip.microvolts` says what stands at the pins; beyond the range that the attenuation gives it reads its end."""

    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3

    def __init__(self, id, *, atten=ATTN_0DB):
        self._number = id if isinstance(id, int) else id._number
        if not 32 <= self._number <= 39:  # the first converter: there is no other
            raise ValueError("invalid pin")
        self.init(atten=atten)

    def init(self, *, atten=ATTN_0DB):
        self._most_uv = (950000, 1250000, 1750000, 2450000)[atten]

    def read_uv(self):
        try:
            chip.fail("adc")
        except OSError:  # as one without its reference voltage
            raise OSError(-258, "ESP_ERR_INVALID_ARG")
        return min(chip.microvolts.get(self._number, 0), self._most_uv)


class RTC:
    def __init__(self, id=0):
        pass

    def datetime(self, datetimetuple=None):
        """Get or set (year, month, day, weekday, hours, minutes, seconds, subseconds)."""
        if datetimetuple is not None:
            year, month, day, _, hours, minutes, seconds, _ = datetimetuple
            chip.rtc.set(time.mktime((year, month, day, hours, minutes, seconds, 0, 0)))
            return None
        year, month, day, hours, minutes, seconds, weekday, _ = time.gmtime()
        return year, month, day, weekday, hours, minutes, seconds, 0

    def memory(self, data=None):
        """Get or set the bytes that outlast a deep sleep; here they go with any other reset."""
        if data is None:
            return chip.memory
        if len(data) > 2048:
            raise ValueError("buffer too long")
        chip.memory = bytes(data)
        return None


class WDT:
    def __init__(self, *, id=0, timeout=5000):
        chip.feed(timeout)
        chip.notify({"event": "watchdog"})

    def feed(self):
        chip.feed()


def unique_id():
    return chip.mac


def reset_cause():
    return chip.reset_cause


def wake_reason():
    return chip.wake_reason


def deepsleep(time_ms=None):
    sleep.deep(time_ms)


def reset():
    chip.die("reset")


def soft_reset():
    chip.die("soft reset")
