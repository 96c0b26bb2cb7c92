"""Which boxes are silent, and whether that is an alarm.

Pure: no clock, no database. `feed` takes what happened and `tick` the time that passes (Unix seconds, the
receiver's clock); both give findings. What must outlive a restart is in the findings, which the store keeps,
and comes back by `remember`.

Two kinds of silence, told apart because they rest on different words:

- *unreachable*: the broker says so (a box's last will), or does not say otherwise within GRACE_S after the
  receiver's link came up. Unsigned hints, but there within a minute: a box's keepalive is 30 s, so its will goes
  out after 45 s, which mosquitto looks for every 5 s; with SETTLE_S for a box that only changes its connection
  that stays below 60 s.
- *overdue*: nothing new that is signed for OVERDUE_S, though a box sends a heartbeat every hour.

A press after which the box becomes unreachable within PRESS_S is an alarm of its own, raised once a press.
While the receiver has no link to its broker it knows nothing: no box is blamed for that. What it learns after is
dated from the last moment at which the box was known to be there, so in doubt the alarm is raised.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

SETTLE_S = 5
GRACE_S = 60
PRESS_S = 600
OVERDUE_S = 2 * 3600 + 600
PRESSES = frozenset({1, 2, 3})  # inform, help, alarm


class What(Enum):
    """What can happen to a box, as far as the watch is concerned."""

    ONLINE = "online"
    OFFLINE = "offline"
    ALERT = "alert"  # new, verified and stored


class Found(Enum):
    """What the watch finds; the values are the receiver's events."""

    UNREACHABLE = "unreachable"
    REACHABLE = "reachable"
    OVERDUE = "overdue"
    HEARD = "heard"  # from a box that was overdue
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Happened:
    """`at`: when it came in. `kind` and `sequence` are an alert's."""

    what: What
    box: str
    at: float
    kind: int = 0
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """`sequence` is that of the press (SILENCE only)."""

    found: Found
    box: str
    at: float
    sequence: int = 0


@dataclass(slots=True)
class Known:
    """What is known of one box. `seen`: the last moment at which it was surely there."""

    seen: float
    heard: float  # the last that was signed
    offline: float | None = None  # when the broker said so
    leaves: float | None = None  # when it counts as unreachable unless something is heard of it
    confirmed: bool = False  # something was heard of it since the link came up
    unreachable: bool = False
    overdue: bool = False
    press: tuple[int, float] | None = None  # sequence and arrival of the latest, until its silence was raised


class Watch:
    """Over the boxes that were ever heard; a box that is only enrolled yet is not missed."""

    def __init__(self) -> None:
        self._boxes: dict[str, Known] = {}
        self._up_since: float | None = None

    def remember(self, box: str, known: Known) -> None:
        """From an earlier run, before the link is up."""
        self._boxes[box] = known

    def forget(self, box: str) -> None:
        """It was revoked."""
        self._boxes.pop(box, None)

    def link(self, up: bool, now: float) -> None:
        """The receiver's own connection to the broker: without it nothing is known."""
        for known in self._boxes.values():
            if up and known.leaves is None and not known.unreachable:
                known.leaves = now + GRACE_S
            elif not up and known.confirmed and known.offline is None:
                known.seen = now
            if not up and known.offline is None:
                known.leaves = None
            known.confirmed = False
        self._up_since = now if up else None

    def feed(self, happened: Happened) -> list[Finding]:
        known = self._boxes.get(happened.box)
        if known is None:
            known = self._boxes[happened.box] = Known(seen=happened.at, heard=happened.at)
        return list(_STEPS[happened.what](known, happened))

    def tick(self, now: float) -> list[Finding]:
        """What the passing of time brings. To be called every second or so."""
        return [finding for box, known in self._boxes.items() for finding in self._due(box, known, now)]

    def _due(self, box: str, known: Known, now: float) -> Iterator[Finding]:
        if known.leaves is not None and now >= known.leaves:
            known.leaves = None
            known.unreachable = True
            yield Finding(Found.UNREACHABLE, box, now)
            yield from _silence(box, known, now)
        # After an outage of its own the receiver gives heartbeats that waited time to come in.
        settled = self._up_since is not None and now >= self._up_since + GRACE_S
        if settled and not known.overdue and now >= known.heard + OVERDUE_S:
            known.overdue = True
            yield Finding(Found.OVERDUE, box, now)


def _online(known: Known, happened: Happened) -> Iterator[Finding]:
    known.seen = max(known.seen, happened.at)
    known.offline = known.leaves = None
    known.confirmed = True
    if known.unreachable:
        known.unreachable = False
        yield Finding(Found.REACHABLE, happened.box, happened.at)


def _offline(known: Known, happened: Happened) -> Iterator[Finding]:
    if known.confirmed:
        known.seen = happened.at
    known.offline = happened.at
    known.confirmed = True
    if not known.unreachable:
        soon = happened.at + SETTLE_S
        known.leaves = soon if known.leaves is None else min(known.leaves, soon)
    yield from ()


def _alert(known: Known, happened: Happened) -> Iterator[Finding]:
    known.heard = max(known.heard, happened.at)
    if known.overdue:
        known.overdue = False
        yield Finding(Found.HEARD, happened.box, happened.at)
    if happened.kind in PRESSES:
        known.press = (happened.sequence, happened.at)
    if known.offline is None or happened.at > known.offline:
        yield from _online(known, happened)
    elif known.unreachable:
        # It came in before the broker's word and took longer to the disk.
        yield from _silence(happened.box, known, happened.at)


def _silence(box: str, known: Known, now: float) -> Iterator[Finding]:
    if known.press is not None:
        sequence, pressed = known.press
        known.press = None
        if known.seen - pressed <= PRESS_S:
            yield Finding(Found.SILENCE, box, now, sequence)


_STEPS = {What.ONLINE: _online, What.OFFLINE: _offline, What.ALERT: _alert}
