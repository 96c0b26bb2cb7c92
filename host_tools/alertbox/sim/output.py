"""What the box says: text for whoever listens, whole lines for us, and the virtual board's own words in between.

Such a word is a mark: bytes with which no UTF-8 text begins, a name, a newline (boards/unix/virtual/control.py).
A terminal may hand over any part of a write first and the rest whenever the machine finds time for it: the beginning of
a mark is held until what follows says whether it is one, however long that takes. Of what is no text the last byte
may so come late.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_MARK = re.compile(rb"\xfe\xfdbox:([a-z]+)\n")
_BEGUN = re.compile(rb"\xfe(\xfd(b(o(x(:[a-z]*)?)?)?)?)?\Z")  # of a mark
_LINE = re.compile(r"(\d+) (INFO|WARNING|ERROR) (\S+) (.*)")
_FIELD = re.compile(r"(\w+)=(\S*)")


def mark(name: str) -> bytes:
    return b"\xfe\xfdbox:" + name.encode() + b"\n"


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


class Output:
    """Takes the stream apart: `on_text(bytes)`, `on_line(str, at)`, `on_mark(name)`, in the order of the stream."""

    def __init__(
        self,
        on_text: Callable[[bytes], None],
        on_line: Callable[[str, float], None],
        on_mark: Callable[[str], None],
    ) -> None:
        self._on_text = on_text
        self._on_line = on_line
        self._on_mark = on_mark
        self._held = b""  # may be the beginning of a mark
        self._line = b""

    def feed(self, data: bytes, at: float) -> None:
        *before, last = _MARK.split(self._held + data)
        for text, name in zip(before[::2], before[1::2], strict=True):
            self._text(text, at)
            self._on_mark(name.decode())
        begun = _BEGUN.search(last)
        self._held = begun[0] if begun else b""
        self._text(last[: len(last) - len(self._held)], at)

    def end_line(self, at: float) -> None:
        """Who speaks next is another: what stands there is a line of its own, and what was held is text."""
        held, self._held = self._held, b""
        self._text(held, at)
        line, self._line = self._line, b""
        if line:
            self._on_line(line.decode("utf-8", "replace"), at)

    def _text(self, text: bytes, at: float) -> None:
        if text:
            self._on_text(text)
            *lines, self._line = (self._line + text).split(b"\n")
            for line in lines:
                self._on_line(line.decode("utf-8", "replace").rstrip("\r"), at)
