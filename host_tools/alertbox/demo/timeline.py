"""The moments of each alert, from the press to the box's knowledge that it arrived.

The box's come from its log lines, the receiver's from its events, all on the
host's clock. A line comes late on a busy machine, so when it was written is told
by the box's own clock, which is set by the line that came soonest. Which alert
belongs to which press is told by order only: what the box journals next, after a
press.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alertbox.sim import VirtualBox
from alertbox.sim.output import LogLine

MOMENTS = ("classified", "journalled", "sent", "verified", "received")


@dataclass
class Row:
    """One alert; `moments` are milliseconds since its press."""

    sequence: int
    kind: str
    pressed: float
    moments: dict[str, float] = field(default_factory=dict)

    def note(self, moment: str, at: float) -> None:
        self.moments.setdefault(moment, (at - self.pressed) * 1000)

    @property
    def complete(self) -> bool:
        return all(moment in self.moments for moment in MOMENTS)


class Timeline:
    """`changed(row)` is called after each new moment, from whichever thread brought it."""

    def __init__(self, changed: Callable[[Row], None]) -> None:
        self.rows: list[Row] = []
        self._changed = changed
        self._verified: dict[int, float] = {}
        self._box: VirtualBox | None = None
        self._lock = threading.RLock()

    def follow(self, box: VirtualBox, mark: int, pressed: float, told: tuple[str, str]) -> Row:
        """Wait until the box has journalled what was pressed since line `mark` of its log, and keep a row of it.

        `told`: the part of the box and the words by which it says what it takes the press for.
        """
        classified = box.wait_log(*told, since=mark)
        journalled = box.wait_log("issuer", "journalled", since=mark)
        row = Row(int(journalled.fields["seq"]), journalled.fields["kind"], pressed)
        row.note("classified", _written(box.log, classified))
        row.note("journalled", _written(box.log, journalled))
        with self._lock:
            self._box = box
            self.rows.append(row)
        self.fill_in()
        return row

    def on_receiver_event(self, event: dict[str, object]) -> None:
        if event["event"] == "verified":
            self._verified.setdefault(int(str(event["sequence"])), float(str(event["at"])))

    def complete(self) -> bool:
        """Fill in what has become known; True when every row is complete."""
        self.fill_in()
        return all(row.complete for row in self.rows)

    def fill_in(self) -> None:
        with self._lock:
            for row in self.rows:
                if row.complete or self._box is None:
                    continue
                before = len(row.moments)
                log = self._box.log
                for line in log:
                    if line.module == "outbox" and line.fields.get("seq") == str(row.sequence):
                        word = line.text.split()[0]
                        if word in ("sending", "received"):
                            row.note("sent" if word == "sending" else word, _written(log, line))
                if row.sequence in self._verified:
                    row.note("verified", self._verified[row.sequence])
                if len(row.moments) != before:
                    self._changed(row)


def _written(log: Sequence[LogLine], line: LogLine) -> float:
    """When the box wrote a line of its log, on the host's clock; its own begins anew at each start."""
    begin = end = log.index(line)
    while begin and log[begin - 1].uptime_ms <= log[begin].uptime_ms:
        begin -= 1
    while end + 1 < len(log) and log[end].uptime_ms <= log[end + 1].uptime_ms:
        end += 1
    return line.uptime_ms / 1000 + min(each.at - each.uptime_ms / 1000 for each in log[begin : end + 1])
