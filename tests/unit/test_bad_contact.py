"""What bad contacts did to earlier boxes, to the microsecond, in every phase of the polling."""

from box.core.gesture import CLICK, DOUBLE, HOLD, STUCK
from box.inputs.button import Button

_BEGIN_US = 100_000
_IDLE_US = 20_000


class Contact:
    """A pin and its clock; handlers run at once, but in a stall, where at most eight wait for its end."""

    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self):
        self.now_us = 0
        self.down = False

    def irq(self, handler, trigger):
        self._handler = handler

    def value(self):
        return int(self.down)

    def now(self):
        return self.now_us // 1000

    def play(self, edges_us, until_us, phase_us, stall_us=(0, 0)):
        """[(code, ms)] of edges that alternate, beginning with down, all in microseconds."""
        button = Button(self, self.now, 1)
        seen = []
        button._on_gesture = lambda code, t_ms: seen.append((code, self.now()))
        service_us, i, queued = phase_us, 0, 0
        while True:
            if stall_us[0] <= service_us < stall_us[1]:
                service_us = stall_us[1]
            edge_us = edges_us[i] if i < len(edges_us) else until_us
            self.now_us = min(edge_us, service_us)
            if self.now_us >= until_us:
                return seen
            if edge_us < service_us:
                self.down = i % 2 == 0
                i += 1
                if stall_us[0] <= edge_us < stall_us[1]:
                    queued += queued < 8
                else:
                    self._handler(self)
            else:
                for _ in range(queued):
                    self._handler(self)
                queued = 0
                service_us += 1000 * button.service()


def every_phase(edges_us, quiet_ms=1200, step_us=250, begin_us=_BEGIN_US):
    """{the codes reported} over all phases of an idle button's polling; `edges_us` count from the first one."""
    edges_us = [begin_us + at for at in edges_us]
    readings = set()
    for phase_us in range(0, _IDLE_US, step_us):
        seen = Contact().play(edges_us, edges_us[-1] + 1000 * quiet_ms, phase_us)
        readings.add(tuple([code for code, _ in seen]))
    return readings


def test_a_hold_whose_contact_drops_out_for_12_ms_is_an_alarm_at_1500():
    edges_us = [_BEGIN_US + at * 1000 for at in (0, 1400, 1412, 2800)]
    for phase_us in range(0, _IDLE_US, 250):
        ((code, at_ms),) = Contact().play(edges_us, 4_000_000, phase_us)
        assert code == HOLD
        assert 1599 <= at_ms <= 1621


def test_a_hold_whose_contact_drops_out_for_6_to_47_ms_anywhere_is_an_alarm():
    for gap in (6_000, 10_000, 12_500, 31_000, 46_900):
        for at in (1_000, 9_500, 10_500, 40_000, 700_000, 1_440_000, 1_470_000, 1_495_000):
            readings = every_phase([0, at, at + gap, 1_545_000], step_us=1250)
            assert readings <= {(HOLD,)}, (gap, at, readings)


def test_a_hold_that_begins_with_a_touch_of_3_ms_counts_from_that():
    assert every_phase([0, 3_000, 18_000, 1_504_000]) == {(HOLD,)}


def test_a_short_click_that_begins_with_a_touch_counts_from_that():
    assert every_phase([0, 2_755, 15_873, 42_282]) == {(CLICK,)}


def test_a_click_that_drops_out_is_one_click():
    assert every_phase([0, 120_000, 150_000, 300_000]) == {(CLICK,)}
    assert every_phase([0, 9_000, 45_000, 200_000]) == {(CLICK,)}


def test_spikes_of_1_ms_every_9_ms_are_nothing():
    edges = []
    for at in range(0, 1_700_000, 9_000):
        edges += [at, at + 1_000]
    assert every_phase(edges, step_us=500) == {()}


def test_spikes_that_last_are_a_fault_and_do_not_keep_the_box_from_connecting():
    edges = []
    for at in range(0, 40_000_000, 9_000):
        edges += [_BEGIN_US + at, _BEGIN_US + at + 1_000]
    assert [code for code, _ in Contact().play(edges, 42_000_000, 0)] == [STUCK]


def test_a_contact_that_sticks_and_drops_out_is_one_alarm_and_one_fault():
    edges = [_BEGIN_US]
    for at in range(100_000, 70_000_000, 130_000):
        edges += [_BEGIN_US + at, _BEGIN_US + at + 30_000]
    assert [code for code, _ in Contact().play(edges, 69_000_000, 0)] == [HOLD, STUCK]


def test_one_spike_in_a_stall_is_a_click_at_most():
    for stall_us in (200_000, 1_500_000, 20_000_000):
        for at in (-500, 500, stall_us // 2, stall_us - 500):
            for phase_us in range(0, _IDLE_US, 2_500):
                begin = 300_000 + phase_us
                edges = [begin + at, begin + at + 1_000]
                seen = Contact().play(edges, begin + stall_us + 2_000_000, phase_us, (begin, begin + stall_us))
                assert [code for code, _ in seen] in ([], [CLICK]), (stall_us, at, phase_us)


def test_a_click_in_a_stall_joins_what_went_before_and_what_comes_after():
    for edges in ((0, 90, 400, 480), (300, 380, 1900, 2000)):
        edges = [1_000_000 + at * 1000 for at in edges]
        seen = Contact().play(edges, 5_000_000, 0, (1_150_000, 2_650_000))
        assert DOUBLE in [code for code, _ in seen], edges


def test_exactly_1500_ms_is_a_hold_wherever_a_millisecond_ends():
    for begin_us in range(_BEGIN_US, _BEGIN_US + 1000, 100):
        assert every_phase([0, 1_500_000], step_us=2_500, begin_us=begin_us) == {(HOLD,)}
        assert every_phase([0, 1_498_000], step_us=2_500, begin_us=begin_us) == {(CLICK,)}


def test_a_pause_of_exactly_500_ms_joins_wherever_a_millisecond_ends():
    for begin_us in range(_BEGIN_US, _BEGIN_US + 1000, 100):
        assert every_phase([0, 80_700, 580_700, 660_000], step_us=2_500, begin_us=begin_us) == {(DOUBLE,)}
        assert every_phase([0, 80_700, 583_700, 660_000], step_us=2_500, begin_us=begin_us) == {(CLICK, CLICK)}


def test_help_comes_at_the_second_release_and_not_when_a_dropout_would_be_over():
    edges_us = [_BEGIN_US + at * 1000 for at in (0, 80, 230, 310)]
    for phase_us in range(0, _IDLE_US, 250):
        ((code, at_ms),) = Contact().play(edges_us, 2_000_000, phase_us)
        assert code == DOUBLE
        assert 420 <= at_ms <= 431


def test_help_whose_last_press_goes_on_after_a_dropout_becomes_an_alarm():
    assert every_phase([0, 80_000, 230_000, 400_000, 430_000, 1_740_000], step_us=1250) == {(DOUBLE, HOLD)}


def test_a_switch_that_bounces_for_81_ms_loses_nothing_of_a_hold():
    bounce = []
    for at in range(0, 81_000, 3_000):
        bounce += [at, at + 1_400]
    edges = bounce + [81_000]
    assert every_phase(edges + [1_501_000 + at for at in edges], step_us=1250) == {(HOLD,)}
