"""The stepped clock's queue of asyncio tasks (boards/unix/virtual/tasks.py)."""

import sys
import time

sys.modules.setdefault("utime", time)  # CPython has none, and the stepped clock needs none

from virtual.clock import TICKS_MASK, SteppedClock  # noqa: E402 - utime must be there
from virtual.tasks import TaskQueue  # noqa: E402


class _Task:
    data = ph_key = None


def _order(keys):
    queue = TaskQueue()
    tasks = [_Task() for _ in keys]
    for task, key in zip(tasks, keys):
        queue.push(task, key)
    order = []
    while queue.peek() is not None:
        order.append(tasks.index(queue.pop()))
    return order


def test_equal_times_come_out_in_the_order_they_went_in():
    assert _order([5, 3, 5, 3, 5, 4, 3]) == [1, 3, 6, 5, 0, 2, 4]


def test_a_time_after_the_ticks_wrap_is_later_than_one_before():
    assert _order([2, TICKS_MASK, 0, TICKS_MASK - 1, 1]) == [3, 1, 2, 4, 0]


def test_each_pair_of_times_is_ordered_as_ticks_diff_has_it():
    half = (TICKS_MASK + 1) // 2
    for first in (0, 7, half, TICKS_MASK):
        for distance in (0, 1, half - 1, half, half + 1, TICKS_MASK):
            second = (first + distance) & TICKS_MASK
            is_earlier = SteppedClock.ticks_diff(second, first) < 0
            assert _order([first, second]) == ([1, 0] if is_earlier else [0, 1]), (first, second)
