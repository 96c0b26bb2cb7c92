"""Which incident an alert belongs to.

Pure: no clock. Presses that follow one another within the window are one
incident, so that a running help that becomes an alarm is seen as the same.
"""

WINDOW_MS = 10 * 60 * 1000


class Incident:
    def __init__(self, window_ms: int = WINDOW_MS):
        self._window_ms = window_ms
        self._first = 0
        self._last_ms = 0

    def join(self, sequence: int, now_ms: int) -> int:
        """How many sequences back the incident began; 0 when this press begins it."""
        if not self._first or now_ms - self._last_ms > self._window_ms:
            self._first = sequence
        self._last_ms = now_ms
        return sequence - self._first
