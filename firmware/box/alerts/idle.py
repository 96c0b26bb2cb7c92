"""Work that can wait, done while no gesture is open: its timing comes first.

Signatures computed ahead, flash blocks erased ahead, the time saved hourly, a
heartbeat, the watch over the path.
"""

import asyncio
import gc

from box.core import alert, path
from box.core.signer import POOL_SIZE
from box.errors import StorageError
from box.log import Log

_PAUSE_MS = 100
_SAVE_CLOCK_MS = 3600 * 1000
_HEARTBEAT_MS = 3600 * 1000


_log = Log("upkeep")


class Upkeep:
    """`is_busy()`: a gesture is open. `is_connected()`: the path to the receiver is up; None if the box has none.

    `on_pass()` is called at each round, for what depends on the time alone.
    """

    def __init__(self, clock, journal, events, counters, signer, issuer, is_busy, is_connected, on_pass):
        self.turns = 0
        self.fault = False  # flash failed at the last attempt
        self._clock = clock
        self._events = events
        self._rings = (journal, counters, events)  # the most urgent first
        self._signer = signer
        self._issuer = issuer
        self._is_busy = is_busy
        self._is_connected = is_connected
        self._on_pass = on_pass
        self.path = path.PathWatch(clock.now())
        self._saved_ms: "int | None" = None
        self._heartbeat_ms = clock.now()

    async def run(self) -> None:
        while True:
            await self._quiet()
            self._flash_work()
            strayed = self._clock.mend()
            if strayed:
                _log.warning("the clock had jumped and is set right", seconds=strayed)
            self._watch()
            self._on_pass()
            if self._signer.ready < POOL_SIZE:
                for _ in self._signer.refill():
                    await self._quiet(0)
                # A pair leaves much garbage; a press must not have to search for room in it.
                gc.collect()

    async def _quiet(self, pause_ms: int = _PAUSE_MS) -> None:
        """Give the loop a turn, and wait while a gesture is open."""
        self.turns += 1
        await asyncio.sleep_ms(pause_ms)
        while self._is_busy():
            self.turns += 1
            await asyncio.sleep_ms(_PAUSE_MS)

    def _flash_work(self) -> None:
        now = self._clock.now()
        saved_ms = self._saved_ms
        if self._clock.is_set and (saved_ms is None or now - saved_ms >= _SAVE_CLOCK_MS):
            self._saved_ms = now
            self._record(self._events.TIME_SAVED)
        try:
            for ring in self._rings:
                if ring.prepare():
                    break
            self.fault = False
        except StorageError as error:
            self._failed(error)

    def _record(self, event: int) -> None:
        try:
            self._events.record(self._clock.utc_to_save(), self._clock.uptime_s(), event)
        except StorageError as error:
            self._failed(error)

    def _failed(self, error: StorageError) -> None:
        if not self.fault:
            _log.error("flash fails", reason=error)
        self.fault = True

    def _watch(self) -> None:
        now = self._clock.now()
        connected = self._is_connected()
        if connected is None:
            return
        found = self.path.look(connected, now)
        if found is not None:
            is_lost = found == path.LOST
            self._record(self._events.LINK_DOWN if is_lost else self._events.LINK_UP)
            self._issuer.issue(alert.PATH_LOST if is_lost else alert.PATH_BACK, 0)
        if now - self._heartbeat_ms >= _HEARTBEAT_MS:
            self._heartbeat_ms = now
            self._issuer.issue(alert.HEARTBEAT, 0)
