"""From an occurrence to an alert: signed, on flash, and only then told; a press is told whatever flash does."""

from box import log
from box.alerts.issuer import Issuer
from box.core import alert, conditions, cose
from box.core.incident import WINDOW_MS, Incident
from box.errors import JournalFull, StorageError

BOX = b"\x01\x02\x03\x04\x05\x06\x07\x08"
BOOT = 7
UTC = 1800000000
UNWRITTEN = 1 << 31

log.now = lambda: 0  # the chip's clock is not there under CPython


class Stored:
    """`identity` and `events` in one."""

    box = BOX

    def __init__(self, boot, journal):
        self.identity = self.events = self
        self.boot = boot
        self.journal = journal


class Status:
    """Tells the issuer of a condition that begins or ends, as the box's does."""

    busy = False

    def __init__(self):
        self.on = set()
        self.moment = 0
        self.listener = None

    def set(self, row, on):
        if on != (row in self.on):
            (self.on.add if on else self.on.remove)(row)
            self.listener.condition(row, on)

    def is_on(self, row):
        return row in self.on

    def flags(self):
        return self.moment


class Clock:
    def __init__(self):
        self.ms = 5000
        self.time = UTC

    def now(self):
        return self.ms

    def utc(self):
        return self.time


class Signer:
    """A signature that shows what was signed: its first 64 bytes, turned round."""

    def sign(self, message):
        return signature(message)


def signature(message):
    return bytes(reversed(message[-64:]))


class Journal:
    """Keeps what it is given, in `told`'s order. `breaks`: flash fails; `is_full_of_presses`: memory has no room."""

    def __init__(self, told):
        self.told = told
        self.next_sequence = 40
        self.kept = {}
        self.held = {}
        self.full = False
        self.breaks = self.is_full_of_presses = False
        self.presses = 0

    def undelivered_presses(self):
        return self.presses

    def append(self, sequence, kind, body, signature):
        if self.breaks:
            raise StorageError("flash is worn out")
        assert sequence == self.next_sequence
        self.next_sequence += 1
        self.kept[sequence] = (kind, body, signature)
        self.told.append(("flash", sequence))

    def hold(self, sequence, kind, body, signature):
        if self.is_full_of_presses:
            raise JournalFull("as many presses are held")
        assert sequence not in self.held, "a sequence was used twice"
        self.held[sequence] = (kind, body, signature)
        self.told.append(("memory", sequence))


class Bench:
    def __init__(self, boot=BOOT):
        self.told = []
        self.clock = Clock()
        self.status = Status()
        self.journal = Journal(self.told)
        self.incident = Incident()
        self.issuer = Issuer(Stored(boot, self.journal), Signer(), self.incident, self.clock, self.status)
        self.issuer.listeners = (self,)
        self.status.listener = self.issuer

    def alert(self, sequence, kind):
        self.told.append(("told", sequence, kind))

    def is_fault(self):
        return self.status.is_on(conditions.FLASH)

    def issue(self, *arguments, **keywords):
        """The fields of what was issued; None if nothing was kept."""
        before = set(self.journal.kept) | set(self.journal.held)
        self.issuer.issue(*arguments, **keywords)
        kept = dict(self.journal.kept)
        kept.update(self.journal.held)
        new = [sequence for sequence in kept if sequence not in before]
        if not new:
            return None
        kind, body, signed = kept[new[0]]
        fields = alert.decode(body)
        assert (fields["kind"], fields["sequence"], fields["box"]) == (kind, new[0], BOX)
        assert signed == signature(cose.signed_part(body))
        return fields


def test_an_alert_is_on_flash_before_anybody_is_told():
    bench = Bench()
    bench.issue(alert.HELP, 1)
    assert bench.told == [("flash", 40), ("told", 40, alert.HELP)]
    bench.issue(alert.TAMPER, 0)
    assert bench.told[2:] == [("flash", 41), ("told", 41, alert.TAMPER)]
    assert not bench.is_fault()


def test_an_alert_says_what_happened_where_and_when():
    fields = Bench().issue(alert.ALARM, 16)
    assert fields == {
        "box": BOX, "boot": BOOT, "sequence": 40, "kind": alert.ALARM, "source": 16, "pressed": UTC, "uptime": 5,
        "back": 0, "flags": 0,
    }  # fmt: skip


def test_an_alert_that_is_reported_late_is_dated_when_it_happened():
    bench = Bench()
    bench.clock.ms = 100000
    fields = bench.issue(alert.HELP, 1, 97001)
    assert (fields["pressed"], fields["uptime"]) == (UTC - 2, 97)
    fields = bench.issue(alert.HELP, 1, 97000)
    assert (fields["pressed"], fields["uptime"]) == (UTC - 3, 97)
    # The very first millisecond is a moment like others.
    assert bench.issue(alert.HELP, 1, 0)["uptime"] == 0


def test_an_unset_clock_dates_nothing_and_the_uptime_does():
    bench = Bench()
    bench.clock.time = None
    fields = bench.issue(alert.HELP, 1)
    assert (fields["pressed"], fields["uptime"]) == (None, 5)


def test_the_flags_are_those_of_the_moment_and_of_this_alert():
    bench = Bench()
    bench.status.moment = alert.FLAG_MAINS_LOST | alert.FLAG_TEST_MODE
    flags = bench.issue(alert.HELP, 1, flags=alert.FLAG_SOURCE_UNAUTHENTICATED | alert.FLAG_TEST_MODE)["flags"]
    assert flags == alert.FLAG_MAINS_LOST | alert.FLAG_TEST_MODE | alert.FLAG_SOURCE_UNAUTHENTICATED
    assert bench.issue(alert.HELP, 1)["flags"] == bench.status.moment


def test_presses_join_an_incident_and_nothing_else_does():
    bench = Bench()
    assert bench.issue(alert.INFORM, 16)["back"] == 0
    for kind in (alert.TAMPER, alert.HEARTBEAT, alert.TEST, alert.CANCEL_REQUEST, alert.BUTTON_STUCK):
        assert bench.issue(kind, 0)["back"] == 0
    assert bench.issue(alert.ALARM, 1)["back"] == 6
    assert (bench.incident.kind, bench.incident.sources) == (alert.ALARM, [16, 1])


def test_the_moment_of_the_press_and_not_of_its_report_decides_on_the_incident():
    bench = Bench()
    bench.issue(alert.INFORM, 1)
    bench.clock.ms += WINDOW_MS + 1000
    assert bench.issue(alert.HELP, 1, bench.clock.ms - 1000)["back"] == 1
    assert bench.issue(alert.HELP, 1)["back"] == 2
    bench.clock.ms += WINDOW_MS + 1
    assert bench.issue(alert.HELP, 1)["back"] == 0


def test_a_fault_that_flash_does_not_take_is_dropped_and_the_flash_fault_is_told():
    bench = Bench()
    bench.journal.breaks = True
    for kind in (alert.TAMPER, alert.HEARTBEAT, alert.TEST, alert.STORAGE):
        bench.status.on.clear()
        assert bench.issue(kind, 0) is None
        assert bench.is_fault()
    assert bench.told == []


def test_a_press_that_flash_does_not_take_is_held_in_memory_and_told():
    bench = Bench()
    bench.journal.breaks = True
    bench.status.moment = alert.FLAG_MAINS_LOST
    for count, kind in enumerate((alert.INFORM, alert.HELP, alert.ALARM), 1):
        fields = bench.issue(kind, 3, 2000, alert.FLAG_TEST_MODE)
        assert fields == {
            "box": BOX, "boot": BOOT, "sequence": UNWRITTEN | BOOT << 8 | count, "kind": kind, "source": 3,
            "pressed": UTC - 3, "uptime": 2, "back": 0, "flags": alert.FLAG_MAINS_LOST | alert.FLAG_TEST_MODE,
        }  # fmt: skip
        assert bench.told[-2:] == [("memory", fields["sequence"]), ("told", fields["sequence"], kind)]
        assert bench.is_fault()
    assert bench.journal.next_sequence == 40


def test_a_press_is_told_even_when_memory_has_no_room_for_it():
    bench = Bench()
    bench.journal.breaks = bench.journal.is_full_of_presses = True
    assert bench.issue(alert.HELP, 1) is None
    assert bench.told == [("told", UNWRITTEN | BOOT << 8 | 1, alert.HELP)]


def test_no_start_repeats_the_sequence_of_a_press_that_flash_did_not_take():
    used = set()
    for boot in (1, 2, 0x1FF, 0x7FFFFE, 0x7FFFFF):
        bench = Bench(boot)
        bench.journal.breaks = True
        for _ in range(20):
            bench.issue(alert.HELP, 1)
        new = set(bench.journal.held)
        assert len(new) == 20
        assert not used & new
        # The journal's own count never gets so far.
        assert min(new) >= UNWRITTEN and max(new) < 1 << 32
        used |= new


def test_the_boot_count_of_a_press_in_memory_stays_within_its_bits():
    for boot in (0x7FFFFF, 0x800000, 0xFFFFFFFF):
        bench = Bench(boot)
        bench.journal.breaks = True
        assert bench.issue(alert.HELP, 1)["sequence"] == UNWRITTEN | (boot & 0x7FFFFF) << 8 | 1


def test_the_count_of_presses_in_memory_stays_within_its_bits():
    bench = Bench()
    bench.journal.breaks = True
    for _ in range(255):
        bench.issuer.issue(alert.HELP, 1)
    bench.journal.held.clear()
    assert [bench.issue(alert.HELP, 1)["sequence"] & 0xFFFF for _ in range(2)] == [BOOT << 8, BOOT << 8 | 1]


def test_a_journal_that_fills_raises_one_storage_fault_until_it_has_room_again():
    bench = Bench()
    for round_ in range(2):
        before = len(bench.told)
        bench.journal.full = True
        for _ in range(3):
            bench.issue(alert.HELP, 1)
        kinds = [one[2] for one in bench.told[before:] if one[0] == "told"]
        assert kinds == [alert.HELP, alert.STORAGE, alert.HELP, alert.HELP]
        storage = [body for kind, body, _ in bench.journal.kept.values() if kind == alert.STORAGE]
        assert len(storage) == round_ + 1
        assert alert.decode(storage[-1])["source"] == 0
        bench.journal.full = False
        bench.issue(alert.HELP, 1)


def test_an_alert_is_on_flash_although_nobody_listens():
    told = []
    journal = Journal(told)
    issuer = Issuer(Stored(BOOT, journal), Signer(), Incident(), Clock(), Status())
    issuer.issue(alert.HELP, 1)
    assert told == [("flash", 40)]


def test_a_listener_is_told_in_the_order_of_the_tuple():
    bench = Bench()
    first = Bench()
    first.told = bench.told
    bench.issuer.listeners = (first, bench)
    bench.issue(alert.HELP, 1)
    assert bench.told[1:] == [("told", 40, alert.HELP)] * 2


def test_a_condition_that_begins_or_ends_is_told_if_its_row_says_so():
    bench = Bench()
    rows = (conditions.MAINS_LOST, conditions.CASE_OPEN, conditions.BIP, conditions.PATH_LOST)
    expected = {
        True: [alert.MAINS_LOST, alert.TAMPER, None, alert.PATH_LOST],
        False: [alert.MAINS_BACK, None, None, alert.PATH_BACK],
    }
    for on in (True, False):
        for row, kind in zip(rows, expected[on]):
            before = set(bench.journal.kept)
            bench.issuer.condition(row, on)
            new = [bench.journal.kept[s] for s in bench.journal.kept if s not in before]
            assert [(one[0], alert.decode(one[1])["source"]) for one in new] == ([(kind, 0)] if kind else [])


def test_a_press_that_waits_wants_the_network_once_the_box_is_enrolled():
    bench = Bench()
    assert not bench.issuer.is_wanted
    bench.journal.presses = 1
    assert bench.issuer.is_wanted
    bench.status.on.add(conditions.UNENROLLED)
    assert not bench.issuer.is_wanted


def test_the_box_is_needed_while_a_press_is_read_waits_or_is_an_incident():
    bench = Bench()
    assert not bench.issuer.is_needed
    bench.status.busy = True
    assert bench.issuer.is_needed
    bench.status.busy = False
    bench.journal.presses = 1
    assert bench.issuer.is_needed
    bench.journal.presses = 0
    bench.issue(alert.INFORM, 1)
    assert bench.issuer.is_needed
    bench.clock.ms += WINDOW_MS + 1
    assert not bench.issuer.is_needed
