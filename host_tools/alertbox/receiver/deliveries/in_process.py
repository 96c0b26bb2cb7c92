"""The plugin for code that runs in the receiver's own process: the demo, tests, notebooks."""

from collections.abc import Callable, Iterable

from alertbox.receiver.deliveries.plugin import Message
from alertbox.receiver.store.records import Silence, StoredAlert


class InProcess:
    """Calls a hook for each alert or silence. The hooks run in the event loop and must not block."""

    name = "in-process"

    def __init__(self, on_alert: Callable[[StoredAlert], None], on_silence: Callable[[Silence], None]) -> None:
        self._on_alert = on_alert
        self._on_silence = on_silence

    def recipients(self, record: StoredAlert | Silence) -> Iterable[str]:
        """One, which needs no name."""
        return ("",)

    async def deliver(self, message: Message) -> None:
        if isinstance(message.record, Silence):
            self._on_silence(message.record)
        else:
            self._on_alert(message.record)
