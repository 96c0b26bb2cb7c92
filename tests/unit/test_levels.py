"""What is slow and has two states: mains, the case, the battery; and the drivers that look at them."""

from box import log
from box.core import levels
from box.core.battery import EMPTY, LOW, WELL, BatteryWatch
from box.core.levels import Level, Threshold
from box.inputs.battery import Battery
from box.inputs.contact import Contact

log.now = lambda: 0  # CPython has no ticks
_LIMITS = {"ratio": 2000, "absent_mv": 2000, "empty_mv": 3200, "low_mv": 3500, "start_mv": 3600, "well_mv": 3700}


def changes(level, looks):
    """[(t, active)] of the looks [(t, level)] that changed what counts."""
    return [(t, level.active) for t, now in looks if level.update(now, t)]


def test_a_level_counts_once_it_has_held_each_way_for_its_own_time():
    looks = [(t, 1000 <= t < 5000) for t in range(0, 9001, 100)]
    assert changes(Level((300, 2000)), looks) == [(1300, True), (7000, False)]


def test_a_level_that_goes_back_in_time_is_nothing():
    for length, told in ((60_000, []), (60_500, [(61_000, True)])):
        looks = [(t, 1000 <= t < 1000 + length) for t in range(0, 62_000, 500)]
        assert changes(Level(levels.MAINS_LOST), looks) == told


def test_a_level_that_is_so_at_the_start_is_told():
    assert changes(Level((300, 300)), [(t, True) for t in range(0, 1000, 100)]) == [(300, True)]


def test_one_look_after_a_stall_proves_nothing():
    level = Level((200, 60_000))
    assert changes(level, [(0, False), (20_000, True), (20_050, False), (40_000, True)]) == []
    assert changes(level, [(40_100, True), (40_200, True)]) == [(40_200, True)]


def test_a_contact_that_flutters_is_told_once():
    looks = [(t, t // 1000 % 2 == 0) for t in range(0, 600_000, 50)]
    assert changes(Level(levels.CASE_OPEN), looks) == [(200, True)]


def test_a_site_may_choose_the_delay_of_the_mains():
    assert levels.mains_lost(60) == levels.MAINS_LOST
    looks = [(t, t >= 1000) for t in range(0, 9000, 500)]
    assert changes(Level(levels.mains_lost(5)), looks) == [(6000, True)]


def test_a_threshold_has_two_ends():
    threshold = Threshold(3500, 3700)
    seen = [threshold.update(mv) for mv in (3600, 3501, 3500, 3600, 3699, 3700, 3501)]
    assert seen == [False, False, True, True, True, False, False]


# ---- the battery ----


def told(voltages, mains=False, needed=False, watch=None, start=0):
    """[(t, news)] of a battery looked at every 5 s."""
    watch = watch or BatteryWatch(_LIMITS)
    seen = []
    for i, mv in enumerate(voltages):
        news = watch.update(mv, mains, needed, start + 5000 * i)
        if news is not None:
            seen.append((start + 5000 * i, news))
    return seen


def test_a_battery_is_low_until_it_is_well_above_the_threshold():
    watch = BatteryWatch(_LIMITS)
    assert told([3510] * 20, watch=watch) == []
    assert told([3500] * 20, watch=watch) == [(30_000, LOW)]
    assert told([3690] * 20, watch=watch) == []
    assert watch.low
    assert told([3700] * 20, watch=watch) == [(60_000, WELL)]
    assert not watch.low


def test_the_modem_that_pulls_the_voltage_down_for_seconds_is_no_low_battery():
    assert told([3800, 3450, 3800, 3800, 3450, 3800] * 20) == []
    # But a cell that does not come back to `well_mv` in between is as good as low.
    assert told([3600, 3450, 3600, 3600, 3450, 3600] * 20) == [(35_000, LOW)]


def test_an_empty_battery_ends_the_box_only_without_mains_and_when_nobody_needs_it():
    assert told([3100] * 20) == [(30_000, LOW), (65_000, EMPTY)]
    assert told([3100] * 20, mains=True) == [(30_000, LOW)]
    assert told([3100] * 20, needed=True) == [(30_000, LOW)]


def test_an_empty_battery_ends_the_box_when_it_is_needed_no_more():
    watch = BatteryWatch(_LIMITS)
    told([3100] * 20, needed=True, watch=watch)
    assert told([3100] * 8, watch=watch, start=100_000) == [(130_000, EMPTY)]


def test_the_thresholds_of_an_empty_cell_and_of_none_hold_to_the_millivolt():
    for mv, is_empty in ((1999, False), (2000, True), (3199, True), (3200, False)):
        assert told([mv] * 20) == [(30_000, LOW)] + [(65_000, EMPTY)] * is_empty, mv
    watch = BatteryWatch(_LIMITS)
    for mv, starts in ((1999, True), (2000, False), (3599, False), (3600, True)):
        assert watch.may_start(mv, False) is starts, mv


def test_no_battery_is_a_low_one_and_never_ends_the_box():
    for mv in (0, 1999):
        assert told([mv] * 100) == [(30_000, LOW)]


def test_what_cannot_be_measured_is_unknown_and_not_low():
    watch = BatteryWatch(_LIMITS)
    assert told([None] * 6, watch=watch) == []
    assert not watch.unknown
    assert told([None] * 20, watch=watch, start=30_000) == []
    assert watch.unknown and not watch.low
    assert told([3800] * 7, watch=watch, start=200_000) == []
    assert not watch.unknown


def test_a_low_battery_stays_low_while_it_cannot_be_measured():
    watch = BatteryWatch(_LIMITS)
    told([3400] * 8, watch=watch)
    assert told([None] * 100, watch=watch, start=100_000) == []
    assert watch.low and watch.unknown


def test_a_box_starts_with_mains_or_with_charge_or_with_a_measurement_that_cannot_be():
    watch = BatteryWatch(_LIMITS)
    for mv, mains, starts in (
        (3100, True, True),
        (3100, False, False),
        (3599, False, False),
        (3600, False, True),
        (0, False, True),
        (None, False, True),
    ):
        assert watch.may_start(mv, mains) == starts, (mv, mains)


# ---- the drivers ----


class Clock:
    now_ms = 0

    def now(self):
        return self.now_ms


class Pin:
    level = 1

    def value(self):
        return self.level


class Adc:
    """Readings in turn, for ever."""

    def __init__(self, *microvolts):
        self._microvolts = microvolts
        self._reads = 0

    def read_uv(self):
        self._reads += 1
        value = self._microvolts[self._reads % len(self._microvolts)]
        if value is None:
            raise OSError(-258, "ESP_ERR_INVALID_ARG")
        return value


slept = [0]  # what the driver asked for last, in milliseconds


def drive(coroutine, clock, looks, before):
    """Let a driver look so many times; `before(i)` sets the world, and each sleep passes as it asked."""
    for i in range(looks):
        before(i)
        coroutine.send(None)
        clock.now_ms += slept[0]
    coroutine.close()


class Sleep:
    """Stands in for asyncio.sleep_ms, which CPython has not."""

    def __init__(self, ms):
        slept[0] = ms

    def __await__(self):
        yield

    __iter__ = __await__


def with_sleep(module, test):
    asyncio = module.asyncio

    class Asyncio:
        sleep_ms = Sleep

    module.asyncio = Asyncio
    try:
        test()
    finally:
        module.asyncio = asyncio


def test_a_contact_reads_its_pin_at_once_and_tells_what_has_held():
    from box.inputs import contact

    def test():
        clock, pin, seen = Clock(), Pin(), []
        case = Contact(pin, 1, clock, levels.CASE_OPEN)
        pin.level = 0

        def world(i):
            pin.level = 1 if 10 <= i < 20 else 0

        run = case.run(lambda is_on: seen.append((clock.now_ms, is_on, case.told)))
        drive(run, clock, 2000, world)
        assert seen == [(700, True, True), (61_000, False, False)]
        pin.level = 1
        assert case.is_on and not case.told

    with_sleep(contact, test)


def test_a_contact_that_is_told_slowly_is_read_seldom():
    from box.inputs import contact

    def test():
        for times, slept_ms in ((levels.CASE_OPEN, 50), (levels.MAINS_LOST, 500), ((1000, 1000), 250)):
            clock = Clock()
            drive(Contact(Pin(), 0, clock, times).run(None), clock, 1, lambda i: None)
            assert slept == [slept_ms]

    with_sleep(contact, test)


def battery(adc, mains=False, clock=None):
    return Battery(adc, _LIMITS, lambda: mains, lambda: False, clock)


def test_millivolts_are_those_of_the_cell_behind_the_divider_averaged():
    assert battery(Adc(2_100_000)).mv() == 4200
    assert battery(Adc(1_900_000, 1_800_000)).mv() == 3700
    assert battery(Adc(0)).mv() == 0


def test_a_converter_that_fails_reads_as_nothing_and_may_come_back():
    assert battery(Adc(None)).mv() is None
    adc = Adc(1_900_000)
    one = battery(adc)
    adc._microvolts = (None,)
    assert one.mv() is None
    adc._microvolts = (1_900_000,)
    assert one.mv() == 3800
    assert one.enough_to_start


def test_the_driver_of_the_battery_tells_news_with_the_millivolts():
    from box.inputs import battery as module

    def test():
        clock, seen, adc = Clock(), [], Adc(1_900_000)
        driver = battery(adc, clock=clock)

        def world(i):
            adc._microvolts = (1_900_000 if i < 10 else 1_560_000,)

        drive(driver.run(lambda what, mv: seen.append((clock.now_ms, what, mv))), clock, 40, world)
        assert seen == [(80_000, LOW, 3120), (115_000, EMPTY, 3120)]
        assert driver.low

    with_sleep(module, test)
