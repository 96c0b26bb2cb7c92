"""The battery's voltage through a divider on an analogue pin.

What it means is decided in `core/battery.py`. The converter's single readings scatter by tens of millivolts, so
several are averaged; the divider needs a capacitor (100 nF) at the pin, or its high resistance falsifies them.
"""

import asyncio

from box.core.battery import BatteryWatch
from box.log import Log

_POLL_MS = 5000
_READINGS = 16

_log = Log("battery")


class Battery:
    """`adc` has read_uv(), calibrated; `limits` is the board's row: `ratio` (cell to pin, in thousandths), thresholds.

    `mains()`: is it there? `needed()`: is the box needed even if that ruins the cell?
    """

    def __init__(self, adc, limits: dict, mains, needed, clock) -> None:
        self._adc = adc
        self._ratio = limits["ratio"]
        self._mains = mains
        self._needed = needed
        self._clock = clock
        self._watch = BatteryWatch(limits)
        self._failed = False
        self.turns = 0

    @property
    def low(self) -> bool:
        return self._watch.low

    @property
    def unknown(self) -> bool:
        return self._watch.unknown

    @property
    def enough_to_start(self) -> bool:
        return self._watch.may_start(self.mv(), self._mains())

    def mv(self) -> "int | None":
        """Millivolts of the cell; None if the converter fails, as it does in a chip without its reference voltage."""
        total = 0
        try:
            for _ in range(_READINGS):
                total += self._adc.read_uv()
        except OSError as error:
            if not self._failed:
                _log.error("cannot be measured", reason=error)
            self._failed = True
            return None
        self._failed = False
        return total // _READINGS * self._ratio // 1_000_000

    async def run(self, on_change) -> None:
        """Call `on_change(what, mv)` with LOW, WELL or EMPTY of core/battery.py when that is news.

        `what` is None when the news is that it can no longer be measured, or can again.
        """
        while True:
            self.turns += 1
            mv, was_unknown = self.mv(), self.unknown
            news = self._watch.update(mv, self._mains(), self._needed(), self._clock.now())
            if news is not None or self.unknown != was_unknown:
                on_change(news, mv)
            await asyncio.sleep_ms(_POLL_MS)
