"""Does somebody jam the radio? The scan hears nothing at all where it never stopped hearing something.

Pure: no clock, no radio. In a street there are always phones, televisions, headphones. A place counts as lively when
an hour has passed without a minute of silence; three minutes of silence there are a suspicion. It is a fault and no
alarm: a quiet evening may look the same. It clears itself with the first packet, and needs a lively hour before it can
come back, so that it cannot be raised more than once an hour.
"""

BEGUN, ENDED = 1, 2

_LIVELY_MS = 60 * 60 * 1000
_PAUSE_MS = 60 * 1000
_SILENCE_MS = 180 * 1000


class JammingWatch:
    """`suspected` is what was told last."""

    def __init__(self, now_ms: int) -> None:
        self._heard = 0
        self._since_ms = now_ms  # no pause from then on
        self._last_ms = now_ms
        self.suspected = False

    def update(self, heard: int, now_ms: int) -> "int | None":
        """BEGUN or ENDED when it is to be told, else None. `heard`: packets so far, foreign ones too.

        Call it every few seconds, and `restart` after a time in which the box did not listen.
        """
        if heard == self._heard:
            if self.suspected or now_ms - self._last_ms < _SILENCE_MS or self._last_ms - self._since_ms < _LIVELY_MS:
                return None
            self.suspected = True
            return BEGUN
        self._heard = heard
        if now_ms - self._last_ms > _PAUSE_MS:
            self._since_ms = now_ms
        self._last_ms = now_ms
        if not self.suspected:
            return None
        self.suspected = False
        return ENDED

    def restart(self, now_ms: int) -> None:
        """Forget the lively hour: what follows proves nothing about the air. A suspicion stays until disproved."""
        self._since_ms = self._last_ms = now_ms
