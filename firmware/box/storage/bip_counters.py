"""The bips' last counters on flash, so that neither a restart nor a power cut lets a recorded packet through.

Each record says all about one bip, and the newest of a bip counts: `last`, the counter when it was written, and
`reserved`, up to where packets that only say "I am here" are let through without writing: one program in 64 of them.
A press is written at once, *before* its alert, with the sequence that the alert will get. If the journal does not
hold that sequence after a start, the cut fell between the two, and the alert is issued then. A hold that is kept back
has no sequence yet: its record says so until a newer one of this bip tells what became of it.

A record's bip is its fingerprint, not its number: another bip, or the same under another key, begins afresh.
"""

import struct

from box.core.bip import FELL, KEPT_BACK, Bip
from box.storage.ring import Ring

_SLOT_SIZE = 64
_RECORD = "<8sIIBB4sI"  # fingerprint, last, reserved; of a press: bip, gesture, begin of the box id, sequence
_SIZE = 26
_FELL = "<I"  # then, since 0.2: the counter of the last press that was told although it had fallen
_NONE = 0xFFFFFFFF
_BOX = 4
_BLOCK = 64  # counters reserved at a time
_HIGHEST = 0xFFFFFFFF


class BipCounters:
    """Counters on `device`, a block device of its own, at least four blocks. `box`: the box id, 8 bytes.

    They are kept in the records of the bips (core/bip.py).
    """

    def __init__(self, device, box: bytes):
        self._ring = Ring(device, _SLOT_SIZE, self._keep, self._moved)
        self._box = bytes(box[:_BOX])
        self._bips: list = []
        # The newest press: id and position of its record, bip, gesture, sequence. The sequence is 0 if the box has had
        # another key since: sequences belong to a key.
        self._press = (0, -1, 0, 0, 0)

    def recover(self, bips: list) -> None:
        """Read the counters of `bips` after a start, whatever the last one left half done.

        The list stays the caller's: who enters it or leaves it is kept on flash or not.
        """
        self._bips = bips
        self._by_fingerprint = {bip.fingerprint(): bip for bip in bips}
        self._ring.recover(self._visit)
        self._by_fingerprint.clear()

    def _visit(self, position: int, number: int, payload, marks: int) -> None:
        fingerprint, last, reserved, of, gesture, box, sequence = struct.unpack_from(_RECORD, payload)
        known = self._by_fingerprint.get(fingerprint)
        if known:  # of one bip only the newest is ever moved, so the last that comes is it
            known.last, known.reserved, known.position = last, reserved, position
            known.newest = 0 if gesture == KEPT_BACK and box != self._box else gesture
            if len(payload) > _SIZE:
                (fell,) = struct.unpack_from(_FELL, payload, _SIZE)
                known.fell = -1 if fell == _NONE else fell
        if 0 < gesture < KEPT_BACK and number >= self._press[0]:  # a bip's older press may have been moved behind it
            self._press = (number, position, of, gesture, sequence if box == self._box else 0)

    @property
    def fresh(self) -> bool:
        """No ring was found at the start: nothing is known of what was let through before."""
        return self._ring.fresh

    def pending(self, next_sequence: int) -> "tuple | None":
        """(bip's number, gesture) of a press whose alert a power cut has kept from the journal; None if there is none.

        To be asked after a start before any alert is issued, with the journal's next sequence.
        """
        _, _, bip, gesture, sequence = self._press
        return (bip, gesture) if sequence >= next_sequence else None

    def press(self, bip: Bip, counter: int, gesture: int, sequence: int) -> None:
        """Write a press: one program. When this returns it survives a power cut. StorageError if flash fails.

        `sequence`: the journal's next one, which its alert must get; 0 with the gesture KEPT_BACK.
        """
        self._write(bip, counter, gesture, sequence)

    def reserve(self, bip: Bip, counter: int) -> None:
        """Take note of a packet that is no press: one program in 64. StorageError if flash fails."""
        if counter > bip.reserved or bip.newest == FELL:
            self._write(bip, counter, KEPT_BACK if bip.newest == KEPT_BACK else 0, 0)

    def fallen(self, bip: Bip) -> None:
        """A press was told although its counter, `bip.fell`, had fallen. StorageError if flash fails."""
        self._write(bip, bip.last, KEPT_BACK if bip.newest == KEPT_BACK else FELL, 0)

    def bind(self, bip: Bip, counter: int) -> None:
        """A bip has been paired, perhaps again: what its counters were is of no account from now on.

        `counter`: the highest heard while it was paired.
        """
        self._write(bip, counter, 0, 0)

    def prepare(self) -> bool:
        """Idle work, one step: at most one erase (about 45 ms) or one move. False if there is nothing to do."""
        return self._ring.prepare()

    def _write(self, bip: Bip, last: int, gesture: int, sequence: int) -> None:
        number = self._ring.next_id
        reserved = bip.reserved
        if last > reserved:
            reserved = min(last + _BLOCK, _HIGHEST)
        record = struct.pack(_RECORD, bip.fingerprint(), last, reserved, bip.number, gesture, self._box, sequence)
        fell = struct.pack(_FELL, _NONE if bip.fell < 0 else bip.fell)
        bip.position = position = self._ring.append(number, record, fell)
        bip.reserved, bip.newest = reserved, gesture
        if 0 < gesture < KEPT_BACK:
            self._press = (number, position, bip.number, gesture, sequence)

    # ---- the ring asks before it erases ----

    def _keep(self, position: int) -> bool:
        for bip in self._bips:
            if bip.position == position:
                return True
        return position == self._press[1]

    def _moved(self, old: int, new: "int | None") -> None:
        for bip in self._bips:
            if bip.position == old:
                if new is None:
                    bip.reserved = -1  # flash has lost it: the next packet is written again
                bip.position = -1 if new is None else new
        if self._press[1] == old:
            number, _, bip, gesture, sequence = self._press
            self._press = (number, -1 if new is None else new, bip, gesture, sequence)
