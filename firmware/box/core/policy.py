"""What a gesture means, per source, as the settings say it."""

from box.core import alert, gesture

_KINDS = {alert.KINDS[kind]: kind for kind in alert.PRESSES}


def meanings(chosen: dict) -> bytes:
    """The alert kind of each gesture, from a filled `gestures` of the settings. A stuck button stays a fault."""
    table = bytearray(gesture.STUCK + 1)
    table[gesture.CLICK] = _KINDS[chosen["click"]]
    table[gesture.DOUBLE] = _KINDS[chosen["double"]]
    table[gesture.HOLD] = _KINDS[chosen["hold"]]
    table[gesture.STUCK] = alert.BUTTON_STUCK
    return bytes(table)


def of_bip(table: bytes, code: int, authentic: bool) -> "tuple[int, int]":
    """(kind, flags) of a bip's alert. What anybody may have sent only informs, whatever a town has chosen."""
    return (table[code], 0) if authentic else (alert.INFORM, alert.FLAG_SOURCE_UNAUTHENTICATED)
