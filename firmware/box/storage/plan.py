"""What is under way for each incident, on flash before it is done: after a power cut it goes on at the same step.

A record says all about one incident, and the newest of an incident counts: version of the format, incident (the
sequence of its first alert), and the step, whose bytes belong to who writes them; no step ends the incident. It has a
ring of its own, since a journal's slot is full and a step is written far more often than an alert.

Sequences belong to a key, so the plan does as well. Steps of another version of the format are given up, which is told.
"""

import struct

from box.log import Log
from box.storage.ring import Ring

VERSION = 1
LONGEST = 45  # bytes of a step
_SLOT_SIZE = 64
_HEAD = "<BI"  # version, incident
_HEAD_SIZE = 5
_MOST = 16  # incidents; a further one ends the oldest

_log = Log("plan")


class Plan:
    """Steps on `device`, a block device of its own, at least four blocks. `box`: the box id, 8 bytes."""

    def __init__(self, device, box: bytes):
        self._ring = Ring(device, _SLOT_SIZE, self._keep, self._moved)
        self._box = box
        self._steps: dict = {}  # incident: (position, step)

    def recover(self) -> None:
        """Read the plan after a start, whatever the last one left half done."""
        self._ring.recover(self._visit)
        if self._ring.tag != self._box:
            self._steps.clear()
            self._ring.format(self._box)
        for incident in [known for known in self._steps if not self._steps[known][1]]:
            self._steps.pop(incident)

    def _visit(self, position: int, number: int, payload, marks: int) -> None:
        version, incident = struct.unpack_from(_HEAD, payload)
        if version == VERSION:
            self._steps[incident] = (position, bytes(payload[_HEAD_SIZE:]))
        else:
            _log.warning("a step of another version is given up", incident=incident, version=version)

    def steps(self) -> dict:
        """{incident: its step} of those that have not ended."""
        return {incident: step for incident, (_, step) in self._steps.items()}

    def write(self, incident: int, step: bytes) -> None:
        """Write the step that is about to be done: one program. An empty one ends the incident.

        When this returns it survives a power cut. ValueError: it is longer than LONGEST. StorageError: flash fails.
        """
        if len(step) > LONGEST:
            raise ValueError("a step has at most %d bytes" % LONGEST)
        if incident not in self._steps:
            if not step:
                return
            if len(self._steps) >= _MOST:
                self.write(min(self._steps), b"")
        position = self._ring.append(self._ring.next_id, struct.pack(_HEAD, VERSION, incident), step)
        if step:
            self._steps[incident] = (position, step)
        else:
            self._steps.pop(incident)

    def prepare(self) -> bool:
        """Idle work, one step: at most one erase (about 45 ms) or one move. False if there is nothing to do."""
        return self._ring.prepare()

    # ---- the ring asks before it erases ----

    def _keep(self, position: int) -> bool:
        for known, _ in self._steps.values():
            if known == position:
                return True
        return False

    def _moved(self, old: int, new: "int | None") -> None:
        for incident, (position, step) in list(self._steps.items()):
            if position == old:
                if new is None:
                    self._steps.pop(incident)
                else:
                    self._steps[incident] = (new, step)
