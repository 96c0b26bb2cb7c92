"""A box's console on a pty, for tests of the tool: answers as the contract says, and misbehaves as it is told.

It shares no code with the tool and knows the firmware by the contract alone.
"""

import base64
import json
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from pty_port import PtyPort

IDENTITY = {"box": "00112233445566ff", "public": "04" + "ab" * 64, "version": "0.2.0", "board": "esp32_wrover"}
CHALLENGE = bytes(range(32))
LOG = b"1234 INFO app armed\r\n"
BOOT_NOISE = b"\xff\x00ets Jul 29 2019 12:21:46\r\n\r\nrst:0xc (SW_CPU_RESET),boot:0x13\r\n"


class Refuse(Exception):
    """What the box answers with an error."""

    def __init__(self, message: str, code: str = "", number: int = -32000, **data: object) -> None:
        self.error = {"code": number, "message": message, "data": {"code": code, **data}}


class ConsoleBox(PtyPort):
    """Answers on `path`. `requests`: each as (method, params); `heard`: the bytes of each request's line.

    answers: a method's result, or a function of its params. wrap: bytes of a reply to the bytes that go out.
    lose: how many of the next replies to a method get lost. raw: answers
    whatever comes, in place of the console.
    """

    def __init__(self, **answers: Any) -> None:
        super().__init__()
        self.identity: dict[str, Any] = dict(IDENTITY)
        self.boot = 7
        self.documents = {"settings": b'{"version": 2}'}
        self.requests: list[tuple[str, list[Any]]] = []
        self.heard: list[bytes] = []
        self.unlocked_by: bytes | None = None
        self.wrap: Callable[[bytes], bytes] = lambda reply: reply
        self.raw: Callable[[bytes], bytes] | None = None
        self.lose: Counter[str] = Counter()
        self.stays = 0  # how many requests it still answers after it was told to restart
        self._leaving: int | None = None
        self._partial = b""
        self._put: dict[str, bytearray] = {}
        self.answers: dict[str, Any] = {
            "identity": lambda: self.identity,
            "status": lambda: {"boot": self.boot, "uptime": 93784, "enrolled": True, "locked": False, "fault": None},
            "put": self._do_put,
            "commit": self._do_commit,
            "read": self._do_read,
            "challenge": {"challenge": CHALLENGE.hex()},
            "unlock": self._do_unlock,
            "restart": self._do_restart,
            "factory_reset": self._do_restart,
            **answers,
        }

    def count(self, method: str) -> int:
        return [name for name, _ in self.requests].count(method)

    def take(self, data: bytes) -> None:
        if self.raw is not None:
            self.say(self.raw(data))
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._line(line)

    def _line(self, line: bytes) -> None:
        frame = line[line.rindex(b"\x1e") :]  # whatever stands before is outside a frame
        self.heard.append(frame + b"\n")
        request = json.loads(frame[1:])
        self.requests.append((request["method"], request["params"]))
        reply = {"jsonrpc": "2.0", "id": request["id"]} | self._answer(request["method"], request["params"])
        if not self.plugged:
            return  # the cable is out
        if self.lose[request["method"]]:
            self.lose[request["method"]] -= 1
        else:
            self.say(self.wrap(b"\x1e" + json.dumps(reply).encode() + b"\r\n"))
        if self._leaving is not None:
            self._leave()

    def _answer(self, method: str, params: list[Any]) -> dict[str, Any]:
        try:
            if method not in self.answers:
                raise Refuse("no such method", number=-32601)
            answer = self.answers[method]
            return {"result": answer(*params) if callable(answer) else answer}
        except Refuse as refuse:
            return {"error": refuse.error}

    def forget(self) -> None:
        """Lose all that was put, as a restart does."""
        self._put.clear()

    # ---- what it does ----

    def _do_put(self, name: str, offset: int, chunk: str, crc: int) -> dict[str, Any]:
        data = base64.b64decode(chunk)
        if not data or zlib.crc32(data) != crc:
            raise Refuse("This piece did not come over whole.", "checksum")
        if offset == 0:
            self._put = {name: bytearray()}
        document = self._put.get(name, bytearray())
        if offset != len(document):
            raise Refuse("Pieces come in order.", "offset", next=len(document))
        document += data
        return {"next": len(document)}

    def _do_commit(self, name: str, crc: int) -> dict[str, Any]:
        if zlib.crc32(self._put.get(name, b"")) != crc:
            raise Refuse("the document is not whole", "crc")
        self.documents[name] = bytes(self._put.pop(name))
        return {"changes": 1}

    def _do_read(self, name: str, offset: int) -> dict[str, Any]:
        document = self.documents[name]
        piece = base64.b64encode(document[offset : offset + 180]).decode()
        return {"data": piece, "size": len(document), "crc": zlib.crc32(document)}

    def _do_unlock(self, signature: str) -> dict[str, Any]:
        self.unlocked_by = bytes.fromhex(signature)
        return {"name": "Ada", "expires": 1900000000}

    def _do_restart(self, *_: Any) -> dict[str, Any]:
        self._leaving = self.stays
        return {}

    def _leave(self) -> None:
        """Answer a little longer, then start anew: all that was put is gone."""
        assert self._leaving is not None
        if self._leaving:
            self._leaving -= 1
            return
        self._leaving = None
        self.boot += 1
        self.forget()
        self.say(BOOT_NOISE)
