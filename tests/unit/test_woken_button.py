"""The press that ended the chip's sleep: seen at the wake and at Python's first look, a second later, or not at all."""

from box.core.gesture import DOUBLE, HOLD
from box.inputs import button as module

WAKE_TO_LOOK_MS = 1000


class Pin:
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, active):
        self.active = active
        self.down = False
        self.handler = None

    def irq(self, handler, trigger):
        self.handler = handler

    def value(self):
        return self.active if self.down else 1 - self.active

    def set(self, down):
        if down != self.down:
            self.down = down
            self.handler(self)


class Slept:
    """Stands in for asyncio.sleep_ms, which CPython has not."""

    last_ms = 0

    def __init__(self, ms):
        Slept.last_ms = ms

    def __await__(self):
        yield

    __iter__ = __await__


class Asyncio:
    sleep_ms = Slept


def gestures(presses, starting_ms=1500, active=0):
    """[(gesture, t, began)] of presses [(from, to)] in ms since the wake, where the app runs `starting_ms` after the
    first look; interrupts come from then on."""
    now = [WAKE_TO_LOOK_MS + starting_ms]
    is_down = lambda t: any(start <= t < end for start, end in presses)  # noqa: E731
    pin = Pin(active)
    pin.down = is_down(now[0])
    button = module.Button(pin, lambda: now[0], active, woke=(WAKE_TO_LOOK_MS, is_down(WAKE_TO_LOOK_MS)))
    found = []
    asyncio, module.asyncio = module.asyncio, Asyncio
    try:
        run = button.run(lambda code, t_ms: found.append((code, t_ms, button.began_ms)))
        while now[0] < 10_000:
            run.send(None)
            until = now[0] + Slept.last_ms
            while now[0] < until:
                now[0] += 1
                pin.set(is_down(now[0]))
        run.close()
    finally:
        module.asyncio = asyncio
    return found


def test_one_that_is_over_at_the_first_look_may_have_been_two_and_counts_as_two():
    for active in (0, 1):
        for presses in ([(0, 1)], [(0, 120)], [(0, 999)], [(0, 100), (250, 350)]):
            assert [code for code, _, began in gestures(presses, active=active)] == [DOUBLE], presses


def test_one_that_lasts_is_a_hold_told_as_soon_as_the_app_runs():
    for active in (0, 1):
        assert gestures([(0, 4000)], active=active) == [(HOLD, 1499, 0)]


def test_one_that_ended_unseen_between_the_look_and_the_app_may_have_been_a_hold_and_is_one():
    for ms in (1100, 1499, 1600, 2499):
        assert gestures([(0, ms)]) == [(HOLD, 1499, 0)]


def test_where_the_app_runs_soon_the_end_of_a_press_decides():
    assert [code for code, _, _ in gestures([(0, 1300)], starting_ms=0)] == [DOUBLE]
    assert gestures([(0, 1600)], starting_ms=0) == [(HOLD, 1499, 0)]


def test_a_second_click_that_is_seen_joins_the_first():
    assert [code for code, _, _ in gestures([(0, 100), (1200, 1300)], starting_ms=20)] == [DOUBLE]


def test_a_button_that_was_not_pressed_wakes_nobody_later():
    now = [5000]
    button = module.Button(Pin(0), lambda: now[0], 0)
    button._on_gesture = None
    for _ in range(100):
        now[0] += button.service()
    assert not button.open


def test_a_button_is_stuck_once_its_hold_was_told_and_not_while_it_is_open():
    now = [0]
    pin = Pin(0)
    button = module.Button(pin, lambda: now[0], 0)
    button._on_gesture = lambda code, t_ms: None
    button.service()
    pin.set(True)
    seen = []
    for _ in range(300):
        now[0] += button.service()
        seen.append((now[0], button.is_stuck))
    assert [stuck for t, stuck in seen if t < 1500] == [False] * len([t for t, _ in seen if t < 1500])
    assert all(stuck for t, stuck in seen if t > 1520)
    pin.set(False)
    for _ in range(10):
        now[0] += button.service()
    assert not button.is_stuck
