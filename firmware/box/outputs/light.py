"""The box's one dim light."""

import asyncio

from box.core import signs


class Light:
    """`pin` is an output whose level `on_level` lights it."""

    def __init__(self, pin, on_level: int):
        self._pin = pin
        self._on = on_level
        self._off = 1 - on_level
        self._changed = asyncio.Event()
        self.state = signs.STARTING
        pin.value(self._off)

    def show(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self._changed.set()

    async def run(self) -> None:
        while True:
            self._changed.clear()
            pattern = signs.PATTERNS[self.state]
            for index, duration_ms in enumerate(pattern):
                self._pin.value(self._off if index % 2 else self._on)
                if await self._wait(duration_ms):
                    break

    async def _wait(self, duration_ms: int) -> bool:
        """True when the state changed meanwhile."""
        try:
            await asyncio.wait_for_ms(self._changed.wait(), duration_ms)
        except asyncio.TimeoutError:
            return False
        return True
