"""Which of the critical tasks has stopped making progress.

Pure: no clock. Each task counts its own turns; here the counts are compared. A
count that stands still for longer than its limit means a task that is stuck.
"""


class Supervision:
    """`limits_ms`: name of a task: how long it may make no turn."""

    def __init__(self, limits_ms: dict):
        self._limits_ms = limits_ms
        self._counts: dict = {}
        self._since_ms: dict = {}

    def look(self, counts: dict, now_ms: int) -> "str | None":
        """`counts`: name: turns so far. The name of a task that is stuck, or None."""
        name: str
        for name, count in counts.items():
            if self._counts.get(name) != count:
                self._counts[name] = count
                self._since_ms[name] = now_ms
            elif now_ms - self._since_ms[name] > self._limits_ms[name]:
                return name
        return None
