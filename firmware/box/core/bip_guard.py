"""The strict receiver of wireless bips: what it lets through is the bip's, and new.

Pure: no clock, no radio. A radio alone protects nobody: what is in the clear can be forged, and what is sealed can be
recorded and sent again. So, once a key is bound:

- What is not sealed is refused, and so is what fails its check.
- The counter must be above the last one accepted. Equal is the same packet again: a bip repeats each for 1 to 3 s.
- Lower is a recording, or a bip whose battery was changed and that counts anew. Nobody can tell the two apart, and
  neither may be silent: the fault says at once to pair the bip again, and a press is let through as of an unsure
  source. The same recording gets that at most once an hour. What counts on after it may be a bip that counts anew and
  is needed again: it is let through too, after the ten minutes of an incident.

After a start the last counter is known from flash, but not exactly: presses are written one by one, packets that only
say "I am here" in reserved blocks (see bip_counters). A press counts above `last`; the others only above `reserved`.
Until then they prove nothing, and only keep the watch over the bip's silence from calling it lost.

A bip without a key seals nothing, and anybody can imitate it. What it says is let through as of an unsure source, once
a minute, so that nobody fills the box's memory with it. So is the mark of pairing mode, which is never sealed: a bip
comes into it when it is held for 10 s, or pressed many times, as by a frightened person.

The seal has 32 bits, so that guessing must be slow: of packets that are not let through, 50 a second are looked into.
At that rate a right guess takes more than a year of flooding, of which the fault tells after 10 s. They are the first
50 of each second, not one every 20 ms: of the repeats of a press, over 1 to 3 s, one then falls among them even when
200 forgeries a second come between.
"""

from box.core.bip import FELL, KEPT_BACK, Bip
from box.core.bip_faults import FORGED, PLAIN, RESTARTED, heard, refuse
from box.core.bip_frame import Events, Frame
from box.core.bip_gesture import decide, within
from box.core.gesture import HOLD

TRIES, TRIES_MS = 50, 1000
_REPEATS_MS = 10 * 1000  # longer than a bip repeats a packet
_HOUR_MS = 60 * 60 * 1000
_INCIDENT_MS = 10 * 60 * 1000
_PAIRING_AFTER_PRESS_MS = 15 * 1000  # from the begin of a hold of 10 s; what it sends then may take a while to come in
_UNSEALED_AGAIN_MS = 60 * 1000


class Verdict:
    """Something was let through.

    `counter` is to be put on flash before anything else is done with it; None: there is none. `gesture` is CLICK,
    DOUBLE or HOLD; KEPT_BACK: there is one to come, which must outlast a power cut; 0: the bip says no more than that
    it is there. `authentic`: False if anybody may have sent the gesture; its alert must say so. `fell`: what makes it
    unsure is its counter, which is to be put on flash once it is told.
    """

    def __init__(self, counter: "int | None", gesture: int, authentic: bool, fell: bool = False):
        self.counter = counter
        self.gesture = gesture
        self.authentic = authentic
        self.fell = fell


def take(bip: Bip, frame: Frame, now_ms: int) -> "Verdict | None":
    """Look at a packet from this bip's address; None if nothing is let through."""
    verdict = None
    if frame.seal or frame.events:
        verdict = _check(bip, frame, now_ms) if bip.key else _believe(bip, frame, now_ms)
    if frame.pairing and _is_news(bip, now_ms) and not (verdict and verdict.gesture):
        return Verdict(verdict.counter if verdict else None, HOLD, False)
    return verdict


def _check(bip: Bip, frame: Frame, now_ms: int) -> "Verdict | None":
    counter = frame.counter
    if counter is None:
        refuse(bip, PLAIN, now_ms)
        return None
    if counter == bip.last or (counter == bip.stale and _is_repeat(bip, now_ms)):
        return None
    events = frame.seal.open(bip.key) if _may_try(bip, now_ms) else None  # type: ignore[attr-defined]
    if events is None:
        _fail(bip, now_ms)
        refuse(bip, FORGED, now_ms)
        return None
    if counter < bip.last:
        _fail(bip, now_ms)
        return _fallen(bip, counter, events, now_ms)
    if counter <= bip.reserved and not (bip.proven or events.strongest or events.released):
        _fail(bip, now_ms)
        _doubt(bip, counter, now_ms)
        return None
    bip.stale = bip.last  # its repeats may still be on the air
    bip.last = counter
    heard(bip, events.battery, now_ms)
    gesture = decide(bip, events, now_ms)
    if gesture and gesture != KEPT_BACK:
        bip.presses += 1
    return Verdict(counter, gesture, True)


def _is_repeat(bip: Bip, now_ms: int) -> bool:
    return within(bip.alive_ms, _REPEATS_MS, now_ms) or within(bip.fallen_ms, _REPEATS_MS, now_ms)


def _fallen(bip: Bip, counter: int, events: Events, now_ms: int) -> "Verdict | None":
    bip.refused += 1
    bip.stale = counter
    bip.fallen_ms = now_ms
    gesture = HOLD if events.released else events.strongest
    if not gesture:
        return None
    if within(bip.told_ms, _HOUR_MS, now_ms) and (counter <= bip.fell or within(bip.told_ms, _INCIDENT_MS, now_ms)):
        return None
    bip.fell = counter
    bip.told_ms = now_ms
    return Verdict(None, gesture, False, True)


def resume(bip: Bip, now_ms: int) -> None:
    """After a start: a press whose counter had fallen was told before it, and the fault too. The hour begins anew."""
    if bip.fell >= 0:
        bip.told_ms = now_ms - _INCIDENT_MS - 1
    if bip.newest == FELL:
        bip.fallen_ms = now_ms
        bip.faults = RESTARTED


def _doubt(bip: Bip, counter: int, now_ms: int) -> None:
    """It may have been let through before the start. There are at most as many such packets as are reserved."""
    bip.stale = counter
    if counter > bip.unproven:
        bip.unproven = counter
        bip.alive_ms = now_ms


def _may_try(bip: Bip, now_ms: int) -> bool:
    return bip.tries < TRIES or not within(bip.tries_ms, TRIES_MS - 1, now_ms)


def _fail(bip: Bip, now_ms: int) -> None:
    if not within(bip.tries_ms, TRIES_MS - 1, now_ms):
        bip.tries = 0
        bip.tries_ms = now_ms
    bip.tries += 1


def _believe(bip: Bip, frame: Frame, now_ms: int) -> "Verdict | None":
    """Of a bip without a key."""
    events = frame.events
    if events is None:  # its encryption was turned on, or somebody plays
        refuse(bip, FORGED, now_ms)
        return None
    heard(bip, events.battery, now_ms)
    gesture = HOLD if events.released else events.strongest
    if gesture:
        bip.pressed_ms = now_ms
    if not gesture or within(bip.believed_ms, _UNSEALED_AGAIN_MS - 1, now_ms):
        return None
    bip.believed_ms = now_ms
    bip.presses += 1
    return Verdict(None, gesture, False)


def _is_news(bip: Bip, now_ms: int) -> bool:
    """A bip has come into pairing mode, and what was done to it was not heard."""
    before = bip.pairing_ms
    bip.pairing_ms = now_ms
    return not within(before, _INCIDENT_MS, now_ms) and not within(bip.pressed_ms, _PAIRING_AFTER_PRESS_MS, now_ms)
