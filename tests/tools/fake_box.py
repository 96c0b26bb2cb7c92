"""A box made of the host's own libraries: it signs, connects over TLS and reads acknowledgements.

For tests of the receiver that need no firmware. It shares no code with
`alertbox.formats`, so that a mistake there is not made twice. `Mosquitto` is a
broker for the tests that need one outside the receiver.
"""

import getpass
import hashlib
import json
import os
import queue
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import alertbox.receiver
import cbor2
import paho.mqtt.client as mqtt
from alertbox.receiver.registry import hash_password
from alertbox.town import Town
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from paho.mqtt.enums import CallbackAPIVersion

PROTECTED = bytes.fromhex("a10126")
PATIENCE_S = 10

_SBIN = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin:" + os.environ.get("PATH", "")
_README = (Path(alertbox.receiver.__file__).with_name("README.md")).read_text()
# What the README tells people is what is tested: its indented blocks are the settings and the access list.
_SETTINGS, _ACL = (dedent(block) for block in re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", _README, re.M))


class FakeBox:
    """`files` are those of `Town.enrol`."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.box = hashlib.sha256(self.public).digest()[:8]
        self.id = self.box.hex()
        self.files: dict[str, bytes] = {}

    @property
    def account(self) -> dict[str, Any]:
        account: dict[str, Any] = json.loads(self.files["enrolment.json"])
        return account

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
        client.tls_set_context(ssl.create_default_context(cadata=box.files["ca.der"]))
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


class Mosquitto:
    """A mosquitto of our own on `port` (0: a free one), set up as the receiver's README says; see `Mosquitto.missing`.

    It knows the boxes that are enrolled when it starts, or at `reload`.
    """

    missing = (
        None if shutil.which("mosquitto", path=_SBIN) else "mosquitto is not installed (apt-get install mosquitto)"
    )

    def __init__(self, town: Town, folder: Path, port: int = 0) -> None:
        self.port = port or free_port()
        self._town = town
        self._folder = folder
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For `alertbox receiver --broker`."""
        return f"mqtts://receiver:{self._password}@localhost:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> "Mosquitto":
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write("acl", _ACL)
        self._write_passwords()
        settings = self._write("mosquitto.conf", self._settings())
        program = shutil.which("mosquitto", path=_SBIN)
        assert program is not None
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", settings], stdout=log, stderr=log)
        self._wait_until_it_listens()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def reload(self) -> None:
        """Learn the boxes enrolled since the start."""
        self._write_passwords()
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def _settings(self) -> str:
        settings = _SETTINGS.replace("listener 8883", f"listener {self.port} 127.0.0.1")
        for name, folder in {"server": self._town.path, "passwords": self._folder, "acl": self._folder}.items():
            settings = settings.replace(f"/path/to/{name}", str(folder / name))
        # Started by root it would become another user, who may not read the town's key.
        return settings + f"user {getpass.getuser()}\n"

    def _write_passwords(self) -> None:
        own = f"receiver:{hash_password(self._password)}\n"
        self._write("passwords", self._town.registry.password_file() + own)

    def _write(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), PATIENCE_S).close()
            except ConnectionRefusedError:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self._folder / "mosquitto.log").read_text()) from None
                time.sleep(0.02)  # between two tries of another program's start
            else:
                return


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
