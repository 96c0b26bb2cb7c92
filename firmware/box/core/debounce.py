"""Turn recorded edges of one contact into presses and releases that can be trusted.

Pure: no clock, no pin. Times are monotonic milliseconds passed in.

A level counts once it has held `settle_ms`, and is stamped with the first edge of the
*burst* that led to it. A burst that ends where it began was a spike, and is nothing.
No hand lets go for less than about 50 ms, and contacts do:

- a contact that is down again so soon was down all the time: RESUME takes the release
  back, which had been told at once so that help does not wait for it;
- a spike so soon before a press is its first touch, so a burst of an open contact ends
  after 50 quiet milliseconds;
- where edges leave open whether the gap was that short, it counts as both: the click
  as one, and the hold from its first moment.

A burst that goes on for ten settling times is decided by how long the contact was down
in it: for half of the time, and it is a press from the burst's beginning (the worst
switches bounce for 80 ms); for less than a quarter, and a press is over. Else it is noise.

Soft interrupts run between bytecodes only, so a record carries the time at which its
handler ran. `alive_ms` is the last moment at which Python surely ran. As long as records
and samples follow one another within `blind_ms` (30: the shortest click), their times are
trusted. After a longer gap the box was *blind*: handlers queued during a stall all run at
its end, at most eight of them, with the level of the end. Then ambiguity escalates:

- a press found began when the blind span did, a release happened when it ended;
- edges beyond those that explain the change of level are hidden clicks, as many as the
  edges prove and a hand can do in that time; what is not known to be one is counted up;
- a button that was down before and after keeps its first press, so that hidden clicks
  never shorten a hold;
- one or two edges without any change of level are a click, for a single spike makes as many; more may
  have been a bouncing hold, as long as the blind span;
- no edge and no change is nothing; a change without an edge (the queue was full) is one edge.
"""

from box.core.gesture import HIDDEN, NOISE, PRESS, RELEASE, RESUME, Gesture, check_bounds

_QUIET, _BURST, _BLIND = 0, 1, 2

# Hands click ten times a second at most. Without this limit the bounces of one press inside a flash
# erase (45 ms) would make it two.
_CYCLE_MS = 100
_PAUSE_MS = 50

# Between these a gap may have been a hand's or not: times are whole milliseconds, and of late handlers.
_SURELY_CONTACT_MS = _PAUSE_MS - 2
_SURELY_HAND_MS = _PAUSE_MS + 2

# A touch before a press or after a release moves the window's end or begin by this much at most: no hand means
# its pause to 20 ms, and further away it may as well be noise.
_WINDOW_DOUBT_MS = 18


class Debounce:
    """One contact. Feeds `sink.feed(event, t_ms, slack_ms)` and `sink.tick(now_ms)` (a Gesture).

    The contact counts as up at the start, so one that is held at boot is a press.
    """

    def __init__(self, sink: Gesture, now_ms: int, settle_ms: int = 10, blind_ms: int = 30) -> None:
        self._settle_ms = check_bounds("settle_ms", settle_ms, 2, 100)
        self._chatter_ms = 10 * settle_ms
        # Below 25 ms an ordinary service interval (20 ms) would count as a stall.
        self.blind_ms = check_bounds("blind_ms", blind_ms, 25, 200)
        self._sink = sink
        self.alive_ms = now_ms
        self.down = False  # the settled level
        self._raw = False
        self._state = _QUIET
        # Of the running burst: earliest moment at which it may have begun, first and last record.
        self._begin_ms = now_ms
        self._first_ms = now_ms
        self._run_ms = now_ms  # since then no level has held for settle_ms
        self._last_ms = now_ms
        self._left_ms = now_ms  # earliest moment at which the contact left the settled level
        self._edges = 0
        self._down_ms = 0  # for so long the contact was down in it
        self._unseen = False
        self._noisy = False  # the burst goes on from one that was noise
        # The last release: at the earliest, at the latest.
        self._freed_ms = self._up_ms = now_ms - _SURELY_HAND_MS

    @property
    def restless(self) -> bool:
        """Is a change on its way? Noise that goes on is none."""
        return self._state != _QUIET and not self._noisy

    @property
    def due_ms(self) -> "int | None":
        """When a sample matters next, or None. Before that one is needed only to stay alive."""
        return self._sink.due_ms if self._state == _QUIET else self._last_ms + self._patience_ms()

    def edge(self, t_ms: int, down: bool) -> None:
        """Take an interrupt's record: its handler ran at `t_ms` and read `down`."""
        self._look(t_ms, down, 1)

    def sample(self, now_ms: int, down: bool) -> None:
        """Take the level read now, after every record made so far."""
        self._look(now_ms, down, 0)
        # What comes of an open burst will be stamped with its beginning: time must not overtake it.
        if self._state == _QUIET:
            self._sink.tick(self.alive_ms)
        else:
            self._sink.tick(self._first_ms if self._state == _BURST else self._begin_ms)

    def _look(self, t_ms: int, down: bool, edges: int) -> None:
        alive_ms = self.alive_ms
        if t_ms < alive_ms:
            t_ms = alive_ms
        self.alive_ms = t_ms
        if t_ms - alive_ms > self.blind_ms:
            self._go_blind(alive_ms, t_ms)
        elif self._state != _QUIET:
            if self._raw:
                self._down_ms += t_ms - alive_ms
            if t_ms - self._last_ms >= self._patience_ms():
                self._close(self._raw)
                self._noisy = False
            elif edges and t_ms - self._first_ms > self._chatter_ms:
                self._close(self._down_ms * (4 if self.down else 2) >= t_ms - self._first_ms)
                self._noisy = not self.down
        if edges or down != self._raw:
            self._note(alive_ms, t_ms, down)
            self._edges += edges
        self._raw = down

    def _patience_ms(self) -> int:
        """For how long a burst must be quiet to be over."""
        if self._state == _BLIND or self._raw or self.down:
            return self._settle_ms
        return max(self._settle_ms, _PAUSE_MS)

    def _note(self, alive_ms: int, t_ms: int, down: bool) -> None:
        """An edge of a new or running burst."""
        if self._state == _QUIET:
            self._state = _BURST
            self._begin_ms = alive_ms
            self._first_ms = self._run_ms = t_ms
            self._edges = 0
            self._down_ms = 0
            self._unseen = False
        elif t_ms - self._last_ms >= self._settle_ms:
            self._run_ms = t_ms
        self._last_ms = t_ms
        if down != self._raw:
            if down != self.down:
                self._left_ms = alive_ms
            elif t_ms - self._left_ms > self.blind_ms:
                # Seen for less than settle_ms, but most of it may have been unseen: no spike for certain.
                self._unseen = True

    def _go_blind(self, alive_ms: int, t_ms: int) -> None:
        """Open a blind burst over (alive_ms, t_ms], or let a running one become that.

        It stays open for settle_ms even without an edge: handlers may still be queued.
        """
        if self._state == _QUIET:
            self._begin_ms = alive_ms
            self._edges = 0
        elif self._state == _BURST:
            self._begin_ms = self._first_ms
            self._edges = 1 if self._raw != self.down else 0
        self._state = _BLIND
        self._first_ms = self._last_ms = t_ms

    def _close(self, down: bool) -> None:
        """The burst has led to this level: tell what it was."""
        was_down = self.down
        blind = self._state == _BLIND
        self.down = down
        self._state = _QUIET
        if blind:
            self._close_blind(was_down, down)
        elif down and not was_down:
            self._press(self._first_ms, self._last_ms, max(self._first_ms, self._run_ms - _WINDOW_DOUBT_MS))
        elif was_down and not down:
            self._release(self._first_ms, self._first_ms)
        elif not down:
            self._spike()

    def _spike(self) -> None:
        """An open contact was touched, and no press came of it."""
        feed = self._sink.feed
        if self._unseen:
            self._press(self._first_ms, self._last_ms, self._first_ms)
            self._release(self._last_ms, self._last_ms)
            return
        if self._first_ms - self._up_ms >= _SURELY_HAND_MS:
            feed(NOISE, self._first_ms)
            return
        # It may have been the end of the last press, or not: the press is longer, and its window hardly.
        feed(RESUME, self._first_ms)
        feed(RELEASE, self._last_ms, min(0, self._up_ms + _WINDOW_DOUBT_MS - self._last_ms))

    def _close_blind(self, was_down: bool, down: bool) -> None:
        """Events that only edges prove: whatever is not known counts upwards."""
        feed = self._sink.feed
        begin_ms, end_ms = self._begin_ms, self._last_ms
        hidden = self._hidden_pulses(down != was_down, end_ms - begin_ms)
        if not was_down and not down and self._edges:
            # Two edges prove one pulse and not its length: the click lasts no time, its window begins at the end.
            unproved_ms = end_ms - begin_ms if self._edges <= 2 else 0
            feed(PRESS, begin_ms, unproved_ms)
            feed(RELEASE, end_ms - unproved_ms, unproved_ms)
            hidden -= 1
        if was_down and not down:
            self._release(begin_ms, end_ms)
        for _ in range(hidden):
            feed(HIDDEN, begin_ms if down and not was_down else end_ms)
        if down and not was_down:
            self._press(begin_ms, end_ms, begin_ms)

    def _release(self, earliest_ms: int, latest_ms: int) -> None:
        """Tell it at once. Whether the contact dropped out shows at the next press."""
        self._freed_ms = earliest_ms
        self._up_ms = latest_ms
        self._sink.feed(RELEASE, latest_ms)

    def _press(self, earliest_ms: int, latest_ms: int, joins_ms: int) -> None:
        """`joins_ms`: so late it may come to join what went before."""
        sink = self._sink
        if earliest_ms - self._up_ms >= _SURELY_HAND_MS:
            sink.tick(joins_ms)
            sink.feed(PRESS, earliest_ms, earliest_ms - self._begin_ms)
            return
        if latest_ms - self._freed_ms >= _SURELY_CONTACT_MS:
            sink.feed(HIDDEN, earliest_ms)
        sink.feed(RESUME, earliest_ms)

    def _hidden_pulses(self, changed: bool, span_ms: int) -> int:
        """How many pulses the edges may hide beside the change of level; two are enough for any gesture.

        An even number of edges with a change, or an odd one without, has lost one: round up.
        """
        if changed:
            return min(2, self._edges // 2, span_ms // _CYCLE_MS)
        return min(2, (self._edges + 1) // 2, (span_ms + _PAUSE_MS) // _CYCLE_MS)
