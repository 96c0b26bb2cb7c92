"""The console's language: JSON-RPC 2.0, a line to a message, framed as RFC 7464 has it.

A line is RS (0x1E), JSON, LF. What stands outside such a frame is the log's or noise, and is
skipped. The chip's serial port holds about 260 bytes that nobody has read yet, so a request is at
most 200 bytes and its sender waits for the reply.

Pure: bytes come in one by one, lines go out.
"""

import json

from box.core import strict_json

MOST_IN, MOST_OUT = 200, 320  # bytes of a line, RS and LF included
# Of a result's JSON: what the frame and the envelope with the largest id leave of a line.
MOST_RESULT = MOST_OUT - 2 - len('{"jsonrpc":"2.0","id":2147483647,"result":}')

PARSE, INVALID, UNKNOWN, PARAMS, INTERNAL, REFUSED = -32700, -32600, -32601, -32602, -32603, -32000

_RS, _LF = 0x1E, 0x0A
_MOST_TEXT = MOST_IN - 2
_OUTSIDE = -1
_MOST_ID = 0x7FFFFFFF
_UINT32 = 0xFFFFFFFF
_COMPACT = (",", ":")


class RpcError(ValueError):
    """Becomes an error reply; `id` is the request's, None if it could not be read."""

    def __init__(self, code: int, message: str, data: "dict | None" = None, id: "int | None" = None):
        super().__init__(message)
        self.code = code
        self.data = data or {}
        self.id = id


class Refused(RpcError):
    """The box understands and declines: `key` is for programs, `message` one sentence for people."""

    def __init__(self, key: str, message: str, **more: object):
        super().__init__(REFUSED, message, more)
        self.data["code"] = key


class Reader:
    """Finds the lines among the bytes. An RS always begins anew, so that a half line costs nothing but itself."""

    def __init__(self) -> None:
        self._buffer = bytearray(_MOST_TEXT + 1)  # the last byte is room to see that a line is too long
        self._count = _OUTSIDE

    def feed(self, byte: int) -> "bytes | None":
        """Take one byte; the text of a line when it is whole. One too long comes cut, and `parse` refuses it."""
        if byte == _RS:
            self._count = 0
        elif self._count == _OUTSIDE:
            pass
        elif byte == _LF:
            count = self._count
            self._count = _OUTSIDE
            return bytes(self._buffer[:count])
        elif self._count <= _MOST_TEXT:
            self._buffer[self._count] = byte
            self._count += 1
        return None


def parse(text: bytes) -> "tuple[int, str, list]":
    """(id, method, params) of a request, or RpcError."""
    if len(text) > _MOST_TEXT:
        raise RpcError(INVALID, "the line is too long")
    try:
        request = strict_json.loads(text)
    except ValueError as error:
        raise RpcError(PARSE, "no JSON: %s" % error) from None
    if not isinstance(request, dict):
        request = {}
    number, method, params = request.get("id"), request.get("method"), request.get("params", [])
    if not isinstance(number, int) or not is_uint32(number) or number > _MOST_ID:
        raise RpcError(INVALID, "the id must be a whole number of 31 bits")
    if request.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise RpcError(INVALID, "this is not JSON-RPC 2.0", None, number)
    if not isinstance(params, list):
        raise RpcError(PARAMS, "params must be a list", None, number)
    return number, method, params


def check(params: list, form: str) -> None:
    """Hold the parameters to their form, a letter each: s text, u 32 bits, b true or false, * anything.

    What follows a `?` may be left out.
    """
    needed, _, optional = form.partition("?")
    kinds = needed + optional
    if not len(needed) <= len(params) <= len(kinds) or not all(map(_fits, params, kinds)):
        raise RpcError(PARAMS, "wrong parameters")


def _fits(value: object, kind: str) -> bool:
    if kind == "u":
        return is_uint32(value)
    return kind == "*" or isinstance(value, str if kind == "s" else bool)


def is_uint32(value: object) -> bool:
    """A whole number of 32 bits; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _UINT32


def result_line(number: int, result: object) -> bytes:
    """The line of a good reply. Raises Refused if it is too long for a line."""
    line = _line({"jsonrpc": "2.0", "id": number, "result": result})
    if len(line) > MOST_OUT:
        raise Refused("too-long", "The answer is too long for a line.")
    return line


def error_line(error: RpcError, number: "int | None") -> bytes:
    """The line of an error's reply; its texts are cut where they do not fit."""
    body: dict[str, object] = {"code": error.code}
    if error.data:
        body["data"] = {name: cut(value, 60) for name, value in error.data.items()}
    reply = {"jsonrpc": "2.0", "id": number, "error": body}
    # The text has what the rest leaves, less its own name and quotes.
    body["message"] = cut(str(error), MOST_OUT - 14 - len(_line(reply)))
    return _line(reply)


def cut(value: "str | int", most: int) -> "str | int":
    """A text so short that its JSON has at most `most` bytes; anything else as it is."""
    if isinstance(value, str):
        while size(value) > most:
            value = value[: len(value) * 3 // 4]
    return value


def size(value: object) -> int:
    """Bytes of a value's JSON."""
    return len(_text(value))


def fitting(items, room: int = MOST_RESULT) -> list:  # type: ignore[no-untyped-def]  # any iterable
    """The first of the items, as many as a list of at most `room` bytes holds."""
    taken: list[object] = []
    left = room - 2
    for item in items:
        left -= size(item) + 1
        if left < -1:  # the last has no comma
            break
        taken.append(item)
    return taken


def _line(message: dict) -> bytes:
    return b"\x1e" + _text(message) + b"\n"


def _text(value: object) -> bytes:
    return json.dumps(value, separators=_COMPACT).encode()
