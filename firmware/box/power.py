"""Sleep while the cell is empty, wired: what ends it, and what a start after it begins with.

A cell that is drained further is ruined, so the chip sleeps deeply: it takes a thousandth, hears and sends nothing.
Mains that is back wakes it, and the button, since a person under threat is worth more than a cell. It also looks by
itself now and then, in case mains is back and its wire is not. What is pressed until the application runs is not seen
in full, so a press that wakes it counts as two at least. Foot switch and bips do not wake it: the chip has one
waker for a contact that closes to ground, and Bluetooth is off.

Each wake is a start. One that only goes back to sleep has switched no radio on and written nothing to flash; what must
outlast it is two bytes in the RTC's memory. After a power-on the box always starts: it may hold a press that waits, and
who plugs its battery in shall see it live.

Pins by board.py; those of button and mains are such as the chip's RTC sees.
"""

import time

import bluetooth
import board
import esp32
import machine
import network

from box.inputs.battery import Battery
from box.log import Log

_LOOK_MS = 10 * 60 * 1000
_STARTING_MS = 1000  # from the wake until Python runs: to be measured, see tests/hil/README.md
# Starts by the button in a row, none by mains or charge between them: a cable that chatters must not keep it awake.
_PRESSES = 3
_STUCK = 255  # in place of their number: not listened to until a look finds the button up

# Of the press that woke it, at the first look: milliseconds since the wake, with the ticks of that moment and with
# whether the button was still down. None without such a press.
began: "tuple | None" = None
press: "tuple[int, bool] | None" = None

_log = Log("power")


def battery(mains, needed=None, clock=None) -> Battery:
    adc = machine.ADC(machine.Pin(board.BATTERY["pin"]), atten=machine.ADC.ATTN_11DB)
    return Battery(adc, board.BATTERY, mains, needed, clock)


def pin(name: str) -> machine.Pin:
    """An input of the board."""
    number, _, pull_up = board.INPUTS[name]
    return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP if pull_up else -1)


def sleep_on() -> None:
    """First of all at a start, before the radio is on: back to sleep if the cell is still empty and nobody presses."""
    try:
        _sleep_on()
    except Exception as error:  # noqa: BLE001 - whatever it was, the box starts
        _log.error("cannot look", reason=repr(error))


def _sleep_on() -> None:
    global began, press
    memory = machine.RTC().memory()
    if machine.reset_cause() != machine.DEEPSLEEP_RESET or len(memory) != 2:
        return
    level, presses = memory
    is_down = pin("button").value() == level
    if presses == _STUCK and not is_down:
        presses = 0
    # One that is down although it did not wake the box was pressed during this start.
    if machine.wake_reason() == machine.EXT0_WAKE or (is_down and presses < _PRESSES):
        began = _STARTING_MS, time.ticks_ms()
        press = _STARTING_MS, is_down
        return
    cell = battery(lambda: pin("mains").value() == board.INPUTS["mains"][1])
    if not cell.enough_to_start:
        _log.info("back to sleep", mv=cell.mv())
        _sleep(level, presses)


def switch_off(button) -> None:
    """The cell is empty, and the box runs. A button that is stuck wakes nobody."""
    for radio in (bluetooth.BLE(), network.WLAN(network.STA_IF)):
        try:
            radio.active(False)
        except (OSError, RuntimeError):
            pass  # the chip's maker asks for it, but its supply goes all the same
    if button.is_stuck:
        presses = _STUCK
    else:
        presses = machine.RTC().memory()[1] + 1 if press else 0
    _sleep(button.active, presses)


def _sleep(level: int, presses: int) -> None:
    for number, on in board.OUTPUTS.values():
        machine.Pin(number, machine.Pin.OUT, value=1 - on)
    machine.RTC().memory(bytes((level, presses)))
    if presses < _PRESSES:
        esp32.wake_on_ext0(pin("button"), level == 1)
    esp32.wake_on_ext1((pin("mains"),), board.INPUTS["mains"][1] == 1)
    machine.deepsleep(_LOOK_MS)
