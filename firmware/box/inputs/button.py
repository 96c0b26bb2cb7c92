"""A wired button or foot switch: interrupts record, a task decides.

The pin comes in ready made (pull-up and all). Its soft interrupt writes time and
level into a preallocated ring and does nothing else; the task drains the ring, reads
the level, and hands both to `core/debounce`, which knows what a stall may have hidden.

A stall is told from an ordinary pause by the task's own rhythm, so nothing else may
call `service()`, and the task must not be starved.
"""

import asyncio

from box.core.debounce import Debounce
from box.core.gesture import Gesture

_SLOTS = 32  # a power of two; the interpreter queues 8 handlers at most during a stall
_IDLE_MS = 20  # well below blind_ms, or every pause would count as a stall
_BUSY_MS = 10


class Button:
    """Gestures of the contact on `pin`.

    `now()` gives monotonic milliseconds that never wrap and may be called from a soft
    interrupt. `active` is the level when pressed (0: closes to ground; 1: normally closed).
    `woke`: it ended the chip's sleep, from which on `now()` counts; so many milliseconds later Python looked first, and
    it was still down, or not. `thresholds` are those of Gesture: click_ms, window_ms, hold_ms, stuck_ms.
    """

    def __init__(self, pin, now, active: int = 0, settle_ms: int = 10, woke=None, **thresholds) -> None:
        self._pin = pin
        self._now = now
        self.active = active
        self._settle_ms = settle_ms
        self._woke = woke
        self._gesture = Gesture(self._classified, **thresholds)
        self._debounce = Debounce(self._gesture, 0 if woke else now(), settle_ms)
        self.turns = 0
        self._times = [0] * _SLOTS
        self._levels = bytearray(_SLOTS)
        self._head = 0  # written by the handler only
        self._tail = 0  # written by the task only
        self.overflows = 0  # edges that came faster than they could be kept: a bad contact or cable
        pin.irq(self._record, pin.IRQ_RISING | pin.IRQ_FALLING)

    @property
    def open(self) -> bool:
        """Is a gesture undecided? Then start nothing that blocks."""
        debounce = self._debounce
        # A contact that is restless for good (a bad cable), down or as noise, must not keep the box from connecting.
        return self._gesture.open or (debounce.restless and not debounce.down)

    def is_down(self) -> bool:
        """Is the contact pressed at this moment?"""
        return self._pin.value() == self.active

    @property
    def is_stuck(self) -> bool:
        """Is it down, and what it meant has been told?"""
        return self._debounce.down and not self._gesture.open

    @property
    def began_ms(self) -> int:
        """When the first press of the gesture that is being reported began, at the earliest."""
        return self._gesture.began_ms

    async def run(self, on_gesture) -> None:
        """Call `on_gesture(gesture, t_ms)` for each gesture, for ever; `t_ms` is the moment that decided it."""
        self._on_gesture = on_gesture  # nothing is classified before
        if self._woke:
            # The box was blind from the wake until that look. A second press may hide there: it counts as one.
            at_ms, is_down = self._woke
            for level in (is_down, not is_down, is_down):
                self._debounce.edge(at_ms, level)
            self._debounce.sample(at_ms + self._settle_ms, is_down)
        while True:
            self.turns += 1
            await asyncio.sleep_ms(self.service())

    def service(self) -> int:
        """One pass. Returns how many milliseconds may go by until the next."""
        debounce = self._debounce
        if self._now() - debounce.alive_ms > debounce.blind_ms:
            # MicroPython runs one queued handler at each jump: give all eight their turn before reading the ring.
            for _ in range(16):
                pass
        head = self._head
        while self._tail != head:
            i = self._tail
            debounce.edge(self._times[i], self._levels[i] == self.active)
            self._tail = (i + 1) % _SLOTS
        now_ms = self._now()
        debounce.sample(now_ms, self._pin.value() == self.active)
        due_ms = debounce.due_ms
        return _IDLE_MS if due_ms is None else max(1, min(_BUSY_MS, due_ms - now_ms))

    def _record(self, pin) -> None:
        """Interrupt handler. A full ring keeps the newest edge in place of the one before it.

        Nothing is lowered by that: 31 edges already prove more clicks than any gesture needs.
        """
        i = self._head
        after = (i + 1) % _SLOTS
        if after == self._tail:
            self.overflows += 1
            i = (i - 1) % _SLOTS
        self._times[i] = self._now()
        self._levels[i] = pin.value()
        if after != self._tail:
            self._head = after

    def _classified(self, gesture: int, t_ms: int) -> None:
        self._on_gesture(gesture, t_ms)
