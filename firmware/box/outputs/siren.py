"""The siren output. When it sounds is decided in `core/siren.py`."""

import asyncio

from box.core import alert, conditions
from box.core.siren import SirenRule, after_restart
from box.log import Log

_TURN_MS = 10_000

_log = Log("siren")


class Siren:
    """`output`: the pin, and its level that sounds. `tell(what)` gets each thing worth an event."""

    def __init__(self, output: tuple, rule: SirenRule, clock, status, tell):
        self._pin, self._on = output
        self._rule = rule
        self._clock = clock
        self._status = status
        self._tell = tell
        self._changed = asyncio.Event()
        self.turns = 0
        self._pin.value(1 - self._on)

    def alert(self, sequence: int, kind: int) -> None:
        """An alarm: sound at once, if that is right; a further alarm while it sounds begins the time anew."""
        if kind == alert.ALARM:
            test_mode = self._status.holds(conditions.TEST_MODE)
            self._told(self._rule.alarm(self._clock.now(), self._clock.utc(), test_mode))

    def answered(self, sequence: int, kind: int, state: int) -> None:
        if state == alert.IN_CHARGE:
            self._told(self._rule.taken())

    def restarted(self, last_told: "str | None") -> None:
        """After a start, with what was told last before it: say so if a siren was cut off."""
        self._told(after_restart(last_told))

    async def run(self) -> None:
        while True:
            self.turns += 1
            self._changed.clear()
            until_ms = self._rule.until_ms
            wait_ms = _TURN_MS if until_ms is None else min(_TURN_MS, max(0, until_ms - self._clock.now()))
            try:
                await asyncio.wait_for_ms(self._changed.wait(), wait_ms)
            except asyncio.TimeoutError:
                self._told(self._rule.expire(self._clock.now()))

    def _told(self, what: "str | None") -> None:
        if what is None:
            return
        self._pin.value(self._on if self._rule.until_ms is not None else 1 - self._on)
        self._changed.set()
        _log.info(what)
        self._tell(what)
