"""Which bip is in the technician's hand? The one that is pressed three times, and that the key opens.

Pure: no clock, no radio. With its key a bip can be told from all others: what is sent unsealed, anybody can send.
Three presses with counters that rise show that it is here and works. A recording of three would do as well: it locks
the bip out, no more. A bip without a key is learnt only where that is asked for.

A bip that counts anew and keeps its key makes its old recordings new ones. Only another key mends that.

What is heard until the time is over tells whether the bip says "I am here" between presses, and whether it beeps.
"""

from box.core import bthome

LASTS_MS = 60 * 1000
_PRESSES = 3
_TRIES, _TRIES_MS = 50, 1000  # of opening a packet, as in bip_guard

LISTENING, BOUND, FAILED, OVER = "listening", "bound", "failed", "over"


class Learning:
    """`key`: 16 bytes; `mac`: the one bip that may be learnt, None for any.

    `state`: LISTENING; BOUND or FAILED once `mac` is found, as the owner finds it; OVER if nothing was.
    `counter`: the last that `mac` has said; -1: none.
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
        self._until_ms = now_ms + LASTS_MS
        self._tries = _TRIES
        self._tries_ms = now_ms

    def left_ms(self, now_ms: int) -> int:
        return max(0, self._until_ms - now_ms)

    def take(self, address: bytes, payload: bytes, now_ms: int) -> bool:
        """Look at a packet; True when this was the third press."""
        if self.mac is not None and self.mac != address:
            return False
        frame = bthome.split(payload)
        if frame is None:
            return False
        if self.mac is not None and frame.shelly & bthome.SHELLY_BUZZER:
            self.buzzer = True
        if frame.info is None:
            return False
        if frame.counter is None:
            self.plain = self.plain or bthome.objects(frame.body).gesture > 0
            return False
        if frame.counter == self.counter or not self._may_try(now_ms):
            return False
        data = bthome.unseal(frame, bytes(address), self.key)
        if data is None:
            self.sealed = True
            return False
        self.mac = bytes(address)
        if frame.counter < self.counter:  # what was on the air from before its battery was changed
            self.presses = 0
        self.counter = frame.counter
        if not bthome.objects(data).gesture:
            self.presence = True
            return False
        self.presses += 1
        return self.presses == _PRESSES

    def _may_try(self, now_ms: int) -> bool:
        if now_ms - self._tries_ms >= _TRIES_MS:
            self._tries = _TRIES
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

    def take(self, address: bytes, payload: bytes, now_ms: int) -> bool:
        known = self.mac == address
        if self.presses >= _PRESSES and not known:
            return False
        frame = bthome.split(payload)
        if frame is None:
            return False
        if known and frame.shelly & bthome.SHELLY_BUZZER:
            self.buzzer = True
        if frame.info is None:
            return False
        if frame.counter is not None:
            self.sealed = True
            return False
        report = bthome.objects(frame.body)
        if not report.gesture:
            self.presence = self.presence or known
            return False
        if not known:
            self.mac = bytes(address)
            self.presses = 0
            self.presence = self.buzzer = False
        elif report.packet_id is None or report.packet_id == self._packet:
            return False
        self._packet = report.packet_id
        self.presses += 1
        return self.presses == _PRESSES
