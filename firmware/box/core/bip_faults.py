"""What is wrong with a bip, and what a person is to do about it.

Pure: no clock. Each of these says how things stand now; the guard tells what has begun and what has ended. All end by
themselves.
"""

from box.core import alert

# Faults, as bits.
LOST, BATTERY_LOW, RESTARTED, REPLAYED, FORGED, PLAIN = 1, 2, 4, 8, 16, 32
# The alert that tells the receiver, if there is one, and what a person reads; %s is the bip's name.
FAULTS = {
    LOST: (alert.BIP_LOST, "Bip %s has not been heard for too long: look for it, change its battery."),
    BATTERY_LOW: (
        alert.BIP_BATTERY_LOW,
        "The battery of bip %s is low: change it and press the bip; if that is refused, pair it again.",
    ),
    RESTARTED: (alert.BIP_LOST, "Bip %s counts anew, as after a battery change, and is refused: pair this bip again."),
    REPLAYED: (
        None,
        "Old packets of bip %s are on the air and are refused: press it; if that is refused too, pair this bip again.",
    ),
    FORGED: (
        None,
        "Packets in the name of bip %s fail their check and are refused: press it; if that is refused too, pair this"
        " bip again.",
    ),
    PLAIN: (
        None,
        "Unsealed packets in the name of bip %s are refused: press it; if that is refused too, turn on its encryption"
        " and pair this bip again.",
    ),
}
# As events and the console have them; in the order in which a person should hear of them.
SHORT = {
    RESTARTED: "counts anew",
    LOST: "lost",
    BATTERY_LOW: "battery low",
    FORGED: "forged",
    REPLAYED: "replayed",
    PLAIN: "unsealed",
}

_LOW_PERCENT, _WELL_PERCENT = 15, 25


class Presence:
    """Whether a bip that ought to say "I am here" has been silent for longer than `limit_ms` (0: it need not)."""

    def __init__(self, limit_ms: int, now_ms: int):
        self._limit_ms = limit_ms
        self._heard_ms = now_ms

    def heard(self, now_ms: int) -> None:
        self._heard_ms = now_ms

    def is_lost(self, now_ms: int) -> bool:
        return 0 < self._limit_ms < now_ms - self._heard_ms


class Battery:
    """A battery's level: `low` stays until it is well above, since a cold night must not make it flicker."""

    percent: "int | None" = None
    low = False

    def update(self, percent: int) -> None:
        self.percent = percent
        if percent <= _LOW_PERCENT:
            self.low = True
        elif percent >= _WELL_PERCENT:
            self.low = False


class Suspicion:
    """Refusals that persist: three, at least 5 s apart, within 10 min of one another. It ends after a quiet hour."""

    _COUNT, _APART_MS, _WITHIN_MS, _QUIET_MS = 3, 5 * 1000, 10 * 60 * 1000, 60 * 60 * 1000

    _fault = 0
    _count = 0
    _last_ms = 0

    def add(self, fault: int, now_ms: int) -> None:
        """A refusal for the reason `fault`. While one is told it stays, unless RESTARTED explains them all."""
        if self.standing(now_ms) == 0 and now_ms - self._last_ms > self._WITHIN_MS:
            self._count = 0
        if self._count and now_ms - self._last_ms < self._APART_MS:
            return
        if self._count < self._COUNT or fault == RESTARTED:
            self._fault = fault
        self._count = min(self._count + 1, self._COUNT)
        self._last_ms = now_ms

    def standing(self, now_ms: int) -> int:
        """The fault to be told, or 0."""
        if self._count < self._COUNT or now_ms - self._last_ms > self._QUIET_MS:
            return 0
        return self._fault
