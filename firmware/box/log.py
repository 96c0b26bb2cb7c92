"""Log lines on the serial console: `uptime_ms LEVEL module message key=value`.

Never a key, a password, a full phone number or a recording: values are passed
by name, so that a reader of the code sees what goes out. The newest lines stay in
RAM for the technician, who was not there when they came.
"""

import sys
import time


def _ticks() -> int:
    return time.ticks_ms()  # type: ignore[return-value]  # the stubs' ticks are a type of their own


now = _ticks  # milliseconds since the start; the app puts its own clock here, which does not wrap


class Tail:
    """The newest lines, each cut to `longest` bytes, in `size` bytes that are taken once and for all."""

    def __init__(self, size: int, longest: int = 120):
        self._ring = bytearray(b"\n" * size)
        self._at = 0
        self._longest = longest

    def add(self, line: str) -> None:
        data = line.encode()[: self._longest] + b"\n"
        fits = min(len(data), len(self._ring) - self._at)
        self._ring[self._at : self._at + fits] = data[:fits]
        self._ring[: len(data) - fits] = data[fits:]
        self._at = (self._at + len(data)) % len(self._ring)

    def lines(self) -> list:
        """Newest first. The oldest has lost its beginning, and is left out."""
        parts = bytes(self._ring[self._at :] + self._ring[: self._at]).split(b"\n")[1:-1]
        # A cut may have gone through a character.
        return ["".join([chr(byte) if byte < 0x80 else "?" for byte in part]) for part in reversed(parts) if part]


tail = Tail(1280)


class Log:
    """The log of one module."""

    def __init__(self, module: str):
        self._module = module

    def info(self, message: str, **fields: object) -> None:
        _write("INFO", self._module, message, fields)

    def warning(self, message: str, **fields: object) -> None:
        _write("WARNING", self._module, message, fields)

    def error(self, message: str, **fields: object) -> None:
        _write("ERROR", self._module, message, fields)


def _write(level: str, module: str, message: str, fields: dict) -> None:
    line = "%s %s %s %s" % (now(), level, module, message)
    for name in sorted(fields):
        line += " %s=%s" % (name, fields[name])
    tail.add(line)
    # One write a line, so that it is not torn by console output.
    sys.stdout.write(line + "\n")
