"""What a gesture means, per source. A town may choose otherwise; this is the default."""

from box.core import alert, gesture

DEFAULT = {
    gesture.CLICK: alert.INFORM,
    gesture.DOUBLE: alert.HELP,
    gesture.HOLD: alert.ALARM,
    gesture.STUCK: alert.BUTTON_STUCK,
}
