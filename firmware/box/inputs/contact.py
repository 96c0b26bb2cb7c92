"""A contact that rests in one of two states: is mains there, is the case closed?

Read at intervals: what matters here lasts. How long it must last is the table in `core/levels.py`.
"""

import asyncio

from box.core.levels import Level


class Contact:
    """`pin` reads `level` while what is watched for is so; `times_ms` is a row of core/levels.py."""

    def __init__(self, pin, level: int, clock, times_ms: tuple[int, int]) -> None:
        self._pin = pin
        self._level_on = level
        self._clock = clock
        self._level = Level(times_ms)
        self.turns = 0
        self._poll_ms = min(500, max(50, times_ms[0] // 4))

    @property
    def is_on(self) -> bool:
        """As the pin reads now, for the flag in an alert."""
        return self._pin.value() == self._level_on

    @property
    def told(self) -> bool:
        """As it was told last: what the light and the status show."""
        return self._level.active

    async def run(self, on_change) -> None:
        """Call `on_change(is_on)` for each change that has held."""
        while True:
            self.turns += 1
            if self._level.update(self.is_on, self._clock.now()):
                on_change(self._level.active)
            await asyncio.sleep_ms(self._poll_ms)
