"""The strict receiver of one wireless bip: what it lets through is the bip's, and new.

Pure: no clock, no radio. BTHome alone protects nobody: plain text can be forged, and what is sealed can be recorded
and sent again. So, once a key is bound:

- What is not sealed is refused, and so is what fails its check.
- The counter must be above the last one accepted. Equal is the same packet again: a bip repeats each for 1 to 3 s.
- Lower is a replay, or a bip whose battery was changed and that counts anew. It stays refused until the bip is paired
  again; the fault says so.

After a start the last counter is known from flash, but not exactly: presses are written one by one, packets that only
say "I am here" in reserved blocks (see bip_counters). A press counts above `seen`; the others only above `reserved`.
Until then they prove nothing, and only keep the watch over the bip's silence from calling it lost.

A bip without a key seals nothing, and anybody can imitate it. What it says is let through as of an unsure source, once
a minute, so that nobody fills the box's memory with it.

The MIC has 32 bits, so that guessing must be slow: of packets that are not let through, 50 a second are looked into.
At that rate a right guess takes more than a year of flooding, of which the fault tells after 10 s. They are the first
50 of each second, not one every 20 ms: of the repeats of a press, over 1 to 3 s, one then falls among them even when
200 forgeries a second come between.
"""

import hashlib

from box.core import bthome
from box.core.bip_faults import BATTERY_LOW, FORGED, LOST, PLAIN, REPLAYED, RESTARTED, Battery, Presence, Suspicion
from box.core.gesture import HOLD

_TRIES, _TRIES_MS = 50, 1000
_NEAR_ZERO = 1024  # a counter that restarted is below
_RISES = 3

# Entering pairing mode takes a hold of 10 s, of which the bip has told; what it sends then may take a while to come in.
_PAIRING_AFTER_HOLD_MS = 15 * 1000
_PAIRING_AGAIN_MS = 10 * 60 * 1000  # the length of an incident; anybody can forge the mark, so not more often
_RELEASE_AFTER_HOLD_MS = 60 * 1000
_UNSEALED_AGAIN_MS = 60 * 1000


def fingerprint(mac: bytes, key: bytes) -> bytes:
    """Eight bytes that stand for a bip under this key, so that no other one inherits its counters."""
    digest: bytes = hashlib.sha256(mac + key).digest()
    return digest[:8]


class Verdict:
    """Something was let through.

    `counter` is to be put on flash before anything else is done with it; None: there is none. `gesture` is CLICK,
    DOUBLE or HOLD; 0: the bip says no more than that it is there. `authentic`: False if anybody may have sent the
    gesture; its alert must say so.
    """

    def __init__(self, counter: "int | None", gesture: int, authentic: bool):
        self.counter = counter
        self.gesture = gesture
        self.authentic = authentic


class BipGuard:
    """The bip with address `mac` (6 bytes, as printed) and `key` (16 bytes; empty: it has none).

    `seen`, `reserved`: the counters on flash, -1 if there are none. `supervision_s`: silence that is a fault, 0: none.
    """

    # On the class, and in the object only once they differ: with 16 bips that saves a kilobyte.
    heard_ms: "int | None" = None  # the last packet that was let through
    presses = 0  # since the start, and likewise:
    refused = 0
    _unproven = -1  # highest counter that may be new or not
    _stale = -1  # of the last packet with a right MIC that was not let through
    _rises = 0
    _held_ms: "int | None" = None
    _pairing_ms: "int | None" = None
    _pressed_ms: "int | None" = None  # of a bip without a key
    _told = 0

    def __init__(self, mac: bytes, key: bytes, seen: int, reserved: int, supervision_s: int, now_ms: int):
        self.mac = mac
        self.battery = Battery()
        self._key = key
        self._last = seen
        self._reserved = reserved  # of no more account once something has been let through
        self._tries = _TRIES
        self._tries_ms = now_ms
        self._presence = Presence(supervision_s * 1000, now_ms)
        self._suspicion = Suspicion()

    def take(self, payload: bytes, now_ms: int) -> "Verdict | None":
        """Look at an advertisement (or scan response) from this bip's address; None if nothing is let through."""
        frame = bthome.split(payload)
        if frame is None:
            return None
        verdict = None
        if frame.info is not None:
            verdict = self._check(frame, now_ms) if self._key else self._believe(frame, now_ms)
        if frame.shelly & bthome.SHELLY_PAIRING and self._is_in_pairing_unheld(now_ms):
            # Its hold of 10 s was never heard. What the same packet says otherwise is weaker.
            return Verdict(verdict.counter if verdict else None, HOLD, False)
        return verdict

    def look(self, now_ms: int) -> tuple[int, int]:
        """Faults that have begun and that have ended since the last look, as bits."""
        faults = self._suspicion.standing(now_ms)
        if self._presence.is_lost(now_ms):
            faults |= LOST
        if self.battery.low:
            faults |= BATTERY_LOW
        begun, ended = faults & ~self._told, self._told & ~faults
        self._told = faults
        return begun, ended

    @property
    def faults(self) -> int:
        """The faults that stand, as bits, as of the last look."""
        return self._told

    # ---- sealed packets ----

    def _check(self, frame: bthome.Frame, now_ms: int) -> "Verdict | None":
        counter = frame.counter
        if counter is None:
            self._refuse(PLAIN, now_ms)
            return None
        if counter == self._last or counter == self._stale:
            return None
        data = bthome.unseal(frame, self.mac, self._key) if self._may_try(now_ms) else None
        if data is None:
            self._refuse(FORGED, now_ms)
            return None
        if counter < self._last:
            self._refuse(self._why_lower(counter), now_ms)
            self._stale = counter
            return None
        report = bthome.objects(data)
        gesture = self._gesture(report, now_ms)
        if not gesture and counter <= self._reserved:
            self._doubt(counter, now_ms)
            return None
        return self._accept(counter, gesture, report, now_ms)

    def _accept(self, counter: int, gesture: int, report: bthome.Report, now_ms: int) -> Verdict:
        self._tries += 1  # only what is not let through costs one
        self._last = counter
        self._reserved = -1
        self._hear(report, now_ms)
        if gesture:
            self.presses += 1
        if gesture == HOLD:
            self._held_ms = now_ms
        return Verdict(counter, gesture, True)

    def _hear(self, report: bthome.Report, now_ms: int) -> None:
        self.heard_ms = now_ms
        self._presence.heard(now_ms)
        if report.battery is not None:
            self.battery.update(report.battery)

    def _gesture(self, report: bthome.Report, now_ms: int) -> int:
        """A release means that it was held: it counts as the hold if that was not heard."""
        if report.released and not self._held_within(_RELEASE_AFTER_HOLD_MS, now_ms):
            return HOLD
        return report.gesture

    def _doubt(self, counter: int, now_ms: int) -> None:
        """It may have been let through before the start. There are at most as many such packets as are reserved."""
        self._stale = counter
        if counter > self._unproven:
            self._unproven = counter
            self._presence.heard(now_ms)

    def _why_lower(self, counter: int) -> int:
        self._rises = self._rises + 1 if self._stale < counter < _NEAR_ZERO else 0
        return RESTARTED if self._rises >= _RISES else REPLAYED

    def _refuse(self, fault: int, now_ms: int) -> None:
        self.refused += 1
        self._suspicion.add(fault, now_ms)

    def _may_try(self, now_ms: int) -> bool:
        if now_ms - self._tries_ms >= _TRIES_MS:
            self._tries = _TRIES
            self._tries_ms = now_ms
        if not self._tries:
            return False
        self._tries -= 1
        return True

    # ---- without a key ----

    @property
    def has_key(self) -> bool:
        return len(self._key) > 0

    def _believe(self, frame: bthome.Frame, now_ms: int) -> "Verdict | None":
        if frame.counter is not None:  # its encryption was turned on, or somebody plays
            self._refuse(FORGED, now_ms)
            return None
        report = bthome.objects(frame.body)
        before = self._pressed_ms
        self._hear(report, now_ms)
        self.battery.low = False  # it is shown, but no fault: anybody could have it come and go
        gesture = HOLD if report.released else report.gesture
        if gesture == HOLD:
            self._held_ms = now_ms
        if not gesture or (before is not None and now_ms - before < _UNSEALED_AGAIN_MS):
            return None
        self._pressed_ms = now_ms
        self.presses += 1
        return Verdict(None, gesture, False)

    # ---- holds ----

    def _held_within(self, limit_ms: int, now_ms: int) -> bool:
        return self._held_ms is not None and now_ms - self._held_ms <= limit_ms

    def _is_in_pairing_unheld(self, now_ms: int) -> bool:
        """A bip that has come into pairing mode was held for long, as by a frightened person."""
        before = self._pairing_ms
        self._pairing_ms = now_ms
        if before is not None and now_ms - before <= _PAIRING_AGAIN_MS:
            return False
        return not self._held_within(_PAIRING_AFTER_HOLD_MS, now_ms)


class Bips:
    """The bips by address. Most of what the radio hears is foreign: that is dropped here, without any allocation."""

    def __init__(self, guards: list):
        self._guards: dict = {}
        for guard in guards:
            self._guards.setdefault(_tail(guard.mac), []).append(guard)

    def find(self, address: bytes) -> "BipGuard | None":
        """The guard of this address (6 bytes or a view of them), or None."""
        guard: BipGuard
        for guard in self._guards.get(_tail(address), ()):
            if guard.mac == address:
                return guard
        return None


def _tail(address: bytes) -> int:
    # Views cannot be keys of a dict, and 24 bits are a small integer on the chip too.
    return address[3] << 16 | address[4] << 8 | address[5]
