"""What a plugin is: one file of this folder that hands a message to one recipient."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from alertbox.receiver.store.records import Silence, StoredAlert


class Failed(Exception):
    """The recipient did not get it. `permanent`: no further try can change that (a number that does not exist)."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out to one recipient. `record.repeated`: it may have gone out before."""

    record: StoredAlert | Silence
    recipient: str


class Plugin(Protocol):
    """`name` stands in the table of deliveries: it does not change once it is in service."""

    name: str

    def recipients(self, record: StoredAlert | Silence) -> Iterable[str]:
        """Who is told of it by this plugin. Called inside the commit: no waiting, no network."""
        ...

    async def deliver(self, message: Message) -> None:
        """Return once the recipient has it; Failed, or any other exception, if not. One at a time is asked for."""
        ...
