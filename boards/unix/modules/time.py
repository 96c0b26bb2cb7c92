"""`time` of the virtual ESP32: epoch 2000, the board's clock.

Not modelled: drift of the RTC; blocking sleeps run no interrupt here.
"""

import utime
from utime import *  # noqa: F403 - extends the unix port's own module, which this one shadows
from virtual.chip import chip
from virtual.clock import EPOCH_2000

if chip.clock.stepped:
    ticks_ms = chip.clock.ticks_ms
    ticks_us = chip.clock.ticks_us
    ticks_add = chip.clock.ticks_add
    ticks_diff = chip.clock.ticks_diff


def sleep_us(us):
    chip.clock.sleep_us(us)


def sleep_ms(ms):
    chip.clock.sleep_us(ms * 1000)


def sleep(seconds):
    chip.clock.sleep_us(int(seconds * 1000000))


def time():
    return chip.rtc.seconds()


def time_ns():
    return chip.rtc.seconds() * 1000000000


def gmtime(secs=None):
    # The unix port adds a ninth field that the chip lacks.
    return utime.gmtime((time() if secs is None else secs) + EPOCH_2000)[:8]


def localtime(secs=None):
    return gmtime(secs)


def mktime(local_time):
    return utime.mktime(local_time) - EPOCH_2000
