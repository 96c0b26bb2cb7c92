"""The alert journal: every alert is on flash before any attempt to send it.

The ring itself is the queue and the only record of sequence numbers. RAM holds
7 bytes per undelivered alert: sequence, position, kind. A record's payload is
kind (1 byte), body, signature (64 bytes); the kind is repeated in front so that a
start need not decode 900 bodies.
"""

from array import array

from box.core import alert
from box.errors import JournalFull, StorageError
from box.storage.ring import Ring

_SLOT_SIZE = 128
_BLOCK_SLOTS = 31
_GROWTH = 32  # entries of the index at a time
_SIGNATURE_SIZE = 64
_RECEIVED, _IN_CHARGE = 0, 1  # the ring's marks
_IN_RAM = 0xFFFF  # in place of a position
_HELD = 16  # presses in RAM at most

# What may be given up for lack of room, the first first.
_PASSING, _FAULT, _PRESS = range(3)
_CLASS = {
    alert.INFORM: _PRESS,
    alert.HELP: _PRESS,
    alert.ALARM: _PRESS,
    alert.CANCEL_REQUEST: _PRESS,
    alert.TEST: _PASSING,
    alert.HEARTBEAT: _PASSING,
}


def _class(kind: int) -> int:
    return _CLASS.get(kind, _FAULT)


class Journal:
    """Alerts on `device`, a block device of at least four blocks of its own.

    Undelivered presses are kept for ever; undelivered faults until seven eighths of the room is taken; heartbeats and
    tests only until their block's turn to be erased, and none is taken in beyond three quarters.
    """

    def __init__(self, device):
        self._ring = Ring(device, _SLOT_SIZE, self._keep, self._moved)
        self._sequences = array("I")
        self._positions = array("H")
        self._kinds = array("B")
        self._held: dict = {}  # sequence: (body, signature) of presses that flash did not take
        self._count = 0  # of entries in use; the arrays never shrink
        self._of_class = [0, 0, 0]
        room = self._ring.capacity
        self._limits = (room * 3 // 4, room * 7 // 8, room)
        self.dropped = 0  # undelivered alerts given up since the start: no room, or flash lost them; no press for room
        self.highest_boot = 0

    # ---- start ----

    def recover(self) -> None:
        """Read the journal after a start, whatever the last one left half done."""
        self._latest = self._latest_position = 0
        self._early: set = set()
        self._ring.recover(self._visit)
        self._early.clear()
        found = self._ring.read(self._latest_position) if self._latest else None
        if found and found[0] == self._latest:
            try:
                self.highest_boot = alert.decode(found[1][1:-_SIGNATURE_SIZE])["boot"]
            except ValueError:
                pass  # of another version: the event log has the count

    def _visit(self, position: int, sequence: int, payload, marks: int) -> None:
        if sequence > self._latest:
            self._latest = sequence
            self._latest_position = position
        elif sequence in self._early:
            self._remove(self._find(self._sequences, sequence))
            self._early.discard(sequence)
        if marks & 1 << _RECEIVED:
            return
        self._add(sequence, position, payload[0])
        # Only what is in the oldest block, so among the first that come, may come a second time.
        if len(self._early) < _BLOCK_SLOTS:
            self._early.add(sequence)

    @property
    def fresh(self) -> bool:
        """No ring was found at the start: nothing is known of what was sent under the present key."""
        return self._ring.fresh

    def holds(self, box: bytes) -> bool:
        """True if this is the journal of the key of `box` (8 bytes): key and sequence live and die together."""
        return self._ring.tag == box

    def format(self, box: bytes) -> None:
        """Erase everything and begin again at sequence 1 for the new key of `box`."""
        self._count = 0
        self._of_class = [0, 0, 0]
        self._held.clear()
        self._ring.format(box)

    # ---- writing ----

    @property
    def next_sequence(self) -> int:
        return self._ring.next_id

    @property
    def full(self) -> bool:
        """Undelivered presses and faults take so much room that heartbeats are refused: a storage fault is due."""
        return self._is_full(_PASSING)

    def append(self, sequence: int, kind: int, body: bytes, signature: bytes) -> None:
        """Put an alert on flash: when this returns it survives a power cut.

        `sequence` is `next_sequence`. Raises JournalFull if there is no room for this kind: for a press, only when
        undelivered presses alone fill the journal. Raises StorageError if flash fails.
        """
        if len(signature) != _SIGNATURE_SIZE:
            raise ValueError("a signature has 64 bytes")
        if self._is_full(_class(kind)):
            raise JournalFull("the journal is full of undelivered alerts; restore a path to the receiver")
        self._reserve()
        position = self._ring.append(sequence, bytes((kind,)), body, signature)
        self._add(sequence, position, kind)

    def hold(self, sequence: int, kind: int, body: bytes, signature: bytes) -> None:
        """Keep a press in RAM that flash did not take: it is sent like the others, but a power cut loses it.

        Raises JournalFull if as many presses, none of them weaker, are held already.
        """
        if len(self._held) >= _HELD:
            ranks = [(alert.strength(self.kind(held) or 0), held) for held in self._held]
            strength, weakest = min(ranks)
            if strength >= alert.strength(kind):
                raise JournalFull("flash and memory are full of undelivered presses")
            self._remove(self._find(self._sequences, weakest))
            self.dropped += 1
        self._held[sequence] = (body, signature)
        self._add(sequence, _IN_RAM, kind)

    def received(self, sequence: int) -> bool:
        """The receiver has it on disk: nothing more to send. False if it is unknown or was received before."""
        i = self._find(self._sequences, sequence)
        if i < 0:
            return False
        if sequence not in self._held:
            self._ring.mark(self._positions[i], _RECEIVED)
        self._remove(i)
        return True

    def in_charge(self, sequence: int) -> bool:
        """A person takes charge. False if it is unknown or somebody did before."""
        i = self._find(self._sequences, sequence)
        if sequence in self._held:
            return False  # only flash remembers who is in charge
        if i >= 0:
            return self._ring.mark(self._positions[i], _IN_CHARGE)
        for position, number, _ in self._ring.recent():
            if number == sequence:
                return self._ring.mark(position, _IN_CHARGE)
        return False

    def state(self, sequence: int) -> "int | None":
        """0 while undelivered, alert.RECEIVED or IN_CHARGE; None if it is unknown, or has gone from the ring."""
        if self._find(self._sequences, sequence) >= 0:
            return 0
        for position, number, _ in self._ring.recent():
            if number == sequence:
                for mark, state in ((_IN_CHARGE, alert.IN_CHARGE), (_RECEIVED, alert.RECEIVED)):
                    if self._ring.is_marked(position, mark):
                        return state
                return None
        return None

    def prepare(self) -> bool:
        """Idle work, one step: at most one erase (about 45 ms) or one move. False if there is nothing to do."""
        return self._ring.prepare()

    # ---- the queue ----

    def undelivered(self) -> int:
        """How many alerts the receiver has not got."""
        return self._count

    def undelivered_presses(self) -> int:
        return self._of_class[_PRESS]

    def best(self, exclude=()) -> "int | None":
        """The undelivered sequence to send first, strongest then newest, that is not in `exclude`."""
        best, best_kind, best_strength = 0, -1, -1
        for i in range(self._count):
            sequence = self._sequences[i]
            kind = self._kinds[i]
            if kind == best_kind and sequence < best:
                continue
            strength = alert.strength(kind)
            if (
                strength > best_strength or (strength == best_strength and sequence > best)
            ) and sequence not in exclude:
                best, best_kind, best_strength = sequence, kind, strength
        return best or None

    def kind(self, sequence: int) -> "int | None":
        """Kind of an undelivered alert; None if it is none (delivered, or given up for lack of room)."""
        i = self._find(self._sequences, sequence)
        return None if i < 0 else self._kinds[i]

    def load(self, sequence: int) -> tuple:
        """(body, signature) of an undelivered alert; StorageError if it is none, or flash cannot read it."""
        if sequence in self._held:
            return self._held[sequence]
        i = self._find(self._sequences, sequence)
        found = self._ring.read(self._positions[i]) if i >= 0 else None
        if found is None or found[0] != sequence:
            raise StorageError("alert %d is not in the journal" % sequence)
        payload = found[1]
        return payload[1:-_SIGNATURE_SIZE], payload[-_SIGNATURE_SIZE:]

    # ---- room ----

    def _is_full(self, wanted: int) -> bool:
        if wanted == _PRESS:
            return self._of_class[_PRESS] >= self._limits[_PRESS]
        return self._of_class[_PRESS] + self._of_class[_FAULT] >= self._limits[wanted]

    def _keep(self, position: int) -> bool:
        """The ring asks before it erases."""
        i = self._find(self._positions, position)
        if i < 0:
            return False
        kind_class = _class(self._kinds[i])
        if kind_class == _PRESS or (kind_class == _FAULT and not self._is_full(_FAULT)):
            return True
        self._remove(i)
        self.dropped += 1
        return False

    def _moved(self, old: int, new: "int | None") -> None:
        i = self._find(self._positions, old)
        if new is None:
            self._remove(i)
            self.dropped += 1
        else:
            self._positions[i] = new

    # ---- the index of undelivered alerts ----

    def _find(self, values: array, wanted: int) -> int:
        for i in range(self._count):
            if values[i] == wanted:
                return i
        return -1

    def _reserve(self) -> None:
        """Find room in RAM for one more entry, before flash is written."""
        if self._count == len(self._sequences):
            self._sequences.extend(array("I", [0] * _GROWTH))
            self._positions.extend(array("H", [0] * _GROWTH))
            self._kinds.extend(array("B", [0] * _GROWTH))

    def _add(self, sequence: int, position: int, kind: int) -> None:
        i = self._count
        if i == len(self._sequences):
            self._reserve()
        self._sequences[i] = sequence
        self._positions[i] = position
        self._kinds[i] = kind
        self._count = i + 1
        self._of_class[_class(kind)] += 1

    def _remove(self, i: int) -> None:
        self._held.pop(self._sequences[i], None)
        last = self._count = self._count - 1
        self._of_class[_class(self._kinds[i])] -= 1
        self._sequences[i] = self._sequences[last]
        self._positions[i] = self._positions[last]
        self._kinds[i] = self._kinds[last]
