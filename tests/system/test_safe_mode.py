"""A start that fails restarts the box; after several, the box takes presses in safe mode, and tries again."""

from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

import pytest
from alertbox.box.session import BoxConsole
from alertbox.flash.application import modules
from alertbox.flash.board import load
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox, flash
from alertbox.sim.machine import ARMED, SAFE
from alertbox.sim.process import ROOT
from board_program import Holder
from stepping import advance_until

pytestmark = pytest.mark.needs("press", "serial", "advance", "fail", "power_cut", "power_on")

HANGS = b"from virtual.chip import chip\nwhile True:\n    chip.stall(1000)\n"
RAISES = b"class Radio:\n    def __init__(self, *_):\n        raise ValueError('planted')\n"
TEN_MINUTES_MS = 600_000

Damage = Callable[[dict[str, bytes]], object]


@pytest.fixture(scope="module")
def application() -> dict[str, bytes]:
    """As single files, which have precedence over a bundle: so that one of them can be damaged."""
    starters = {name: (ROOT / "firmware" / name).read_bytes() for name in ("boot.py", "main.py")}
    return starters | modules(load("esp32_wrover"))


def truncated(name: str) -> Damage:
    return lambda content: content.update({name: content[name][: len(content[name]) // 2]})


def missing(name: str) -> Damage:
    return lambda content: content.pop(name)


def replaced(name: str, program: bytes) -> Damage:
    def damage(content: dict[str, bytes]) -> None:
        del content[f"{name}.mpy"]
        content[f"{name}.py"] = program

    return damage


def empty(name: str) -> Damage:
    return lambda content: content.update({name: b""})  # littlefs: created, never closed


@pytest.fixture
def install(box: VirtualBox, application: dict[str, bytes]) -> Callable[..., VirtualBox]:
    """Put the application, damaged, into the filesystem of an enrolled box, and have it start."""

    def put(*damages: Damage, until: tuple[str, str] = SAFE, starts: int = 0, timeout: float = 60) -> VirtualBox:
        content = application | {"data/starts": bytes((starts,))}
        for damage in damages:
            damage(content)
        if box.is_on:
            box.power_cut()
        flash.put_files(box.folder / "flash.bin", box.partitions, content)
        box.console_lines.clear()
        box.power_on(timeout, until)
        return box

    return put


def failures(box: VirtualBox) -> int:
    return sum(line.startswith("Traceback") for line in box.console_lines)


def starts(box: VirtualBox) -> int:
    """How many in a row have failed, as flash has it."""
    return flash.get_file(box.folder / "flash.bin", box.partitions, "data/starts")[0]


def pressed(receiver: ReceiverThread) -> list[str]:
    return [alert.kind_name for alert in receiver.alerts()]


def test_a_press_in_safe_mode_is_on_flash_and_is_delivered_after_the_repair(
    install: Callable[..., VirtualBox], receiver: ReceiverThread
):
    box = install(empty("box/core/config_schema.mpy"))
    box.wait_log("safe", "cannot send")
    box.press("button", 1800)
    box.advance(1000)
    assert any("journalled" in line and "kind=alarm" in line for line in box.console_lines)
    assert pressed(receiver) == []
    install(until=ARMED)
    advance_until(box, lambda: pressed(receiver) == ["alarm"])


@pytest.mark.parametrize(
    "damage",
    [empty("box/console/deeds.mpy"), missing("box/bips/registry.mpy"), replaced("box/wiring/radio", RAISES)],
    ids=["empty", "missing", "exception in __init__"],
)
def test_what_safe_mode_does_not_need_may_be_damaged_and_it_sends(
    install: Callable[..., VirtualBox], receiver: ReceiverThread, damage: Damage
):
    box = install(damage)
    box.press("button", 120)
    advance_until(box, lambda: pressed(receiver) == ["inform"])
    assert "path-degraded" in receiver.alerts()[0].flags


def test_three_starts_fail_before_safe_mode_and_each_shows_the_fault(
    install: Callable[..., VirtualBox], box: VirtualBox, monkeypatch: pytest.MonkeyPatch
):
    seen: list[Any] = []
    happened = box._happened

    def note(event: Any) -> None:
        seen.append(event)
        happened(event)

    monkeypatch.setattr(box, "_happened", note)
    install(empty("box/console/deeds.mpy"))
    assert failures(box) == 3
    light = box._outputs["light"][0]
    flashes = [event["us"] // 1000 for event in seen if event["event"] == "pin" and event["pin"] == light]
    assert [later - earlier for earlier, later in zip(flashes[:3], flashes[1:4], strict=True)] == [20, 180, 20]
    assert len(flashes) >= 12


def test_after_ten_minutes_without_a_press_a_normal_start_is_tried(install: Callable[..., VirtualBox]):
    box = install(empty("box/console/deeds.mpy"))
    mark = len(box.log)
    box.advance(TEN_MINUTES_MS - 5000)
    box.press("button", 120)
    box.advance(TEN_MINUTES_MS - 5000)
    assert failures(box) == 3  # who has pressed may press again
    with suppress(RuntimeError):  # it goes off in the middle
        box.advance(10_000)
    box.wait_log("safe", "armed", since=mark)
    assert failures(box) == 4


def test_a_start_that_hangs_is_ended_by_the_watchdog(install: Callable[..., VirtualBox], receiver: ReceiverThread):
    box = install(replaced("box/app", HANGS))
    assert failures(box) == 0
    box.press("button", 120)
    advance_until(box, lambda: pressed(receiver) == ["inform"])


def test_a_heap_too_small_for_the_application_leaves_room_for_safe_mode(
    install: Callable[..., VirtualBox], box: VirtualBox
):
    box._heapsize = "256K"
    install()
    assert any(line.startswith("MemoryError") for line in box.console_lines)
    box.press("button", 120)
    box.advance(1000)
    assert any("journalled" in line for line in box.console_lines)


def test_a_module_cut_short_is_read_for_ever_and_the_watchdog_ends_that(
    install: Callable[..., VirtualBox], box: VirtualBox, receiver: ReceiverThread
):
    def bite_thrice() -> None:
        for failed in (1, 2, 3):
            while starts(box) != failed:
                pass
            box.bite()

    watchdog = Thread(target=bite_thrice)
    watchdog.start()
    install(truncated("box/console/deeds.mpy"))
    watchdog.join()
    assert failures(box) == 0
    box.press("button", 120)
    advance_until(box, lambda: pressed(receiver) == ["inform"])


@pytest.mark.parametrize("name", ["box/start.mpy", "box/power.mpy"])
def test_what_looks_and_counts_first_may_be_damaged_itself(install: Callable[..., VirtualBox], name: str):
    box = install(empty(name))
    box.press("button", 120)
    box.advance(1000)
    assert any("journalled" in line for line in box.console_lines)


def test_with_safe_mode_damaged_too_it_goes_on_trying(install: Callable[..., VirtualBox], box: VirtualBox):
    with pytest.raises(TimeoutError):
        install(empty("box/safe.mpy"), empty("box/app.mpy"), timeout=0.01)
    box.wait_for(lambda: failures(box) >= 6)


def test_power_cuts_are_no_failed_starts(install: Callable[..., VirtualBox]):
    install(until=ARMED, starts=7)


@pytest.mark.parametrize(("held_ms", "then"), [(20_000, SAFE), (31_000, ARMED)])
def test_a_start_that_has_held_is_well(install: Callable[..., VirtualBox], held_ms: int, then: tuple[str, str]):
    box = install(until=ARMED, starts=2)
    box.advance(held_ms)
    mark = len(box.log)
    box.fail("output", "raise")
    advance_until(box, lambda: any((line.module, line.text.split()[0]) == then for line in box.log[mark:]))


def test_a_restart_that_somebody_wants_is_no_failed_start(install: Callable[..., VirtualBox]):
    box = install(until=ARMED, starts=2)
    with BoxConsole(box.serial) as console:
        console.call("restart")
    mark = len(box.log)
    with suppress(RuntimeError):  # it goes off in the middle
        box.advance(1000)
    box.wait_log(*ARMED, since=mark)


@pytest.mark.parametrize("until", [ARMED, SAFE])
def test_who_interrupts_has_a_prompt_and_a_normal_start_next(
    install: Callable[..., VirtualBox], until: tuple[str, str]
):
    damages = () if until == ARMED else (empty("box/console/deeds.mpy"),)
    box = install(*damages, until=until, starts=2)
    with Holder(box.serial) as holder:
        holder.write(b"\x03")
        holder.read_until(b">>> ")
    assert starts(box) == 0
