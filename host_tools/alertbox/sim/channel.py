"""The control channel: how the world around the box reaches the virtual board (boards/unix/virtual/control.py)."""

import contextlib
import json
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any

_PATIENCE_S, _LOOK_S = 20, 0.1


class Channel:
    """JSON lines over loopback TCP; a life of the box is one connection.

    `changed` is told of each message; `on_event(message)` gets what is no answer, `changed` being held.
    """

    def __init__(self, changed: threading.Condition, on_event: Callable[[dict[str, Any]], None]) -> None:
        self.answers: dict[int, dict[str, Any]] = {}
        self._changed = changed
        self._on_event = on_event
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_LOOK_S)
        self._connection: socket.socket | None = None
        self._last_id = 0
        self._last_unheard = 0  # the last number that was sent to a life that is over

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def open(self) -> bool:
        return self._connection is not None

    def close(self) -> None:
        self._listener.close()

    def follow(self, process: subprocess.Popen[bytes]) -> None:
        """Until the end of the connection that this process makes; one that makes none is ended."""
        connection = self._accept(process)
        if connection is None:
            process.kill()
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._changed:
            self._connection = connection
            self._changed.notify_all()
        # An error: killed, the end follows.
        with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
            for line in lines:
                self._receive(json.loads(line))
        with self._changed:
            self._connection = None
            self._last_unheard = self._last_id
            self._changed.notify_all()

    def _accept(self, process: subprocess.Popen[bytes]) -> socket.socket | None:
        for _ in range(int(_PATIENCE_S / _LOOK_S)):
            with contextlib.suppress(OSError):  # nobody yet, or nobody any more
                connection, _ = self._listener.accept()
                connection.settimeout(None)
                return connection
            if process.poll() is not None:
                break
        return None

    def send(self, name: str, arguments: dict[str, Any]) -> int:
        """The number under which the answer will come."""
        with self._changed:
            if self._connection is None:
                raise ConnectionError("the control channel is closed")
            self._last_id += 1
            number = self._last_id
            connection = self._connection
        connection.sendall((json.dumps({"id": number, "do": name, **arguments}) + "\n").encode())
        return number

    def settled(self, number: int) -> bool:
        """Whether the answer is here, or will never come; the next life may have begun by then."""
        return number in self.answers or number <= self._last_unheard

    def _receive(self, message: dict[str, Any]) -> None:
        with self._changed:
            if "event" in message:
                self._on_event(message)
            else:
                self.answers[message["id"]] = message
            self._changed.notify_all()
