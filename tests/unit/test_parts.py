"""A part that stands still is found, one that ends is told, and only a box whose parts all go on feeds its watchdog."""

import asyncio

from box import log, parts
from box.parts import Parts

log.now = lambda: 0  # CPython has no ticks


class Part:
    def __init__(self, end=None):
        self.turns = 0
        self.began = None
        self._end = end

    async def run(self, *arguments):
        self.began = arguments
        if self._end:
            raise self._end


class Clock:
    ms = 0

    def now(self):
        return self.ms


class Watchdog:
    fed = 0

    def feed(self):
        self.fed += 1


class Over(Exception):
    pass


def watch(**limits):
    rows = [(name, limits[name], Part(), ()) for name in sorted(limits)]
    return Parts(rows, None, Clock(), None), [part for _, _, part, _ in rows]


def test_a_part_that_makes_turns_is_never_stuck():
    kept, (a, b) = watch(a=100, b=1000)
    for turn in range(50):
        a.turns, b.turns = turn, turn // 10
        assert kept.stuck(turn * 90) is None


def test_a_part_without_a_turn_is_stuck_after_its_own_limit():
    kept, (a, b) = watch(a=100, b=1000)
    for now_ms, turns, found in (
        (0, 1, None), (100, 2, None), (200, 2, None), (201, 2, "a"), (1000, 3, None), (1001, 4, "b"),
    ):  # fmt: skip
        a.turns = turns
        assert kept.stuck(now_ms) == found, now_ms


def test_no_part_is_stuck_at_the_first_look_however_late_it_is():
    for turns in (0, 1, 2):
        kept, (a,) = watch(a=100)
        a.turns = turns
        assert kept.stuck(5000) is None
        assert kept.stuck(5101) == "a"


def test_a_part_that_goes_on_is_forgiven():
    kept, (a,) = watch(a=100)
    kept.stuck(0)
    assert kept.stuck(500) == "a"
    a.turns = 2
    assert kept.stuck(501) is None


def run(rows, looks, watchdog, clock, died):
    """So many looks, a second each; what ended is told to `died`."""

    class Asyncio:
        create_task = asyncio.create_task

        @staticmethod
        async def sleep_ms(ms):
            clock.ms += ms
            for _ in range(5):
                await asyncio.sleep(0)
            if clock.ms >= looks * 1000:
                raise Over

    parts.asyncio = Asyncio
    try:
        asyncio.run(Parts(rows, watchdog, clock, died).run())
    except Over:
        pass
    finally:
        parts.asyncio = asyncio


def test_the_watchdog_is_fed_until_a_part_is_stuck():
    part, watchdog = Part(), Watchdog()
    run([("a", 3000, part, (1, 2))], 10, watchdog, Clock(), lambda name: None)
    assert part.began == (1, 2)
    assert watchdog.fed == 4  # at 0, 1, 2 and 3 s


def test_a_part_that_ends_is_told_whether_it_failed_or_not():
    told = []
    run([("quiet", 9000, Part(), ()), ("loud", 9000, Part(ValueError("x")), ())], 1, None, Clock(), told.append)
    assert sorted(told) == ["loud", "quiet"]
