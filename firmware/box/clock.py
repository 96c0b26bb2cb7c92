"""Time on the box: milliseconds since the start, and UTC with how sure it is.

The chip's RTC forgets with the power, and TLS dates certificates by it. It is
started at the latest moment that is known to be past (a floor) and corrected by
the receiver's authenticated acknowledgement. In between the box's own count
carries UTC on, and an RTC that strays from it is set right: a clock that jumps
would otherwise end in certificates "not valid yet", and a box cut off.
"""

import time

UNSET, SAVED, SET = 0, 1, 2  # only the build time known / a saved time / corrected since the start

# MicroPython's epoch is 1970 or 2000, by port; Unix seconds are used throughout.
_EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0

# The chip's ticks wrap after 12.4 days and compare over half of that.
_REBASE_MS = 24 * 3600 * 1000
# A correction by more than this is used, but saved only once it has stood for a day: a receiver
# with a wrong year would otherwise leave boxes that find every certificate expired, for ever.
_BIG_JUMP_S = 30 * 24 * 3600
_TRUSTED_AFTER_MS = 24 * 3600 * 1000
_STRAY_S = 2  # the RTC and our count round differently


class Clock:
    """`rtc` has the chip's RTC.datetime(); `built` is the build time, Unix seconds; `base`: a (now(), ticks)."""

    def __init__(self, rtc, built: int, base: "tuple | None" = None):
        self._rtc = rtc
        self._base = base or (0, time.ticks_ms())
        self.state = UNSET
        self._jumped_ms: "int | None" = None
        self._set(max(built, _rtc_time()))

    @property
    def is_set(self) -> bool:
        """True once an authenticated time came since the start."""
        return self.state == SET

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
            if saved > self._count():
                self._set(saved)

    def correct(self, utc: int) -> None:
        """Take an authenticated Unix time."""
        off = utc - self._count()
        if self.state != UNSET and abs(off) > _BIG_JUMP_S:
            self._jumped_ms = self.now()
        if self.state != SET or abs(off) > 1:
            self._set(utc)
        self.state = SET

    def utc_to_save(self) -> "int | None":
        """UTC as it may become the floor of later starts; None while it is unset or has just made a big jump."""
        jumped_ms = self._jumped_ms
        if jumped_ms is not None and self.now() - jumped_ms <= _TRUSTED_AFTER_MS:
            return None
        return self.utc()

    def mend(self) -> int:
        """Set an RTC right that has strayed; by how many seconds it was off, 0 if it was not."""
        off = _rtc_time() - self._count()
        if abs(off) <= _STRAY_S:
            return 0
        self._set(self._count())
        return off

    def utc(self) -> "int | None":
        """Unix seconds, or None while not even a saved time is known."""
        return None if self.state == UNSET else self._count()

    def _count(self) -> int:
        return self._utc_at_start + self.now() // 1000

    def _set(self, utc: int) -> None:
        self._utc_at_start = utc - self.now() // 1000
        year, month, day, hour, minute, second, weekday, _ = time.gmtime(utc - _EPOCH)
        self._rtc.datetime((year, month, day, weekday, hour, minute, second, 0))


def _rtc_time() -> int:
    return int(time.time()) + _EPOCH
