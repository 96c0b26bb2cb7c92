"""A radio that hears nothing where it never stopped hearing something."""

from box.core.jamming import BEGUN, ENDED, JammingWatch

_MINUTE = 60_000
_HOUR = 60 * _MINUTE


class Air:
    """A watch that looks every five seconds while packets come or do not."""

    def __init__(self):
        self.now_ms = 0
        self.heard = 0
        self.watch = JammingWatch(0)
        self.told = []

    def pass_by(self, ms, every_ms=None):
        """Let time pass with a packet every so many milliseconds, or none."""
        end = self.now_ms + ms
        while self.now_ms < end:
            self.now_ms += 5000
            if every_ms is not None and self.now_ms % every_ms < 5000:
                self.heard += max(1, 5000 // every_ms)
            news = self.watch.update(self.heard, self.now_ms)
            if news is not None:
                self.told.append((news, self.now_ms))


def test_silence_after_a_lively_hour_is_a_suspicion_that_the_first_packet_ends():
    air = Air()
    air.pass_by(2 * _HOUR, 1000)
    air.pass_by(_HOUR)
    air.pass_by(_MINUTE, 1000)
    assert air.told == [(BEGUN, 2 * _HOUR + 3 * _MINUTE), (ENDED, 3 * _HOUR + 5000)]
    assert air.watch.suspected is False


def test_a_lively_hour_begins_with_the_first_packet_and_is_an_hour_to_the_millisecond():
    assert JammingWatch(0).suspected is False
    for late_ms, told in ((0, BEGUN), (-1, None)):
        watch = JammingWatch(0)
        for looks in range(60):
            watch.update(looks + 1, looks * _MINUTE)
        last_ms = _HOUR + late_ms
        watch.update(61, last_ms)
        assert watch.update(61, last_ms + 3 * _MINUTE - 1) is None
        assert watch.update(61, last_ms + 3 * _MINUTE) == told


def test_the_first_packet_counts_and_no_packet_is_none():
    watch = JammingWatch(0)
    assert watch.update(0, 2 * _MINUTE) is None  # nothing was heard: a pause
    for looks in range(60):
        watch.update(looks + 1, looks * _MINUTE + 3 * _MINUTE)
    assert watch.update(60, 70 * _MINUTE) is None  # 59 minutes since the first
    watch = JammingWatch(0)
    for looks in range(61):
        watch.update(looks + 1, looks * _MINUTE + 3 * _MINUTE)
    assert watch.update(61, 70 * _MINUTE) == BEGUN


def test_a_place_where_nothing_was_ever_heard_is_quiet_and_not_jammed():
    air = Air()
    air.pass_by(5 * _HOUR)
    assert air.told == []


def test_an_hour_with_a_pause_of_more_than_a_minute_is_not_lively():
    for pause, told in ((55_000, 1), (70_000, 0)):
        air = Air()
        air.pass_by(50 * _MINUTE, 1000)
        air.pass_by(pause)
        air.pass_by(50 * _MINUTE, 1000)
        air.pass_by(10 * _MINUTE)
        assert len(air.told) == told, pause


def test_less_than_an_hour_proves_nothing():
    for minutes, told in ((59, 0), (61, 1)):
        air = Air()
        air.pass_by(minutes * _MINUTE, 1000)
        air.pass_by(10 * _MINUTE)
        assert len(air.told) == told, minutes


def test_short_silences_are_nothing():
    air = Air()
    for _ in range(20):
        air.pass_by(_HOUR, 1000)
        air.pass_by(170_000)
    assert air.told == []


def test_a_suspicion_comes_back_only_after_another_lively_hour():
    air = Air()
    air.pass_by(2 * _HOUR, 1000)
    for _ in range(6):
        air.pass_by(5 * _MINUTE)
        air.pass_by(5 * _MINUTE, 1000)
    assert len(air.told) == 2
    air.pass_by(_HOUR + _MINUTE, 1000)
    air.pass_by(5 * _MINUTE)
    assert len(air.told) == 3


def test_a_scan_that_was_off_is_no_silence():
    air = Air()
    air.pass_by(2 * _HOUR, 1000)
    air.now_ms += 10 * _MINUTE
    air.watch.restart(air.now_ms)
    air.pass_by(10 * _MINUTE)
    assert air.told == []


def test_a_scan_that_starts_anew_does_not_clear_a_suspicion():
    air = Air()
    air.pass_by(2 * _HOUR, 1000)
    air.pass_by(5 * _MINUTE)
    air.watch.restart(air.now_ms)
    air.pass_by(5 * _MINUTE)
    assert air.watch.suspected and len(air.told) == 1
    air.pass_by(5000, 1000)
    assert not air.watch.suspected
