"""Read alerts and write acknowledgements, as firmware/alert.cddl says.

This is the host's own reading of the contract, on cbor2 and cryptography; it
shares no code with the box, so that each side checks the other. Strict about
the structure, tolerant of what a newer box may add: unknown keys and kinds are
kept and shown, never refused.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMAT_VERSION = 1
# Version 1 needs 124 bytes; the rest is room for keys that a newer box may add.
MAX_ALERT_BYTES = 1024

KINDS = {
    1: "inform", 2: "help", 3: "alarm", 4: "cancel-request", 5: "test", 6: "heartbeat",
    10: "tamper", 11: "mains-lost", 12: "mains-back", 13: "battery-low", 14: "bip-battery-low", 15: "bip-lost",
    16: "button-stuck", 17: "path-lost", 18: "path-back", 19: "jamming", 20: "unanswered", 21: "storage",
}  # fmt: skip
FLAGS = (
    "mains-lost", "battery-low", "tamper-open", "path-degraded",
    "source-unauthenticated", "test-mode", "no-modem", "clock-unsure",
)  # fmt: skip
SOURCES = {0: "box", 1: "button", 2: "foot"}
_BIPS = range(16, 32)  # the bips' numbers 1 to 16
ACK_STATES = {"received": 1, "in-charge": 2}

_ALERT_TAG = 18  # COSE_Sign1
_ACK_TAG = 17  # COSE_Mac0
_ES256 = bytes.fromhex("a10126")
_HMAC_256 = bytes.fromhex("a10105")
_ALERT_AAD = b"alertbox/alert/1"
_ACK_AAD = b"alertbox/ack/1"
# Every alert begins so: tag 18, array of 4, the protected header, an empty map.
_ALERT_HEAD = b"\xd2\x84\x43" + _ES256 + b"\xa0"

_VERSION, _BOX, _BOOT, _SEQUENCE, _KIND, _SOURCE, _PRESSED, _UPTIME, _BACK, _FLAGS, _STATE = range(1, 12)
_UINT8, _UINT16, _UINT32 = 0xFF, 0xFFFF, 0xFFFFFFFF
_LARGEST = {
    _BOOT: _UINT32, _SEQUENCE: _UINT32, _KIND: _UINT8, _SOURCE: _UINT8,
    _UPTIME: _UINT32, _BACK: _UINT16, _FLAGS: _UINT8,
}  # fmt: skip


class Refused(ValueError):
    """A message that is not taken. `reason` is a code that is counted, `detail` a text for the log."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Alert:
    """A verified alert. `uptime` is in seconds, `pressed` the box's own claim (None: its clock was unset)."""

    box: bytes
    boot: int
    sequence: int
    kind: int
    source: int
    pressed: datetime | None
    uptime: int
    incident: int
    flags: frozenset[str]
    raw: bytes
    unknown: Mapping[int, Any] = field(default_factory=dict)

    @property
    def kind_name(self) -> str:
        return kind_name(self.kind)


def kind_name(kind: int) -> str:
    """The kind's name in the contract, or `kind-N` for one that a newer box has added."""
    return KINDS.get(kind, f"kind-{kind}")


def source_name(source: int) -> str:
    """Where an alert comes from, `bip 2`, or `source-N` for one that a newer box has added."""
    if source in _BIPS:
        return f"bip {source - _BIPS[0] + 1}"
    return SOURCES.get(source, f"source-{source}")


def box_id(public_key: bytes) -> bytes:
    """First 8 bytes of SHA-256 of the public key (65 bytes, 0x04 || x || y)."""
    return hashlib.sha256(public_key).digest()[:8]


def load_public_key(public_key: bytes) -> ec.EllipticCurvePublicKey:
    """A P-256 key from its 65 bytes; ValueError if it is not a point of the curve."""
    if len(public_key) != 65:
        raise ValueError("an uncompressed P-256 point has 65 bytes")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)


def decode_alert(data: bytes, public_key: ec.EllipticCurvePublicKey, box: bytes) -> Alert:
    """Verify `data` with the key of `box` and read it; Refused if anything is wrong with it."""
    payload, signature = _open_envelope(data)
    _verify(payload, signature, public_key)
    return _read_body(payload, box, data)


def _open_envelope(data: bytes) -> tuple[bytes, bytes]:
    if len(data) > MAX_ALERT_BYTES:
        raise Refused("too-large", f"{len(data)} bytes, at most {MAX_ALERT_BYTES}")
    if not data.startswith(_ALERT_HEAD):
        raise Refused("garbage", "not a COSE_Sign1 with ES256")
    try:
        envelope = cbor2.loads(data, max_depth=4, allow_indefinite=False)
    except (cbor2.CBORError, ValueError) as error:
        raise Refused("garbage", f"not CBOR: {error}") from error
    payload, signature = envelope.value[2:]
    if not (isinstance(payload, bytes) and isinstance(signature, bytes) and len(signature) == 64):
        raise Refused("garbage", "the payload or the signature has the wrong form")
    if len(data) != len(_ALERT_HEAD) + len(cbor2.dumps(payload)) + len(cbor2.dumps(signature)):
        raise Refused("garbage", "bytes left over, or lengths not in their shortest form")
    return payload, signature


def _verify(payload: bytes, signature: bytes, public_key: ec.EllipticCurvePublicKey) -> None:
    signed = cbor2.dumps(["Signature1", _ES256, _ALERT_AAD, payload])
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        public_key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Refused("signature", "the signature is not this box's") from None


def _read_body(payload: bytes, box: bytes, raw: bytes) -> Alert:
    body = _load_body(payload)
    if body.get(_VERSION) != FORMAT_VERSION:
        raise Refused("version", f"format version {body.get(_VERSION)!r}, this receiver knows {FORMAT_VERSION}")
    if body.get(_BOX) != box:
        raise Refused("wrong-topic", "the box id inside is not the topic's")
    numbers = {key: _number(body, key, largest) for key, largest in _LARGEST.items()}
    pressed = None if body.get(_PRESSED, 0) is None else _number(body, _PRESSED, _UINT32)
    sequence = numbers[_SEQUENCE]
    if sequence == 0:
        raise Refused("garbage", "sequences begin at 1")
    return Alert(
        box=box,
        boot=numbers[_BOOT],
        sequence=sequence,
        kind=numbers[_KIND],
        source=numbers[_SOURCE],
        pressed=None if pressed is None else datetime.fromtimestamp(pressed, UTC),
        uptime=numbers[_UPTIME],
        # A distance that reaches before the first alert cannot be right; the press is worth more than the grouping.
        incident=sequence - numbers[_BACK] if numbers[_BACK] < sequence else sequence,
        flags=frozenset(name for bit, name in enumerate(FLAGS) if numbers[_FLAGS] >> bit & 1),
        raw=raw,
        unknown={key: value for key, value in body.items() if key not in range(_VERSION, _FLAGS + 1)},
    )


def _load_body(payload: bytes) -> dict[int, Any]:
    stream = BytesIO(payload)
    try:
        body = cbor2.CBORDecoder(stream, max_depth=8, allow_indefinite=False, allow_duplicate_keys=False).decode()
    except (cbor2.CBORError, ValueError) as error:
        raise Refused("garbage", f"the body is not CBOR: {error}") from error
    if not isinstance(body, dict) or stream.tell() != len(payload):
        raise Refused("garbage", "the body is not one map")
    if not all(type(key) is int and key >= 0 for key in body):
        raise Refused("garbage", "the body has a key that is no unsigned integer")
    return body


def _number(body: dict[int, Any], key: int, largest: int) -> int:
    value = body.get(key)
    # type() and not isinstance(): CBOR's true and false are no numbers.
    if type(value) is not int or not 0 <= value <= largest:
        raise Refused("garbage", f"field {key} is missing or out of range")
    return value


def ack_key(secret: bytes) -> bytes:
    """The key of a box's acknowledgements, from the per-box secret set at enrolment."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"ack").derive(secret)


def encode_ack(key: bytes, box: bytes, sequence: int, now: float, state: str = "received") -> bytes:
    """An acknowledgement (COSE_Mac0) under `ack_key(secret)`; `now` in Unix seconds sets the box's clock."""
    body = {_VERSION: FORMAT_VERSION, _BOX: box, _SEQUENCE: sequence, _PRESSED: int(now), _STATE: ACK_STATES[state]}
    payload = cbor2.dumps(body)
    tag = hmac.HMAC(key, hashes.SHA256())
    tag.update(cbor2.dumps(["MAC0", _HMAC_256, _ACK_AAD, payload]))
    return cbor2.dumps(cbor2.CBORTag(_ACK_TAG, [_HMAC_256, {}, payload, tag.finalize()]))
