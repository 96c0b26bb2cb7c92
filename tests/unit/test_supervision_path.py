"""A task that stands still is found; a path that stays away is told, once."""

from box.core.path import BACK, LOST, LOST_AFTER_MS, PathWatch
from box.core.supervision import Supervision


def test_a_task_that_makes_turns_is_never_stuck():
    supervision = Supervision({"a": 100, "b": 1000})
    for turn in range(50):
        assert supervision.look({"a": turn, "b": turn // 10}, turn * 90) is None


def test_a_task_without_a_turn_is_stuck_after_its_own_limit():
    supervision = Supervision({"a": 100, "b": 1000})
    assert supervision.look({"a": 1, "b": 1}, 0) is None
    assert supervision.look({"a": 2, "b": 1}, 100) is None
    assert supervision.look({"a": 2, "b": 1}, 200) is None
    assert supervision.look({"a": 2, "b": 1}, 201) == "a"
    assert supervision.look({"a": 3, "b": 1}, 1000) is None
    assert supervision.look({"a": 4, "b": 1}, 1001) == "b"


def test_a_task_that_goes_on_is_forgiven():
    supervision = Supervision({"a": 100})
    supervision.look({"a": 1}, 0)
    assert supervision.look({"a": 1}, 500) == "a"
    assert supervision.look({"a": 2}, 501) is None


def test_a_short_loss_of_the_path_is_not_told():
    watch = PathWatch(0)
    for now in range(0, 10 * LOST_AFTER_MS, LOST_AFTER_MS - 1000):
        assert watch.look(False, now + LOST_AFTER_MS - 1001) is None
        assert watch.look(True, now + LOST_AFTER_MS - 1000) is None


def test_a_lasting_loss_is_told_once_and_so_is_the_return():
    watch = PathWatch(0)
    told = [watch.look(False, now) for now in range(0, 2 * LOST_AFTER_MS, 1000)]
    assert told.count(LOST) == 1 and told[LOST_AFTER_MS // 1000] == LOST
    assert watch.lost
    assert watch.look(True, 2 * LOST_AFTER_MS) == BACK
    assert watch.look(True, 2 * LOST_AFTER_MS + 1) is None
    assert not watch.lost


def test_a_path_that_never_came_is_told_as_well():
    watch = PathWatch(5000)
    assert watch.look(False, 5000 + LOST_AFTER_MS - 1) is None
    assert watch.look(False, 5000 + LOST_AFTER_MS) == LOST
