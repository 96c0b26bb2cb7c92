"""The virtual box's DNS server, over UDP on loopback, and what can be wrong with one.

It knows one name: whatever is asked, the answer is `address`.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

_HEADER, _REPLY, _RECURSION = 12, 0x8080, 0x0100
_REFUSED = 5
_POINTER_TO_QUESTION = b"\xc0\x0c"

Bend = Callable[[bytes, bytes], tuple[bytes, ...]]  # (query, true answer) -> what is sent instead


def _answer(query: bytes, address: str, ttl_s: int) -> bytes:
    """A response with one A record (RFC 1035, 4.1)."""
    (query_id,) = struct.unpack_from(">H", query)
    header = struct.pack(">HHHHHH", query_id, _REPLY | _RECURSION, 1, 1, 0, 0)
    record = struct.pack(">HHIH", 1, 1, ttl_s, 4) + socket.inet_aton(address)
    return header + query[_HEADER:] + _POINTER_TO_QUESTION + record


def _refusal(query: bytes, answer: bytes) -> bytes:
    return answer[:3] + bytes([answer[3] | _REFUSED]) + answer[4:6] + bytes(6) + query[_HEADER:]


def _forged(answer: bytes) -> bytes:
    """Of somebody who did not see the query: another id, another address."""
    return bytes([answer[0] ^ 0x5A]) + answer[1:-4] + socket.inet_aton("203.0.113.66")


# What `DnsServer.mode` may be, besides "silent" (a black hole) and "elsewhere" (true, but from another port).
_BENDS: dict[str, Bend] = {
    "answer": lambda query, answer: (answer,),
    "refuse": lambda query, answer: (_refusal(query, answer),),
    "cut": lambda query, answer: (answer[:-3],),
    "garbage": lambda query, answer: (query[:2] + b"\xff" * 300,),
    "wrong id": lambda query, answer: (_forged(answer),),
    "other name": lambda query, answer: (answer[:_HEADER] + b"\x04evil" + answer[_HEADER:],),
    "own query": lambda query, answer: (query,),
    "forged first": lambda query, answer: (_forged(answer), answer),
}
MODES = (*_BENDS, "silent", "elsewhere")
USEFUL_MODES = ("answer", "forged first")


class DnsServer:
    """Answers with `address`, good for `ttl_s`, in the way that `mode` says. `queries` counts those that arrived."""

    def __init__(self, address: str = "192.0.2.10", ttl_s: int = 60) -> None:
        self.address = address
        self.ttl_s = ttl_s
        self.mode = "answer"
        self.queries = 0
        self._reachable = True
        self._held: list[tuple[bytes, Any]] | None = None
        self._lock = threading.Lock()
        self._socket = self._bind()
        self._elsewhere = self._bind()
        self._thread = threading.Thread(target=self._serve, daemon=True, name="dns")
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    def set(self, reachable: bool) -> None:
        """Whether the box's packets come here at all; those that do not are lost."""
        self._reachable = reachable

    def hold(self) -> None:
        """Be slow: answers wait for `release`, however much virtual time passes."""
        with self._lock:
            self._held = []

    def release(self) -> None:
        with self._lock:
            held, self._held = self._held or [], None
        for query, asker in held:
            self._reply(query, asker)

    def close(self) -> None:
        self._elsewhere.sendto(b"", self._socket.getsockname())  # tells the thread
        self._thread.join()
        self._socket.close()
        self._elsewhere.close()

    @staticmethod
    def _bind() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        return sock

    def _serve(self) -> None:
        while True:
            query, asker = self._socket.recvfrom(512)
            if not query:
                return
            if len(query) <= _HEADER or not self._reachable:
                continue
            self.queries += 1
            with self._lock:
                if self._held is not None:
                    self._held.append((query, asker))
                    continue
            self._reply(query, asker)

    def _reply(self, query: bytes, asker: Any) -> None:
        if self.mode == "silent":
            return
        source = self._elsewhere if self.mode == "elsewhere" else self._socket
        bend = _BENDS.get(self.mode, _BENDS["answer"])
        with contextlib.suppress(OSError):  # the box has gone away meanwhile
            for packet in bend(query, _answer(query, self.address, self.ttl_s)):
                source.sendto(packet, asker)
