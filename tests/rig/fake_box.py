"""A box made of the host's own libraries: it signs, connects over TLS and reads acknowledgements.

For tests of the receiver that need no firmware. It shares no code with
`alertbox.contract.formats`, so that a mistake there is not made twice.
"""

import hashlib
import queue
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cbor2
import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from paho.mqtt.enums import CallbackAPIVersion

PROTECTED = bytes.fromhex("a10126")
PATIENCE_S = 10


class FakeBox:
    """`account` is what `Accounts.enrol` gives."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.box = hashlib.sha256(self.public).digest()[:8]
        self.id = self.box.hex()
        self.account: dict[str, Any] = {}

    def body(self, sequence: int, **changed: Any) -> dict[int, Any]:
        """`changed`: fields by name; an int-keyed dict in `more` is added as it is."""
        fields = {"boot": 1, "kind": 1, "source": 1, "pressed": int(time.time()), "uptime": 60, "back": 0, "flags": 0}
        fields |= changed
        body: dict[int, Any] = {
            1: 1,
            2: self.box,
            3: fields["boot"],
            4: sequence,
            5: fields["kind"],
            6: fields["source"],
            7: fields["pressed"],
            8: fields["uptime"],
            9: fields["back"],
            10: fields["flags"],
        }
        body.update(changed.get("more", {}))
        return body

    def alert(self, sequence: int, **changed: Any) -> bytes:
        return self.sign(cbor2.dumps(self.body(sequence, **changed)))

    def sign(self, payload: bytes) -> bytes:
        signed = cbor2.dumps(["Signature1", PROTECTED, b"alertbox/alert/1", payload])
        parts = decode_dss_signature(self.key.sign(signed, ec.ECDSA(hashes.SHA256())))
        signature = b"".join(part.to_bytes(32, "big") for part in parts)
        return cbor2.dumps(cbor2.CBORTag(18, [PROTECTED, {}, payload, signature]))

    def read_ack(self, data: bytes) -> dict[int, Any]:
        """The body of an acknowledgement; InvalidSignature if it is not under this box's secret."""
        protected, _, payload, tag = cbor2.loads(data).value
        secret = bytes.fromhex(self.account["secret"])
        key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"ack").derive(secret)
        check = hmac.HMAC(key, hashes.SHA256())
        check.update(cbor2.dumps(["MAC0", protected, b"alertbox/ack/1", payload]))
        check.verify(tag)
        body: dict[int, Any] = cbor2.loads(payload)
        return body

    @contextmanager
    def connected(self, **options: Any) -> Iterator["Connection"]:
        connection = Connection(self, **options)
        try:
            connection.open()
            yield connection
        finally:
            connection.close()


class Refused(Exception):
    """The broker did not let the box in."""


class Connection:
    """One MQTT connection over TLS, its name and certificate checked. `granted` are the subscriptions' codes."""

    def __init__(
        self,
        box: FakeBox,
        *,
        client_id: str | None = None,
        password: str | None = None,
        keepalive: int = 30,
        will: tuple[str, bytes] | None = None,
        subscribe: tuple[str, ...] | None = None,
    ) -> None:
        account = box.account
        self.box = box
        self.messages: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.granted: list[int] = []
        self.ended = threading.Event()
        self._filters = (f"alertbox/{box.id}/ack",) if subscribe is None else subscribe
        self._keepalive = keepalive
        self._confirmed: queue.Queue[int | None] = queue.Queue()
        self._ready: queue.Queue[str | None] = queue.Queue()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id or box.id, clean_session=False)
        client.username_pw_set(account["user"], password or account["password"])
        client.tls_set_context(ssl.create_default_context(cadata=bytes.fromhex(box.account["ca"])))
        client.on_connect, client.on_subscribe, client.on_disconnect = (
            self._on_connect,
            self._on_subscribe,
            self._on_end,
        )
        client.on_publish = self._on_publish
        client.on_message = lambda _client, _data, message: self.messages.put((message.topic, bytes(message.payload)))
        if will:
            client.will_set(*will, qos=1, retain=True)
        self.client = client

    def open(self) -> None:
        account = self.box.account
        self.client.connect(account["host"], account["port"], self._keepalive)
        self.client.loop_start()
        problem = self._ready.get(timeout=PATIENCE_S)
        if problem:
            raise Refused(problem)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def cut(self) -> None:
        """As when the power goes: no DISCONNECT, and no coming back."""
        self.client.loop_stop()
        sock = self.client.socket()
        if sock is not None:
            sock.close()

    def publish(self, payload: bytes, name: str = "alert", *, topic: str | None = None, retain: bool = False) -> None:
        """Send with QoS 1 and wait for the PUBACK; ConnectionError if the connection ends instead."""
        info = self.client.publish(topic or f"alertbox/{self.box.id}/{name}", payload, qos=1, retain=retain)
        while (confirmed := self._confirmed.get(timeout=PATIENCE_S)) != info.mid:
            if confirmed is None:
                raise ConnectionError("ended before the PUBACK")

    def ack(self) -> int:
        """The sequence that the next acknowledgement speaks of; queue.Empty if none comes."""
        _, payload = self.messages.get(timeout=PATIENCE_S)
        return int(self.box.read_ack(payload)[4])

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._ready.put(str(reason))
        elif self._filters:
            client.subscribe([(name, 1) for name in self._filters])
        else:
            self._ready.put(None)

    def _on_subscribe(self, _client: mqtt.Client, _data: Any, _mid: int, codes: Any, _properties: Any) -> None:
        self.granted = [code.value for code in codes]
        self._ready.put(None)

    def _on_end(self, client: mqtt.Client, _data: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        # One connection is one connection: paho would come back by itself.
        self.ended.set()
        self._confirmed.put(None)
        client.disconnect()

    def _on_publish(self, _client: mqtt.Client, _data: Any, mid: int, _reason: Any, _properties: Any) -> None:
        self._confirmed.put(mid)
