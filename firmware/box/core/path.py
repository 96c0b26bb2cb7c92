"""When the loss of a path is worth telling, and its return.

Pure: no clock. A link that comes and goes is daily life; only a loss that lasts is a fault.
"""

LOST, BACK = 1, 2
LOST_AFTER_MS = 180 * 1000


class PathWatch:
    """`lost` is the state that was told last."""

    def __init__(self, now_ms: int, lost_after_ms: int = LOST_AFTER_MS):
        self._lost_after_ms = lost_after_ms
        self._seen_ms = now_ms
        self.lost = False

    def update(self, connected: bool, now_ms: int) -> "int | None":
        """LOST or BACK when it is to be told, else None."""
        if not connected:
            if self.lost or now_ms - self._seen_ms < self._lost_after_ms:
                return None
            self.lost = True
            return LOST
        self._seen_ms = now_ms
        if not self.lost:
            return None
        self.lost = False
        return BACK
