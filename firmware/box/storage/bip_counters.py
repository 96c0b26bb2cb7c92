"""The bips' last counters on flash, so that neither a restart nor a power cut lets a recorded packet through.

Each record says all about one bip, and the newest of a bip counts: `seen`, the counter when it was written, and
`reserved`, up to where packets that only say "I am here" are let through without writing: one program in 64 of them.
A press is written at once, *before* its alert, with the sequence that the alert will get. If the journal does not
hold that sequence after a start, the cut fell between the two, and the alert is issued then.

A record's bip is its fingerprint, not its number: another bip, or the same under another key, begins afresh.
"""

import struct

from box.storage.ring import Ring

_SLOT_SIZE = 64
_RECORD = "<8sIIBB4sI"  # fingerprint, seen, reserved; of a press: bip, gesture, begin of the box id, sequence
_BOX = 4
_BLOCK = 64  # counters reserved at a time
_HIGHEST = 0xFFFFFFFF


class _Bip:
    def __init__(self, fingerprint: bytes):
        self.fingerprint = fingerprint
        self.seen = self.reserved = -1
        self.position = -1  # of its newest record


class BipCounters:
    """Counters on `device`, a block device of its own, at least four blocks. `box`: the box id, 8 bytes."""

    def __init__(self, device, box: bytes):
        self._ring = Ring(device, _SLOT_SIZE, self._keep, self._moved)
        self._box = bytes(box[:_BOX])
        self._bips: dict = {}
        # The newest press: id and position of its record, bip, gesture, sequence. The sequence is 0 if the box has had
        # another key since: sequences belong to a key.
        self._press = (0, -1, 0, 0, 0)

    def recover(self, bips: dict) -> None:
        """Read the counters of `bips` {number: fingerprint} after a start, whatever the last one left half done."""
        self._bips = {bip: _Bip(fingerprint) for bip, fingerprint in bips.items()}
        self._by_fingerprint = {known.fingerprint: known for known in self._bips.values()}
        self._ring.recover(self._visit)
        self._by_fingerprint.clear()

    def _visit(self, position: int, number: int, payload, marks: int) -> None:
        fingerprint, seen, reserved, bip, gesture, box, sequence = struct.unpack_from(_RECORD, payload)
        if gesture and number >= self._press[0]:  # a bip's older press may have been moved behind it
            self._press = (number, position, bip, gesture, sequence if box == self._box else 0)
        known = self._by_fingerprint.get(fingerprint)
        if known:  # of one bip only the newest is ever moved, so the last that comes is it
            known.seen, known.reserved, known.position = seen, reserved, position

    @property
    def fresh(self) -> bool:
        """No ring was found at the start: nothing is known of what was let through before."""
        return self._ring.fresh

    def floors(self, bip: int) -> tuple:
        """(seen, reserved) as BipGuard wants them, -1 for a bip that has never been heard."""
        known = self._bips[bip]
        return known.seen, known.reserved

    def pending(self, next_sequence: int) -> "tuple | None":
        """(bip, gesture) of a press whose alert a power cut has kept from the journal; None if there is none.

        To be asked after a start before any alert is issued, with the journal's next sequence.
        """
        _, _, bip, gesture, sequence = self._press
        return (bip, gesture) if sequence >= next_sequence else None

    def press(self, bip: int, counter: int, gesture: int, sequence: int) -> None:
        """Write a press: one program. When this returns it survives a power cut. StorageError if flash fails.

        `sequence`: the journal's next one, which its alert must get.
        """
        reserved = self._bips[bip].reserved
        self._write(bip, counter, _reserve(counter) if counter > reserved else reserved, gesture, sequence)

    def reserve(self, bip: int, counter: int) -> None:
        """Take note of a packet that is no press: one program in 64. StorageError if flash fails."""
        if counter > self._bips[bip].reserved:
            self._write(bip, counter, _reserve(counter), 0, 0)

    def bind(self, bip: int, fingerprint: bytes, counter: "int | None" = None) -> None:
        """A bip has been paired, perhaps again: what its counters were is of no account from now on.

        `counter`: the highest heard while it was paired; None if its key came from elsewhere and it was not heard.
        """
        self._bips[bip] = _Bip(fingerprint)
        if counter is not None:
            self._write(bip, counter, _reserve(counter), 0, 0)

    def unbind(self, bip: int) -> None:
        self._bips.pop(bip, None)

    def prepare(self) -> bool:
        """Idle work, one step: at most one erase (about 45 ms) or one move. False if there is nothing to do."""
        return self._ring.prepare()

    def _write(self, bip: int, seen: int, reserved: int, gesture: int, sequence: int) -> None:
        known = self._bips[bip]
        number = self._ring.next_id
        record = struct.pack(_RECORD, known.fingerprint, seen, reserved, bip, gesture, self._box, sequence)
        position = self._ring.append(number, record)
        known.seen, known.reserved, known.position = seen, reserved, position
        if gesture:
            self._press = (number, position, bip, gesture, sequence)

    # ---- the ring asks before it erases ----

    def _keep(self, position: int) -> bool:
        for known in self._bips.values():
            if known.position == position:
                return True
        return position == self._press[1]

    def _moved(self, old: int, new: "int | None") -> None:
        for known in self._bips.values():
            if known.position == old:
                if new is None:
                    known.reserved = -1  # flash has lost it: the next packet is written again
                known.position = -1 if new is None else new
        if self._press[1] == old:
            number, _, bip, gesture, sequence = self._press
            self._press = (number, -1 if new is None else new, bip, gesture, sequence)


def _reserve(counter: int) -> int:
    return min(counter + _BLOCK, _HIGHEST)
