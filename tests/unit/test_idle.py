"""Work ahead of need, and what depends on the time alone: never while a gesture is open, and each thing in its turn."""

import asyncio

from box import log
from box.alerts import heartbeat, idle
from box.alerts.heartbeat import Heartbeat
from box.alerts.idle import Idle
from box.core import alert, conditions
from box.core.commissioning import LASTS_MS, TestMode
from box.core.path import LOST_AFTER_MS
from box.core.signer import POOL_SIZE
from box.errors import StorageError

HOUR_MS = 3600 * 1000
UTC = 1800000000

log.now = lambda: 0  # the chip's clock is not there under CPython


class Over(Exception):
    pass


class Ring:
    """`work`: how many steps there are to do."""

    TIME_SAVED = 6

    def __init__(self, name, done, work=0):
        self.name = name
        self.work = work
        self.breaks = False
        self.done = done
        self.recorded = []

    def prepare(self):
        if self.breaks:
            raise StorageError("an erase fails")
        self.done.append(self.name)
        if not self.work:
            return False
        self.work -= 1
        return True

    def record(self, utc, uptime_s, code):
        if self.breaks:
            raise StorageError("a program fails")
        self.recorded.append((utc, uptime_s, code))


class Signer:
    """A pair takes three slices."""

    def __init__(self, done):
        self.ready = POOL_SIZE
        self.done = done

    def refill(self):
        for _ in range(3):
            self.done.append("slice")
            yield
        self.ready += 1


class Clock:
    def __init__(self):
        self.ms = 0
        self.is_set = False
        self.saves = UTC
        self.mended = 0

    def now(self):
        return self.ms

    def uptime_s(self):
        return self.ms // 1000

    def utc_to_save(self):
        return self.saves

    def mend(self):
        self.mended += 1
        return 7 if self.mended == 1 else 0


class Status:
    def __init__(self):
        self.busy = False
        self.rows = {}

    def set(self, row, on):
        self.rows[row] = on

    def is_on(self, row):
        return self.rows.get(row, False)


class Scene:
    """Idle work by the clock: `at(ms, deed)` is done when so much time has passed."""

    def __init__(self):
        self.done, self.clock, self.status = [], Clock(), Status()
        self.rings = [Ring(name, self.done) for name in ("journal", "counters", "events")]
        self.signer = Signer(self.done)
        self.idle = Idle(tuple(self.rings), self.signer, self.clock, self.status)
        self.deeds = []
        self.pauses = []

    def at(self, ms, deed):
        later = [i for i, (moment, _) in enumerate(self.deeds) if moment > ms]
        self.deeds.insert(later[0] if later else len(self.deeds), (ms, deed))

    async def sleep_ms(self, ms):
        self.pauses.append(ms)
        self.clock.ms += ms
        while self.deeds and self.clock.ms >= self.deeds[0][0]:
            self.deeds.pop(0)[1]()
        await asyncio.sleep(0)

    def run(self, until_ms):
        def end():
            raise Over

        self.at(until_ms, end)
        idle.asyncio = self
        try:
            asyncio.run(self.idle.run())
            raise AssertionError("it ended")
        except Over:
            pass
        finally:
            idle.asyncio = asyncio

    def busy(self, on):
        self.status.busy = on


def test_each_round_looks_after_the_most_urgent_ring_that_has_work():
    scene = Scene()
    scene.rings[1].work = 1
    scene.run(400)
    all_ = ["journal", "counters", "events"]
    assert scene.done == ["journal", "counters"] + all_ * 2  # one step a round, ten rounds a second


def test_a_flash_that_fails_is_a_condition_until_it_works_again():
    scene = Scene()
    scene.rings[0].breaks = True
    seen = []
    scene.at(200, lambda: seen.append(scene.status.is_on(conditions.UPKEEP)))
    scene.at(250, lambda: setattr(scene.rings[0], "breaks", False))
    scene.run(500)
    assert seen == [True]
    assert scene.status.rows == {conditions.UPKEEP: False}


def test_a_flash_that_fails_is_logged_once_each_time_it_begins():
    scene = Scene()
    breaks = scene.rings[0]
    for ms, on in ((0, True), (450, False), (650, True)):
        scene.at(ms, lambda on=on: setattr(breaks, "breaks", on))
    log.tail = log.Tail(2000)
    scene.run(1000)
    logged = [line for line in log.tail.lines() if "flash fails" in line]
    assert logged == ["0 ERROR idle flash fails reason=an erase fails"] * 2


def test_no_time_is_saved_before_the_clock_is_set():
    scene = Scene()
    scene.run(500)
    assert scene.rings[2].recorded == []


def test_the_time_is_saved_once_it_is_set_and_then_hourly():
    scene = Scene()
    recorded, seen = scene.rings[2].recorded, []
    scene.at(250, lambda: setattr(scene.clock, "is_set", True))
    scene.at(350, lambda: setattr(scene.clock, "ms", HOUR_MS + 100))  # so that an hour costs no thousand rounds
    for ms in (HOUR_MS + 250, HOUR_MS + 350, HOUR_MS + 450):
        scene.at(ms, lambda: seen.append(len(recorded)))
    scene.at(HOUR_MS + 550, lambda: setattr(scene.clock, "ms", 2 * HOUR_MS + 100))
    for ms in (2 * HOUR_MS + 250, 2 * HOUR_MS + 350):
        scene.at(ms, lambda: seen.append(len(recorded)))
    scene.run(2 * HOUR_MS + 1000)
    assert seen == [1, 2, 2, 2, 3]
    assert recorded == [(UTC, seconds, Ring.TIME_SAVED) for seconds in (0, 3600, 7200)]


def test_a_time_that_is_not_to_be_trusted_yet_is_recorded_as_none():
    scene = Scene()
    scene.clock.is_set, scene.clock.saves = True, None
    scene.run(300)
    assert scene.rings[2].recorded == [(None, 0, Ring.TIME_SAVED)]


def test_an_event_log_that_fails_is_a_condition_and_is_not_written_every_round():
    scene = Scene()
    scene.clock.is_set = True
    scene.rings[2].breaks = True
    scene.rings[1].work = 99  # the event log has no turn
    scene.run(150)
    assert scene.status.rows == {conditions.UPKEEP: True}
    scene = Scene()
    scene.clock.is_set = True
    scene.rings[2].breaks = True
    scene.rings[1].work = 99
    scene.run(500)
    assert scene.status.rows == {conditions.UPKEEP: False}


def test_the_clock_is_looked_after_each_round():
    scene = Scene()
    scene.run(500)
    assert scene.clock.mended == 4


def test_pairs_are_made_until_the_pool_is_full_one_a_round():
    scene = Scene()
    scene.signer.ready = POOL_SIZE - 2
    scene.rings[0].work = 99
    scene.run(500)
    assert scene.signer.ready == POOL_SIZE
    assert scene.done == ["journal"] + ["slice"] * 3 + ["journal"] + ["slice"] * 3 + ["journal"] * 2
    assert scene.pauses.count(0) == 6


def test_nothing_is_begun_while_a_gesture_is_open():
    scene = Scene()
    scene.signer.ready = 0
    scene.busy(True)
    scene.at(1000, lambda: scene.busy(False))
    before = []
    scene.at(1000, lambda: before.extend(scene.done))
    scene.run(1050)
    assert before == [] and scene.done
    assert set(scene.pauses[:10]) == {100}


def test_a_gesture_stops_a_pair_between_two_slices():
    scene = Scene()
    scene.signer.ready = 0
    done = scene.done
    slices = []

    class Signer_:
        ready = 0

        @staticmethod
        def refill():
            for number in range(3):
                if number == 1:
                    scene.busy(True)
                    scene.at(scene.clock.ms + 500, lambda: (slices.append(done.count("slice")), scene.busy(False)))
                done.append("slice")
                yield
            Signer_.ready = POOL_SIZE

    scene.idle._signer = Signer_
    scene.run(2000)
    assert slices == [2] and done.count("slice") == 3


def test_idle_work_makes_turns_even_while_a_gesture_is_open():
    scene = Scene()
    scene.run(500)
    assert scene.idle.turns == 5
    scene = Scene()
    scene.busy(True)
    scene.run(1000)
    assert scene.idle.turns == 10


# ---- what depends on the time alone


class Path:
    connected = True


class Issuer:
    def __init__(self):
        self.issued = []

    def issue(self, kind, source):
        self.issued.append((kind, source))


class Beat:
    def __init__(self, path=None, began_ms=5000):
        self.clock, self.status, self.issuer, self.mode = Clock(), Status(), Issuer(), TestMode()
        self.clock.ms = began_ms
        self.heartbeat = Heartbeat(path, self.issuer, self.mode, self.clock, self.status)

    def tick(self, ms):
        self.heartbeat.tick(ms)
        return self.issuer.issued


def test_a_heartbeat_comes_every_hour_from_the_start():
    beat = Beat(Path())
    assert beat.tick(5000 + HOUR_MS - 1) == []
    assert beat.tick(5000 + HOUR_MS) == [(alert.HEARTBEAT, 0)]
    assert len(beat.tick(5000 + 2 * HOUR_MS - 1)) == 1
    assert len(beat.tick(5000 + 2 * HOUR_MS)) == 2


def test_a_box_without_a_way_to_the_receiver_sends_no_heartbeat_and_misses_no_path():
    beat = Beat(None)
    assert beat.tick(5000 + 10 * HOUR_MS) == []
    assert beat.status.rows == {conditions.TEST_MODE: False}


def test_a_path_that_stays_lost_is_a_condition_until_it_is_back():
    path = Path()
    beat = Beat(path)
    beat.tick(6000)
    path.connected = False
    beat.tick(6000 + LOST_AFTER_MS - 1)
    assert beat.status.rows[conditions.PATH_LOST] is False
    beat.tick(6000 + LOST_AFTER_MS)
    assert beat.status.rows[conditions.PATH_LOST] is True
    path.connected = True
    beat.tick(6000 + LOST_AFTER_MS + 1)
    assert beat.status.rows[conditions.PATH_LOST] is False


def test_a_path_that_never_came_is_missed_from_the_start():
    path = Path()
    path.connected = False
    beat = Beat(path)
    beat.tick(5000 + LOST_AFTER_MS - 1)
    assert beat.status.rows[conditions.PATH_LOST] is False
    beat.tick(5000 + LOST_AFTER_MS)
    assert beat.status.rows[conditions.PATH_LOST] is True


def test_test_mode_is_seen_to_begin_and_to_end_by_itself():
    for path in (None, Path()):
        beat = Beat(path)
        beat.mode.set(True, 5000)
        beat.tick(5000)
        assert beat.status.rows[conditions.TEST_MODE] is True
        beat.tick(5000 + LASTS_MS)
        assert beat.status.rows[conditions.TEST_MODE] is False


def test_the_time_is_looked_at_every_second():
    beat = Beat(Path())
    looks = []

    class Asyncio:
        @staticmethod
        async def sleep_ms(ms):
            looks.append((ms, beat.heartbeat.turns, beat.status.rows.get(conditions.TEST_MODE)))
            if len(looks) == 3:
                raise Over

    heartbeat.asyncio = Asyncio
    try:
        asyncio.run(beat.heartbeat.run())
    except Over:
        pass
    finally:
        heartbeat.asyncio = asyncio
    assert looks == [(1000, 1, False), (1000, 2, False), (1000, 3, False)]
