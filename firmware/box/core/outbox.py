"""Which alert is sent next, over which path, and when again.

Pure: no clock, no radio. Strongest then newest goes first; a press is tried for ever, with back-off. Paths are
numbered, the preferred one first. An alert goes over a later path when those before it are down, or have had it for the
later one's `after_ms` without the receiver's word.
"""

# Journal and random source are passed in, and MicroPython has no typing.Protocol for them.
# mypy: allow-incomplete-defs, allow-untyped-defs, allow-untyped-calls

from box.core import alert

RESEND_MS = (5000, 10000, 20000, 40000, 60000)
UNDER_WAY = 16  # alerts sent and not yet acknowledged that are remembered
PROMPT_MS = 10000  # an acknowledgement within this time of sending is an answer to it


class UnderWay:
    """An alert that is being sent until its acknowledgement comes. Of each path: `tries`, and when it is `due_ms`."""

    def __init__(self, sequence: int, kind: int, now_ms: int, paths: int):
        self.sequence = sequence
        self.rank = (alert.strength(kind), sequence)
        self.begun_ms = now_ms
        self.sent_ms: "int | None" = None
        self.is_sending = False
        self.tries = [0] * paths
        self.due_ms = [now_ms] * paths


class Queue:
    """What is under way. `journal`: `best(exclude)` and `kind(sequence)`. `after_ms`: of each path, 0 for the first.

    `random(n)`: n bytes, so that the boxes of a town do not march in step.
    """

    def __init__(self, journal, after_ms: tuple, random):
        self._journal = journal
        self._after_ms = after_ms
        self._random = random
        self._items: dict = {}  # sequence: UnderWay

    def next(self, now_ms: int, path: int, connected: list) -> tuple:
        """(what to send over `path` now or None, ms until something is due there). `connected`: of each path."""
        self._take_fresh(now_ms)
        delay_ms = self._after_ms[path] if any(connected[:path]) else 0
        wait_ms = RESEND_MS[-1]
        best = None
        for item in self._items.values():
            if item.is_sending:
                continue
            due_ms = item.due_ms[path] if item.tries[path] else item.begun_ms + delay_ms
            if due_ms > now_ms:
                wait_ms = min(wait_ms, due_ms - now_ms)
            elif best is None or item.rank > best.rank:
                best = item
        return best, wait_ms

    def sent(self, item: UnderWay, path: int, now_ms: int) -> None:
        """It is handed to a path now: the next try there is set back."""
        base = RESEND_MS[min(item.tries[path], len(RESEND_MS) - 1)]
        item.tries[path] += 1
        item.sent_ms = now_ms
        item.due_ms[path] = now_ms + base + base * self._random(1)[0] // 1024  # up to a quarter more

    def reconnected(self, path: int) -> None:
        """What was sent before over this path may be lost: it is due there again at once."""
        for item in self._items.values():
            item.due_ms[path] = 0

    def done(self, sequence: int, now_ms: int) -> bool:
        """No more to send. True if it was sent just before, so that what ended it is an answer to that."""
        item = self._items.pop(sequence, None)
        return item is not None and item.sent_ms is not None and now_ms - item.sent_ms < PROMPT_MS

    def _take_fresh(self, now_ms: int) -> None:
        """Take in the strongest alert that is not under way, if there is room among those that are.

        A stronger one takes the weakest's place, which stays in the journal and gets its turn again.
        """
        sequence = self._journal.best(self._items)
        if sequence is None:
            return
        item = UnderWay(sequence, self._journal.kind(sequence), now_ms, len(self._after_ms))
        if len(self._items) >= UNDER_WAY:
            weakest = min([other for other in self._items.values() if not other.is_sending], key=_rank)
            if item.rank < weakest.rank:
                return
            self._items.pop(weakest.sequence)
        self._items[sequence] = item


def _rank(item: UnderWay) -> tuple:
    return item.rank
