"""No press is lost, none acknowledged is sent again, and the room is shared as promised."""

from box.core import alert
from box.errors import JournalFull, StorageError
from box.storage.journal import Journal
from virtual.nor import BLOCK, NorFlash, PowerCut

BOX = b"\x01\x02\x03\x04\x05\x06\x07\x08"
PRESSES = (alert.INFORM, alert.HELP, alert.ALARM, alert.CANCEL_REQUEST)
SLOTS = 31


def blank(blocks=4):
    return bytearray(b"\xff" * (blocks * BLOCK))


def body(sequence, kind, boot=7):
    return alert.encode(BOX, boot, sequence, kind, 1, 1800000000 + sequence, 4000000000, 65535, 255)


def signature(sequence):
    return bytes([(sequence + i * 3) & 0xFF for i in range(64)])


def opened(cells):
    journal = Journal(NorFlash(cells))
    journal.recover()
    return journal


def put(journal, kind, boot=7):
    sequence = journal.next_sequence
    journal.append(sequence, kind, body(sequence, kind, boot), signature(sequence))
    return sequence


class Owner:
    """A dispatcher's view of a journal, and the record of what was promised to it."""

    def __init__(self, cells, base=None):
        self.cells = cells
        self.flash = NorFlash(cells)
        self.cuts = []
        self.kinds = dict(base.kinds) if base else {}  # of every append that was begun
        self.promised = set(base.promised) if base else set()  # appended, or shown by a restart
        self.begun = set(base.begun) if base else set()  # received() was called
        self.done = set(base.done) if base else set()  # received() returned, or a restart showed it
        self.dropped = 0
        self.restart()

    def copy(self):
        return Owner(bytearray(self.cells), self)

    def restart(self):
        while True:
            self.flash = self.flash.restart()
            if self.cuts:
                self.flash.cut_after(*self.cuts.pop(0))
            try:
                journal = Journal(self.flash)
                journal.recover()
                break
            except PowerCut:
                pass
        self.journal = journal
        self.check()

    def check(self):
        assert self.flash.refused_sets == 0
        assert self.journal.next_sequence > max(self.promised or {0}), "a sequence would be used again"
        waiting = set()
        while True:
            sequence = self.journal.best(waiting)
            if sequence is None:
                break
            assert sequence not in waiting, "the queue repeats itself"
            waiting.add(sequence)
            kind = self.kinds[sequence]
            assert self.journal.kind(sequence) == kind
            assert self.journal.load(sequence) == (body(sequence, kind), signature(sequence))
        assert len(waiting) == self.journal.undelivered()
        assert not waiting & self.done, "sent again after an acknowledgement"
        for sequence in self.promised - waiting:
            assert sequence in self.begun or self.kinds[sequence] not in PRESSES, "press %d was lost" % sequence
        self.promised |= waiting
        # What a restart shows as received must stay so: a press that is gone from the queue was received.
        self.done |= {s for s in self.promised - waiting if self.kinds[s] in PRESSES}

    def append(self, kind):
        sequence = self.journal.next_sequence
        self.kinds[sequence] = kind
        self.journal.append(sequence, kind, body(sequence, kind), signature(sequence))
        self.promised.add(sequence)
        return sequence

    def received(self, sequence):
        self.begun.add(sequence)
        assert self.journal.received(sequence) is True
        self.done.add(sequence)

    def step(self, name, value):
        if name == "append":
            try:
                self.append(value)
            except JournalFull:
                assert self.journal.undelivered() >= 20
        elif name == "idle":
            for _ in range(value):
                self.journal.prepare()
        elif self.journal.undelivered() > value:
            sequence = self.journal.best()
            if name == "received":
                self.received(sequence)
            else:
                self.journal.in_charge(sequence)

    def run(self, script):
        for step in script:
            try:
                self.step(*step)
            except PowerCut:
                self.restart()
        self.dropped += self.journal.dropped


def test_an_empty_journal_has_nothing_to_send():
    journal = opened(blank())
    assert journal.fresh and journal.next_sequence == 1 and journal.undelivered() == 0
    assert journal.best() is None and journal.kind(1) is None and journal.highest_boot == 0
    assert journal.received(1) is False and journal.in_charge(1) is False
    try:
        journal.load(1)
        raise AssertionError("loaded")
    except StorageError:
        pass


def test_an_alert_comes_back_as_it_was_after_a_restart():
    cells = blank()
    first = opened(cells)
    assert [put(first, kind) for kind in (alert.ALARM, alert.HEARTBEAT)] == [1, 2]
    for journal in (first, opened(cells)):
        assert journal.next_sequence == 3 and journal.undelivered() == 2
        assert journal.load(1) == (body(1, alert.ALARM), signature(1))
        assert journal.kind(2) == alert.HEARTBEAT
    assert not opened(cells).fresh


def test_the_strongest_then_newest_goes_first():
    journal = opened(blank())
    kinds = [alert.HEARTBEAT, alert.ALARM, alert.INFORM, alert.ALARM, alert.HELP, alert.TAMPER, alert.HELP]
    for kind in kinds:
        put(journal, kind)
    order = []
    while journal.best(order) is not None:
        order.append(journal.best(order))
    assert order == [4, 2, 7, 5, 3, 6, 1]


def test_received_ends_the_sending_once_and_for_all_restarts():
    cells = blank()
    journal = opened(cells)
    put(journal, alert.ALARM)
    put(journal, alert.HELP)
    assert journal.received(1) is True and journal.received(1) is False
    for again in (journal, opened(cells), opened(cells)):
        assert again.undelivered() == 1 and again.best() == 2 and again.received(1) is False


def test_in_charge_is_told_once_before_and_after_received_and_never_ends_the_sending():
    cells = blank()
    journal = opened(cells)
    for _ in range(3):
        put(journal, alert.ALARM)
    journal.received(1)
    for sequence in (1, 2):
        assert journal.in_charge(sequence) is True and journal.in_charge(sequence) is False
    journal = opened(cells)
    assert journal.undelivered() == 2
    assert [journal.in_charge(sequence) for sequence in (1, 2, 3, 4)] == [False, False, True, False]


def test_the_highest_boot_count_in_the_alerts_is_found():
    cells = blank()
    journal = opened(cells)
    for boot in (3, 4, 4, 9):
        put(journal, alert.HEARTBEAT, boot)
    for sequence in range(1, 5):
        journal.received(sequence)
    assert opened(cells).highest_boot == 9


def test_a_journal_belongs_to_one_key():
    cells = blank()
    journal = opened(cells)
    put(journal, alert.ALARM)
    assert not journal.holds(BOX)
    journal.format(BOX)
    assert journal.holds(BOX) and journal.next_sequence == 1 and journal.undelivered() == 0
    journal = opened(cells)  # even before the first alert
    assert journal.holds(BOX) and not journal.holds(bytes(8)) and not journal.fresh
    assert journal.next_sequence == 1 and journal.undelivered() == 0


def test_a_bad_signature_length_is_refused_before_flash_is_touched():
    flash = NorFlash(blank())
    journal = Journal(flash)
    journal.recover()
    before = flash.operations
    for wrong in (b"", bytes(63), bytes(65)):
        try:
            journal.append(1, alert.ALARM, b"body", wrong)
            raise AssertionError("accepted")
        except ValueError:
            pass
    assert flash.operations == before


def test_five_hundred_undelivered_presses_fit_in_flash_and_in_8_kb_of_memory():
    cells = blank(32)
    journal = opened(cells)
    for _ in range(520):
        put(journal, alert.HELP)
        journal.prepare()
    journal = opened(cells)
    assert journal.undelivered() == 520
    index = (journal._sequences, journal._positions, journal._kinds)
    assert sum([len(bytes(part)) for part in index]) < 8192


def test_a_full_journal_gives_up_heartbeats_then_faults_and_never_a_press():
    cells = blank(8)
    journal = opened(cells)
    room = 5 * SLOTS
    refused = {}
    presses = []
    kinds = (alert.HEARTBEAT, alert.TAMPER, alert.ALARM)
    for i in range(4 * room):
        kind = kinds[i % 3]
        try:
            sequence = put(journal, kind)
            if kind == alert.ALARM:
                presses.append(sequence)
        except JournalFull:
            refused.setdefault(kind, len(presses))
        while journal.prepare():
            pass
        if i % 40 == 0:
            journal = opened(cells)
    assert refused[alert.HEARTBEAT] < refused[alert.TAMPER] < refused[alert.ALARM] == len(presses) == room
    assert journal.full
    journal = opened(cells)
    assert journal.undelivered() >= room
    for sequence in reversed(presses):
        assert journal.best() == sequence
        assert journal.load(sequence) == (body(sequence, alert.ALARM), signature(sequence))
        journal.received(sequence)
    assert not journal.full and put(journal, alert.HEARTBEAT) and put(journal, alert.ALARM)


def test_heartbeats_do_not_outlive_their_block_and_presses_do():
    owner = Owner(blank())
    press = owner.append(alert.INFORM)
    fault = owner.append(alert.TAMPER)
    heartbeat = owner.append(alert.HEARTBEAT)
    for _ in range(5 * SLOTS):
        owner.received(owner.append(alert.HELP))
        while owner.journal.prepare():
            pass
    assert [owner.journal.kind(s) for s in (press, fault, heartbeat)] == [alert.INFORM, alert.TAMPER, None]
    assert owner.journal.dropped == 1
    owner.restart()
    assert owner.journal.undelivered() == 2


def test_an_alert_costs_one_program_at_the_press_and_little_over_its_life():
    flash = NorFlash(blank(32))
    journal = Journal(flash)
    journal.recover()
    while journal.prepare():
        pass
    programs, erases = list(flash.programs), list(flash.erases)
    count = 4000
    for i in range(count):
        before = (sum(flash.programs), sum(flash.erases))
        sequence = put(journal, alert.INFORM)
        assert (sum(flash.programs), sum(flash.erases)) == (before[0] + 1, before[1])
        if i % 100:  # one in a hundred stays undelivered for 200 alerts
            journal.received(sequence)
        elif i >= 200:
            journal.received(sequence - 200)
        while journal.prepare():
            pass
    worn = [now - then for now, then in zip(flash.erases, erases)]
    assert sum(flash.programs) - sum(programs) <= 4 * count
    assert sum(worn) <= 0.05 * count
    assert max(worn) <= 2 * min(worn)


def test_a_start_reads_each_block_of_a_full_ring_about_once():
    flash = NorFlash(blank(32))
    journal = Journal(flash)
    journal.recover()
    for i in range(950):
        sequence = put(journal, alert.HEARTBEAT)
        if i % 3:
            journal.received(sequence)
        journal.prepare()
    flash = flash.restart()
    reads = []
    read = flash.readblocks
    flash.readblocks = lambda block, buf, offset=0: (reads.append(len(buf)), read(block, buf, offset))
    Journal(flash).recover()
    # Headers, whole blocks, and slot by slot only the head and the few beside it.
    assert len(reads) < 32 + 32 + SLOTS + 10 and sum(reads) < 36 * BLOCK


# ---- power cuts ----

SCRIPT = []
for _i in range(12):
    SCRIPT.append(("append", (alert.ALARM, alert.HEARTBEAT, alert.INFORM)[_i % 3]))
    if _i % 4 == 1:
        SCRIPT.append(("in charge", 0))
    if _i % 4:
        SCRIPT.append(("received", 2))
    SCRIPT.append(("idle", _i % 3))


def before_the_wrap():
    """A journal whose next few appends begin to empty the oldest block, in which three presses still wait."""
    owner = Owner(blank())
    waiting = [owner.append(alert.HELP) for _ in range(3)]
    while sum(owner.flash.erases) < 7:
        owner.received(owner.append(alert.INFORM))
        while owner.journal.prepare():
            pass
    for _ in range(2 * SLOTS - 5):
        owner.received(owner.append(alert.INFORM))
        while owner.journal.prepare():
            pass
    assert [owner.journal.kind(sequence) for sequence in waiting] == [alert.HELP] * 3
    return owner


def replay(base, cuts):
    owner = base.copy()
    before = owner.flash.operations
    owner.cuts = list(cuts[1:])
    owner.flash.cut_after(*cuts[0])
    owner.run(SCRIPT)
    owner.cuts = []
    owner.restart()
    owner.append(alert.ALARM)
    owner.restart()
    return owner.flash.operations - before


def sweep(seeds, then):
    base = before_the_wrap()
    operations = replay(base, [(0, 0)])
    assert operations > 30
    for cut in range(1, operations):
        for seed in seeds:
            replay(base, [(cut, seed)] + then(cut, seed))


def test_the_script_of_the_cuts_moves_presses_out_of_the_oldest_block():
    global Journal
    plain, moved = Journal, []

    class Counted(plain):
        def _moved(self, old, new):
            moved.append(new)
            plain._moved(self, old, new)

    base = before_the_wrap()
    Journal = Counted
    try:
        replay(base, [(0, 0)])
    finally:
        Journal = plain
    assert len(moved) >= 2 and None not in moved


def test_no_cut_loses_a_press_or_sends_an_acknowledged_one_again():
    sweep(range(6), lambda cut, seed: [])


def test_nor_do_two_cuts():
    sweep(range(10, 13), lambda cut, seed: [(1 + cut % 7, cut * 41 + seed)])


def case_no_press_is_lost_and_none_acknowledged_is_sent_again(data):
    """data: script of [step, value], cuts of [operations, seed]."""
    owner = Owner(blank())
    owner.cuts = [tuple(cut) for cut in data["cuts"]]
    owner.restart()
    owner.run([tuple(step) for step in data["script"]])
    owner.cuts = []
    owner.restart()
    owner.restart()
    flash = owner.flash
    return [flash.operations, list(flash.programs), list(flash.erases), sorted(owner.done), sorted(owner.promised)]
