"""Which alert goes next over which path: pure, so each rule of the queue is stated here."""

from box.core import alert
from box.core.outbox import PROMPT_MS, RESEND_MS, UNDER_WAY, Queue


class Journal:
    def __init__(self, **kinds):
        self.kinds = {}

    def add(self, *kinds):
        for kind in kinds:
            self.kinds[len(self.kinds) + 1] = kind

    def kind(self, sequence):
        return self.kinds[sequence]

    def best(self, exclude):
        ranks = [(alert.strength(self.kinds[n]), n) for n in self.kinds if n not in exclude]
        return max(ranks)[1] if ranks else None


class Scene:
    """A queue whose random source gives `byte`."""

    def __init__(self, *after_ms, byte=0):
        self.journal = Journal()
        self.queue = Queue(self.journal, after_ms or (0,), lambda count: bytes([byte] * count))
        self.up = [True] * len(after_ms or (0,))

    def next(self, now_ms, path=0):
        """Sequence that goes over this path now, and is handed to it; None if nothing is due."""
        item, _ = self.queue.next(now_ms, path, self.up)
        if item is None:
            return None
        self.queue.sent(item, path, now_ms)
        return item.sequence

    def wait_ms(self, now_ms, path=0):
        return self.queue.next(now_ms, path, self.up)[1]


def test_the_strongest_goes_first_then_the_newest():
    scene = Scene()
    scene.journal.add(alert.HEARTBEAT, alert.HELP, alert.ALARM, alert.HELP, alert.TAMPER, alert.INFORM)
    assert [scene.next(0) for _ in range(7)] == [3, 4, 2, 6, 5, 1, None]


def test_a_fresh_alarm_goes_before_an_older_alert_that_is_due_again():
    scene = Scene()
    scene.journal.add(alert.HELP)
    assert scene.next(0) == 1
    scene.journal.add(alert.ALARM)
    assert [scene.next(RESEND_MS[0]) for _ in range(3)] == [2, 1, None]


def test_a_retry_waits_longer_each_time_and_never_ends():
    scene, due_ms = Scene(), 0
    scene.journal.add(alert.INFORM)
    for tries in range(12):
        if tries:
            assert scene.next(due_ms - 1) is None
        assert scene.next(due_ms) == 1, tries
        due_ms += RESEND_MS[min(tries, len(RESEND_MS) - 1)]
    assert RESEND_MS == (5000, 10000, 20000, 40000, 60000)


def test_the_wait_is_up_to_a_quarter_longer_so_that_boxes_do_not_march_in_step():
    for byte, more_ms in ((0, 0), (128, 625), (255, 1245)):
        scene = Scene(byte=byte)
        scene.journal.add(alert.INFORM)
        scene.next(0)
        assert scene.wait_ms(0) == 5000 + more_ms


def test_who_waits_is_told_until_when_a_minute_at_most():
    scene = Scene()
    assert scene.wait_ms(0) == RESEND_MS[-1]
    scene.journal.add(alert.INFORM, alert.HELP)
    scene.next(0)
    scene.next(1000)
    assert scene.wait_ms(1000) == 4000


def test_what_is_being_sent_is_not_sent_a_second_time_beside():
    scene = Scene()
    scene.journal.add(alert.INFORM)
    item, _ = scene.queue.next(0, 0, scene.up)
    item.is_sending = True
    assert scene.next(100_000) is None
    item.is_sending = False
    assert scene.next(100_000) == 1


def test_a_reconnected_path_makes_what_went_over_it_due_at_once():
    scene = Scene()
    scene.journal.add(alert.INFORM, alert.HELP)
    assert [scene.next(0), scene.next(0), scene.next(1)] == [2, 1, None]
    scene.queue.reconnected(0)
    assert [scene.next(2), scene.next(2), scene.next(2)] == [2, 1, None]


def test_an_alarm_takes_the_place_of_the_weakest_among_sixteen_under_way():
    scene = Scene()
    scene.journal.add(*[alert.TAMPER] * UNDER_WAY)
    assert sorted([scene.next(0) for _ in range(UNDER_WAY)]) == list(range(1, UNDER_WAY + 1))
    scene.journal.add(alert.ALARM)
    assert scene.next(1) == UNDER_WAY + 1
    assert not scene.queue.done(1, 2)  # the oldest tamper is the weakest: it left, and has its turn again later
    assert scene.queue.done(2, 2)


def test_a_weaker_alert_waits_while_sixteen_stronger_are_under_way():
    scene = Scene()
    scene.journal.add(*[alert.HELP] * UNDER_WAY)
    for _ in range(UNDER_WAY):
        scene.next(0)
    scene.journal.add(alert.HEARTBEAT)
    assert scene.next(1) is None
    scene.journal.kinds.pop(3)
    scene.queue.done(3, 2)
    assert scene.next(2) == UNDER_WAY + 1


def test_the_one_that_is_being_sent_is_not_displaced():
    scene = Scene()
    scene.journal.add(*[alert.TAMPER] * UNDER_WAY)
    items = [scene.queue.next(0, 0, scene.up)[0] for _ in range(1)]
    for _ in range(UNDER_WAY):
        item, _ = scene.queue.next(0, 0, scene.up)
        if item:
            scene.queue.sent(item, 0, 0)
            items.append(item)
    (weakest,) = [item for item in items if item.sequence == 1][:1]
    weakest.is_sending = True
    scene.journal.add(alert.ALARM)
    assert scene.next(1) == UNDER_WAY + 1
    assert scene.queue.done(1, 2) and not scene.queue.done(2, 2)


def test_only_an_acknowledgement_within_ten_seconds_of_sending_is_an_answer():
    for late_ms, prompt in ((0, True), (PROMPT_MS - 1, True), (PROMPT_MS, False)):
        scene = Scene()
        scene.journal.add(alert.INFORM)
        scene.next(1000)
        assert scene.queue.done(1, 1000 + late_ms) is prompt
    assert PROMPT_MS == 10_000  # as SECURITY.md has it
    scene = Scene()
    scene.journal.add(alert.INFORM)
    scene.queue.next(0, 0, scene.up)
    assert not scene.queue.done(1, 1) and not scene.queue.done(7, 1)  # never sent; never heard of


# ---- several paths ----


def test_a_later_path_waits_for_the_receivers_word_over_the_first():
    scene = Scene(0, 5000, 15_000)
    scene.journal.add(alert.HELP)
    assert scene.next(0, 0) == 1
    assert scene.next(4999, 1) is None and scene.wait_ms(4999, 1) == 1
    assert scene.next(5000, 1) == 1
    assert scene.next(14_999, 2) is None
    assert scene.next(15_000, 2) == 1


def test_a_later_path_does_not_wait_for_paths_that_are_down():
    scene = Scene(0, 5000, 15_000)
    scene.journal.add(alert.HELP)
    scene.up = [False, True, True]
    assert scene.next(0, 1) == 1
    assert scene.next(0, 2) is None
    scene.up = [False, False, True]
    assert scene.next(1, 2) == 1


def test_each_path_has_its_own_retries():
    scene = Scene(0, 5000)
    scene.journal.add(alert.HELP)
    scene.next(0, 0)
    assert scene.next(5000, 0) == 1
    assert scene.next(5000, 1) == 1
    assert scene.next(9999, 1) is None and scene.next(10_000, 1) == 1
    assert scene.next(14_999, 0) is None and scene.next(15_000, 0) == 1


def test_a_reconnected_path_leaves_the_others_waits_alone():
    scene = Scene(0, 5000)
    scene.journal.add(alert.HELP)
    scene.next(0, 0)
    scene.next(5000, 1)
    scene.queue.reconnected(0)
    assert scene.next(5001, 1) is None
    assert scene.next(5001, 0) == 1
