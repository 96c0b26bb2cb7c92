"""The virtual box's USB serial: a pty for whoever wants it, and its log lines for us.

Like the real cable it keeps nothing: what nobody reads is gone. It can be pulled out and put in again.
Not modelled: the pace of what the box says, DTR and RTS.
"""

import contextlib
import os
import pty
import selectors
import subprocess
import tempfile
import threading
import time
import tty
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from alertbox.sim.output import LogLine, Output, mark, parse
from alertbox.sim.uart import TICK_S, Uart

__all__ = ["Console", "LogLine", "parse"]

_RAW, _CTRL_A, _FRIENDLY_PROMPT, _RAW_PROMPT = "raw", b"\x01", b">>> ", b"raw REPL"
_ENDED = "ended"
_WAIT_S = 20


class Console:
    """Pumps between the box's terminal and the public one; `on_line(text, at)` and `on_mark(name)` get what it says.

    `path` is the public terminal's, "" while the cable is out.
    """

    def __init__(self, on_line: Callable[[str, float], None], on_mark: Callable[[str], None]) -> None:
        self.path = ""
        self._on_mark = on_mark
        self._box, self.box_end = _raw_pty()
        self.uart = Uart(self._box, self.box_end)
        self._output = Output(self._said, on_line, self._marked)
        self._public: int | None = None
        self._public_end = -1
        self._tail = b""
        self._hidden: bytes | None = None  # what it said since it was told to come to its raw prompt
        self._ended = threading.Event()
        self._requests: SimpleQueue[tuple[Callable[[], None], threading.Event] | None] = SimpleQueue()
        self._wake_read, self._wake_write = os.pipe()
        self._folder = tempfile.TemporaryDirectory(prefix="alertbox-serial-")
        self._plug()
        self._thread = threading.Thread(target=self._run, daemon=True, name="console")
        self._thread.start()

    def close(self) -> None:
        self._requests.put(None)
        os.write(self._wake_write, b"x")
        self._thread.join()
        self._unplug()
        self._folder.cleanup()
        for fd in (self._box, self.box_end, self._wake_read, self._wake_write):
            os.close(fd)

    def plug(self) -> None:
        self._ask(self._plug)

    def unplug(self) -> None:
        self._ask(self._unplug)

    # ---- a life of the box ----

    def begin(self, keep: bool) -> None:
        """Before a process is started on `box_end`. `keep`: what was received is for the prompt that comes."""
        self._ask(partial(self._begin, keep))

    def attend(self, process: subprocess.Popen[bytes]) -> None:
        self.uart.process = process

    def end(self) -> bytes:
        """The process is gone: wait until all it said has been read; its last bytes."""
        self.uart.process = None
        self.uart.closed = True
        self._ended.clear()
        self.say(mark(_ENDED))
        self._ended.wait(_WAIT_S)
        return self._tail

    def say(self, data: bytes) -> None:
        """In the box's place."""
        os.write(self.box_end, data)

    def _begin(self, keep: bool) -> None:
        self._hidden = None
        self._output.end_line(time.monotonic())
        self.uart.reset(keep)

    # ---- the pump ----

    def _run(self) -> None:
        listening: int | None = None
        with selectors.DefaultSelector() as selector:
            for fd in (self._box, self._wake_read):
                selector.register(fd, selectors.EVENT_READ)
            while True:
                # What is behind a busy wire waits in the holder's terminal.
                wanted = None if self.uart.wire.busy else self._public
                if wanted != listening:
                    _replace(selector, listening, wanted)
                    listening = wanted
                ready = {key.fd for key, _ in selector.select(self._patience())}
                now = time.monotonic()
                if self._wake_read in ready:
                    _replace(selector, listening, None)
                    listening = None
                    if not self._serve():
                        return
                elif listening in ready:
                    self.uart.wire.send(os.read(listening, 4096), now)
                if self._box in ready:
                    self._output.feed(os.read(self._box, 4096), now)
                self.uart.run(now)

    def _patience(self) -> float | None:
        return TICK_S if self.uart.busy else None

    def _ask(self, deed: Callable[[], None]) -> None:
        """Have the pump's thread do it, which alone handles the terminals."""
        done = threading.Event()
        self._requests.put((deed, done))
        os.write(self._wake_write, b"x")
        done.wait(_WAIT_S)

    def _serve(self) -> bool:
        """One request for each byte; False when it was the last."""
        os.read(self._wake_read, 1)
        request = self._requests.get()
        if request is None:
            return False
        deed, done = request
        deed()
        done.set()
        return True

    # ---- towards the holder ----

    def _plug(self) -> None:
        self._public, self._public_end = _raw_pty()
        os.set_blocking(self._public, False)
        # The kernel gives a closed terminal's number to the next one: a tool that comes back to a cable that was pulled
        # would write into another box. So the path is a name of its own, which goes with the cable.
        path = Path(self._folder.name, "serial")
        path.symlink_to(os.ttyname(self._public_end))
        self.path = str(path)

    def _unplug(self) -> None:
        if self._public is not None:
            Path(self.path).unlink(missing_ok=True)
            os.close(self._public)
            os.close(self._public_end)
        self._public = None
        self.path = ""
        self.uart.wire.cut()

    def _said(self, text: bytes) -> None:
        self._tail = (self._tail + text)[-16:]
        if self._hidden is not None:
            text = self._until_raw(text)
        if text and self._public is not None:
            with contextlib.suppress(BlockingIOError):
                os.write(self._public, text)

    def _marked(self, name: str) -> None:
        if name == _ENDED:
            self._ended.set()
        elif name == _RAW:
            self._hidden = b""
            self.uart.closed = True
        else:
            self._on_mark(name)

    def _until_raw(self, text: bytes) -> bytes:
        """The unix port always begins with its friendly prompt; the chip stays in raw mode over a soft reset."""
        assert self._hidden is not None
        before = self._hidden
        self._hidden = before + text
        if _FRIENDLY_PROMPT in self._hidden and _FRIENDLY_PROMPT not in before:
            os.write(self._box, _CTRL_A)
        _, prompt, rest = self._hidden.partition(_RAW_PROMPT)
        if not prompt:
            return b""
        self._hidden = None
        self.uart.closed = False
        return prompt + rest


def _replace(selector: selectors.BaseSelector, old: int | None, new: int | None) -> None:
    if old is not None:
        selector.unregister(old)
    if new is not None:
        selector.register(new, selectors.EVENT_READ)


def _raw_pty() -> tuple[int, int]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    return master, slave
