"""What the battery's voltage means: well, low, unknown, or so empty that the box must stop before the cell is ruined.

Pure: no clock, no converter. Millivolts are those of the cell; the thresholds are the board's.

A voltage below `absent_mv` is no cell at all: a broken wire, or nothing plugged in. It is told as low, since the box
would die with the mains; it never switches the box off. What could not be measured is None: it is not told as low,
for nobody knows, and changes nothing of what was known before.
"""

from box.core.levels import BATTERY_EMPTY, BATTERY_LOW, BATTERY_UNKNOWN, Level, Threshold

LOW, WELL, EMPTY = 1, 2, 3


class BatteryWatch:
    """`limits`: absent_mv < empty_mv < low_mv < start_mv <= well_mv, as in board.py."""

    def __init__(self, limits: dict) -> None:
        self._limits = limits
        self._threshold = Threshold(limits["low_mv"], limits["well_mv"])
        self._low = Level(BATTERY_LOW)
        self._empty = Level(BATTERY_EMPTY)
        self._unknown = Level(BATTERY_UNKNOWN)

    @property
    def low(self) -> bool:
        return self._low.active

    @property
    def unknown(self) -> bool:
        return self._unknown.active

    def update(self, mv: "int | None", mains: bool, needed: bool, now_ms: int) -> "int | None":
        """LOW, WELL or EMPTY when that is news, else None.

        EMPTY means: switch off now. Always after LOW, so that this is told before. Not while the box is `needed` (a
        press waits, or an incident runs): a cell is cheaper than an alarm, and its own protection ends it later.
        """
        self._unknown.update(mv is None, now_ms)
        if mv is None:
            return None
        if self._low.update(self._threshold.update(mv), now_ms):
            return LOW if self.low else WELL
        limits = self._limits
        is_empty = self.low and not mains and not needed and limits["absent_mv"] <= mv < limits["empty_mv"]
        return EMPTY if self._empty.update(is_empty, now_ms) and is_empty else None

    def may_start(self, mv: "int | None", mains: bool) -> bool:
        """Is there enough to start with, for all that is known?

        A cell recovers when the load goes, hence `start_mv` above `empty_mv`.
        """
        return mains or mv is None or mv < self._limits["absent_mv"] or mv >= self._limits["start_mv"]
