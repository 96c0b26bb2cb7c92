"""What a press costs the flash, at the press and over the alert's life, and how long a start reads the journal."""

from typing import Any

import esp32
from alertbox.sim import VirtualBox
from interpreter import run
from rows import Row

_PRESSES = 40  # over the edge of a block, which is 31 slots
_CLICK_MS = 120
_REST_MS = 1000  # idle work comes to its end
_STEP_MS = 5  # short enough that idle work seldom falls into the step in which the press is journalled
_LONGEST_MS = 2000


def rows() -> list[Row]:
    programs, erases = _at_the_press()
    figures = run("wear.py").figures
    alerts = f"{figures['alerts']:,} alerts"
    return [
        Row(f"flash programs at a press, most of {_PRESSES}", programs, "programs", goal=1),
        Row(f"flash erases at a press, most of {_PRESSES}", erases, "erases", goal=0),
        *_life(f"life of an alert: received ({alerts})", figures["received"]),
        *_life(f"life of an alert: received, in charge ({alerts})", figures["in_charge"]),
        _scan("start scans a full journal, all delivered, ESP32 estimate", figures["scan_delivered"]),
        _scan(
            f"start scans a full journal, {figures['scan_undelivered']['undelivered']} undelivered, ESP32 estimate",
            figures["scan_undelivered"],
        ),
    ]


def _life(what: str, life: dict[str, float]) -> list[Row]:
    return [
        Row(f"flash programs, {what}", life["programs"], "an alert", goal=4),
        Row(f"flash erases, {what}", life["erases"], "an alert", goal=0.05),
    ]


def _scan(name: str, scan: dict[str, float]) -> Row:
    flash_ms = esp32.flash_ms(scan["reads"], scan["read_bytes"], scan["programs"])
    return Row(name, esp32.code_ms(scan["code_us"]) + flash_ms, "ms", goal=300)


def _at_the_press() -> tuple[int, int]:
    """The most programs and erases on the journal from the first edge until the press is journalled: whole firmware."""
    worst = 0, 0
    with VirtualBox(clock="stepped") as box:
        for _ in range(_PRESSES):
            box.advance(_REST_MS)
            before, mark = _journal(box), len(box.log)
            box.press("button", _CLICK_MS)
            for _ in range(_LONGEST_MS // _STEP_MS):
                box.advance(_STEP_MS)
                if any(line.text.startswith("journalled") for line in box.log[mark:]):
                    break
            box.wait_log("issuer", "journalled", since=mark, timeout=1)
            after = _journal(box)
            worst = max(worst[0], after[0] - before[0]), max(worst[1], after[1] - before[1])
    return worst


def _journal(box: VirtualBox) -> tuple[int, int]:
    wear: dict[str, Any] = box.wear("journal")
    return sum(wear["programs"]), sum(wear["erases"])
