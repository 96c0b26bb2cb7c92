"""Whatever comes in at the receiver's door: it is counted, it costs no memory that stays, and the next alert passes."""

import asyncio
import gc
import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from alertbox.receiver import Accounts
from alertbox.receiver.app import Receiver
from alertbox.receiver.link import Incoming
from fake_box import FakeBox

SEED = 20261
# At once in the receiver's queue, which holds 10,000.
ROUND = 100
# What the second half may leave behind in all: buffers of libraries breathe, messages do not stay.
GROWTH_BYTES = 64_000


class Doors:
    """Makes bad input out of good. One sequence in use is never used again, so what is valid is new."""

    def __init__(self, box: FakeBox, seed: int) -> None:
        self.box = box
        self.random = random.Random(seed)
        self.sequence = 0

    def any(self) -> tuple[str, bytes]:
        make: Callable[[], bytes] = self.random.choice(
            [self.noise, self.flipped, self.cut, self.spliced, self.grown, self.signed_nonsense, self.signed_oddity]
        )
        return self.topic(), make()

    def topic(self) -> str:
        own = f"alertbox/{self.box.id}/alert"
        if self.random.random() < 0.7:
            return own
        other = f"alertbox/{self.random.randbytes(8).hex()}/alert"
        parts = [own, "alertbox", self.box.id, "state", "alert", "", "+", "#", "\0", "é", "/" * 50, "x" * 60_000]
        wrong = "/".join(self.random.choices(parts, k=self.random.randint(1, 4)))
        return self.random.choice(
            [other, wrong, own.upper(), own + "/", own.replace("alert", "ack"), f"{own[:-5]}state"]
        )

    def alert(self, **changed: Any) -> bytes:
        self.sequence += 1
        return self.box.alert(self.sequence, kind=6, **changed)

    def noise(self) -> bytes:
        return self.random.randbytes(self.random.choice([0, 1, 10, 124, 1024, 5000]))

    def flipped(self) -> bytes:
        alert = bytearray(self.alert())
        for _ in range(self.random.randint(1, 4)):
            alert[self.random.randrange(len(alert))] ^= 1 << self.random.randrange(8)
        return bytes(alert)

    def cut(self) -> bytes:
        alert = self.alert()
        return alert[: self.random.randrange(len(alert))]

    def spliced(self) -> bytes:
        one, two = self.alert(), self.alert()
        return one[: self.random.randrange(len(one))] + two[self.random.randrange(len(two)) :]

    def grown(self) -> bytes:
        alert = self.alert()
        at = self.random.randrange(len(alert) + 1)
        return alert[:at] + self.random.randbytes(self.random.randint(1, 900)) + alert[at:]

    def signed_nonsense(self) -> bytes:
        """A box whose key is in wrong hands signs anything."""
        return self.box.sign(self.random.choice([self.noise()[:900], cbor2.dumps(self.value(3))]))

    def signed_oddity(self) -> bytes:
        """A valid body in which fields are replaced and keys added by whatever CBOR can say."""
        self.sequence += 1
        body: dict[Any, Any] = self.box.body(self.sequence, kind=6)
        for _ in range(self.random.randint(1, 3)):
            body[self.random.choice([*range(1, 14), 2**40, -1])] = self.value(3)
        return self.box.sign(cbor2.dumps(body))

    def value(self, depth: int) -> Any:
        pick = self.random.randrange(len(_ODD) + (3 if depth else 0))
        if pick < len(_ODD):
            return _ODD[pick]
        inside = [self.value(depth - 1) for _ in range(self.random.randint(0, 4))]
        return [
            inside,
            dict(enumerate(inside)),
            cbor2.CBORTag(self.random.randrange(300), inside),
        ][pick - len(_ODD)]


_ODD: list[Any] = [
    None, True, 0, -1, 2**32, 2**64, -(2**70), 1.5, float("nan"), float("inf"), "", "x" * 200, "\0é", b"", bytes(200),
    cbor2.undefined, cbor2.CBORSimpleValue(99),
    # Tags that a decoder turns into objects: dates, numbers, patterns, references.
    cbor2.CBORTag(0, "2020-13-45T99:00:00Z"), cbor2.CBORTag(1, 2**62), cbor2.CBORTag(1, float("nan")),
    cbor2.CBORTag(2, bytes(100)), cbor2.CBORTag(4, [2**40, 1]), cbor2.CBORTag(5, [2**40, 1]),
    cbor2.CBORTag(5, [-(2**40), 3]),
    cbor2.CBORTag(28, [cbor2.CBORTag(29, 0)]), cbor2.CBORTag(29, 7), cbor2.CBORTag(25, 0), cbor2.CBORTag(30, [1, 0]),
    cbor2.CBORTag(35, "(a*)*$["), cbor2.CBORTag(36, "x"), cbor2.CBORTag(37, b"short"), cbor2.CBORTag(43000, [[1]]),
    cbor2.CBORTag(258, [1, 1]), cbor2.CBORTag(260, b"\1"), cbor2.CBORTag(261, {b"": 99}), cbor2.CBORTag(100, 2**60),
    cbor2.CBORTag(1004, "not a day"), cbor2.CBORTag(55799, 1),
]  # fmt: skip


class Counting:
    """Counts what the receiver says of each message: each ends in exactly one of these events."""

    ENDS = ("refused", "stored", "state")

    def __init__(self) -> None:
        self.ended = 0
        self.changed = asyncio.Event()

    def __call__(self, event: dict[str, Any]) -> None:
        if event["event"] in self.ENDS:
            self.ended += 1
            self.changed.set()

    async def reach(self, count: int) -> None:
        while self.ended < count:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 5)


def memory() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def through_the_door(town: Any, doors: Doors, count: int) -> tuple[int, Receiver]:
    """Bytes that the second half left in memory, and the receiver (stopped)."""
    counting = Counting()
    at_half = 0
    tracemalloc.start()
    async with Receiver(town, on_event=counting) as receiver:
        client: Any = None
        for sent in range(0, count, ROUND):
            if sent == count // 2:
                at_half = memory()
            for _ in range(ROUND):
                topic, payload = doors.any()
                receiver._pipeline.arrived(Incoming(topic, payload, (client, 1, 1)))
            await counting.reach(sent + ROUND)
            assert counting.ended == sent + ROUND, "counted more than once"
        grown = memory() - at_half
        tracemalloc.stop()
        before = receiver.counters()["received"]
        receiver._pipeline.arrived(Incoming(f"alertbox/{doors.box.id}/alert", doors.alert(), (client, 1, 1)))
        await counting.reach(count + 1)
        assert receiver.counters()["received"] == before + 1, "a valid alert was not accepted at once"
        kept = await receiver.refusals()
        assert len(kept) <= 1000 + ROUND
    return grown, receiver


@pytest.mark.parametrize("count", [4_000, pytest.param(40_000, marks=pytest.mark.soak)])
def test_whatever_comes_in_is_counted_and_leaves_nothing_behind(town, count):
    print(f"seed {SEED}")
    box = FakeBox()
    box.account = Accounts.open(town).enrol(box.public, "Boulangerie", "localhost", 8883)
    grown, receiver = asyncio.run(through_the_door(town, Doors(box, SEED), count))
    print(f"{grown} bytes left by {count // 2} messages; {receiver.counters()}")
    assert grown < GROWTH_BYTES
    assert {"garbage", "signature", "wrong-topic", "unknown-box", "too-large"} <= receiver.counters()["refused"].keys()
