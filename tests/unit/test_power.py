"""Sleep while the cell is empty: what keeps it asleep, what ends it, and what outlasts it in the RTC's two bytes."""

from box import log
from fake_chip import Installed

log.now = lambda: 0  # the chip's clock is not there under CPython

STUCK = 255
EMPTY_MV, CHARGED_MV = 3100, 3600
LOOK_MS = 10 * 60 * 1000


class Slept(Exception):
    pass


class Board:
    INPUTS = {"button": (33, 0, True), "mains": (35, 1, False)}
    OUTPUTS = {"light": (4, 1), "siren": (26, 0)}
    BATTERY = {
        "pin": 34, "ratio": 2000, "absent_mv": 2000, "empty_mv": 3200, "low_mv": 3500, "start_mv": 3600,
        "well_mv": 3700,
    }  # fmt: skip


class Chip:
    """The modules machine, esp32, network, bluetooth and time in one."""

    DEEPSLEEP_RESET, POWERON_RESET = 4, 1
    EXT0_WAKE, EXT1_WAKE, TIMER_WAKE = 2, 3, 4
    STA_IF = 0

    def __init__(self):
        self.cause, self.reason = self.DEEPSLEEP_RESET, self.TIMER_WAKE
        self.rtc = bytes((0, 0))
        self.down = self.mains = self.breaks = False
        self.cell_mv = EMPTY_MV
        self.radios = []
        self.radio_error = None
        self.outputs = {}
        self.wakers = []
        self.slept_ms = None
        chip = self

        class Pin:
            IN, OUT, PULL_UP = 1, 3, 2

            def __init__(self, number, mode=0, pull=None, value=None):
                if chip.breaks:
                    raise ValueError("no such pin")
                self.made = (number, mode, pull)
                if mode == self.OUT:
                    chip.outputs[number] = value

            def value(self):
                name, on = {33: ("button", chip.down), 35: ("mains", chip.mains)}[self.made[0]]
                active = Board.INPUTS[name][1]
                return active if on else 1 - active

        class ADC:
            ATTN_11DB = 3

            def __init__(self, pin, atten):
                assert (pin.made[0], atten) == (34, self.ATTN_11DB)

            def read_uv(self):
                return chip.cell_mv * 1000 // 2

        class RTC:
            def memory(self, data=None):
                if data is not None:
                    chip.rtc = data
                return chip.rtc

        class Radio:
            def __init__(self, interface=None):
                self.name = "bluetooth" if interface is None else "wifi"
                assert interface in (None, chip.STA_IF)

            def active(self, on):
                if chip.radio_error:
                    chip.radios.append(self.name)
                    raise chip.radio_error
                chip.radios.append((self.name, on))

        self.Pin, self.ADC, self.RTC, self.BLE, self.WLAN = Pin, ADC, RTC, Radio, Radio

    def reset_cause(self):
        return self.cause

    def wake_reason(self):
        return self.reason

    def wake_on_ext0(self, pin, level):
        self.wakers.append(("button", pin.made, level))

    def wake_on_ext1(self, pins, level):
        self.wakers.append(("mains", [pin.made for pin in pins], level))

    def deepsleep(self, ms):
        self.slept_ms = ms
        raise Slept

    def ticks_ms(self):
        return 1234


_first = Chip()
with Installed(machine=_first, esp32=_first, network=_first, bluetooth=_first, board=Board):
    from box import power


class Button:
    active = 0

    def __init__(self, is_stuck=False):
        self.is_stuck = is_stuck


def started(chip):
    """Let the box look; (what `began`, what `press` is) of a box that starts, or None of one that sleeps on."""
    power.machine = power.esp32 = power.network = power.bluetooth = power.time = chip
    power.began = power.press = None
    look = power._sleep_on
    try:
        # look() lets nothing out, and so would take our Slept for a fault.
        power._sleep_on = lambda: _seen(look)
        power.sleep_on()
    finally:
        power._sleep_on = look
    return None if chip.slept_ms is not None else (power.began, power.press)


def _seen(look):
    try:
        look()
    except Slept:
        pass


def slept(chip, button=None):
    """Switch off at an empty cell."""
    power.machine = power.esp32 = power.network = power.bluetooth = power.time = chip
    try:
        power.switch_off(button or Button())
        raise AssertionError("it stayed awake")
    except Slept:
        pass


BUTTON_WAKES, MAINS_WAKES = ("button", (33, 1, 2), False), ("mains", [(35, 1, -1)], True)


def test_an_empty_cell_sends_the_box_back_to_sleep_with_everything_off():
    chip = Chip()
    assert started(chip) is None
    assert chip.slept_ms == LOOK_MS
    assert chip.outputs == {4: 0, 26: 1}
    assert chip.wakers == [BUTTON_WAKES, MAINS_WAKES]
    assert (chip.rtc, chip.radios) == (bytes((0, 0)), [])


def test_a_button_that_opens_wakes_at_the_other_level():
    chip = Chip()
    chip.rtc = bytes((1, 0))
    before = Board.INPUTS
    Board.INPUTS = {"button": (33, 1, False), "mains": (35, 0, True)}
    try:
        assert started(chip) is None
        assert chip.wakers == [("button", (33, 1, -1), True), ("mains", [(35, 1, 2)], False)]
        chip = Chip()
        chip.rtc, chip.down = bytes((1, 0)), True
        assert started(chip) == ((1000, 1234), (1000, True))
    finally:
        Board.INPUTS = before


def test_the_box_starts_at_a_power_on_whatever_the_cell_has():
    chip = Chip()
    chip.cause = chip.POWERON_RESET
    assert started(chip) == (None, None)


def test_the_box_starts_when_it_cannot_tell_how_it_slept():
    for rtc in (b"", b"\x00", bytes(3)):
        chip = Chip()
        chip.rtc = rtc
        assert started(chip) == (None, None)


def test_a_charged_cell_mains_or_no_cell_at_all_starts_the_box():
    for cell_mv, mains in ((CHARGED_MV, False), (EMPTY_MV, True), (1000, False)):
        chip = Chip()
        chip.cell_mv, chip.mains = cell_mv, mains
        assert started(chip) == (None, None)
    chip.cell_mv = CHARGED_MV - 2
    assert started(chip) is None


def test_the_button_wakes_the_box_and_the_press_began_a_second_before():
    for down in (True, False):  # a short press is over at the first look
        chip = Chip()
        chip.reason, chip.down = chip.EXT0_WAKE, down
        assert started(chip) == ((1000, 1234), (1000, down))


def test_a_press_during_a_look_counts_although_something_else_woke_the_box():
    chip = Chip()
    chip.down = True
    for presses in (0, 1, 2):
        chip.rtc = bytes((0, presses))
        assert started(chip) == ((1000, 1234), (1000, True))


def test_after_three_starts_by_the_button_a_button_that_is_down_keeps_no_box_awake():
    chip = Chip()
    chip.down = True
    chip.rtc = bytes((0, 3))
    assert started(chip) is None
    assert (chip.wakers, chip.rtc) == ([MAINS_WAKES], bytes((0, 3)))


def test_a_stuck_button_is_listened_to_again_once_a_look_finds_it_up():
    chip = Chip()
    chip.rtc, chip.down = bytes((0, STUCK)), True
    assert started(chip) is None
    assert (chip.wakers, chip.rtc) == ([MAINS_WAKES], bytes((0, STUCK)))
    chip = Chip()
    chip.rtc = bytes((0, STUCK))
    assert started(chip) is None
    assert (chip.wakers, chip.rtc) == ([BUTTON_WAKES, MAINS_WAKES], bytes((0, 0)))


def test_a_button_that_was_pressed_too_often_is_not_listened_to_until_the_box_started_otherwise():
    chip = Chip()
    chip.rtc = bytes((0, 3))
    assert started(chip) is None
    assert (chip.wakers, chip.rtc) == ([MAINS_WAKES], bytes((0, 3)))


def test_a_look_that_fails_starts_the_box():
    chip = Chip()
    chip.breaks = True
    assert started(chip) == (None, None)


def test_switching_off_ends_the_radios_first():
    chip = Chip()
    power.press = None
    slept(chip)
    assert chip.radios == [("bluetooth", False), ("wifi", False)]
    assert (chip.slept_ms, chip.wakers, chip.rtc) == (LOOK_MS, [BUTTON_WAKES, MAINS_WAKES], bytes((0, 0)))


def test_a_radio_that_does_not_end_keeps_no_box_awake():
    for error in (OSError(5), RuntimeError("Wifi Not Initialized")):
        chip = Chip()
        chip.radio_error = error
        slept(chip)
        assert chip.radios == ["bluetooth", "wifi"]


def test_each_start_by_the_button_is_counted_and_a_start_by_itself_ends_the_count():
    chip = Chip()
    for presses in (0, 1, 2):
        chip.rtc = bytes((0, presses))
        chip.wakers = []
        power.press = (1000, True)
        slept(chip)
        assert chip.rtc == bytes((0, presses + 1))
        assert chip.wakers == ([BUTTON_WAKES] if presses < 2 else []) + [MAINS_WAKES]
    power.press = None
    slept(chip)
    assert chip.rtc == bytes((0, 0))


def test_a_button_that_is_stuck_wakes_nobody():
    chip = Chip()
    power.press = None
    slept(chip, Button(is_stuck=True))
    assert (chip.rtc, chip.wakers) == (bytes((0, STUCK)), [MAINS_WAKES])


def test_the_level_of_the_button_goes_through_the_sleep():
    chip = Chip()
    power.press = None
    button = Button()
    button.active = 1
    slept(chip, button)
    assert chip.rtc == bytes((1, 0))
    assert chip.wakers[0] == ("button", (33, 1, 2), True)
