"""The box's MQTT client, under MicroPython, against a TLS broker that does what each story says.

The broker is a few lines on asyncio, so that it can also do what no real broker would. Every story
ends with the client stopped: no socket may be left open, and the loop may never have stood still.
"""

import asyncio
import contextlib
import datetime
import itertools
import json
import os
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parents[2]
MICROPYTHON = os.environ.get("MICROPYTHON") or str(Path(sys.executable).with_name("micropython"))
STORY_TIMEOUT_S = 60
LONGEST_GAP_MS = 150

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ = 1, 3, 4, 8, 12
NAME = "broker.test"
BOX = "0011223344556677"
PASSWORD = "correct horse battery staple"


# ---- Certificates ---------------------------------------------------------------


class Authority:
    """A CA and the certificates that it signs, as files in a folder."""

    def __init__(self, folder: Path, name: str):
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(
            self._name, self._key, (-1, 3650), x509.BasicConstraints(ca=True, path_length=0)
        )
        self.der_path = folder / f"{name}.der"
        self.der_path.write_bytes(certificate.public_bytes(serialization.Encoding.DER))

    def server_context(self, name: str = NAME, days: tuple[int, int] = (-1, 30)) -> ssl.SSLContext:
        """A server's TLS with a certificate for this name, valid from and until so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._certificate(subject, key, days, x509.SubjectAlternativeName([x509.DNSName(name)]))
        path = self._folder / f"{name}.{days[0]}.{days[1]}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: tuple[int, int], extension: Any
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self._key, hashes.SHA256())
        )


# ---- The broker's end -------------------------------------------------------------


class Connection:
    """One connection of the box, from the broker's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer

    async def packet(self) -> tuple[int, int, bytes]:
        """(type, flags, body) of the next packet. Raises IncompleteReadError when the box has closed."""
        first = (await self._reader.readexactly(1))[0]
        length = shift = 0
        more = True
        while more:
            byte = (await self._reader.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            more = bool(byte & 0x80)
        return first >> 4, first & 15, await self._reader.readexactly(length)

    async def expect(self, kind: int) -> bytes:
        """The body of the next packet, which must be of this type."""
        packet = await self.packet()
        assert packet[0] == kind, packet
        return packet[2]

    async def send(self, packets: bytes) -> None:
        self._writer.write(packets)
        await self._writer.drain()

    async def accept(self) -> bytes:
        """Answer CONNECT and SUBSCRIBE; the CONNECT's body."""
        connect = await self.expect(CONNECT)
        await self.send(b"\x20\x02\x00\x00")
        await self.suback(await self.expect(SUBSCRIBE))
        return connect

    async def suback(self, subscribe: bytes) -> None:
        await self.send(b"\x90\x04" + subscribe[:2] + b"\x01\x01")

    async def publish(self) -> tuple[bytes, bytes]:
        """(packet id, payload) of the next packet, a PUBLISH with QoS 1 to the alert topic."""
        kind, flags, body = await self.packet()
        assert (kind, flags) == (PUBLISH, 2)
        topic = f"alertbox/{BOX}/alert".encode()
        assert body[: len(topic) + 2] == len(topic).to_bytes(2) + topic
        return body[len(topic) + 2 : len(topic) + 4], body[len(topic) + 4 :]

    async def puback(self, packet_id: bytes) -> None:
        await self.send(b"\x40\x02" + packet_id)

    async def closed_by_box(self) -> list[tuple[int, int, bytes]]:
        """Wait until the box closes; what it sent until then."""
        packets = []
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                packets.append(await self.packet())
        return packets

    async def end_of_file(self) -> None:
        """Read what the box sends, which is no MQTT, until it closes."""
        await self._reader.read()

    def close(self) -> None:
        self._writer.transport.abort()


class Broker:
    """Listens; a story takes one connection after the other."""

    def __init__(self) -> None:
        self._accepted: asyncio.Queue[Connection] = asyncio.Queue()

    async def start(self, tls: ssl.SSLContext | None) -> int:
        """Start on a free port of the loopback, which is returned; None: without TLS."""

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._accepted.put_nowait(Connection(reader, writer))

        self._server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
        return self._server.sockets[0].getsockname()[1]

    async def connection(self) -> Connection:
        return await self._accepted.get()

    def waiting(self) -> int:
        return self._accepted.qsize()

    def close(self) -> None:
        self._server.close()


# ---- The box's end ------------------------------------------------------------------


class Driver:
    """mqtt_driver.py in its own MicroPython process."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    async def start(self, config_path: Path) -> None:
        self._process = await asyncio.create_subprocess_exec(
            MICROPYTHON,
            str(Path(__file__).with_name("mqtt_driver.py")),
            str(config_path),
            env={**os.environ, "MICROPYPATH": f"{ROOT / 'firmware'}:.frozen"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def _line(self) -> str:
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode()
        assert line, "the driver has ended:\n" + "".join(self._lines)
        self._lines.append(line)
        return line

    async def event(self, name: str) -> dict[str, Any]:
        """The next event of this name."""
        while True:
            line = await self._line()
            if line.startswith("{"):
                event = json.loads(line)
                if event["event"] == name:
                    return event

    async def logged(self, text: str) -> str:
        """The next line that holds this text."""
        while text not in (line := await self._line()):
            pass
        return line

    async def drop(self) -> None:
        """Have drop() called."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"d")
        await self._process.stdin.drain()

    async def stop(self) -> None:
        """Stop the client; it must leave nothing open, and the loop must have run all the time."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        end = await self.event("end")
        assert end["leaked"] == 0
        assert not end["connected"]
        assert end["longest_gap_ms"] < LONGEST_GAP_MS
        assert await self._process.wait() == 0

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def output(self) -> str:
        return "".join(self._lines)


Story = Callable[[Broker, Driver], Awaitable[None]]


class Stage:
    """What a story plays on: the broker, the box, and the CA that the box trusts."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._ca = Authority(folder, "ca")
        self._driver = Driver()

    def play(self, story: Story, tls: ssl.SSLContext | None = None, with_tls: bool = True, **settings: Any) -> None:
        """Play `story(broker, box)`, then stop the box. The broker shows a good certificate unless `tls` is given."""
        playing = self._play(story, (tls or self.server_context()) if with_tls else None, settings)
        try:
            asyncio.run(asyncio.wait_for(playing, STORY_TIMEOUT_S))
        except TimeoutError:
            pytest.fail(f"the story does not end; so far:\n{self._driver.output()}")

    def server_context(self, **differences: Any) -> ssl.SSLContext:
        return self._ca.server_context(**differences)

    async def _play(self, story: Story, tls: ssl.SSLContext | None, settings: dict[str, Any]) -> None:
        broker, driver = Broker(), self._driver
        config_path = self._folder / "config.json"
        config_path.write_text(json.dumps(self._config(await broker.start(tls)) | settings))
        try:
            await driver.start(config_path)
            await story(broker, driver)
            await driver.stop()
        finally:
            await driver.kill()
            broker.close()
        assert PASSWORD not in driver.output()

    def _config(self, port: int) -> dict[str, Any]:
        return {
            "ca": str(self._ca.der_path),
            "host": "127.0.0.1",
            "port": port,
            "server_hostname": NAME,
            "client_id": BOX,
            "password": PASSWORD,
            "keepalive_s": 30,
            "round_ms": 1000,
            "backoff_ms": [20, 40],
            "holds": 0,
            "messages": 0,
            "workers": 4,
        }


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


# ---- Delivery ---------------------------------------------------------------------


def test_connect_asks_for_a_kept_session_a_retained_will_and_the_keepalive(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        will_topic = f"alertbox/{BOX}/state"
        fields = (BOX, will_topic, "offline", BOX, PASSWORD)
        payload = b"".join(len(field).to_bytes(2) + field.encode() for field in fields)
        # Protocol MQTT, level 4; flags: user name, password, retained will with QoS 1, not clean_session.
        connect = await (await broker.connection()).accept()
        assert connect == b"\x00\x04MQTT\x04\xec" + (45).to_bytes(2) + payload
        await box.event("up")

    stage.play(story, keepalive_s=45)


def test_200_publishes_arrive_once_each(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        connection = await broker.connection()
        await connection.accept()
        arrived = []
        for _ in range(200):
            packet_id, payload = await connection.publish()
            assert packet_id != bytes(2)
            arrived.append(int(payload))
            await connection.puback(packet_id)
        assert sorted(arrived) == list(range(200))
        assert (await box.event("done"))["retries"] == 0

    stage.play(story, messages=200)


def test_a_broker_that_closes_in_the_middle_of_a_packet_loses_no_message(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        acknowledged = set()
        for _ in range(3):
            connection = await broker.connection()
            await connection.accept()
            for _ in range(20):
                packet_id, payload = await connection.publish()
                acknowledged.add(int(payload))
                await connection.puback(packet_id)
            packet_id, _ = await connection.publish()
            await connection.send(b"\x40\x02" + packet_id[:1])
            connection.close()
            await box.logged("WARNING mqtt lost")
        connection = await broker.connection()
        await connection.accept()
        while len(acknowledged) < 200:
            packet_id, payload = await connection.publish()
            acknowledged.add(int(payload))
            await connection.puback(packet_id)
        assert acknowledged == set(range(200))
        assert (await box.event("done"))["retries"] >= 3

    stage.play(story, messages=200)


def test_without_acknowledgements_two_are_in_flight_then_the_link_is_given_up(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        connection = await broker.connection()
        await connection.accept()
        unanswered = await connection.closed_by_box()
        assert [packet[0] for packet in unanswered] == [PUBLISH, PUBLISH]
        for _ in range(4):  # all four callers hear of it: two in flight, two that wait for the window
            assert "does not acknowledge" in (await box.event("failed"))["reason"]
        connection = await broker.connection()
        await connection.accept()
        for _ in range(4):
            await connection.puback((await connection.publish())[0])
        assert (await box.event("done"))["retries"] == 4

    stage.play(story, messages=4, round_ms=20)


def message(payload: bytes, packet_id: int) -> bytes:
    """A short PUBLISH with QoS 1 to the box."""
    topic = f"alertbox/{BOX}/command".encode()
    body = len(topic).to_bytes(2) + topic + packet_id.to_bytes(2) + payload
    return bytes([PUBLISH << 4 | 2, len(body)]) + body


def test_messages_for_the_box_are_acknowledged_once_taken(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        connection = await broker.connection()
        await connection.expect(CONNECT)
        await connection.send(b"\x20\x02\x01\x00")
        subscribe = await connection.expect(SUBSCRIBE)
        await connection.send(message(b"stored before the subscription", 1))
        await connection.suback(subscribe)
        assert await connection.expect(PUBACK) == b"\x00\x01"
        assert (await box.event("message"))["payload"] == "stored before the subscription"

        for byte in message(b"byte by byte", 2):
            await connection.send(bytes([byte]))
        assert await connection.expect(PUBACK) == b"\x00\x02"

        # In one segment; one that the box cannot take is left with the broker, and stops nothing.
        await connection.send(message(b"unbearable", 3) + message(b"x" * 60, 4) + message(b"last", 5)[:7])
        assert await connection.expect(PUBACK) == b"\x00\x04"
        await connection.send(message(b"last", 5)[7:])
        assert await connection.expect(PUBACK) == b"\x00\x05"
        assert await box.event("message") == {
            "event": "message",
            "topic": f"alertbox/{BOX}/command",
            "payload": "byte by byte",
        }
        assert "no room for it" in await box.logged("ERROR mqtt message not taken")

    stage.play(story)


def test_a_tls_record_larger_than_the_read_buffer_is_read_to_its_end(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        connection = await broker.connection()
        await connection.accept()
        await connection.send(b"".join(message(b"x" * 60, number) for number in range(1, 41)))
        for number in range(1, 41):
            assert await connection.expect(PUBACK) == number.to_bytes(2)

    stage.play(story)


# ---- Refusals ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("differences", "sentence"),
    [
        ({"name": "other.test"}, "certificate is for another name"),
        ({"days": (-10, -1)}, "certificate has expired"),
        ({"days": (1, 10)}, "certificate is not valid yet"),
    ],
)
def test_a_wrong_certificate_is_refused_with_the_reason(stage: Stage, differences: dict, sentence: str) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        for _ in range(2):  # and it goes on trying
            assert sentence in await box.logged("WARNING mqtt refused")
        assert broker.waiting() == 0

    stage.play(story, stage.server_context(**differences))


def test_a_certificate_of_another_ca_is_refused_with_the_reason(stage: Stage, tmp_path: Path) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        assert "not signed by this box's CA" in await box.logged("WARNING mqtt refused")
        assert broker.waiting() == 0

    stage.play(story, Authority(tmp_path, "another ca").server_context())


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"\x20\x02\x00\x04", "user name or password"),
        (b"\x20\x02\x00\x05", "does not authorise this box"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "flags"),
        (b"\xd0\x00", "no CONNACK"),
    ],
)
def test_a_broker_that_does_not_accept_is_refused_with_the_reason(stage: Stage, answer: bytes, sentence: str) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        for _ in range(2):
            connection = await broker.connection()
            await connection.expect(CONNECT)
            await connection.send(answer)
            assert await connection.closed_by_box() == []
            assert sentence in await box.logged("WARNING mqtt refused")

    stage.play(story)


def test_a_refused_subscription_is_named(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        connection = await broker.connection()
        await connection.expect(CONNECT)
        await connection.send(b"\x20\x02\x00\x00")
        subscribe = await connection.expect(SUBSCRIBE)
        await connection.send(b"\x90\x04" + subscribe[:2] + b"\x01\x80")
        await connection.closed_by_box()
        assert f"alertbox/{BOX}/command" in await box.logged("WARNING mqtt refused")

    stage.play(story)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_an_address_where_nobody_listens_is_refused_with_the_reason(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        assert "nobody listens" in await box.logged("WARNING mqtt refused")

    stage.play(story, port=free_port())


def test_a_name_that_does_not_resolve_is_refused_with_the_reason(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        assert "cannot be reached" in await box.logged("WARNING mqtt refused")

    stage.play(story, host="300.300.300.300")


# ---- Half-dead links ----------------------------------------------------------------


def test_a_broker_that_never_answers_tls_times_out_and_the_loop_stays_alive(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        for _ in range(2):
            connection = await broker.connection()
            await box.logged("WARNING mqtt refused reason=the broker does not answer")
            await connection.end_of_file()

    stage.play(story, with_tls=False, round_ms=20)


@pytest.mark.parametrize(
    "rubbish",
    [
        pytest.param(b"\xff" * 200, id="garbage"),
        pytest.param(b"\x30\xff\xff\xff\x7f", id="256 MiB"),
        pytest.param(b"\x30\xff\xff\xff\xff\x01", id="endless length"),
        pytest.param(b"\x30\x88\x08" + bytes(1032), id="1032 bytes"),
        pytest.param(b"\x20\x02\x00\x00", id="second CONNACK"),
    ],
)
def test_rubbish_drops_the_link_and_the_box_reconnects(stage: Stage, rubbish: bytes) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        connection = await broker.connection()
        await connection.accept()
        await box.logged("INFO mqtt connected")
        await connection.send(rubbish)
        assert await connection.closed_by_box() == []
        await box.logged("WARNING mqtt lost")
        await (await broker.connection()).accept()
        await box.logged("INFO mqtt connected")

    stage.play(story)


def test_a_broker_that_does_not_answer_a_ping_is_given_up(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        connection = await broker.connection()
        await connection.accept()
        assert await connection.closed_by_box() == [(PINGREQ, 0, b"")]
        await box.logged("WARNING mqtt lost reason=the broker does not answer a ping")
        connection = await broker.connection()
        await connection.accept()
        for _ in range(3):  # while it answers, the link is kept
            assert await connection.expect(PINGREQ) == b""
            await connection.send(b"\xd0\x00")

    stage.play(story, keepalive_s=1, round_ms=10)


def test_no_reconnect_starts_during_an_open_gesture(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        connection = await broker.connection()
        await connection.accept()
        connection.close()
        while (await box.event("held"))["left"]:
            assert broker.waiting() == 0
        await (await broker.connection()).accept()

    stage.play(story, holds=5)


def test_a_drop_begins_anew_at_once_from_every_state(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        connection = await broker.connection()  # an attempt
        await connection.expect(CONNECT)
        await box.drop()
        await box.logged("WARNING mqtt refused reason=told to")
        connection = await broker.connection()  # a connection
        await connection.accept()
        await box.event("up")
        await box.drop()
        await box.logged("WARNING mqtt lost reason=told to")
        connection = await broker.connection()  # a wait
        await connection.accept()
        connection.close()
        await box.logged("WARNING mqtt lost")
        await box.drop()
        await (await broker.connection()).accept()

    stage.play(story, backoff_ms=[600_000, 600_000])


def test_the_pause_between_attempts_doubles_up_to_its_limit(stage: Stage) -> None:
    async def story(broker: Broker, box: Driver) -> None:
        at_ms = [int((await box.logged("WARNING mqtt refused")).split()[0]) for _ in range(12)]
        pauses = [later - earlier for earlier, later in itertools.pairwise(at_ms)]
        # At least half of 40, 80, 160, 160 ...; without the limit the story would take a minute and a half.
        assert all(pause >= least for pause, least in zip(pauses, [20, 40] + [80] * 9, strict=True)), pauses

    stage.play(story, backoff_ms=[40, 160], port=free_port())
