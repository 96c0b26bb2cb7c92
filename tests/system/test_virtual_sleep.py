"""The virtual board's deep sleep: what ends it, what outlasts it, how time goes on over it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alertbox.sim import VirtualBox
from board_program import start_program

pytestmark = pytest.mark.needs("mains", "press", "advance", "battery", "power_cut", "power_on")

# Sleeps, says how it woke, and sleeps again.
PROGRAM = """
import esp32, machine, time
rtc = machine.RTC()
button = machine.Pin(33, machine.Pin.IN, machine.Pin.PULL_UP)
mains = machine.Pin(35, machine.Pin.IN)
woken = machine.reset_cause() == machine.DEEPSLEEP_RESET
count = rtc.memory()[0] + 1 if woken else 0
rtc.memory(bytes([count]))
print("woken", machine.reset_cause(), machine.wake_reason(), count, button.value(), mains.value())
if count == STAYS:
    def seen(pin):
        print("edge", pin.value())
    button.irq(seen)
    import asyncio
    asyncio.run(asyncio.Event().wait())
esp32.wake_on_ext0(button, esp32.WAKEUP_ALL_LOW)
esp32.wake_on_ext1((mains,), esp32.WAKEUP_ANY_HIGH)
machine.deepsleep(TIME)
"""


@pytest.fixture
def start(make_box: Callable[..., VirtualBox], tmp_path: Path) -> Callable[..., VirtualBox]:
    def begin(time_ms: int | str = "", stays: int = 99, clock: str = "stepped") -> VirtualBox:
        program = PROGRAM.replace("TIME", str(time_ms)).replace("STAYS", str(stays))
        box = start_program(make_box, tmp_path / "board", program, clock=clock, mains=False)
        box.wait_for(lambda: box.asleep or len(wakes(box)) > 1)
        return box

    return begin


def wakes(box: VirtualBox) -> list[str]:
    """reset cause, wake reason, count, level of the button, of the mains; a start each."""
    return [line.removeprefix("woken ") for line in box.console_lines if line.startswith("woken")]


def test_the_timer_ends_it_as_often_as_the_time_that_passes_has_room_for(start):
    box = start(600_000)
    box.advance(599_000)
    assert wakes(box) == ["1 0 0 1 0"]
    box.advance(3 * 600_000)
    assert wakes(box)[1:] == ["4 4 1 1 0", "4 4 2 1 0", "4 4 3 1 0"]
    assert box.asleep


def test_without_a_time_it_sleeps_until_a_pin_ends_it(start):
    box = start()
    box.advance(7 * 24 * 3600 * 1000)
    assert box.asleep
    assert len(wakes(box)) == 1
    box.press("button", 120)
    assert wakes(box)[1:] == ["4 2 1 1 0"], "released while the chip started"


def test_a_press_that_lasts_is_seen_to_its_end_by_the_next_start(start):
    box = start(stays=1)
    box.press("button", 1500)
    assert wakes(box)[1:] == ["4 2 1 0 0"]
    assert [line for line in box.console_lines if line.startswith("edge")] == ["edge 1"]


def test_a_level_that_stays_ends_each_sleep_at_once(start):
    box = start(stays=3)
    box.mains(True)
    box.wait_for(lambda: len(wakes(box)) == 4)
    assert wakes(box)[1:] == ["4 3 1 1 1", "4 3 2 1 1", "4 3 3 1 1"]


def test_a_power_cut_ends_it_for_good_and_forgets(start):
    box = start()
    box.power_cut()
    box.power_on()
    box.wait_for(lambda: box.asleep)
    assert wakes(box) == ["1 0 0 1 0"] * 2


def test_on_a_real_clock_the_timer_ends_it_too(start):
    box = start(100, stays=2, clock="real")
    box.wait_for(lambda: len(wakes(box)) == 3)
    assert wakes(box)[1:] == ["4 4 1 1 0", "4 4 2 1 0"]


def test_on_a_real_clock_it_waits_for_a_pin_as_long_as_it_takes(start):
    box = start(stays=1, clock="real")
    box.battery(3.3)  # the world can change meanwhile
    assert box.asleep
    box.mains(True)
    box.wait_for(lambda: len(wakes(box)) == 2)
    assert wakes(box)[1] == "4 3 1 1 1"


def test_a_pin_that_the_rtc_does_not_see_cannot_wake_the_chip(make_box: Callable[..., VirtualBox], tmp_path: Path):
    program = """
import esp32, machine
try:
    esp32.wake_on_ext0(machine.Pin(21, machine.Pin.IN), False)
except ValueError as error:
    print("refused", error)
"""
    box = start_program(make_box, tmp_path / "board", program)
    box.wait_for(lambda: "refused invalid pin" in box.console_lines)
