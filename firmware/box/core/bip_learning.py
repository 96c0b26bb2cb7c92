"""Which bip is in the technician's hand? The one that is pressed three times, and that the key opens.

Pure: no clock, no radio. With its key a bip can be told from all others: what is sent unsealed, anybody can send.
Three presses with counters that rise show that it is here and works. A recording of three would do as well: it locks
the bip out, no more. A bip without a key is learnt only where that is asked for.

A bip that counts anew and keeps its key makes its old recordings new ones. Only another key mends that.

What is heard until the time is over tells whether the bip says "I am here" between presses, and whether it beeps.

Its presses tell its kind (see bip.py): a hold with a press right after it was none, and a bip with several buttons is
one of those that say so. A hold counts as a press only once it is sure that no press follows.
"""

from box.core.bip import KINDS
from box.core.bip_frame import Events, Frame
from box.core.bip_gesture import within
from box.core.bip_guard import TRIES, TRIES_MS

LASTS_MS = 60 * 1000
_PRESSES = 3

LISTENING, BOUND, FAILED, OVER = "listening", "bound", "failed", "over"


class Learning:
    """`key`: 16 bytes; `mac`: the one bip that may be learnt, None for any.

    `state`: LISTENING; BOUND or FAILED once `mac` is found, as the owner finds it; OVER if nothing was.
    `counter`: the last that `mac` has said; -1: none. `kind`: of that bip, "" as long as it is not known.
    """

    def __init__(self, key: bytes, mac: "bytes | None", now_ms: int):
        self.key = key
        self.mac = mac
        self.state = LISTENING
        self.counter = -1
        self.presses = 0
        self.presence = False
        self.buzzer = False
        self.plain = False  # a button was pressed that does not seal what it says
        self.sealed = False  # a bip was heard that this key does not open
        self.kind = ""
        self._held_ms: "int | None" = None  # a hold that does not count yet
        self._until_ms = now_ms + LASTS_MS
        self._tries = TRIES
        self._tries_ms = now_ms

    def left_ms(self, now_ms: int) -> int:
        return max(0, self._until_ms - now_ms)

    def take(self, frame: Frame, now_ms: int) -> bool:
        """Look at a packet; True when this was the third press."""
        if self.mac is not None and self.mac != frame.who:
            return False
        if self.mac is not None and frame.buzzer:
            self.buzzer = True
        if frame.counter is None:
            self.plain = self.plain or (frame.events is not None and frame.events.strongest > 0)
            return False
        if frame.counter == self.counter or not self._may_try(now_ms):
            return False
        events = frame.seal.open(self.key)  # type: ignore[attr-defined]
        if events is None:
            self.sealed = True
            return False
        self.mac = frame.who
        if frame.counter < self.counter:  # what was on the air from before its battery was changed
            self.presses = 0
            self._held_ms = None
        self.counter = frame.counter
        return self._count(events, now_ms)

    def _count(self, events: Events, now_ms: int) -> bool:
        before = self.presses
        if events.gesture or events.holds:
            follows = within(self._held_ms, KINDS["switch"], now_ms)
            if self._held_ms is not None and not follows:
                self.presses += 1  # that was a hold
            if events.gesture:
                self.presses += 1
            if events.buttons > 1 or (events.gesture and follows):
                self.kind = "switch"
            elif events.gesture and not self.kind:
                self.kind = "button"
            self._held_ms = now_ms if events.holds else None
        else:
            self.presence = self.presence or not events.released
        return before < _PRESSES <= self.presses

    def _may_try(self, now_ms: int) -> bool:
        if now_ms - self._tries_ms >= TRIES_MS:
            self._tries = TRIES
            self._tries_ms = now_ms
        self._tries -= 1
        return self._tries >= 0


class UnsealedLearning(Learning):
    """The same for a bip that has no key, which may only inform.

    Every such bip in reach can be the one, hence three presses of the same within the minute, told apart by the number
    that it gives its packets.
    """

    def __init__(self, now_ms: int):
        super().__init__(b"", None, now_ms)
        self._packet: "int | None" = None

    def take(self, frame: Frame, now_ms: int) -> bool:
        known = self.mac == frame.who
        if self.presses >= _PRESSES and not known:
            return False
        if known and frame.buzzer:
            self.buzzer = True
        events = frame.events
        if events is None:
            self.sealed = self.sealed or frame.seal is not None
            return False
        if not (events.strongest or events.released):
            self.presence = self.presence or known
            return False
        if not known:
            self.mac = frame.who
            self.presses = 0
            self.presence = self.buzzer = False
            self.kind = ""
            self._held_ms = None
        elif events.packet_id is None or events.packet_id == self._packet:
            return False
        self._packet = events.packet_id
        return self._count(events, now_ms)
