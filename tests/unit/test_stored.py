"""What a box finds on its flash at a start: key and journal live and die together, and what is sound is used."""

import os

from box import log
from box.core import alert, conditions, config
from box.errors import StorageError
from box.storage.journal import Journal
from fake_chip import Installed
from virtual.nor import BLOCK, NorFlash

log.now = lambda: 0  # the chip's clock is not there under CPython

FOLDER = "build/stored.test"
BLOCKS = {"journal": 32, "events": 16, "bips": 8, "plan": 8}


class Partition:
    """esp32.Partition: `cells` of each label; without a row there is no such partition."""

    TYPE_DATA = 1
    cells: dict = {}

    @staticmethod
    def find(kind, label):
        assert kind == Partition.TYPE_DATA
        return [NorFlash(Partition.cells[label])] if label in Partition.cells else []


class Esp32:
    pass


Esp32.Partition = Partition
with Installed(esp32=Esp32):
    from box.wiring import flash as module

SLOTS, FOLDER_FLASH = module.Slots, module.FolderFlash
FILES = ("key", "address", "locked", "key.new", "settings.a", "settings.b", "enrolment.a", "enrolment.b")


class Clock:
    def utc_to_save(self):
        return 1800000000

    def uptime_s(self):
        return 12


class Status:
    def __init__(self):
        self.rows = {}

    def set(self, row, on, sentence=""):
        self.rows[row] = (on, sentence)


def put(name, data):
    with open(FOLDER + "/" + name, "wb") as file:
        file.write(data)


def exists(name):
    return name in os.listdir(FOLDER)


def factory():
    """A box that never started: blank partitions, no file."""
    try:
        os.mkdir(FOLDER)
    except OSError:
        pass
    for name in FILES:
        if exists(name):
            os.remove(FOLDER + "/" + name)
    Partition.cells = {label: bytearray(b"\xff" * (blocks * BLOCK)) for label, blocks in BLOCKS.items()}
    module.KEY_FILE, module.ADDRESS_FILE, module.LOCK_FILE = [FOLDER + "/" + name for name in FILES[:3]]
    module.Slots = lambda path: SLOTS(FOLDER + path)
    module.take_over = lambda settings, enrolment: None


class Counter:
    def __init__(self):
        self.count = 0

    def __call__(self, size):
        self.count += 1
        return bytes([(self.count * 37 + i * 11) & 0xFF for i in range(size)])


SOURCE = Counter()


def started(reset_cause=1):
    """The stores after a start."""
    stored = module.Stored(Clock(), Status())
    stored.open_journal()
    stored.open_rest(SOURCE, reset_cause)
    return stored


def press(stored):
    journal = stored.journal
    sequence = journal.next_sequence
    body = alert.encode(stored.identity.box, stored.events.boot, sequence, alert.HELP, 1, None, 0, 0, 0)
    journal.append(sequence, alert.HELP, body, bytes(64))
    return sequence


def events(stored, count=9):
    return [(event["event"], event["detail"]) for event in stored.events.last(count)]


def test_a_first_start_makes_a_key_and_a_journal_of_it():
    factory()
    stored = started()
    assert stored.journal.holds(stored.identity.box) and stored.journal.next_sequence == 1
    assert exists("key")
    assert events(stored) == [("key made", ""), ("boot", "reset 1")]
    assert (stored.events.boot, stored.events.last(1)[0]["utc"]) == (1, 0)


def test_a_restart_keeps_the_key_and_counts_on():
    factory()
    first = started()
    press(first)
    again = started(reset_cause=4)
    assert again.identity.private == first.identity.private
    assert (again.journal.next_sequence, again.journal.undelivered()) == (2, 1)
    assert events(again, 1) == [("boot", "reset 4")] and again.events.boot == 2


def test_a_lost_journal_means_a_new_key_and_never_a_second_first_sequence():
    factory()
    first = started()
    press(first)
    Partition.cells["journal"] = bytearray(b"\xff" * (32 * BLOCK))
    again = started()
    assert again.identity.private != first.identity.private
    assert again.journal.holds(again.identity.box) and again.journal.next_sequence == 1
    assert events(again, 1) == [("key made", "")]
    assert started().identity.private == again.identity.private


def test_a_lost_key_means_a_new_one_and_an_empty_journal():
    factory()
    first = started()
    press(first)
    put("key", b"torn")
    again = started()
    assert again.identity.box != first.identity.box
    assert (again.journal.undelivered(), again.journal.next_sequence) == (0, 1)
    assert again.journal.holds(again.identity.box)


def test_a_key_that_belongs_to_another_journal_is_not_used():
    factory()
    first = started()
    press(first)
    Journal(NorFlash(Partition.cells["journal"])).format(bytes(8))
    assert started().identity.box != first.identity.box


def test_a_key_that_cannot_be_read_is_not_given_up():
    factory()
    started()
    os.remove(FOLDER + "/key")
    os.mkdir(FOLDER + "/key")
    try:
        started()
        raise AssertionError("a new key was made")
    except StorageError:
        pass
    finally:
        os.rmdir(FOLDER + "/key")


def test_a_lost_event_log_takes_its_boot_count_from_the_journal():
    factory()
    for _ in range(5):
        stored = started()
    press(stored)
    Partition.cells["events"] = bytearray(b"\xff" * (16 * BLOCK))
    assert started().events.boot == 6


def test_a_partition_table_without_ours_uses_folders_and_says_so():
    factory()
    stored = started()
    assert stored._status.rows[conditions.OLD_TABLE][0] is False
    del Partition.cells["plan"]
    made = []

    class Folder(FOLDER_FLASH):
        def __init__(self, folder, blocks):
            made.append((folder, blocks))
            super().__init__(FOLDER + folder, blocks)

    module.FolderFlash = Folder
    try:
        stored = started()
    finally:
        module.FolderFlash = FOLDER_FLASH
        for name in os.listdir(FOLDER + "/plan"):
            os.remove(FOLDER + "/plan/" + name)
        os.rmdir(FOLDER + "/plan")
    assert made == [("/plan", 8)]
    assert stored._status.rows[conditions.OLD_TABLE][0] is True


def test_a_box_without_documents_has_the_defaults_and_no_enrolment():
    factory()
    stored = module.Stored(Clock(), Status())
    assert stored.open_documents() == (config.fill(config.default()), None)
    assert stored._status.rows == {}


def test_settings_that_are_damaged_leave_the_defaults_and_a_sentence():
    factory()
    put("settings.a", b"garbage")
    stored = module.Stored(Clock(), Status())
    assert stored.open_documents() == (config.fill(config.default()), None)
    on, sentence = stored._status.rows[conditions.STORED]
    assert on and "settings.a" in sentence


def test_a_damaged_enrolment_leaves_the_settings_as_they_are():
    factory()
    settings = config.default()
    settings["shop"] = {"name": "Zoé"}
    module.Stored(Clock(), Status()).settings.save(settings)
    put("enrolment.a", b"garbage")
    stored = module.Stored(Clock(), Status())
    found, enrolment = stored.open_documents()
    assert (found["shop"]["name"], enrolment) == ("Zoé", None)
    assert "enrolment.a" in stored._status.rows[conditions.STORED][1]


def test_what_an_older_version_left_is_moved_in_first_and_may_fail():
    factory()
    moved = []

    def take_over(settings, enrolment):
        moved.append((settings, enrolment))
        raise StorageError("the enrolment of version 1 cannot be used")

    module.take_over = take_over
    stored = module.Stored(Clock(), Status())
    assert stored.open_documents()[1] is None
    assert moved == [(stored.settings, stored.enrolment)]
    assert stored._status.rows[conditions.STORED] == (True, "the enrolment of version 1 cannot be used")


def test_conditions_worth_it_are_in_the_event_log():
    factory()
    stored = started()
    for row in (conditions.PATH_LOST, conditions.JAMMED, conditions.CASE_OPEN):
        for on in (True, False):
            stored.condition(row, on)
    newest = [("jamming", "over"), ("jamming", "begun"), ("link up", ""), ("link down", "")]
    assert events(stored, 4) == newest
    event = stored.events.last(1)[0]
    assert (event["utc"], event["uptime"]) == (1800000000, 12)
    assert events(stored, 5)[4] == ("key made", "")


def test_an_event_that_flash_does_not_take_is_done_without():
    factory()
    stored = started()

    class Broken:
        @staticmethod
        def record(*arguments):
            raise StorageError("flash is worn out")

    stored.events = Broken
    stored.note(5, "x")


def test_a_reset_forgets_everything_and_the_lock_last():
    factory()
    stored = started()
    stored.settings.save(config.default())
    removed = []
    for name in ("locked", "address"):
        put(name, b"")

    class Watched:
        stat = os.stat

        @staticmethod
        def remove(path):
            removed.append(path.rsplit("/", 1)[1])
            os.remove(path)

    assert stored.is_locked()
    module.os = Watched
    try:
        stored.forget()
        assert removed == ["address", "key", "locked"]
        assert not stored.is_locked()
        stored.forget()  # may be done again
    finally:
        module.os = os
    assert os.listdir(FOLDER) == []
    before = stored.identity.box
    assert started().identity.box != before
