"""Log lines on the serial console: `uptime_ms LEVEL module message key=value`.

Never a key, a password, a full phone number or a recording: values are passed
by name, so that a reader of the code sees what goes out.
"""

import sys
import time


def _ticks() -> int:
    return time.ticks_ms()  # type: ignore[return-value]  # the stubs' ticks are a type of their own


now = _ticks  # milliseconds since the start; the app puts its own clock here, which does not wrap


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
    # One write a line, so that it is not torn by console output.
    sys.stdout.write(line + "\n")
