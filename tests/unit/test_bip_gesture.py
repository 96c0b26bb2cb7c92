"""What a bip's events come to: a press is never told as a hold, and nothing that was done is told as less."""

from bip_packets import DOUBLE_PRESS, HOLD_PRESS, PRESS, RELEASE, Receiver, bound, packet, switch
from box.core import bip_gesture
from box.core.bip import KEPT_BACK
from box.core.gesture import CLICK, DOUBLE, HOLD

OLD_HOLD, LONG = 0xFE, 0x04
TURN_MS = 20


def told(steps, until_ms=10_000, **row):
    """(gesture, ms) of what is told; `steps`: (ms, events of each button) of a bip with four, or of one with one."""
    receiver = Receiver(bound(**row))
    found, counter, at = [], 0, 0
    for now_ms in range(0, until_ms, TURN_MS):
        while at < len(steps) and steps[at][0] <= now_ms:
            counter += 1
            events = steps[at][1:]
            made = switch(counter, *events) if len(events) > 1 else packet(counter, *events)
            verdict = receiver.take(made, steps[at][0])
            assert verdict.authentic and verdict.counter == counter
            if verdict.gesture not in (0, KEPT_BACK):
                found.append((verdict.gesture, steps[at][0]))
            at += 1
        if bip_gesture.is_due(receiver.bip, now_ms):
            receiver.bip.holds = 0
            found.append((HOLD, now_ms))
    return found


def test_a_hold_that_a_press_follows_was_a_press():
    """What a Wall Switch sends for one press."""
    for hold in (OLD_HOLD, HOLD_PRESS):
        for press_ms in (0, 200, 1500):
            assert told([(0, hold, 0), (press_ms, PRESS, 0)]) == [(CLICK, press_ms)]


def test_a_hold_that_no_press_follows_is_told_after_a_second_and_a_half():
    assert told([(100, OLD_HOLD, 0)]) == [(HOLD, 1620)]


def test_a_kind_that_says_hold_when_it_is_held_is_not_delayed():
    assert told([(100, HOLD_PRESS)]) == [(HOLD, 100)], "one button"
    assert told([(100, HOLD_PRESS, 0)], kind="button") == [(HOLD, 100)]
    assert told([(100, HOLD_PRESS)], kind="switch") == [(HOLD, 1620)]


def test_what_the_bip_itself_decides_is_told_at_once():
    assert told([(0, OLD_HOLD, 0), (900, DOUBLE_PRESS, 0)]) == [(DOUBLE, 900)]
    assert told([(0, OLD_HOLD, 0), (900, LONG, 0)]) == [(HOLD, 900)]


def test_a_press_after_a_real_hold_takes_nothing_back():
    assert told([(0, OLD_HOLD, 0), (4000, PRESS, 0)]) == [(HOLD, 1520), (CLICK, 4000)]


def test_a_release_does_not_end_the_waiting():
    assert told([(0, OLD_HOLD, 0), (100, RELEASE, 0), (300, PRESS, 0)]) == [(CLICK, 300)]
    assert told([(0, OLD_HOLD, 0), (100, RELEASE, 0)]) == [(HOLD, 1520)]
    assert told([(0, RELEASE, 0), (300, PRESS, 0)]) == [(CLICK, 300)], "its hold was not heard"
    assert told([(0, RELEASE, 0)]) == [(HOLD, 1520)]


def test_frantic_presses_stay_help():
    """On one that says hold at each press; on one that counts up to three; on one that does not count."""
    pairs = []
    for i in range(6):
        pairs += [(i * 400, OLD_HOLD, 0), (i * 400 + 150, PRESS, 0)]
    assert [gesture for gesture, _ in told(pairs)] == [CLICK] + [DOUBLE] * 5
    begins = [(i * 400, OLD_HOLD, 0) for i in range(4)] + [(1900, 0x03, 0)]
    assert told(begins) == [(DOUBLE, 1900)]
    assert told([(0, PRESS), (900, PRESS), (1800, PRESS)]) == [(CLICK, 0), (DOUBLE, 900), (DOUBLE, 1800)]
    assert told([(0, PRESS), (2001, PRESS)]) == [(CLICK, 0), (CLICK, 2001)]


def test_a_press_whose_end_was_not_heard_counts_before_the_next():
    assert told([(0, OLD_HOLD, 0), (600, OLD_HOLD, 0), (800, PRESS, 0)]) == [(DOUBLE, 800)]


def test_holds_that_are_repeated_are_told_after_three_seconds_at_most():
    assert told([(i * 500, HOLD_PRESS, 0) for i in range(8)], until_ms=4000) == [(HOLD, 3020)]


def test_another_buttons_press_does_not_hide_a_hold():
    assert told([(0, OLD_HOLD, 0), (300, 0, PRESS)]) == [(HOLD, 1520)]
    assert told([(0, OLD_HOLD, 0), (300, 0, PRESS), (500, PRESS, 0)]) == [(DOUBLE, 500)]
    assert told([(0, OLD_HOLD, PRESS)]) == [(HOLD, 1520)]
    assert told([(0, OLD_HOLD, OLD_HOLD), (300, PRESS, 0)]) == [(HOLD, 1520)]
    assert told([(0, HOLD_PRESS, PRESS)], kind="button") == [(HOLD, 0)]


def test_two_bips_do_not_end_each_others_holds():
    first, second = Receiver(bound()), Receiver(bound(number=2))
    assert first.take(switch(1, OLD_HOLD), 0).gesture == second.take(switch(1, OLD_HOLD), 100).gesture == KEPT_BACK
    assert first.take(switch(2, PRESS), 300).gesture == CLICK
    assert not bip_gesture.is_due(first.bip, 1700) and bip_gesture.is_due(second.bip, 1700)
