"""The words of the box's console: its methods, a request as bytes, and replies out of what a serial line carries.

JSON-RPC 2.0, one object a line after an RS byte (RFC 7464), beside the box's log and the chip's own messages. Pure:
no port, no clock.
"""

import json
from dataclasses import dataclass
from typing import Any

from alertbox.errors import UserError

RS = b"\x1e"
REQUEST_BYTES = 200  # RS and LF included: the box's receive buffer holds 260 and there is no flow control
_LINE_BYTES = 1024  # the box's lines are at most 320; whatever is longer is noise, of which the end is kept


@dataclass(frozen=True)
class Method:
    """params: as help shows them. repeat: doing it twice is doing it once, so a lost reply is asked for again."""

    params: str = ""
    repeat: bool = False
    seconds: float = 5


METHODS = {
    "identity": Method(repeat=True),
    "status": Method(repeat=True),
    "get": Method("PATH", repeat=True),
    "set": Method("PATH VALUE"),  # null in a list takes an item out: twice takes out two
    "default": Method("PATH"),
    "read": Method("NAME OFFSET", repeat=True),
    "put": Method("NAME OFFSET CHUNK CRC", repeat=True),  # the offset says which chunk it is
    "diff": Method(repeat=True),
    "commit": Method("NAME CRC", seconds=15),
    "restart": Method(),
    "wifi_scan": Method(seconds=35),
    "wifi_test": Method("SSID KEY", seconds=35),
    "test": Method(),
    "delivery": Method("SEQUENCE", repeat=True),
    "commission": Method("ON", repeat=True),
    "log": Method("SKIP", repeat=True),
    "events": Method("SKIP", repeat=True),
    "self_test": Method(seconds=35),
    "time": Method("UTC", repeat=True),
    "bips": Method("SKIP", repeat=True),
    "learn": Method("NAME POLICY KEY SUPERVISION"),
    "learn_state": Method(repeat=True),
    "bip_rename": Method("NUMBER NAME", repeat=True),
    "bip_remove": Method("NUMBER"),
    "bip_repair": Method("NUMBER KEY"),
    "survey": Method("ON SKIP", repeat=True),
    "challenge": Method(repeat=True),
    "unlock": Method("SIGNATURE", seconds=15),  # a challenge counts once, and a failure costs a wait
    "lock": Method(repeat=True),
    "develop": Method("ON", repeat=True),
    "factory_reset": Method("FORCE", seconds=35),
}
_UNKNOWN = Method()

# What the box says by a short word has a sentence `console-refused-<word>`; JSON-RPC's numbers have words here.
_WORDS = {-32601: "method", -32602: "params"}
_SENTENCES = {
    *("locked", "wait", "certificate", "expired", "signature", "no-challenge", "no-certificate", "no-town"),
    *("busy", "button", "network", "storage", "time", "undelivered", "full", "no-bip", "no-key"),
    *_WORDS.values(),
}


class BoxRefused(UserError):
    """The box answered with an error. code: its short word, else JSON-RPC's number as text; message: English."""

    def __init__(self, code: str, message: str, data: dict[str, Any]) -> None:
        key = f"console-refused-{code}" if code in _SENTENCES else "console-refused"
        super().__init__(key, message=printable(message), s=printable(str(data.get("s", "?"))))
        self.code = code
        self.message = message
        self.data = data


def method(name: str) -> Method:
    """What is known of a method; an unknown one is never repeated."""
    return METHODS.get(name, _UNKNOWN)


def request(number: int, name: str, params: tuple[object, ...]) -> bytes:
    """The line for a request, or the user's error that it is too long."""
    call = {"jsonrpc": "2.0", "id": number, "method": name, "params": params}
    text = json.dumps(call, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair, which only a person's JSON can hold, leaves as it came: \udxxx.
    line = RS + text.encode("utf-8", "backslashreplace") + b"\n"
    if len(line) > REQUEST_BYTES:
        raise UserError("console-too-long", size=len(line), most=REQUEST_BYTES)
    return line


def reply(frame: bytes) -> dict[str, Any] | None:
    """A frame's reply, or None for what is none. Its `id` says to which request."""
    try:
        found = json.loads(frame.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or "id" not in found:
        return None
    return found if "result" in found or isinstance(found.get("error"), dict) else None


def refusal(error: dict[str, Any]) -> BoxRefused:
    data, number = error.get("data"), error.get("code")
    data = data if isinstance(data, dict) else {}
    word = _WORDS.get(number) if type(number) is int else None
    return BoxRefused(str(data.get("code") or word or number), str(error.get("message", "")), data)


def printable(text: str) -> str:
    """Without what would steer a terminal: this text came over a cable."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


class Lines:
    """Cuts bytes into framed lines and others. What a torn line left before an RS is a line of its own."""

    def __init__(self) -> None:
        self._partial = b""

    def feed(self, data: bytes) -> list[tuple[bool, bytes]]:
        """(is framed, line without RS and end) for each line that `data` ends, in order."""
        *lines, rest = (self._partial + data).split(b"\n")
        self._partial = rest[-_LINE_BYTES:]
        found = []
        for line in lines:
            before, mark, frame = line[-_LINE_BYTES:].rpartition(RS)
            if before:
                found.append((False, before.replace(RS, b"")))
            if mark:
                found.append((True, frame))
            elif frame.strip():
                found.append((False, frame.rstrip(b"\r")))
        return found

    @property
    def partial(self) -> bytes:
        """The line that has not ended: a prompt, for one."""
        return self._partial
