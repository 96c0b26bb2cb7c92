"""Time on the box: milliseconds since the start, and UTC with how sure it is.

The chip's RTC forgets with the power. It is started at the latest moment that is
known to be past (a floor) and corrected by the receiver's authenticated
acknowledgement. Everything inside the box is measured in `now()`, which no
correction moves.
"""

import time

UNSET, SAVED, SET = 0, 1, 2  # only the build time known / a saved time / corrected since the start

# MicroPython's epoch is 1970 or 2000, by port; Unix seconds are used throughout.
_EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0

# The chip's ticks wrap after 12.4 days and compare over half of that.
_REBASE_MS = 24 * 3600 * 1000


class Clock:
    """`rtc` has the chip's RTC.datetime(); `built` is the build time, Unix seconds."""

    def __init__(self, rtc, built: int):
        self._rtc = rtc
        self._base = (0, time.ticks_ms())
        self.state = UNSET
        self._set(max(built, self._read()))

    def now(self) -> int:
        """Milliseconds since the start: monotonic, never wraps. Call at least once in six days.

        Interrupts call it too, so the state changes rarely and in one store.
        """
        ms, ticks = self._base
        passed = time.ticks_diff(time.ticks_ms(), ticks)
        if passed > _REBASE_MS:
            self._base = (ms + passed, time.ticks_add(ticks, passed))
        return ms + passed

    def uptime_s(self) -> int:
        return self.now() // 1000

    def start_at(self, saved: int) -> None:
        """Take a saved Unix time as the floor; 0 is none."""
        if saved:
            self.state = max(self.state, SAVED)
            if saved > self._read():
                self._set(saved)

    def correct(self, utc: int) -> None:
        """Take an authenticated Unix time."""
        if self.state != SET or abs(utc - self._read()) > 1:
            self._set(utc)
        self.state = SET

    def utc(self) -> "int | None":
        """Unix seconds, or None while not even a saved time is known."""
        return None if self.state == UNSET else self._read()

    def _read(self) -> int:
        return int(time.time()) + _EPOCH

    def _set(self, utc: int) -> None:
        year, month, day, hour, minute, second, weekday, _ = time.gmtime(utc - _EPOCH)
        self._rtc.datetime((year, month, day, weekday, hour, minute, second, 0))
