"""The first of a start: whether to sleep on, and how many starts in a row have failed.

A start counts as failed, on flash, until it has held for a while. After some that failed, every other one is in safe
mode, which takes a press with the least (box/safe.py); between them the box tries a normal one again.
What is loaded here is the chip's alone, so that nothing that is damaged keeps the box from counting.
"""

import asyncio
import os
import sys
import time

import machine

_REPAIR_MS = 10 * 60 * 1000
_FOLDER = "/data"  # as wiring/flash.py has it
# One byte: littlefs keeps it in its folder, so to write it takes no block, and is one step.
_COUNT_FILE = _FOLDER + "/starts"
_MOST_FAILED = 3
_HELD_S = 30
_FAULT_MS = (20, 180, 20, 4780)  # core/signs.py's pattern of a fault

watchdog = None  # of a box that has been enrolled


def begin(running) -> bool:
    """Count this start; True if it is to be in safe mode. Does not return if the cell is too empty to start.

    `running`: the watchdog, or None on a box that nobody has enrolled.
    """
    global watchdog
    watchdog = running
    if machine.reset_cause() == machine.DEEPSLEEP_RESET:
        _look()
    failed = _failed()
    _write(failed + 1 if failed < 255 else 254)
    # Who pulls the plug ends a start, too: after a power-on the next one is always a normal one.
    return machine.reset_cause() != machine.PWRON_RESET and failed >= _MOST_FAILED and failed % 2 == 1


def _look() -> None:
    """Before all else is loaded: who goes back to sleep shall not have been awake for long, nor have written."""
    try:
        from box import power

        power.sleep_on()
    except Exception as error:  # noqa: BLE001 - whatever it was, it will show again
        sys.print_exception(error)


async def hold(is_supervised: bool) -> None:
    """This start is well once it has run for a while. Who is not supervised is watched by its loop's turning alone."""
    await asyncio.sleep(_HELD_S)
    _write(0)
    while watchdog and not is_supervised:
        watchdog.feed()
        await asyncio.sleep(1)


def failed() -> None:
    """Show the fault, before the next start; without a board.py or a light, only wait."""
    try:
        import board

        number, on = board.OUTPUTS["light"]
        pin = machine.Pin(number, machine.Pin.OUT, value=1 - on)
        for index, duration_ms in enumerate(_FAULT_MS):
            pin.value(1 - on if index % 2 else on)
            time.sleep_ms(duration_ms)
    except Exception:  # noqa: BLE001 - whatever it was, the box restarts
        time.sleep_ms(sum(_FAULT_MS))


def interrupted() -> None:
    """A person is at the prompt: no start has failed, and the watchdog leaves them time for a repair."""
    _write(0)
    if watchdog:
        machine.WDT(timeout=_REPAIR_MS)


def restart() -> None:
    """Because somebody wants it."""
    _write(0)
    machine.reset()


def _failed() -> int:
    try:
        with open(_COUNT_FILE, "rb") as file:
            return sum(file.read(1))
    except OSError:
        return 0


def _write(count: int) -> None:
    try:
        try:
            os.stat(_FOLDER)
        except OSError:
            os.mkdir(_FOLDER)
        with open(_COUNT_FILE, "wb") as file:
            file.write(bytes((count,)))
    except OSError as error:
        print("starts cannot be counted:", error)  # the journal's flash may be well
