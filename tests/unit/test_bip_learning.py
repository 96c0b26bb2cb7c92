"""Pairing: the bip that the key opens is bound at its third press, and nothing else is."""

from bip_packets import KEY, MAC, OTHER_KEY, OTHER_MAC, PRESENCE, PRESS, packet, plain, switch
from box.core import bthome
from box.core.bip_learning import LASTS_MS, Learning, UnsealedLearning


def take(learning, address, payload, now_ms):
    return learning.take(bthome.split(address, payload), now_ms)


BUZZER = bytes.fromhex("06ffa90b010800")


def test_the_third_press_binds():
    learning = Learning(KEY, None, 0)
    took = [take(learning, MAC, packet(counter, PRESS), 0) for counter in (7, 7, 8, 8, 9)]
    assert took == [False, False, False, False, True]
    assert (learning.mac, learning.counter, learning.presses) == (MAC, 9, 3)


def test_repeats_and_presence_are_no_presses():
    learning = Learning(KEY, None, 0)
    for counter in (1, 2, 3, 4):
        assert not take(learning, MAC, packet(counter, PRESENCE), 0)
    for _ in range(5):
        assert not take(learning, MAC, packet(5, PRESS), 0)
    assert learning.presence and learning.presses == 1


def test_what_the_key_does_not_open_is_not_bound_but_told():
    learning = Learning(KEY, None, 0)
    for counter in (1, 2, 3):
        assert not take(learning, OTHER_MAC, packet(counter, PRESS, key=OTHER_KEY, mac=OTHER_MAC), 0)
        assert not take(learning, OTHER_MAC, plain(), 0)
    assert learning.mac is None and learning.sealed and learning.plain and learning.presses == 0


def test_presses_of_two_bips_are_not_added_up():
    learning = Learning(KEY, None, 0)
    take(learning, MAC, packet(1, PRESS), 0)
    take(learning, MAC, packet(2, PRESS), 0)
    assert not take(learning, OTHER_MAC, packet(3, PRESS, mac=OTHER_MAC), 0)
    assert take(learning, MAC, packet(3, PRESS), 0)


def test_pairing_again_hears_one_bip_only():
    learning = Learning(KEY, MAC, 0)
    for counter in (1, 2, 3):
        assert not take(learning, OTHER_MAC, packet(counter, PRESS, mac=OTHER_MAC), 0)
    assert learning.presses == 0


def test_a_counter_that_started_anew_begins_the_count_anew():
    """The repeats of a press before the battery was changed are still on the air."""
    learning = Learning(KEY, MAC, 0)
    assert not take(learning, MAC, packet(5001, PRESS), 0)
    assert [take(learning, MAC, packet(counter, PRESS), 0) for counter in (1, 2, 3)] == [False, False, True]
    assert learning.counter == 3


def test_the_buzzer_of_the_bip_that_is_learnt_is_told():
    learning = Learning(KEY, None, 0)
    take(learning, MAC, BUZZER, 0)
    assert not learning.buzzer, "whose is it?"
    take(learning, MAC, packet(1, PRESS), 0)
    take(learning, OTHER_MAC, BUZZER, 0)
    assert not learning.buzzer
    take(learning, MAC, BUZZER, 0)
    assert learning.buzzer


def test_a_flood_costs_fifty_tries_a_second():
    learning = Learning(KEY, None, 0)
    for counter in range(1, 100):
        take(learning, OTHER_MAC, packet(counter, PRESS, key=OTHER_KEY, mac=OTHER_MAC), 10)
    assert not take(learning, MAC, packet(1, PRESS), 20) and learning.presses == 0
    take(learning, MAC, packet(1, PRESS), 1010)
    assert learning.presses == 1


def test_it_lasts_a_minute():
    learning = Learning(KEY, None, 5000)
    assert (learning.left_ms(5000), learning.left_ms(64_999), learning.left_ms(70_000)) == (LASTS_MS, 1, 0)


# ---- without a key ----


def test_without_a_key_the_third_press_of_one_bip_binds_it():
    learning = UnsealedLearning(0)
    took = [take(learning, MAC, plain(PRESS, number), 0) for number in (7, 7, 8, 8, 9)]
    assert took == [False, False, False, False, True]
    assert (learning.mac, learning.key, learning.counter, learning.presses) == (MAC, b"", -1, 3)
    assert not take(learning, OTHER_MAC, plain(PRESS, 10), 0) and learning.mac == MAC


def test_a_neighbours_bip_without_a_key_neither_is_bound_nor_hinders():
    learning = UnsealedLearning(0)
    took = []
    for number, address in enumerate((MAC, MAC, OTHER_MAC, MAC, OTHER_MAC, MAC, MAC, MAC)):
        took.append(take(learning, address, plain(PRESS, number), 0))
    assert took == [False] * 7 + [True] and learning.mac == MAC


def test_what_is_sealed_is_not_learnt_without_its_key():
    learning = UnsealedLearning(0)
    for counter in (1, 2, 3):
        assert not take(learning, MAC, packet(counter, PRESS), 0)
    assert learning.sealed and learning.mac is None


def test_packets_without_a_number_cannot_be_told_from_repeats():
    learning = UnsealedLearning(0)
    unnumbered = plain()[:3] + b"\x08" + plain()[4:8] + plain()[10:]
    for _ in range(5):
        assert not take(learning, MAC, unnumbered, 0)
    assert learning.presses == 1


def test_presence_and_buzzer_of_a_bip_without_a_key_are_told():
    learning = UnsealedLearning(0)
    take(learning, OTHER_MAC, plain(PRESENCE), 0)
    take(learning, OTHER_MAC, BUZZER, 0)
    for number in range(3):
        take(learning, MAC, plain(PRESS, number), 0)
    assert not learning.presence and not learning.buzzer
    take(learning, MAC, plain(PRESENCE, 3), 0)
    take(learning, MAC, BUZZER, 0)
    assert learning.presence and learning.buzzer and learning.presses == 3


# ---- kinds ----

HELD = 0xFE


def learnt(steps, learning=None):
    """(kind, which packet bound) of these packets (ms, payload)."""
    learning = learning or Learning(KEY, None, 0)
    took = [take(learning, MAC, payload, now_ms) for now_ms, payload in steps]
    return learning.kind, took.index(True) if True in took else None


def test_a_hold_with_a_press_right_after_it_was_one_press_and_shows_the_kind():
    presses = []
    for i in range(3):
        presses += [(i * 1000, packet(2 * i + 1, HELD)), (i * 1000 + 300, packet(2 * i + 2, PRESS))]
    assert learnt(presses) == ("switch", 5)
    presses = [(i * 1000, plain((HELD, PRESS)[i % 2], i)) for i in range(6)]
    assert learnt(presses, UnsealedLearning(0)) == ("switch", 5)


def test_several_buttons_show_the_kind_although_no_hold_was_heard():
    assert learnt([(i * 1000, switch(i + 1, PRESS)) for i in range(3)]) == ("switch", 2)
    assert learnt([(i * 1000, packet(i + 1, PRESS)) for i in range(3)]) == ("button", 2)


def test_a_real_hold_counts_once_it_is_sure_that_no_press_follows():
    assert learnt([(i * 5000, packet(i + 1, HELD)) for i in range(4)]) == ("", 3)
