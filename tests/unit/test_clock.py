"""Time on the box: milliseconds that never wrap, and UTC that only goes where an authenticated time puts it."""

from box import clock as module
from box.clock import SAVED, SET, UNSET, Clock

BUILT = 1780000000
DAY_MS = 24 * 3600 * 1000
TICKS = 1 << 30
DATE = (2026, 5, 28, 20, 26, 40)  # of BUILT, a Thursday
MONTH_S = 30 * 24 * 3600


class Chip:
    """The modules time and machine.RTC of a chip whose RTC may stray. `ms` passes; ticks wrap, as they do."""

    def __init__(self, rtc=0, ms=0):
        self.ms = ms
        self._rtc = rtc  # at `_rtc_ms`
        self._rtc_ms = ms
        self.stray_s = 0
        self.writes = []

    def clock(self, built=BUILT, base=None):
        module.time = self
        return Clock(self, built, base)

    def ticks_ms(self):
        return self.ms % TICKS

    def ticks_diff(self, new, old):
        return (new - old + TICKS // 2) % TICKS - TICKS // 2

    def ticks_add(self, ticks, delta):
        return (ticks + delta) % TICKS

    def time(self):
        return self._rtc + self.stray_s + (self.ms - self._rtc_ms) // 1000 - module._EPOCH

    def gmtime(self, seconds):
        days, rest = divmod(seconds + module._EPOCH, 86400)
        return civil(days) + (rest // 3600, rest // 60 % 60, rest % 60, (days + 3) % 7, 0)

    def datetime(self, values):
        year, month, day, weekday, hour, minute, second, subseconds = values
        self.writes.append(values)
        days = (year - 1970) * 365 + (year - 1969) // 4 + (month - 1) * 28 + day - 1
        while civil(days) != (year, month, day):
            days += 1
        assert weekday == (days + 3) % 7
        assert subseconds == 0
        self._rtc, self._rtc_ms, self.stray_s = days * 86400 + hour * 3600 + minute * 60 + second, self.ms, 0

    def rtc(self):
        return self.time() + module._EPOCH


def civil(days):
    """(year, month, day) of a day since 1970."""
    year = 1970
    while days >= 365 + (year % 4 == 0):
        days -= 365 + (year % 4 == 0)
        year += 1
    months = [31, 28 + (year % 4 == 0), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    month = 0
    while days >= months[month]:
        days -= months[month]
        month += 1
    return year, month + 1, days + 1


def test_the_chip_of_these_tests_knows_the_calendar():
    assert civil(BUILT // 86400) == DATE[:3]
    assert civil(0) == (1970, 1, 1)
    assert (Chip().gmtime(BUILT - module._EPOCH)[6], civil(365 * 2 + 58)) == (3, (1972, 2, 28))


def test_a_clock_starts_at_the_build_time_and_is_unset():
    chip = Chip(rtc=946684800, ms=7500)
    clock = chip.clock()
    assert (clock.state, clock.is_set, clock.utc(), clock.utc_to_save()) == (UNSET, False, None, None)
    assert chip.rtc() == BUILT
    assert chip.writes == [DATE[:3] + (3,) + DATE[3:] + (0,)]


def test_an_rtc_that_went_on_through_a_reset_is_kept():
    chip = Chip(rtc=BUILT + 86400)
    chip.clock()
    assert chip.rtc() == BUILT + 86400


def test_milliseconds_count_from_the_start_and_do_not_wrap_with_the_ticks():
    chip = Chip(ms=TICKS - 5000)
    clock = chip.clock()
    assert (clock.now(), clock.uptime_s()) == (0, 0)
    began = chip.ms
    for _ in range(30):  # two turns of the ticks
        chip.ms += DAY_MS - 1
        assert clock.now() == chip.ms - began
    assert clock.uptime_s() == (chip.ms - began) // 1000
    for step in (DAY_MS, DAY_MS, 1, 999, DAY_MS + 1, 5 * DAY_MS):
        chip.ms += step
        assert clock.now() == chip.ms - began


def test_milliseconds_begin_where_the_wake_from_sleep_began():
    chip = Chip(ms=400)
    assert chip.clock(base=(1000, 300)).now() == 1100


def test_a_saved_time_is_a_floor():
    chip = Chip(rtc=BUILT)
    clock = chip.clock()
    chip.ms += 10999
    clock.start_at(BUILT + 5000)
    assert (clock.state, clock.is_set, clock.utc(), chip.rtc()) == (SAVED, False, BUILT + 5000, BUILT + 5000)
    chip.ms += 2001
    assert clock.utc() == BUILT + 5003


def test_a_saved_time_from_before_the_build_sets_no_clock_back():
    chip = Chip(rtc=BUILT)
    clock = chip.clock()
    for saved in (BUILT - 1, BUILT):
        clock.start_at(saved)
        assert (clock.state, clock.utc(), len(chip.writes)) == (SAVED, BUILT, 1)


def test_no_saved_time_leaves_the_clock_unset():
    clock = Chip().clock()
    clock.start_at(0)
    assert (clock.state, clock.utc()) == (UNSET, None)


def test_a_saved_time_makes_no_corrected_clock_less_sure():
    clock = Chip().clock()
    clock.correct(BUILT + 100)
    clock.start_at(BUILT + 200)
    assert (clock.state, clock.utc()) == (SET, BUILT + 200)


def test_an_authenticated_time_is_taken_forwards_and_backwards():
    chip = Chip()
    clock = chip.clock()
    for utc in (BUILT + 5000, BUILT - 5000, BUILT + 2):
        clock.correct(utc)
        assert (clock.is_set, clock.utc(), clock.utc_to_save(), chip.rtc()) == (True, utc, utc, utc)


def test_a_second_more_or_less_moves_no_clock_that_is_set():
    # Acknowledgements come with every alert, and take a second now and then.
    chip = Chip()
    clock = chip.clock()
    clock.correct(BUILT + 10)
    writes = len(chip.writes)
    for off in (1, -1, 0):
        clock.correct(BUILT + 10 + off)
    assert (clock.utc(), len(chip.writes)) == (BUILT + 10, writes)
    for utc in (BUILT + 12, BUILT + 10):
        clock.correct(utc)
        assert (clock.utc(), chip.rtc()) == (utc, utc)


def test_the_first_authenticated_time_is_taken_to_the_second():
    for off in (0, 1, -1):
        chip = Chip()
        clock = chip.clock()
        clock.start_at(BUILT + 100)
        clock.correct(BUILT + 100 + off)
        assert (clock.state, clock.utc(), chip.rtc()) == (SET, BUILT + 100 + off, BUILT + 100 + off)


def test_a_jump_of_more_than_a_month_is_used_at_once_and_saved_only_after_a_day():
    for jump_s in (MONTH_S + 1, -MONTH_S - 1):
        chip = Chip(ms=12345)
        clock = chip.clock()
        clock.start_at(BUILT)
        clock.correct(BUILT + jump_s)
        assert (clock.utc(), clock.utc_to_save(), chip.rtc()) == (BUILT + jump_s, None, BUILT + jump_s)
        chip.ms += DAY_MS
        assert clock.utc_to_save() is None
        chip.ms += 1
        assert clock.utc_to_save() == BUILT + jump_s + 24 * 3600


def test_a_jump_of_a_month_is_saved_at_once():
    for jump_s in (MONTH_S, -MONTH_S):
        clock = Chip().clock()
        clock.start_at(BUILT)
        clock.correct(BUILT + jump_s)
        assert clock.utc_to_save() == BUILT + jump_s


def test_a_clock_that_was_never_set_may_jump_by_years_and_be_saved():
    clock = Chip().clock()
    clock.correct(BUILT + 20 * MONTH_S)
    assert clock.utc_to_save() == BUILT + 20 * MONTH_S


def test_a_second_jump_begins_the_day_anew():
    chip = Chip()
    clock = chip.clock()
    clock.correct(BUILT)
    clock.correct(BUILT + 2 * MONTH_S)
    chip.ms += DAY_MS
    clock.correct(BUILT)
    chip.ms += DAY_MS
    assert clock.utc_to_save() is None
    chip.ms += 1
    assert clock.utc_to_save() == BUILT + 24 * 3600


def test_an_rtc_that_strays_is_set_right_and_its_error_told():
    for stray_s in (3, -3, 100000):
        chip = Chip()
        clock = chip.clock()
        clock.correct(BUILT + 50)
        chip.ms += 4000
        chip.stray_s = stray_s
        assert clock.mend() == stray_s
        assert (clock.utc(), chip.rtc(), clock.mend()) == (BUILT + 54, BUILT + 54, 0)


def test_an_rtc_two_seconds_off_is_only_rounded_differently():
    for stray_s in (2, -2, 1, 0):
        chip = Chip()
        clock = chip.clock()
        writes = len(chip.writes)
        chip.stray_s = stray_s
        assert (clock.mend(), len(chip.writes)) == (0, writes)


def test_a_port_that_counts_from_2000_shows_the_same_time():
    before = module._EPOCH
    module._EPOCH = 946684800
    try:
        chip = Chip(rtc=BUILT + 100)
        clock = chip.clock()
        assert (chip.rtc(), chip.writes[0][:3]) == (BUILT + 100, DATE[:3])
        clock.correct(BUILT + 500)
        chip.ms += 1000
        assert (clock.utc(), chip.rtc(), clock.mend()) == (BUILT + 501, BUILT + 501, 0)
    finally:
        module._EPOCH = before
