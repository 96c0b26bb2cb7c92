"""Facts about gestures, and whole buttons: bounce, spikes, stalls, against an oracle on ideal intervals."""

from box.core.gesture import CLICK, DOUBLE, HIDDEN, HOLD, PRESS, RELEASE, STUCK, Gesture
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
    assert gestures((100, 200)) == [(CLICK, 701)]


def test_two_clicks_are_reported_at_the_second_release():
    assert gestures((100, 200), (300, 400)) == [(DOUBLE, 400)]


def test_hold_fires_at_the_threshold_not_on_release():
    assert gestures((100, 4000), until=1601) == [(HOLD, 1600)]
    assert gestures((100, 4000), until=1600) == []


def test_hold_of_1500_ms_is_a_hold_and_of_1499_a_click():
    assert gestures((100, 1600)) == [(HOLD, 1600)]
    assert gestures((100, 1599)) == [(CLICK, 2100)]


def test_click_of_30_ms_counts_and_of_29_does_not():
    assert gestures((100, 130)) == [(CLICK, 631)]
    assert gestures((100, 129)) == []


def test_short_pulse_that_may_have_begun_earlier_counts():
    seen = []
    gesture = Gesture(lambda code, t_ms: seen.append((code, t_ms)))
    gesture.feed(PRESS, 100, 10)
    gesture.feed(RELEASE, 120)
    gesture.tick(1000)
    assert seen == [(CLICK, 621)]


def test_press_at_500_ms_after_release_joins_and_at_501_does_not():
    assert gestures((100, 200), (700, 800)) == [(DOUBLE, 800)]
    assert gestures((100, 200), (701, 800)) == [(CLICK, 701), (CLICK, 1301)]


def test_pulse_shorter_than_a_click_does_not_prolong_the_window():
    assert gestures((100, 200), (600, 620), (710, 800)) == [(CLICK, 701), (CLICK, 1301)]


def test_short_pulse_across_the_end_of_the_window_only_delays_the_click():
    assert gestures((100, 200), (690, 710)) == [(CLICK, 701)]


def test_click_then_hold_is_a_hold():
    assert gestures((100, 200), (300, 2000)) == [(HOLD, 1800)]


def test_hold_after_two_clicks_raises_the_running_help():
    assert gestures((100, 200), (300, 400), (500, 3000)) == [(DOUBLE, 400), (HOLD, 2000)]


def test_frantic_pressing_is_one_help():
    presses = [(100 + 120 * i, 160 + 120 * i) for i in range(20)]
    assert gestures(*presses) == [(DOUBLE, 280)]


def test_clicks_after_a_hold_in_the_same_sequence_are_silent_and_later_ones_are_not():
    assert gestures((100, 1700), (1800, 1900), (2000, 2100)) == [(HOLD, 1600)]
    assert gestures((100, 1700), (2300, 2400)) == [(HOLD, 1600), (CLICK, 2901)]


def test_stuck_button_raises_one_alarm_and_one_fault_then_is_quiet_until_released():
    assert gestures((100, 90_000), until=95_000, tick_ms=10) == [(HOLD, 1600), (STUCK, 30_100)]
    assert gestures((100, 40_000), (41_000, 41_100), until=50_000, tick_ms=10)[2:] == [(CLICK, 41_601)]


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
    assert gesture.due_ms == 1600
    gesture.feed(RELEASE, 200)
    assert gesture.due_ms == 701
    gesture.tick(700)
    assert gesture.due_ms == 701
    gesture.tick(701)
    assert gesture.due_ms is None
    gesture.feed(PRESS, 1000)
    gesture.tick(2500)
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
    assert seen == [(CLICK, 1801)]


def test_thresholds_move_the_gestures():
    seen = gestures((100, 180), (400, 500), until=3000, click_ms=90, window_ms=200, hold_ms=600)
    assert seen == [(CLICK, 701)]
    assert gestures((100, 700), click_ms=90, hold_ms=600) == [(HOLD, 700)]


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

    No spike near a stall: there it counts as a click, and would hide that a press was lost.
    """
    edges = []
    quiet_from = 100_000
    for begin, end in presses:
        for at, down in ((begin * 1000, True), (end * 1000, False)):
            spike = quiet_from + random.below(40_000)
            while random.below(3) == 0 and spike + 5_100 < at:
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
                if t > bounce_until:
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
            assert_reports(mine, reports, 60)
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
    # The settling time, the bounce, and a service up to 4 ms late.
    assert_reports(seen, reports, 45)
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
