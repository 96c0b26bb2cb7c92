"""The siren output. When it sounds is decided in `core/siren.py`."""

import asyncio

from box.core.siren import SirenRule, after_restart
from box.log import Log

MAX_S = 180  # a siren that does not stop draws complaints, then gets unplugged

_log = Log("siren")


class Siren:
    """`pin` is an output whose level `on_level` sounds it; `now()` gives monotonic milliseconds.

    `allowed` by the site's risk form; `silent_hours()` and `test_mode()` are asked at an alarm. `tell(what)` gets each
    thing worth an event: a text of core/siren.py.
    """

    def __init__(
        self,
        pin,
        on_level: int,
        allowed: bool,
        now,
        max_s: int = MAX_S,
        silent_hours=lambda: False,
        test_mode=lambda: False,
        tell=lambda what: None,
    ):
        self._pin = pin
        self._on = on_level
        self._rule = SirenRule(allowed, max_s)
        self._now = now
        self._silent_hours = silent_hours
        self._test_mode = test_mode
        self._tell = tell
        self._changed = asyncio.Event()
        pin.value(1 - on_level)

    def sound(self) -> None:
        """An alarm: sound at once, if that is right; a further alarm while it sounds begins the time anew."""
        self._told(self._rule.alarm(self._now(), self._silent_hours(), self._test_mode()))

    def silence(self) -> None:
        """Somebody is in charge."""
        self._told(self._rule.taken())

    def restarted(self, last_told: "str | None") -> None:
        """After a start, with what was told last before it: say so if a siren was cut off."""
        self._told(after_restart(last_told))

    async def run(self) -> None:
        while True:
            self._changed.clear()
            until_ms = self._rule.until_ms
            if until_ms is None:
                await self._changed.wait()
                continue
            try:
                await asyncio.wait_for_ms(self._changed.wait(), max(0, until_ms - self._now()))
            except asyncio.TimeoutError:
                self._told(self._rule.look(self._now()))

    def _told(self, what: "str | None") -> None:
        if what is None:
            return
        self._pin.value(self._on if self._rule.until_ms is not None else 1 - self._on)
        self._changed.set()
        _log.info(what)
        self._tell(what)
