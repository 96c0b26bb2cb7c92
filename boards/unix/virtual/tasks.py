"""Task and TaskQueue for asyncio on a stepped clock.

The unix port's built-in `_asyncio` reads the host's clock in C. This one, put
into `sys.modules` before asyncio is imported, asks `time`, which the virtual
board replaces. It offers just what asyncio's Python half calls.
"""

import time


class TaskQueue:
    """Tasks ordered by wake-up time; first come, first served among equals."""

    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    def push(self, task, key=None):
        task.data = None
        task.ph_key = time.ticks_ms() if key is None else key
        place = len(self._tasks)
        while place and time.ticks_diff(task.ph_key, self._tasks[place - 1].ph_key) < 0:
            place -= 1
        self._tasks.insert(place, task)

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
