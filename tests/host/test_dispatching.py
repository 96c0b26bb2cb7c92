"""What a start after a kill makes of the notes of the run before."""

import asyncio
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from alertbox.receiver.deliveries.dispatching import Dispatching, Notes
from alertbox.receiver.log import JsonLog
from alertbox.receiver.store.records import Silence
from alertbox.receiver.store.store import Store
from fake_box import FakeBox

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ONE, TWO = (Silence("0123456789abcdef", "Boulangerie", sequence, 1, NOW, NOW) for sequence in (1, 2))


class Killed(BaseException):
    """Ends a run where SIGKILL would: nothing after it is done."""


class Run:
    """One receiver's dispatching, on the notes at `path`."""

    def __init__(self, path: Path) -> None:
        self.marked: list[object] = []
        self.given: list[Silence] = []
        self.log = StringIO()
        self.notes = Notes(path, JsonLog(self.log))
        self.notes.open()
        self.dispatching = Dispatching(self.notes, self.marked.append, JsonLog(self.log))

    def give(self, record: Silence) -> None:
        self.given.append(record)

    def kill(self, _: Silence) -> None:
        raise Killed

    def fail(self, _: Silence) -> None:
        raise RuntimeError("no pager")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def test_what_was_done_before_a_kill_is_only_marked(path):
    before = Run(path)
    before.dispatching.hand_over(ONE, before.give)
    before.notes.close()
    after = Run(path)
    assert after.dispatching.was_done(ONE)
    assert after.marked == [ONE]
    assert not after.dispatching.was_done(TWO)


def test_what_a_kill_interrupted_is_done_again_and_says_so_until_it_is_done(path):
    before = Run(path)
    before.dispatching.hand_over(ONE, before.give)
    with pytest.raises(Killed):
        before.dispatching.hand_over(TWO, before.kill)
    before.notes.close()
    again = Run(path)
    assert again.dispatching.was_done(ONE)
    assert not again.dispatching.was_done(TWO)
    with pytest.raises(Killed):  # a second time, in the same place
        again.dispatching.hand_over(TWO, again.kill)
    again.notes.close()
    last = Run(path)
    last.dispatching.hand_over(TWO, last.give)
    assert [record.repeated for record in last.given] == [True]
    last.notes.close()
    assert Run(path).dispatching.was_done(TWO)


def test_what_failed_is_done_again_as_new(path):
    before = Run(path)
    assert before.dispatching.hand_over(ONE, before.fail) is None
    assert before.marked == []
    before.notes.close()
    after = Run(path)
    assert not after.dispatching.was_done(ONE)
    after.dispatching.hand_over(ONE, after.give)
    assert [record.repeated for record in after.given] == [False]


def test_the_notes_are_emptied_when_the_database_has_caught_up(path, town):
    box = FakeBox()
    box.account = town.enrol(box.public, "Boulangerie", "localhost", 8883)

    async def story() -> list[int]:
        sizes = []
        run = Run(path)
        store = Store(town.database, JsonLog(), on_all_marked=run.notes.clear)
        await store.open()
        dispatching = Dispatching(run.notes, store.mark_dispatched, JsonLog())
        for silence in (ONE, TWO):
            dispatching.hand_over(silence, run.give)
            sizes.append(path.stat().st_size)
        await store.close()
        return [*sizes, path.stat().st_size]

    first, second, last = asyncio.run(story())
    assert 0 < first < second
    assert last == 0


def test_a_second_receiver_on_the_same_database_does_without_notes_and_says_so(path):
    first, second = Run(path), Run(path)
    second.dispatching.hand_over(ONE, second.give)
    assert second.given == [ONE]
    assert path.read_text() == ""
    assert "notes-taken" in second.log.getvalue()
    first.notes.close()
