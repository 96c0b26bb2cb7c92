"""Decide on what comes in: from a topic and bytes to a verified alert, or a refusal with its reason.

A valid signature from a box in service is never refused for its time. Whether
an alert is new is the store's to say, in the transaction that writes it.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from alertbox.contract import formats
from alertbox.contract.formats import Alert, Refused

_TOPIC = re.compile(r"alertbox/([0-9a-f]{16})/(alert|state)")
_STATES = (b"online", b"offline")
# Boxes whose keys are kept at hand; beyond that they are read again.
_KEYS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Key:
    """What the receiver needs of a box to verify and to answer."""

    box: bytes
    public: ec.EllipticCurvePublicKey
    ack: bytes


class Intake:
    """`find_box(box)` reads a row of the registry (see `Store.box_row`), or None."""

    def __init__(self, find_box: Callable[[str], Awaitable[Any]]) -> None:
        self._find_box = find_box
        self._keys: dict[str, Key] = {}

    def split(self, topic: str) -> tuple[str, str]:
        """The box that the topic names (16 hexadecimal digits), and `alert` or `state`."""
        match = _TOPIC.fullmatch(topic)
        if match is None:
            raise Refused("wrong-topic", "not a topic of a box")
        return match[1], match[2]

    async def alert(self, box: str, payload: bytes) -> tuple[Alert, Key]:
        """The alert in `payload`, verified, and the key to answer with; Refused otherwise."""
        if len(payload) > formats.MAX_ALERT_BYTES:
            raise Refused("too-large", f"{len(payload)} bytes, at most {formats.MAX_ALERT_BYTES}")
        key = await self.key(box)
        return formats.decode_alert(payload, key.public, key.box), key

    async def state(self, box: str, payload: bytes) -> str:
        """`online` or `offline`; Refused otherwise."""
        if len(payload) > formats.MAX_ALERT_BYTES:
            raise Refused("too-large", f"a state of {len(payload)} bytes")
        if payload not in _STATES:
            raise Refused("garbage", "neither online nor offline")
        await self.key(box)
        return payload.decode()

    async def key(self, box: str) -> Key:
        """The key of a box in service. A revocation is seen here when `forget` was called; the store always sees it."""
        key = self._keys.get(box)
        if key is not None:
            return key
        row = await self._find_box(box)
        if row is None:
            raise Refused("unknown-box", "no such box is enrolled")
        if row.revoked_at is not None:
            raise Refused("revoked", "this box was revoked")
        key = Key(bytes.fromhex(box), formats.load_public_key(row.public_key), formats.ack_key(row.secret))
        if len(self._keys) >= _KEYS_KEPT:
            self._keys.clear()
        self._keys[box] = key
        return key

    def forget(self, box: str) -> None:
        """Read this box anew next time: it was revoked, or enrolled again with another secret."""
        self._keys.pop(box, None)
