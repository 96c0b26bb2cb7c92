"""An empty cell: the box sleeps, and what wakes it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alertbox.box.session import BoxConsole
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from board_program import Holder, start_program
from stepping import advance_until

pytestmark = pytest.mark.needs(
    "edges",
    "mains",
    "press",
    "serial",
    "wifi",
    "advance",
    "battery",
    "fail",
    "light",
    "power_cut",
    "power_on",
    "siren",
    "wear",
)

LOOK_MS = 10 * 60 * 1000
EMPTY = 3.1
PARTITIONS = ("events", "journal", "bips", "vfs")


def discharge(box: VirtualBox) -> None:
    """Take the mains away and let the cell run empty, until the box sleeps."""
    box.mains(False)
    box.battery(EMPTY)
    advance_until(box, lambda: box.asleep, most_ms=120_000, step_ms=1000)


def lines(box: VirtualBox, text: str, since: int = 0) -> int:
    return sum(line.text.startswith(text) for line in box.log[since:])


def connected(box: VirtualBox, since: int) -> None:
    advance_until(box, lambda: lines(box, "connected", since) > 0)


def programs(box: VirtualBox) -> int:
    """Programs and erases of all partitions since this start."""
    wear = [box.wear(name) for name in PARTITIONS]
    return sum(sum(row["programs"]) + sum(row["erases"]) for row in wear)


def kinds(receiver: ReceiverThread) -> list[str]:
    return [alert.kind_name for alert in receiver.alerts()]


def test_an_empty_cell_is_told_as_low_and_then_the_box_sleeps(box: VirtualBox, receiver: ReceiverThread):
    (identity,) = [line for line in box.log if line.text.startswith("identity")][-1:]
    name = identity.fields["box"]
    box.mains(False)
    box.battery(3.4)
    box.advance(65_000)
    receiver.wait_for(lambda alert: alert.kind_name == "battery-low" and "mains-lost" in alert.flags)
    box.battery(EMPTY)
    box.advance(120_000)
    assert box.asleep
    assert lines(box, "battery") == 2
    receiver.wait_until(lambda: receiver.states()[name].state == "offline", timeout=60)
    assert sorted(kinds(receiver)) == ["battery-low", "mains-lost"]


def test_light_and_siren_are_switched_off_whatever_they_were(make_box: Callable[..., VirtualBox], tmp_path: Path):
    program = """
import sys
sys.path += ["/host/firmware", "/host/boards/esp32_wrover"]
import board, machine
from box import power
for number, on in board.OUTPUTS.values():
    machine.Pin(number, machine.Pin.OUT, value=on)
input()
class Button:
    active, is_stuck = 0, False
power.switch_off(Button)
"""
    box = start_program(make_box, tmp_path / "board", program, mains=False)
    box.wait_for(lambda: box.light() and box.siren())
    with Holder(box.serial) as holder:
        holder.write(b"\n")
        box.wait_for(lambda: box.asleep)
    box.wait_for(lambda: not box.light() and not box.siren())


def test_a_sleep_that_was_not_the_firmwares_is_a_start_like_any_other(
    make_box: Callable[..., VirtualBox], tmp_path: Path
):
    program = """
import machine, sys
if machine.reset_cause() == machine.PWRON_RESET:
    machine.RTC().memory(b"something else")
    machine.deepsleep(100)
sys.path += ["/host/firmware", "/host/boards/esp32_wrover"]
from box import power
power.sleep_on()
print("goes on", power.press)
"""
    box = start_program(make_box, tmp_path / "board", program, mains=False)
    box.wait_for(lambda: "goes on None" in box.console_lines)


def test_asleep_it_looks_every_ten_minutes_and_writes_nothing(box: VirtualBox):
    discharge(box)
    mark = len(box.log)
    for _ in range(24):
        box.advance(LOOK_MS)
        assert box.asleep
        assert programs(box) == 0
    assert [line.text for line in box.log[mark:]] == ["back to sleep mv=3100"] * 24


def test_mains_wakes_it_and_it_alerts_and_counts_one_start(box: VirtualBox, receiver: ReceiverThread):
    discharge(box)
    box.advance(5 * LOOK_MS)
    mark = len(box.log)
    box.mains(True)
    armed = box.wait_log("app", "armed", since=mark)
    assert armed.fields["boot"] == "3"
    assert next(line for line in box.log[mark:] if line.text.startswith("start")).fields["reset"] == "4"
    connected(box, mark)
    box.press("button", 120)
    box.advance(700)
    alert = receiver.wait_for(lambda alert: alert.kind_name == "inform")
    assert alert.boot == 3
    assert "mains-lost" not in alert.flags


def test_a_dip_of_mains_lets_it_sleep_on(box: VirtualBox):
    discharge(box)
    mark = len(box.log)
    box.edges("mains", [(0, 1), (300_000, 0)])
    box.advance(1000)
    assert box.asleep
    assert lines(box, "start", mark) == 0


def test_a_cell_that_is_charged_although_no_mains_is_seen_ends_the_sleep(box: VirtualBox):
    discharge(box)
    mark = len(box.log)
    box.battery(3.59)
    box.advance(LOOK_MS)
    assert box.asleep
    box.battery(3.6)
    box.advance(LOOK_MS)
    assert not box.asleep
    assert lines(box, "armed", mark) == 1


def test_a_cell_that_is_pulled_out_while_it_sleeps_ends_the_sleep(box: VirtualBox):
    """It could be a measurement that fails: that must not keep a box off."""
    discharge(box)
    box.battery(0)
    box.advance(LOOK_MS)
    assert not box.asleep


@pytest.mark.parametrize(
    ("ms", "kind"), [(120, "help"), (1400, "help"), (1700, "alarm"), (5000, "alarm")], ids=lambda value: str(value)
)
def test_the_press_that_wakes_it_is_told_and_never_as_too_little(
    box: VirtualBox, receiver: ReceiverThread, ms: int, kind: str
):
    """A second press may hide in the second until Python looks: one press counts as two."""
    discharge(box)
    mark = len(box.log)
    box.press("button", ms)
    box.advance(1000)
    connected(box, mark)
    alert = receiver.wait_for(lambda alert: alert.kind_name in ("inform", "help", "alarm"))
    assert (alert.kind_name, alert.source) == (kind, 1)
    assert {"mains-lost"} <= set(alert.flags)
    box.advance(5000)
    assert [name for name in kinds(receiver) if name in ("inform", "help", "alarm")] == [kind]


def test_two_clicks_of_which_the_first_wakes_it_are_a_call_for_help(box: VirtualBox, receiver: ReceiverThread):
    discharge(box)
    box.edges("button", [(0, 1), (100_000, 0), (1_300_000, 1), (1_400_000, 0)])
    box.advance(1000)
    receiver.wait_for(lambda alert: alert.kind_name == "help")


def test_after_the_press_it_sleeps_again_once_nothing_waits(box: VirtualBox, receiver: ReceiverThread):
    discharge(box)
    box.press("button", 120)
    box.advance(2000)
    receiver.wait_for(lambda alert: alert.kind_name == "help")
    box.advance(9 * 60_000)
    assert not box.asleep, "the incident runs for ten minutes"
    box.advance(120_000)
    assert box.asleep


def test_a_button_that_wakes_it_again_and_again_is_left_alone_until_another_start(
    box: VirtualBox, receiver: ReceiverThread
):
    discharge(box)
    for _ in range(3):
        press_and_let_sleep(box)
    mark = len(box.log)
    box.press("button", 120)
    box.advance(2000)
    assert box.asleep
    assert lines(box, "start", mark) == 0
    box.mains(True)
    advance_until(box, lambda: not box.asleep)
    discharge(box)
    press_and_let_sleep(box)
    receiver.wait_until(lambda: kinds(receiver).count("help") == 4)


def press_and_let_sleep(box: VirtualBox) -> None:
    box.press("button", 120)
    assert not box.asleep
    box.advance(12 * 60_000)
    assert box.asleep


def test_a_button_that_is_stuck_does_not_keep_it_awake(box: VirtualBox, receiver: ReceiverThread):
    box.edges("button", [(0, 1)])
    box.advance(60_000)
    receiver.wait_for(lambda alert: alert.kind_name == "button-stuck")
    box.advance(11 * 60_000)
    discharge(box)
    mark = len(box.log)
    box.advance(3 * LOOK_MS)
    assert box.asleep
    assert lines(box, "start", mark) == 0
    box.edges("button", [(0, 0)])
    box.advance(LOOK_MS)
    box.press("button", 1700)
    box.advance(1000)
    receiver.wait_for(lambda alert: alert.kind_name == "alarm" and alert.boot == 3)


def test_a_press_that_waits_keeps_it_awake_until_it_is_received(box: VirtualBox, receiver: ReceiverThread):
    box.wifi(False)
    box.press("button", 120)
    box.mains(False)
    box.battery(EMPTY)
    box.advance(13 * 60_000)
    assert not box.asleep
    box.wifi(True)
    advance_until(box, lambda: "inform" in kinds(receiver))
    advance_until(box, lambda: box.asleep, most_ms=120_000, step_ms=1000)


def test_a_gesture_that_is_not_decided_yet_keeps_it_awake(box: VirtualBox, receiver: ReceiverThread):
    box.mains(False)
    box.battery(EMPTY)
    advance_until(box, lambda: lines(box, "battery") == 1)
    mark = len(box.log)
    box.advance(34_000)
    box.press("button", 1300)
    box.advance(1000)
    receiver.wait_for(lambda alert: alert.kind_name == "inform")
    assert not box.asleep
    assert lines(box, "start", mark) == 0


@pytest.mark.parametrize("cause", ["none", "converter", "mains"])
def test_it_does_not_sleep_without_a_cell_nor_by_a_converter_that_fails_nor_on_mains(box: VirtualBox, cause: str):
    if cause != "mains":
        box.mains(False)
    box.battery(0 if cause == "none" else EMPTY)
    if cause == "converter":
        box.fail("adc", "error")
    box.advance(5 * 60_000)
    assert not box.asleep
    low = [] if cause == "converter" else ["1"]  # what cannot be measured is not low
    assert [line.fields["what"] for line in box.log if line.text.startswith("battery")] == low, "but not empty"


def test_after_a_power_on_it_starts_however_weak_its_cell_is(box: VirtualBox, receiver: ReceiverThread):
    """A press may wait in its journal, and who plugs the battery in first shall see it live."""
    discharge(box)
    box.power_cut()
    armed = box.power_on()
    assert armed.fields["boot"] == "3"
    mark = len(box.log)
    box.wifi(False)
    box.press("button", 120)
    box.advance(120_000)
    box.power_cut()
    box.wifi(True)
    box.power_on()
    connected(box, mark)
    receiver.wait_for(lambda alert: alert.kind_name == "inform")


def test_the_sleep_stands_in_the_log_of_events_once_however_often_it_looked(box: VirtualBox):
    discharge(box)
    box.advance(3 * LOOK_MS)
    mark = len(box.log)
    box.mains(True)
    box.wait_log("app", "armed", since=mark)
    with BoxConsole(box.serial) as console:
        events = [(event, detail) for *_, event, detail in console.call("events")["events"]]
    assert events[:2] == [("boot", "reset 4"), ("battery empty", "3100 mV")]
    assert events.count(("boot", "reset 4")) == 1


def test_a_contact_that_rests_closed_wakes_it_when_it_opens(make_box: Callable[..., VirtualBox], receiver: Any):
    box = make_box(receiver, clock="stepped", settings={"inputs": {"button": "closed"}})
    box.edges("button", [(0, 1)])  # the contact's rest: the virtual board counts from one that rests open
    box.advance(15 * 60_000)
    discharge(box)
    box.advance(2 * LOOK_MS)
    assert box.asleep
    box.edges("button", [(0, 0), (150_000, 1)])
    box.advance(1000)
    assert not box.asleep
    receiver.wait_until(lambda: "help" in kinds(receiver))
