"""What is wrong with a bip, and what a person is to do about it.

Pure: no clock. Each of these says how things stand now; `changes` tells what has begun and what has ended. All end by
themselves.
"""

from box.core import alert
from box.core.bip import Bip

# Faults, as bits.
LOST, BATTERY_LOW, RESTARTED, FORGED, PLAIN = 1, 2, 4, 8, 16
# The alert that tells the receiver, if there is one, and what a person reads; %s is the bip's name.
FAULTS = {
    LOST: (alert.BIP_LOST, "Bip %s has not been heard for too long: look for it, change its battery."),
    BATTERY_LOW: (
        alert.BIP_BATTERY_LOW,
        "The battery of bip %s is low: change it and press the bip; if that is refused, pair it again.",
    ),
    RESTARTED: (
        alert.BIP_LOST,
        "Bip %s counts anew, as after a battery change, or is played back, and only informs: pair this bip again.",
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
    PLAIN: "unsealed",
}

# A battery's fault stays until it is well above: a cold night must not make it flicker.
_LOW_PERCENT, _WELL_PERCENT = 15, 25
# Refusals are a fault once they persist: three, so far apart, so close to one another; until an hour was quiet.
_COUNT, _APART_MS, _WITHIN_MS, _QUIET_MS = 3, 5 * 1000, 10 * 60 * 1000, 60 * 60 * 1000


def heard(bip: Bip, percent: "int | None", now_ms: int) -> None:
    """It has said something that is let through; `percent`: of its battery, if that was said."""
    bip.alive_ms = now_ms
    bip.proven = True
    if percent is not None:
        bip.percent = percent
        if percent <= _LOW_PERCENT:
            # What has no key is shown, but no fault: anybody could have it come and go.
            bip.battery_low = len(bip.key) > 0
        elif percent >= _WELL_PERCENT:
            bip.battery_low = False


def refuse(bip: Bip, fault: int, now_ms: int) -> None:
    """A packet was refused for the reason `fault`. While one is told it stays."""
    bip.refused += 1
    if not _suspicion(bip, now_ms) and now_ms - bip.suspicion_ms > _WITHIN_MS:
        bip.suspicions = 0
    if bip.suspicions and now_ms - bip.suspicion_ms < _APART_MS:
        return
    if bip.suspicions < _COUNT:
        bip.suspected = fault
        bip.suspicions += 1
    bip.suspicion_ms = now_ms


def changes(bip: Bip, now_ms: int) -> "tuple[int, int]":
    """Faults that have begun and that have ended since the last look, as bits."""
    faults = _suspicion(bip, now_ms)
    if 0 < bip.supervision_ms < now_ms - bip.alive_ms:
        faults |= LOST
    if bip.battery_low:
        faults |= BATTERY_LOW
    if _counts_anew(bip, now_ms):
        faults |= RESTARTED
    begun, ended = faults & ~bip.faults, bip.faults & ~faults
    if begun or ended:
        bip.faults = faults
    return begun, ended


def _suspicion(bip: Bip, now_ms: int) -> int:
    if bip.suspicions < _COUNT or now_ms - bip.suspicion_ms > _QUIET_MS:
        return 0
    return bip.suspected


def _counts_anew(bip: Bip, now_ms: int) -> bool:
    """Until it is paired again, or it was heard since and an hour was quiet: recordings must not have it flicker."""
    fallen_ms, heard_ms = bip.fallen_ms, bip.heard_ms
    if fallen_ms is None:
        return False
    return heard_ms is None or heard_ms <= fallen_ms or now_ms - fallen_ms <= _QUIET_MS
