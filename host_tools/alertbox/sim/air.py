"""The virtual box's radio: a TCP relay that can go silent.

With Wi-Fi down nothing is refused and nothing is closed: bytes just stop, as on
air. They are held, as TCP would send them again, and flow on when it is back.
The first connection begun meanwhile finds silence behind the TCP handshake, further ones find not even that.
"""

import contextlib
import socket
import threading


class Air:
    """Relay from a loopback port to `upstream` (host, port), which may change between connections."""

    def __init__(self) -> None:
        self.upstream: tuple[str, int] | None = None
        self._open = threading.Event()
        self._open.set()
        # Nobody accepts while it is silent, and a full queue answers no more.
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self._sockets: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True, name="air").start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def set(self, up: bool) -> None:
        if up:
            self._open.set()
        else:
            self._open.clear()

    def close(self) -> None:
        self._listener.close()
        self.drop()
        self._open.set()

    def drop(self) -> None:
        """Close every connection."""
        for sock in list(self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            self._open.wait()
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(near,), daemon=True, name="air").start()

    def _relay(self, near: socket.socket) -> None:
        self._open.wait()
        try:
            if self.upstream is None:
                raise ConnectionRefusedError
            far = socket.create_connection(self.upstream, timeout=10)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        pair = (near, far)
        self._sockets.update(pair)
        for sock in pair:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=self._pump, args=(far, near), daemon=True, name="air")
        back.start()
        self._pump(near, far)
        back.join()
        for sock in pair:
            self._sockets.discard(sock)
            sock.close()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._open.wait()
                sink.sendall(data)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
