"""Task and TaskQueue for asyncio on a stepped clock.

The unix port's built-in `_asyncio` reads the host's clock in C. This one, put
into `sys.modules` before asyncio is imported, asks `time`, which the virtual
board replaces. It offers just what asyncio's Python half calls.
"""

import time

from virtual.clock import TICKS_MASK

_HALF = TICKS_MASK >> 1


class TaskQueue:
    """Tasks ordered by wake-up time; first come, first served among equals."""

    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    def push(self, task, key=None):
        if key is None:
            key = time.ticks_ms()
        task.data = None
        task.ph_key = key
        tasks = self._tasks
        low, high = 0, len(tasks)
        while low < high:
            middle = (low + high) >> 1
            if (key - tasks[middle].ph_key) & TICKS_MASK > _HALF:  # earlier, as ticks_diff has it
                high = middle
            else:
                low = middle + 1
        tasks.insert(low, task)

    def pop(self):
        return self._tasks.pop(0)

    def remove(self, task):
        self._tasks.remove(task)


class Task:
    def __init__(self, coro, core=None):
        self.coro = coro
        self.data = None  # what it waits on, or its exception when done
        self.state = True  # True running; a TaskQueue of waiters; None or False when done
        self.ph_key = 0
        self._core = core  # asyncio.core's globals

    def __iter__(self):
        if not self.state:
            self.state = False  # done, and now awaited
        elif self.state is True:
            self.state = TaskQueue()
        elif not isinstance(self.state, TaskQueue):
            raise RuntimeError("can't wait")
        return self

    def __next__(self):
        if not self.state:
            raise self.data
        waiter = self._core["cur_task"]
        self.state.push(waiter)
        waiter.data = self

    def done(self):
        return not self.state

    def cancel(self):
        if not self.state:
            return False
        if self is self._core["cur_task"]:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):
            task = task.data  # wake the innermost; it unwinds to us
        ready = self._core["_task_queue"]
        if hasattr(task.data, "remove"):
            task.data.remove(task)
        else:
            ready.remove(task)
        ready.push(task)
        task.data = self._core["CancelledError"]
        return True
