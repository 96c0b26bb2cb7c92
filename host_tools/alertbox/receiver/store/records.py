"""What the receiver keeps and hands on: stored alerts, silences, their deliveries, refusals, states."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, ClassVar

from alertbox.contract.formats import kind_name, source_name

_INFORM, _HELP, _TEST = 1, 2, 5
TEST_MODE = "test-mode"  # the flag of a box that a technician is commissioning
# In test mode these are the technician trying the button. A held press is not: it is dispatched, marked.
TRIED = (_INFORM, _HELP)


class Verdict(Enum):
    """What became of a verified alert."""

    STORED = "stored"
    REPLAY = "replay"  # the same bytes again: the box may have missed our acknowledgement
    CONFLICT = "conflict"  # another content under a sequence that is taken: the key is in two places
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as it stands in the database.

    `pressed` is the box's claim, `pressed_at` what the receiver worked out; `box` is 16 hexadecimal digits.
    """

    what: ClassVar[str] = "alert"

    box: str
    name: str
    boot: int
    sequence: int
    kind: int
    source: int
    pressed: datetime | None
    pressed_at: datetime
    clock_wrong: bool
    uptime: int
    incident: int
    flags: frozenset[str]
    unknown: dict[str, Any]
    raw: bytes
    received_at: datetime
    repeated: bool = False  # delivered once before, perhaps: that receiver was killed in the middle of it

    @classmethod
    def from_row(cls, row: Any) -> "StoredAlert":
        """From a row of the alerts' table with its box's `name`; a dict of the same names will do."""
        values = row if isinstance(row, dict) else row._mapping
        plain = {name: values[name] for name in cls.__slots__ if name != "repeated"}
        plain["flags"] = frozenset(values["flags"].split())
        plain["unknown"] = json.loads(values["unknown"]) if values["unknown"] else {}
        return cls(**plain)

    @property
    def known_at(self) -> datetime:
        """When the receiver knew of it."""
        return self.received_at

    @property
    def kind_name(self) -> str:
        return kind_name(self.kind)

    @property
    def source_name(self) -> str:
        """What was pressed, `bip 2`; the box itself, of a fault."""
        return source_name(self.source)

    @property
    def joins(self) -> bool:
        """It belongs to a running incident, begun by the alert with the sequence `incident`."""
        return self.incident != self.sequence

    @property
    def test(self) -> bool:
        """Whoever shows it says so: it is a test, or comes from a box in test mode."""
        return self.kind == _TEST or TEST_MODE in self.flags

    @property
    def for_people(self) -> bool:
        """Whether it goes out to anybody. Any other is stored, shown and acknowledged."""
        return self.kind != _TEST and not (self.kind in TRIED and TEST_MODE in self.flags)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was not taken. `box` is what the topic or the login claims; `raw` is kept of a conflict."""

    at: datetime
    reason: str
    box: str | None
    size: int
    detail: str
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class BoxState:
    """What a box's broker last said of it (a hint, unsigned), and what the watch makes of its silence."""

    box: str
    state: str
    since: datetime
    seen_at: datetime
    unreachable_since: datetime | None = None
    overdue_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A box that became unreachable soon after a press. `sequence`, `kind` and `pressed_at` are the press's."""

    what: ClassVar[str] = "silence"

    box: str
    name: str
    sequence: int
    kind: int
    pressed_at: datetime
    raised_at: datetime
    repeated: bool = False  # as in StoredAlert

    @classmethod
    def from_row(cls, row: Any) -> "Silence":
        """From a row that has these names, and perhaps others."""
        return cls(*(row._mapping[name] for name in cls.__slots__ if name != "repeated"))

    @property
    def known_at(self) -> datetime:
        """When the receiver knew of it."""
        return self.raised_at


class DeliveryState(StrEnum):
    """How far a delivery is; the values stand in the table."""

    WAITING = "waiting"  # for its first try, or for the next one
    DELIVERED = "delivered"
    FAILED = "failed"  # given up: nobody was told by it


@dataclass(frozen=True, slots=True)
class Delivery:
    """A record on its way to one recipient by one plugin. `next_at`: not tried before."""

    record: StoredAlert | Silence
    plugin: str
    recipient: str
    state: DeliveryState = DeliveryState.WAITING
    tries: int = 0
    next_at: datetime | None = None

    @property
    def key(self) -> str:
        """Its name in one line, the same in every run."""
        record = self.record
        return f"{record.what}/{record.box}/{record.sequence}/{self.plugin}/{self.recipient!r}"


# Of a record: plugin and recipient of each delivery. Asked inside the commit.
Recipients = Callable[[StoredAlert | Silence], Iterable[tuple[str, str]]]


def flags_to_text(flags: frozenset[str]) -> str:
    return " ".join(sorted(flags))


def unknown_to_text(unknown: Any) -> str | None:
    """Keys that this version does not know, as JSON; bytes in hexadecimal, what JSON lacks as text.

    Whoever holds a box's key can sign values that no JSON can say (a list within itself): the alert counts all the
    same, and its bytes are stored.
    """
    if not unknown:
        return None
    values = {str(key): value for key, value in unknown.items()}
    try:
        return json.dumps(values, default=_plain, skipkeys=True)
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        return json.dumps(dict.fromkeys(values, "unreadable"))


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
