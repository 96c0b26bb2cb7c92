"""What a bip's events come to: CLICK, DOUBLE or HOLD, or a hold that is kept back.

Pure: no clock. A bip counts presses by itself, so most is told as it comes. Ambiguity escalates, never lowers:

- A click within 2 s of another press is a DOUBLE: who presses frantically on a bip that does not count calls for help.
- Kinds that say "held" at the begin of each press (KINDS in bip.py) have it kept back: what the button says next tells
  what it was; after 1.5 s without a word it is a HOLD. A button that begins anew was let go meanwhile, so that time
  begins anew too, and what was let go counts as a click; but not for longer than 3 s in all.
- While one button's hold is kept back, another's click is not told by itself: the hold will be, or a DOUBLE.
"""

from box.core.bip import KEPT_BACK, KINDS, Bip
from box.core.bip_frame import Events
from box.core.gesture import CLICK, DOUBLE, HOLD

_AGAIN_MS = 2000  # bips that count presses wait about half a second for the next one, and the air adds to it
_AT_MOST_MS = 3000
_RELEASE_AFTER_HOLD_MS = 60 * 1000


def decide(bip: Bip, events: Events, now_ms: int) -> int:
    """A gesture, KEPT_BACK, or 0, of events that are genuine and new."""
    holds, gesture = events.holds, events.gesture
    if events.released and not within(bip.held_ms, _RELEASE_AFTER_HOLD_MS, now_ms):
        holds |= events.released  # it was held, and that was not heard
    if not (holds or gesture):
        return 0
    if holds or gesture == HOLD:
        bip.held_ms = now_ms
    if holds and not _back_ms(bip, events):
        gesture = HOLD
    if gesture == CLICK and within(bip.pressed_ms, _AGAIN_MS, now_ms):
        gesture = DOUBLE
    if gesture:
        bip.pressed_ms = now_ms
    if gesture == HOLD:
        bip.holds = 0
        return HOLD
    bip.holds &= ~events.decided
    if holds:
        _keep_back(bip, holds, now_ms)
    return KEPT_BACK if bip.holds else gesture


def _keep_back(bip: Bip, holds: int, now_ms: int) -> None:
    if not bip.holds:
        bip.begun_ms = bip.hold_ms = now_ms
    elif holds & bip.holds:
        bip.pressed_ms = bip.hold_ms = now_ms
    bip.holds |= holds


def is_due(bip: Bip, now_ms: int) -> bool:
    """Has it been kept back for long enough?"""
    if not bip.holds:
        return False
    return now_ms - bip.hold_ms > (KINDS[bip.kind] or KINDS["switch"]) or now_ms - bip.begun_ms > _AT_MOST_MS


def _back_ms(bip: Bip, events: Events) -> int:
    back_ms: "int | None" = KINDS[bip.kind]
    return KINDS["switch" if events.buttons > 1 else "button"] if back_ms is None else back_ms


def within(before_ms: "int | None", limit_ms: int, now_ms: int) -> bool:
    """Was there such a moment, not longer ago?"""
    return before_ms is not None and now_ms - before_ms <= limit_ms
