"""An alert as its receiver stored it, in a line for people."""

from alertbox.contract.console_rpc import printable
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


def listed_line(alert: StoredAlert, false: bool) -> str:
    """The same in a list: its time is this machine's, `false` a person's word."""
    marks = {
        say("alert-mark-test"): alert.test,
        say("alert-mark-joins", incident=alert.incident): alert.joins,
        say("alert-mark-false"): false,
    }
    return say(
        "alert-listed",
        when=f"{alert.pressed_at.astimezone():%Y-%m-%d %H:%M:%S}",
        name=printable(alert.name),
        source=alert.source_name,
        kind=alert.kind_name,
        sequence=alert.sequence,
        marks="".join(f", {mark}" for mark, holds in marks.items() if holds),
    )
