"""What the box itself says on its console: before it is overwritten, and after it has started anew."""

import re
import time
from dataclasses import dataclass
from typing import Any

from alertbox.box.session import BoxConsole
from alertbox.errors import UserError
from alertbox.flash.board import ROOT, Board

# A chip without our application: blank, at MicroPython's prompt, or with something else.
_NO_BOX = ("console-no-answer", "console-repl", "console-not-a-box")
_ASK_S = 1.0  # for each of two tries; a box answers within a TLS handshake's 0.7 s
# Start, both rings erased (48 blocks at up to 0.1 s), the new key: 6 s; a slow board is no fault.
PATIENCE_S = 30.0
_AGAIN_S = 0.3


@dataclass(frozen=True)
class Identity:
    """`box`: 16 hexadecimal digits, the fingerprint of its public key."""

    box: str
    version: str


@dataclass(frozen=True)
class InService:
    """A box that is not to be overwritten without a word. `undelivered`: presses that only it knows of."""

    box: str
    undelivered: int


def in_service(port: str) -> InService | None:
    """The box at `port` if it is enrolled or has something to deliver; None if not, or if nothing there is a box."""
    try:
        with BoxConsole(port, patience=_ASK_S) as console:
            status: dict[str, Any] = console.call("status", timeout=_ASK_S)
            box = InService(console.box, int(status["undelivered"]))
            return box if status["enrolled"] or box.undelivered else None
    except UserError as error:
        if error.key in _NO_BOX:
            return None
        raise


def identity(port: str, board: Board, patience_s: float = PATIENCE_S) -> Identity:
    """Wait until the box answers; UserError if it does not, or if what answers is not what was written."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with BoxConsole(port, patience=_ASK_S) as console:
                answer = console.identity
            break
        except UserError as error:
            # A chip with its own USB is gone for a moment while it restarts.
            if time.monotonic() > deadline:
                raise UserError("flash-no-answer", path=port) from error
            time.sleep(_AGAIN_S)
    if (answer["board"], answer["version"]) != (board.name, application_version()):
        raise UserError("flash-other-box", path=port, board=answer["board"], version=answer["version"])
    return Identity(str(answer["box"]), str(answer["version"]))


def application_version() -> str:
    """Of the firmware in this folder, as it stands in its source."""
    found = re.search(r'^VERSION = "(.+)"', (ROOT / "firmware/box/version.py").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]
