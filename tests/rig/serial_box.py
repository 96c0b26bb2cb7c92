"""A box behind a serial port or a pty, for the system tests: what can be seen of it from outside."""

import threading
import time
from types import TracebackType

import serial
from alertbox.sim.console import LogLine, parse


class SerialBox:
    """Reads the log of the box at `path`. Nothing here presses its button: a person does."""

    def __init__(self, path: str) -> None:
        self.log: list[LogLine] = []
        self._changed = threading.Condition()
        self._port = serial.Serial()
        self._port.port = path
        self._port.baudrate = 115200
        self._port.timeout = 0.2
        # Held, so that opening the port does not reset the board.
        self._port.dtr = False
        self._port.rts = False
        self._closing = False
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "SerialBox":
        self._port.open()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._thread.join()
        self._port.close()

    def reset(self) -> None:
        """Restart a board: RTS pulls its EN line low (the circuit of nearly every ESP32 board)."""
        self._port.rts = True
        time.sleep(0.1)  # the length of the pulse
        self._port.rts = False

    def wait_log(self, module: str, text: str, timeout: float = 30) -> LogLine:
        """The first log line of `module` that starts with `text`."""
        with self._changed:
            self._changed.wait_for(lambda: self._find(module, text) is not None, timeout)
            line = self._find(module, text)
        if line is None:
            raise TimeoutError(f"no line {module} {text} within {timeout:g} s; is this an Alertbox?")
        return line

    def _find(self, module: str, text: str) -> LogLine | None:
        return next((line for line in self.log if line.module == module and line.text.startswith(text)), None)

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
