"""A receiver for code that is not asynchronous: the demo, tests and notebooks.

`with ReceiverThread(town) as receiver:` runs it in a thread with its own event
loop. Nothing here polls: waiting is on a condition.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from alertbox.receiver.accounts import Accounts
from alertbox.receiver.app import Receiver
from alertbox.receiver.store.records import BoxState, Refusal, Silence, StoredAlert
from alertbox.receiver.telling import OnEvent
from alertbox.receiver.town import Town
from alertbox.town.invites import Invite

T = TypeVar("T")
_START_S = 60


class ReceiverThread:
    """Takes the keyword arguments of `Receiver`.

    `dispatched` and `silences` list what this run dispatched, if `dispatch` and `on_silence` are not given.

    `on_event` and `events` are called from the receiver's thread.
    """

    def __init__(self, town: Town, *, on_event: OnEvent | None = None, **options: Any) -> None:
        self.town = town
        self.accounts = Accounts(town)
        self.port = 0
        self.enrol_port = 0
        self.dispatched: list[StoredAlert] = []
        self.silences: list[Silence] = []
        self.events: list[OnEvent] = [on_event] if on_event else []
        self._options = options
        self._changed = threading.Condition()
        self._events_seen = 0
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._receiver: Receiver
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    def __enter__(self) -> "ReceiverThread":
        self._thread.start()
        if not self._started.wait(_START_S):
            raise TimeoutError(f"the receiver did not start within {_START_S} s")
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._failure is not None and error is None:
            raise self._failure

    def stop(self) -> None:
        """As a service is stopped: what is verified is stored and acknowledged first."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    # ---- what it knows

    def alerts(self) -> list[StoredAlert]:
        """All alerts in the database, in the order in which they were stored."""
        return self._ask(self._receiver.alerts())

    def states(self) -> dict[str, BoxState]:
        """The last state of each box, by its id."""
        return {state.box: state for state in self._ask(self._receiver.states())}

    def refusals(self) -> list[Refusal]:
        return self._ask(self._receiver.refusals())

    def counters(self) -> dict[str, Any]:
        """See `Receiver.counters`."""
        return self._receiver.counters()

    def tick(self) -> None:
        """See `Receiver.tick`: for those who step the clock `now`. What it finds comes as events."""
        self._ask(self._tick())

    def enrol(
        self, public_key: bytes, name: str, *, host: str = "127.0.0.1", port: int | None = None, **options: Any
    ) -> dict[str, Any]:
        """The account of a box that shall find this receiver; see `Accounts.enrol`."""
        return self.accounts.enrol(public_key, name, host, port or self.port, **options)

    def invite(self, name: str | None = None, *, host: str = "127.0.0.1", hours: float = 24) -> Invite:
        """An invite to this receiver, for one box; see `Accounts.invite`."""
        return self.accounts.invite(name, host=host, port=self.enrol_port, hours=hours)

    # ---- waiting

    def wait_for(self, predicate: Callable[[StoredAlert], bool], timeout: float = 10) -> StoredAlert:
        """The first stored alert for which `predicate` is true; TimeoutError after `timeout` seconds."""
        found: list[StoredAlert] = []

        def stored() -> bool:
            found.extend(alert for alert in self.alerts() if predicate(alert))
            return bool(found)

        self.wait_until(stored, timeout)
        return found[0]

    def wait_until(self, condition: Callable[[], bool], timeout: float = 10) -> None:
        """Until `condition()` is true, looked at after each event of the receiver; TimeoutError otherwise."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self._events_seen
            # Not under the lock: the condition may ask the receiver's thread, which takes it for each event.
            if condition():
                return
            with self._changed:
                left = deadline - time.monotonic()
                if not self._changed.wait_for(partial(self._event_after, seen), left):
                    raise TimeoutError(f"not within {timeout} s; {self.counters()}")

    # ---- the thread

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(question, self._loop).result(_START_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
            self._failure = error
        finally:
            self._started.set()

    async def _tick(self) -> None:
        self._receiver.tick()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        options = {"on_event": self._on_event, "dispatch": self.dispatched.append, "on_silence": self.silences.append}
        receiver = Receiver(self.town, **(options | self._options))
        async with receiver:
            self._receiver = receiver
            self.port, self.enrol_port = receiver.port, receiver.enrol_port
            self._started.set()
            waits = [asyncio.create_task(self._stop.wait()), asyncio.create_task(receiver.run())]
            done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            for task in done:
                task.result()

    def _event_after(self, seen: int) -> bool:
        return self._events_seen != seen

    def _on_event(self, event: dict[str, Any]) -> None:
        for listener in self.events:
            listener(event)
        with self._changed:
            self._events_seen += 1
            self._changed.notify_all()
