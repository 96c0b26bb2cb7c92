"""The Wi-Fi station: which network is tried when, what is heard, and a trial that gives way."""

import asyncio

from box import log
from box.errors import TransportError
from box.transports import wifi

_POLL_MS = 200


class Ended(Exception):
    pass


class Air:
    """The chip's station, and the time: asyncio's sleep_ms moves it. `up`: names that can be joined."""

    def __init__(self, *up):
        self.up = set(up)
        self.ms = 0
        self.end_ms = 0
        self.wanted = None
        self.tried = []
        self.heard = []
        self.breaks = False
        self.reason = 201

    def active(self, on):
        pass

    def disconnect(self):
        if self.wanted is None:
            raise OSError("Wifi Not Started")  # as the chip does
        self.wanted = None

    def connect(self, ssid, key):
        self.tried.append((self.ms, ssid, key))
        if self.breaks:
            raise RuntimeError("Wifi Internal State Error")
        self.wanted = ssid

    def isconnected(self):
        return self.wanted in self.up

    def status(self):
        return self.reason

    def ifconfig(self):
        return ("192.0.2.%d" % len(self.wanted), "", "", "")

    def scan(self):
        if self.breaks:
            raise OSError("Wifi Unknown Error")
        return self.heard

    async def sleep_ms(self, ms):
        if self.ms >= self.end_ms:
            raise Ended
        self.ms += ms
        await asyncio.sleep(0)


class Quiet:
    class stdout:
        @staticmethod
        def write(text):
            pass


def play(air, networks, until_ms, deed=None):
    """Run the station until then, `deed(station)` beside it; returns what it told, and the deed's result."""
    told, result = [], []
    station = wifi.Wifi(air, networks)
    air.end_ms = until_ms

    async def run():
        try:
            await station.run(lambda connected: told.append((air.ms, connected)))
        except Ended:
            pass

    async def beside():
        task = asyncio.create_task(run())
        if deed:
            try:
                result.append(await deed(station))
            except TransportError as error:
                result.append(str(error))
        await task

    wifi.asyncio, log.sys, log.now = air, Quiet, lambda: 0
    try:
        asyncio.run(beside())
    finally:
        wifi.asyncio = asyncio
        log.sys = __import__("sys")
    return told, result


def test_one_network_is_joined_at_once_and_again_every_twenty_seconds():
    air = Air()
    told, _ = play(air, [("shop", "key")], 45000)
    assert [row[1:] for row in air.tried] == [("shop", "key")] * 3
    assert air.tried[0][0] == 0
    assert [later[0] - earlier[0] for earlier, later in zip(air.tried, air.tried[1:])] == [20000, 20000]
    assert told == []


def test_a_joined_network_is_told_and_not_joined_again():
    air = Air("shop")
    told, _ = play(air, [("shop", "key"), ("other", "")], 60000)
    assert len(air.tried) == 1 and len(told) == 1 and told[0][1] is True


def test_the_next_network_has_its_turn_when_one_cannot_be_joined():
    air = Air("third")
    told, _ = play(air, [("first", "a"), ("second", "b"), ("third", "c")], 60000)
    assert [row[1] for row in air.tried] == ["first", "second", "third"]
    assert told[-1][1] is True


def test_after_the_last_network_comes_the_first():
    air = Air()
    play(air, [("first", ""), ("second", "")], 70000)
    assert [row[1] for row in air.tried] == ["first", "second", "first", "second"]


def test_a_lost_network_may_come_back_by_itself_then_the_best_is_tried_first():
    air = Air("second")

    async def lose(station):
        while not station.connected:
            await asyncio.sleep(0)
        air.up.clear()
        lost_ms = air.ms
        while len(air.tried) < 3:
            await asyncio.sleep(0)
        return air.tried[2][0] - lost_ms, air.tried[2][1]

    _, result = play(air, [("first", ""), ("second", "")], 60000, lose)
    after_ms, name = result[0]
    assert name == "first" and 19000 <= after_ms <= 21000


def test_errors_of_the_radio_end_nothing():
    air = Air("shop")
    air.breaks = True
    play(air, [("shop", "")], 45000)
    assert len(air.tried) == 3


def test_a_box_without_networks_waits():
    air = Air()
    assert play(air, [], 45000) == ([], [])
    assert air.tried == []


def test_a_trial_gives_the_address_and_then_the_known_network_again():
    air = Air("shop", "elsewhere")

    async def probe(station):
        while not station.connected:
            await asyncio.sleep(0)
        return await station.probe("elsewhere", "secret key", lambda: False)

    told, result = play(air, [("shop", "key")], 30000, probe)
    assert result == ["192.0.2.9"]
    assert [row[1:] for row in air.tried] == [("shop", "key"), ("elsewhere", "secret key"), ("shop", "key")]
    # While the other network is tried, the link must not take it for its own.
    assert [connected for _, connected in told] in ([True, False, True], [True])


def test_a_failed_trial_says_why():
    for reason, words in (
        (201, "no network of this name"),
        (15, "key is wrong"),
        (202, "key is wrong"),
        (1001, "no address"),
    ):
        air = Air("shop")
        air.reason = reason

        async def probe(station):
            return await station.probe("elsewhere", "", lambda: False)

        _, result = play(air, [("shop", "")], 30000, probe)
        assert words in result[0], result
        assert air.tried[-1][1] == "shop"


def test_a_trial_ends_when_something_has_to_be_sent():
    air = Air("shop")

    async def probe(station):
        return await station.probe("elsewhere", "", lambda: air.ms >= 1000)

    told, result = play(air, [("shop", "")], 30000, probe)
    assert "an alert has to go out" in result[0]
    assert air.tried[-1][1] == "shop" and air.tried[-1][0] <= 1000 + _POLL_MS
    assert told[-1][1] is True


def test_networks_are_heard_strongest_first_and_once_each():
    air = Air()
    air.heard = [
        (b"far", b"", 1, -80, 3, False),
        (b"open", b"", 1, -60, 0, False),
        (b"near", b"", 1, -70, 3, False),
        (b"near", b"", 6, -40, 3, False),
        (b"", b"", 1, -20, 3, True),
        (b"\xff", b"", 1, -20, 3, False),
    ]
    assert wifi.Wifi(air, []).scan() == [["near", -40, False], ["open", -60, True], ["far", -80, False]]


def test_a_radio_that_cannot_listen_says_so():
    air = Air()
    air.breaks = True
    try:
        wifi.Wifi(air, []).scan()
    except TransportError:
        return
    raise AssertionError("no error")
