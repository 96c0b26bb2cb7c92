"""A virtual box that runs a program of a test in place of the firmware: main.py in its filesystem."""

import os
import select
import time
from collections.abc import Callable
from pathlib import Path

from alertbox.sim import VirtualBox, flash
from alertbox.sim.process import ROOT

_TABLE = ROOT / "boards" / "esp32_wrover" / "partitions.csv"
_ARMED = 'print("1 INFO app armed")\n'  # what a start is waited for
_PATIENCE_S = 20


def put_program(folder: Path, program: str, **files: str) -> None:
    """A flash in `folder` with main.py and boot.py."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = folder / "flash.bin"
    flash.make_blank(cells)
    texts = {"boot.py": "", "main.py": _ARMED + program} | files
    flash.put_files(cells, _TABLE, {name: text.encode() for name, text in texts.items()})


def start_program(make_box: Callable[..., VirtualBox], folder: Path, program: str, **options: object) -> VirtualBox:
    put_program(folder, program)
    return make_box(folder=folder, **options)


class Holder:
    """Who holds the box's pty."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self.heard = b""

    def __enter__(self) -> "Holder":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def write(self, data: bytes) -> None:
        assert os.write(self._fd, data) == len(data)

    def read_until(self, ending: bytes) -> bytes:
        """What came since the last call, up to and with `ending`."""
        deadline = time.monotonic() + _PATIENCE_S
        while ending not in self.heard:
            ready, _, _ = select.select([self._fd], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no {ending!r} after {self.heard!r}")
            chunk = os.read(self._fd, 4096)
            if not chunk:
                raise EOFError("the cable is out")
            self.heard += chunk
        before, _, self.heard = self.heard.partition(ending)
        return before + ending

    def quiet(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        return not select.select([self._fd], [], [], seconds)[0] and not self.heard
