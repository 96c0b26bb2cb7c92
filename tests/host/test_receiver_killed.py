"""A receiver killed (SIGKILL) under traffic and started again: what it acknowledged is there, nothing is said twice."""

import json
import os
import queue
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from alertbox.receiver import Accounts
from alertbox.town import Town
from fake_box import Connection, FakeBox, Refused
from mosquitto import Mosquitto, free_port

ALERTBOX = [sys.executable, "-c", "from alertbox.cli import main; main()"]
SEED = 20263
BOXES = 4
WINDOW = 3
PATIENCE_S = 60

Key = tuple[str, int]  # box, sequence


class Sender(threading.Thread):
    """Does what a box does: sends until it holds the receiver's acknowledgement, over connections that break."""

    def __init__(self, box: FakeBox, on_ack: threading.Condition) -> None:
        super().__init__(daemon=True)
        self.box = box
        self.sent = 0
        self.acknowledged: set[int] = set()
        self.enough = threading.Event()
        self._waiting: dict[int, bytes] = {}
        self._on_ack = on_ack

    def run(self) -> None:
        while not (self.enough.is_set() and not self._waiting):
            try:
                with self.box.connected() as connection:
                    for payload in self._waiting.values():
                        self._send(connection, payload)
                    self._talk(connection)
            except (OSError, Refused, queue.Empty):
                self.enough.wait(0.05)  # before the next attempt to connect

    def _talk(self, connection: Connection) -> None:
        while not connection.ended.is_set():
            while len(self._waiting) < WINDOW and not self.enough.is_set():
                self.sent += 1
                self._waiting[self.sent] = self.box.alert(self.sent)
                self._send(connection, self._waiting[self.sent])
            if not self._waiting:
                return
            try:
                _, payload = connection.messages.get(timeout=1)
            except queue.Empty:
                for payload in self._waiting.values():
                    self._send(connection, payload)
                continue
            sequence = int(self.box.read_ack(payload)[4])
            self._waiting.pop(sequence, None)
            with self._on_ack:
                self.acknowledged.add(sequence)
                self._on_ack.notify_all()

    def _send(self, connection: Connection, payload: bytes) -> None:
        connection.client.publish(f"alertbox/{self.box.id}/alert", payload, qos=1)


class Traffic:
    """All boxes, sending while the block runs."""

    def __init__(self, boxes: list[FakeBox]) -> None:
        self._on_ack = threading.Condition()
        self.senders = [Sender(box, self._on_ack) for box in boxes]

    def acknowledged(self) -> set[Key]:
        with self._on_ack:
            return {(sender.box.id, sequence) for sender in self.senders for sequence in sender.acknowledged}

    def sent(self) -> set[Key]:
        return {(sender.box.id, sequence) for sender in self.senders for sequence in range(1, sender.sent + 1)}

    def wait_for_more(self, count: int) -> None:
        """Until so many more alerts are acknowledged."""
        goal = sum(len(sender.acknowledged) for sender in self.senders) + count
        with self._on_ack:
            reached = self._on_ack.wait_for(
                lambda: sum(len(sender.acknowledged) for sender in self.senders) >= goal, PATIENCE_S
            )
        assert reached, "no acknowledgements come any more"

    def finish(self) -> None:
        """Until what was sent is acknowledged; nothing new is sent."""
        for sender in self.senders:
            sender.enough.set()
        for sender in self.senders:
            sender.join(PATIENCE_S)
            assert not sender.is_alive(), "an alert was never acknowledged"


class Scene:
    """A town, a broker, and one receiver after another."""

    def __init__(self, town: Town, port: int, broker: str | None, log: Path) -> None:
        self.town, self.log = town, log
        where = ["--broker", broker] if broker else ["--port", str(port)]
        where += ["--enrol-port", "0"]
        self._command = [*ALERTBOX, "receiver", "run", str(town.path), "--log", str(log), *where]

    def start(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, env=os.environ | {"LC_ALL": "C"})
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Receiver ready"), self.log.read_text()[-2000:]
        return process

    def stored(self) -> set[Key]:
        with closing(sqlite3.connect(self.town.database)) as database:
            rows = database.execute("SELECT box, sequence FROM alerts").fetchall()
        assert len(rows) == len(set(rows))
        return set(rows)

    def unmarked(self) -> int:
        with closing(sqlite3.connect(self.town.database)) as database:
            return int(database.execute("SELECT count(*) FROM deliveries WHERE state != 'delivered'").fetchone()[0])

    def dispatched(self) -> tuple[Counter[Key], Counter[Key]]:
        """How often each alert was handed over, as new and as a repetition that says so."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        lines = [line for line in lines if line["event"] == "dispatched"]
        plain = Counter((line["box"], line["sequence"]) for line in lines if not line.get("repeated"))
        return plain, Counter((line["box"], line["sequence"]) for line in lines if line.get("repeated"))


@pytest.fixture(params=["mosquitto", "embedded"])
def scene(request: pytest.FixtureRequest, town: Town, tmp_path: Path) -> Iterator[tuple[Scene, list[FakeBox]]]:
    port = free_port()
    boxes = [FakeBox() for _ in range(BOXES)]
    accounts = Accounts.open(town)
    for number, box in enumerate(boxes):
        box.account = accounts.enrol(box.public, f"Shop {number}", "127.0.0.1", port)
    with ExitStack() as stack:
        url = None
        if request.param == "mosquitto":
            if Mosquitto.missing:
                pytest.skip(Mosquitto.missing)
            url = stack.enter_context(Mosquitto(town, tmp_path / "mosquitto", port)).url
        yield Scene(town, port, url, tmp_path / "log.jsonl"), boxes


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.soak)])
def test_what_a_killed_receiver_acknowledged_is_stored_and_nothing_is_dispatched_twice(scene, kills):
    service, boxes = scene
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    traffic = Traffic(boxes)
    process = service.start()
    try:
        for sender in traffic.senders:
            sender.start()
        for _ in range(kills):
            traffic.wait_for_more(chance.randint(1, 200))
            time.sleep(chance.uniform(0, 0.02))  # anywhere between two acknowledgements, not just after one
            process.kill()
            process.wait()
            # One that still arrives was sent before the kill, after its commit.
            assert traffic.acknowledged() <= service.stored()
            process = service.start()
        traffic.wait_for_more(20)
        traffic.finish()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
    check(service, traffic, kills)


def check(service: Scene, traffic: Traffic, kills: int) -> None:
    stored = service.stored()
    assert traffic.acknowledged() == traffic.sent() == stored
    plain, repeated = service.dispatched()
    print(f"{len(stored)} alerts, {kills} kills, {sum(repeated.values())} dispatches in doubt and repeated")
    assert [key for key, count in plain.items() if count > 1] == [], "dispatched twice without saying so"
    assert sum(repeated.values()) <= kills, "a kill leaves one dispatch in doubt at most"
    assert set(plain) | set(repeated) == stored
    assert service.unmarked() == 0
