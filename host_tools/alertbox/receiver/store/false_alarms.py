"""False alarms: which presses called people for nothing, as a person of the town says afterwards.

A response may be withdrawn from a shop after WITHDRAWN_FROM false hold-up alarms within twelve months: town and shop
must see the count, bip by bip, before that. Blocking, beside a running receiver, as the registry is.

An incident is counted once, however many of its presses were said to be false: people were called to it once. A shop
keeps its count when its box is replaced. What was said is a row of its own, so it also outlives the alert.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, insert, literal, or_, select, true

from alertbox.contract.formats import source_name
from alertbox.errors import UserError
from alertbox.receiver.silence.memory import PRESS_FOR_PEOPLE
from alertbox.receiver.silence.watch import PRESSES
from alertbox.receiver.store import database
from alertbox.receiver.store.models import alerts, boxes, false_alarms
from alertbox.receiver.store.records import StoredAlert

WITHDRAWN_FROM = 2
TWELVE_MONTHS = timedelta(days=366)
_PURPOSE = "counting false alarms, after which a response may be withdrawn"
_HEARTBEAT = 6
_COPIED = ("box", "sequence", "kind", "source", "incident", "pressed_at")


@dataclass(frozen=True, slots=True)
class SourceCount:
    """Of one button or bip of a shop within twelve months: presses, and incidents in which one of them was false.

    `shop_false_alarms` are those of all its sources together: the response that may be withdrawn is the shop's.
    """

    shop: str
    source: str
    presses: int
    false_alarms: int
    shop_false_alarms: int


class FalseAlarms:
    """The alerts in the database at `path`, and which of them were false.

    `shop` is always a box's name or its id; a revoked box keeps both.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def alerts(self, shop: str | None = None, last: int = 20) -> list[tuple[StoredAlert, bool]]:
        """The latest `last` alerts, the last stored first, and whether each was false. Heartbeats are left out."""
        said = (false_alarms.c.box == alerts.c.box) & (false_alarms.c.sequence == alerts.c.sequence)
        query = (
            select(alerts, boxes.c.name, false_alarms.c.said_at)
            .join(boxes, boxes.c.id == alerts.c.box)
            .outerjoin(false_alarms, said)
            .where(alerts.c.kind != _HEARTBEAT)
            .order_by(alerts.c.id.desc())
            .limit(last)
        )
        with database.transaction(self._path, "DEFERRED") as connection:
            if shop is not None:
                query = query.where(alerts.c.box.in_([box.id for box in self._boxes(connection, shop)]))
            rows = connection.execute(query)
            return [(StoredAlert.from_row(row), row.said_at is not None) for row in rows]

    def say(self, shop: str, sequence: int, now: datetime | None = None) -> StoredAlert:
        """The press with this sequence was a false alarm. To say it twice is to say it once."""
        now = now or datetime.now(UTC)
        with database.transaction(self._path) as connection:
            connection.execute(delete(false_alarms).where(false_alarms.c.delete_after <= now))
            row = self._one(connection, alerts, shop, sequence)
            if row is None:
                raise UserError("false-no-alert", name=shop, sequence=sequence, path=self._path.parent)
            alert = StoredAlert.from_row(row)
            if alert.kind not in PRESSES or not alert.for_people:
                raise UserError("false-no-press", sequence=sequence, kind=alert.kind_name)
            if self._one(connection, false_alarms, alert.box, sequence) is None:
                copied = {name: getattr(alert, name) for name in _COPIED}
                kept = {"said_at": now, "purpose": _PURPOSE, "delete_after": alert.pressed_at + TWELVE_MONTHS}
                connection.execute(insert(false_alarms).values(copied | kept))
        return alert

    def take_back(self, shop: str, sequence: int) -> str:
        """It was no false alarm after all; the shop's name. The alert itself may be gone by now."""
        with database.transaction(self._path) as connection:
            row = self._one(connection, false_alarms, shop, sequence)
            if row is None:
                raise UserError("false-not-said", name=shop, sequence=sequence)
            connection.execute(delete(false_alarms).where(false_alarms.c.id == row.id))
        return str(row.name)

    def counts(self, shop: str | None = None, now: datetime | None = None) -> list[SourceCount]:
        """By shop and source, of those that were pressed within twelve months. Tests are no presses."""
        since = (now or datetime.now(UTC)) - TWELVE_MONTHS
        found: dict[tuple[str, int], Row[Any]] = {}
        with database.transaction(self._path, "DEFERRED") as connection:
            # By name also if an id was given: the count is the shop's, whichever box it had.
            only = [] if shop is None else [boxes.c.name == self._boxes(connection, shop)[0].name]
            # What was said comes second: it takes the place of the alert, which may be deleted by now.
            for table, condition in ((alerts, PRESS_FOR_PEOPLE), (false_alarms, true())):
                columns = [table.c[name] for name in _COPIED]
                query = select(*columns, boxes.c.name, literal(table is false_alarms).label("said"))
                query = query.join(boxes, boxes.c.id == table.c.box)
                rows = connection.execute(query.where(condition, table.c.pressed_at > since, *only))
                found |= {(row.box, row.sequence): row for row in rows}
        return _count(found.values())

    def _boxes(self, connection: Connection, shop: str) -> Sequence[Row[str, str]]:
        """Id and name of those that are or were the shop's."""
        called = or_(boxes.c.name == shop, boxes.c.id == shop)
        found = connection.execute(select(boxes.c.id, boxes.c.name).where(called)).all()
        if not found:
            raise UserError("false-no-shop", name=shop, path=self._path.parent)
        return found

    def _one(self, connection: Connection, table: Table, shop: str, sequence: int) -> Row[Any] | None:
        """The row of `table`, with its shop's name. Of a replaced box and its successor, the id says which."""
        # By ids, for which there is an index: the receiver's commits wait meanwhile.
        of_shop = table.c.box.in_([box.id for box in self._boxes(connection, shop)])
        query = select(table, boxes.c.name).join(boxes, boxes.c.id == table.c.box)
        rows = connection.execute(query.where(of_shop, table.c.sequence == sequence)).all()
        if len(rows) > 1:
            ids = ", ".join(f"{row.box} ({row.pressed_at.astimezone():%Y-%m-%d %H:%M})" for row in rows)
            raise UserError("false-which-box", name=shop, sequence=sequence, boxes=ids)
        return rows[0] if rows else None


def _count(rows: Collection[Row[Any]]) -> list[SourceCount]:
    presses = Counter((row.name, row.source) for row in rows)
    incidents: dict[object, set[tuple[str, int]]] = defaultdict(set)
    for row in rows:
        if row.said:
            for whose in (row.name, (row.name, row.source)):
                incidents[whose].add((row.box, row.incident))
    return [
        SourceCount(shop, source_name(source), count, len(incidents[shop, source]), len(incidents[shop]))
        for (shop, source), count in sorted(presses.items())
    ]
