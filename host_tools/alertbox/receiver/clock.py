"""When was a button pressed? A box's clock may be unset or wrong; its uptime is not.

Pure. An alert reaches the receiver after it was pressed, so for each alert of
one boot `received - uptime` is at or after the moment of the boot. The smallest
of them is the best estimate of that moment, and with an alert's uptime it gives
the time of pressing whatever the clock said.
"""

from datetime import datetime, timedelta

from alertbox.contract.formats import Alert

TOLERANCE = timedelta(minutes=5)


def time_of_pressing(
    alert: Alert, received_at: datetime, booted_at: datetime, enrolled_at: datetime
) -> tuple[datetime, bool]:
    """The time of pressing as far as the receiver can tell, and whether the box's clock seems wrong.

    `booted_at`: the smallest `received - uptime` of this boot, this alert included.
    """
    estimate = min(received_at, booted_at + timedelta(seconds=alert.uptime))
    claimed = alert.pressed
    if claimed is None:
        return estimate, True
    if abs(received_at - claimed) <= TOLERANCE or abs(estimate - claimed) <= TOLERANCE:
        return claimed, False
    # A time in the past may be a press that waited for the link: it is believed unless it cannot be, and flagged.
    believable = enrolled_at <= claimed < received_at and "clock-unsure" not in alert.flags
    return (claimed if believable else estimate), True
