"""What the console tells of the box: who it is, how it is, its log and its events."""

from box import log
from box.core import rpc
from box.core.access import READ, SETTINGS

_CLOCK_STATES = ("unset", "saved", "set")
_EVENTS = 8  # more do not fit a line


class Facts:
    """What the box knows of itself.

    `about`: version and board. `state()`: enrolled, wifi, link, mains, fault (None or a sentence), heap.
    `built`: Unix seconds; a time before it is wrong.
    """

    def __init__(self, identity, about: dict, state, clock, built: int, events, journal, access, test_mode):
        self._identity = identity
        self._about = about
        self._state = state
        self._clock = clock
        self._built = built
        self._events = events
        self._journal = journal
        self._access = access
        self._test_mode = test_mode

    def table(self) -> dict:
        return {
            "identity": (self.identity, 0, ""),
            "status": (self.status, 0, ""),
            "log": (self.log, READ, "?u"),
            "events": (self.events, READ, "?u"),
            "time": (self.time, SETTINGS, "?*"),
        }

    def identity(self) -> dict:
        answer = {"box": self._identity.box.hex(), "public": self._identity.public.hex()}
        answer.update(self._about)
        return answer

    def status(self) -> dict:
        now = self._clock.now()
        session = self._access.session(now)
        answer = {
            "uptime": now // 1000,
            "boot": self._events.boot,
            "utc": self._clock.utc(),
            "clock": _CLOCK_STATES[self._clock.state],
            "locked": self._access.locked,
            "unlocked": session.name if session else None,
            "undelivered": self._journal.undelivered(),
            "test_mode": self._test_mode.is_on(now),
        }
        answer.update(self._state())
        fault = answer["fault"]
        if fault:
            answer["fault"] = None
            answer["fault"] = rpc.cut(fault, rpc.MOST_RESULT - rpc.size(answer) + 4)
        return answer

    def log(self, skip: int = 0) -> dict:
        lines = log.tail.lines()[skip:]
        return {"lines": rpc.fitting(lines, rpc.MOST_RESULT - len('{"lines":}'))}

    def events(self, skip: int = 0) -> dict:
        names = ("id", "boot", "utc", "uptime", "event", "detail")
        rows = [[event[name] for name in names] for event in self._events.last(_EVENTS, skip)]
        return {"events": rpc.fitting(rows, rpc.MOST_RESULT - len('{"events":}'))}

    def time(self, utc: "int | None" = None) -> dict:
        if utc is not None:
            rpc.check([utc], "u")
            if utc < self._built:
                raise rpc.Refused("time", "This time is past: check your clock.")
            self._clock.correct(utc)
        return {"utc": self._clock.utc()}
