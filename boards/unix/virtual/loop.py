"""asyncio's meeting point with the virtual board: where the loop waits.

On the chip, waiting is when interrupts run. Here the wait is cut at the next
edge or advertisement. With the stepped clock it also moves virtual time, but
only when no task is ready, the network has gone quiet, and the host has granted
time.
"""

import asyncio
import asyncio.core as core

from virtual.chip import chip

# Real milliseconds for the other end to answer before virtual time moves past it.
_QUIET_MS = 20
# While tasks are ready the network is looked at once in so many turns and one; before time moves, always.
_POLL_TURNS = 7

_wait = core.IOQueue.wait_io_event


class _Queue(core.IOQueue):
    def wait_io_event(self, dt):
        chip.service()
        event_us = chip.next_event_us()
        if event_us is not None:
            wait = max(0, (event_us - chip.clock.now_us() + 999) // 1000)
            dt = wait if dt < 0 else min(dt, wait)
        _wait(self, dt)
        chip.service()


class _SteppedQueue(core.IOQueue):
    def __init__(self, idle):
        super().__init__()
        self._idle = idle  # called when all granted time is used up
        self._turns = 0  # of ready tasks
        self.written = False  # something was sent; an answer may be on its way

    def queue_write(self, s):
        self.written = True
        core.IOQueue.queue_write(self, s)

    def wait_io_event(self, dt):
        if dt == 0:
            self._turns += 1
            if self._turns & _POLL_TURNS == 0:
                _wait(self, 0)
            return
        peek = core._task_queue.peek
        before = peek()
        _wait(self, _QUIET_MS if self.written else 0)
        if peek() is not before:
            return
        self.written = False
        clock = chip.clock
        now = clock.now_us()
        target = clock.until_us
        if dt > 0:
            target = min(target, now // 1000 * 1000 + dt * 1000)
        event_us = chip.next_event_us()
        if event_us is not None:
            target = min(target, event_us)
        if target > now:
            clock.move_to(target)
            chip.service()
        elif clock.until_us <= now:
            self._idle()
            _wait(self, -1)
        else:
            chip.service()


def install(idle):
    """Put the board under asyncio; `idle()` is called when the stepped clock stands."""
    if not chip.clock.stepped:
        core._io_queue = _Queue()
        return
    queue = core._io_queue = _SteppedQueue(idle)
    stream_write = asyncio.StreamWriter.write

    def write(stream, data):
        queue.written = True
        return stream_write(stream, data)

    asyncio.StreamWriter.write = write
