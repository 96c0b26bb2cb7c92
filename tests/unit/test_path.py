"""A path that stays away is told, once."""

from box.core.path import BACK, LOST, LOST_AFTER_MS, PathWatch


def test_a_short_loss_of_the_path_is_not_told():
    watch = PathWatch(0)
    for now in range(0, 10 * LOST_AFTER_MS, LOST_AFTER_MS - 1000):
        assert watch.update(False, now + LOST_AFTER_MS - 1001) is None
        assert watch.update(True, now + LOST_AFTER_MS - 1000) is None


def test_a_lasting_loss_is_told_once_and_so_is_the_return():
    watch = PathWatch(0)
    assert watch.lost is False
    told = [watch.update(False, now) for now in range(0, 2 * LOST_AFTER_MS, 1000)]
    assert told.count(LOST) == 1 and told[LOST_AFTER_MS // 1000] == LOST
    assert watch.lost
    assert watch.update(True, 2 * LOST_AFTER_MS) == BACK
    assert watch.update(True, 2 * LOST_AFTER_MS + 1) is None
    assert watch.lost is False


def test_a_path_that_never_came_is_told_as_well():
    watch = PathWatch(5000)
    assert watch.update(False, 5000 + LOST_AFTER_MS - 1) is None
    assert watch.update(False, 5000 + LOST_AFTER_MS) == LOST
