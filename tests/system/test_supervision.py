"""The box never looks alive while it cannot alert."""

import pytest
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from stepping import advance_until

pytestmark = pytest.mark.needs("press", "wifi", "advance", "fail", "power_cut", "stall")


def restarts(box: VirtualBox, since: int) -> int:
    return sum(line.text.startswith("armed") for line in box.log[since:])


@pytest.mark.parametrize(
    ("part", "task"), [("pin", "button"), ("output", "light"), ("wlan", "wifi"), ("socket", "link")]
)
def test_a_critical_task_that_dies_restarts_the_box_which_then_alerts(
    box: VirtualBox, receiver: ReceiverThread, part: str, task: str
):
    if part == "socket":
        box.wifi(False)  # so that it has to connect again
        box.advance(1000)
    mark = len(box.log)
    box.fail(part)
    box.wifi(True)
    advance_until(box, lambda: restarts(box, mark) > 0)
    assert any(line.fields.get("part") == task for line in box.log[mark:] if line.text.startswith("a part died"))
    advance_until(box, lambda: any(line.text.startswith("connected") for line in box.log[mark:]))
    box.press("button", 120)
    box.advance(700)
    receiver.wait_for(lambda alert: alert.kind_name == "inform")


def test_a_part_that_hangs_for_ever_is_ended_by_the_watchdog(box: VirtualBox, receiver: ReceiverThread):
    mark = len(box.log)
    box.fail("wlan", "hang")
    advance_until(box, lambda: restarts(box, mark) > 0, most_ms=200_000)
    started = next(line for line in box.log[mark:] if line.text.startswith("start"))
    assert started.fields["reset"] == "3"  # machine.WDT_RESET
    advance_until(box, lambda: any(line.text.startswith("connected") for line in box.log[mark:]))
    box.press("button", 1800)
    receiver.wait_for(lambda alert: alert.kind_name == "alarm")


def test_a_radio_that_does_not_start_is_tried_again_and_restarts_nothing(box: VirtualBox, receiver: ReceiverThread):
    mark = len(box.log)
    box.fail("radio")
    box.wifi(False)
    box.advance(60_000)
    assert any("Wifi Unknown Error 0x0101" in line.text for line in box.log[mark:])
    assert restarts(box, mark) == 0


def test_the_watchdog_leaves_a_box_alone_that_does_its_work(box: VirtualBox):
    mark = len(box.log)
    box.advance(20 * 60 * 1000)
    assert restarts(box, mark) == 0


def test_the_longest_stall_does_not_wake_the_watchdog(box: VirtualBox):
    mark = len(box.log)
    box.stall(20_000)
    box.advance(5000)
    assert restarts(box, mark) == 0


def test_a_heartbeat_comes_every_hour(box: VirtualBox, receiver: ReceiverThread):
    box.advance(3600 * 1000 + 10_000)
    receiver.wait_until(lambda: len(receiver.alerts()) >= 1)
    assert [alert.kind_name for alert in receiver.alerts()] == ["heartbeat"]


def test_a_path_lost_for_three_minutes_is_journalled_and_told_on_its_return(box: VirtualBox, receiver: ReceiverThread):
    box.wifi(False)
    box.advance(170_000)
    assert not any("path-lost" in line.text for line in box.log)
    box.advance(20_000)
    assert any("journalled" in line.text and "path-lost" in line.text for line in box.log)
    box.wifi(True)
    receiver_kinds = lambda: [alert.kind_name for alert in receiver.alerts()]  # noqa: E731
    advance_until(box, lambda: "path-back" in receiver_kinds())
    assert sorted(receiver_kinds()) == ["path-back", "path-lost"]


def test_an_alert_while_the_path_is_lost_says_so(box: VirtualBox, receiver: ReceiverThread):
    box.wifi(False)
    box.advance(200_000)
    box.press("button", 120)
    box.advance(700)
    box.wifi(True)
    advance_until(box, lambda: any(alert.kind_name == "inform" for alert in receiver.alerts()))
    (alert,) = [alert for alert in receiver.alerts() if alert.kind_name == "inform"]
    assert "path-degraded" in alert.flags


def test_the_broker_tells_of_a_box_that_vanished(box: VirtualBox, receiver: ReceiverThread):
    (identity,) = [line for line in box.log if line.text.startswith("identity")][-1:]
    name = identity.fields["box"]
    receiver.wait_until(lambda: name in receiver.states() and receiver.states()[name].state == "online")
    box.power_cut()
    receiver.wait_until(lambda: receiver.states()[name].state == "offline", timeout=60)
