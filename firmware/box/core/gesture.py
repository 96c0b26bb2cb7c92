"""Turn presses and releases into gestures: one click, two clicks, a hold.

Pure: no clock, no pin. Times are monotonic milliseconds passed in, and a time
that goes back is read as the last one. What a gesture means is policy, and
lives elsewhere.

A *sequence* begins with a press and ends when the button has been up for longer
than `window_ms`. Within one sequence only a stronger gesture than the last is
reported, so that frantic pressing is one DOUBLE, and a HOLD after it still comes:

    one click, then quiet    CLICK, when the window ends
    two clicks               DOUBLE, at the second release
    down for hold_ms         HOLD, at that moment, whatever came before it
    down for stuck_ms        STUCK as well (a fault, once), then quiet until released

A press shorter than `click_ms` is no click: the sequence goes on as if it had not
been there. A release is reported at once, so that help does not wait; a press that
RESUME calls the same one takes the release back, and a hold then counts from its
first moment. What was reported stays.

Times are whole milliseconds cut from an exact clock, so 1500 may be read as 1499 and
a pause of 500 as 501: each threshold takes the doubtful millisecond in.

A late tick changes nothing: whatever fell due before an event is reported before
it, with the time at which it was due.
"""

# In rising strength; STUCK is a fault beside them.
CLICK, DOUBLE, HOLD, STUCK = 1, 2, 3, 4

# Events (see debounce). HIDDEN is a click that nobody saw but that edges prove. RESUME: the contact is down
# again so soon that it was the last press, which goes on. NOISE: it moved, and no press came of it.
PRESS, RELEASE, HIDDEN, RESUME, NOISE = 0, 1, 2, 3, 4
_DUE = 5

_IDLE, _DOWN, _HELD, _STUCK, _UP = 0, 1, 2, 3, 4

# Lowest and highest value that a site may choose, in milliseconds.
_BOUNDS = {
    "click_ms": (20, 200),
    "window_ms": (200, 2000),
    "hold_ms": (500, 10_000),
    "stuck_ms": (15_000, 600_000),
}

# Noise that never rests for two seconds is the cable's fault once it has gone on as long as a stuck button,
# and is told once an hour.
_REST_MS = 2000
_TOLD_MS = 3_600_000


def check_bounds(name: str, value: int, lowest: int, highest: int) -> int:
    """Return `value`, or raise ValueError with a sentence that names the bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise ValueError("%s is %r; choose a whole number from %d to %d." % (name, value, lowest, highest))
    return value


class Gesture:
    """Gestures of one button, reported as `on_gesture(code, t_ms)`.

    `t_ms` is the moment that decided: the release, the hold's threshold or the
    end of the window. During the call `began_ms` is when the sequence's first
    press began.
    """

    def __init__(  # type: ignore[no-untyped-def]  # on_gesture is a callable: MicroPython has no name for that
        self, on_gesture, click_ms: int = 30, window_ms: int = 500, hold_ms: int = 1500, stuck_ms: int = 30_000
    ) -> None:
        self._click_ms = check_bounds("click_ms", click_ms, *_BOUNDS["click_ms"]) - 1
        window = check_bounds("window_ms", window_ms, *_BOUNDS["window_ms"])
        hold = check_bounds("hold_ms", hold_ms, *_BOUNDS["hold_ms"])
        stuck = check_bounds("stuck_ms", stuck_ms, *_BOUNDS["stuck_ms"])
        # By state: how long it may last, from the press or (up) from the release.
        # A press one millisecond after the window still joins, hence the 2.
        self._limits = (None, hold - 1, stuck, None, window + 2)
        self._stuck_ms = stuck
        self._on_gesture = on_gesture
        self._state = _IDLE
        self._pressed = _DOWN  # the state that the last release left
        self._now_ms = 0
        self._down_ms = 0
        self._up_ms = 0
        self._slack_ms = 0
        self._clicks = 0
        self._clicks_before = 0  # the last press
        self._strongest = 0
        self._noisy_from_ms = 0
        self._noise_ms = 0
        self.began_ms = 0
        self.due_ms: "int | None" = None  # when tick() matters next, or None

    @property
    def open(self) -> bool:
        """Is a gesture running that is not decided yet? Never for longer than two holds and a window.

        After DOUBLE or HOLD it is closed although more may follow: help that is
        already called must not wait for the caller to stop pressing.
        """
        return self._strongest == 0 and self._state in (_DOWN, _UP)

    def feed(self, event: int, t_ms: int, slack_ms: int = 0) -> None:
        """Take an event that happened at `t_ms`; only a PRESS may lie before the last tick.

        `slack_ms`: a PRESS may have begun this much earlier, unseen. It counts for
        one question only, whether the press was long enough to be one. A RELEASE opens
        the window this much later (or, below 0, earlier).
        """
        self.tick(t_ms)
        _ACTIONS[self._state][event](self, t_ms if event == PRESS else self._now_ms, slack_ms)

    def tick(self, now_ms: int) -> None:
        """Time has reached `now_ms`, and every event before it has been fed."""
        if now_ms > self._now_ms:
            self._now_ms = now_ms
        while self.due_ms is not None and self._now_ms >= self.due_ms:
            _ACTIONS[self._state][_DUE](self, self.due_ms, 0)

    def _enter(self, state: int) -> None:
        self._state = state
        if _IDLE < state < _UP:
            self._pressed = state
        limit = self._limits[state]
        since = self._up_ms if state == _UP else self._down_ms
        self.due_ms = None if limit is None else since + limit

    def _report(self, code: int, t_ms: int) -> None:
        if code > self._strongest:
            self._strongest = code
            self._on_gesture(code, t_ms)

    def _ignore(self, t_ms: int, slack_ms: int) -> None:
        pass

    def _press(self, t_ms: int, slack_ms: int) -> None:
        if self._state == _IDLE:
            self.began_ms = t_ms
        self._down_ms = t_ms
        self._slack_ms = slack_ms
        self._clicks_before = self._clicks
        self._enter(_DOWN)

    def _resume(self, t_ms: int, slack_ms: int) -> None:
        if self._state == _IDLE:
            self.began_ms = self._down_ms
        self._clicks = self._clicks_before
        self._enter(self._pressed)

    def _release(self, t_ms: int, slack_ms: int) -> None:
        if t_ms - self._down_ms + self._slack_ms >= self._click_ms:
            self._click_and_wait(t_ms, slack_ms)
        else:
            self._enter(_UP if self._clicks or self._strongest else _IDLE)

    def _let_go(self, t_ms: int, slack_ms: int) -> None:
        self._up_ms = t_ms + slack_ms
        self._enter(_UP)

    def _click(self, t_ms: int, slack_ms: int) -> None:
        self._clicks += 1
        if self._clicks >= 2:
            self._report(DOUBLE, t_ms)

    def _click_and_wait(self, t_ms: int, slack_ms: int) -> None:
        if self._state == _IDLE:
            self.began_ms = t_ms
        self._let_go(t_ms, slack_ms)
        self._click(t_ms, 0)

    def _hold(self, t_ms: int, slack_ms: int) -> None:
        self._enter(_HELD)
        self._report(HOLD, t_ms)

    def _stuck(self, t_ms: int, slack_ms: int) -> None:
        self._enter(_STUCK)
        self._on_gesture(STUCK, t_ms)

    def _noise(self, t_ms: int, slack_ms: int) -> None:
        if t_ms - self._noise_ms > _REST_MS and self._noisy_from_ms <= t_ms:
            self._noisy_from_ms = t_ms
        self._noise_ms = t_ms
        if t_ms - self._noisy_from_ms >= self._stuck_ms:
            self.began_ms = self._noisy_from_ms
            self._noisy_from_ms = t_ms + _TOLD_MS
            self._on_gesture(STUCK, t_ms)

    def _end(self, t_ms: int, slack_ms: int) -> None:
        self._enter(_IDLE)
        self._report(CLICK, t_ms)
        self._clicks = 0
        self._strongest = 0


_G = Gesture
_ACTIONS = (
    # PRESS, RELEASE, HIDDEN, RESUME, NOISE, due
    (_G._press, _G._ignore, _G._click_and_wait, _G._resume, _G._noise, _G._ignore),  # idle
    (_G._ignore, _G._release, _G._click, _G._ignore, _G._ignore, _G._hold),  # down, not yet a hold
    (_G._ignore, _G._let_go, _G._click, _G._ignore, _G._ignore, _G._stuck),  # held
    (_G._ignore, _G._let_go, _G._click, _G._ignore, _G._ignore, _G._ignore),  # stuck
    (_G._press, _G._ignore, _G._click_and_wait, _G._resume, _G._ignore, _G._end),  # up, the next click may join
)
