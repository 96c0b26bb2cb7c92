"""Keep the Wi-Fi station joined to one of the known networks, in order of preference.

The chip rejoins by itself after a short loss; after a long one it is told again, and
of several networks each has its turn. For the technician: what can be heard, and
whether a network can be joined.
"""

import asyncio

from box.errors import TransportError
from box.log import Log

_POLL_MS = 200
_RETRY_MS = 20000
_PROBE_MS = 15000

# ESP-IDF's reasons, which the chip's status() gives beside its own numbers.
_REASONS = {
    15: "the key is wrong",
    201: "no network of this name can be heard",
    202: "the key is wrong",
    203: "the access point takes no more stations",
    204: "the key is wrong",
    210: "the access point has another kind of security",
    211: "the access point has another kind of security",
}

_log = Log("wifi")


class Wifi:
    """`wlan` is the chip's station interface; `networks`: (ssid, key) of each, the best first."""

    def __init__(self, wlan, networks):
        self._wlan = wlan
        self._networks = networks
        self._next = 0
        self._waited_ms = _RETRY_MS
        self._probing = False
        self.connected = False
        self.turns = 0

    async def run(self, on_change) -> None:
        """Join and stay joined; call `on_change(connected)` at each change."""
        while True:
            self.turns += 1
            connected = self._wlan.isconnected() and not self._probing
            if connected != self.connected:
                self.connected = connected
                _log.info("joined" if connected else "lost")
                self._waited_ms = self._next = 0
                on_change(connected)
            if not connected and not self._probing:
                if self._waited_ms >= _RETRY_MS:
                    self._waited_ms = 0
                    self._join_next()
                self._waited_ms += _POLL_MS
            await asyncio.sleep_ms(_POLL_MS)

    def _join_next(self) -> None:
        self._try(self._wlan.active, True)  # it may have had no memory when it was tried before
        self._try(self._wlan.disconnect)
        if self._networks:
            network = self._networks[self._next % len(self._networks)]
            self._next += 1
            self._try(self._wlan.connect, *network)

    def _try(self, step, *arguments) -> None:
        try:
            step(*arguments)
        except (OSError, RuntimeError) as error:  # the port raises both
            # Disconnecting what was never connected is no reason not to connect.
            _log.warning("cannot join", reason=error)

    def scan(self) -> list:
        """[ssid, level in dBm, is open] of the networks that can be heard, strongest first. Blocks the loop for 2 s."""
        try:
            self._wlan.active(True)
            found = self._wlan.scan()
        except (OSError, RuntimeError) as error:
            raise TransportError("the radio cannot listen now, try again: %s" % error)
        levels: dict = {}  # of the strongest access point of each name
        for raw, _, _, level, security, _ in found:
            try:
                ssid = str(raw, "utf-8")
            except UnicodeError:
                continue  # nor could it be written into the settings
            if ssid and (ssid not in levels or level > levels[ssid][0]):
                levels[ssid] = (level, security == 0)
        strongest = sorted([(-level, ssid, is_open) for ssid, (level, is_open) in levels.items()])
        return [[ssid, -level, is_open] for level, ssid, is_open in strongest]

    async def probe(self, ssid: str, key: str, is_wanted) -> str:
        """The address that this network gives; TransportError with the reason if none. Then back to the known ones.

        `is_wanted()`: something has to be sent, so the trial ends.
        """
        self._probing = True
        try:
            self._try(self._wlan.active, True)
            self._try(self._wlan.disconnect)
            self._try(self._wlan.connect, ssid, key)
            for _ in range(_PROBE_MS // _POLL_MS):
                await asyncio.sleep_ms(_POLL_MS)
                if is_wanted():
                    raise TransportError("an alert has to go out: try again when it has")
                if self._wlan.isconnected():
                    address: str = self._wlan.ifconfig()[0]
                    return address
            raise TransportError(_REASONS.get(self._wlan.status()) or "the network gives no address")
        finally:
            self._probing = False
            self._waited_ms = self._next = 0
            self._join_next()
