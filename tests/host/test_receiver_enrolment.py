"""The receiver's enrolment service: what a stranger can make it do is bounded, and alerts go on."""

import contextlib
import http.client
import json
import random
import re
import socket
import ssl
from collections import Counter
from typing import Any

import pytest
from alertbox.errors import UserError
from alertbox.receiver import ReceiverThread, enrolment
from alertbox.receiver.enrolment import Patience
from fake_box import FakeBox

SHOP = "Boulangerie"
SEED = 20264
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class Door:
    """One HTTPS client without an invite."""

    def __init__(self, receiver: ReceiverThread) -> None:
        self.port = receiver.enrol_port
        self._context = ssl.create_default_context(cadata=receiver.town.ca_der())

    def post(self, body: bytes, path: str = "/enrol", method: str = "POST") -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=10, context=self._context)
        with contextlib.closing(connection):
            connection.request(method, path, body)
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text.startswith(b"{") else {}

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        return self._context.wrap_socket(plain, server_hostname="localhost")


def request(**changed: Any) -> bytes:
    fields = {"token": "00" * 16, "public": FakeBox().public.hex(), "name": SHOP} | changed
    return json.dumps({key: value for key, value in fields.items() if value != "absent"}).encode()


@pytest.mark.parametrize(
    ("body", "status", "key"),
    [
        (request(), 403, "enrolment-token-unknown"),
        (request(name=None), 403, "enrolment-token-unknown"),
        (b"", 400, "enrolment-bad-request"),
        (b"\xff", 400, "enrolment-bad-request"),
        (b"[" * 4000, 400, "enrolment-bad-request"),
        (b"[]", 400, "enrolment-bad-request"),
        (request(extra=1), 400, "enrolment-bad-request"),
        (request(name="absent"), 400, "enrolment-bad-request"),
        (request(name=3), 400, "enrolment-bad-request"),
        (request(token="00"), 400, "enrolment-bad-request"),
        (request(token=None), 400, "enrolment-bad-request"),
        (request(public=5), 400, "bad-public-key"),
        (request(public="zz"), 400, "bad-public-key"),
        (request(name="x" * 5000), 413, None),
    ],
)
def test_a_request_that_is_not_one_is_refused_with_its_reason(receiver, body, status, key):
    answer = Door(receiver).post(body)
    assert (answer[0], answer[1].get("error")) == (status, key)


def test_other_paths_and_methods_are_not_there(receiver):
    door = Door(receiver)
    assert door.post(b"", "/", "GET")[0] == 404
    assert door.post(b"", "/enrol", "GET")[0] == 405


def test_the_service_speaks_tls_1_2_and_newer(receiver):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", receiver.enrol_port), 10) as plain,
        pytest.raises(ssl.SSLError, match="(?i)protocol|version|alert"),
    ):
        old.wrap_socket(plain)


def test_an_address_that_was_refused_too_often_waits_even_with_a_good_invite(receiver):
    door = Door(receiver)
    assert [door.post(request())[0] for _ in range(12)] == [403] * 10 + [429] * 2
    with pytest.raises(UserError) as error:
        receiver.invite(SHOP).redeem(FakeBox().public.hex())
    assert error.value.key == "enrolment-too-many"
    assert receiver.counters()["refused"] == {"enrolment": 10}


def test_patience_ends_after_ten_refusals_and_comes_back_after_a_minute():
    patience = Patience()
    for _ in range(10):
        assert patience.wait("192.0.2.1", 100.0) == 0
        patience.refused("192.0.2.1", 100.0)
    assert patience.wait("192.0.2.1", 100.0) == 61
    assert patience.wait("192.0.2.1", 159.5) == 1
    assert patience.wait("192.0.2.2", 100.0) == 0
    assert patience.wait("192.0.2.1", 160.0) == 0
    patience.refused("192.0.2.1", 160.0)
    assert patience.wait("192.0.2.1", 160.0) == 0


def test_patience_is_with_a_network_of_ipv6_not_with_each_of_its_addresses():
    patience = Patience()
    for number in range(10):
        patience.refused(f"2001:db8::{number}", 0)
    assert patience.wait("2001:db8::ffff", 0) > 0
    assert patience.wait("2001:db8:0:1::1", 0) == 0
    for _ in range(10):
        patience.refused("::ffff:192.0.2.1", 0)
    assert patience.wait("192.0.2.1", 0) > 0


def test_patience_remembers_a_bounded_number_of_addresses(monkeypatch):
    monkeypatch.setattr(enrolment, "_ADDRESSES", 3)
    patience = Patience()
    for number in range(100):
        patience.refused(f"192.0.2.{number}", 0)
    assert len(patience._windows) == 3


def test_a_connection_ends_after_its_time_whatever_it_does(receiver, monkeypatch):
    monkeypatch.setattr(enrolment, "_CONNECTION_S", 0.2)
    with Door(receiver).connect() as slow:
        slow.sendall(b"POST /enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n{")
        with contextlib.suppress(ConnectionResetError):
            assert slow.recv(100) == b""


def test_beyond_so_many_connections_none_is_begun_and_a_free_place_is_used(receiver, monkeypatch):
    monkeypatch.setattr(enrolment, "_CONNECTIONS", 3)
    door = Door(receiver)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            holder = stack.enter_context(door.connect())
            holder.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
            assert holder.recv(12) == b"HTTP/1.1 404"
        with contextlib.suppress(ConnectionResetError), door.connect() as fourth:
            fourth.sendall(b"GET /ca HTTP/1.1\r\nHost: x\r\n\r\n")
            assert fourth.recv(100) == b""
    # The server has seen the connections end at the latest when it has seen another one after them.
    for _ in range(3):
        with contextlib.suppress(OSError, http.client.HTTPException):
            door.post(b"", "/ca", "GET")
    assert door.post(b"", "/ca", "GET")[0] == 200


class Fuzz:
    """Requests that were good once, and others that never were."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)
        self.public = FakeBox().public.hex()

    def any(self) -> tuple[bytes, bool]:
        """The bytes, and whether an answer to them is due: to a request that ends."""
        if self.random.random() < 0.03:
            return self.random.choice([self.random.randbytes(300), b"GET /ca HTTP/1.1\r\nX: " + b"y" * 2000]), False
        body = self.body()
        method = self.pick("POST", 8, "GET", "PUT")
        path = self.pick("/enrol", 8, "/ca", "/", "/%00", "/enrol?x")
        extra = self.pick("", 8, "Content-Encoding: gzip", "Expect: nothing", "Cookie: a=b")
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{extra}"
        whole = head.encode() + (b"\r\n" if extra else b"") + b"\r\n" + body
        if self.random.random() < 0.9:
            return whole, True
        return self.random.choice([self.flipped(whole), whole[: self.random.randrange(len(whole))]]), False

    def body(self) -> bytes:
        fields: dict[str, Any] = {"token": self.random.randbytes(16).hex(), "public": self.public, "name": SHOP}
        odd: list[Any] = [None, 0, 1e400, [], {}, "", "\0", "\ud800", "é" * 50, -(10**30), True]
        for field in fields:
            if self.random.random() < 0.3:
                fields[field] = self.random.choice(odd)
        body = json.dumps(fields).encode()
        return self.pick(body, 3, self.flipped(body), body[: self.random.randrange(len(body))], b"[" * 3000)

    def pick(self, usual: Any, weight: int, *others: Any) -> Any:
        return self.random.choice([usual] * weight + list(others))

    def flipped(self, data: bytes) -> bytes:
        changed = bytearray(data)
        changed[self.random.randrange(len(changed))] ^= 1 << self.random.randrange(8)
        return bytes(changed)


def test_ten_thousand_fuzzed_requests_do_not_stop_alerts(receiver, monkeypatch):
    """To half of them the service listens; the other half comes from an address that was refused too often."""
    box = FakeBox()
    box.account = receiver.enrol(box.public, "Pharmacie")
    door, fuzz, answers = Door(receiver), Fuzz(), Counter[int]()
    with box.connected() as connection:
        sequence = 0
        for patience in (10**9, 10):
            monkeypatch.setattr(enrolment, "_REFUSALS", patience)
            for _ in range(5):
                shower(door, fuzz, 1000, answers)
                sequence += 1
                connection.publish(box.alert(sequence))
                assert connection.ack() == sequence
    assert answers.total() > 5000
    assert answers.keys() <= {200, 400, 403, 404, 405, 413, 417, 429}
    assert min(answers[status] for status in (400, 403, 429)) > 100
    assert [one.name for one in receiver.accounts.boxes()] == ["Pharmacie"]
    assert receiver.counters()["refused"].keys() == {"enrolment"}


def shower(door: Door, fuzz: Fuzz, count: int, answers: Counter[int]) -> None:
    """Send so many: on each connection up to twenty that end, and perhaps one that does not."""
    while count > 0:
        requests: list[bytes] = []
        due = True
        while due and count > 0 and len(requests) < 20:
            request, due = fuzz.any()
            requests.append(request)
            count -= 1
        unfinished = b"" if due else requests.pop()
        with contextlib.suppress(OSError), door.connect() as stranger:
            stranger.sendall(b"".join(requests))
            heard = b""
            while len(found := STATUS.findall(heard)) < len(requests) and (more := stranger.recv(65536)):
                heard += more
            answers.update(map(int, found))
            stranger.sendall(unfinished)


def test_a_port_in_use_is_a_sentence(town, receiver):
    with pytest.raises(UserError) as error, ReceiverThread(town, enrol_port=receiver.enrol_port):
        pass
    assert error.value.key == "enrolment-cannot-listen"
