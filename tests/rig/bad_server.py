"""Servers that a box should outlive: each does one wrong thing, to every connection.

A script is a function of the accepted socket, which is closed when it returns. Some play a broker
of their own, over TLS or not; some stand between the box and a real broker.
"""

import contextlib
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from types import TracebackType

Script = Callable[[socket.socket], None]
Address = tuple[str, int]

_CONNACK = b"\x20\x02\x00\x00"
_PUBLISH = 0x30


class BadServer:
    """Plays `script` to each connection on a free loopback port, behind TLS if there is a `tls` context."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: set[socket.socket] = set()
        self.address: Address = self._listener.getsockname()

    def __enter__(self) -> "BadServer":
        threading.Thread(target=self._accept, daemon=True, name="bad server").start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _shut(self._listener)  # or accept() would stay in it
        self._listener.close()
        for sock in list(self._sockets):
            _shut(sock)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.add(sock)
            threading.Thread(target=self._play, args=(sock,), daemon=True, name="bad server").start()

    def _play(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            if self._tls is None:
                self._script(sock)
            else:
                with self._tls.wrap_socket(sock, server_side=True) as secure:
                    self._script(secure)
        self._sockets.discard(sock)


# ---- In the place of the broker ----------------------------------------------------


def silent(sock: socket.socket) -> None:
    """Take everything, answer nothing."""
    while sock.recv(65536):
        pass


def says(data: bytes) -> Script:
    """Hear the first words, say this, and go on listening."""

    def script(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(data)
        silent(sock)

    return script


def garbage(seed: int, size: int = 4096) -> bytes:
    return random.Random(seed).randbytes(size)


def huge_packet(sock: socket.socket) -> None:
    """Accept the client, then begin the longest packet that MQTT knows, 256 MB, and send as much as is taken."""
    sock.recv(65536)
    sock.sendall(_CONNACK + bytes((_PUBLISH, 0xFF, 0xFF, 0xFF, 0x7F)))
    while True:
        sock.sendall(bytes(65536))


def half_a_packet(sock: socket.socket) -> None:
    """Accept the client, then close in the middle of the SUBACK."""
    sock.recv(65536)
    sock.sendall(_CONNACK)
    sock.recv(65536)
    sock.sendall(b"\x90\x03\x00")


# ---- Between the box and a broker ----------------------------------------------------


def cut_after(broker: Address, count: int) -> Script:
    """Relay, and close after `count` bytes from the broker: in the middle of whatever it was."""

    def down(far: socket.socket, sock: socket.socket) -> None:
        left = count
        while left and (data := far.recv(left)):
            sock.sendall(data)
            left -= len(data)

    return _relay(broker, down)


def slowly(broker: Address, chunk: int, delay_s: float) -> Script:
    """Relay; what the broker says comes down in chunks of at most so many bytes, each held up for so long."""

    def down(far: socket.socket, sock: socket.socket) -> None:
        while data := far.recv(chunk):
            time.sleep(delay_s)
            sock.sendall(data)

    return _relay(broker, down)


def _relay(broker: Address, down: Callable[[socket.socket, socket.socket], None]) -> Script:
    def script(sock: socket.socket) -> None:
        with socket.create_connection(broker) as far:
            up = threading.Thread(target=_pump, args=(sock, far), daemon=True, name="bad server")
            up.start()
            with contextlib.suppress(OSError):
                down(far, sock)
            _shut(sock)
            up.join()

    return script


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _shut(sink)


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
