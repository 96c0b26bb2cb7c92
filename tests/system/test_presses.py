"""From raw edges on the wired button to the alert that the receiver stored."""

import pytest
from alertbox.receiver import ReceiverThread, StoredAlert
from alertbox.sim import VirtualBox
from gestures import edges
from stepping import advance_until

pytestmark = pytest.mark.needs(
    "edges", "mains", "press", "advance", "battery", "edges_during_stall", "power_cut", "power_on", "put_documents"
)

_WINDOW_MS = 700


def stored(receiver: ReceiverThread, count: int) -> list[StoredAlert]:
    receiver.wait_until(lambda: len(receiver.alerts()) >= count)
    return receiver.alerts()


@pytest.mark.parametrize(
    ("durations", "kind"),
    [
        ((120,), "inform"),
        ((35,), "inform"),
        ((120, 180, 120), "help"),
        ((60, 70, 60, 70, 60, 70, 60, 70, 60), "help"),
        ((1800,), "alarm"),
    ],
)
def test_what_is_pressed_is_what_the_receiver_stores(box: VirtualBox, receiver: ReceiverThread, durations, kind):
    box.edges("button", edges(*durations))
    box.advance(_WINDOW_MS)
    (alert,) = stored(receiver, 1)
    assert (alert.kind_name, alert.sequence, alert.source, alert.incident) == (kind, 1, 1, 1)


def test_help_becomes_an_alarm_of_the_same_incident_when_the_button_is_then_held(
    box: VirtualBox, receiver: ReceiverThread
):
    box.edges("button", edges(120, 150, 120, 150, 1800))
    box.advance(_WINDOW_MS)
    assert [(alert.kind_name, alert.incident) for alert in stored(receiver, 2)] == [("help", 1), ("alarm", 1)]


def test_the_hold_is_sent_at_its_threshold_while_the_button_is_still_down(box: VirtualBox, receiver: ReceiverThread):
    mark = len(box.log)
    box.edges("button", [(0, 1)])
    box.advance(1600)
    line = box.wait_log("pins", "classified", since=mark)
    assert line.fields["kind"] == "alarm"
    stored(receiver, 1)


def test_a_bouncing_press_is_one_press(box: VirtualBox, receiver: ReceiverThread):
    chatter = [(0, 1), (900, 0), (2500, 1), (4000, 0), (7000, 1)]
    release = [(150_000 + us, 1 - level) for us, level in chatter]
    box.edges("button", chatter + release)
    box.advance(_WINDOW_MS)
    assert [alert.kind_name for alert in stored(receiver, 1)] == ["inform"]


def test_a_spike_is_no_press(box: VirtualBox, receiver: ReceiverThread):
    box.edges("button", [(0, 1), (4000, 0)])
    box.advance(2000)
    assert receiver.alerts() == []
    assert not any(line.text.startswith("classified") for line in box.log)


@pytest.mark.parametrize("stall_ms", [200, 1500, 20_000])
def test_a_press_inside_a_stall_is_not_lost_or_lowered(box: VirtualBox, receiver: ReceiverThread, stall_ms):
    """Two clicks while C code blocks: more edges than the interrupt queue holds, none with its true time."""
    double = [(20_000 + us, level) for us, level in edges(50, 40, 50)]
    bounced = sorted(double + [(us + 1000, 1 - level) for us, level in double] + [(us + 2000, lv) for us, lv in double])
    box.edges_during_stall("button", bounced, stall_ms)
    box.advance(_WINDOW_MS)
    alerts = stored(receiver, 1)
    assert alerts[-1].kind_name in ("help", "alarm")


def test_a_button_that_sticks_is_one_alarm_and_one_fault(box: VirtualBox, receiver: ReceiverThread):
    box.edges("button", [(0, 1)])
    box.advance(120_000)
    assert [alert.kind_name for alert in stored(receiver, 2)] == ["alarm", "button-stuck"]


def test_what_was_pressed_on_a_new_box_calls_nobody_when_it_is_enrolled(make_box, receiver: ReceiverThread):
    box = make_box(receiver, enrol=False, clock="stepped")
    box.press("button", 120)
    box.advance(700)
    account = receiver.enrol(box.public_key, box.name, host=receiver.town.names[0])
    box.power_cut()
    box.put_documents(account)
    mark = len(box.log)
    box.power_on()
    advance_until(box, lambda: any(line.text.startswith("connected") for line in box.log[mark:]))
    box.press("button", 120)
    box.advance(700)
    receiver.wait_until(lambda: len(receiver.alerts()) == 2)
    assert [(alert.kind_name, alert.for_people) for alert in receiver.alerts()] == [("inform", False), ("inform", True)]


def test_what_was_pressed_on_a_new_box_keeps_it_neither_from_the_network_nor_from_its_sleep(make_box):
    box = make_box(enrol=False, clock="stepped")
    box.press("button", 120)
    box.mains(False)
    box.battery(3.1)
    advance_until(box, lambda: box.asleep, most_ms=20 * 60_000, step_ms=10_000)
