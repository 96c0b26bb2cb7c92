"""NOR flash with the ESP32's `esp32.Partition` semantics, and power cuts.

A program only clears bits, an erase sets a block of 4096 bytes. Power can go in
the middle of either: the operation is then done in part, and some of its cells
are left *flaky*: each read gives 0 or 1 at random, until a program of 0 or an
erase makes the cell firm. All randomness comes from the seed, in plain integer
arithmetic, so that both interpreters see the same flash.

Not modelled: timing, read disturb, pages (a program is one operation, however
long), cells that wear out.
"""

import struct
from array import array

BLOCK = 4096
_ERASED = b"\xff" * BLOCK
_SYNC, _COUNT, _SIZE, _ERASE = 3, 4, 5, 6
_INVALID = 22  # EINVAL


class PowerCut(Exception):
    """The power went; the object is dead, `restart()` gives its successor."""


class _Random:
    """xorshift32: the same numbers on every interpreter."""

    def __init__(self, seed: int):
        self._state = (seed * 0x9E3779B1 + 0x7F4A7C15) & 0xFFFFFFFF or 1

    def word(self) -> int:
        x = self._state
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self._state = x
        return x

    def number(self, size: int) -> int:
        """A number of `size` random bytes."""
        words = b"".join([struct.pack("<I", self.word()) for _ in range((size + 3) // 4)])
        return int.from_bytes(words[:size], "big")

    def some_of(self, bits: int, size: int) -> int:
        """Choose from the set bits of a number of `size` bytes: none, all, half, a quarter, one, or all but one.

        The few are the nasty ones: with one flaky cell a record passes its checksum now and not the next time.
        """
        kind = self.word() % 6
        if kind == 0 or not bits:
            return 0
        if kind == 1:
            return bits
        if kind <= 3:
            bits &= self.number(size)
            return bits if kind == 2 else bits & self.number(size)
        shift = self.word() % (8 * size)
        above = bits >> shift or bits
        one = (above ^ above & above - 1) << (shift if bits >> shift else 0)
        return one if kind == 4 else bits ^ one


class NorFlash:
    """`cells`: a bytearray, or a binary file open for reading and writing, a multiple of 4096 bytes long.

    `weak`: flaky cells as {block: bytearray mask}; `on_weak(weak)` is told when they change, to store them.
    A flaky cell is stored as 1. Counters, none of which the restarts reset: `reads`, `programs` and `erases` per block,
    `operations` of the last two kinds, `refused_sets`: programs that asked for a 1 where the cell is 0, which is a
    mistake of the firmware. A read is a call, however long, and counts in the block that it begins in; `read_bytes` of
    all.
    """

    def __init__(self, cells, weak: "dict | None" = None, on_weak=None):
        self._cells = cells
        self._in_file = not isinstance(cells, bytearray)
        self._bytes = cells.seek(0, 2) if self._in_file else len(cells)
        self._weak = {} if weak is None else weak
        self._on_weak = on_weak
        self._random = _Random(0)
        self._cut_at = -1
        self._dead = False
        self.on_cut = self._raise
        self.reads = array("I", [0] * (self._bytes // BLOCK))
        self.programs = array("H", [0] * (self._bytes // BLOCK))
        self.erases = array("H", [0] * (self._bytes // BLOCK))
        self.read_bytes = 0
        self.operations = 0
        self.refused_sets = 0

    # ---- the block device ----

    def ioctl(self, op: int, arg: int = 0) -> "int | None":
        if op == _COUNT:
            return self._bytes // BLOCK
        if op == _SIZE:
            return BLOCK
        if op == _ERASE:
            self._erase(arg)
        return 0 if op in (1, 2, _SYNC, _ERASE) else None

    def readblocks(self, block: int, buf: bytearray, offset: int = 0) -> None:
        at = self._address(block, offset, len(buf))
        self.reads[at // BLOCK] += 1
        self.read_bytes += len(buf)
        if self._in_file:
            self._cells.seek(at)
            self._cells.readinto(buf)
        else:
            buf[:] = self._cells[at : at + len(buf)]
        if self._weak:
            for touched in range(at // BLOCK, (at + len(buf) - 1) // BLOCK + 1):
                if touched in self._weak:
                    self._flicker(touched, at, buf)

    def writeblocks(self, block: int, buf: bytes, offset: "int | None" = None) -> None:
        """With an offset: program only. Without: erase, then program, whole blocks."""
        size = len(buf)
        if offset is None:
            if size % BLOCK:
                raise OSError(_INVALID)
            for i in range(size // BLOCK):
                self._erase(block + i)
                self._program((block + i) * BLOCK, buf[i * BLOCK : (i + 1) * BLOCK])
            return
        at = self._address(block, offset, size)
        done = 0
        while done < size:  # one operation a block
            length = min(size - done, BLOCK - (at + done) % BLOCK)
            self._program(at + done, buf if length == size else buf[done : done + length])
            done += length

    # ---- power ----

    def cut_after(self, operations: int, seed: int) -> None:
        """Take the power away in the middle of the n-th program or erase from now (1 is the next one)."""
        self._random = _Random(seed)
        self._cut_at = self.operations + operations

    def restart(self) -> "NorFlash":
        """Power is back: a new device on the same cells, flaky ones included. Open handles on the old one fail."""
        self._dead = True
        successor = NorFlash(self._cells, self._weak, self._on_weak)
        successor._random = self._random
        successor.reads = self.reads
        successor.read_bytes = self.read_bytes
        successor.programs = self.programs
        successor.erases = self.erases
        successor.operations = self.operations
        successor.refused_sets = self.refused_sets
        return successor

    def _raise(self) -> None:
        raise PowerCut("power cut at flash operation %d" % self.operations)

    def _is_cut(self) -> bool:
        self.operations += 1
        return self.operations == self._cut_at

    def _die(self) -> None:
        self._dead = True
        self.on_cut()

    # ---- cells ----

    def _address(self, block: int, offset: int, size: int) -> int:
        if self._dead:
            self._raise()
        at = block * BLOCK + offset
        if at < 0 or at + size > self._bytes:
            raise OSError(_INVALID)
        return at

    def _get(self, at: int, size: int):
        if not self._in_file:
            return self._cells[at : at + size]
        self._cells.seek(at)
        return self._cells.read(size)

    def _put(self, at: int, data: bytes) -> None:
        if self._in_file:
            self._cells.seek(at)
            self._cells.write(data)
        else:
            self._cells[at : at + len(data)] = data

    def _program(self, at: int, data: bytes) -> None:
        size = len(data)
        block = at // BLOCK
        self._address(block, at % BLOCK, size)
        old = int.from_bytes(self._get(at, size), "big")
        wanted = int.from_bytes(data, "big")
        self.programs[block] += 1
        self.refused_sets += wanted & old != wanted
        cut = self._is_cut()
        cleared = old ^ old & wanted
        flaky = 0
        if cut:
            rest = size - self._random.word() % (size + 1) if self._random.word() & 1 else size
            undone = cleared & (1 << 8 * rest) - 1
            undone ^= self._random.some_of(undone, size)
            flaky = self._random.some_of(undone, size)
            cleared ^= undone
        if cleared:
            self._put(at, (old ^ cleared).to_bytes(size, "big"))
        if flaky or block in self._weak:
            self._mark_weak(at, size, cleared, flaky)
        if cut:
            self._die()

    def _erase(self, block: int) -> None:
        at = self._address(block, 0, BLOCK)
        self.erases[block] += 1
        if not self._is_cut():
            self._put(at, _ERASED)
            if self._weak.pop(block, None) and self._on_weak:
                self._on_weak(self._weak)
            return
        old = int.from_bytes(self._get(at, BLOCK), "big")
        zeros = (1 << 8 * BLOCK) - 1 ^ old
        flaky = self._random.some_of(zeros, BLOCK)
        self._put(at, (old | flaky | self._random.some_of(zeros, BLOCK)).to_bytes(BLOCK, "big"))
        self._mark_weak(at, BLOCK, 0, flaky)
        self._die()

    def _mark_weak(self, at: int, size: int, firm: int, flaky: int) -> None:
        """`firm` cells of a range are 0 for good, `flaky` ones have become so."""
        block = at // BLOCK
        mask = self._weak.get(block)
        if mask is None:
            mask = self._weak[block] = bytearray(BLOCK)
        start = at % BLOCK
        weak = int.from_bytes(mask[start : start + size], "big")
        weak = (weak ^ weak & firm) | flaky
        mask[start : start + size] = weak.to_bytes(size, "big")
        if not any(mask):
            self._weak.pop(block)
        if self._on_weak:
            self._on_weak(self._weak)

    def _flicker(self, block: int, at: int, buf: bytearray) -> None:
        """Read 0 at random from the flaky cells of a block, as far as `buf`, read at `at`, covers it."""
        start = max(at, block * BLOCK)
        end = min(at + len(buf), (block + 1) * BLOCK)
        weak = int.from_bytes(self._weak[block][start % BLOCK : start % BLOCK + end - start], "big")
        if weak:
            read = int.from_bytes(buf[start - at : end - at], "big")
            zeros = weak & self._random.number(end - start)
            buf[start - at : end - at] = (read ^ read & zeros).to_bytes(end - start, "big")


def open_file(path: str, opener=open) -> NorFlash:
    """Open a flash whose cells are a file; the flaky ones are in `<path>.weak`, which is missing if there are none.

    `opener` is called as `open`.
    """
    weak_path = path + ".weak"
    cells = opener(path, "r+b", 0)  # open as long as the chip has power
    return NorFlash(cells, _load_weak(weak_path, opener), lambda weak: _save_weak(weak_path, weak, opener))


def _load_weak(path: str, opener) -> dict:
    weak = {}
    try:
        with opener(path, "rb") as file:
            while True:
                record = file.read(4 + BLOCK)
                if len(record) < 4 + BLOCK:  # the end, or torn by a kill while it was written
                    return weak
                weak[int.from_bytes(record[:4], "big")] = bytearray(record[4:])
    except OSError:
        return weak


def _save_weak(path: str, weak: dict, opener) -> None:
    with opener(path, "wb") as file:
        for block in sorted(weak):
            file.write(block.to_bytes(4, "big") + weak[block])
