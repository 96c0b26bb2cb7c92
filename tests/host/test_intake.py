"""What the intake lets pass, what it refuses and why, and when it says a button was pressed."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from alertbox.contract import formats
from alertbox.contract.formats import Refused
from alertbox.receiver.clock import time_of_pressing
from alertbox.receiver.intake import Intake
from fake_box import FakeBox

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ENROLLED = NOW - timedelta(days=90)


class Registry:
    """A registry with one box, that counts how often it is asked."""

    def __init__(self, box: FakeBox):
        self.row = SimpleNamespace(id=box.id, public_key=box.public, secret=bytes(32), revoked_at=None)
        self.asked = 0

    async def find(self, box: str) -> SimpleNamespace | None:
        self.asked += 1
        return self.row if box == self.row.id else None


@pytest.fixture
def box() -> FakeBox:
    return FakeBox()


@pytest.fixture
def registry(box: FakeBox) -> Registry:
    return Registry(box)


@pytest.fixture
def intake(registry: Registry) -> Intake:
    return Intake(registry.find)


def refusal(question) -> str:
    with pytest.raises(Refused) as refused:
        asyncio.run(question)
    return refused.value.reason


def test_a_valid_alert_passes_and_its_key_is_kept(intake, registry, box):
    for sequence in (1, 2):
        alert, key = asyncio.run(intake.alert(box.id, box.alert(sequence)))
        assert (alert.sequence, key.box) == (sequence, box.box)
    assert registry.asked == 1


def test_a_forgotten_key_is_read_anew(intake, registry, box):
    asyncio.run(intake.alert(box.id, box.alert(1)))
    intake.forget(box.id)
    registry.row.secret = bytes(range(32))
    _, key = asyncio.run(intake.alert(box.id, box.alert(2)))
    assert key.ack == formats.ack_key(bytes(range(32)))


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "alertbox",
        "alertbox/0123/alert",
        "alertbox/0123456789ABCDEF/alert",
        "x/0123456789abcdef/alert",
        "alertbox/0123456789abcdef/alert\n",
        "alertbox/0123456789abcdef\n/alert",
    ],
)
def test_a_topic_of_no_box_is_refused(intake, topic):
    assert intake.split("alertbox/0123456789abcdef/alert") == ("0123456789abcdef", "alert")
    with pytest.raises(Refused, match="wrong-topic"):
        intake.split(topic)


def test_each_refusal_has_its_reason(intake, registry, box):
    stranger = FakeBox()
    assert refusal(intake.alert(stranger.id, stranger.alert(1))) == "unknown-box"
    assert refusal(intake.alert(box.id, stranger.alert(1))) == "signature"
    assert refusal(intake.alert(box.id, b"nonsense")) == "garbage"
    assert refusal(intake.alert(box.id, bytes(1_000_000))) == "too-large"
    assert refusal(intake.state(box.id, b"asleep")) == "garbage"
    assert refusal(intake.state(box.id, bytes(1_000_000))) == "too-large"
    intake.forget(box.id)
    registry.row.revoked_at = NOW
    assert refusal(intake.alert(box.id, box.alert(1))) == "revoked"


def test_the_state_of_a_box_that_is_not_in_service_is_not_taken(intake, registry, box):
    assert asyncio.run(intake.state(box.id, b"online")) == "online"
    assert asyncio.run(intake.state(box.id, b"offline")) == "offline"
    assert refusal(intake.state(FakeBox().id, b"online")) == "unknown-box"
    intake.forget(box.id)
    registry.row.revoked_at = NOW
    assert refusal(intake.state(box.id, b"online")) == "revoked"


def test_a_topic_names_the_box_and_what_it_says(intake, box):
    for what in ("alert", "state"):
        assert intake.split(f"alertbox/{box.id}/{what}") == (box.id, what)


@pytest.mark.parametrize("size", [formats.MAX_ALERT_BYTES, formats.MAX_ALERT_BYTES + 1])
def test_the_largest_message_is_read_and_a_larger_one_is_not(intake, box, size):
    expected = "garbage" if size == formats.MAX_ALERT_BYTES else "too-large"
    assert refusal(intake.alert(box.id, bytes(size))) == expected
    assert refusal(intake.state(box.id, bytes(size))) == expected


def test_a_box_may_not_use_the_topic_of_another(intake, registry, box):
    """Its own signature, its own key: but the body names another box than the topic."""
    other = FakeBox()
    other.key, other.public = box.key, box.public
    assert refusal(intake.alert(box.id, other.alert(1))) == "wrong-topic"


def test_keys_at_hand_are_bounded(intake, registry, monkeypatch):
    monkeypatch.setattr("alertbox.receiver.intake._KEYS_KEPT", 2)
    found = registry.row
    asked = []
    for number in (0, 1, 0, 1, 2, 2, 0):  # the third box finds no room: the others are forgotten
        registry.row = SimpleNamespace(**vars(found) | {"id": f"{number:016x}"})
        asyncio.run(intake.key(registry.row.id))
        asked.append(registry.asked)
    assert asked == [1, 2, 2, 2, 3, 3, 4]


def test_a_box_whose_key_is_not_at_hand_may_be_forgotten(intake):
    intake.forget("0123456789abcdef")


def test_what_is_too_large_costs_no_look_into_the_registry(intake, registry, box):
    refusal(intake.alert(box.id, bytes(1_000_000)))
    assert registry.asked == 0


def pressed(claimed: datetime | None, *, uptime: int, received: datetime = NOW, booted: datetime, flags: int = 0):
    """The time of pressing in relation to NOW, and whether the clock is said to be wrong."""
    box = FakeBox()
    stamp = None if claimed is None else int(claimed.timestamp())
    message = box.alert(1, pressed=stamp, uptime=uptime, flags=flags)
    alert = formats.decode_alert(message, formats.load_public_key(box.public), box.box)
    at, wrong = time_of_pressing(alert, received, booted, ENROLLED)
    return at - NOW, wrong


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AT_ONCE = timedelta(0)


def test_a_clock_that_agrees_is_believed():
    assert pressed(NOW - 4 * MINUTE, uptime=60, booted=NOW - MINUTE) == (-4 * MINUTE, False)


def test_an_unset_clock_is_replaced_by_the_uptime():
    assert pressed(None, uptime=60, booted=NOW - MINUTE) == (AT_ONCE, True)


def test_an_unset_clock_of_a_press_that_waited_is_worked_out_from_the_same_boot():
    # The box booted two hours ago, as an alert of this boot has shown; this one was pressed half an hour later.
    assert pressed(None, uptime=1800, booted=NOW - 2 * HOUR) == (-1.5 * HOUR, True)


@pytest.mark.parametrize("claimed", [datetime(2000, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC), NOW + HOUR])
def test_an_impossible_clock_is_replaced_by_the_uptime(claimed):
    assert pressed(claimed, uptime=1800, booted=NOW - HOUR) == (-0.5 * HOUR, True)


def test_a_press_that_waited_for_the_link_is_not_called_wrong_when_the_uptime_agrees():
    assert pressed(NOW - HOUR, uptime=3600, booted=NOW - 2 * HOUR) == (-HOUR, False)


def test_a_press_in_the_past_that_nothing_confirms_is_believed_and_flagged():
    assert pressed(NOW - HOUR, uptime=60, booted=NOW - MINUTE) == (-HOUR, True)


def test_a_box_unsure_of_its_clock_is_not_believed():
    unsure = 1 << formats.FLAGS.index("clock-unsure")
    assert pressed(NOW - HOUR, uptime=60, booted=NOW - MINUTE, flags=unsure) == (AT_ONCE, True)
