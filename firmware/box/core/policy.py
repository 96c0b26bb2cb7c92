"""What a gesture means, per source, as the settings say it."""

from box.core import alert, gesture

_GESTURES = {"click": gesture.CLICK, "double": gesture.DOUBLE, "hold": gesture.HOLD}
_KINDS = {alert.KINDS[kind]: kind for kind in alert.PRESSES}

# Of a bip without a key, which anybody can imitate.
INFORM_ONLY = dict.fromkeys(_GESTURES.values(), alert.INFORM)


def meanings(chosen: dict) -> dict:
    """Gesture -> alert kind, from a filled `gestures` of the settings. A stuck button stays a fault."""
    table = {number: _KINDS[chosen[name]] for name, number in _GESTURES.items()}
    table[gesture.STUCK] = alert.BUTTON_STUCK
    return table
