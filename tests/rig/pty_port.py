"""A pty in a serial port's place: one thread plays what is at its far end, and the cable can be pulled."""

import os
import pty
import selectors
import tempfile
import threading
import tty
from pathlib import Path
from types import TracebackType
from typing import Self


class PtyPort:
    """What derives from it gets what comes in `take(data)`, on the thread; `path` is the port for a tool to open."""

    def __init__(self) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        # A name of its own, which goes with the cable: the kernel gives a closed terminal's number to the next one, and
        # a tool that tries again would write into another test's box.
        self._folder = tempfile.TemporaryDirectory(prefix="alertbox-port-")
        self.path = str(Path(self._folder.name, "port"))
        Path(self.path).symlink_to(os.ttyname(self._slave))
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True, name=type(self).__name__)

    def take(self, data: bytes) -> None:
        raise NotImplementedError

    @property
    def plugged(self) -> bool:
        return self._master >= 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._wake_write, b"x")
        self._thread.join()
        self.pull()
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._folder.cleanup()

    def say(self, data: bytes) -> None:
        """Write on the line."""
        os.write(self._master, data)

    def pull(self) -> None:
        """Pull the cable: the port ends for whoever holds it."""
        Path(self.path).unlink(missing_ok=True)
        ends = (self._master, self._slave)
        self._master = self._slave = -1
        for end in ends:
            if end >= 0:
                os.close(end)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._master, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while self.plugged:
                if any(key.fd == self._wake_read for key, _ in selector.select()):
                    return
                self.take(os.read(self._master, 4096))
