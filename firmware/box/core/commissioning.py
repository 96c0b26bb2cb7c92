"""Test mode: while a technician tries a box, what it sends is marked as a test.

Pure: no clock. It ends by itself, so that nobody leaves a shop with a box that only tests.
"""

LASTS_MS = 30 * 60 * 1000


class TestMode:
    def __init__(self) -> None:
        self._until_ms = 0

    def set(self, on: bool, now_ms: int) -> None:
        """Begin, or begin anew; or end."""
        self._until_ms = now_ms + LASTS_MS if on else 0

    def is_on(self, now_ms: int) -> bool:
        return now_ms < self._until_ms

    def until_s(self, now_ms: int) -> "int | None":
        """Uptime in seconds at which it ends; None while it is off."""
        return self._until_ms // 1000 if self.is_on(now_ms) else None
