"""The watch at work: what happens goes in, what it finds is written first and told after, as an alert is."""

import asyncio
from collections.abc import Callable
from functools import partial

from alertbox.receiver.deliveries.dispatching import Dispatching
from alertbox.receiver.log import JsonLog
from alertbox.receiver.silence.memory import Told
from alertbox.receiver.silence.watch import Finding, Found, Happened, Watch, What
from alertbox.receiver.store.records import Silence, StoredAlert
from alertbox.receiver.store.store import Store

# How often the watch looks at the clock.
_LOOK_S = 1
_GOOD_NEWS = (Found.REACHABLE, Found.HEARD)


class Supervision:
    """`now()` gives Unix seconds, `on_event(event, box, **fields)` tells others, `on_silence` dispatches."""

    def __init__(
        self,
        store: Store,
        dispatching: Dispatching,
        on_silence: Callable[[Silence], None],
        on_event: Callable[..., None],
        now: Callable[[], float],
        log: JsonLog,
    ) -> None:
        self._store = store
        self._dispatching = dispatching
        self._on_silence = on_silence
        self._on_event = on_event
        self._now = now
        self._log = log
        self._watch = Watch()

    async def remember(self) -> None:
        """Go on where the run before this one ended."""
        for box, known in (await self._store.known()).items():
            self._watch.remember(box, known)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            self.look()

    def look(self) -> None:
        """See what time it is."""
        self._tell(self._watch.look(self._now()))

    def link(self, up: bool) -> None:
        self._watch.link(up, self._now())
        self._on_event("link", None, up=up)

    def state(self, box: str, state: str) -> None:
        self._tell(self._watch.feed(Happened(What(state), box, self._now())))

    def alert(self, alert: StoredAlert) -> None:
        at = alert.received_at.timestamp()
        # A technician who tries the button pulls the plug afterwards, too: to the watch that is no press.
        kind = alert.kind if alert.for_people else 0
        self._tell(self._watch.feed(Happened(What.ALERT, alert.box, at, kind, alert.sequence)))

    def dispatch(self, silence: Silence) -> None:
        self._dispatching.hand_over(silence, self._on_silence)

    def _tell(self, findings: list[Finding]) -> None:
        for finding in findings:
            self._store.note(finding).add_done_callback(partial(self._noted, finding))

    def _noted(self, finding: Finding, noted: "asyncio.Future[Told]") -> None:
        if noted.cancelled():
            return
        told, silence = noted.result()
        if not told:
            if finding.found is not Found.SILENCE:
                self._watch.forget(finding.box)
            return
        fields = {"sequence": finding.sequence} if silence else {}
        write = self._log.info if finding.found in _GOOD_NEWS else self._log.warning
        write(finding.found.value, box=finding.box, **fields)
        self._on_event(finding.found.value, finding.box, **fields)
        if silence is not None:
            self.dispatch(silence)
