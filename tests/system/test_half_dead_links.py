"""Links that half-die, with a real broker: mosquitto over TLS, with a password for each box and the access list.

The box runs on the stepped clock where a story is about what is delivered: 25 s of a frozen broker are then
25 s of the box's time. Where it is about how long something takes, it runs on the real one.
"""

import json
import os
import random
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alertbox.receiver import Accounts, ReceiverThread, StoredAlert
from alertbox.sim import VirtualBox
from alertbox.sim.box import ROOT, micropython
from alertbox.sim.console import LogLine
from alertbox.town import Town
from alertbox.town.authority import Authority
from bad_server import BadServer, Script, cut_after, garbage, half_a_packet, huge_packet, says, silent, slowly
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fake_box import FakeBox
from mosquitto import PROGRAM, Mosquitto
from stepping import advance_until

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="mosquitto is not installed: apt install mosquitto"),
    pytest.mark.needs("edges", "wifi", "advance", "upstream"),
]

NAME = "alerts.example"
FREEZE_S = 25
MOST_LATE_MS = 100
LOAD = 1000
BURST = 300
PATIENCE_S = 120
LONGEST_CUT = 2500  # bytes from the broker: the handshake, about 1,000, then acknowledgements and pings
# A click, and then long enough that the next one is another gesture, also when the machine is slow.
_CLICK_MS, _PERIOD_MS = 40, 700


class Kit:
    """A box whose receiver comes in through mosquitto, and what was pressed on it."""

    def __init__(self, mosquitto: Mosquitto, receiver: ReceiverThread, box: VirtualBox) -> None:
        self.mosquitto = mosquitto
        self.receiver = receiver
        self.box = box
        self.pressed = 0
        self.wait(lambda: bool(self.lines("connected")))

    def press(self, count: int) -> None:
        """So many clicks, one each 0.7 s."""
        starts = [index * _PERIOD_MS * 1000 for index in range(count)]
        edges = [edge for start in starts for edge in ((start, 1), (start + _CLICK_MS * 1000, 0))]
        # The last is no edge: it is up already. It ends the last click's period.
        self.box.edges("button", [*edges, (count * _PERIOD_MS * 1000, 0)])
        self.pressed += count

    def lose_wifi(self) -> None:
        """Take the network away, and wait until the box has noticed."""
        mark = len(self.box.log)
        self.box.wifi(False)
        self.wait(lambda: bool(self.lines("lost", mark, "wifi")))
        if self.box.clock == "stepped":
            self.box.advance(500)  # in which the client tells of its loss

    def connect_to(self, port: int) -> int:
        """Let the box look for its receiver anew, at once, and find this server. Returns where the log then was.

        Its back-off begins anew too, as after a connection that has held for a minute.
        """
        self.lose_wifi()
        self.box.upstream("127.0.0.1", port)
        mark = len(self.box.log)
        self.box.wifi(True)
        return mark

    def lines(self, text: str, since: int = 0, module: str = "mqtt") -> list[LogLine]:
        return [line for line in self.box.log[since:] if line.module == module and line.text.startswith(text)]

    def refusal(self, since: int) -> str:
        """Why the first attempt to connect failed."""
        self.wait(lambda: bool(self.lines("refused", since)))
        return self.lines("refused", since)[0].text

    def is_broken(self, since: int) -> bool:
        """Has a connection been refused or lost, other than by lose_wifi()?"""
        lines = self.lines("refused", since) + self.lines("lost", since)
        return any("the network is gone" not in line.text for line in lines)

    def wait(self, condition: Callable[[], bool], most_s: int = 600) -> None:
        if self.box.clock == "stepped":
            advance_until(self.box, condition, most_ms=most_s * 1000)
        else:
            self.box.wait_for(condition, most_s)

    def check_each_arrived_once(self) -> None:
        """Wait until the receiver has acknowledged every press, then count. (Heartbeats come in between.)"""
        presses = self.sequences("journalled kind=inform", "issuer")
        assert len(presses) == self.pressed
        self.wait(lambda: presses <= self.sequences("received", "outbox"))
        self.receiver.wait_until(lambda: len(informs(self.receiver.dispatched)) >= len(presses))
        assert informs(self.receiver.alerts()) == sorted(presses)
        assert informs(self.receiver.dispatched) == sorted(presses)

    def sequences(self, text: str, module: str) -> set[int]:
        return {int(line.fields["seq"]) for line in self.lines(text, module=module)}


def informs(alerts: list[StoredAlert]) -> list[int]:
    return sorted(alert.sequence for alert in alerts if alert.kind_name == "inform")


class _Receiver(ReceiverThread):
    """Tells mosquitto of each box that it enrols."""

    def __init__(self, town: Town, mosquitto: Mosquitto) -> None:
        super().__init__(town, broker=mosquitto.url)
        self._mosquitto = mosquitto

    def enrol(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        account = super().enrol(*arguments, **options)
        self._mosquitto.reload()
        return account


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town.create(tmp_path / "town", (NAME,))


@pytest.fixture
def mosquitto(town: Town, tmp_path: Path) -> Iterator[Mosquitto]:
    # It keeps its sessions over a restart, and its log says each packet.
    settings = {"persistence": "true", "log_type": "all"}
    with Mosquitto(town, tmp_path / "mosquitto", settings=settings) as running:
        yield running


@pytest.fixture
def make_kit(town: Town, mosquitto: Mosquitto, make_box: Callable[..., VirtualBox]) -> Iterator[Callable[..., Kit]]:
    with _Receiver(town, mosquitto) as receiver:
        yield lambda clock="stepped": Kit(mosquitto, receiver, make_box(receiver, clock=clock))


@pytest.fixture
def kit(make_kit: Callable[..., Kit]) -> Kit:
    return make_kit()


# ---- A broker that goes and comes back ---------------------------------------------------


@contextmanager
def terminated(kit: Kit) -> Iterator[None]:
    kit.mosquitto.terminate()
    yield
    kit.mosquitto.start()


@contextmanager
def killed(kit: Kit) -> Iterator[None]:
    kit.mosquitto.kill()
    yield
    kit.mosquitto.start()


@contextmanager
def frozen(kit: Kit) -> Iterator[None]:
    kit.mosquitto.freeze()
    yield
    kit.mosquitto.thaw()


@contextmanager
def slow(kit: Kit) -> Iterator[None]:
    """Its answers come in pieces, late. (On the stepped clock not so late that the box's time runs away from them.)"""
    delay_s = 0.01 if kit.box.clock == "stepped" else 0.1
    with BadServer(slowly(("127.0.0.1", kit.mosquitto.port), 200, delay_s)) as server:
        kit.connect_to(server.address[1])
        yield
        kit.box.upstream("127.0.0.1", kit.mosquitto.port)


Fault = Callable[[Kit], AbstractContextManager[None]]
# How many presses during each: a broker that stands still does so for 25 s.
FAULTS: tuple[tuple[Fault, int], ...] = (
    (terminated, 8),
    (killed, 8),
    (frozen, FREEZE_S * 1000 // _PERIOD_MS + 1),
    (slow, 12),
)


@pytest.mark.parametrize(
    ("clock", "presses"),
    [
        ("stepped", 80),
        pytest.param("stepped", 1000, marks=pytest.mark.soak),
        pytest.param("real", 1000, marks=pytest.mark.soak),
    ],
)
def test_each_press_arrives_once_while_the_broker_ends_is_killed_freezes_and_is_slow(
    make_kit: Callable[..., Kit], clock: str, presses: int
):
    kit = make_kit(clock)
    faults_over = []
    while kit.pressed < presses:
        for fault, count in FAULTS:
            kit.connect_to(kit.mosquitto.port)
            kit.press(5)
            with fault(kit):
                kit.press(count)
            faults_over.append((fault.__name__, len(kit.box.log)))
            kit.press(2)
    kit.check_each_arrived_once()
    print(f"\n{clock} clock: {kit.pressed} presses, each once; at the receiver {kit.receiver.counters()}")
    if clock == "real":
        for name, seconds in reconnections(kit, faults_over).items():
            print(f"up again after {name}: median {statistics.median(seconds):.1f} s, most {max(seconds):.1f} s")
        check_never_late(kit)


def reconnections(kit: Kit, faults_over: list[tuple[str, int]]) -> dict[str, list[float]]:
    """By fault: the box's seconds from its end (a length of the log) until the link was up again, if it was lost."""
    found: dict[str, list[float]] = {}
    for name, index in faults_over:
        links = [line for line in kit.box.log[:index] if line.text.startswith(("connected", "lost reason"))]
        if links[-1].text.startswith("lost"):
            up = kit.lines("connected", since=index)[0]
            found.setdefault(name, []).append((up.uptime_ms - kit.box.log[index - 1].uptime_ms) / 1000)
    return found


def check_never_late(kit: Kit) -> None:
    """A gesture is classified in the loop at the moment when it is due: what blocks the loop makes it late."""
    late_ms = [int(line.fields["late_ms"]) for line in kit.lines("classified", module="pins")]
    print(f"a gesture was classified at most {max(late_ms)} ms late")
    assert max(late_ms) < MOST_LATE_MS


def test_a_broker_that_replies_slowly_does_not_hold_up_the_box(make_kit: Callable[..., Kit]):
    kit = make_kit("real")
    with slow(kit):
        kit.press(6)
        kit.check_each_arrived_once()
    check_never_late(kit)


def test_hundreds_of_acknowledgements_that_wait_for_the_box_do_not_keep_it_from_connecting(kit: Kit):
    """As after an hour without the receiver, through which the box sent its alerts again every minute."""
    kit.press(1)
    kit.check_each_arrived_once()
    kit.lose_wifi()
    mark, arrived = len(kit.box.log), len(kit.mosquitto.lines)
    for _ in range(BURST):
        publish_as_receiver(kit.receiver, f"alertbox/{kit.receiver.alerts()[0].box}/ack", bytes(120))
    kit.mosquitto.wait_log("Received PUBLISH from alertbox-receiver", BURST, since=arrived)
    kit.box.wifi(True)
    kit.wait(lambda: len(kit.lines("acknowledgement refused", mark, "outbox")) >= BURST)
    assert not kit.is_broken(mark)
    assert len(kit.lines("connected", mark)) == 1


def publish_as_receiver(receiver: ReceiverThread, topic: str, payload: bytes) -> None:
    link = receiver._receiver._link
    assert link is not None
    receiver._loop.call_soon_threadsafe(link.publish, topic, payload)


# ---- The client alone, under load ---------------------------------------------------------


class Load:
    """The box's MQTT client alone, publishing 1,000 numbers as fast as the broker takes them."""

    def __init__(self, town: Town, mosquitto: Mosquitto, folder: Path, **settings: Any) -> None:
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        public = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        enrolment = Accounts.open(town).enrol(public, "Load", "127.0.0.1", mosquitto.port)
        mosquitto.reload()
        (folder / "ca.der").write_bytes(bytes.fromhex(enrolment["ca"]))
        config = {
            "ca": str(folder / "ca.der"),
            "host": "127.0.0.1",
            "port": mosquitto.port,
            "server_hostname": NAME,
            "client_id": enrolment["user"],
            "password": enrolment["password"],
            "keepalive_s": 30,
            "holds": 0,
            "messages": LOAD,
            "workers": 4,
        }
        self.logged = f"Received PUBLISH from {enrolment['user']}"  # by mosquitto, for each
        self._config = folder / "load.json"
        self._config.write_text(json.dumps(config | settings))

    def __enter__(self) -> "Load":
        self._process = subprocess.Popen(
            [micropython(), str(Path(__file__).with_name("mqtt_driver.py")), str(self._config)],
            env={**os.environ, "MICROPYPATH": f"{ROOT / 'firmware'}:.frozen"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._overdue = threading.Timer(PATIENCE_S, self._process.kill)
        self._overdue.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._overdue.cancel()
        self._process.kill()
        self._process.communicate()

    def finish(self) -> dict[str, Any]:
        """Wait until the broker has acknowledged every number, stop the client; what it says of its life."""
        self._event("done")
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.stdin = None  # or communicate() would want to flush it
        return self._event("end")

    def _event(self, name: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                event: dict[str, Any] = json.loads(line)
                if event["event"] == name:
                    return event
        raise AssertionError(f"the client ended before {name!r}")


@pytest.mark.parametrize("pace", [10, pytest.param(1, marks=pytest.mark.soak)])
def test_1000_publishes_survive_a_broker_that_ends_is_killed_and_freezes_and_the_loop_never_stands_still(
    town: Town, mosquitto: Mosquitto, tmp_path: Path, pace: int
):
    """`pace`: all waits, the client's and the broker's freeze, are so many times shorter than in life."""
    started = time.monotonic()
    waits = {"round_ms": 1000 // pace, "backoff_ms": [1000 // pace, 60_000 // pace]}
    with Load(town, mosquitto, tmp_path, **waits) as load:
        mosquitto.wait_log(load.logged, 300)
        mosquitto.terminate()
        mosquitto.start()
        mosquitto.wait_log(load.logged, 600)
        mosquitto.kill()
        mosquitto.start()
        mosquitto.wait_log(load.logged, 800)
        mosquitto.freeze()
        time.sleep(FREEZE_S / pace)
        mosquitto.thaw()
        end = load.finish()
    seconds = time.monotonic() - started
    again = sum(load.logged in line for line in mosquitto.lines) - LOAD
    print(
        f"\n{LOAD} publishes taken in {seconds:.1f} s, {again} of them twice; longest stop {end['longest_gap_ms']} ms"
    )
    assert again >= 0
    assert end["longest_gap_ms"] < MOST_LATE_MS
    assert end["leaked"] == 0


# ---- Certificates ---------------------------------------------------------------------------


def authority_of(town: Town) -> Authority:
    return Authority.load((town.path / "ca.key").read_bytes(), town.ca_certificate.read_bytes())


DAY = timedelta(days=1)
CERTIFICATES: dict[str, tuple[Callable[[Town], tuple[bytes, bytes]], str]] = {
    "expired": (
        lambda town: authority_of(town).issue([NAME], start=datetime.now(UTC) - 3 * DAY, life=2 * DAY),
        "has expired: renew it",
    ),
    "not yet valid": (
        lambda town: authority_of(town).issue([NAME], start=datetime.now(UTC) + 2 * DAY),
        "is not valid yet: check the box's clock",
    ),
    "of another name": (lambda town: authority_of(town).issue(["elsewhere.example"]), "is for another name"),
    "of another authority": (lambda town: Authority.create().issue([NAME]), "is not signed by this box's CA"),
}


@pytest.mark.parametrize("fault", CERTIFICATES)
def test_a_wrong_certificate_is_refused_and_explained_and_with_the_right_one_the_alerts_arrive(
    kit: Kit, town: Town, fault: str
):
    make, sentence = CERTIFICATES[fault]
    kit.mosquitto.present(make(town))
    mark = kit.connect_to(kit.mosquitto.port)
    kit.press(3)
    reason = kit.refusal(mark)
    print(f"\n{reason}")
    assert sentence in reason
    kit.press(3)
    assert not kit.lines("connected", mark)
    assert kit.receiver.alerts() == []
    kit.mosquitto.present(authority_of(town).issue([NAME]))
    kit.check_each_arrived_once()


# ---- Servers that are no brokers --------------------------------------------------------------

NO_ANSWER = "the broker does not answer"
NO_TLS = "MBEDTLS_ERR_SSL"
SEED = 20261
LONG_LENGTH = b"\x20\x02\x00\x00\x30\xff\xff\xff\xff\x7f"
LONG_RECORD = b"\x16\x03\x03\xff\xff" + bytes(65536)

# (what it does, whether behind TLS and the right certificate, what the box says of it)
BAD_SERVERS: dict[str, tuple[Script, bool, str]] = {
    "never answers TLS": (silent, False, NO_ANSWER),
    "never answers MQTT": (silent, True, NO_ANSWER),
    "garbage for TLS": (says(garbage(SEED)), False, NO_TLS),
    "garbage for MQTT": (says(garbage(SEED)), True, "a packet of"),
    "a huge TLS record": (says(LONG_RECORD), False, NO_TLS),
    "a huge MQTT packet": (huge_packet, True, "a packet of 268435455 bytes; the box takes at most"),
    "a length of five bytes": (says(LONG_LENGTH), True, "a length of more than four bytes"),
    "closes in the middle of a packet": (half_a_packet, True, "the other side"),
}


@pytest.mark.parametrize("fault", BAD_SERVERS)
def test_what_is_no_broker_is_given_up_with_a_reason_and_the_alerts_arrive_at_the_right_one(
    kit: Kit, town: Town, fault: str
):
    script, has_tls, sentence = BAD_SERVERS[fault]
    with BadServer(script, town.server_context() if has_tls else None) as server:
        mark = kit.connect_to(server.address[1])
        kit.press(3)
        reason = kit.refusal(mark)
        print(f"\n{reason}")
        assert sentence in reason
        kit.press(3)
        assert not kit.lines("connected", mark)
    kit.connect_to(kit.mosquitto.port)
    kit.check_each_arrived_once()


@pytest.mark.parametrize("cuts", [24, pytest.param(300, marks=pytest.mark.soak)])
def test_a_connection_that_breaks_at_any_byte_loses_nothing_and_doubles_nothing(kit: Kit, cuts: int):
    seed = random.SystemRandom().getrandbits(32)
    print(f"\nseed {seed}")
    broker = ("127.0.0.1", kit.mosquitto.port)
    for count in random.Random(seed).sample(range(LONGEST_CUT), cuts):
        with BadServer(cut_after(broker, count)) as server:
            mark = kit.connect_to(server.address[1])
            kit.press(2)
            # The last bytes come as answers to pings, a few every 15 s.
            kit.wait(partial(kit.is_broken, mark), most_s=1800)
    kit.connect_to(kit.mosquitto.port)
    kit.check_each_arrived_once()
    late = len(kit.lines("lost reason=the other"))
    print(f"{kit.pressed} presses over {cuts} cut connections, {late} of them up; receiver: {kit.receiver.counters()}")


# ---- Accounts -----------------------------------------------------------------------------------


def test_a_box_without_an_account_any_more_is_refused_and_says_so(kit: Kit, town: Town):
    Accounts(town).revoke(kit.box.name)
    kit.mosquitto.reload()
    mark = kit.connect_to(kit.mosquitto.port)
    assert "the broker does not authorise this box" in kit.refusal(mark)


def test_a_box_writes_and_reads_nothing_but_its_own_topics(town: Town, mosquitto: Mosquitto):
    one, other = FakeBox(), FakeBox()
    with _Receiver(town, mosquitto) as receiver:
        one.account = receiver.enrol(one.public, "One")
        other.account = receiver.enrol(other.public, "Other")
        with one.connected(subscribe=("alertbox/#",)) as curious, other.connected() as honest:
            curious.publish(other.alert(7), topic=f"alertbox/{other.id}/alert")
            honest.publish(other.alert(8))
            assert honest.ack() == 8
            curious.publish(one.alert(9))
            assert curious.ack() == 9  # the first message of any kind that it was given
        assert [alert.sequence for alert in receiver.alerts()] == [8, 9]
        assert receiver.refusals() == []
