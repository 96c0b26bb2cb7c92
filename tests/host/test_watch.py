"""Boxes that fall silent: what the watch finds, and that the receiver writes it before it tells it."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from alertbox.receiver import Accounts, ReceiverThread
from alertbox.receiver.silence.watch import (
    GRACE_S,
    OVERDUE_S,
    PRESS_S,
    SETTLE_S,
    Finding,
    Found,
    Happened,
    Known,
    Watch,
    What,
)
from alertbox.town import Town
from fake_box import FakeBox
from mosquitto import Mosquitto, free_port

BOX = "0123456789abcdef"
INFORM, HEARTBEAT = 1, 6
_CLIENT = Path(__file__).parents[2] / "firmware" / "box" / "transports" / "mqtt.py"
(KEEPALIVE_S,) = map(int, re.findall(r"keepalive_s: int = (\d+)", _CLIENT.read_text(encoding="utf-8")))  # the box's
MOSQUITTO_LOOKS_S = 5


class Scene:
    """A watch over one box with a clock of its own; `found` lists what it found, each with its time."""

    def __init__(self, up: bool = True):
        self.watch = Watch()
        self.now = 0.0
        self.found: list[Finding] = []
        if up:
            self.watch.link(True, self.now)

    def feed(self, what: What, kind: int = 0, sequence: int = 0, at: float | None = None) -> None:
        happened = Happened(what, BOX, self.now if at is None else at, kind, sequence)
        self.found += self.watch.feed(happened)

    def press(self, sequence: int = 1) -> None:
        self.feed(What.ALERT, INFORM, sequence)

    def link(self, up: bool) -> None:
        self.watch.link(up, self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass in steps of a second."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + 1, end)
            self.found += self.watch.tick(self.now)

    def seen(self) -> list[Found]:
        return [finding.found for finding in self.found]


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.feed(What.ONLINE)
    return scene


def test_a_last_will_makes_a_box_unreachable_once(scene):
    scene.feed(What.OFFLINE)
    scene.feed(What.OFFLINE)
    scene.wait(3600)
    assert scene.found == [Finding(Found.UNREACHABLE, BOX, SETTLE_S)]


def test_a_box_that_dies_is_found_unreachable_within_a_minute_of_its_last_sign_of_life(scene):
    """Mosquitto gives a box up after one and a half keepalives, and looks for such boxes every five seconds."""
    scene.press()
    scene.wait(1.5 * KEEPALIVE_S + MOSQUITTO_LOOKS_S)
    scene.feed(What.OFFLINE)
    scene.wait(60)
    first = scene.found[0]
    assert (first.found, first.at <= 60) == (Found.UNREACHABLE, True)


def test_a_box_that_only_changes_its_connection_stays_reachable(scene):
    scene.feed(What.OFFLINE)
    scene.wait(SETTLE_S - 1)
    scene.feed(What.ONLINE)
    scene.wait(60)
    assert scene.found == []


def test_a_box_that_comes_back_is_reachable_once_and_may_leave_again(scene):
    for _ in range(2):
        scene.feed(What.OFFLINE)
        scene.wait(SETTLE_S)
        scene.feed(What.ONLINE)
        scene.feed(What.ONLINE)
    assert scene.seen() == [Found.UNREACHABLE, Found.REACHABLE] * 2


def test_a_press_before_the_silence_is_an_alarm_of_its_own_with_its_sequence(scene):
    scene.press(7)
    scene.wait(PRESS_S)
    scene.feed(What.OFFLINE)
    scene.wait(SETTLE_S)
    assert scene.seen() == [Found.UNREACHABLE, Found.SILENCE]
    assert scene.found[1].sequence == 7


@pytest.mark.parametrize(("kind", "expected"), [(1, True), (2, True), (3, True), (4, False), (6, False), (11, False)])
def test_only_presses_make_a_silence_an_alarm(scene, kind, expected):
    scene.feed(What.ALERT, kind, 1)
    scene.feed(What.OFFLINE)
    scene.wait(60)
    assert (Found.SILENCE in scene.seen()) is expected


def test_a_press_more_than_ten_minutes_before_is_none(scene):
    scene.press()
    scene.wait(PRESS_S + 1)
    scene.feed(What.OFFLINE)
    scene.wait(3600)
    assert scene.seen() == [Found.UNREACHABLE]


def test_a_press_makes_one_silence_however_often_the_box_leaves(scene):
    scene.press()
    for _ in range(3):
        scene.feed(What.OFFLINE)
        scene.wait(SETTLE_S)
        scene.feed(What.ONLINE)
    assert scene.seen().count(Found.SILENCE) == 1


def test_of_several_presses_the_last_is_named_and_the_next_one_counts_again(scene):
    for sequences in ((1, 2), (3,)):
        for sequence in sequences:
            scene.press(sequence)
        scene.feed(What.OFFLINE)
        scene.wait(SETTLE_S)
        scene.feed(What.ONLINE)
    assert [finding.sequence for finding in scene.found if finding.found is Found.SILENCE] == [2, 3]


def test_a_press_whose_commit_is_slower_than_the_last_will_is_not_overlooked(scene):
    """The press came in first; the disk took longer than the box needed to be declared unreachable."""
    pressed = scene.now
    scene.wait(1)
    scene.feed(What.OFFLINE)
    scene.wait(SETTLE_S)
    scene.feed(What.ALERT, INFORM, 4, at=pressed)
    assert scene.seen() == [Found.UNREACHABLE, Found.SILENCE]


def test_an_alert_after_the_last_will_shows_that_the_box_is_there(scene):
    scene.feed(What.OFFLINE)
    scene.wait(SETTLE_S)
    scene.feed(What.ALERT, HEARTBEAT, 1)
    assert scene.seen() == [Found.UNREACHABLE, Found.REACHABLE]


def test_without_a_heartbeat_a_box_is_overdue_once_until_it_is_heard(scene):
    scene.wait(OVERDUE_S - 1)
    assert scene.found == []
    scene.wait(24 * 3600)
    assert scene.seen() == [Found.OVERDUE]
    scene.feed(What.ALERT, HEARTBEAT, 1)
    assert scene.seen() == [Found.OVERDUE, Found.HEARD]


def test_the_brokers_word_is_no_heartbeat(scene):
    scene.wait(OVERDUE_S - 1)
    scene.feed(What.ONLINE)
    scene.wait(1)
    assert scene.seen() == [Found.OVERDUE]


def test_hourly_heartbeats_keep_a_box_from_being_overdue(scene):
    for sequence in range(1, 25):
        scene.wait(3600)
        scene.feed(What.ALERT, HEARTBEAT, sequence)
    assert scene.found == []


def test_a_receiver_without_its_own_link_blames_no_box(scene):
    scene.press()
    scene.link(False)
    scene.wait(OVERDUE_S + 3600)
    assert scene.found == []
    scene.link(True)
    scene.feed(What.ONLINE)
    scene.feed(What.ALERT, HEARTBEAT, 2)
    scene.wait(3600)
    assert scene.found == []


def test_a_box_that_is_not_heard_of_after_the_link_is_back_is_unreachable(scene):
    scene.press()
    scene.wait(60)
    scene.link(False)
    scene.wait(3600)
    scene.link(True)
    back = scene.now
    scene.wait(GRACE_S)
    assert scene.seen() == [Found.UNREACHABLE, Found.SILENCE], "in doubt, the press is an alarm"
    assert scene.found[0].at == back + GRACE_S


def test_a_press_long_before_the_outage_is_no_alarm_after_it(scene):
    scene.press()
    scene.wait(PRESS_S + 1)
    scene.link(False)
    scene.wait(3600)
    scene.link(True)
    scene.feed(What.OFFLINE)
    scene.wait(60)
    assert scene.seen() == [Found.UNREACHABLE]


def test_a_last_will_is_not_taken_back_by_an_outage_of_the_receivers_link(scene):
    scene.feed(What.OFFLINE)
    scene.link(False)
    scene.wait(SETTLE_S)
    assert scene.seen() == [Found.UNREACHABLE]


def test_what_was_known_before_a_restart_is_not_found_again():
    scene = Scene(up=False)
    scene.watch.remember(BOX, Known(seen=0, heard=0, unreachable=True, overdue=True, press=(1, 0)))
    scene.link(True)
    scene.feed(What.OFFLINE)
    scene.wait(24 * 3600)
    assert scene.found == []


# ---- in the receiver, with a clock that the test steps


class Clock:
    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


class Service:
    """Receivers one after the other on one town and one clock, and a box made of the host's libraries."""

    def __init__(self, town: Town, stack: ExitStack) -> None:
        self.town = town
        self.clock = Clock()
        self._stack = stack
        self.box = FakeBox()
        self.port = 0
        self.start()
        self.box.account = self.receiver.enrol(self.box.public, "Boulangerie")

    def start(self, **options: Any) -> None:
        self.heard: list[tuple[str, float]] = []
        on_event = self._on_event
        receiver = ReceiverThread(self.town, now=self.clock, port=self.port, on_event=on_event, **options)
        self.receiver = self._stack.enter_context(receiver)
        self.port = receiver.port

    def restart(self, **options: Any) -> None:
        self.receiver.stop()
        self.start(**options)

    def _on_event(self, event) -> None:
        self.heard.append((event["event"], self.clock.at))

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass on the receiver's clock; an alert that comes in afterwards sees the new time."""
        self.clock.at += seconds
        self.receiver.tick()

    def until(self, event: str, count: int = 1) -> float:
        """When it happened (the last of `count`), on the receiver's clock."""
        self.receiver.wait_until(lambda: self.count(event) >= count)
        assert self.count(event) == count
        return [at for name, at in self.heard if name == event][-1]

    def count(self, event: str) -> int:
        return [name for name, _ in self.heard].count(event)

    def connected(self):
        return self.box.connected(will=(f"alertbox/{self.box.id}/state", b"offline"))


@pytest.fixture
def service(town: Town) -> Iterator[Service]:
    with ExitStack() as stack:
        yield Service(town, stack)


def test_a_box_whose_connection_breaks_is_told_logged_and_shown(service):
    with service.connected() as connection:
        connection.publish(b"online", "state", retain=True)
        service.until("state")
        connection.cut()
        service.until("state", 2)
    broke = service.clock.at
    service.wait(SETTLE_S)
    assert service.until("unreachable") - broke <= 60
    [state] = service.receiver.states().values()
    assert state.unreachable_since is not None
    with service.connected() as connection:
        connection.publish(b"online", "state", retain=True)
        service.until("reachable")
    [state] = service.receiver.states().values()
    assert state.unreachable_since is None
    assert service.receiver.silences == []


def press_then_cut(service: Service) -> None:
    with service.connected() as connection:
        connection.publish(b"online", "state", retain=True)
        connection.publish(service.box.alert(5, kind=2))
        assert connection.ack() == 5
        service.wait(60)
        connection.cut()
        service.until("state", 2)


def test_a_silence_after_a_press_is_dispatched_once_and_not_again_after_a_restart(service):
    press_then_cut(service)
    service.wait(SETTLE_S)
    service.until("silence")
    service.receiver.wait_until(lambda: len(service.receiver.silences) == 1)
    [silence] = service.receiver.silences
    assert (silence.box, silence.name, silence.sequence, silence.kind) == (service.box.id, "Boulangerie", 5, 2)
    assert silence.raised_at.timestamp() == service.clock.at
    service.restart()
    service.wait(GRACE_S)
    service.wait(3600)
    with service.connected() as connection:
        connection.publish(b"online", "state", retain=True)
        service.until("reachable")  # written after whatever came before it
        connection.publish(service.box.alert(6, kind=6))
        assert connection.ack() == 6
    assert (service.receiver.silences, service.count("silence"), service.count("unreachable")) == ([], 0, 0)


def test_a_silence_that_a_receiver_did_not_live_to_find_is_found_by_the_next_one(service):
    press_then_cut(service)
    service.receiver.stop()
    service.clock.at += 3600  # long after
    service.start()
    service.wait(GRACE_S)
    service.until("silence")
    service.receiver.wait_until(lambda: len(service.receiver.silences) == 1)
    assert service.receiver.silences[0].sequence == 5


def test_a_silence_whose_dispatch_failed_is_dispatched_at_the_next_start(service):
    def fail(_: object) -> None:
        raise RuntimeError("no pager")

    service.restart(on_silence=fail)
    press_then_cut(service)
    service.wait(SETTLE_S)
    service.until("silence")
    service.restart()
    service.receiver.wait_until(lambda: len(service.receiver.silences) == 1)
    assert [(silence.sequence, silence.repeated) for silence in service.receiver.silences] == [(5, False)]
    service.restart()
    assert service.receiver.silences == []


def test_a_box_that_comes_back_after_a_restart_of_the_receiver_is_not_missed(service):
    with service.connected() as connection:
        connection.publish(b"online", "state", retain=True)
        service.until("state")
    service.restart()
    with service.connected() as connection:
        connection.publish(b"online", "state", retain=True)
        service.until("state")
        service.wait(GRACE_S)
        connection.publish(service.box.alert(1, kind=6))
        assert connection.ack() == 1
        assert service.count("unreachable") == 0


def test_a_missing_heartbeat_is_told_once_across_a_restart_and_taken_back_by_the_next(service):
    with service.connected() as connection:
        connection.publish(b"online", "state", retain=True)
        connection.publish(service.box.alert(1, kind=6))
        assert connection.ack() == 1
        service.until("stored")
        service.wait(OVERDUE_S)
        service.until("overdue")
    service.restart()
    with service.connected() as connection:
        connection.publish(b"online", "state", retain=True)
        service.until("state")
        service.wait(2 * OVERDUE_S)
        connection.publish(service.box.alert(2, kind=6))
        service.until("heard")
        assert service.count("overdue") == 0


def test_a_revoked_box_is_not_missed(service):
    with service.connected() as connection:
        connection.publish(b"online", "state", retain=True)
        service.until("state")
        service.receiver.accounts.revoke("Boulangerie")
        connection.cut()
    service.wait(OVERDUE_S + GRACE_S)
    other = FakeBox()
    other.account = service.receiver.enrol(other.public, "Pharmacie")
    with other.connected() as connection:  # a commit after whatever the watch had to say
        connection.publish(other.alert(1))
        assert connection.ack() == 1
    assert {name for name, _ in service.heard} & {"unreachable", "overdue", "silence"} == set()


@pytest.mark.soak
@pytest.mark.skipif(Mosquitto.missing is not None, reason=str(Mosquitto.missing))
def test_a_box_that_dies_silently_behind_mosquitto_is_unreachable_within_a_minute_of_real_time(town, tmp_path):
    """The power goes, no packet says so: mosquitto's own timing counts, which no stepped clock can show."""
    box = FakeBox()
    with ExitStack() as stack:
        port = free_port()
        box.account = Accounts.open(town).enrol(box.public, "Boulangerie", "127.0.0.1", port)
        broker = stack.enter_context(Mosquitto(town, tmp_path / "mosquitto", port))
        receiver = stack.enter_context(ReceiverThread(town, broker=broker.url))
        will = (f"alertbox/{box.id}/state", b"offline")
        connection = stack.enter_context(box.connected(will=will, keepalive=KEEPALIVE_S))
        connection.publish(b"online", "state", retain=True)
        connection.publish(box.alert(1))
        assert connection.ack() == 1
        connection.client.loop_stop()  # the connection stays open, and nobody pings
        died = time.monotonic()
        receiver.wait_until(lambda: receiver.silences != [], timeout=90)
        took = time.monotonic() - died
    print(f"{took:.1f} s")
    assert took <= 60
