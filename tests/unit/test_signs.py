"""What the light shows and when the siren sounds."""

from box import log
from box.core import alert, conditions, incident, signs, siren
from box.core.signs import ARMED, FAULT, IN_CHARGE, LEARNING, PRESSED, RECEIVED, STARTING, TEST, Signs
from box.core.siren import SirenRule
from box.outputs.siren import Siren
from box.status import Status

log.now = lambda: 0  # CPython has no ticks
_FACING_AN_ATTACKER = (ARMED, PRESSED, RECEIVED, IN_CHARGE, FAULT, TEST)


def lit_ms(pattern):
    return [duration for i, duration in enumerate(pattern) if i % 2 == 0]


def begins_ms(pattern, rounds=4):
    """When the flashes of a pattern begin."""
    t, seen = 0, []
    for _ in range(rounds):
        for i, duration in enumerate(pattern):
            if i % 2 == 0:
                seen.append(t)
            t += duration
    return seen


def test_every_state_has_a_pattern_that_ends_dark_and_no_two_are_alike():
    patterns = [signs.PATTERNS[state] for state in _FACING_AN_ATTACKER + (LEARNING, STARTING)]
    assert len(set(patterns)) == len(patterns) == len(signs.PATTERNS)
    for pattern in patterns:
        assert len(pattern) % 2 == 0 and min(pattern) > 0


def test_what_an_attacker_could_see_is_short_dim_and_never_quick():
    for state in _FACING_AN_ATTACKER:
        pattern = signs.PATTERNS[state]
        assert sum(lit_ms(pattern)) * 5 <= sum(pattern), state
        assert max(lit_ms(pattern)) <= 300, state
        begins = begins_ms(pattern)
        for third, first in zip(begins[2:], begins):
            assert third - first >= 1000, state


def test_good_news_is_told_from_the_rest_by_the_length_of_a_flash():
    for state in _FACING_AN_ATTACKER:
        longest = max(lit_ms(signs.PATTERNS[state]))
        assert longest >= 250 if state in (RECEIVED, IN_CHARGE) else longest <= 50, state


def test_each_sign_shows_what_it_has_to_say_within_a_glance():
    for state in (PRESSED, RECEIVED, IN_CHARGE, TEST):
        assert sum(signs.PATTERNS[state]) <= 3000, state


def test_the_light_shows_what_matters_most():
    # fault, undelivered, received at, now -> state
    for fault, undelivered, received_ms, now_ms, state in (
        (False, 0, None, 0, signs.ARMED),
        (True, 0, None, 0, signs.FAULT),
        (True, 1, None, 0, signs.PRESSED),
        (False, 2, 100, 200, signs.PRESSED),
        (False, 0, 100, 200, signs.RECEIVED),
        (True, 0, 100, 200, signs.RECEIVED),
        (False, 0, 100, 100 + signs.RECEIVED_MS, signs.ARMED),
        (True, 0, 100, 100 + signs.RECEIVED_MS, signs.FAULT),
    ):
        assert signs.choose(fault, undelivered, received_ms, now_ms) == state


def test_a_press_is_followed_to_the_one_who_comes():
    shown = Signs()
    assert shown.state(0, 0, False) == ARMED
    shown.pressed(1000)
    assert shown.state(1000, 1, False) == PRESSED
    shown.received(1100)
    assert shown.state(1100, 0, False) == PRESSED  # so that a press that arrives at once is seen to be taken
    assert shown.state(2000, 0, False) == RECEIVED
    shown.in_charge(30_000)
    assert shown.state(30_000, 0, False) == IN_CHARGE
    assert shown.state(629_999, 0, False) == IN_CHARGE
    assert shown.state(630_000, 0, False) == ARMED


def test_what_was_received_is_shown_as_long_as_an_incident_lasts():
    shown = Signs()
    shown.pressed(0)
    shown.received(100)
    assert signs.RECEIVED_MS == signs.IN_CHARGE_MS == incident.WINDOW_MS
    assert shown.state(100 + incident.WINDOW_MS - 1, 0, False) == RECEIVED
    assert shown.state(100 + incident.WINDOW_MS, 0, False) == ARMED


def test_a_new_press_is_a_new_question_until_somebody_takes_charge_of_it_too():
    shown = Signs()
    shown.pressed(0)
    shown.received(100)
    shown.in_charge(5000)
    shown.pressed(60_000)
    assert shown.state(60_000, 1, False) == PRESSED
    assert shown.state(65_000, 1, False) == PRESSED
    shown.received(65_000)
    assert shown.state(65_000, 0, False) == RECEIVED
    shown.in_charge(66_000)
    assert shown.state(66_000, 0, False) == IN_CHARGE


def test_a_press_that_nobody_has_outranks_every_good_news():
    shown = Signs()
    shown.pressed(0)
    shown.in_charge(5000)
    assert shown.state(6000, 1, True, True, True) == PRESSED


def test_presses_left_from_before_a_restart_are_shown_as_under_way():
    assert Signs().state(0, 2, True) == PRESSED


def test_what_the_box_is_at_shows_when_no_press_is_on_its_way():
    # fault, learning, test mode -> state; in test mode a press calls nobody, which is worse to overlook than a fault
    for fault, learning, test_mode, state in (
        (False, False, False, ARMED),
        (True, False, False, FAULT),
        (False, True, False, LEARNING),
        (True, True, True, LEARNING),
        (True, False, True, TEST),
        (False, False, True, TEST),
    ):
        assert Signs().state(0, 0, fault, learning, test_mode) == state


# ---- the siren ----

DAY, NIGHT = 1, 2  # times of day


class Hours:
    def are_on(self, utc):
        return utc == NIGHT


HOURS = Hours()


def test_the_siren_needs_the_risk_form():
    rule = SirenRule(False, 180, HOURS)
    assert rule.alarm(0, DAY, False) is None
    assert rule.until_ms is None


def test_the_siren_falls_silent_when_its_time_is_up():
    for max_s in (10, 180):
        rule = SirenRule(True, max_s, HOURS)
        assert rule.alarm(1000, DAY, False) == siren.SOUNDS
        assert rule.expire(999 + max_s * 1000) is None
        assert rule.expire(1000 + max_s * 1000) == siren.TIME_UP
        assert rule.expire(5000 + max_s * 1000) is None


def test_a_further_alarm_sounds_for_the_full_time_again():
    rule = SirenRule(True, 180, HOURS)
    rule.alarm(0, DAY, False)
    assert rule.alarm(170_000, DAY, False) == siren.SOUNDS
    assert rule.expire(349_999) is None
    assert rule.expire(350_000) == siren.TIME_UP


def test_the_siren_stays_off_in_silent_hours_and_one_that_sounds_when_they_begin_keeps_its_end():
    rule = SirenRule(True, 180, HOURS)
    assert rule.alarm(0, NIGHT, False) == siren.SILENT_HOURS
    assert rule.until_ms is None
    rule.alarm(1000, DAY, False)
    assert rule.alarm(60_000, NIGHT, False) == siren.SILENT_HOURS
    assert rule.until_ms == 181_000


def test_somebody_in_charge_ends_the_siren_and_a_new_alarm_begins_it():
    rule = SirenRule(True, 180, HOURS)
    assert rule.taken() is None
    rule.alarm(0, DAY, False)
    assert rule.taken() == siren.TAKEN
    assert rule.taken() is None
    assert rule.expire(1_000_000) is None
    assert rule.alarm(60_000, DAY, False) == siren.SOUNDS


def test_in_test_mode_the_siren_is_only_tried_and_does_not_shorten_a_real_alarm():
    rule = SirenRule(True, 180, HOURS)
    assert rule.alarm(0, DAY, True) == siren.TRIED
    assert rule.expire(2000) == siren.TIME_UP
    rule.alarm(10_000, DAY, False)
    rule.alarm(20_000, DAY, True)
    assert rule.until_ms == 190_000


def test_a_siren_that_a_restart_cut_off_says_so_and_stays_off():
    assert siren.after_restart(siren.SOUNDS) == siren.CUT_OFF
    assert siren.after_restart(siren.TRIED) == siren.CUT_OFF
    for told in (None, siren.TAKEN, siren.TIME_UP, siren.SILENT_HOURS, siren.CUT_OFF):
        assert siren.after_restart(told) is None


def test_what_the_siren_tells_fits_an_event():
    for name in dir(siren):
        if name.isupper() and name[0] != "_":
            assert len(getattr(siren, name)) <= 37, name


class Pin:
    level = None

    def value(self, level):
        self.level = level


class Clock:
    utc_now = DAY

    def now(self):
        return 0

    def utc(self):
        return self.utc_now


def test_the_drivers_pin_follows_the_rule_and_what_it_does_is_told():
    for on_level in (0, 1):
        pin, told, clock = Pin(), [], Clock()
        one = Siren((pin, on_level), SirenRule(True, 30, HOURS), clock, Status(), told.append)
        assert pin.level == 1 - on_level
        one.alert(1, alert.HELP)
        assert pin.level == 1 - on_level
        one.alert(2, alert.ALARM)
        assert pin.level == on_level
        one.answered(2, alert.ALARM, alert.RECEIVED)
        assert pin.level == on_level
        one.answered(2, alert.ALARM, alert.IN_CHARGE)
        assert pin.level == 1 - on_level
        one.answered(2, alert.ALARM, alert.IN_CHARGE)
        clock.utc_now = NIGHT
        one.alert(3, alert.ALARM)
        assert pin.level == 1 - on_level
        one.restarted(siren.TAKEN)
        one.restarted(siren.SOUNDS)
        assert pin.level == 1 - on_level
        assert told == [siren.SOUNDS, siren.TAKEN, siren.SILENT_HOURS, siren.CUT_OFF]


def test_in_test_mode_the_driver_only_tries_the_siren():
    status, told = Status(), []
    status.set(conditions.TEST_MODE, True)
    Siren((Pin(), 1), SirenRule(True, 30, HOURS), Clock(), status, told.append).alert(1, alert.ALARM)
    assert told == [siren.TRIED]


def test_the_siren_asks_for_test_mode_as_it_is_now_and_not_as_it_was_told_a_second_ago():
    for measured, told_before in ((True, False), (False, True)):
        status, told = Status(), []
        status.set(conditions.TEST_MODE, told_before)
        status.measure(conditions.TEST_MODE, lambda measured=measured: measured)
        Siren((Pin(), 1), SirenRule(True, 30, HOURS), Clock(), status, told.append).alert(1, alert.ALARM)
        assert told == [siren.TRIED if measured else siren.SOUNDS]
