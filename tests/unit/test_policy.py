"""What a gesture means."""

from box.core import alert, config, gesture, policy


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
