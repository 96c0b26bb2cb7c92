"""Mains supply: the level now, and lost/back once it has held for a while.

Short dips are common and tell nobody anything, so a change is reported after
`delay_s`; the flag in an alert follows at once.
"""

import asyncio

_POLL_MS = 500


class Mains:
    """`pin` reads `present_level` while mains is there."""

    def __init__(self, pin, present_level: int, clock, delay_s: int = 60):
        self._pin = pin
        self._present_level = present_level
        self._clock = clock
        self._delay_ms = delay_s * 1000
        self._reported = True

    @property
    def present(self) -> bool:
        return self._pin.value() == self._present_level

    async def run(self, on_change) -> None:
        """Call `on_change(present)` for each change that has held."""
        since = self._clock.now()
        while True:
            await asyncio.sleep_ms(_POLL_MS)
            present = self.present
            if present == self._reported:
                since = self._clock.now()
            elif self._clock.now() - since >= self._delay_ms:
                self._reported = present
                on_change(present)
