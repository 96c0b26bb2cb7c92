"""Tests: what a technician tries is stored, shown and acknowledged, and calls nobody; a held press still does."""

import json
from io import StringIO
from typing import Any

import pytest
from alertbox.receiver import ReceiverThread
from alertbox.receiver.log import JsonLog
from alertbox.receiver.silence.watch import GRACE_S, SETTLE_S
from fake_box import FakeBox

TEST_MODE = 32  # the flag, as the contract has it
INFORM, HELP, ALARM, CANCEL, TEST, HEARTBEAT, TAMPER = 1, 2, 3, 4, 5, 6, 10


def send(receiver: ReceiverThread, box: FakeBox, *alerts: dict[str, Any]) -> list[int]:
    """Send alerts, sequences from 1, each until it is acknowledged; the sequences that were dispatched."""
    with box.connected() as connection:
        for sequence, changed in enumerate(alerts, 1):
            connection.publish(box.alert(sequence, **changed))
            assert connection.ack() == sequence
    # The last one is a heartbeat in every test: what was dispatched of the others was dispatched before it.
    receiver.wait_until(lambda: len(alerts) in [alert.sequence for alert in receiver.dispatched])
    return [alert.sequence for alert in receiver.dispatched]


@pytest.mark.parametrize(
    ("kind", "flags", "dispatched"),
    [
        (INFORM, 0, True),
        (HELP, 0, True),
        (ALARM, 0, True),
        (INFORM, TEST_MODE, False),
        (HELP, TEST_MODE, False),
        (ALARM, TEST_MODE, True),
        (CANCEL, TEST_MODE, True),
        (TAMPER, TEST_MODE, True),
        (99, TEST_MODE, True),
        (TEST, 0, False),
        (TEST, TEST_MODE, False),
        (INFORM, 255 - TEST_MODE, True),
    ],
)
def test_what_is_tried_is_stored_and_acknowledged_and_calls_nobody(receiver, box, kind, flags, dispatched):
    sequences = send(receiver, box, {"kind": kind, "flags": flags}, {"kind": HEARTBEAT})
    assert sequences == ([1, 2] if dispatched else [2])
    [tried, _] = receiver.alerts()
    assert (tried.kind, tried.for_people) == (kind, dispatched)
    assert tried.test == (kind == TEST or bool(flags & TEST_MODE))


def test_an_alarm_in_test_mode_is_dispatched_with_its_mark(town):
    stream = StringIO()
    events: list[dict[str, Any]] = []
    with ReceiverThread(town, log=JsonLog(stream), on_event=events.append) as receiver:
        box = FakeBox()
        box.account = receiver.enrol(box.public, "Boulangerie")
        marked, plain = {"kind": ALARM, "flags": TEST_MODE}, {"kind": ALARM}
        send(receiver, box, marked, plain, {"kind": INFORM, "flags": TEST_MODE}, {"kind": HEARTBEAT})
        assert [alert.test for alert in receiver.dispatched] == [True, False, False]
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    logged = [(line["sequence"], line.get("test", False)) for line in lines if line["event"] == "dispatched"]
    assert logged == [(1, True), (2, False), (4, False)]
    assert [(line["sequence"], line["kind"]) for line in lines if line["event"] == "withheld"] == [(3, "inform")]
    shown = [(event["sequence"], event["test"]) for event in events if event["event"] == "dispatched"]
    assert shown == logged
    assert [event["sequence"] for event in events if event["event"] == "withheld"] == [3]


def test_what_was_tried_is_not_dispatched_at_the_next_start(town):
    with ReceiverThread(town) as receiver:
        box = FakeBox()
        box.account = receiver.enrol(box.public, "Boulangerie")
        send(receiver, box, {"kind": TEST}, {"kind": HELP, "flags": TEST_MODE}, {"kind": HEARTBEAT})
    with ReceiverThread(town) as receiver:
        assert receiver.dispatched == []
        assert [alert.kind for alert in receiver.alerts()] == [TEST, HELP, HEARTBEAT]


class Clock:
    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("kind", "flags", "raised"),
    [(HELP, 0, True), (HELP, TEST_MODE, False), (INFORM, TEST_MODE, False), (ALARM, TEST_MODE, True)],
)
def test_a_box_unplugged_after_it_was_tried_is_no_alarm(town, kind, flags, raised, restarted):
    """Technicians do that. The receiver may be another one by the time it notices."""
    clock, box = Clock(), FakeBox()
    with ReceiverThread(town, now=clock) as receiver:
        box.account = receiver.enrol(box.public, "Boulangerie")
        with box.connected(will=(f"alertbox/{box.id}/state", b"offline")) as connection:
            connection.publish(b"online", "state", retain=True)
            connection.publish(box.alert(1, kind=kind, flags=flags))
            assert connection.ack() == 1
            connection.cut()
            receiver.wait_until(lambda: state(receiver, box) == "offline")
        if not restarted:
            clock.at += SETTLE_S
            assert is_raised(receiver) == raised
    if restarted:
        with ReceiverThread(town, now=clock) as receiver:
            clock.at += GRACE_S
            assert is_raised(receiver) == raised


def state(receiver: ReceiverThread, box: FakeBox) -> str | None:
    known = receiver.states().get(box.id)
    return known.state if known else None


def is_raised(receiver: ReceiverThread) -> bool:
    """Whether the watch, which finds the box unreachable now, makes an alarm of it."""
    receiver.tick()
    receiver.wait_until(lambda: any(one.unreachable_since for one in receiver.states().values()))
    other = FakeBox()
    other.account = receiver.enrol(other.public, "Pharmacie")
    with other.connected() as connection:  # a commit after whatever the watch had to say
        connection.publish(other.alert(1))
        assert connection.ack() == 1
    return receiver.silences != []
