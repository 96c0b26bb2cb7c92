"""Feeds the watch with what happens. What it finds is told after the commit that keeps it, as an alert is."""

import asyncio
from collections.abc import Callable
from functools import partial

from alertbox.receiver.deliveries.outbox import Outbox
from alertbox.receiver.log import JsonLog
from alertbox.receiver.silence.memory import Told
from alertbox.receiver.silence.watch import Finding, Found, Happened, Watch, What
from alertbox.receiver.store.records import StoredAlert
from alertbox.receiver.store.store import Store
from alertbox.receiver.telling import Tell

_GOOD_NEWS = (Found.REACHABLE, Found.HEARD)


class Watcher:
    """`now()` gives Unix seconds; the outbox takes each silence after a press."""

    def __init__(self, store: Store, outbox: Outbox, tell: Tell, now: Callable[[], float], log: JsonLog) -> None:
        self._store = store
        self._outbox = outbox
        self._tell = tell
        self._now = now
        self._log = log
        self._watch = Watch()

    async def remember(self) -> None:
        """Go on where the run before this one ended."""
        for box, known in (await self._store.known()).items():
            self._watch.remember(box, known)

    def tick(self) -> None:
        """See what time it is."""
        self._write(self._watch.tick(self._now()))

    def link(self, up: bool) -> None:
        self._watch.link(up, self._now())
        self._tell("link", None, up=up)

    def state(self, box: str, state: str) -> None:
        self._write(self._watch.feed(Happened(What(state), box, self._now())))

    def alert(self, alert: StoredAlert) -> None:
        at = alert.received_at.timestamp()
        # A technician who tries the button pulls the plug afterwards, too: to the watch that is no press.
        kind = alert.kind if alert.for_people else 0
        self._write(self._watch.feed(Happened(What.ALERT, alert.box, at, kind, alert.sequence)))

    def _write(self, findings: list[Finding]) -> None:
        for finding in findings:
            self._store.note(finding).add_done_callback(partial(self._noted, finding))

    def _noted(self, finding: Finding, noted: "asyncio.Future[Told]") -> None:
        if noted.cancelled():
            return
        told = noted.result()
        if not told.news:
            if finding.found is not Found.SILENCE:
                self._watch.forget(finding.box)
            return
        fields = {"sequence": finding.sequence} if told.silence else {}
        write = self._log.info if finding.found in _GOOD_NEWS else self._log.warning
        write(finding.found.value, box=finding.box, **fields)
        self._tell(finding.found.value, finding.box, **fields)
        for delivery in told.deliveries:
            self._outbox.add(delivery)
