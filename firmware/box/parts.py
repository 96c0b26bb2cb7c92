"""Feeds the watchdog, and only while every critical task makes progress.

So a box that cannot alert does not look alive: a task that ends restarts it at
once, one that is stuck lets the watchdog do it.
"""

import asyncio

from box.core.supervision import Supervision
from box.log import Log

# Longer than the longest stall that C code may cause (20 s), so that only what never ends restarts the box.
WATCHDOG_MS = 60 * 1000
_LOOK_MS = 1000

_log = Log("supervisor")


class Supervisor:
    """`parts`: name: (object with a count of its turns, `turns`; limit in ms without one)."""

    def __init__(self, parts: dict, watchdog, clock):
        self._parts = parts
        self._watchdog = watchdog
        self._clock = clock
        self._supervision = Supervision({name: limit_ms for name, (_, limit_ms) in parts.items()})

    async def run(self) -> None:
        while True:
            counts = {name: part.turns for name, (part, _) in self._parts.items()}
            stuck = self._supervision.look(counts, self._clock.now())
            if stuck is None:
                self._watchdog.feed()
            else:
                _log.error("task is stuck, the watchdog is not fed", task=stuck)
            await asyncio.sleep_ms(_LOOK_MS)
