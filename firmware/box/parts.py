"""Every part of the box runs here, is watched, and must not end.

A part has `async run(*arguments)`, and `turns`, a count that grows as long as it is not stuck. So a box that cannot
alert does not look alive: a part that ends restarts it at once; while one is stuck, nobody feeds the watchdog.
"""

import asyncio
from array import array

from box.log import Log

# Longer than the longest stall that C code may cause (20 s), so that only what never ends restarts the box.
WATCHDOG_MS = 60 * 1000
_LOOK_MS = 1000

_log = Log("parts")


class Parts:
    """`rows`: (name, most milliseconds without a turn, part, arguments of its `run`) of each.

    `watchdog`: None in development, for it cannot be stopped. `died(name)` is called when a part has ended.
    """

    def __init__(self, rows: list, watchdog, clock, died):
        self._rows = rows
        self._watchdog = watchdog
        self._clock = clock
        self._died = died
        self._turns = array("i", [-1] * len(rows))  # of each part, at the last look
        self._since_ms = array("q", self._turns)  # when there were so many first

    async def run(self) -> None:
        for name, _, part, arguments in self._rows:
            asyncio.create_task(self._keep(name, part.run(*arguments)))
        while True:
            stuck = self.stuck(self._clock.now())
            if stuck:
                _log.error("a part is stuck, the watchdog is not fed", part=stuck)
            elif self._watchdog:
                self._watchdog.feed()
            await asyncio.sleep_ms(_LOOK_MS)

    def stuck(self, now_ms: int) -> "str | None":
        """The name of a part that has made no turn for longer than it may, as of this look; None if none is."""
        found = None
        for i, (name, limit_ms, part, _) in enumerate(self._rows):
            turns = part.turns & 0x3FFFFFFF
            if turns != self._turns[i]:
                self._turns[i] = turns
                self._since_ms[i] = now_ms
            elif now_ms - self._since_ms[i] > limit_ms:
                found = name
        return found

    async def _keep(self, name: str, run) -> None:
        try:
            await run
            _log.error("a part ended", part=name)
        except Exception as error:  # noqa: BLE001 - whatever ended it, the box restarts
            _log.error("a part died", part=name, reason=repr(error))
        self._died(name)
