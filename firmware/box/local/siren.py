"""The siren output: silent unless the site's signed risk form allows it, and never for long."""

import asyncio

from box.log import Log

MAX_S = 180  # a siren that does not stop draws complaints, then gets unplugged

_log = Log("siren")


class Siren:
    """`pin` is an output whose level `on_level` sounds it."""

    def __init__(self, pin, on_level: int, allowed: bool, max_s: int = MAX_S):
        self._pin = pin
        self._on = on_level
        self._allowed = allowed
        self._max_s = max_s
        self._wanted = asyncio.Event()
        pin.value(1 - on_level)

    def sound(self) -> None:
        if self._allowed:
            self._wanted.set()

    def silence(self) -> None:
        self._pin.value(1 - self._on)
        self._wanted.clear()

    async def run(self) -> None:
        while True:
            await self._wanted.wait()
            _log.info("sounding", max_s=self._max_s)
            self._pin.value(self._on)
            await asyncio.sleep(self._max_s)
            self.silence()
