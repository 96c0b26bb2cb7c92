"""The store: what is new, what is not, and that nothing is said to be stored before it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from alertbox.contract import formats
from alertbox.receiver import Accounts
from alertbox.receiver.log import JsonLog
from alertbox.receiver.store import database, writing
from alertbox.receiver.store.records import DeliveryState, Refusal, Verdict
from alertbox.receiver.store.store import Store, StoreFailed
from fake_box import FakeBox
from sqlalchemy.exc import OperationalError

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def box(town) -> FakeBox:
    box = FakeBox()
    box.account = Accounts.open(town).enrol(box.public, "Boulangerie", "localhost", 8883)
    return box


@asynccontextmanager
async def opened(town, **options) -> AsyncIterator[Store]:
    store = Store(town.database, options.pop("log", JsonLog()), **options)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def verified(box: FakeBox, sequence: int, **changed):
    return formats.decode_alert(box.alert(sequence, **changed), formats.load_public_key(box.public), box.box)


def test_a_stored_alert_comes_back_as_it_was(town, box):
    async def story():
        async with opened(town) as store:
            alert = verified(box, 7, kind=3, back=2, flags=5, boot=4, uptime=99, more={11: b"\1", 12: "new"})
            outcome = await store.add(alert, NOW)
            assert outcome.verdict is Verdict.STORED
            assert await store.alerts() == [outcome.record]
            return alert, outcome.record

    alert, record = asyncio.run(story())
    assert (record.box, record.name, record.sequence, record.incident) == (box.id, "Boulangerie", 7, 5)
    assert (record.kind_name, record.boot, record.uptime) == ("alarm", 4, 99)
    assert record.flags == {"mains-lost", "tamper-open"}
    assert record.unknown == {"11": "01", "12": "new"}
    assert (record.raw, record.received_at, record.pressed) == (alert.raw, NOW, alert.pressed)


def test_the_same_bytes_again_are_a_replay_and_others_a_conflict(town, box):
    async def story():
        first = verified(box, 1)
        async with opened(town) as store:
            together = [store.add(one, NOW) for one in (first, first, verified(box, 1, kind=2))]
            later = store.add(first, NOW)
            return [(await one).verdict for one in [*together, later]]

    assert asyncio.run(story()) == [Verdict.STORED, Verdict.REPLAY, Verdict.CONFLICT, Verdict.REPLAY]


def test_a_replay_is_known_after_a_restart(town, box):
    async def story():
        alert = verified(box, 1)
        async with opened(town) as store:
            await store.add(alert, NOW)
        async with opened(town) as store:
            return (await store.add(alert, NOW)).verdict, len(await store.alerts())

    assert asyncio.run(story()) == (Verdict.REPLAY, 1)


def test_order_and_gaps_mean_nothing(town, box):
    async def story():
        async with opened(town) as store:
            return [(await store.add(verified(box, sequence), NOW)).verdict for sequence in (9, 3, 2**32 - 1, 4)]

    assert asyncio.run(story()) == [Verdict.STORED] * 4


def test_a_box_revoked_by_another_process_stores_nothing_more(town, box):
    async def story():
        async with opened(town) as store:
            await store.add(verified(box, 1), NOW)
            Accounts(town).revoke("Boulangerie")
            return (await store.add(verified(box, 2), NOW)).verdict

    assert asyncio.run(story()) is Verdict.REVOKED


def test_alerts_that_come_during_a_commit_share_the_next_one(town, box):
    commits = []

    async def story():
        alerts = [verified(box, sequence) for sequence in range(1, 41)]
        async with opened(town, on_commit=lambda: commits.append(1)) as store:
            first = store.add(alerts[0], NOW)
            await asyncio.sleep(0)  # the writer takes the first one alone
            rest = [store.add(alert, NOW) for alert in alerts[1:]]
            await asyncio.gather(first, *rest)

    asyncio.run(story())
    assert len(commits) == 2


def test_a_failed_commit_stores_nothing_and_says_so_and_the_next_one_works(town, box, monkeypatch):
    log = StringIO()
    write = writing.write

    async def failing(*arguments):
        await write(*arguments)
        raise OperationalError("INSERT", {}, Exception("disk full"))

    async def story():
        alert = verified(box, 1)
        async with opened(town, log=JsonLog(log)) as store:
            monkeypatch.setattr(writing, "write", failing)
            with pytest.raises(StoreFailed):
                await store.add(alert, NOW)
            assert await store.alerts() == []
            monkeypatch.setattr(writing, "write", write)
            return (await store.add(alert, NOW)).verdict

    assert asyncio.run(story()) is Verdict.STORED
    assert "store-failed" in log.getvalue()


def test_what_was_not_marked_as_delivered_waits_after_a_restart(town, box):
    def recipients(record):
        return [("pager", "Ada"), ("pager", "Zoé")]

    async def story():
        async with opened(town, recipients=recipients) as store:
            first, second = [await store.add(verified(box, sequence), NOW) for sequence in (1, 2)]
            ada, zoe = first.deliveries
            store.mark(replace(ada, state=DeliveryState.DELIVERED, tries=1))
            store.mark(replace(zoe, tries=1, next_at=NOW))
            store.mark(replace(second.deliveries[0], state=DeliveryState.FAILED, tries=1))
        async with opened(town) as store:
            return await store.waiting_deliveries()

    left = asyncio.run(story())
    assert [(one.record.sequence, one.recipient, one.tries) for one in left] == [(1, "Zoé", 1), (2, "Zoé", 0)]


def test_a_test_goes_to_nobody(town, box):
    async def story():
        async with opened(town, recipients=lambda record: [("pager", "Ada")]) as store:
            return [(await store.add(verified(box, kind, kind=kind), NOW)).deliveries for kind in (5, 6)]

    assert [len(deliveries) for deliveries in asyncio.run(story())] == [0, 1]


def test_a_flush_returns_when_what_was_added_before_is_stored_and_told(town, box):
    async def story():
        async with opened(town) as store:
            told: list[object] = []
            store.add(verified(box, 1), NOW).add_done_callback(told.append)
            await store.flush()
            return len(told)

    assert asyncio.run(story()) == 1


def test_the_time_of_a_press_without_a_clock_is_worked_out_from_alerts_of_the_same_boot(town, box):
    async def story():
        async with opened(town) as store:
            # A heartbeat an hour after the boot came at once; then one that was pressed ten minutes after the boot.
            await store.add(verified(box, 2, uptime=3600, pressed=None), NOW)
            waited = await store.add(verified(box, 1, uptime=600, pressed=None), NOW + timedelta(seconds=1))
            other = await store.add(verified(box, 3, uptime=600, pressed=None, boot=2), NOW)
            return waited.record, other.record

    waited, other = asyncio.run(story())
    assert waited.pressed_at == NOW - timedelta(minutes=50)
    assert waited.clock_wrong
    assert other.pressed_at == NOW


def test_refusals_are_counted_in_full_and_kept_in_part(town, box):
    refusal = Refusal(NOW, "garbage", box.id, 5, "x" * 500)

    async def story():
        async with opened(town) as store:
            for _ in range(100):
                store.refuse(refusal)
        async with opened(town) as store:
            return await store.refusal_counts(), await store.refusals()

    counts, kept = asyncio.run(story())
    assert counts == {"garbage": 100}
    assert 0 < len(kept) < 100
    assert len(kept[0].detail) == 200


def test_a_conflict_is_kept_with_its_bytes_however_much_is_refused_after_it(town, box, monkeypatch):
    monkeypatch.setattr(writing, "_REFUSALS_KEPT", 3)

    async def story():
        async with opened(town) as store:
            store.refuse(Refusal(NOW, "conflict", box.id, 5, "", b"proof"))
            for _ in range(10):
                store.refuse(Refusal(NOW, "garbage", box.id, 5, ""))
        async with opened(town) as store:
            return [one.raw for one in await store.refusals()]

    assert asyncio.run(story()) == [b"proof", None, None, None]


def test_a_state_keeps_the_time_since_when(town, box):
    later = NOW + timedelta(minutes=1)

    async def story():
        async with opened(town) as store:
            store.note_state(box.id, "online", NOW)
            store.note_state(box.id, "online", later)
            store.note_state("0123456789abcdef", "online", NOW)
        async with opened(town) as store:
            [state] = await store.states()
            store.note_state(box.id, "offline", later)
        async with opened(town) as store:
            return state, await store.states()

    first, [last] = asyncio.run(story())
    assert (first.state, first.since, first.seen_at) == ("online", NOW, later)
    assert (last.state, last.since) == ("offline", later)


def test_rows_with_personal_data_have_a_purpose_and_an_end(town, box):
    async def story():
        async with opened(town) as store:
            await store.add(verified(box, 1), NOW)

    asyncio.run(story())
    with database.open_engine(town.database).connect() as connection:
        purpose, delete_after = connection.exec_driver_sql("SELECT purpose, delete_after FROM alerts").one()
    assert purpose
    assert delete_after > str(NOW + timedelta(days=300))
