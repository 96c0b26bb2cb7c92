"""When the siren sounds, for how long, and why it does not.

Pure: no clock, no pin. It sounds on an alarm only, where the site's signed risk form allows it, outside silent hours,
and stops when its time is up or somebody takes charge. A further alarm begins the time anew: somebody held a button.

After a restart it stays off. It would have to guess how long it had sounded; a box that restarts again and again would
sound for ever; and the alarm itself is in flash and goes on. The event log tells that it was cut off.
"""

from box.core.hours import SilentHours

# What is told, for the log and the event log.
SOUNDS = "on"
TRIED = "on for a moment: test mode"
SILENT_HOURS = "stays off: silent hours"
TIME_UP = "off: time is up"
TAKEN = "off: in charge"
CUT_OFF = "stays off: the box restarted"

_TRIAL_MS = 2000  # enough to hear that it works


class SirenRule:
    """`allowed`: by the site's risk form. `until_ms`: when it falls silent, None while it is."""

    def __init__(self, allowed: bool, max_s: int, hours: SilentHours) -> None:
        self._allowed = allowed
        self._max_ms = max_s * 1000
        self._hours = hours
        self.until_ms: "int | None" = None

    def alarm(self, now_ms: int, utc: "int | None", test_mode: bool) -> "str | None":
        """An alarm was raised: what the siren does; None where it is not allowed, which is nothing to tell."""
        if not self._allowed:
            return None
        if self._hours.are_on(utc):
            return SILENT_HOURS
        self.until_ms = max(self.until_ms or 0, now_ms + (_TRIAL_MS if test_mode else self._max_ms))
        return TRIED if test_mode else SOUNDS

    def taken(self) -> "str | None":
        """Somebody is in charge: TAKEN if it sounded."""
        if self.until_ms is None:
            return None
        self.until_ms = None
        return TAKEN

    def expire(self, now_ms: int) -> "str | None":
        """TIME_UP once its time is over."""
        if self.until_ms is None or now_ms < self.until_ms:
            return None
        self.until_ms = None
        return TIME_UP


def after_restart(last_told: "str | None") -> "str | None":
    """CUT_OFF if the last thing told before the restart was that it sounds."""
    return CUT_OFF if last_told in (SOUNDS, TRIED) else None
