"""Write an image with esptool, a process of its own, and say what went wrong in a sentence for people.

esptool writes compressed, has the chip compute the MD5 of what it holds, and restarts it; done means that it said so.
Its exit status is the same for every fault, so its words decide: the tests make each fault with the pinned version.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alertbox.errors import UserError
from alertbox.flash.board import Board

BAUD = 460_800  # every USB bridge in use does it over a metre of cable

# What esptool says, and our sentence; the first that fits.
_FAULTS = (
    (r"Lost connection|serial exception", "flash-cable"),
    (r"This chip is (?P<found>\S+), not", "flash-wrong-chip"),
    (r"will not fit in (?P<bytes>\d+) bytes of flash", "flash-wrong-size"),
    (r"Permission denied", "console-port-rights"),
    (r"Could not open .*\n?.*No such file", "console-port-none"),
    (r"Could not open ", "console-port-busy"),
    (r"Failed to connect", "flash-no-bootloader"),
)
_STAGES = (
    ("Connecting", "connect"),
    ("Writing at", "write"),
    ("Verifying", "verify"),
    ("Hard resetting", "restart"),
)
_PERCENT = re.compile(r"Writing at .* ([\d.]+)%")
_MAC = re.compile(r"^MAC:\s+(\S+)", re.MULTILINE)
_VERIFIED = "Hash of data verified"

# Stage ("connect", "write", "verify", "restart") and how much of it is done, 0 to 1.
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Written:
    """`mac`: of the chip, if it got so far as to tell it. `fault`: None if all is written, verified and restarted."""

    mac: str | None
    fault: UserError | None


def write(port: str, file: Path, board: Board, baud: int, progress: Progress) -> Written:
    """Write `file` from address 0 and restart the chip."""
    connection = ["--chip", board.chip, "--port", port, "--baud", str(baud)]
    resets = ["--before", "default-reset", "--after", "hard-reset"]
    command = [sys.executable, "-m", "esptool", *connection, *resets, "write-flash", "0x0", str(file)]
    plain = dict(os.environ, PYTHONUNBUFFERED="1", NO_COLOR="1", TERM="dumb", COLUMNS="200")
    said = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=plain
    ) as esptool:
        assert esptool.stdout is not None
        for line in esptool.stdout:
            said.append(line)
            _tell(line, progress)
    text = "".join(said)
    good = not esptool.returncode and _VERIFIED in text
    mac = _MAC.search(text)
    return Written(mac[1] if mac else None, None if good else _fault(text, port, board))


def _tell(line: str, progress: Progress) -> None:
    for words, stage in _STAGES:
        if line.startswith(words):
            percent = _PERCENT.match(line)
            progress(stage, float(percent[1]) / 100 if percent else 0.0)


def _fault(text: str, port: str, board: Board) -> UserError:
    mib = f"{board.flash_bytes / 2**20:g}"
    for pattern, key in _FAULTS:
        found = re.search(pattern, text)
        if found:
            details = found.groupdict()
            size = f"{int(details.get('bytes', 0)) / 2**20:g}"
            chip = board.chip.upper()
            return UserError(key, path=port, chip=chip, found=details.get("found", "?"), needed=mib, size=size)
    error = re.search(r"ERROR: (.*)", text)
    return UserError("flash-esptool", path=port, detail=error[1] if error else "-")
