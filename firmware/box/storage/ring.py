"""A ring of fixed slots on raw NOR flash: append, mark, recover.

Every erase block starts with a header: magic, slot size, serial (one more per
prepared block; serial % blocks is the block), highest id ever appended when the
block was prepared, the owner's tag, checksum. It is written after the erase has
ended and zeroed before the next begins, so that a half-erased block is never read.

The other slots, one program each:
    0  state word: for each of two marks two bytes, `set` and `settled`, FF until cleared in place
    4  id, u32, growing    8  carried marks (bits)    9  length    10  payload    -4  CRC-32 of 4..-4

A cut program leaves cells that read differently each time, so a start programs a mark
again that is half there. Mark 1 is two programs, first `set`, then `settled`: a
`settled` that reads as cleared proves that `set` was finished. Mark 0 is one program of
both bytes, and wears half as much. If all its cells are flaky it may read as set at one
start and as unset at the next: use it for what may be done twice.
A record that must outlive its block is appended again with its marks carried under
the checksum: of two records with one id the later says all.

At least one whole block is kept blank ahead, room to empty any other block into, and
one more for a burst. Blocks are used in turn, so wear is even by construction.
"""

import struct
from binascii import crc32

from box.errors import StorageError

_COUNT, _SIZE, _ERASE = 4, 5, 6  # the block device's ioctl operations
_MAGIC = b"RNG1"
_HEADER = "<4sIII8s"
_HEADER_SIZE = 28  # with its CRC
_TAG_SIZE = 8
_SLOT = "<IBB"  # from 4 on
_PAYLOAD, _CRC_SIZE = 10, 4
_RESIDUE = 0x2144DF1C  # CRC-32 of anything followed by its own CRC-32
_UNSET = b"\xff\xff\xff\xff"  # the state word
_ZERO, _ZEROS = bytes(1), bytes(2)
_TRIES = 3  # of a program or a read, in case of a bad cell

_largest_blank = b""  # for all rings: a blank slot of each would be three hundred bytes


def _blank(size: int) -> bytes:
    global _largest_blank
    if len(_largest_blank) < size:
        _largest_blank = b"\xff" * size
    return _largest_blank


class Ring:
    """A ring on `device` (a MicroPython block device that programs only with an offset), at least four blocks.

    Positions number the slots of the device, headers included. `slot_size`: bytes, a power of two, payloads are up
    to 14 bytes shorter. When a block is to be erased, `keep(position)` says whether the record must live on, and
    `moved(old, new)` then tells where it went; `new` is None if it can no longer be read.
    """

    def __init__(self, device, slot_size: int, keep=None, moved=None):
        self._device = device
        self._size = slot_size
        self._blocks = device.ioctl(_COUNT, 0)
        self._per_block = device.ioctl(_SIZE, 0) // slot_size
        self._slots = self._per_block - 1  # without the header
        self._keep = keep
        self._moved = moved
        self._buffer = bytearray(slot_size)
        self._check = bytearray(slot_size)
        self._word = bytearray(_PAYLOAD)
        self._blank = memoryview(_blank(slot_size))[:slot_size]
        self._covered = memoryview(self._buffer)[4:-_CRC_SIZE]
        self._checked = memoryview(self._buffer)[4:]
        self._payload = memoryview(self._buffer)[_PAYLOAD:-_CRC_SIZE]
        # Serial of the block that is being filled, its next free slot, and the count of blank blocks after it.
        self._head = self._next = self._ahead = 0
        self._cursor = 1  # slot of the block to be erased from which on it may hold live records
        self.tag = bytes(_TAG_SIZE)  # the owner's 8 bytes, since the last `format`
        self.next_id = 1
        self.fresh = False  # recover() found no ring
        # With so many records to be kept, room for a further one can always be made, at a bearable cost in wear.
        self.capacity = (self._blocks - 3) * self._slots

    # ---- service ----

    def append(self, number: int, *parts: bytes) -> int:
        """Write a record and return its position: one program if `prepare` has had its time.

        `number`: the id, at least `next_id`. Raises StorageError if flash fails or more than `capacity` live records
        leave no room.
        """
        if number < self.next_id:
            raise ValueError("ids must grow")
        length = sum([len(part) for part in parts])
        if length > min(len(self._payload), 0xFF):
            raise ValueError("longer than a slot")
        self._make_room()
        self._buffer[:] = self._blank
        struct.pack_into(_SLOT, self._buffer, 4, number, 0, length)
        at = _PAYLOAD
        for part in parts:
            self._buffer[at : at + len(part)] = part
            at += len(part)
        position = self._store()
        self.next_id = number + 1
        return position

    def mark(self, position: int, mark: int) -> bool:
        """Set mark 0 (one program) or 1 (two) of a record; False if it was set already."""
        if self.is_marked(position, mark):
            return False
        if mark:
            self._program(position, _ZERO, 2)
            self._program(position, _ZERO, 3)
        else:
            self._program(position, _ZEROS, 0)
        return True

    def is_marked(self, position: int, mark: int) -> bool:
        self._read(position, self._word)
        # Only what a start would not program again: it has made firm what it found half done.
        return bool(self._word[8] >> mark & 1) or not self._word[2 * mark] | self._word[2 * mark + 1]

    def read(self, position: int) -> "tuple | None":
        """(id, payload) of a record; None if there is none that passes its checksum."""
        for _ in range(_TRIES):
            if self._load(position):
                number, _, length = struct.unpack_from(_SLOT, self._buffer, 4)
                return number, bytes(self._payload[:length])
        return None

    def recent(self):
        """Yield (position, id, payload) newest first; all of it ends with the next call of another method."""
        for serial in range(self._head, self._head + self._ahead - self._blocks, -1):
            first = serial % self._blocks * self._per_block
            end = self._next if serial == self._head else self._per_block
            for position in range(first + end - 1, first, -1):
                if self._load(position):
                    number, _, length = struct.unpack_from(_SLOT, self._buffer, 4)
                    yield position, number, self._payload[:length]

    # ---- idle work ----

    def prepare(self) -> bool:
        """Do one step (a move or an erase) towards two blank blocks ahead; False if there is nothing to do."""
        if self._free() >= 2 * self._slots:
            return False
        self._rotate()
        return True

    def _free(self) -> int:
        return self._per_block - self._next + self._ahead * self._slots

    def _make_room(self) -> None:
        """Keep more than a block's worth free: the restarts of an unlucky night burn a slot each."""
        for _ in range(self._blocks * self._per_block):
            if self._free() > self._slots + self._slots // 4:
                return
            self._rotate()
        raise StorageError("every slot of the ring holds a record that must be kept")

    def _rotate(self) -> None:
        """Move one live record out of the oldest block, or erase that block if there is none left."""
        serial = self._head + self._ahead + 1
        first = serial % self._blocks * self._per_block
        if self._keep:
            for slot in range(self._cursor, self._per_block):
                if self._keep(first + slot):
                    self._moved(first + slot, self._move(first + slot))
                    self._cursor = slot + 1
                    return
        self._renew(serial)
        self._ahead += 1
        self._cursor = 1

    def _move(self, position: int) -> "int | None":
        if self.read(position) is None:
            return None
        self._buffer[8] = self._settle(position, self._buffer, 0)
        self._buffer[:4] = _UNSET
        return self._store()

    def _renew(self, serial: int) -> None:
        block = serial % self._blocks
        self._kill(block)
        self._erase(block)
        header = struct.pack(_HEADER, _MAGIC, self._size, serial, self.next_id - 1, self.tag)
        header += struct.pack("<I", crc32(header))
        self._program(block * self._per_block, header)
        back = bytearray(_HEADER_SIZE)
        self._read(block * self._per_block, back)
        if back != header:
            raise StorageError("flash block %d does not take its header; the flash is worn out" % block)

    def _kill(self, block: int) -> None:
        """Zero a header: even one that reads as void may have flaky cells and come back, with the block half erased."""
        self._program(block * self._per_block, bytes(_HEADER_SIZE))

    # ---- start ----

    def format(self, tag: bytes) -> None:
        """Erase everything; ids begin at 1. Cut short, it leaves the newest records or a fresh ring."""
        oldest = self._head + self._ahead + 1
        for serial in range(oldest, oldest + self._blocks):
            self._kill(serial % self._blocks)
        for block in range(self._blocks):
            self._erase(block)
        self.tag = bytes(tag)
        self.next_id = 1
        self._head = self._blocks  # serials begin here: 0 stands for no header
        self._renew(self._head)
        self._next = self._cursor = 1
        self._ahead = 0
        while self.prepare():
            pass

    def recover(self, visit=None) -> None:
        """Read the ring after a start and put right what a power cut has left half done; format what is no ring.

        `visit(position, id, payload, marks)` sees every record, oldest first, marks as bits, payload only during the
        call. An id comes twice if a cut fell between its move and the erase: the later one counts.
        Whatever may read differently next time is made firm before this returns, and each decision is made on one
        reading. Nothing is returned to a caller twice in different ways, so a cut in here is as good as one before.
        """
        serials = self._read_headers()
        newest = max(serials)
        # Its header may be half written, or half killed, and void next time: it is made again before it holds anything.
        if newest and self._is_blank(newest):
            serials[newest % self._blocks] = 0
            newest = max(serials)
            self._cursor = self._per_block  # nothing in it to be moved
        self.fresh = newest == 0
        if self.fresh:
            self.format(bytes(_TAG_SIZE))
            return
        self._head = newest
        while self._is_blank(self._head) and serials[(self._head - 1) % self._blocks] == self._head - 1:
            self._head -= 1
        self._ahead = newest - self._head
        self._settle_tail()
        if visit:
            self._visit(serials, newest, visit)
        else:
            for _, number, _ in self.recent():
                self.next_id = max(self.next_id, number + 1)
                break
        try:
            self._make_room()
        except StorageError:
            pass  # the next append says so; until then what is stored can be sent

    def _read_headers(self) -> list:
        """Serial of each block, 0 for none; takes tag and ids from them."""
        header = bytearray(_HEADER_SIZE)
        serials = [0] * self._blocks
        newest = 0
        for block in range(self._blocks):
            self._read(block * self._per_block, header)
            magic, size, serial, highest, tag, checksum = struct.unpack(_HEADER + "I", header)
            if checksum != crc32(header[:-_CRC_SIZE]) or magic != _MAGIC:
                continue
            if size == self._size and serial % self._blocks == block:
                serials[block] = serial
                self.next_id = max(self.next_id, highest + 1)
                if serial > newest:
                    newest = serial
                    self.tag = tag
        return serials

    def _is_blank(self, serial: int) -> bool:
        """Slots are used in order, so the first one tells."""
        self._read(serial % self._blocks * self._per_block + 1, self._check)
        return self._check == self._blank

    def _settle_tail(self) -> None:
        """Make the last record firm, or dead if it is broken, and burn the slot after it.

        The program that was cut, if it was an append, is in one of the two; in the second if none of its cells reads
        as cleared yet. Records further back are whole, and one that reads wrong there is left as it is.
        """
        first = self._head % self._blocks * self._per_block
        last, tail = 0, bytearray(self._size)
        for slot in range(1, self._per_block):
            whole = self._load(first + slot)
            if self._buffer != self._blank:
                last = slot
                tail[:] = self._buffer if whole else bytes(self._size)
        if last:
            self._program(first + last, tail)
        self._next = last + 1
        if self._free():
            self._program(self._take(), bytes(self._size))

    def _visit(self, serials: list, newest: int, visit) -> None:
        """Show every record and settle its marks. A start reads 1000 slots here: a block at a time, without struct."""
        buffer = bytearray(self._per_block * self._size)
        view = memoryview(buffer)
        slots = [
            (at, view[at + 4 : at + 8], view[at + 4 : at + self._size]) for at in range(0, len(buffer), self._size)
        ]
        for serial in range(newest - self._blocks + 1, self._head + 1):
            block = serial % self._blocks
            if serials[block] != serial:
                continue
            position = block * self._per_block
            self._read(position, buffer)
            for at, number, checked in slots[1:]:
                position += 1
                if crc32(checked) == _RESIDUE:
                    found = int.from_bytes(number, "little")
                    if found >= self.next_id:
                        self.next_id = found + 1
                    start = at + _PAYLOAD
                    visit(position, found, view[start : start + buffer[at + 9]], self._settle(position, buffer, at))

    def _settle(self, position: int, buffer: bytearray, at: int) -> int:
        """Marks of the record at `at` as bits. Half-done ones count, for they were asked for, and are done now."""
        marks = buffer[at + 8]
        if buffer[at] & buffer[at + 1] != 0xFF:
            marks |= 1
            if buffer[at] | buffer[at + 1]:
                self.mark(position, 0)
        if buffer[at + 2] & buffer[at + 3] != 0xFF:
            marks |= 2
            if buffer[at + 3] == 0xFF:
                self.mark(position, 1)
        return marks

    # ---- one slot ----

    def _load(self, position: int) -> bool:
        """Read a slot into the buffer; True if it holds a whole record."""
        self._read(position, self._buffer)
        if self._buffer == self._blank:
            return False
        return crc32(self._checked) == _RESIDUE

    def _store(self) -> int:
        """Checksum the record in the buffer and write it to the next slot that takes it."""
        struct.pack_into("<I", self._buffer, self._size - _CRC_SIZE, crc32(self._covered))
        for _ in range(_TRIES):
            position = self._take()
            self._program(position, self._buffer)
            self._read(position, self._check)
            if self._check == self._buffer:
                return position
            self._program(position, bytes(self._size))
        raise StorageError("flash does not take what is written to it; it is worn out")

    def _take(self) -> int:
        """Position of the next free slot, which is then used."""
        if not self._free():
            raise StorageError("no blank slot is left in the ring")
        if self._next == self._per_block:
            self._head += 1
            self._ahead -= 1
            self._next = 1
        self._next += 1
        return self._head % self._blocks * self._per_block + self._next - 1

    # ---- the device ----

    def _read(self, position: int, buffer: bytearray) -> None:
        block, slot = divmod(position, self._per_block)
        try:
            self._device.readblocks(block, buffer, slot * self._size)
        except OSError as error:
            raise StorageError("flash cannot be read: %s" % error)

    def _program(self, position: int, data, offset: int = 0) -> None:
        block, slot = divmod(position, self._per_block)
        try:
            self._device.writeblocks(block, data, slot * self._size + offset)
        except OSError as error:
            raise StorageError("flash cannot be programmed: %s" % error)

    def _erase(self, block: int) -> None:
        try:
            self._device.ioctl(_ERASE, block)
        except OSError as error:
            raise StorageError("flash cannot be erased: %s" % error)
