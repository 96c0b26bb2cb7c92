"""The ring on flash: what it costs, and that no power cut takes back what was promised."""

from box.errors import StorageError
from box.storage.ring import Ring
from virtual.nor import BLOCK, NorFlash, PowerCut

SIZE = 512  # big slots, so that a few appends go round a small device
SLOTS = BLOCK // SIZE - 1


def blank(blocks=4):
    return bytearray(b"\xff" * (blocks * BLOCK))


class Owner:
    """The least owner of a ring, and the record of what was promised to it.

    A record is live until mark 0 is set. Every restart is checked against the promises.
    """

    def __init__(self, cells, base=None):
        self.cells = cells
        self.flash = NorFlash(cells)
        self.cuts = []  # [operations, seed] of each power cut to come, one after the other
        self.written = dict(base.written) if base else {}  # id: payload of every append that was begun
        self.promised = set(base.promised) if base else set()  # ids whose append returned, or that a restart showed
        self.begun = set(base.begun) if base else set()  # (id, mark) that were asked for
        self.done = set(base.done) if base else set()  # (id, mark) that returned, or that a restart showed
        self.restart()

    def copy(self):
        """Another owner, on a copy of the cells."""
        return Owner(bytearray(self.cells), self)

    def restart(self):
        while True:
            self.flash = self.flash.restart()
            if self.cuts:
                self.flash.cut_after(*self.cuts.pop(0))
            try:
                self._start()
                return
            except PowerCut:
                pass

    def _start(self):
        self.seen = {}
        self.live = {}  # position: id
        ring = Ring(self.flash, SIZE, self.keep, self.moved)
        ring.recover(self.visit)
        self.ring = ring
        self.check()

    def visit(self, position, number, payload, marks):
        if number in self.seen:
            self.live.pop(self.seen[number][0], None)
        self.seen[number] = (position, bytes(payload), marks)
        if not marks & 1:
            self.live[position] = number

    def keep(self, position):
        return position in self.live

    def moved(self, old, new):
        number = self.live.pop(old)
        assert new is not None
        self.live[new] = number
        self.seen[number] = (new,) + self.seen[number][1:]

    def check(self):
        for number in self.promised:
            assert number < self.ring.next_id, "an id would be used again"
            assert number in self.seen or (number, 0) in self.begun, "record %d was lost" % number
        for number, (_, payload, marks) in self.seen.items():
            assert payload == self.written[number], "record %d was changed" % number
            for mark in range(2):
                if marks >> mark & 1:
                    assert (number, mark) in self.begun, "record %d has a mark that nobody set" % number
                    self.done.add((number, mark))
                else:
                    assert (number, mark) not in self.done, "record %d lost mark %d" % (number, mark)
            self.promised.add(number)
        assert self.flash.refused_sets == 0

    # ---- steps of a script ----

    def append(self, length=20):
        number = self.ring.next_id
        payload = bytes([(number + i * 7) & 0xFF for i in range(length)])
        self.written[number] = payload
        position = self.ring.append(number, payload)
        self.seen[number] = (position, payload, 0)
        self.live[position] = number
        self.promised.add(number)
        return number

    def mark(self, number, mark):
        position = self.seen[number][0]
        self.begun.add((number, mark))
        self.ring.mark(position, mark)
        self.done.add((number, mark))
        if mark == 0:
            self.live.pop(position)

    def step(self, name, a, b):
        waiting = sorted(self.live.values())
        if name == "append" and len(waiting) < self.ring.capacity:
            self.append(a)
        elif name == "mark" and a < len(waiting):
            self.mark(waiting[a], b)
        elif name == "idle":
            for _ in range(a):
                self.ring.prepare()
        elif name == "restart":
            self.restart()

    def run(self, script):
        """Play a script; a step that a power cut ends is not repeated."""
        for step in script:
            try:
                self.step(*step)
            except PowerCut:
                self.restart()
        return self


def fill(owner, count, live=0, idle=True):
    """Append so many records and set mark 0 of all but the first `live`."""
    for i in range(count):
        number = owner.append()
        if i >= live:
            owner.mark(number, 0)
        while idle and owner.ring.prepare():
            pass
    return owner


def test_a_blank_or_foreign_flash_becomes_an_empty_ring_and_says_so():
    for cells in (b"\xff", b"\0", b"not a ring! wait"):
        owner = Owner(bytearray(cells * (4 * BLOCK // len(cells))))
        assert owner.ring.fresh and owner.ring.next_id == 1 and owner.seen == {}
        owner.restart()
        assert not owner.ring.fresh and owner.ring.tag == bytes(8)


def test_a_ring_of_another_slot_size_is_foreign():
    owner = fill(Owner(blank()), 3)
    other = Ring(owner.flash.restart(), 128)
    other.recover()
    assert other.fresh and other.next_id == 1


def test_records_and_marks_come_back_oldest_first():
    owner = Owner(blank())
    for _ in range(5):
        owner.append()
    owner.mark(2, 0)
    owner.mark(3, 1)
    owner.mark(2, 1)
    seen = []
    ring = Ring(owner.flash.restart(), SIZE)
    ring.recover(lambda position, number, payload, marks: seen.append((number, bytes(payload), marks)))
    assert seen == [(n, owner.written[n], {2: 3, 3: 2}.get(n, 0)) for n in range(1, 6)]
    assert ring.next_id == 6


def test_an_append_is_one_program_and_no_erase():
    owner = fill(Owner(blank()), 40)
    programs, erases = sum(owner.flash.programs), sum(owner.flash.erases)
    for i in range(SLOTS):  # a block's worth without any idle time
        owner.append()
        assert (sum(owner.flash.programs), sum(owner.flash.erases)) == (programs + i + 1, erases)


def test_a_mark_is_two_programs_and_only_the_first_time():
    owner = Owner(blank())
    number = owner.append()
    position = owner.seen[number][0]
    programs = sum(owner.flash.programs)
    owner.begun.add((number, 1))
    assert owner.ring.mark(position, 1) is True
    assert owner.ring.mark(position, 1) is False
    assert sum(owner.flash.programs) == programs + 2


def test_a_burst_makes_its_own_room():
    owner = fill(Owner(blank()), 200, idle=False)
    assert owner.ring.next_id == 201
    owner.restart()
    assert max(owner.seen) == 200


def test_idle_work_is_done_in_steps_of_one_erase_or_one_move():
    owner = fill(Owner(blank(6)), 60, live=4)
    steps = 0
    for _ in range(60):
        owner.mark(owner.append(), 0)
        while True:
            erases, programs = sum(owner.flash.erases), sum(owner.flash.programs)
            if not owner.ring.prepare():
                assert (sum(owner.flash.erases), sum(owner.flash.programs)) == (erases, programs)
                break
            steps += 1
            assert sum(owner.flash.erases) - erases <= 1 and sum(owner.flash.programs) - programs <= 2
    assert steps > 10


def test_wear_is_even_and_small_over_many_rounds():
    owner = Owner(blank(8))
    flash = owner.flash
    programs, erases = list(flash.programs), list(flash.erases)
    count = 1000
    fill(owner, count, live=3)
    worn = [now - before for now, before in zip(flash.erases, erases)]
    programmed = sum(flash.programs) - sum(programs)
    assert min(worn) > 10 and max(worn) <= 2 * min(worn)
    # An append, two for its mark; the moves of three records at each round and two headers a block are the rest.
    assert programmed <= count * (3 + 3 / SLOTS) + 2 * sum(worn)
    assert sum(worn) <= count / (SLOTS - 1) + 8


def test_live_records_outlive_their_block_with_their_marks():
    owner = Owner(blank())
    first = owner.append()
    owner.mark(first, 1)
    before = owner.seen[first][0]
    fill(owner, 100)
    assert owner.seen[first][0] != before
    owner.restart()
    assert owner.seen[first][2] == 2
    position = owner.seen[first][0]
    assert owner.ring.read(position) == (first, owner.written[first])
    assert owner.ring.mark(position, 1) is False


def test_a_full_ring_refuses_a_record_and_loses_none():
    owner = Owner(blank(6))
    refused = 0
    for _ in range(6 * SLOTS):
        try:
            owner.append()
        except StorageError:
            refused += 1
    assert len(owner.live) >= owner.ring.capacity == 3 * SLOTS and refused > 0
    waiting = sorted(owner.live.values())
    owner.restart()
    assert sorted(owner.live.values()) == waiting
    for number in waiting[: 2 * SLOTS]:
        owner.mark(number, 0)
    owner.append()
    owner.restart()
    assert len(owner.live) == len(waiting) - 2 * SLOTS + 1


def test_ids_only_grow_and_payloads_fit():
    owner = fill(Owner(blank()), 3)
    for number, payload in ((3, b"x"), (0, b"x"), (4, bytes(256))):
        try:
            owner.ring.append(number, payload)
            raise AssertionError("accepted")
        except ValueError:
            pass
    owner.written[9] = bytes(range(255))
    owner.ring.append(9, bytes(range(250)), bytes(range(250, 255)))
    owner.restart()
    assert owner.ring.next_id == 10 and owner.seen[9][1] == bytes(range(255))


def test_an_alert_of_113_bytes_and_its_kind_just_fit_in_a_slot_of_128():
    ring = Ring(NorFlash(blank()), 128)
    ring.recover()
    assert ring.read(ring.append(1, b"k", bytes(49), bytes(64))) == (1, b"k" + bytes(113))
    try:
        ring.append(2, bytes(115))
        raise AssertionError("accepted")
    except ValueError:
        pass


def test_the_next_id_outlives_every_record():
    owner = fill(Owner(blank()), 5)
    for _ in range(5 * SLOTS):  # each restart burns a slot, until all records have made way
        owner.restart()
        while owner.ring.prepare():
            pass
        assert owner.ring.next_id == 6
    assert owner.seen == {}


def test_restarts_alone_never_use_the_ring_up():
    owner = Owner(blank())
    for _ in range(owner.ring.capacity):
        owner.append()
    for _ in range(100):
        owner.restart()
    assert len(owner.live) == owner.ring.capacity
    owner.mark(1, 0)
    owner.append()


def test_recent_records_come_newest_first():
    ring = Ring(NorFlash(blank()), SIZE)
    ring.recover()
    for number in range(1, 40):
        ring.append(number, b"%d" % number)
    seen = [(number, bytes(payload)) for _, number, payload in ring.recent()]
    assert len(seen) > SLOTS
    assert seen == [(number, b"%d" % number) for number in range(39, 39 - len(seen), -1)]


def test_format_begins_again_with_the_new_tag():
    owner = fill(Owner(blank()), 30, live=2)
    owner.ring.format(b"box id 8")
    assert owner.ring.next_id == 1
    owner.ring.append(1, b"first")
    seen = []
    ring = Ring(owner.flash.restart(), SIZE)
    ring.recover(lambda position, number, payload, marks: seen.append((number, bytes(payload))))
    assert seen == [(1, b"first")] and ring.tag == b"box id 8" and not ring.fresh


def test_a_cut_format_leaves_the_old_ring_or_an_empty_one_but_never_lower_ids_under_the_old_tag():
    cells = blank()
    ring = Ring(NorFlash(cells), SIZE)
    ring.recover()
    ring.format(b"old  tag")
    for number in range(1, 31):
        ring.append(number, b"x")
    for operations in range(1, 15):
        for seed in range(4):
            flash = NorFlash(bytearray(cells))
            ring = Ring(flash, SIZE)
            ring.recover()
            flash.cut_after(operations, seed)
            try:
                ring.format(b"new  tag")
                raise AssertionError("no cut")
            except PowerCut:
                pass
            ring = Ring(flash.restart(), SIZE)
            ring.recover()
            assert ring.tag != b"old  tag" or ring.next_id == 31


class Watched:
    """A flash that looks at a block's header before each erase."""

    def __init__(self, flash):
        self.flash = flash
        self.erases = 0
        self.readblocks = flash.readblocks
        self.writeblocks = flash.writeblocks

    def ioctl(self, op, arg=0):
        if op == 6:
            header = bytearray(28)
            self.flash.readblocks(arg, header, 0)
            assert header == bytes(28)
            self.erases += 1
        return self.flash.ioctl(op, arg)


def test_no_block_is_erased_under_a_valid_header():
    flash = Watched(NorFlash(blank()))
    ring = Ring(flash, SIZE)
    ring.recover()
    for number in range(1, 60):
        ring.append(number, b"x")
        ring.prepare()
    assert flash.erases > 10


class BadCells:
    """A flash on which chosen programs do not take."""

    def __init__(self, flash, bad):
        self.flash = flash
        self.bad = bad  # numbers of the programs of whole slots that fail
        self.count = 0
        self.ioctl = flash.ioctl
        self.readblocks = flash.readblocks

    def writeblocks(self, block, data, offset):
        if len(data) == SIZE and any(data):
            self.count += 1
            if self.count in self.bad:
                data = bytes([data[0]]) + b"\0" + data[2:]
        self.flash.writeblocks(block, data, offset)


def test_a_slot_that_does_not_take_is_passed_over_and_several_are_an_error():
    flash = NorFlash(blank())
    ring = Ring(BadCells(flash, {2, 4, 5, 6}), SIZE)
    ring.recover()
    positions = [ring.append(1, b"one"), ring.append(2, b"two")]
    assert positions[1] == positions[0] + 2
    try:
        ring.append(3, b"three")
        raise AssertionError("accepted")
    except StorageError:
        pass
    ring.append(3, b"four")
    seen = []
    Ring(flash.restart(), SIZE).recover(lambda position, number, payload, marks: seen.append(bytes(payload)))
    assert seen == [b"one", b"two", b"four"]


def test_a_device_error_is_a_storage_error():
    class Broken:
        def ioctl(self, op, arg=0):
            return {4: 4, 5: BLOCK}[op]

        def readblocks(self, block, buf, offset=0):
            raise OSError(5)

    try:
        Ring(Broken(), SIZE).recover()
        raise AssertionError("no error")
    except StorageError:
        pass


# ---- power cuts ----


def test_a_half_done_mark_that_was_seen_once_stays():
    base = fill(Owner(blank()), 3, live=3)
    for mark, operation in ((0, 1), (1, 1), (1, 2)):
        for seed in range(100):
            owner = base.copy()
            owner.flash.cut_after(operation, seed)
            try:
                owner.mark(2, mark)
                raise AssertionError("no cut")
            except PowerCut:
                pass
            for _ in range(4):
                owner.restart()


def test_mark_0_is_one_program_and_mark_1_is_two():
    owner = fill(Owner(blank()), 3, live=3)
    for number, mark, programs in ((1, 0, 1), (2, 1, 2), (1, 0, 0), (2, 1, 0)):
        before = owner.flash.operations
        assert owner.ring.mark(owner.seen[number][0], mark) is (programs > 0)
        assert owner.flash.operations - before == programs


def test_a_mark_of_which_an_older_version_finished_half_is_finished_at_the_start():
    owner = fill(Owner(blank()), 3, live=3)
    position = owner.seen[2][0]
    owner.begun.add((2, 0))
    owner.ring._program(position, bytes(1), 0)  # `set`; the power went before `settled`
    owner.restart()
    assert (2, 0) in owner.done
    assert owner.ring.mark(position, 0) is False


def test_a_half_written_header_says_nothing_about_ids():
    base = fill(Owner(blank()), 60)
    while base.ring._free() >= 2 * SLOTS:
        base.append()
    for seed in range(40):
        owner = base.copy()
        while owner.ring._free() >= 2 * SLOTS:
            owner.append()
        next_id = owner.ring.next_id
        owner.flash.cut_after(3, seed)  # the old header is zeroed, the block erased, the new header written
        try:
            owner.ring.prepare()
            raise AssertionError("no cut")
        except PowerCut:
            owner.restart()
        assert owner.ring.next_id == next_id


# Twelve appends, marks on most of them, idle work between; begun just before the ring wraps.
SCRIPT = []
for _i in range(12):
    SCRIPT.append(("append", 20 + _i, 0))
    if _i % 4 == 1:
        SCRIPT.append(("mark", 0, 1))
    if _i % 5:
        SCRIPT.append(("mark", 1, 0))
    SCRIPT.append(("idle", _i % 3, 0))


def replay(base, cuts):
    """Play SCRIPT on a copy with power cuts, then restart more often; returns the count of flash operations."""
    owner = base.copy()
    before = owner.flash.operations
    owner.cuts = list(cuts[1:])
    owner.flash.cut_after(*cuts[0])
    owner.run(SCRIPT)
    owner.cuts = []
    owner.restart()
    owner.append()
    for _ in range(3):  # each reads the flaky cells anew
        owner.restart()
    return owner.flash.operations - before


def sweep(base, seeds, then):
    """Cut at every operation of SCRIPT; `then(cut, seed)` gives the further cuts."""
    operations = replay(base, [(0, 0)])
    for cut in range(1, operations):
        for seed in seeds:
            replay(base, [(cut, seed)] + then(cut, seed))


def test_the_script_of_the_cuts_wraps_erases_and_moves_a_marked_record():
    owner = fill(Owner(blank()), 3 * SLOTS - 2, live=2).copy()
    first = owner.seen[1][0]
    erases = sum(owner.flash.erases)
    owner.run(SCRIPT)
    assert sum(owner.flash.erases) - erases == 2
    assert owner.seen[31][0] < owner.seen[25][0]
    assert owner.seen[1][0] != first and (1, 1) in owner.done


def test_no_cut_at_any_flash_operation_takes_back_a_promise():
    base = fill(Owner(blank()), 3 * SLOTS - 2, live=2)
    sweep(base, range(16), lambda cut, seed: [])


def test_neither_does_a_second_cut_during_the_recovery_or_soon_after():
    base = fill(Owner(blank()), 3 * SLOTS - 2, live=2)
    sweep(base, range(20, 28), lambda cut, seed: [(1 + cut % 9, cut * 31 + seed)])


def test_nor_do_cuts_in_a_row():
    base = fill(Owner(blank()), 3 * SLOTS - 2, live=2)
    sweep(base, range(30, 34), lambda cut, seed: [(1 + (cut + i) % 5, cut * 37 + seed + i) for i in range(5)])


def case_what_was_promised_survives_any_cuts(data):
    """data: script of [step, a, b], cuts of [operations, seed]."""
    owner = Owner(blank())
    owner.cuts = [tuple(cut) for cut in data["cuts"]]
    owner.restart()
    owner.run([tuple(step) for step in data["script"]])
    owner.cuts = []
    for _ in range(2):
        owner.restart()
    seen = [[number, owner.seen[number][0], owner.seen[number][2]] for number in sorted(owner.seen)]
    return [owner.flash.operations, list(owner.flash.programs), list(owner.flash.erases), seen, owner.ring.next_id]
