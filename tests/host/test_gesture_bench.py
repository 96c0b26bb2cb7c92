"""The benchmark's hands and its oracle, on a short run; `make bench` reads 100,000 gestures."""

from random import Random

import hands
import pytest
from misreads import box_reads, judge, peers

_COUNT = 2000


@pytest.fixture(scope="module")
def generated():
    return hands.generate(_COUNT, seed=7)


def test_no_gesture_of_2000_over_a_bad_contact_is_misread(generated):
    gestures, edges = generated
    assert judge(gestures, box_reads(edges, seed=7), exactly=True) == (0, 0)


@pytest.mark.parametrize("thresholds", [{"window_ms": 470}, {"hold_ms": 1450}, {"click_ms": 60}, {"settle_ms": 2}])
def test_a_button_with_other_thresholds_is_caught(thresholds):
    gestures, edges = hands.generate(300, seed=7)
    misread, _ = judge(gestures, box_reads(edges, seed=7, **thresholds), exactly=True)
    assert misread > 0


def test_the_hands_use_the_whole_range_and_stay_clear_of_every_threshold(generated):
    gestures, edges = generated
    lengths = [(up - down) / 1000 for hand in gestures for down, up in hand.presses]
    pauses = [
        (after[0] - before[1]) / 1000
        for hand in gestures
        for before, after in zip(hand.presses, hand.presses[1:], strict=False)
    ]
    rests = [
        (after.presses[0][0] - before.presses[-1][1]) / 1000
        for before, after in zip(gestures, gestures[1:], strict=False)
    ]
    clear = hands.MARGIN_MS - 0.01  # of rounding to microseconds
    for threshold, durations in (
        (hands.CLICK_MS, lengths + pauses),
        (hands.WINDOW_MS, pauses + rests),
        (hands.HOLD_MS, lengths),
        (hands.STUCK_MS, lengths),
    ):
        nearest = min(abs(duration - threshold) for duration in durations)
        assert clear <= nearest < clear + 10 or threshold == hands.STUCK_MS, threshold
    assert {tuple(hand.reports) for hand in gestures} >= {(1,), (2,), (3,), (2, 3)}
    assert [at for at, _ in edges] == sorted(at for at, _ in edges)


def test_the_contact_bounces_up_to_15_ms_and_spikes_up_to_5():
    random = Random(1)
    bounces = [hands._bounces(random, 0, True)[-1][0] for _ in range(2000)]
    assert 14_500 < max(bounces) <= 15_000
    spikes = [edge for _ in range(2000) for edge in hands._spikes(random, 0, 1_000_000, True)]
    lengths = [over[0] - at[0] for at, over in zip(spikes[::2], spikes[1::2], strict=True)]
    assert all(at[1] and not over[1] for at, over in zip(spikes[::2], spikes[1::2], strict=True))
    assert min(lengths) >= 100
    assert 4_900 < max(lengths) <= 5_000


def test_the_oracle_knows_by_hand_what_these_are():
    for presses, reports in (
        ([(0, 80)], [1]),
        ([(0, 80), (200, 280)], [2]),
        ([(0, 80), (200, 280), (400, 480), (600, 700)], [2]),
        ([(0, 1600)], [3]),
        ([(0, 80), (200, 1800)], [3]),
        ([(0, 80), (200, 280), (400, 2000)], [2, 3]),
        ([(0, 1600), (1700, 1800), (1900, 2000)], [3]),
        ([(0, 30_500)], [3, 4]),
    ):
        assert hands._ideal(presses) == reports, presses


def test_a_report_that_is_missing_weaker_or_too_many_is_misread():
    two = [hands.Hand([(1_000_000, 1_080_000)], [1]), hands.Hand([(3_000_000, 4_600_000)], [3])]
    click, hold = (1_590_000, 1), (4_510_000, 3)
    assert judge(two, [click, hold], exactly=True) == (0, 0)
    assert judge(two, [hold], exactly=True) == (1, 1)
    assert judge(two, [click, (4_510_000, 2)], exactly=False) == (1, 1)
    assert judge(two, [click, hold, (5_000_000, 1)], exactly=True) == (1, 0)
    assert judge(two, [click, (2_000_000, 2), hold], exactly=False) == (1, 0)


@pytest.mark.skipif(not peers(), reason="no other library is installed; run `make build/peers/.done`")
def test_another_library_reads_the_clean_gestures_as_the_oracle_does():
    """So that its misreads are not ours: without bounce it must know nearly all."""
    gestures, _ = hands.generate(300, seed=3)
    clean = [(at, i % 2 == 0) for i, at in enumerate(at for hand in gestures for press in hand.presses for at in press)]
    for name, reads in peers().items():
        misread, _ = judge(gestures, reads(clean), exactly=False)
        assert misread == 0, name
