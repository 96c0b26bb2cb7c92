"""An alert's way through the receiver, step by step, between a link, a store and an outbox that only write down."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from alertbox.contract import formats
from alertbox.receiver import pipeline as pipeline_module
from alertbox.receiver.intake import Intake
from alertbox.receiver.link import Incoming
from alertbox.receiver.log import JsonLog
from alertbox.receiver.pipeline import Pipeline
from alertbox.receiver.store.records import Delivery, Refusal, StoredAlert, Verdict
from alertbox.receiver.store.store import StoreFailed
from alertbox.receiver.store.writing import Outcome
from alertbox.receiver.telling import Refusals, tell_to
from fake_box import FakeBox

NOW = 1_777_896_000
AT = datetime.fromtimestamp(NOW, UTC)
SECRET = bytes(range(32))


class Scene:
    """A pipeline, and `steps`: what it did to its surroundings, in order."""

    def __init__(self) -> None:
        self.box = FakeBox()
        self.box.account = {"secret": SECRET.hex()}
        self.row: Any = SimpleNamespace(public_key=self.box.public, secret=SECRET, revoked_at=None)
        self.steps: list[tuple[Any, ...]] = []
        self.events: list[dict[str, Any]] = []
        self.refusals: list[Refusal] = []
        self.waiting: list[asyncio.Future[Outcome]] = []
        self.written: list[int] = []
        self.lookups = 0
        self.link_is_up = True
        self.stream = StringIO()
        log, tell, now = JsonLog(self.stream), tell_to(self.events.append), lambda: float(NOW)
        self.refused: Counter[str] = Counter()
        store: Any = SimpleNamespace(add=self.add, note_state=self.writes("state"))
        outbox: Any = SimpleNamespace(add=self.writes("outbox"))
        watcher: Any = SimpleNamespace(state=self.writes("watch state"), alert=self.writes("watch alert"))
        self.intake = Intake(self.find)
        self.pipeline = Pipeline(
            intake=self.intake,
            store=store,
            outbox=outbox,
            watcher=watcher,
            refuse=Refusals(self.refusals.append, tell, now, log, self.refused),
            on_revoked=self.writes("revoked"),
            tell=tell,
            now=now,
            log=log,
        )
        assert self.pipeline.link is None
        self.pipeline.link = SimpleNamespace(publish=self.publish, settle=self.writes("settle"))

    def writes(self, name: str) -> Any:
        return lambda *values: self.steps.append((name, *values))

    async def find(self, box: str) -> Any:
        self.lookups += 1
        if isinstance(self.row, Exception):
            raise self.row
        return self.row if box == self.box.id else None

    def add(self, alert: formats.Alert, received_at: datetime) -> "asyncio.Future[Outcome]":
        assert received_at == AT
        self.written.append(alert.sequence)
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]

    def publish(self, topic: str, payload: bytes) -> bool:
        self.steps.append(("publish", topic, self.box.read_ack(payload)[4]))
        return self.link_is_up

    def message(self, payload: bytes, what: str = "alert", box: str | None = None) -> Incoming:
        ticket: Any = (None, 1, 1)
        return Incoming(f"alertbox/{box or self.box.id}/{what}", payload, ticket)

    def play(self, *messages: Incoming, outcomes: tuple[Any, ...] = ()) -> list[str]:
        """Let these come in, then the commits end so. The names of the steps."""

        async def story() -> None:
            for message in messages:
                self.pipeline.arrived(message)
            work = asyncio.create_task(self.pipeline.run())
            while not self.pipeline._messages.empty():
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert {"publish", "outbox"}.isdisjoint(self.names), "before the commit"
            assert len(self.waiting) == len(outcomes)
            for future, outcome in zip(self.waiting, outcomes, strict=True):
                if outcome is asyncio.CancelledError:
                    future.cancel()
                elif isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)
            await asyncio.sleep(0)
            work.cancel()

        asyncio.run(story())
        return self.names

    @property
    def names(self) -> list[str]:
        return [step[0] for step in self.steps]

    @property
    def told(self) -> list[str]:
        return [event["event"] for event in self.events]

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = map(json.loads, self.stream.getvalue().splitlines())
        return [line for line in lines if line["event"] == event]

    def stored(self, sequence: int, **changed: Any) -> Outcome:
        """As the store answers for a new alert."""
        values: dict[str, Any] = dict.fromkeys(StoredAlert.__slots__)
        values |= {"box": self.box.id, "name": "Boulangerie", "boot": 1, "sequence": sequence, "incident": sequence}
        values |= {"kind": 2, "source": 1, "flags": frozenset(), "unknown": {}, "repeated": False} | changed
        record = StoredAlert(**values)
        return Outcome(Verdict.STORED, record, (Delivery(record, "pager", "Ada"), Delivery(record, "pager", "Zoé")))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_new_alert_is_acknowledged_after_its_commit_then_given_to_the_outbox_and_the_watch(scene):
    message, outcome = scene.message(scene.box.alert(7, kind=2)), scene.stored(7)
    assert scene.play(message, outcomes=(outcome,)) == ["settle", "publish", "outbox", "outbox", "watch alert"]
    assert scene.steps == [
        ("settle", message),
        ("publish", f"alertbox/{scene.box.id}/ack", 7),
        ("outbox", outcome.deliveries[0]),
        ("outbox", outcome.deliveries[1]),
        ("watch alert", outcome.record),
    ]
    assert scene.told == ["arrived", "verified", "stored", "acknowledged"]
    assert {event["box"] for event in scene.events} == {scene.box.id}
    [line] = scene.logged("received")
    assert (line["box"], line["sequence"], line["kind"], line["source"]) == (scene.box.id, 7, "help", "button")
    assert (scene.pipeline.received, scene.pipeline.duplicates, scene.refused) == (1, 0, Counter())


def test_an_acknowledgement_that_the_link_did_not_take_is_not_told(scene):
    scene.link_is_up = False
    scene.play(scene.message(scene.box.alert(7)), outcomes=(scene.stored(7),))
    assert scene.told == ["arrived", "verified", "stored"]


@pytest.mark.parametrize("end", [StoreFailed("disk full"), asyncio.CancelledError], ids=["failed", "cancelled"])
def test_after_a_commit_that_failed_nothing_is_acknowledged_or_goes_out(scene, end):
    assert scene.play(scene.message(scene.box.alert(7)), outcomes=(end,)) == ["settle"]
    assert scene.pipeline.received == 0
    assert scene.told == ["arrived", "verified"]


def test_a_replay_is_counted_and_acknowledged_again_with_a_key_that_is_read_anew(scene):
    replay = Outcome(Verdict.REPLAY)
    assert scene.play(scene.message(scene.box.alert(7)), outcomes=(replay,)) == ["settle", "publish"]
    assert (scene.pipeline.received, scene.pipeline.duplicates, dict(scene.refused)) == (0, 1, {"replay": 1})
    assert scene.told == ["arrived", "verified", "refused", "duplicate", "acknowledged"]
    asyncio.run(scene.intake.key(scene.box.id))
    assert scene.lookups == 2


def test_an_alert_that_contradicts_a_stored_one_is_kept_as_evidence_and_not_acknowledged(scene):
    alert = scene.box.alert(7)
    assert scene.play(scene.message(alert), outcomes=(Outcome(Verdict.CONFLICT),)) == ["settle"]
    [refusal] = scene.refusals
    assert (refusal.at, refusal.reason, refusal.box, refusal.raw) == (AT, "conflict", scene.box.id, alert)
    asyncio.run(scene.intake.key(scene.box.id))
    assert scene.lookups == 2


def test_a_box_that_was_revoked_meanwhile_is_refused_and_put_out(scene):
    assert scene.play(scene.message(scene.box.alert(7)), outcomes=(Outcome(Verdict.REVOKED),)) == ["settle", "revoked"]
    [refusal] = scene.refusals
    assert (refusal.reason, refusal.raw, scene.steps[-1]) == ("revoked", None, ("revoked", scene.box.id))


def test_what_is_tried_in_test_mode_is_told_as_withheld_and_shown_to_the_watch(scene):
    tried = scene.stored(7, flags=frozenset({"test-mode"}))
    outcome = Outcome(Verdict.STORED, tried.record)
    assert scene.play(scene.message(scene.box.alert(7)), outcomes=(outcome,)) == ["settle", "publish", "watch alert"]
    assert scene.told == ["arrived", "verified", "stored", "acknowledged", "withheld"]
    assert [line["sequence"] for line in scene.logged("withheld")] == [7]


@pytest.mark.parametrize("state", ["online", "offline"])
def test_a_state_is_noted_and_shown_to_the_watch(scene, state):
    message = scene.message(state.encode(), "state")
    scene.play(message)
    assert scene.steps == [
        ("state", scene.box.id, state, AT),
        ("settle", message),
        ("watch state", scene.box.id, state),
    ]
    assert scene.told == ["state"]
    assert [line["state"] for line in scene.logged("state")] == [state]


def test_the_state_of_an_unknown_box_is_refused_and_shown_to_nobody(scene):
    assert scene.play(scene.message(b"online", "state", box=FakeBox().id)) == ["settle"]
    assert dict(scene.refused) == {"unknown-box": 1}


def test_what_is_refused_is_settled_and_the_next_message_is_taken(scene):
    forged, good = scene.message(FakeBox().alert(1)), scene.message(scene.box.alert(2))
    names = scene.play(forged, good, outcomes=(scene.stored(2),))
    assert names == ["settle", "settle", "publish", "outbox", "outbox", "watch alert"]
    assert dict(scene.refused) == {"signature": 1}
    [refusal] = scene.refusals
    assert (refusal.box, refusal.size) == (scene.box.id, len(forged.payload))
    assert [line["reason"] for line in scene.logged("refused")] == ["signature"]


def test_a_database_that_cannot_be_read_refuses_nobody_and_is_logged(scene):
    scene.row = StoreFailed("no such table")
    assert scene.play(scene.message(scene.box.alert(1)), scene.message(b"online", "state")) == ["settle", "settle"]
    assert scene.refused == Counter()
    assert [line["box"] for line in scene.logged("store-failed")] == [scene.box.id] * 2


def test_what_finds_the_queue_full_is_refused_and_not_settled(scene, monkeypatch):
    monkeypatch.setattr(pipeline_module, "_QUEUE", 1)
    small = Scene()
    messages = [small.message(small.box.alert(sequence)) for sequence in (1, 2)]
    assert small.play(*messages, outcomes=(small.stored(1),))[0] == "settle"
    assert ("settle", messages[1]) not in small.steps
    assert dict(small.refused) == {"overload": 1}


def test_a_flood_of_messages_lets_others_run(scene, monkeypatch):
    monkeypatch.setattr(pipeline_module, "_IN_ONE_GO", 2)

    async def story() -> list[int]:
        for _ in range(6):
            scene.pipeline.arrived(scene.message(b"online", "state"))
        await scene.intake.key(scene.box.id)  # at hand: nothing else in a message's way has to be waited for
        work = asyncio.create_task(scene.pipeline.run())
        seen: list[int] = []
        while scene.names.count("state") < 6:
            await asyncio.sleep(0)
            seen.append(scene.names.count("state"))
        work.cancel()
        return seen

    assert asyncio.run(story()) == [2, 4, 6]


# ---- what is told, word by word: the operator reads the log, the sim and the bench the events


def plain(events: list[dict[str, Any]], *without: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in event.items() if name not in without} for event in events]


def test_each_step_of_an_alert_is_told_with_what_it_is_about(scene):
    outcome = scene.stored(1)
    scene.play(scene.message(scene.box.alert(1, kind=2)), outcomes=(outcome,))
    box = scene.box.id
    assert plain(scene.events, "at") == [
        {"event": "arrived", "box": box},
        {"event": "verified", "box": box, "sequence": 1, "kind": "help"},
        {"event": "stored", "box": box, "sequence": 1, "kind": "help", "alert": outcome.record},
        {"event": "acknowledged", "box": box, "sequence": 1},
    ]
    moments = [event["at"] for event in scene.events]
    assert moments == sorted(moments)
    assert scene.written == [1]
    (line,) = plain(scene.logged("received"), "time", "clock_wrong")
    assert line == {
        "level": "info", "event": "received", "box": box, "sequence": 1, "boot": 1, "kind": "help",
        "source": outcome.record.source_name, "incident": 1,
    }  # fmt: skip


def test_an_alert_arrived_when_its_work_began(scene, monkeypatch):
    monkeypatch.setattr(pipeline_module, "time", SimpleNamespace(monotonic=lambda: 42.0))
    scene.play(scene.message(scene.box.alert(1)), outcomes=(scene.stored(1),))
    assert scene.events[0]["at"] == 42.0
    assert scene.events[1]["at"] != 42.0


def test_an_acknowledgement_names_box_sequence_time_and_state(scene):
    sent = []
    scene.pipeline.link.publish = lambda topic, payload: sent.append((topic, scene.box.read_ack(payload)))
    scene.play(scene.message(scene.box.alert(5)), outcomes=(scene.stored(5),))
    assert sent == [(f"alertbox/{scene.box.id}/ack", {1: 1, 2: scene.box.box, 4: 5, 7: NOW, 11: 1})]


def test_alerts_and_duplicates_are_counted(scene):
    replay = Outcome(Verdict.REPLAY)
    messages = [scene.message(scene.box.alert(sequence)) for sequence in (1, 2, 1, 2)]
    scene.play(*messages, outcomes=(scene.stored(1), scene.stored(2), replay, replay))
    assert (scene.pipeline.received, scene.pipeline.duplicates, scene.refused) == (2, 2, {"replay": 2})


def test_a_replay_and_a_conflict_are_told_with_box_size_and_sequence(scene):
    message = scene.message(scene.box.alert(7))
    scene.play(message, message, outcomes=(Outcome(Verdict.REPLAY), Outcome(Verdict.CONFLICT)))
    box, size = scene.box.id, len(message.payload)
    assert [(one.reason, one.box, one.size, one.detail) for one in scene.refusals] == [
        ("replay", box, size, "sequence 7 is stored already"),
        ("conflict", box, size, "sequence 7"),
    ]
    assert plain([event for event in scene.events if event["event"] == "duplicate"], "at") == [
        {"event": "duplicate", "box": box, "sequence": 7}
    ]


def test_what_is_withheld_is_told_with_its_sequence(scene):
    scene.play(scene.message(scene.box.alert(1, kind=5)), outcomes=(scene.stored(1, kind=5),))
    assert plain(scene.events[-1:], "at") == [{"event": "withheld", "box": scene.box.id, "sequence": 1}]


def test_a_state_is_told(scene):
    scene.play(scene.message(b"online", "state"))
    assert plain(scene.events, "at") == [{"event": "state", "box": scene.box.id, "state": "online"}]


def test_a_wrong_topic_is_refused_in_nobodys_name_and_settled(scene):
    ticket: Any = (None, 1, 1)
    message = Incoming("town/hall", b"x", ticket)
    scene.play(message)
    assert [(one.reason, one.box, one.size, one.detail) for one in scene.refusals] == [
        ("wrong-topic", None, 1, "not a topic of a box")
    ]
    assert scene.steps == [("settle", message)]


def test_what_the_database_could_not_look_up_is_settled(scene):
    scene.row = StoreFailed("the disk is full")
    message = scene.message(scene.box.alert(1))
    scene.play(message)
    assert scene.steps == [("settle", message)]


def test_an_overload_is_told_with_its_size(scene, monkeypatch):
    scene.pipeline._messages = asyncio.Queue(1)
    message = scene.message(b"online", "state")
    scene.play(message, message)
    assert [(one.reason, one.box, one.size, one.detail) for one in scene.refusals] == [
        ("overload", None, 6, "too much waits")
    ]


@pytest.mark.parametrize("end", [StoreFailed("the disk is full"), asyncio.CancelledError])
def test_a_commit_that_failed_is_no_error_of_the_pipelines(scene, caplog, end):
    scene.play(scene.message(scene.box.alert(1)), outcomes=(end,))
    assert not caplog.records
