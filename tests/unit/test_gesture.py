"""Facts about gestures, and whole buttons: bounce, spikes, stalls, against an oracle on ideal intervals."""

from box.core.gesture import CLICK, DOUBLE, HIDDEN, HOLD, NOISE, PRESS, RELEASE, RESUME, STUCK, Gesture
from box.inputs.button import Button


def gestures(*presses, tick_ms=1, until=5000, **thresholds):
    """Feed presses (down, up) with a tick every tick_ms; returns [(code, t)]."""
    seen = []
    gesture = Gesture(lambda code, t_ms: seen.append((code, t_ms)), **thresholds)
    events = []
    for down, up in presses:
        events += [(down, PRESS), (up, RELEASE)]
    for t in range(0, until, tick_ms):
        while events and events[0][0] <= t:
            at, event = events.pop(0)
            gesture.feed(event, at)
        gesture.tick(t)
    return seen


def test_one_click_is_reported_when_the_window_has_ended():
    assert gestures((100, 200)) == [(CLICK, 702)]


def test_two_clicks_are_reported_at_the_second_release():
    assert gestures((100, 200), (300, 400)) == [(DOUBLE, 400)]


def test_hold_fires_at_the_threshold_not_on_release():
    assert gestures((100, 4000), until=1600) == [(HOLD, 1599)]
    assert gestures((100, 4000), until=1599) == []


def test_hold_of_1500_ms_that_is_read_as_1499_is_a_hold_and_of_1498_a_click():
    assert gestures((100, 1600)) == [(HOLD, 1599)]
    assert gestures((100, 1599)) == [(HOLD, 1599)]
    assert gestures((100, 1598)) == [(CLICK, 2100)]


def test_click_of_30_ms_that_is_read_as_29_counts_and_of_28_does_not():
    assert gestures((100, 129)) == [(CLICK, 631)]
    assert gestures((100, 128)) == []


def fed(*events):
    """[(code, t, when its sequence began)] of events (t, event) or (t, event, slack), and then of ten quiet seconds."""
    seen = []
    gesture = Gesture(lambda code, t_ms: seen.append((code, t_ms, gesture.began_ms)))
    for event in events:
        gesture.feed(event[1], event[0], event[2] if len(event) > 2 else 0)
    gesture.tick(events[-1][0] + 10_000)
    return seen


def test_short_pulse_that_may_have_begun_earlier_counts():
    assert fed((100, PRESS, 10), (119, RELEASE)) == [(CLICK, 621, 100)]
    assert fed((100, PRESS, 10), (118, RELEASE)) == []


def test_what_a_press_may_have_begun_earlier_counts_neither_for_the_next_press_nor_for_its_hold():
    assert fed((100, PRESS, 25), (1590, RELEASE), (3000, PRESS), (3010, RELEASE)) == [(CLICK, 2092, 100)]


def test_a_release_may_open_the_window_later_or_earlier_than_it_ended_the_press():
    for slack_ms, press, codes in ((300, 1001, [DOUBLE]), (300, 1002, [CLICK, CLICK]), (-20, 682, [CLICK, CLICK])):
        seen = fed((100, PRESS), (200, RELEASE, slack_ms), (press, PRESS), (press + 100, RELEASE))
        assert [code for code, _, _ in seen] == codes, (slack_ms, press)


def test_press_at_500_ms_after_release_that_is_read_as_501_joins_and_at_502_does_not():
    assert gestures((100, 200), (701, 800)) == [(DOUBLE, 800)]
    assert gestures((100, 200), (702, 800)) == [(CLICK, 702), (CLICK, 1302)]


def test_pulse_shorter_than_a_click_does_not_prolong_the_window():
    assert gestures((100, 200), (600, 620), (710, 800)) == [(CLICK, 702), (CLICK, 1302)]


def test_short_pulse_across_the_end_of_the_window_only_delays_the_click():
    assert gestures((100, 200), (690, 710)) == [(CLICK, 702)]


def test_click_then_hold_is_a_hold():
    assert gestures((100, 200), (300, 2000)) == [(HOLD, 1799)]


def test_hold_after_two_clicks_raises_the_running_help():
    assert gestures((100, 200), (300, 400), (500, 3000)) == [(DOUBLE, 400), (HOLD, 1999)]


def test_frantic_pressing_is_one_help():
    presses = [(100 + 120 * i, 160 + 120 * i) for i in range(20)]
    assert gestures(*presses) == [(DOUBLE, 280)]


def test_clicks_after_a_hold_in_the_same_sequence_are_silent_and_later_ones_are_not():
    assert gestures((100, 1700), (1800, 1900), (2000, 2100)) == [(HOLD, 1599)]
    assert gestures((100, 1700), (2300, 2400)) == [(HOLD, 1599), (CLICK, 2902)]


def test_a_blip_after_a_hold_does_not_keep_the_next_hold_from_being_reported():
    assert gestures((100, 1700), (1900, 1915), (2400, 4500)) == [(HOLD, 1599), (HOLD, 3899)]


def test_a_blip_is_no_click_and_the_sequence_that_it_began_is_over_with_it():
    seen = []
    gesture = Gesture(lambda code, t_ms: seen.append((code, gesture.began_ms)))
    for event, t_ms in ((PRESS, 100), (RELEASE, 110), (PRESS, 300), (RELEASE, 400)):
        gesture.feed(event, t_ms)
    assert gesture.due_ms == 902
    gesture.tick(902)
    assert seen == [(CLICK, 300)]


def test_stuck_button_raises_one_alarm_and_one_fault_then_is_quiet_until_released():
    assert gestures((100, 90_000), until=95_000, tick_ms=10) == [(HOLD, 1599), (STUCK, 30_100)]
    assert gestures((100, 40_000), (41_000, 41_100), until=50_000, tick_ms=10)[2:] == [(CLICK, 41_602)]


def test_late_ticks_change_neither_gestures_nor_their_moments():
    presses = ((100, 200), (900, 1000), (1200, 1300), (1400, 3000), (4000, 36_000), (37_000, 37_050))
    exact = gestures(*presses, until=40_001)
    assert [code for code, _ in exact] == [CLICK, DOUBLE, HOLD, HOLD, STUCK, CLICK]
    for tick_ms in (7, 200, 4000, 40_000):
        assert gestures(*presses, tick_ms=tick_ms, until=40_001) == exact


def test_hidden_clicks_count_in_every_state():
    def run(*events):
        seen = []
        gesture = Gesture(lambda code, t_ms: seen.append(code))
        for t, event in events:
            gesture.feed(event, t)
        gesture.tick(20_000)
        return seen

    assert run((100, HIDDEN)) == [CLICK]
    assert run((100, HIDDEN), (100, HIDDEN)) == [DOUBLE]
    assert run((100, PRESS), (200, HIDDEN), (300, RELEASE)) == [DOUBLE]
    assert run((100, PRESS), (200, RELEASE), (600, HIDDEN)) == [DOUBLE]
    assert run((100, PRESS), (200, HIDDEN), (1600, RELEASE)) == [HOLD]
    assert run((100, PRESS), (1700, HIDDEN), (1800, RELEASE)) == [HOLD]


def test_due_ms_is_exactly_when_the_next_tick_matters():
    gesture = Gesture(lambda code, t_ms: None)
    assert gesture.due_ms is None
    gesture.feed(PRESS, 100)
    assert gesture.due_ms == 1599
    gesture.feed(RELEASE, 200)
    assert gesture.due_ms == 702
    gesture.tick(701)
    assert gesture.due_ms == 702
    gesture.tick(702)
    assert gesture.due_ms is None
    gesture.feed(PRESS, 1000)
    gesture.tick(2499)
    assert gesture.due_ms == 31_000
    gesture.tick(31_000)
    assert gesture.due_ms is None


def test_gesture_is_open_until_something_is_reported():
    gesture = Gesture(lambda code, t_ms: None)
    states = [gesture.open]
    for t, event in ((100, PRESS), (200, RELEASE), (300, PRESS), (400, RELEASE), (500, PRESS)):
        gesture.feed(event, t)
        states.append(gesture.open)
    assert states == [False, True, True, True, False, False]


def test_sequence_began_with_its_first_press():
    began = []
    gesture = Gesture(lambda code, t_ms: began.append(gesture.began_ms))
    for t, event in ((100, PRESS), (200, RELEASE), (300, PRESS), (400, RELEASE), (5000, PRESS), (5100, RELEASE)):
        gesture.feed(event, t)
    gesture.tick(9000)
    assert began == [100, 5000]


def test_time_that_goes_back_is_read_as_the_last_one():
    seen = []
    gesture = Gesture(lambda code, t_ms: seen.append((code, t_ms)))
    gesture.feed(PRESS, 1000)
    gesture.tick(1300)
    gesture.feed(RELEASE, 500)
    gesture.tick(2000)
    assert seen == [(CLICK, 1802)]


def test_thresholds_move_the_gestures():
    seen = gestures((100, 180), (400, 500), until=3000, click_ms=90, window_ms=200, hold_ms=600)
    assert seen == [(CLICK, 702)]
    assert gestures((100, 700), click_ms=90, hold_ms=600) == [(HOLD, 699)]
    assert gestures((100, 20_000), until=16_000, stuck_ms=15_000)[1:] == [(STUCK, 15_100)]


def test_thresholds_may_be_chosen_up_to_their_bounds():
    for name, bounds in (
        ("click_ms", (20, 200)),
        ("window_ms", (200, 2000)),
        ("hold_ms", (500, 10_000)),
        ("stuck_ms", (15_000, 600_000)),
    ):
        for value in bounds:
            Gesture(None, **{name: value})
        for value in (bounds[0] - 1, bounds[1] + 1):
            try:
                Gesture(None, **{name: value})
            except ValueError as error:
                text = "%s is %d; choose a whole number from %d to %d." % (name, value, bounds[0], bounds[1])
                assert str(error) == text
            else:
                raise AssertionError((name, value))


def test_a_press_that_goes_on_takes_its_release_back_and_holds_from_its_first_moment():
    assert fed((100, PRESS), (1500, RELEASE), (1512, RESUME), (2000, RELEASE)) == [(HOLD, 1599, 100)]
    assert fed((100, PRESS), (200, RELEASE), (220, RESUME), (400, RELEASE)) == [(CLICK, 902, 100)]
    assert fed((100, PRESS), (110, RELEASE), (125, RESUME), (130, RELEASE)) == [(CLICK, 632, 100)]
    twice = ((200, RELEASE), (220, RESUME), (300, RELEASE), (330, RESUME), (400, RELEASE))
    assert fed((100, PRESS), *twice) == [(CLICK, 902, 100)]


def test_a_second_press_that_goes_on_is_help_at_its_first_release_and_then_an_alarm():
    events = ((100, PRESS), (200, RELEASE), (400, PRESS), (440, RELEASE), (460, RESUME), (2000, RELEASE))
    assert fed(*events) == [(DOUBLE, 440, 100), (HOLD, 1899, 100)]


def test_a_press_too_short_to_count_that_goes_on_begins_a_sequence_with_its_first_moment():
    later = ((5000, PRESS), (5010, RELEASE), (5030, RESUME), (5100, RELEASE))
    assert fed((100, PRESS), (200, RELEASE), *later) == [(CLICK, 702, 100), (CLICK, 5602, 5000)]


def test_a_second_press_that_goes_on_after_a_touch_is_help():
    events = ((100, PRESS), (200, RELEASE), (400, PRESS), (410, RELEASE), (430, RESUME), (600, RELEASE))
    assert fed(*events) == [(DOUBLE, 600, 100)]


def test_a_touch_across_the_end_of_the_window_that_goes_on_begins_a_sequence_of_its_own():
    events = ((100, PRESS), (200, RELEASE), (690, PRESS), (710, RELEASE), (720, RESUME), (2300, RELEASE))
    assert fed(*events) == [(CLICK, 702, 100), (HOLD, 2189, 690)]


def test_a_hidden_click_begins_a_sequence():
    assert fed((100, PRESS), (200, RELEASE), (5000, HIDDEN)) == [(CLICK, 702, 100), (CLICK, 5502, 5000)]


def test_a_held_or_stuck_press_that_goes_on_is_told_once():
    held = ((100, PRESS), (1700, RELEASE), (1720, RESUME), (2000, RELEASE))
    assert fed(*held) == [(HOLD, 1599, 100)]
    stuck = ((100, PRESS), (20_000, RELEASE), (20_020, RESUME), (31_000, RELEASE), (31_020, RESUME), (50_000, RELEASE))
    assert fed(*stuck) == [(HOLD, 1599, 100), (STUCK, 30_100, 100)]


def test_resume_and_noise_change_nothing_of_a_press_that_is_down():
    for down in ((500, 700), (1700, 1800), (31_000, 31_050)):
        alone = fed((100, PRESS), (40_000, RELEASE))
        assert fed((100, PRESS), (down[0], RESUME), (down[1], NOISE), (down[1], PRESS), (40_000, RELEASE)) == alone


def test_a_press_may_have_begun_before_the_last_tick_and_a_release_not():
    seen = []
    gesture = Gesture(lambda code, t_ms: seen.append((code, t_ms)))
    gesture.tick(1050)
    gesture.feed(PRESS, 1000)
    assert gesture.due_ms == 2499
    assert gesture.began_ms == 1000
    gesture.tick(2499)
    assert seen == [(HOLD, 2499)]


def noise(*spans, step_ms=100):
    """[(code, t, began)] of spikes every step_ms within spans (from, to)."""
    events = []
    for begin, end in spans:
        events += [(t, NOISE) for t in range(begin, end + 1, step_ms)]
    return fed(*events)


def test_noise_is_a_fault_once_it_has_lasted_as_long_as_a_stuck_button():
    assert noise((5000, 34_900)) == []
    assert noise((5000, 35_000)) == [(STUCK, 35_000, 5000)]
    assert noise((5000, 35_000), step_ms=2000) == [(STUCK, 35_000, 5000)]
    assert noise((5000, 100_000), step_ms=2001) == []


def test_noise_that_rests_for_more_than_two_seconds_begins_anew():
    assert noise((5000, 25_000), (27_000, 36_000)) == [(STUCK, 35_000, 5000)]
    assert noise((5000, 25_000), (27_001, 56_901)) == []


def test_noise_is_told_once_an_hour():
    hour = 3_600_000
    once = [(STUCK, 35_000, 5000)]
    assert noise((5000, 35_000 + hour + 29_000), step_ms=1000) == once
    assert noise((5000, 35_000), (80_000, 120_000)) == once
    assert noise((5000, 35_000 + hour + 30_000), step_ms=1000) == once + [
        (STUCK, 35_000 + hour + 30_000, 35_000 + hour)
    ]


def test_noise_does_not_touch_a_sequence_that_runs():
    assert fed((100, PRESS), (200, RELEASE), (400, NOISE), (600, PRESS), (700, RELEASE)) == [(DOUBLE, 700, 100)]


def test_bad_thresholds_are_refused_with_a_sentence():
    for name, value in (
        ("click_ms", 19),
        ("window_ms", 2001),
        ("hold_ms", "1500"),
        ("stuck_ms", 14_999),
        ("hold_ms", None),
    ):
        try:
            Gesture(None, **{name: value})
        except ValueError as error:
            assert str(error).startswith(name + " is ")
            assert str(error).endswith(".")
        else:
            raise AssertionError(name)


# A whole button on a simulated chip


class Random:
    """A linear congruential generator: the same numbers under every interpreter."""

    def __init__(self, seed):
        self._state = seed & 0x7FFFFFFF

    def below(self, n):
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % n


def contact_edges(presses, random, stalls):
    """[(t_us, down)] of a bad contact: chatter up to 15 ms at each change, spikes up to 5 ms, 30 ms apart.

    No spike near a stall: there it counts as a click, and would hide that a press was lost. None near a change: there
    it counts as a part of the press. In a stall no change is clean: a hold of two edges is a click there.
    """
    edges = []
    quiet_from = 100_000
    for begin, end in presses:
        for at, down in ((begin * 1000, True), (end * 1000, False)):
            spike = quiet_from + 60_000 + random.below(40_000)
            while random.below(3) == 0 and spike + 65_000 < at:
                end_of_spike = spike + 100 + random.below(4_900)
                if not any(start - 60 <= spike // 1000 <= stop + 60 for start, stop in stalls):
                    edges += [(spike, down), (end_of_spike, not down)]
                spike += 30_000 + random.below(400_000)
            edges.append((at, down))
            bounce_until = at + (500 + random.below(14_500) if random.below(8) else 0)
            t = at
            while True:
                opened = t + 50 + random.below(3_000)
                t = opened + 50 + random.below(3_000)
                if t > bounce_until and not (stalls and edges[-1][0] == at):
                    break
                edges += [(opened, not down), (t, down)]
            quiet_from = bounce_until
    return edges


class Chip:
    """A pin, a clock and a scheduler as MicroPython has them.

    Handlers wait in a queue of 8 and run one after the other, 0.1 ms each; in a stall nothing runs
    while the contact goes on. The service runs when it asked to, up to 4 ms late. `late_handlers`: at
    the end of a stall that many handlers run only after the service.
    """

    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, edges, stalls, random, late_handlers=0):
        self._edges = edges
        self._stalls = stalls
        self._random = random
        self._late_handlers = late_handlers
        self._now_us = 0
        self._down = False
        self.seen = []
        self.button = Button(self, self.now, 1)
        self.button._on_gesture = self._classified

    def _classified(self, code, t_ms):
        assert t_ms <= self.now(), "a gesture from the future"
        self.seen.append([code, self.now()])

    def irq(self, handler, trigger):
        self._handler = handler

    def value(self):
        return int(self._down)

    def now(self):
        return self._now_us // 1000

    def _awake(self, t_us):
        """When Python runs that should run at t_us."""
        for start, end in self._stalls:
            if start <= t_us < end:
                return end
        return t_us

    def run(self, until_ms):
        queued = handler_at = service_at = next_edge = 0
        while self._now_us < until_ms * 1000:
            edge_at = self._edges[next_edge][0] if next_edge < len(self._edges) else 1 << 60
            if queued:
                handler_at = self._awake(handler_at)
            service_at = self._awake(service_at)
            if edge_at < service_at and (not queued or edge_at <= handler_at):
                self._down = self._edges[next_edge][1]
                next_edge += 1
                if not queued:
                    handler_at = edge_at + self._random.below(300)
                queued = min(queued + 1, 8)
                continue
            late = handler_at == service_at and queued <= self._late_handlers
            if queued and handler_at <= service_at and not late:
                self._now_us = max(self._now_us, handler_at)
                queued -= 1
                # All that waited at the end of a stall run before a service that waited too.
                handler_at += 0 if handler_at == service_at else 100
                self._handler(self)
            else:
                self._now_us = max(self._now_us, service_at)
                service_at = self._now_us + 1000 * self.button.service() + self._random.below(4_000)
                if queued:
                    handler_at = max(handler_at, self._now_us + 100)
        return self.seen


def intervals(pairs, start_ms=500):
    """[(pause, length)] in ms to [(begin, end)]."""
    presses = []
    t = start_ms
    for pause, length in pairs:
        t += pause
        presses.append((t, t + length))
        t += length
    return presses


def ideal(presses):
    """What a perfect observer reports: [(first press, last release, [(code, t)])], one for each sequence."""
    sequences = []
    for begin, end in presses:
        if sequences and begin - sequences[-1][-1][1] <= 500:
            sequences[-1].append((begin, end))
        else:
            sequences.append([(begin, end)])
    told = []
    for sequence in sequences:
        long = [begin for begin, end in sequence if end - begin >= 1500]
        before_long = [end for begin, end in sequence if not long or begin < long[0]]
        reports = []
        if len(before_long) >= 2:
            reports.append((DOUBLE, before_long[1]))
        elif not long:
            reports.append((CLICK, sequence[-1][1] + 500))
        if long:
            reports.append((HOLD, long[0] + 1500))
        reports += [(STUCK, begin + 30_000) for begin, end in sequence if end - begin >= 30_000]
        told.append((sequence[0][0], sequence[-1][1], reports))
    return told


def assert_reports(seen, reports, late_ms):
    assert [code for code, _ in seen] == [code for code, _ in reports], (seen, reports)
    for (_, t), (_, ideal_t) in zip(seen, reports):
        assert ideal_t - 17 <= t <= ideal_t + late_ms, (seen, reports)


def assert_never_lower(seen, presses, stalls):
    """Each sequence that no stall touches is read exactly; a touched one at least as strong, and near it."""
    # Sequences between which a stall lies may be read as one.
    groups = []
    for first, last, reports in ideal(presses):
        touching = [s for s in stalls if s[0] - 60 <= last + 501 and s[1] + 60 >= first]
        joins = groups and any(s[0] - 60 <= first and s[1] + 60 >= groups[-1][1] for s in stalls)
        if joins:
            groups[-1] = (groups[-1][0], last, groups[-1][2] + reports, True)
        else:
            groups.append((first, last, reports, bool(touching)))
    rest = list(seen)
    for i in range(len(groups)):
        first, last, reports, touched = groups[i]
        following = groups[i + 1][0] if i + 1 < len(groups) else 1 << 30
        mine = [report for report in rest if report[1] < following]
        rest = rest[len(mine) :]
        if not touched:
            assert_reports(mine, reports, 100)
            continue
        strengths = [code for code, _ in mine if code != STUCK]
        wanted = max(code for code, _ in reports if code != STUCK)
        assert strengths, ("a press was lost", presses, stalls, seen)
        assert max(strengths) >= wanted, ("a gesture was lowered", presses, stalls, seen)
        stalled_ms = sum(end - start for start, end in stalls)
        assert mine[0][1] <= last + stalled_ms + 600, ("reported late", presses, stalls, seen)
    assert not rest


def simulate(presses, seed, stalls=(), late_handlers=0):
    random = Random(seed)
    edges = contact_edges(presses, random, stalls)
    until = presses[-1][1] + 1000 if presses else 1000
    until = max([until] + [end + 1000 for _, end in stalls])
    chip = Chip(edges, [(start * 1000, end * 1000) for start, end in stalls], random, late_handlers)
    return chip.run(until)


def case_unstalled(data):
    """Presses kept 20 ms from every threshold are never misread, whatever the contact does."""
    presses = intervals(data["presses"])
    seen = simulate(presses, data["seed"])
    reports = [report for _, _, some in ideal(presses) for report in some]
    # A spike at the window's end and the 50 ms after it, the settling time, and a service up to 4 ms late.
    assert_reports(seen, reports, 100)
    return seen


def case_stalled(data):
    """Stalls of 0.2 to 20 s anywhere, and a queue of 8: nothing is lost, nothing is lowered."""
    presses = intervals(data["presses"])
    stalls = []
    t = 0
    for pause, length in data["stalls"]:
        stalls.append((t + pause, t + pause + length))
        t += pause + length
    seen = simulate(presses, data["seed"], stalls, data["late_handlers"])
    assert_never_lower(seen, presses, stalls)
    return seen


_GESTURES = (
    ((0, 80),),
    ((0, 80), (150, 80)),
    ((0, 60), (60, 60), (60, 60), (60, 60), (60, 60)),
    ((0, 1600),),
    ((0, 80), (150, 1600)),
    ((0, 80), (150, 80), (150, 1600)),
    ((0, 80), (700, 80)),
)


def test_no_moment_of_a_stall_loses_or_lowers_a_gesture():
    seed = 1
    for pairs in _GESTURES:
        for length in (200, 1500, 20_000):
            presses = intervals(pairs, length + 100)
            for moment in range(presses[0][0] - 60, presses[-1][1] + 600, 31):
                for start in (moment, moment - length):
                    seed += 1
                    stalls = [(start, start + length)]
                    assert_never_lower(simulate(presses, seed, stalls, seed % 9), presses, stalls)


def test_no_stall_up_to_60_ms_loses_or_doubles_a_click_of_50_ms():
    seed = 1
    begin = 503
    for length in (50, 55, 80):
        for stall in range(5, 61, 5):
            for start in range(begin - stall, begin + length + 1, 5):
                seed += 1
                stalls = [(start, start + stall)]
                seen = simulate([(begin, begin + length)], seed, stalls)
                assert [code for code, _ in seen] == [CLICK], (length, stalls, seen)


def test_stalls_without_a_press_report_nothing():
    assert simulate([], 3, [(200, 400), (600, 2100), (2200, 22_200)]) == []
