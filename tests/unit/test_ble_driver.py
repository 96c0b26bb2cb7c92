"""The Bluetooth driver: what it takes, what it costs, and that the scan stays on."""

import asyncio
import gc
import sys

from bip_packets import bound
from box import log
from box.core.bip import Bips
from box.inputs.ble import Ble

log.now = lambda: 0
MAC, OTHER = bytes.fromhex("5448e68f8001"), bytes.fromhex("7a0000000001")
RESULT, DONE = 5, 6


class Radio:
    """A bluetooth.BLE. `calls`: what it was told; `broken`: it raises."""

    def __init__(self):
        self.calls = []
        self.on = self.broken = False
        self.handler = None

    def active(self, on=None):
        if on is not None:
            if self.broken:
                raise OSError(19)
            self.on = on
        return self.on

    def irq(self, handler):
        self.handler = handler

    def gap_scan(self, *arguments):
        if self.broken:
            raise OSError(19)
        self.calls.append(arguments)

    def say(self, address, payload, rssi=-60):
        """As the chip does: views of a buffer that is used again at once."""
        views = memoryview(bytearray(address)), memoryview(bytearray(payload))
        self.handler(RESULT, (0, views[0], 0, rssi, views[1]))
        views[0][:] = bytes(6)
        views[1][:] = bytes(len(payload))


class Clock:
    ms = 0

    def now(self):
        return self.ms


def made(count=1, learning=False):
    radio, clock = Radio(), Clock()
    ble = Ble(radio, clock.now)
    bips = [bound(MAC[:5] + bytes((1 + i,))) for i in range(count)]
    ble.follow(Bips(bips).find, count, learning)
    ble.keep_on()
    return ble, radio, clock


def drained(ble):
    taken = []
    ble.drain(lambda address, rssi, payload, at_ms: taken.append((bytes(address), rssi, payload)))
    return taken


def test_it_listens_half_of_the_time_and_says_nothing():
    _, radio, _ = made()
    assert radio.calls == [(None,), (0, 60000, 30000, False)]


def test_without_a_bip_the_radio_stays_off():
    _, radio, _ = made(count=0)
    assert not radio.on and radio.calls == []


def test_it_scans_actively_only_while_it_learns():
    ble, radio, _ = made(count=0, learning=True)
    assert radio.calls[-1] == (0, 60000, 30000, True)
    ble.follow(Bips([]).find, 1)
    ble.keep_on()
    assert radio.calls[-1] == (0, 60000, 30000, False)
    ble.follow(Bips([]).find, 0)
    ble.keep_on()
    assert radio.calls[-1] == (None,)


def test_a_packet_is_copied_before_the_handler_returns():
    ble, radio, _ = made()
    radio.say(MAC, b"\x02\x01\x06", -77)
    radio.say(MAC, b"abc", 5)
    assert drained(ble) == [(MAC, -77, b"\x02\x01\x06"), (MAC, 5, b"abc")]
    assert drained(ble) == []


def test_a_packet_is_given_with_the_time_at_which_it_came_however_late_that_is():
    ble, radio, clock = made()
    times, turns = [], []
    for clock.ms in (100, 400):
        radio.say(MAC, bytes((clock.ms & 0xFF,)))
    clock.ms = 20_000

    def took(address, rssi, payload, at_ms):
        times.append(at_ms)
        clock.ms += 50  # what comes meanwhile has not been given yet

    def turned(now_ms):
        turns.append((now_ms, list(times)))
        raise KeyboardInterrupt

    try:
        asyncio.run(ble.run(took, turned))
    except KeyboardInterrupt:
        pass
    assert turns == [(20_000, [100, 400])]


def test_strangers_are_counted_and_dropped():
    ble, radio, _ = made()
    for i in range(100):
        radio.say(OTHER[:5] + bytes((i,)), b"abc")
    radio.say(b"\x00\x00\x00" + MAC[3:], b"the same end")
    assert drained(ble) == [] and ble.heard == 101 and ble.dropped == 0


def test_a_stranger_costs_no_memory():
    if sys.implementation.name != "micropython":
        return
    ble, radio, _ = made(16)
    views = (0, memoryview(bytearray(OTHER)), 0, -60, memoryview(bytearray(31)))
    near = (0, memoryview(bytearray(b"\x00\x00\x00" + MAC[3:])), 0, -60, memoryview(bytearray(31)))
    handler = radio.handler
    handler(RESULT, views)
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(1000):
        handler(RESULT, views)
        handler(RESULT, near)
    assert gc.mem_alloc() == before


def test_repeats_take_one_place():
    ble, radio, _ = made(2)
    for _ in range(50):
        radio.say(MAC, b"press")
    radio.say(MAC[:5] + b"\x02", b"press")
    assert [address for address, _, _ in drained(ble)] == [MAC, MAC[:5] + b"\x02"]
    radio.say(MAC, b"press")
    assert len(drained(ble)) == 1, "what was taken may come again: the guard knows it"


def test_a_full_ring_drops_the_newest():
    ble, radio, _ = made()
    for i in range(40):
        radio.say(MAC, bytes((i,)))
    taken = [payload[0] for _, _, payload in drained(ble)]
    assert taken == list(range(15)) and ble.dropped == 25
    radio.say(MAC, b"next")
    assert drained(ble) == [(MAC, -60, b"next")]


def test_what_is_too_long_for_an_advertisement_is_dropped():
    ble, radio, _ = made()
    radio.say(MAC, bytes(32))
    radio.say(MAC, bytes(31))
    radio.say(MAC, b"")
    assert [len(payload) for _, _, payload in drained(ble)] == [31, 0]


def test_while_it_learns_every_bip_is_taken_and_nobody_else():
    ble, radio, _ = made(learning=True)
    radio.say(OTHER, b"\x02\x01\x06\x04\x16\xd2\xfc\x44")
    radio.say(OTHER, b"\x06\xff\xa9\x0b\x01\x08\x00")
    radio.say(OTHER, b"\x02\x01\x1a\x0b\xff\x4c\x00\x10")
    assert [payload[:2] for _, _, payload in drained(ble)] == [b"\x02\x01", b"\x06\xff"]


def test_a_scan_that_ends_is_begun_again_but_not_in_a_quick_circle():
    ble, radio, clock = made()
    clock.ms = 5000
    del radio.calls[:]
    for _ in range(10):
        radio.handler(DONE, ())
        assert not ble.scans
        ble.keep_on()
    assert radio.calls == [(None,), (0, 60000, 30000, False)]
    clock.ms += 1000
    ble.keep_on()
    assert len(radio.calls) == 4 and ble.scans


def test_a_radio_that_fails_is_told_and_tried_again():
    ble, radio, clock = made()
    radio.broken = True
    radio.handler(DONE, ())
    clock.ms = 5000
    ble.keep_on()
    assert ble.deaf and not ble.scans
    radio.broken = False
    clock.ms += 1000
    ble.keep_on()
    assert not ble.deaf and ble.scans
