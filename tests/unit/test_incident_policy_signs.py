"""The small decisions: which incident, what a gesture means, what the light shows."""

from box.core import alert, config, gesture, policy, signs
from box.core.incident import WINDOW_MS, Incident


def test_a_press_within_the_window_joins_the_incident():
    incident = Incident()
    assert incident.join(7, 1000) == 0
    assert incident.join(8, 1000 + WINDOW_MS) == 1
    assert incident.join(12, 1000 + 2 * WINDOW_MS) == 5


def test_a_press_after_the_window_begins_an_incident_of_its_own():
    incident = Incident()
    incident.join(7, 1000)
    assert incident.join(8, 1001 + WINDOW_MS) == 0
    assert incident.join(9, 1002 + WINDOW_MS) == 1


def test_by_default_one_press_informs_two_call_for_help_and_a_hold_is_an_alarm():
    meanings = policy.meanings(config.fill(config.default())["policy"]["button"])
    codes = (gesture.CLICK, gesture.DOUBLE, gesture.HOLD, gesture.STUCK)
    assert [meanings[code] for code in codes] == [alert.INFORM, alert.HELP, alert.ALARM, alert.BUTTON_STUCK]


def test_a_town_may_choose_that_one_press_is_help():
    meanings = policy.meanings({"click": "help", "double": "help", "hold": "alarm"})
    assert [meanings[code] for code in (gesture.CLICK, gesture.DOUBLE, gesture.HOLD)] == [2, 2, 3]
    assert meanings[gesture.STUCK] == alert.BUTTON_STUCK


def test_what_anybody_may_have_sent_only_informs_whatever_a_town_has_chosen():
    meanings = policy.meanings({"click": "alarm", "double": "alarm", "hold": "alarm"})
    for code in (gesture.CLICK, gesture.DOUBLE, gesture.HOLD):
        assert policy.of_bip(meanings, code, True) == (alert.ALARM, 0)
        assert policy.of_bip(meanings, code, False) == (alert.INFORM, alert.FLAG_SOURCE_UNAUTHENTICATED)


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


def test_every_state_has_a_pattern_that_ends_dark_and_no_two_are_alike():
    patterns = list(signs.PATTERNS.values())
    assert len(set(patterns)) == len(patterns)
    for pattern in patterns:
        assert len(pattern) % 2 == 0 and min(pattern) > 0
