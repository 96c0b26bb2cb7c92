"""What the receiver says while it works: an event for each step, and refusals, counted and kept."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from alertbox.receiver.log import JsonLog
from alertbox.receiver.store.records import Refusal

OnEvent = Callable[[dict[str, Any]], None]


class Tell(Protocol):
    """Say that something happened to a box, or to none; `at`: monotonic seconds, now unless given."""

    def __call__(self, event: str, box: str | None, *, at: float | None = None, **fields: object) -> None: ...


def tell_to(on_event: OnEvent) -> Tell:
    """A hook that takes dicts, as `Tell`."""

    def tell(event: str, box: str | None, *, at: float | None = None, **fields: object) -> None:
        on_event({"event": event, "at": time.monotonic() if at is None else at, "box": box, **fields})

    return tell


class Refusals:
    """Called with what was refused: it is counted, kept by `keep`, logged and told."""

    def __init__(
        self, keep: Callable[[Refusal], None], tell: Tell, now: Callable[[], float], log: JsonLog, counts: Counter[str]
    ) -> None:
        self._keep = keep
        self._tell = tell
        self._now = now
        self._log = log
        self._counts = counts

    def __call__(self, reason: str, box: str | None, size: int, detail: str, raw: bytes | None = None) -> None:
        self._counts[reason] += 1
        self._keep(Refusal(datetime.fromtimestamp(self._now(), UTC), reason, box, size, detail, raw))
        self._log.warning("refused", reason=reason, box=box, size=size, detail=detail)
        self._tell("refused", box, reason=reason)
