"""A box at the end of a cable: what can be seen of it, and done to it, from there. It has no other verbs."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import serial
from alertbox.sim.console import LogLine, parse

_RESTART = b'\x1e{"jsonrpc": "2.0", "id": 1, "method": "restart", "params": []}\n'


class _CableBox:
    """Reads the log of the box at `path`."""

    def __init__(self, path: str) -> None:
        self.log: list[LogLine] = []
        self._changed = threading.Condition()
        self._port = serial.Serial()
        self._port.port = self._path = path
        self._port.baudrate = 115200
        self._port.timeout = 0.2
        # Held, so that opening the port does not reset the board.
        self._port.dtr = False
        self._port.rts = False
        self._closing = False
        self._thread = threading.Thread(target=self._read, daemon=True)

    @classmethod
    def at(cls, address: str, folder: Path) -> Self:
        """`folder` is for boxes that keep something here."""
        return cls(address)

    def __enter__(self) -> Self:
        self._port.open()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._thread.join()
        self._port.close()

    @property
    def serial(self) -> str:
        """Lets go of the port: whoever asks has it alone, and the log ends here."""
        self.__exit__(None, None, None)
        return self._path

    def wait_log(self, module: str, text: str, since: int = 0, timeout: float = 30) -> LogLine:
        """The first line of `module` from index `since` of `log` that starts with `text`."""
        with self._changed:
            self._changed.wait_for(lambda: self._find(module, text, since) is not None, timeout)
            line = self._find(module, text, since)
        if line is None:
            raise TimeoutError(f"no line {module} {text} within {timeout:g} s; is this an Alertbox?")
        return line

    def _find(self, module: str, text: str, since: int) -> LogLine | None:
        return next((line for line in self.log[since:] if line.module == module and line.text.startswith(text)), None)

    def _read(self) -> None:
        partial = b""
        while not self._closing:
            *lines, partial = (partial + self._port.read(self._port.in_waiting or 1)).split(b"\n")
            for text in lines:
                line = parse(text.decode("utf-8", "replace").rstrip("\r"), time.monotonic())
                if line is not None:
                    with self._changed:
                        self.log.append(line)
                        self._changed.notify_all()


class BoardBox(_CableBox):
    """A board at a serial port."""

    def restart(self) -> None:
        """RTS pulls its EN line low (the circuit of nearly every ESP32 board)."""
        self._port.rts = True
        time.sleep(0.1)  # the length of the pulse
        self._port.rts = False


class PtyBox(_CableBox):
    """A box behind a pty, which has no reset line."""

    def restart(self) -> None:
        """By its console; a closed box refuses."""
        self._port.write(_RESTART)
