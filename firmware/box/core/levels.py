"""When a level that comes and goes is worth telling: it must have held, each way for a time of its own.

Pure: no clock, no pin. For what is slow and has two states: mains, the case, a battery that is low. Presses have
`debounce`. One table for all, so that nobody has to look for a delay in a driver.
"""

# What must hold for so many milliseconds until it counts, and until its end counts.
MAINS_LOST = (60_000, 60_000)  # short dips are common and tell nobody anything; a site may choose otherwise
# A lid that is lifted stays lifted for longer than a knock on the counter shakes its contact. A contact that flutters
# makes one alert, not one a second.
CASE_OPEN = (200, 60_000)
BATTERY_LOW = (30_000, 60_000)  # a modem that sends pulls the voltage down for seconds
BATTERY_EMPTY = (30_000, 0)
BATTERY_UNKNOWN = (30_000, 30_000)  # one reading that fails is no fault yet


def mains_lost(delay_s: int) -> tuple[int, int]:
    """The row of the mains where the site chose its delay."""
    return delay_s * 1000, delay_s * 1000


class Level:
    """`active` is what counts: false at the start, so that what is true then is told as well.

    A level counts from the first look that saw it on, not from the last that did not: after a stall of 20 s one look
    at a contact that trembles proves nothing.
    """

    def __init__(self, times_ms: tuple[int, int]) -> None:
        self._on_ms, self._off_ms = times_ms
        self._since_ms: "int | None" = None
        self.active = False

    def update(self, level: bool, now_ms: int) -> bool:
        """Take the level as it is now; true if `active` has just changed."""
        if level == self.active:
            self._since_ms = None
            return False
        if self._since_ms is None:
            self._since_ms = now_ms
        if now_ms - self._since_ms < (self._off_ms if self.active else self._on_ms):
            return False
        self.active = level
        self._since_ms = None
        return True


class Threshold:
    """A quantity that is low from `low` down, and no longer from `well` up: in between it stays what it was."""

    def __init__(self, low: int, well: int) -> None:
        self._low = low
        self._well = well
        self.is_low = False

    def update(self, value: int) -> bool:
        if value <= self._low:
            self.is_low = True
        elif value >= self._well:
            self.is_low = False
        return self.is_low
