"""The benchmark's hands and its oracle, on short runs; `make bench` reads 150,000 gestures."""

from random import Random

import hands
import pytest
from misreads import SCENES, box_reads, judge, peers

_COUNT = 2000
_RECORDS = [scene.record for scene in SCENES]


@pytest.fixture(scope="module")
def recording():
    return hands.bad_contact(Random(7), _COUNT)


def test_no_gesture_of_2000_over_a_bad_contact_is_lowered_and_two_at_most_raised(recording):
    lowered, raised = judge(recording.hands, box_reads(recording, seed=7))
    assert lowered == 0
    assert raised <= 2


@pytest.mark.parametrize("record", _RECORDS[1:], ids=lambda record: record.__name__)
def test_no_gesture_of_any_other_scene_is_lowered_and_none_raised_by_noise(record):
    recording = record(Random(3), 300)
    lowered, raised = judge(recording.hands, box_reads(recording, seed=3))
    assert lowered == 0
    assert raised == 0 or record is hands.hands_in_stalls


@pytest.mark.parametrize("thresholds", [{"window_ms": 470}, {"hold_ms": 1450}, {"click_ms": 60}, {"settle_ms": 2}])
def test_a_button_with_other_thresholds_is_caught(thresholds):
    recording = hands.bad_contact(Random(7), 300)
    assert judge(recording.hands, box_reads(recording, seed=7, **thresholds)) != (0, 0)


def test_the_hands_use_the_whole_range_and_stay_clear_of_every_threshold(recording):
    gestures, edges = recording.hands, recording.edges
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
    bounces = [hands._bounces(random, 0, True, hands._bad_bounce(random))[-1][0] for _ in range(2000)]
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


@pytest.mark.parametrize("record", _RECORDS, ids=lambda record: record.__name__)
def test_the_edges_of_a_scene_alternate_and_come_in_order(record):
    edges = record(Random(1), 40).edges
    assert [at for at, _ in edges] == sorted(at for at, _ in edges)
    assert all(closed == (i % 2 == 0) for i, (_, closed) in enumerate(edges))


def test_a_contact_drops_out_for_6_to_40_ms_at_the_beginning_and_the_end_of_a_press_too():
    recording = hands.dropouts(Random(1), 500)
    presses = [press for hand in recording.hands for press in hand.presses]
    gaps = []
    edges = recording.edges
    for (opened, _), (closed, _) in zip(edges[1::2], edges[2::2], strict=False):
        down, up = next((press for press in presses if press[0] < opened < press[1]), (0, 0))
        if closed - opened > 4_000 and closed < up:
            gaps.append((closed - opened, opened - down, up - closed))
    assert 5_900 < min(gap for gap, _, _ in gaps) < 7_000
    assert 39_000 < max(gap for gap, _, _ in gaps) <= 40_000
    assert min(after for _, after, _ in gaps) < 10_000
    assert min(before for _, _, before in gaps) < 10_000


def test_measured_switches_bounce_1_6_ms_in_the_mean_and_6_2_at_most_and_one_of_them_81():
    random = Random(1)
    bounces = [hands._good_bounce(random) for _ in range(20_000)]
    assert 1_500 < sum(bounces) / len(bounces) < 1_650
    assert max(bounces) == 6_200
    longest = []
    for seed in range(200):
        switch = hands.measured_switches(Random(seed), 1)
        (down, up), *_ = switch.hands[0].presses
        longest.append(max(at for at, _ in switch.edges if at < up) - down)
    slow = [bounce for bounce in longest if bounce > 6_200]
    assert 75_000 < max(slow) <= 81_000
    assert 5 < len(slow) < 20


def test_trains_of_spikes_are_open_for_most_of_the_time():
    recording = hands.spike_trains(Random(1), 200)
    spikes = [over[0] - at[0] for at, over in zip(recording.edges[::2], recording.edges[1::2], strict=True)]
    assert min(spikes) >= 100
    assert max(spikes) <= 2_000
    assert all(not hand.presses and hand.strongest == 0 for hand in recording.hands)


def test_a_report_that_is_missing_weaker_or_stronger_is_misread():
    two = [hands.Hand(1_100_000, [(1_000_000, 1_080_000)], [1]), hands.Hand(3_100_000, [(3_000_000, 4_600_000)], [3])]
    click, hold = (1_590_000, 1), (4_510_000, 3)
    assert judge(two, [click, hold]) == (0, 0)
    assert judge(two, [hold]) == (1, 0)
    assert judge(two, [click, (4_510_000, 2)]) == (1, 0)
    assert judge(two, [click, (2_000_000, 2), hold]) == (0, 1)
    assert judge(two, [click, (2_000_000, 4), hold]) == (0, 0)


def test_noise_is_raised_by_more_than_it_may_be():
    noise = [hands.Hand(1_000_000, (), (), most=1), hands.Hand(5_000_000, (), ())]
    assert judge(noise, []) == (0, 0)
    assert judge(noise, [(2_000_000, 1)]) == (0, 0)
    assert judge(noise, [(2_000_000, 2), (6_000_000, 1)]) == (0, 2)


def test_two_gestures_that_a_spike_joins_are_one_raised_and_not_one_lost():
    def both(rest_us):
        begin = 1_080_000 + rest_us
        return [
            hands.Hand(1_100_000, [(1_000_000, 1_080_000)], [1]),
            hands.Hand(begin + 100_000, [(begin, begin + 90_000)], [1]),
        ]

    assert judge(both(530_000), [(1_780_000, 2)]) == (0, 1)
    assert judge(both(530_000), [(1_780_000, 1)]) == (1, 0)
    assert judge(both(600_000), [(1_880_000, 2)]) == (1, 1)


@pytest.mark.skipif(not peers(), reason="no other library is installed; run `make build/peers/.done`")
def test_another_library_reads_the_clean_gestures_as_the_oracle_does():
    """So that its misreads are not ours: without bounce it must know nearly all."""
    gestures = hands.bad_contact(Random(3), 300).hands
    clean = [(at, i % 2 == 0) for i, at in enumerate(at for hand in gestures for press in hand.presses for at in press)]
    for name, reads in peers().items():
        assert judge(gestures, reads(clean)) == (0, 0), name
