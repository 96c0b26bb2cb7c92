"""What the console tells of the box: who it is, how it is, its log and its events."""

import gc

from box import log
from box.core import rpc
from box.core.access import READ, SETTINGS
from box.version import BUILT, VERSION

_CLOCK_STATES = ("unset", "saved", "set")
_EVENTS = 8  # more do not fit a line


class Facts:
    """What the box knows of itself. `box`: the record of its parts, see app.py."""

    ROWS = {
        "identity": (0, ""),
        "status": (0, ""),
        "log": (READ, "?u"),
        "events": (READ, "?u"),
        "time": (SETTINGS, "?*"),
    }

    def __init__(self, box, access):
        self._box = box
        self._clock = box.clock
        self._access = access

    def identity(self) -> dict:
        identity = self._box.stored.identity
        return {
            "box": identity.box.hex(),
            "public": identity.public.hex(),
            "version": VERSION,
            "board": self._box.board,
        }

    def status(self) -> dict:
        now = self._clock.now()
        session = self._access.session(now)
        box = self._box
        answer = {
            "uptime": now // 1000,
            "boot": box.stored.events.boot,
            "utc": self._clock.utc(),
            "clock": _CLOCK_STATES[self._clock.state],
            "locked": self._access.locked,
            "unlocked": session.name if session else None,
            "undelivered": box.stored.journal.undelivered(),
            "test_mode": box.test_mode.is_on(now),
            "enrolled": box.stored.login is not None,
            "wifi": box.network.wifi.connected,
            "link": box.network.connected,
            "mains": box.pins.mains,
            "battery_mv": box.pins.battery.mv(),
            "fault": None,
            "heap": gc.mem_alloc(),
        }
        fault = box.status.sentence()
        if fault:
            answer["fault"] = rpc.cut(fault, rpc.MOST_RESULT - rpc.size(answer) + 4)
        return answer

    def log(self, skip: int = 0) -> dict:
        lines = log.tail.lines()[skip:]
        return {"lines": rpc.fitting(lines, rpc.MOST_RESULT - len('{"lines":}'))}

    def events(self, skip: int = 0) -> dict:
        names = ("id", "boot", "utc", "uptime", "event", "detail")
        rows = [[event[name] for name in names] for event in self._box.stored.events.last(_EVENTS, skip)]
        return {"events": rpc.fitting(rows, rpc.MOST_RESULT - len('{"events":}'))}

    def time(self, utc: "int | None" = None) -> dict:
        if utc is not None:
            rpc.check([utc], "u")
            if utc < BUILT:
                raise rpc.Refused("time", "This time is past: check your clock.")
            self._clock.correct(utc)
        return {"utc": self._clock.utc()}
