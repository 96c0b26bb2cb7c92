"""The journal's long runs: power cut at every flash operation of forty alerts, and the wear of a hundred thousand.

The firmware's own code under CPython, on the virtual flash. The shorter sweeps in tests/unit run on both interpreters.
"""

from collections.abc import Iterator

import pytest
from box.core import alert
from box.storage.events import EventLog
from box.storage.journal import Journal
from virtual.nor import NorFlash, PowerCut

BLOCK = 4096
JOURNAL_BLOCKS, EVENT_BLOCKS = 4, 4  # so small that forty alerts go round
ALERTS = 40
BOX = b"boxboxbo"


class Partition:
    """A run of blocks of one flash, as `esp32.Partition` shows it."""

    def __init__(self, flash: NorFlash, first: int, count: int) -> None:
        self._flash, self._first, self._count = flash, first, count

    def ioctl(self, op: int, arg: int = 0) -> int | None:
        return self._count if op == 4 else self._flash.ioctl(op, arg + self._first if op == 6 else arg)

    def readblocks(self, block: int, buf: bytearray, offset: int = 0) -> None:
        self._flash.readblocks(self._first + block, buf, offset)

    def writeblocks(self, block: int, buf: bytes, offset: int) -> None:
        self._flash.writeblocks(self._first + block, buf, offset)


class Box:
    """What the box does with its flash, and what it has promised so far."""

    def __init__(self) -> None:
        self.flash = NorFlash(bytearray(b"\xff" * (JOURNAL_BLOCKS + EVENT_BLOCKS) * BLOCK))
        self.journalled: dict[int, bytes] = {}  # sequence: body, of every append that returned
        self.begun: set[int] = set()
        self.received: set[int] = set()  # of every receipt that returned
        self.receipts_begun: set[int] = set()
        self.boots: list[int] = []

    def start(self) -> None:
        self.journal = Journal(Partition(self.flash, 0, JOURNAL_BLOCKS))
        self.journal.recover()
        if not self.journal.holds(BOX):
            assert not self.journalled, "the ring was lost"
            self.journal.format(BOX)
        self.events = EventLog(Partition(self.flash, JOURNAL_BLOCKS, EVENT_BLOCKS))
        self.events.recover(self.journal.highest_boot)
        self.boots.append(self.events.boot)

    def work(self) -> None:
        """Forty alerts, each delivered three alerts later, except every ninth, which waits to the end of time."""
        while len(self.begun) < ALERTS:
            sequence = self.journal.next_sequence
            self.begun.add(sequence)
            body = alert.encode(BOX, self.events.boot, sequence, 1 + sequence % 3, 1, None, sequence, 0, 0)
            self.journal.append(sequence, 1 + sequence % 3, body, bytes([sequence]) * 64)
            self.journalled[sequence] = body
            for earlier in sorted(self.journalled)[:-3]:
                if earlier % 9 and earlier not in self.received:
                    self.receipts_begun.add(earlier)
                    if self.journal.received(earlier):
                        self.received.add(earlier)
            self.events.record(None, sequence, self.events.LINK_UP)
            while self.journal.prepare() or self.events.prepare():
                pass

    def check(self) -> None:
        undelivered: set[int] = set()
        while (sequence := self.journal.best(undelivered)) is not None:
            undelivered.add(sequence)
        must = set(self.journalled) - self.receipts_begun
        assert must <= undelivered, f"lost: {must - undelivered}"
        assert not undelivered & self.received, f"sent again: {undelivered & self.received}"
        for sequence in undelivered & set(self.journalled):
            assert self.journal.load(sequence) == (self.journalled[sequence], bytes([sequence]) * 64)
        assert self.journal.next_sequence > max(self.journalled, default=0)
        assert len(set(self.boots)) == len(self.boots)
        assert self.events.last(1)[0]["event"] == "boot"
        assert self.flash.refused_sets == 0


def lives(box: Box, cuts: list[int], seed: int) -> Iterator[Box]:
    """Live through the cuts, one after the other; what a receipt's end left open is settled at each start."""
    for cut in [*cuts, 0, 0]:  # and twice without one
        box.flash = box.flash.restart()
        if cut:
            box.flash.cut_after(cut, seed)
        try:
            box.start()
            # The receiver has what it acknowledged: a receipt that was cut may show late, but then it must stay.
            undelivered: set[int] = set()
            while (sequence := box.journal.best(undelivered)) is not None:
                undelivered.add(sequence)
            box.received |= box.receipts_begun - undelivered
            yield box
            box.work()
        except PowerCut:
            continue


def operations() -> int:
    box = Box()
    box.start()
    box.work()
    return box.flash.operations


def sweep(cuts_of: Iterator[list[int]], seeds: range) -> int:
    count = 0
    for cuts in cuts_of:
        for seed in seeds:
            box = Box()
            for alive in lives(box, cuts, seed):
                alive.check()
            count += 1
    return count


def test_forty_alerts_with_power_cut_at_every_flash_operation():
    total = operations()
    assert total > 3 * ALERTS
    assert sweep(([cut] for cut in range(1, total + 1)), range(1, 3)) == 2 * total


@pytest.mark.soak
def test_forty_alerts_with_two_cuts_at_every_flash_operation_and_many_seeds():
    total = operations()
    sweep(([cut, second] for cut in range(1, total + 1) for second in (1, 2, 5, 11, 37)), range(1, 13))
    sweep(([cut] for cut in range(1, total + 1)), range(1, 101))


@pytest.mark.parametrize("count", [20_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_wear_is_even(count: int):
    """Erases differ by a factor of two at most between blocks, and stay below 0.05 an alert."""
    flash = NorFlash(bytearray(b"\xff" * 32 * BLOCK))
    journal = Journal(flash)
    journal.recover()
    journal.format(BOX)
    before = [sum(flash.programs), sum(flash.erases)]
    for sequence in range(1, count + 1):
        journal.append(sequence, alert.INFORM, b"body" * 12, b"s" * 64)
        if sequence % 100:
            journal.received(sequence)
        elif sequence > 2000:
            journal.received(sequence - 2000)
        journal.prepare()
    assert max(flash.erases) <= 2 * min(flash.erases)
    assert (sum(flash.erases) - before[1]) / count <= 0.05
    assert (sum(flash.programs) - before[0]) / count <= 4
