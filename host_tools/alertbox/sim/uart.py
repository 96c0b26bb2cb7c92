"""The wire into the box, 115,200 baud, and the chip's end of it: a small buffer, no flow control, Ctrl-C.

The pace is real with either clock: the tool at the other end lives in real time, and what would come all at once
would overrun even a box that reads diligently. A stall of the stepped clock takes no real time, so it loses nothing.
"""

import array
import fcntl
import os
import signal
import subprocess
import termios
import time
import tty
from pathlib import Path

BYTE_S = 10 / 115_200
ROOM = 260  # bytes: the ring of the ESP32 port
CTRL_C = 3
TICK_S = 0.002
_MOST = 2 * round(TICK_S / BYTE_S)
_INTERRUPT_S = 2.0  # a program that catches Ctrl-C and goes on gets what came after it this late
_SLEEP_S = 0.1  # what runs for so long without a wait is interrupted wherever it is
_LOCAL_FLAGS, _CHARACTERS = 3, 6  # places in what tcgetattr gives


class Wire:
    """Bytes under way; times are monotonic seconds."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._began = 0.0  # when the first of them began

    @property
    def busy(self) -> bool:
        return bool(self._bytes)

    def send(self, data: bytes, now: float) -> None:
        if not self._bytes:
            self._began = now
        self._bytes += data

    def arrived(self, now: float) -> bytes:
        """What has come since the last look. A look that comes late finds a sender that paused, not a burst."""
        count = min(int((now - self._began) / BYTE_S), len(self._bytes))
        if count > _MOST:
            count = _MOST
            self._began = now
        else:
            self._began += count * BYTE_S
        data = bytes(self._bytes[:count])
        del self._bytes[:count]
        return data

    def cut(self) -> None:
        self._bytes.clear()


class Uart:
    """Receives for the process behind a pty: `inlet` is the pty's master, `terminal` its slave.

    The box's fake `kbd_intr` sets the terminal's interrupt character; the prompt, at which Ctrl-C is a byte, clears
    the terminal's local flags.
    """

    def __init__(self, inlet: int, terminal: int) -> None:
        self.wire = Wire()
        self.dropped = 0  # bytes that found the buffer full
        self.process: subprocess.Popen[bytes] | None = None
        self.closed = False  # bytes wait in the buffer
        self._inlet = inlet
        self._terminal = terminal
        self._buffer = bytearray()  # what came and is not at the process yet
        self._pressed: float | None = None  # when a Ctrl-C came that is not signalled yet
        self._interrupted: float | None = None  # when one was, until the prompt shows

    @property
    def busy(self) -> bool:
        return self.wire.busy or bool(self._buffer) or self._pressed is not None

    def reset(self, keep: bool) -> None:
        """A start of the chip: raw, Ctrl-C interrupts, and nothing received, but for what to `keep` for its prompt."""
        if not keep:
            self._buffer.clear()
        self._pressed = None
        self._interrupted = time.monotonic() if keep else None
        self.closed = False
        termios.tcflush(self._terminal, termios.TCIFLUSH)
        tty.setraw(self._terminal)
        settings = termios.tcgetattr(self._terminal)
        settings[_LOCAL_FLAGS] |= termios.ECHOK  # means nothing without ECHO: to tell it from the prompt's, which are 0
        settings[_CHARACTERS][termios.VINTR] = bytes([CTRL_C])
        termios.tcsetattr(self._terminal, termios.TCSANOW, settings)

    def run(self, now: float) -> None:
        """Let happen what is due."""
        settings = termios.tcgetattr(self._terminal)
        interrupt = settings[_CHARACTERS][termios.VINTR][0]
        room = ROOM - len(self._buffer) - self._unread()
        for byte in self.wire.arrived(now):
            if byte == interrupt != 0 and self._runs_code():
                # A second one before the first is served is the same one, as on the chip.
                self._pressed = self._pressed or (now if self._interrupted is None else None)
            elif room > 0:
                self._buffer.append(byte)
                room -= 1
            else:
                self.dropped += 1
        self._signal(now)
        if self._interrupted is not None and (self._at_prompt() or now > self._interrupted + _INTERRUPT_S):
            self._interrupted = None
        # MicroPython throws away what it has not read when it comes to its prompt, which the chip does not.
        if self._buffer and not (self._pressed or self._interrupted or self.closed):
            os.write(self._inlet, self._buffer)
            self._buffer.clear()

    def _signal(self, now: float) -> None:
        """The unix port leaves whatever C code it is in, be it its garbage collector: wait until it waits."""
        if self._pressed is None or self.process is None:
            return
        if now > self._pressed + _SLEEP_S or _sleeps(self.process.pid):
            self._pressed, self._interrupted = None, now
            self.process.send_signal(signal.SIGINT)

    def _unread(self) -> int:
        """At the process; what the kernel still carries there is not counted: a millisecond's worth, as a rule."""
        count = array.array("i", [0])
        fcntl.ioctl(self._terminal, termios.FIONREAD, count)
        return count[0]

    def _at_prompt(self) -> bool:
        flags: int = termios.tcgetattr(self._terminal)[_LOCAL_FLAGS]
        return flags == 0

    def _runs_code(self) -> bool:
        """Whether Ctrl-C is caught: the prompt takes it as a byte, and as a signal it would end the process."""
        if self.process is None:
            return False
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:  # not Linux: what was pasted at the raw prompt cannot be told from the prompt itself
            return not self._at_prompt()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
        return bool(int(caught.split()[1], 16) & 1 << signal.SIGINT - 1)


def _sleeps(pid: int) -> bool:
    """Whether it is in a system call that waits; yes where that cannot be told."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"
    except OSError:
        return True
