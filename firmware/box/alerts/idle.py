"""Work ahead of need, done while no gesture is open: signature pairs, erased flash blocks, the time saved hourly."""

import asyncio
import gc

from box.core import conditions
from box.core.signer import POOL_SIZE
from box.errors import StorageError
from box.log import Log

_PAUSE_MS = 100
_SAVE_CLOCK_MS = 3600 * 1000

_log = Log("idle")


class Idle:
    """`rings`: the most urgent first, the event log among them last."""

    def __init__(self, rings: tuple, signer, clock, status):
        self.turns = 0
        self._rings = rings
        self._events = rings[-1]
        self._signer = signer
        self._clock = clock
        self._status = status
        self._saved_ms: "int | None" = None

    async def run(self) -> None:
        while True:
            await self._quiet()
            self._flash_work()
            strayed = self._clock.mend()
            if strayed:
                _log.warning("the clock had jumped and is set right", seconds=strayed)
            if self._signer.ready < POOL_SIZE:
                for _ in self._signer.refill():
                    await self._quiet(0)
                # A pair leaves much garbage; a press must not have to search for room in it.
                gc.collect()

    async def _quiet(self, pause_ms: int = _PAUSE_MS) -> None:
        """Give the loop a turn, and wait while a gesture is open."""
        self.turns += 1
        await asyncio.sleep_ms(pause_ms)
        while self._status.busy:
            self.turns += 1
            await asyncio.sleep_ms(_PAUSE_MS)

    def _flash_work(self) -> None:
        now = self._clock.now()
        saved_ms = self._saved_ms
        try:
            if self._clock.is_set and (saved_ms is None or now - saved_ms >= _SAVE_CLOCK_MS):
                self._saved_ms = now
                self._events.record(self._clock.utc_to_save(), self._clock.uptime_s(), self._events.TIME_SAVED)
            for ring in self._rings:
                if ring.prepare():
                    break
        except StorageError as error:
            if not self._status.is_on(conditions.UPKEEP):
                _log.error("flash fails", reason=error)
            self._status.set(conditions.UPKEEP, True)
        else:
            self._status.set(conditions.UPKEEP, False)
