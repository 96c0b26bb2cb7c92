"""The virtual box's USB serial: a pty for whoever wants it, and its log lines for us.

Like the real cable, it keeps nothing: what nobody reads is gone. A line that begins
with a zero byte is the virtual board's word to us, and is not passed on.
"""

import contextlib
import os
import pty
import re
import selectors
import threading
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass, field

_LINE = re.compile(r"(\d+) (INFO|WARNING|ERROR) (\S+) (.*)")
_FIELD = re.compile(r"(\w+)=(\S*)")


@dataclass(frozen=True)
class LogLine:
    """A line of the box's log; `at` is the host's time.monotonic() when it came."""

    at: float
    uptime_ms: int
    level: str
    module: str
    text: str
    fields: dict[str, str] = field(default_factory=dict)


def parse(line: str, at: float = 0.0) -> LogLine | None:
    """A log line as the box writes it, or None for anything else on the console."""
    match = _LINE.match(line)
    if not match:
        return None
    uptime_ms, level, module, text = match.groups()
    return LogLine(at, int(uptime_ms), level, module, text, dict(_FIELD.findall(text)))


class Console:
    """Pumps between the box's terminal and the public one; `on_line(text, at)` gets each line."""

    def __init__(self, on_line: Callable[[str, float], None]) -> None:
        self._on_line = on_line
        self._box, self.box_end = _raw_pty()
        self._public, self._public_end = _raw_pty()
        self.path = os.ttyname(self._public_end)
        os.set_blocking(self._public, False)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True, name="console")
        self._thread.start()

    def close(self) -> None:
        os.write(self._wake_write, b"x")
        self._thread.join()
        for fd in (self._box, self.box_end, self._public, self._public_end, self._wake_read, self._wake_write):
            os.close(fd)

    def _run(self) -> None:
        partial = b""
        with selectors.DefaultSelector() as selector:
            for fd in (self._box, self._public, self._wake_read):
                selector.register(fd, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fd == self._wake_read:
                        return
                    data = os.read(key.fd, 4096)
                    if key.fd == self._public:
                        os.write(self._box, data)
                        continue
                    at = time.monotonic()
                    *lines, partial = (partial + data).split(b"\n")
                    if b"\x00" not in data:
                        self._pass_on(data)
                    for line in lines:
                        if b"\x00" in data and not line.startswith(b"\x00"):
                            self._pass_on(line + b"\n")
                        self._on_line(line.decode("utf-8", "replace").rstrip("\r"), at)

    def _pass_on(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._public, data)


def _raw_pty() -> tuple[int, int]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    return master, slave
