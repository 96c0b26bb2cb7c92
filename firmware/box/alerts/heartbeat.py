"""What depends on the time alone: the hourly heartbeat, a path that stays lost, the end of test mode."""

import asyncio

from box.core import alert, conditions
from box.core.path import PathWatch

_LOOK_MS = 1000
_HEARTBEAT_MS = 3600 * 1000


class Heartbeat:
    """`path`: the way to the receiver, with `connected`; None if the box has none, and then there is no heartbeat."""

    def __init__(self, path, issuer, test_mode, clock, status):
        self.turns = 0
        self._path = path
        self._issuer = issuer
        self._test_mode = test_mode
        self._clock = clock
        self._status = status
        self._watch = PathWatch(clock.now())
        self._last_ms = clock.now()

    async def run(self) -> None:
        while True:
            self.turns += 1
            self.tick(self._clock.now())
            await asyncio.sleep_ms(_LOOK_MS)

    def tick(self, now_ms: int) -> None:
        self._status.set(conditions.TEST_MODE, self._test_mode.is_on(now_ms))
        if self._path is None:
            return
        self._watch.update(self._path.connected, now_ms)
        self._status.set(conditions.PATH_LOST, self._watch.lost)
        if now_ms - self._last_ms >= _HEARTBEAT_MS:
            self._last_ms = now_ms
            self._issuer.issue(alert.HEARTBEAT, 0)
