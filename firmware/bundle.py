"""The application as `alertbox flash` installs it: all modules in one file, which MicroPython imports from.

littlefs reads a folder from flash for each name that an import tries, which made 37,000 of the 41,000 reads of a start.
Here the names are in memory, and a module is read from where it lies. What an import calls is there, no more.

The file: a line of JSON, {path: offset after that line, or null for a folder}, then the modules, one after the other.
"""

import io
import json
import os
import sys

import vfs

_FILE, _AT = "/app.bundle", "/app"
_SINGLE = "/box"  # the folder that `make deploy` makes
_ENOENT = 2
_GET_BUFFER_SIZE, _BUFFER_BYTES = 11, 255  # MicroPython's stream request, and the most that it takes


class _Module(io.IOBase):
    """What MicroPython reads a module from. A .mpy says where it ends, and only one is read at a time."""

    def __init__(self, file):
        self.readinto = file.readinto

    def ioctl(self, request: int, _) -> int:
        return _BUFFER_BYTES if request == _GET_BUFFER_SIZE else 0


class Bundle:
    """A filesystem for `vfs.mount`."""

    def __init__(self, file):
        self._file = file
        self._offsets = json.loads(file.readline())
        self._first = file.tell()
        self._module = _Module(file)

    def mount(self, _readonly, _mkfs) -> None:
        pass

    def stat(self, path: str) -> tuple:
        if path not in self._offsets:
            raise OSError(_ENOENT)
        return (0x4000 if self._offsets[path] is None else 0x8000, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    def open(self, path: str, _mode: str) -> _Module:
        self._file.seek(self._first + self._offsets[path])
        return self._module


def mount() -> None:
    """Import from the bundle, and search littlefs no more. Single files, which a developer copied, have precedence."""
    try:
        os.stat(_SINGLE)
        return
    except OSError:
        pass
    path = [part for part in sys.path if part not in ("", "/lib")]
    try:
        vfs.mount(Bundle(open(_FILE, "rb")), _AT)
        path.insert(0, _AT)
    except OSError:
        pass  # the application is in the image (frozen), or a virtual box runs from its sources
    sys.path[:] = path
