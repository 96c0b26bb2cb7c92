"""The alert's body and the acknowledgement's, as alert.cddl defines them.

A signed alert has at most 124 bytes in all, so that one 8-bit SMS carries it.
That holds because every kind the box sends is below 24 and so takes one byte.
"""

import hashlib

from box.core import cbor

VERSION = 1

INFORM, HELP, ALARM, CANCEL_REQUEST, TEST, HEARTBEAT = 1, 2, 3, 4, 5, 6
TAMPER, MAINS_LOST, MAINS_BACK, BATTERY_LOW, BIP_BATTERY_LOW, BIP_LOST = 10, 11, 12, 13, 14, 15
BUTTON_STUCK, PATH_LOST, PATH_BACK, JAMMING, UNANSWERED, STORAGE = 16, 17, 18, 19, 20, 21

KINDS = {
    INFORM: "inform",
    HELP: "help",
    ALARM: "alarm",
    CANCEL_REQUEST: "cancel-request",
    TEST: "test",
    HEARTBEAT: "heartbeat",
    TAMPER: "tamper",
    MAINS_LOST: "mains-lost",
    MAINS_BACK: "mains-back",
    BATTERY_LOW: "battery-low",
    BIP_BATTERY_LOW: "bip-battery-low",
    BIP_LOST: "bip-lost",
    BUTTON_STUCK: "button-stuck",
    PATH_LOST: "path-lost",
    PATH_BACK: "path-back",
    JAMMING: "jamming",
    UNANSWERED: "unanswered",
    STORAGE: "storage",
}
PRESSES = (INFORM, HELP, ALARM)

FLAG_MAINS_LOST, FLAG_BATTERY_LOW, FLAG_TAMPER_OPEN, FLAG_PATH_DEGRADED = 1, 2, 4, 8
FLAG_SOURCE_UNAUTHENTICATED, FLAG_TEST_MODE, FLAG_NO_MODEM, FLAG_CLOCK_UNSURE = 16, 32, 64, 128

RECEIVED, IN_CHARGE = 1, 2

_UINT8, _UINT16, _UINT32 = 0xFF, 0xFFFF, 0xFFFFFFFF
_BOX_SIZE = 8
_FAULT_STRENGTH = 1
_STRENGTH = {ALARM: 6, HELP: 5, INFORM: 4, CANCEL_REQUEST: 3, TEST: 2, HEARTBEAT: 0}
# Key, name, least and greatest value of the alert's integers; `pressed` may be null as well.
_FIELDS = (
    (3, "boot", 0, _UINT32),
    (4, "sequence", 1, _UINT32),
    (5, "kind", 0, _UINT8),
    (6, "source", 0, _UINT8),
    (7, "pressed", 0, _UINT32),
    (8, "uptime", 0, _UINT32),
    (9, "back", 0, _UINT16),
    (10, "flags", 0, _UINT8),
)
_ACK_FIELDS = (
    (4, "sequence", 1, _UINT32),
    (7, "time", 0, _UINT32),
    (11, "state", RECEIVED, IN_CHARGE),
)


class AlertError(ValueError):
    """A field is missing or out of its range."""


def strength(kind: int) -> int:
    """Rank a kind for the order of sending: alarm first, heartbeats last; an unknown kind ranks as a fault."""
    return _STRENGTH.get(kind, _FAULT_STRENGTH)


def box_id(public: bytes) -> bytes:
    """Return the 8-byte id of the box with this public key (65 bytes, 0x04 || x || y)."""
    digest: bytes = hashlib.sha256(public).digest()
    return digest[:_BOX_SIZE]


def encode(
    box: bytes,
    boot: int,
    sequence: int,
    kind: int,
    source: int,
    pressed: "int | None",
    uptime: int,
    back: int,
    flags: int,
) -> bytes:
    """Return the body (at most 49 bytes) of an alert.

    `pressed` is Unix seconds UTC, or None while the clock is unset; `uptime` is in seconds; `back` says how many
    sequences back the incident began. `uptime` and `back` stop at their greatest value: a press must go out even
    when they overflow. Everything else out of range is the caller's mistake and raises AlertError.
    """
    if kind not in KINDS:
        raise AlertError("unknown kind")
    message = {
        1: VERSION,
        2: box,
        3: boot,
        4: sequence,
        5: kind,
        6: source,
        7: pressed,
        8: min(uptime, _UINT32),
        9: min(back, _UINT16),
        10: flags,
    }
    return cbor.encode(_checked(message, _FIELDS))


def decode(body: bytes) -> dict:
    """Return the fields of a body by the names of `encode`'s arguments.

    Unknown kinds and further keys are no error, so that an older box reads a newer one's journal; further keys are
    left out. Raises AlertError or CborError, both ValueErrors.
    """
    message = _checked(cbor.decode(body), _FIELDS)
    fields = {name: message[key] for key, name, _, _ in _FIELDS}
    fields["box"] = message[2]
    return fields


def decode_ack(body: bytes) -> tuple[bytes, int, int, int]:
    """Return (box, sequence, time in Unix seconds UTC, state) of an acknowledgement whose tag was checked."""
    message = _checked(cbor.decode(body), _ACK_FIELDS)
    if len(message) != 2 + len(_ACK_FIELDS):
        raise AlertError("unknown keys")
    return message[2], message[4], message[7], message[11]


def _checked(message: object, fields: tuple) -> dict:
    """Return the message if it is a map of our version with all fields in their ranges."""
    if not isinstance(message, dict) or not _is_within(message.get(1), VERSION, VERSION):
        raise AlertError("unknown format version")
    box = message.get(2)
    if not isinstance(box, bytes) or len(box) != _BOX_SIZE:
        raise AlertError("wrong box id")
    for key, name, least, greatest in fields:
        if key not in message:
            raise AlertError("no " + name)
        if name == "pressed" and message[key] is None:
            continue
        if not _is_within(message[key], least, greatest):
            raise AlertError("wrong " + name)
    return message


def _is_within(value: object, least: int, greatest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= greatest
