"""The tool's end of the box's console: asks a box over its serial port, one request at a time.

A reply may be lost (noise, a box that restarts), so a request is asked again if doing it twice is doing it once
(`console_rpc.METHODS`). Whatever goes wrong ends in one `UserError` that tells a person what to do next.
"""

import base64
import random
import re
import time
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, TypeVar

import serial

from alertbox.box.serial_port import close_port, open_port
from alertbox.contract import console_rpc
from alertbox.contract.console_rpc import BoxRefused, printable
from alertbox.errors import UserError

__all__ = ["BoxConsole", "BoxRefused", "Unlocks"]

DOCUMENT_BYTES = 8192  # the most that a box takes of one document
_EXPORT_BYTES = 65536  # no box has as much; a size beyond is nonsense
_CHUNK_BYTES = 90
_TRIES = 2
_IDENTITY = {"box": "[0-9a-f]{16}", "public": "04[0-9a-f]{128}", "version": r"[\w.+-]+", "board": r"\w+"}
_BOOTING_S = 0.4  # of each try while a box restarts: most are lost
_LAST_NUMBER = 99_999  # five digits: a request's bytes are dear
_LOG_LINE = re.compile(rb"\d+ (INFO|WARNING|ERROR) ")
_PROMPTS = (b">>> ", b"raw REPL")
_SHOW_PROMPT = b"\x02"  # Ctrl-B: MicroPython's prompt shows itself; an Alertbox hears nothing outside a frame
_SHOWN_S = 0.3
_T = TypeVar("_T")


class Unlocks(Protocol):
    """What `unlock` wants of alertbox.town.technicians.Technician."""

    @property
    def certificate(self) -> bytes: ...

    def sign(self, data: bytes, /) -> bytes: ...


class BoxConsole:
    """A box behind the port at `path`. Entering opens the port and asks the box who it is.

    patience: seconds that each of two tries of that takes. on_line: gets every line that is not a reply, which is
    the box's log and its chip's messages. identity: {box, public, version, board}, as the box told last.
    """

    def __init__(self, path: str, *, patience: float = 2.5, on_line: Callable[[str], object] | None = None) -> None:
        self.path = path
        self.on_line = on_line
        self.identity: dict[str, Any] = {}
        self._patience = patience
        self._port: serial.Serial | None = None
        self._lines = console_rpc.Lines()
        self._heard: list[bytes] = []  # the last lines that were no replies
        self._heard_at = 0.0
        self._number = random.randrange(_LAST_NUMBER)  # replies to an earlier session have other numbers
        self._left: tuple[str, str, object] | None = None  # by which method, box and boot count of the life that ended

    def __enter__(self) -> "BoxConsole":
        self._port = open_port(self.path)
        try:
            self._meet(self._patience)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._port is not None:
            close_port(self._port)
            self._port = None

    @property
    def box(self) -> str:
        """The box's id: 16 hex digits."""
        return str(self.identity["box"])

    # ---- requests ----

    def call(self, method: str, *params: object, timeout: float | None = None) -> Any:
        """The result of a method. timeout: seconds of each try; by default what the method is known to need.

        BoxRefused if the box says no; UserError `console-no-answer`, `console-cable`, `console-too-long`.
        """
        if method in ("restart", "factory_reset"):
            self._left = (method, self.box, _boot(self.call("status")))
        self._number = self._number % _LAST_NUMBER + 1
        line = console_rpc.request(self._number, method, params)
        known = console_rpc.method(method)
        for _ in range(_TRIES if known.repeat else 1):
            reply = self._exchange(line, timeout or known.seconds, known.repeat)
            if reply is None:
                continue
            if "result" in reply:
                return reply["result"]
            raise console_rpc.refusal(reply["error"])
        raise UserError(self._silence(), path=self.path)

    def listen(self, seconds: float) -> None:
        """Hear the box's log for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._hear()

    def _exchange(self, line: bytes, seconds: float, again: bool) -> dict[str, Any] | None:
        """Send a request's line and wait for its reply; None if none comes."""
        end = time.monotonic() + seconds
        self._send(line)
        while time.monotonic() < end:
            for frame in self._hear():
                reply = console_rpc.reply(frame)
                if reply is None:
                    continue
                if type(reply["id"]) is int and reply["id"] == self._number:
                    return reply
                # The box could not read a line, likely ours. It may have been an earlier one: only what may be
                # done twice is asked again before its time is over.
                if reply["id"] is None and again:
                    return None
        return None

    def _send(self, data: bytes) -> None:
        try:
            self._opened().write(data)
        except serial.SerialTimeoutException as error:
            raise UserError("console-no-answer", path=self.path) from error
        except OSError as error:
            raise UserError("console-cable", path=self.path) from error

    def _hear(self) -> list[bytes]:
        """The frames in what has come; waits a moment for something to come."""
        port = self._opened()
        try:
            data: bytes = port.read(port.in_waiting or 1)
        except OSError as error:
            raise UserError("console-cable", path=self.path) from error
        frames = []
        for framed, line in self._lines.feed(data):
            if framed:
                frames.append(line)
                continue
            self._heard = [*self._heard[-9:], line]
            self._heard_at = time.monotonic()
            if self.on_line is not None:
                self.on_line(printable(line.decode("utf-8", "replace")))
        return frames

    def _opened(self) -> serial.Serial:
        if self._port is None:
            raise RuntimeError("the console is not open: use it in a `with`")
        return self._port

    def _silence(self) -> str:
        """Why nothing answers, as a sentence's key: a MicroPython prompt, another device, or nothing at all."""
        self._send(_SHOW_PROMPT)
        self.listen(_SHOWN_S)
        heard = [*self._heard, self._lines.partial]
        if any(prompt in line for prompt in _PROMPTS for line in heard):
            return "console-repl"
        if any(heard) and not self.identity and not any(_LOG_LINE.match(line) for line in heard):
            return "console-not-a-box"
        return "console-no-answer"

    # ---- who it is ----

    def _meet(self, seconds: float) -> None:
        try:
            identity = self.call("identity", timeout=seconds)
        except BoxRefused as error:
            raise UserError("console-not-a-box", path=self.path) from error
        told = identity if isinstance(identity, dict) else {}
        if not all(re.fullmatch(form, str(told.get(name))) for name, form in _IDENTITY.items()):
            raise UserError("console-not-a-box", path=self.path)
        self.identity = identity

    def wait_restart(self, timeout: float = 40) -> None:
        """Wait until the box that was told to restart answers in its next life. A locked box is locked again then.

        One that is still heard, as it is while it starts, has up to three times as long.
        After `factory_reset` it has another name; after anything else that is `console-other-box`. If it was not
        told by us (its power was cut), any answer will do.
        """
        method, box, boot = self._left or ("", self.box, None)
        began = time.monotonic()
        while time.monotonic() < max(began + timeout, min(self._heard_at + timeout, began + 3 * timeout)):
            try:
                if self._port is None:
                    self._port = open_port(self.path)
                self._meet(_BOOTING_S)
                now = _boot(self.call("status", timeout=self._patience))
                if self._left is None or (self.box, now) != (box, boot):
                    break
                self.listen(0.2)  # it has answered, and has yet to go
            except UserError as error:
                if error.key != "console-no-answer":  # an ESP32's own USB goes with it, and comes back
                    self.close()
                    time.sleep(0.2)
        else:
            raise UserError("console-no-restart", path=self.path, seconds=f"{time.monotonic() - began:.0f}")
        self._left = None
        if self.box != box and method != "factory_reset":
            raise UserError("console-other-box", path=self.path, box=self.box, before=box)

    def unlock(self, technician: Unlocks) -> dict[str, Any]:
        """Open a locked box until 10 minutes without a request, `lock` or a restart; gives {name, expires}."""
        certificate = technician.certificate
        self.put("certificate", certificate)
        self.commit("certificate", certificate)
        challenge = _field(self, self.call("challenge"), "challenge", str)
        try:
            signed = b"alertbox/unlock/1" + bytes.fromhex(self.box) + bytes.fromhex(challenge)
        except ValueError as error:
            raise UserError("console-garbled", path=self.path) from error
        result: dict[str, Any] = self.call("unlock", technician.sign(signed).hex())
        return result

    # ---- documents ----

    def put(self, name: str, data: bytes, progress: Callable[[int, int], object] | None = None) -> None:
        """Bring a document to the box; `commit` puts it to use. progress: gets the bytes there and all of them."""
        if len(data) > DOCUMENT_BYTES:
            raise UserError("console-document-too-long", size=len(data), most=DOCUMENT_BYTES)
        offset = 0
        # A box that has restarted asks for the beginning again: that may happen, and must end.
        for _ in range(len(data) // 20 + 3):
            offset = self._put_piece(name, offset, data[offset : offset + _room(name, offset)])
            if not 0 <= offset <= len(data):
                break
            if progress is not None:
                progress(offset, len(data))
            if offset == len(data):
                return
        raise UserError("console-garbled", path=self.path)

    def _put_piece(self, name: str, offset: int, piece: bytes) -> int:
        """Where the box wants to go on: behind the piece, or elsewhere if it has the piece already or has forgotten."""
        try:
            answer = self.call("put", name, offset, base64.b64encode(piece).decode(), zlib.crc32(piece))
        except BoxRefused as refused:
            if refused.code == "checksum":  # torn on its way
                return offset
            if refused.code != "offset":
                raise
            answer = refused.data
        return _field(self, answer, "next", int)

    def commit(self, name: str, data: bytes) -> Any:
        """Have the box check, write and use the `data` that was put; gives what the box tells of it."""
        return self.call("commit", name, zlib.crc32(data))

    def read(self, name: str) -> bytes:
        """A document of the box, whole. One that changes meanwhile is read from the start again, twice."""
        for _ in range(3):
            data = self._read_once(name)
            if data is not None:
                return data
        raise UserError("console-garbled", path=self.path)

    def _read_once(self, name: str) -> bytes | None:
        data, first = b"", None
        while True:
            answer = self.call("read", name, len(data))
            whole = _field(self, answer, "size", int), _field(self, answer, "crc", int)
            try:
                piece = base64.b64decode(_field(self, answer, "data", str), validate=True)
            except ValueError:
                return None
            first = first or whole
            data += piece
            if whole != first or whole[0] > _EXPORT_BYTES or len(data) > whole[0]:
                return None
            if len(data) == whole[0]:
                return data if zlib.crc32(data) == whole[1] else None
            if not piece:
                return None


def _room(name: str, offset: int) -> int:
    """Bytes of a document that fit into one `put`: base64 makes four of three."""
    bare = console_rpc.request(_LAST_NUMBER, "put", (name, offset, "", 0xFFFFFFFF))
    return min(_CHUNK_BYTES, (console_rpc.REQUEST_BYTES - len(bare)) // 4 * 3)


def _boot(status: object) -> object:
    return status.get("boot") if isinstance(status, dict) else None


def _field(console: BoxConsole, answer: object, name: str, kind: type[_T]) -> _T:
    """A part of the box's answer, of the type that it should have."""
    value = answer.get(name) if isinstance(answer, dict) else None
    if type(value) is not kind:
        raise UserError("console-garbled", path=console.path)
    return value
