"""Which incident an alert belongs to.

Pure: no clock. Presses that follow one another within the window are one
incident, whichever button or bip they come from, so that a running help that
becomes an alarm is seen as the same. The strongest kind leads.

It does not survive a restart: how long that took is not known, and a press
too many in an incident of its own is better than one that hides in an old one.
"""

from box.core import alert

WINDOW_MS = 10 * 60 * 1000


class Incident:
    """`kind`: the strongest so far, which leads; `sources`: who pressed, in order, without doubles."""

    def __init__(self, window_ms: int = WINDOW_MS):
        self._window_ms = window_ms
        self._first = 0
        self._last_ms = 0
        self.kind = 0
        self.sources: list = []

    def runs(self, now_ms: int) -> bool:
        """Would a press now join it?"""
        return self._first > 0 and now_ms - self._last_ms <= self._window_ms

    def join(self, sequence: int, now_ms: int, kind: int, source: int) -> int:
        """How many sequences back the incident began; 0 when this press begins it."""
        if not self.runs(now_ms):
            self._first = sequence
            self.kind = kind
            self.sources = []
        # A press that is reported late began earlier; it must not shorten the incident.
        self._last_ms = max(self._last_ms, now_ms)
        if alert.strength(kind) > alert.strength(self.kind):
            self.kind = kind
        if source not in self.sources:
            self.sources.append(source)
        return sequence - self._first
