"""Facts about one contact, to the millisecond, and about the button's ring."""

from box.core.debounce import Debounce
from box.core.gesture import HIDDEN, NOISE, PRESS, RELEASE, RESUME
from box.inputs.button import Button

_NAMES = {PRESS: "press", RELEASE: "release", HIDDEN: "hidden", RESUME: "resume", NOISE: "noise"}


class Sink:
    """Keeps what the debouncer says; checks that no event but a press's first touch lies before a tick."""

    due_ms = None

    def __init__(self):
        self.events = []
        self.slacks = []
        self.time = 0

    def feed(self, event, t_ms, slack_ms=0):
        assert t_ms >= self.time or event == PRESS, "an event before a tick that passed it"
        self.events.append((_NAMES[event], t_ms))
        self.slacks.append(slack_ms)

    def tick(self, now_ms):
        self.time = now_ms


def contact(records, until, service_ms=1, **thresholds):
    """Records [(t, down)] seen by a box that samples every service_ms; returns the events."""
    sink = Sink()
    debounce = Debounce(sink, 0, **thresholds)
    down = False
    for t in range(0, until + 1, service_ms):
        while records and records[0][0] <= t:
            at, down = records.pop(0)
            debounce.edge(at, down)
        debounce.sample(t, down)
    return sink.events


def stalled(levels, start, end, before=False, sample_first=False):
    """Events of a box that sees nothing from `start` to `end`; then handlers run that read `levels`.

    Level `before` settled earlier.
    """
    sink = Sink()
    debounce = Debounce(sink, 0)
    for t in range(start + 1):
        if t == 100 and before:
            debounce.edge(t, True)
        debounce.sample(t, before and t >= 100)
    del sink.events[:]
    if sample_first:
        debounce.sample(end, levels[-1])
    for level in levels:
        debounce.edge(end, level)
    for t in range(end, end + 50):
        debounce.sample(t, levels[-1] if levels else before)
    return sink.events


def test_level_counts_after_settle_ms_stamped_with_its_first_edge():
    sink = Sink()
    debounce = Debounce(sink, 0)
    debounce.sample(19, False)
    debounce.edge(20, True)
    debounce.sample(29, True)
    assert sink.events == []
    debounce.sample(30, True)
    assert sink.events == [("press", 20)]


def test_bounce_of_15_ms_gives_one_press_at_the_first_edge_and_one_release_at_the_first_edge():
    records = [(20 + i, i % 2 == 0) for i in range(15)] + [(120 + i, i % 2 == 1) for i in range(15)]
    assert contact(records, 200) == [("press", 20), ("release", 120)]


def test_spike_shorter_than_settle_ms_is_nothing_up_or_down():
    assert contact([(20, True), (29, False)], 99) == [("noise", 20)]
    assert contact([(20, True), (60, False), (69, True), (100, False)], 150) == [("press", 20), ("release", 100)]


def test_pulse_of_settle_ms_is_reported():
    assert contact([(20, True), (30, False)], 60) == [("press", 20), ("release", 30)]


def test_records_alone_settle_a_level_without_a_sample_between():
    sink = Sink()
    debounce = Debounce(sink, 0)
    debounce.edge(10, True)
    debounce.edge(35, False)
    assert sink.events == [("press", 10)]


def test_settle_ms_is_settable():
    records = [(20, True), (49, False)]
    assert contact(list(records), 99, settle_ms=30) == [("noise", 20)]
    assert contact(list(records), 99, settle_ms=29) == [("press", 20), ("release", 49)]


def train(begin, end, down_ms, up_ms):
    """Records of a contact that is down and up by turns."""
    records = []
    while begin < end:
        records += [(begin, True), (begin + down_ms, False)]
        begin += down_ms + up_ms
    return records


def test_contact_that_is_down_half_of_the_time_and_never_settles_is_a_press_from_its_first_edge():
    press, (name, t) = contact(train(20, 420, 5, 5), 600)
    assert press == ("press", 20)
    assert name == "release"
    assert 315 <= t <= 415
    assert contact(train(20, 120, 5, 5), 129) == []


def test_contact_that_never_settles_is_decided_after_ten_settling_times():
    sink = Sink()
    debounce = Debounce(sink, 0)
    for t, down in train(20, 122, 3, 3):
        debounce.edge(t, down)
        assert sink.events == ([("press", 20)] if t > 120 else []), t


def test_contact_that_is_down_less_than_half_of_the_time_and_never_settles_is_noise():
    for down_ms, up_ms in ((1, 8), (4, 5)):
        events = contact(train(20, 1700, down_ms, up_ms), 1900)
        assert [name for name, _ in events] == ["noise"] * len(events)
        assert events[0] == ("noise", 20)
        assert 15 <= len(events) <= 17


def test_pressed_contact_that_is_down_a_quarter_of_the_time_stays_down_and_less_is_a_release():
    assert contact([(20, True)] + train(105, 800, 2, 6), 804) == [("press", 20)]
    events = contact([(20, True), (100, False)] + train(105, 800, 2, 7), 804)
    assert events[:2] == [("press", 20), ("release", 100)]
    assert {name for name, _ in events[2:]} == {"noise"}


def test_noise_is_not_restless_for_longer_than_it_takes_to_know_it():
    sink = Sink()
    debounce = Debounce(sink, 0)
    restless = {}
    records = train(20, 500, 1, 8)
    for t in range(700):
        while records and records[0][0] <= t:
            debounce.edge(*records.pop(0))
        debounce.sample(t, False)
        restless[t] = debounce.restless
    assert [t for t in restless if restless[t]] == list(range(20, 128))
    debounce.edge(700, True)
    assert debounce.restless


def test_press_within_noise_begins_no_more_than_ten_settling_times_early():
    records = train(20, 920, 1, 8) + [(920, True), (1200, False)]
    events = [event for event in contact(records, 1300) if event[0] != "noise"]
    assert [name for name, _ in events] == ["press", "release"]
    assert 820 <= events[0][1] <= 920


def test_spike_within_50_ms_before_a_press_is_its_first_touch():
    assert contact([(20, True), (23, False), (72, True), (200, False)], 300) == [("press", 20), ("release", 200)]
    events = [("noise", 20), ("press", 73), ("release", 200)]
    assert contact([(20, True), (23, False), (73, True), (200, False)], 300) == events


def test_spike_is_told_when_50_ms_are_quiet_and_due_then():
    sink = Sink()
    debounce = Debounce(sink, 0)
    debounce.edge(20, True)
    assert debounce.due_ms == 30
    debounce.edge(23, False)
    assert debounce.due_ms == 73
    debounce.sample(40, False)
    debounce.sample(60, False)
    assert sink.time == 20
    debounce.sample(72, False)
    assert sink.events == []
    debounce.sample(73, False)
    assert sink.events == [("noise", 20)]
    assert sink.time == 73
    assert debounce.due_ms is None
    assert not debounce.restless


def test_slow_settling_waits_no_shorter_for_a_spike_than_for_a_level():
    sink = Sink()
    debounce = Debounce(sink, 0, settle_ms=80)
    debounce.edge(20, True)
    assert debounce.due_ms == 100
    debounce.edge(23, False)
    assert debounce.due_ms == 103


class Ticked(Sink):
    """Keeps the last tick before the first event."""

    before = 0

    def tick(self, now_ms):
        if not self.events:
            self.before = now_ms


def test_first_touch_moves_the_end_of_the_pause_by_18_ms_at_most():
    for press, tick in ((60, 42), (39, 21), (38, 20), (30, 20)):
        sink = Ticked()
        debounce = Debounce(sink, 0)
        records = [(20, True), (23, False), (press, True), (press + 2, False), (press + 4, True)]
        down = False
        for t in range(press + 20):
            while records and records[0][0] <= t:
                at, down = records.pop(0)
                debounce.edge(at, down)
            debounce.sample(t, down)
        assert sink.events == [("press", 20)]
        assert sink.before == tick, press


def test_gap_below_48_ms_is_the_contacts_and_from_52_ms_a_hands_and_between_it_is_both():
    for gap, between in (
        (10, [("resume", 200)]),
        (47, [("resume", 200)]),
        (48, [("hidden", 200), ("resume", 200)]),
        (51, [("hidden", 200), ("resume", 200)]),
        (52, [("press", 200)]),
    ):
        events = contact([(20, True), (200 - gap, False), (200, True), (400, False)], 500)
        assert events == [("press", 20), ("release", 200 - gap)] + between + [("release", 400)], gap


def test_gap_lasts_from_the_first_edge_of_the_release_to_the_last_of_the_press_or_may_end_with_its_first():
    bounced = [
        (20, True),
        (100, False),
        (103, True),
        (104, False),
        (140, True),
        (141, False),
        (147, True),
        (400, False),
    ]
    assert contact(bounced, 500)[2:] == [("resume", 140), ("release", 400)]
    bounced = [(20, True), (100, False), (140, True), (141, False), (148, True), (400, False)]
    assert contact(bounced, 500)[2:] == [("hidden", 140), ("resume", 140), ("release", 400)]
    touched = [(20, True), (100, False), (151, True), (154, False), (190, True), (400, False)]
    assert contact(touched, 500)[2:] == [("hidden", 151), ("resume", 151), ("release", 400)]


def test_press_at_the_start_follows_no_release():
    assert contact([(0, True), (100, False)], 200) == [("press", 0), ("release", 100)]


def test_spike_soon_after_a_release_makes_the_press_longer_and_its_window_hardly():
    for begin, end, slack in ((114, 117, 0), (115, 118, 0), (116, 119, -1), (151, 155, -37)):
        sink = Sink()
        debounce = Debounce(sink, 0)
        records = [(20, True), (100, False), (begin, True), (end, False)]
        for t in range(300):
            while records and records[0][0] <= t:
                debounce.edge(*records.pop(0))
            debounce.sample(t, debounce._raw)
        assert sink.events == [("press", 20), ("release", 100), ("resume", begin), ("release", end)]
        assert sink.slacks[2:] == [0, slack]
    records = [(20, True), (100, False), (152, True), (155, False)]
    assert contact(records, 300) == [("press", 20), ("release", 100), ("noise", 152)]


def test_two_records_of_a_pulse_too_short_to_read_are_noise():
    assert contact([(20, False), (20, False)], 99) == [("noise", 20)]


def test_gap_of_blind_ms_is_trusted_and_one_more_is_not():
    for gap, press in ((30, 130), (31, 100)):
        sink = Sink()
        debounce = Debounce(sink, 100)
        debounce.edge(100 + gap, True)
        debounce.sample(100 + gap + 10, True)
        assert sink.events == [("press", press)], gap


def test_press_tells_by_how_much_earlier_it_may_have_begun():
    sink = Sink()
    debounce = Debounce(sink, 100)
    debounce.edge(125, True)
    debounce.sample(135, True)
    assert sink.events == [("press", 125)]
    assert sink.slacks == [25]


def test_pulse_whose_length_may_exceed_blind_ms_is_a_click_however_little_of_it_was_seen():
    for back, events, slacks in ((130, [("noise", 128)], [0]), (131, [("press", 128), ("release", 131)], [28, 0])):
        sink = Sink()
        debounce = Debounce(sink, 100)
        debounce.edge(128, True)
        debounce.edge(back, False)
        for t in range(back, 250, 10):
            debounce.sample(t, False)
        assert (sink.events, sink.slacks) == (events, slacks), back
        debounce.edge(251, True)
        debounce.edge(252, False)
        for t in range(260, 350, 10):
            debounce.sample(t, False)
        assert sink.events[len(events) :] == [("noise", 251)]


def test_press_found_after_a_stall_began_with_the_stall():
    assert stalled([True], 200, 500) == [("press", 200)]


def test_release_found_after_a_stall_happened_at_its_end():
    assert stalled([False], 200, 500, before=True) == [("release", 500)]


def test_edges_beyond_the_change_of_level_are_hidden_clicks():
    press, release = ("press", 200), ("release", 700)
    first, last = ("hidden", 200), ("hidden", 700)
    table = (
        # edges, down before, down after, events
        (1, False, True, [press]),
        (2, False, True, [first, press]),
        (3, False, True, [first, press]),
        (8, False, True, [first, first, press]),
        (1, True, False, [release]),
        (3, True, False, [release, last]),
        (8, True, False, [release, last, last]),
        (1, False, False, [press, ("release", 200)]),
        (2, False, False, [press, ("release", 200)]),
        (3, False, False, [press, release, last]),
        (8, False, False, [press, release, last]),
        (1, True, True, [last]),
        (2, True, True, [last]),
        (4, True, True, [last, last]),
        (8, True, True, [last, last]),
    )
    for edges, before, after, events in table:
        for sample_first in (False, True):
            seen = stalled([after] * edges, 200, 700, before, sample_first)
            assert seen == events, (edges, before, after, sample_first, seen)


def test_one_pulse_in_a_stall_lasts_no_time_and_its_window_begins_at_the_end():
    for levels, press, release in (([False] * 2, 1500, 1500), ([False] * 3, 0, 0)):
        sink = Sink()
        debounce = Debounce(sink, 200)
        for level in levels:
            debounce.edge(1700, level)
        debounce.sample(1710, False)
        assert sink.slacks[:2] == [press, release]


def test_press_after_a_release_hidden_in_a_stall_is_both():
    sink = Sink()
    debounce = Debounce(sink, 0)
    for t in range(101):
        debounce.sample(t, True)
    debounce.edge(300, False)
    debounce.sample(310, False)
    debounce.sample(330, False)
    debounce.edge(351, True)
    debounce.sample(361, True)
    assert sink.events == [("press", 0), ("release", 300), ("hidden", 351), ("resume", 351)]


def test_press_found_after_a_stall_that_began_soon_after_a_release_is_both():
    for begin, events in ((151, [("hidden", 151), ("resume", 151)]), (152, [("press", 152)])):
        sink = Sink()
        debounce = Debounce(sink, 0)
        for t in range(begin + 1):
            debounce.sample(t, t < 100)
        debounce.edge(begin + 80, True)
        debounce.sample(begin + 90, True)
        assert sink.events == [("press", 0), ("release", 100)] + events


def test_no_edge_and_no_change_in_a_stall_is_nothing():
    assert stalled([], 200, 20_200) == []
    assert stalled([], 200, 20_200, before=True) == []


def test_change_of_level_without_an_edge_is_one_edge():
    for before, event in ((False, ("press", 200)), (True, ("release", 700))):
        sink = Sink()
        debounce = Debounce(sink, 0)
        for t in range(201):
            debounce.sample(t, before)
        del sink.events[:]
        for t in range(700, 720):
            debounce.sample(t, not before)
        assert sink.events == [event]


def test_short_stall_hides_no_more_clicks_than_a_hand_can_do():
    assert stalled([True] * 8, 200, 245) == [("press", 200)]
    assert stalled([True] * 8, 200, 299) == [("press", 200)]
    assert stalled([True] * 8, 200, 300) == [("hidden", 200), ("press", 200)]
    assert stalled([False] * 8, 200, 245) == [("press", 200), ("release", 245)]
    assert stalled([False] * 8, 200, 349) == [("press", 200), ("release", 349)]
    assert stalled([False] * 8, 200, 350) == [("press", 200), ("release", 350), ("hidden", 350)]
    assert stalled([True] * 8, 200, 249, before=True) == []
    assert stalled([True] * 8, 200, 250, before=True) == [("hidden", 250)]


def test_stall_inside_a_bounce_keeps_the_press_at_its_first_edge():
    sink = Sink()
    debounce = Debounce(sink, 0)
    debounce.sample(20, False)
    debounce.edge(22, True)
    debounce.edge(24, False)
    debounce.edge(25, True)
    debounce.edge(225, True)
    for t in range(225, 250):
        debounce.sample(t, True)
    # The edge that the stall hid is counted up: there may have been a click.
    assert sink.events == [("hidden", 22), ("press", 22)]


def test_time_that_goes_back_is_read_as_the_last_one():
    sink = Sink()
    debounce = Debounce(sink, 100)
    debounce.edge(120, True)
    debounce.edge(50, True)
    debounce.sample(130, True)
    assert sink.events == [("press", 120)]


def test_bad_thresholds_are_refused_with_a_sentence():
    for thresholds in (
        {"settle_ms": 1},
        {"settle_ms": 101},
        {"settle_ms": 10.0},
        {"blind_ms": 24},
        {"blind_ms": 201},
        {"blind_ms": True},
    ):
        try:
            Debounce(Sink(), 0, **thresholds)
        except ValueError as error:
            text = str(error)
            assert text.startswith(list(thresholds)[0] + " is ")
            assert text.endswith(".")
        else:
            raise AssertionError(thresholds)
    for thresholds in ({"settle_ms": 2}, {"settle_ms": 100}, {"blind_ms": 25}, {"blind_ms": 200}):
        Debounce(Sink(), 0, **thresholds)


class Pin:
    """A pin whose edges call the handler at once."""

    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, level=1):
        self.level = level

    def irq(self, handler, trigger):
        assert trigger == 3
        self.handler = handler

    def value(self):
        return self.level

    def set(self, level):
        self.level = level
        self.handler(self)


class Bench:
    """A button on a bench: the caller moves time and pin."""

    def __init__(self, active=0, **thresholds):
        self.now = 1000
        self.gestures = []
        self.pin = Pin(1 - active)
        self.button = Button(self.pin, lambda: self.now, active, **thresholds)
        self.button._on_gesture = lambda code, t_ms: self.gestures.append((code, t_ms))

        self.due = self.now

    def wait(self, ms):
        end = self.now + ms
        while self.due <= end:
            self.now = max(self.now, self.due)
            self.due = self.now + self.button.service()
        self.now = end


def test_button_is_pressed_at_its_active_level_and_classifies_at_once():
    for active in (0, 1):
        bench = Bench(active)
        bench.wait(100)
        assert not bench.button.is_down()
        bench.pin.set(active)
        assert not bench.button.open
        bench.wait(100)
        assert bench.button.open
        assert bench.button.is_down()
        bench.pin.set(1 - active)
        bench.wait(1000)
        assert bench.gestures == [(1, 1702)]
        assert bench.button.began_ms == 1100
        assert not bench.button.open


def test_button_held_at_boot_is_a_press():
    bench = Bench()
    bench.pin.level = 0
    bench.wait(1600)
    assert bench.gestures == [(3, 2499)]


def test_button_serves_every_20_ms_when_idle_and_sleeps_to_the_threshold_when_not():
    bench = Bench()
    assert bench.button.service() == 20
    bench.pin.set(0)
    assert bench.button.service() == 10
    bench.now += 10
    assert bench.button.service() == 10
    while bench.now < 2480:
        bench.now += 10
        bench.button.service()
    bench.now = 2493
    assert bench.button.service() == 6


def test_full_ring_keeps_the_newest_edge():
    bench = Bench()
    bench.wait(100)
    for i in range(40):
        bench.pin.set((i + 1) % 2)  # the last that fits is up
    assert bench.button.overflows == 9
    bench.now += 15
    bench.pin.set(0)
    bench.wait(200)
    # The newest edge is 5 ms old at the next service: one burst, still unsettled, and the press keeps its stamp.
    bench.pin.set(1)
    bench.wait(600)
    assert [code for code, _ in bench.gestures] == [1]
    assert bench.button.began_ms == 1100


def test_a_cable_that_chatters_for_ever_raises_the_alarm_and_does_not_keep_the_box_from_connecting():
    bench = Bench()
    bench.wait(100)
    opened = 0
    for i in range(8000):
        bench.now += 4
        bench.pin.set(i % 2)
        bench.button.service()
        opened += bench.button.open
    assert [code for code, _ in bench.gestures] == [3, 4]
    assert opened * 4 < 2000
