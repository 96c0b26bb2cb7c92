"""The counters on flash: no cut lets a recorded packet through, loses a press, or sends one twice."""

from bip_packets import DOUBLE_PRESS, HOLD_PRESS, PRESENCE, PRESS, bound, packet
from box.core import alert, bip_guard, bthome
from box.core.bip import FELL, KEPT_BACK
from box.core.gesture import CLICK, DOUBLE, HOLD
from box.storage.bip_counters import BipCounters
from box.storage.journal import Journal
from virtual.nor import BLOCK, NorFlash, PowerCut

BOX = b"\x01\x02\x03\x04\x05\x06\x07\x08"
KEY = bytes(range(16))
SLOTS = 63
EVENTS = {CLICK: PRESS, DOUBLE: DOUBLE_PRESS, HOLD: HOLD_PRESS}
KINDS = {CLICK: alert.INFORM, DOUBLE: alert.HELP, HOLD: alert.ALARM}


def blank(blocks=4):
    return bytearray(b"\xff" * (blocks * BLOCK))


def mac(bip):
    return bytes((0x54, 0x48, 0xE6, 0, 0, bip))


def known(count=3):
    return [bound(mac(bip), KEY, number=bip) for bip in range(1, count + 1)]


class Counters(BipCounters):
    """They, with the bips by their numbers."""

    def bip(self, number):
        return [bip for bip in self._bips if bip.number == number][0]

    def floors(self, number):
        bip = self.bip(number)
        return bip.last, bip.reserved

    def press(self, number, counter, gesture, sequence):
        self.bip(number).last = counter
        BipCounters.press(self, self.bip(number), counter, gesture, sequence)

    def reserve(self, number, counter):
        self.bip(number).last = counter
        BipCounters.reserve(self, self.bip(number), counter)


def opened(flash, count=3, box=BOX, bips=None):
    counters = Counters(flash, box)
    counters.recover(known(count) if bips is None else bips)
    return counters


def idle(counters):
    while counters.prepare():
        pass


# ---- records ----


def test_a_bip_never_heard_has_no_floors():
    counters = opened(NorFlash(blank()))
    assert counters.fresh and counters.floors(1) == (-1, -1) and counters.pending(1) is None


def test_presence_costs_one_program_in_64_packets_and_a_press_one():
    flash = NorFlash(blank())
    counters = opened(flash)
    idle(counters)
    before = flash.operations
    for counter in range(100, 100 + 65 * 10):
        counters.reserve(1, counter)
    assert flash.operations == before + 10
    assert counters.bip(1).reserved == 749
    counters.press(1, 750, CLICK, 1)
    assert flash.operations == before + 11
    assert counters.floors(1) == (750, 814)
    counters.press(1, 760, CLICK, 2)
    assert counters.floors(1) == (760, 814)


def test_floors_and_the_last_press_come_back_after_a_restart():
    flash = NorFlash(blank())
    counters = opened(flash)
    counters.press(1, 10, HOLD, 7)
    counters.reserve(2, 0xFFFFFFF0)
    counters.reserve(1, 75)
    counters = opened(flash.restart())
    assert not counters.fresh
    assert [counters.floors(bip) for bip in (1, 2, 3)] == [(75, 139), (0xFFFFFFF0, 0xFFFFFFFF), (-1, -1)]
    assert counters.pending(7) == (1, HOLD)
    assert counters.pending(8) is None


def test_a_press_of_another_key_of_the_box_is_no_longer_pending():
    flash = NorFlash(blank())
    opened(flash).press(1, 10, HOLD, 7)
    counters = opened(flash.restart(), box=BOX[1:] + BOX[:1])
    assert counters.pending(1) is None and counters.floors(1) == (10, 74)


def test_another_bip_in_its_place_or_under_another_key_begins_afresh():
    flash = NorFlash(blank())
    opened(flash).press(1, 10, HOLD, 7)
    for other in (bound(mac(9), KEY), bound(mac(1), KEY[1:] + KEY[:1])):
        counters = opened(flash.restart(), bips=[other, bound(mac(1), KEY, number=2)])
        assert counters.floors(1) == (-1, -1)
        assert counters.floors(2) == (10, 74)  # the same bip under another number keeps its counters


def test_pairing_again_begins_at_the_counter_that_was_heard_and_outlives_a_restart():
    flash = NorFlash(blank())
    counters = opened(flash)
    counters.press(1, 5000, CLICK, 1)
    counters.bind(bound(mac(1), KEY), 3)
    assert opened(flash.restart()).floors(1) == (3, 67)


def test_a_hold_that_is_kept_back_is_known_after_a_restart_until_something_newer_of_its_bip_is_told():
    flash = NorFlash(blank())
    counters = opened(flash)
    counters.press(1, 10, KEPT_BACK, 0)
    counters.press(2, 20, CLICK, 7)
    counters.reserve(1, 90)  # it says that it is there, beyond what was reserved
    counters.bip(1).fell = 5
    counters.fallen(counters.bip(1))
    for _ in range(3):
        counters = opened(flash.restart())
        assert counters.bip(1).newest == KEPT_BACK and counters.pending(7) == (2, CLICK)
    assert opened(flash.restart(), box=BOX[1:] + BOX[:1]).bip(1).newest == 0, "the box has another key since"
    counters = opened(flash.restart())
    counters.press(1, 91, HOLD, 8)
    counters = opened(flash.restart())
    assert counters.bip(1).newest == HOLD and counters.pending(8) == (1, HOLD)


def test_a_counter_that_fell_is_known_after_a_restart_and_the_fault_until_the_bip_is_heard():
    flash = NorFlash(blank())
    counters = opened(flash)
    counters.press(1, 100, CLICK, 7)
    counters.bip(1).fell = 3
    counters.fallen(counters.bip(1))
    counters = opened(flash.restart())
    assert (counters.floors(1), counters.bip(1).fell, counters.bip(1).newest) == ((100, 164), 3, FELL)
    assert counters.pending(7) == (1, CLICK) and counters.bip(2).fell == -1
    counters.reserve(1, 101)
    counters = opened(flash.restart())
    assert (counters.floors(1), counters.bip(1).fell, counters.bip(1).newest) == ((101, 164), 3, 0)


def test_sixteen_bips_and_the_last_press_outlive_many_rounds_of_the_ring():
    flash = NorFlash(blank())
    counters = opened(flash, 16)
    counters.press(16, 1600, HOLD, 99)
    for bip in range(1, 16):
        counters.reserve(bip, bip * 100)
    for counter in range(2000):
        counters.reserve(3, 1000 + counter * 65)
        counters.prepare()
        if counter % 200 == 0:
            flash = flash.restart()
            counters = opened(flash, 16)
    counters = opened(flash.restart(), 16)
    assert counters.pending(99) == (16, HOLD)
    assert sum(flash.erases) > 20 and max(flash.erases) <= 2 * min(flash.erases)
    for bip in range(1, 17):
        assert counters.floors(bip) == ((130935, 130999) if bip == 3 else (bip * 100, bip * 100 + 64))


def test_the_last_press_is_known_wherever_the_ring_has_moved_it_and_others():
    for is_heard_again, restart_after in ((False, 29), (True, 29), (False, 700), (True, 700)):
        flash = NorFlash(blank())
        counters = opened(flash)
        counters.press(1, 10, CLICK, 7)
        for i in range(SLOTS):
            counters.reserve(3, 1000 + i * 65)
        counters.press(2, 20, HOLD, 8)
        if is_heard_again:  # so that its press is no longer its newest record
            counters.reserve(2, 100)
        for i in range(SLOTS * 12):
            counters.reserve(3, 100000 + i * 65)
            counters.prepare()
            if i % restart_after == restart_after - 1:
                flash = flash.restart()
                counters = opened(flash)
            assert counters.pending(8) == (2, HOLD) and counters.pending(9) is None


# ---- the box around it, and power cuts ----


class Box:
    """A box that hears three bips: counters, guards and journal on two flashes. All that was sent is recorded.

    Every restart is checked: each press that a bip made is in the journal once, in order, and nothing else is.
    """

    def __init__(self, cells=None, base=None):
        self.cells = cells or (blank(), blank())
        self.flashes = [NorFlash(part) for part in self.cells]
        self.cuts = []  # [flash, operations, seed] of each power cut to come, one after the other
        self.now_ms = 0
        self.counters_of_bips = dict(base.counters_of_bips) if base else {1: 0, 2: 500, 3: 1780672257}
        self.recorded = list(base.recorded) if base else []  # [bip, payload] of all that was ever on the air
        self.pressed = list(base.pressed) if base else []  # (bip, gesture) of the presses that were heard
        self.issued = list(base.issued) if base else []  # the same of the alerts, as the journal has had them
        self.restart()

    def copy(self):
        return Box([bytearray(part) for part in self.cells], self)

    def restart(self):
        while True:
            self.flashes = [flash.restart() for flash in self.flashes]
            if self.cuts:
                which, operations, seed = self.cuts.pop(0)
                self.flashes[which].cut_after(operations, seed)
            try:
                self.start()
                return
            except PowerCut:
                pass

    def start(self):
        self.journal = Journal(self.flashes[1])
        self.journal.recover()
        if not self.journal.holds(BOX):
            assert not self.issued
            self.journal.format(BOX)
        self.counters = opened(self.flashes[0])
        self.collect()
        pending = self.counters.pending(self.journal.next_sequence)
        if pending:
            self.issue(*pending)
        assert self.flashes[0].refused_sets == self.flashes[1].refused_sets == 0

    def issue(self, bip, gesture):
        sequence = self.journal.next_sequence
        body = alert.encode(BOX, 1, sequence, KINDS[gesture], 15 + bip, None, 0, 0, 0)
        self.journal.append(sequence, KINDS[gesture], body, bytes(64))
        self.collect()

    def collect(self):
        """Take note of what the journal holds now."""
        held = {}
        while True:
            sequence = self.journal.best(held)
            if sequence is None:
                break
            fields = alert.decode(self.journal.load(sequence)[0])
            gesture = [gesture for gesture, kind in KINDS.items() if kind == fields["kind"]][0]
            held[sequence] = (fields["source"] - 15, gesture)
        for sequence in sorted(held):
            if sequence > len(self.issued):
                self.issued.append(held[sequence])
            assert self.issued[sequence - 1] == held[sequence]
            self.journal.received(sequence)

    def hear(self, bip, payload):
        """The bip repeats its packet until the box, restarted or not, has done with it."""
        for _ in range(2):
            while True:
                self.now_ms += 100
                try:
                    self.take(bip, payload)
                    break
                except PowerCut:
                    self.restart()

    def take(self, bip, payload):
        verdict = self.judge(bip, payload)
        if verdict is None:
            return
        if verdict.gesture:
            self.counters.press(bip, verdict.counter, verdict.gesture, self.journal.next_sequence)
            self.issue(bip, verdict.gesture)
        else:
            self.counters.reserve(bip, verdict.counter)

    def judge(self, bip, payload):
        record = self.counters.bip(bip)
        record.pressed_ms = None  # two presses are two here
        verdict = bip_guard.take(record, bthome.split(mac(bip), payload), self.now_ms)
        return verdict if verdict and verdict.authentic else None

    def send(self, bip, event):
        self.counters_of_bips[bip] += 1
        payload = packet(self.counters_of_bips[bip], event, key=KEY, mac=mac(bip))
        self.recorded.append((bip, payload))
        return payload

    def step(self, name, a, b):
        if name == "press":
            self.pressed.append((a, b))
            self.hear(a, self.send(a, EVENTS[b]))
        elif name == "presence":
            for _ in range(b):
                self.hear(a, self.send(a, PRESENCE))
        elif name == "miss":
            self.counters_of_bips[a] += b
        elif name == "restart":
            self.restart()
        elif name == "replay":
            self.replay()
        else:
            try:
                for _ in range(a):
                    self.counters.prepare()
                    self.journal.prepare()
            except PowerCut:
                self.restart()
        assert self.issued == self.pressed

    def replay(self):
        """Everything again, slowly enough for each packet to be looked into; nothing comes of it."""
        for bip, payload in self.recorded:
            self.now_ms += 100
            assert self.judge(bip, payload) is None
        assert self.issued == self.pressed

    def run(self, script):
        for step in script:
            self.step(*step)
        self.cuts = []
        self.replay()
        self.restart()
        self.replay()
        self.step("press", 1, CLICK)
        return self.flashes[0].operations, self.flashes[1].operations


SCRIPT = [
    ("press", 2, HOLD),
    ("idle", 2, 0),
    ("press", 2, DOUBLE),
    ("idle", 2, 0),
    ("presence", 3, 2),
    ("press", 1, HOLD),
    ("idle", 2, 0),
    ("presence", 2, 2),
    ("miss", 2, 70),
    ("presence", 2, 1),
    ("press", 3, CLICK),
    ("press", 1, CLICK),
    ("idle", 2, 0),
]


def before_the_wrap():
    """Counters whose next records begin to empty the oldest block, in which two bips have their newest."""
    box = Box()
    box.step("press", 1, HOLD)
    box.step("presence", 3, 2)
    ring = box.counters._ring

    def oldest():
        return (ring._head + ring._ahead + 1) % 4

    while oldest() != 0 or ring._free() > 2 * SLOTS:
        box.counters_of_bips[2] += 65
        box.hear(2, box.send(2, PRESENCE))
        while oldest() != 0 and ring.prepare():
            pass
    assert [known.position // (SLOTS + 1) == 0 for known in box.counters._bips] == [True, False, True]
    box.recorded = box.recorded[:3] + box.recorded[-5:]  # the sweeps play them again and again
    return box


def sweep(which, seeds, then):
    base = before_the_wrap()
    undisturbed = base.copy()
    before = undisturbed.flashes[which].operations
    operations = undisturbed.run(SCRIPT)[which] - before
    assert operations > 12 and sum(undisturbed.flashes[0].erases) == 2  # at the wrap, and nothing else
    for cut in range(1, operations + 1):
        for seed in seeds:
            box = base.copy()
            box.flashes[which].cut_after(cut, seed)
            box.cuts = then(cut, seed)
            box.run(SCRIPT)


def test_no_cut_of_the_counters_flash_loses_a_press_or_lets_a_replay_through():
    sweep(0, range(20), lambda cut, seed: [])


def test_nor_does_one_of_the_journals_flash():
    sweep(1, range(4), lambda cut, seed: [])


def test_nor_do_two_cuts_the_second_while_the_box_starts():
    sweep(0, range(40, 45), lambda cut, seed: [[cut % 2, 1 + cut % 5, cut * 41 + seed]])


def case_no_press_is_lost_and_no_replay_accepted(data):
    """data: script of [step, bip, value], cuts of [journal?, operations, seed]."""
    box = Box()
    box.cuts = [[int(journal), operations, seed] for journal, operations, seed in data["cuts"]]
    box.restart()
    box.run([tuple(step) for step in data["script"]])
    return [len(box.issued), list(box.flashes[0].programs), [box.counters.floors(bip) for bip in (1, 2, 3)]]
