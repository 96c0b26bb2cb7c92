"""Keep the Wi-Fi station joined.

The chip rejoins by itself after a short loss; after a long one it is told again.
"""

import asyncio

from box.log import Log

_POLL_MS = 200
_RETRY_MS = 20000

_log = Log("wifi")


class Wifi:
    """`wlan` is the chip's station interface."""

    def __init__(self, wlan, ssid: str, key: str):
        self._wlan = wlan
        self._ssid = ssid
        self._key = key
        self.connected = False
        self.turns = 0

    async def run(self, on_change) -> None:
        """Join and stay joined; call `on_change(connected)` at each change."""
        self._wlan.active(True)
        waited_ms = _RETRY_MS
        while True:
            self.turns += 1
            connected = self._wlan.isconnected()
            if connected != self.connected:
                self.connected = connected
                _log.info("joined" if connected else "lost")
                waited_ms = 0
                on_change(connected)
            if not connected:
                if waited_ms >= _RETRY_MS:
                    waited_ms = 0
                    self._join()
                waited_ms += _POLL_MS
            await asyncio.sleep_ms(_POLL_MS)

    def _join(self) -> None:
        for step in (self._wlan.disconnect, lambda: self._wlan.connect(self._ssid, self._key)):
            try:
                step()
            except (OSError, RuntimeError) as error:  # the port raises both
                # Disconnecting what was never connected is no reason not to connect.
                _log.warning("cannot join", reason=error)
