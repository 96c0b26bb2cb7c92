"""What goes out: once, in spite of kills; tried again after errors; given up aloud."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from alertbox.receiver import Accounts, ReceiverThread
from alertbox.receiver.deliveries import outbox
from alertbox.receiver.deliveries.notes import Notes
from alertbox.receiver.deliveries.outbox import BACK_OFF_S, MOST_TRIES, Outbox
from alertbox.receiver.deliveries.plugin import Failed, Message
from alertbox.receiver.log import JsonLog
from alertbox.receiver.store import database
from alertbox.receiver.store.records import Delivery, DeliveryState, Silence, StoredAlert
from alertbox.receiver.store.store import Store
from alertbox.town import Town
from fake_box import FakeBox

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ONE, TWO = (
    Delivery(Silence("0123456789abcdef", "Boulangerie", sequence, 1, NOW, NOW), "pager", "Zoé +33612345678")
    for sequence in (1, 2)
)


class Killed(BaseException):
    """Ends a run where SIGKILL would: nothing after it is done."""


class Pager:
    """A plugin that does with each message what `answers` says next; then it takes all."""

    name = "pager"

    def __init__(self, *answers: BaseException) -> None:
        self.answers = list(answers)
        self.given: list[Message] = []
        self.asked = asyncio.Event()

    def recipients(self, record: StoredAlert | Silence) -> Iterable[str]:
        return ("Zoé +33612345678",)

    async def deliver(self, message: Message) -> None:
        self.asked.set()
        if self.answers:
            raise self.answers.pop(0)
        self.given.append(message)


class Run:
    """One receiver's outbox, on the notes at `path`."""

    def __init__(self, path: Path, *plugins: Any) -> None:
        self.marked: list[Delivery] = []
        self.told: list[str] = []
        self.clock = NOW.timestamp()
        self.stream = StringIO()
        log = JsonLog(self.stream)
        self.notes = Notes(path, log)
        self.notes.open()
        self.outbox = Outbox(
            plugins, notes=self.notes, mark=self.marked.append, tell=self.tell, now=lambda: self.clock, log=log
        )

    def tell(self, event: str, box: str | None, *, at: float | None = None, **fields: object) -> None:
        self.told.append(event)

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = map(json.loads, self.stream.getvalue().splitlines())
        return [line for line in lines if line["event"] == event]

    async def give(self, *deliveries: Delivery) -> None:
        """As a start that finds these, and a stop that lets them out; the notes end as a kill leaves them."""
        self.outbox.open(deliveries)
        await self.settle()
        await self.outbox.close()
        self.notes.close()

    async def settle(self) -> None:
        """Until everything in the queues was tried, or its worker was killed."""
        waits = [asyncio.create_task(queue.join()) for queue in self.outbox._queues.values()]
        await asyncio.wait([*waits, *self.outbox._workers], return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture(autouse=True)
def no_waiting_for_the_killed(monkeypatch):
    monkeypatch.setattr(outbox, "_CLOSE_S", 0)


def test_what_was_done_before_a_kill_is_only_marked(path):
    asyncio.run(Run(path, Pager()).give(ONE))
    pager = Pager()
    after = Run(path, pager)
    asyncio.run(after.give(ONE, TWO))
    assert [message.record.sequence for message in pager.given] == [2]
    assert [(one.record.sequence, one.state, one.tries) for one in after.marked] == [
        (1, DeliveryState.DELIVERED, 1),
        (2, DeliveryState.DELIVERED, 1),
    ]


def test_what_a_kill_interrupted_is_done_again_and_says_so_until_it_is_done(path):
    asyncio.run(Run(path, Pager()).give(ONE))
    for _ in range(2):  # a second time, in the same place
        asyncio.run(Run(path, Pager(Killed())).give(TWO))
    # An error of a later try does not say that the killed one did not go out.
    asyncio.run(Run(path, Pager(RuntimeError("no pager"))).give(TWO))
    pager = Pager()
    last = Run(path, pager)
    asyncio.run(last.give(ONE, TWO))
    assert [(message.record.sequence, message.record.repeated) for message in pager.given] == [(2, True)]
    assert [line["repeated"] for line in last.logged("dispatched")] == [True]
    assert last.told == ["dispatched"]
    assert Run(path).notes.was_done(TWO.key)


def test_what_failed_is_done_again_as_new(path):
    before = Run(path, Pager(RuntimeError("no pager")))
    asyncio.run(before.give(ONE))
    assert [one.state for one in before.marked] == [DeliveryState.WAITING]
    assert [(line["tries"], line["reason"]) for line in before.logged("dispatch-failed")] == [
        (1, "RuntimeError('no pager')")
    ]
    pager = Pager()
    asyncio.run(Run(path, pager).give(ONE))
    assert [message.record.repeated for message in pager.given] == [False]


def test_what_is_in_doubt_stays_so_when_the_notes_are_emptied(path):
    asyncio.run(Run(path, Pager(Killed())).give(TWO))
    run = Run(path)
    run.notes.clear()
    run.notes.close()
    assert Run(path).notes.in_doubt(TWO.key)


def test_a_try_that_hangs_is_in_doubt_and_done_again(path, monkeypatch):
    monkeypatch.setattr(outbox, "TRY_S", 0)

    class Hanging(Pager):
        async def deliver(self, message: Message) -> None:
            await asyncio.Event().wait()

    before = Run(path, Hanging())
    asyncio.run(before.give(ONE))
    assert [(one.state, one.tries) for one in before.marked] == [(DeliveryState.WAITING, 1)]
    monkeypatch.undo()
    pager = Pager()
    asyncio.run(Run(path, pager).give(ONE))
    assert [message.record.repeated for message in pager.given] == [True]


def test_a_failed_delivery_is_tried_again_when_its_time_has_come_and_not_before(path):
    pager = Pager(RuntimeError("busy"), Failed("busy"))

    async def story() -> list[int]:
        run = Run(path, pager)
        run.outbox.open([ONE])
        given = []
        for wait_s in (0, BACK_OFF_S[0] - 1, 1, BACK_OFF_S[1] - 1, 1):
            run.clock += wait_s
            run.outbox.tick()
            await run.settle()
            given.append(2 - len(pager.answers) + len(pager.given))
        await run.outbox.close()
        assert [(one.state, one.tries) for one in run.marked] == [("waiting", 1), ("waiting", 2), ("delivered", 3)]
        assert run.marked[0].next_at == NOW + timedelta(seconds=BACK_OFF_S[0])
        return given

    assert asyncio.run(story()) == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("delivery", "error"),
    [(ONE, Failed("no such number", permanent=True)), (replace(ONE, tries=MOST_TRIES - 1), Failed("busy"))],
    ids=["permanent", "a day of tries"],
)
def test_the_receiver_says_that_nobody_was_told(path, delivery, error):
    run = Run(path, Pager(error))
    asyncio.run(run.give(delivery))
    assert [one.state for one in run.marked] == [DeliveryState.FAILED]
    assert run.told == ["undelivered"]
    assert len(run.logged("undelivered")) == 1


def test_the_tries_last_for_a_day():
    waits = [*BACK_OFF_S, *[BACK_OFF_S[-1]] * (MOST_TRIES - 1 - len(BACK_OFF_S))]
    assert timedelta(hours=23) < timedelta(seconds=sum(waits)) < timedelta(hours=25)


def test_a_slow_plugin_holds_up_no_other(path):
    class Slow(Pager):
        name = "slow"

        async def deliver(self, message: Message) -> None:
            self.asked.set()
            await asyncio.Event().wait()

    async def story() -> None:
        slow, pager = Slow(), Pager()
        run = Run(path, slow, pager)
        run.outbox.open([replace(ONE, plugin="slow"), ONE])
        await slow.asked.wait()
        await pager.asked.wait()
        assert len(pager.given) == 1
        await run.outbox.close()

    asyncio.run(asyncio.wait_for(story(), 10))


def test_a_receiver_that_stops_delivers_what_is_on_its_way(path, monkeypatch):
    monkeypatch.setattr(outbox, "_CLOSE_S", 10)

    async def story() -> None:
        run.outbox.open([ONE, TWO])
        await run.outbox.close()

    pager = Pager()
    run = Run(path, pager)
    asyncio.run(story())
    assert [message.record.sequence for message in pager.given] == [1, 2]


def test_a_plugin_that_never_waits_lets_others_run(path, monkeypatch):
    monkeypatch.setattr(outbox, "_IN_ONE_GO", 2)

    async def story() -> list[int]:
        pager = Pager()
        run = Run(path, pager)
        run.outbox.open([replace(ONE, recipient=str(number)) for number in range(6)])
        seen: list[int] = []
        while not seen or seen[-1] < 6:
            await asyncio.sleep(0)
            seen.append(len(pager.given))
        await run.outbox.close()
        return seen

    assert asyncio.run(story()) == [2, 4, 6]


def test_a_key_is_one_line_whatever_the_recipient_is_called():
    odd, other = (replace(ONE, recipient=name).key for name in ("Zoé\ndone x", "Zoé"))
    assert odd != other
    assert len(odd.splitlines()) == 1


def test_a_delivery_whose_plugin_is_gone_waits_and_is_logged(path):
    run = Run(path, Pager())
    asyncio.run(run.give(replace(ONE, plugin="gone")))
    assert run.marked == []
    assert [line["plugin"] for line in run.logged("no-such-plugin")] == ["gone"]


def test_no_log_line_names_a_recipient(path):
    run = Run(path, Pager(RuntimeError("busy"), Failed("no", permanent=True)))
    asyncio.run(run.give(ONE, TWO, replace(ONE, plugin="gone")))
    assert "33612345678" not in run.stream.getvalue()


def test_the_notes_are_emptied_when_the_database_has_caught_up(path, town):
    Accounts.open(town)

    async def story() -> list[int]:
        sizes = []
        run = Run(path, Pager())
        store = Store(town.database, JsonLog(), on_all_marked=run.notes.clear)
        await store.open()
        run.outbox._mark = store.mark
        run.outbox.open([])
        for delivery in (ONE, TWO):
            run.outbox.add(delivery)
            while not run.notes.was_done(delivery.key):
                await asyncio.sleep(0)
            sizes.append(path.stat().st_size)
        await run.outbox.close()
        await store.close()
        return [*sizes, path.stat().st_size]

    first, second, last = asyncio.run(story())
    assert 0 < first < second
    assert last == 0


def test_a_second_receiver_on_the_same_database_does_without_notes_and_says_so(path):
    first, pager = Run(path), Pager()
    second = Run(path, pager)
    asyncio.run(second.give(ONE))
    assert len(pager.given) == 1
    assert path.read_text() == ""
    assert len(second.logged("notes-taken")) == 1
    first.notes.close()


def test_a_disk_that_takes_no_notes_is_logged_and_holds_up_nothing(path, monkeypatch):
    def full(*_: object) -> int:
        raise OSError("disk full")

    pager = Pager()
    run = Run(path, pager)
    with monkeypatch.context() as broken:
        broken.setattr("alertbox.receiver.deliveries.notes.os.write", full)
        asyncio.run(run.give(ONE))
    assert len(pager.given) == 1
    assert len(run.logged("notes-failed")) == 2


def test_an_alert_goes_out_by_every_plugin_and_is_marked_so(town):
    pager = Pager()
    with ReceiverThread(town, plugins=[pager]) as receiver:
        box = FakeBox()
        box.account = receiver.enrol(box.public, "Boulangerie")
        with box.connected() as connection:
            connection.publish(box.alert(1))
            assert connection.ack() == 1
        receiver.wait_until(lambda: len(pager.given) == len(receiver.dispatched) == 1)
    assert [(message.record, message.recipient) for message in pager.given] == [
        (receiver.dispatched[0], "Zoé +33612345678")
    ]
    assert rows(town) == [("in-process", "delivered", 1), ("pager", "delivered", 1)]


def test_dispatches_of_an_earlier_version_are_taken_over(town):
    """Version 4 kept a time beside the alert and the silence; empty: an alert not dispatched, or a test."""
    with ReceiverThread(town) as receiver:
        box = FakeBox()
        box.account = receiver.enrol(box.public, "Boulangerie")
        with box.connected() as connection:
            for sequence, kind, flags in ((1, 3, 0), (2, 3, 0), (3, 5, 0), (4, 2, 32), (5, 3, 32)):
                connection.publish(box.alert(sequence, kind=kind, flags=flags))
                assert connection.ack() == sequence
    database.migrate(town.database, "0004")
    with contextlib.closing(sqlite3.connect(town.database)) as old:
        of_old = "SELECT sequence FROM alerts WHERE dispatched_at IS NOT NULL ORDER BY sequence"
        assert [sequence for (sequence,) in old.execute(of_old)] == [1, 2, 5]
        old.execute("UPDATE alerts SET dispatched_at = NULL WHERE sequence = 2")
        silence = "INSERT INTO silences (box, sequence, raised_at, dispatched_at, purpose, delete_after)"
        old.execute(f"{silence} SELECT box, 1, received_at, received_at, purpose, delete_after FROM alerts LIMIT 1")
        old.execute(f"{silence} SELECT box, 2, received_at, NULL, purpose, delete_after FROM alerts LIMIT 1")
        old.commit()
    with ReceiverThread(Town.open(town.path)) as receiver:
        receiver.wait_until(lambda: len(receiver.dispatched) == len(receiver.silences) == 1)
        assert [alert.sequence for alert in receiver.dispatched] == [2]
        assert [silence.sequence for silence in receiver.silences] == [2]
    assert rows(town) == [("in-process", "delivered", 1)] * 5


def rows(town: Town) -> list[tuple[str, str, int]]:
    with contextlib.closing(sqlite3.connect(town.database)) as connection:
        return connection.execute("SELECT plugin, state, tries FROM deliveries ORDER BY id").fetchall()
