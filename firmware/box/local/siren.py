"""The siren output: silent unless the site's signed risk form allows it, and never for long."""

import asyncio

from box.log import Log

MAX_S = 180  # a siren that does not stop draws complaints, then gets unplugged

_log = Log("siren")


class Siren:
    """`pin` is an output whose level `on_level` sounds it; `now()` gives monotonic milliseconds."""

    def __init__(self, pin, on_level: int, allowed: bool, now, max_s: int = MAX_S):
        self._pin = pin
        self._on = on_level
        self._allowed = allowed
        self._now = now
        self._max_ms = max_s * 1000
        self._until_ms = 0
        self._changed = asyncio.Event()
        pin.value(1 - on_level)

    def sound(self) -> None:
        """Sound at once; a further alarm while it sounds begins the time anew."""
        if self._allowed:
            _log.info("sounding", max_s=self._max_ms // 1000)
            self._pin.value(self._on)
            self._until_ms = self._now() + self._max_ms
            self._changed.set()

    def silence(self) -> None:
        self._until_ms = 0
        self._changed.set()

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            left_ms = self._until_ms - self._now()
            if left_ms > 0:
                try:
                    await asyncio.wait_for_ms(self._changed.wait(), left_ms)
                    continue
                except asyncio.TimeoutError:
                    pass
            self._pin.value(1 - self._on)
