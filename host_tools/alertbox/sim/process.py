"""Starting the firmware on MicroPython's unix port, and what the end of that process means."""

import json
import os
import signal
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

from alertbox.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
SOFT_RESET = 5  # machine.SOFT_RESET
# How it died: machine.reset_cause() next.
RESTARTS = {"reset": 2, "watchdog": 3, "deep sleep": 4, "soft reset": SOFT_RESET}

_RAW_SOFT_RESET = b">OK\r\n"
# A signal between two lines at the prompt ends the unix port, and one in the garbage collector too (status 1).
_INTERRUPTED = (1, -signal.SIGINT)


class Start(StrEnum):
    """How a start goes on after boot.py, as in boards/unix/virtual/start.py."""

    MAIN = "main"
    PROMPT = "prompt"
    RAW = "raw"


def micropython() -> str:
    """The unix port: $MICROPYTHON, or the one installed beside this Python."""
    path = os.environ.get("MICROPYTHON") or str(Path(sys.executable).parent / "micropython")
    if not Path(path).exists():
        raise UserError("no-micropython", path=path)
    return path


def start(settings: dict[str, Any], settings_file: Path, heapsize: str, terminal: int) -> subprocess.Popen[bytes]:
    """Run boards/unix/launch.py with these settings on a terminal."""
    settings_file.write_text(json.dumps(settings))
    command = [micropython(), "-X", f"heapsize={heapsize}", "-i", str(ROOT / "boards/unix/launch.py")]
    environment = dict(os.environ, MICROPYPATH=".frozen", TZ="UTC")
    return subprocess.Popen(
        [*command, str(settings_file)], stdin=terminal, stdout=terminal, stderr=terminal, env=environment
    )


def after(status: int, last_words: bytes) -> Start | None:
    """How the chip goes on where the process ended by itself, being at the prompt; None if it was killed."""
    if status == 0:  # Ctrl-D, which on the chip is a soft reset
        return Start.RAW if last_words.endswith(_RAW_SOFT_RESET) else Start.MAIN
    return Start.PROMPT if status in _INTERRUPTED else None
