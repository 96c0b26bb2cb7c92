"""An alert as its receiver stored it, in a line for people."""

from alertbox.receiver import StoredAlert
from alertbox.texts import say


def stored_line(alert: StoredAlert) -> str:
    key = "alert-joins" if alert.joins else "alert-stored"
    return say(
        key,
        kind=alert.kind_name,
        sequence=alert.sequence,
        name=alert.name,
        source=alert.source_name,
        incident=alert.incident,
    )
