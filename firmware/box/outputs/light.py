"""The box's one dim light. What it shows is decided in `core/signs.py`."""

import asyncio

from box.core import alert, conditions, signs


class Light:
    """`output`: the pin, and its level that lights. `presses()`: how many the receiver has not got."""

    def __init__(self, output: tuple, clock, status, presses):
        self._pin, self._on = output
        self._clock = clock
        self._status = status
        self._presses = presses
        self._signs = signs.Signs()
        self._changed = asyncio.Event()
        self._state = signs.STARTING
        self.turns = 0
        self._pin.value(1 - self._on)

    def alert(self, sequence: int, kind: int) -> None:
        if kind in alert.PRESSES:
            self._signs.pressed(self._clock.now())
        self._changed.set()

    def answered(self, sequence: int, kind: int, state: int) -> None:
        now = self._clock.now()
        if kind in alert.PRESSES:
            self._signs.received(now)
        if state == alert.IN_CHARGE:
            self._signs.in_charge(now)
        self._changed.set()

    def condition(self, row: int, on: bool) -> None:
        self._changed.set()

    async def run(self) -> None:
        while True:
            self.turns += 1
            self._state = self._choose()
            await self._show(signs.PATTERNS[self._state])

    async def _show(self, pattern: tuple) -> None:
        """Once, or until there is another to show."""
        for index, duration_ms in enumerate(pattern):
            self._pin.value(1 - self._on if index % 2 else self._on)
            until_ms = self._clock.now() + duration_ms
            while until_ms > self._clock.now():
                self._changed.clear()
                try:
                    await asyncio.wait_for_ms(self._changed.wait(), until_ms - self._clock.now())
                except asyncio.TimeoutError:
                    break
                if self._choose() != self._state:
                    return

    def _choose(self) -> str:
        status = self._status
        learning = status.is_on(conditions.LEARNING)
        # Where there is no receiver, nothing is under way; the press that began learning would hide it.
        waiting = 0 if learning and status.is_on(conditions.UNENROLLED) else self._presses()
        fault = status.sentence() is not None
        return self._signs.state(self._clock.now(), waiting, fault, learning, status.is_on(conditions.TEST_MODE))
