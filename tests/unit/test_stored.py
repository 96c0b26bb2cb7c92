"""What a box finds on its flash at a start: key and journal live and die together, and what is sound is used."""

import json
import os

from box import log
from box.core import alert, conditions, config
from box.errors import StorageError
from box.storage.bip_counters import BipCounters
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


class Rooted:
    """The module os whose root is FOLDER."""

    @staticmethod
    def _path(path):
        return path if path.startswith(FOLDER) else FOLDER + path

    @staticmethod
    def ilistdir(path):
        return [(name, 0, 0) for name in os.listdir(Rooted._path(path))]

    @staticmethod
    def mkdir(path):
        os.mkdir(Rooted._path(path))

    @staticmethod
    def rename(old, new):
        os.rename(Rooted._path(old), Rooted._path(new))

    @staticmethod
    def stat(path):
        return os.stat(Rooted._path(path))

    @staticmethod
    def remove(path):
        os.remove(Rooted._path(path))


class Clock:
    floor = None

    def start_at(self, saved):
        self.floor = saved

    def utc_to_save(self):
        return 1800000000

    def uptime_s(self):
        return 12


class Status:
    def __init__(self):
        self.rows = {}

    def set(self, row, on, sentence=""):
        self.rows[row] = (on, sentence)

    def is_on(self, row):
        return self.rows.get(row, (False,))[0]


def put(name, data):
    with open(FOLDER + "/" + name, "wb") as file:
        file.write(data)


def listed(folder=""):
    return sorted(os.listdir(FOLDER + folder))


def clear(folder):
    for name in os.listdir(folder):
        path = folder + "/" + name
        if os.stat(path)[0] & 0x4000:
            clear(path)
            os.rmdir(path)
        else:
            os.remove(path)


def factory():
    """A box that never started: blank partitions, no file."""
    try:
        os.mkdir(FOLDER)
    except OSError:
        pass
    clear(FOLDER)
    Partition.cells = {label: bytearray(b"\xff" * (blocks * BLOCK)) for label, blocks in BLOCKS.items()}
    names = [FOLDER + "/data/" + name for name in ("key", "address", "locked")]
    module.KEY_FILE, module.ADDRESS_FILE, module.LOCK_FILE = names
    module.Slots = lambda path: SLOTS(FOLDER + path)
    module.os = Rooted
    module.take_over = lambda settings, enrolment: None


class Counter:
    def __init__(self):
        self.count = 0

    def __call__(self, size):
        self.count += 1
        return bytes([(self.count * 37 + i * 11) & 0xFF for i in range(size)])


SOURCE = Counter()


def opened():
    """The stores with the documents open."""
    stored = module.Stored(Clock(), Status())
    stored.found = stored.open_documents()
    return stored


def started(reset_cause=1):
    """The stores after a start."""
    stored = opened()
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
    assert listed("/data") == ["key"]
    assert events(stored) == [("key made", ""), ("boot", "reset 1")]
    key_made = stored.events.last(1)[0]
    assert (key_made["boot"], key_made["utc"], key_made["uptime"]) == (1, 0, 0)
    assert isinstance(stored.counters, BipCounters)


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
    put("data/key", b"torn")
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


def test_a_box_that_has_to_be_enrolled_again_says_why_and_a_first_start_says_nothing():
    def parted():
        log.tail = log.Tail(2000)
        started()
        return len([line for line in log.tail.lines() if "do not belong together" in line])

    factory()
    assert (parted(), parted()) == (0, 0)
    os.remove(FOLDER + "/data/key")
    assert (parted(), parted()) == (1, 0)
    Partition.cells["journal"] = bytearray(b"\xff" * (32 * BLOCK))
    assert (parted(), parted()) == (1, 0)


def test_a_key_that_cannot_be_read_is_not_given_up():
    factory()
    started()
    os.remove(FOLDER + "/data/key")
    os.mkdir(FOLDER + "/data/key")
    try:
        started()
        raise AssertionError("a new key was made")
    except StorageError:
        pass
    finally:
        os.rmdir(FOLDER + "/data/key")


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
    Partition.cells.clear()
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
    assert made == list(zip(["/journal", "/events", "/bips", "/plan"], [32, 16, 8, 8]))
    assert stored._status.rows[conditions.OLD_TABLE][0] is True


def test_a_box_without_documents_has_the_defaults_and_no_enrolment_and_is_new():
    factory()
    stored = opened()
    assert (stored.found, stored.login, stored.is_new) == (config.fill(config.default()), None, True)
    assert stored._status.rows == {}


def test_settings_that_are_damaged_leave_the_defaults_and_a_sentence():
    factory()
    opened()
    put("data/settings.a", b"garbage")
    stored = opened()
    assert stored.found == config.fill(config.default())
    on, sentence = stored._status.rows[conditions.STORED]
    assert on and "settings.a" in sentence


def test_a_damaged_enrolment_leaves_the_settings_as_they_are_and_makes_no_box_new():
    factory()
    settings = config.default()
    settings["shop"] = {"name": "Zoé"}
    opened().settings.save(settings)
    put("data/enrolment.a", b"garbage")
    stored = opened()
    assert (stored.found["shop"]["name"], stored.login, stored.is_new) == ("Zoé", None, False)
    assert "enrolment.a" in stored._status.rows[conditions.STORED][1]


def test_an_enrolled_box_is_not_new_and_its_clock_starts_when_it_was_enrolled():
    factory()
    with open(__file__.rsplit("/", 2)[0] + "/vectors/enrolment.json") as file:
        document = json.load(file)[0]["document"]
    opened().enrolment.save(document)
    stored = started()
    assert not stored.is_new
    assert stored.login.issued == document["issued"] == stored._clock.floor
    stored.note(stored.events.TIME_SAVED)
    assert started()._clock.floor == max(1800000000, document["issued"])


def test_a_clock_starts_at_the_last_time_in_the_event_log():
    factory()
    stored = started()
    assert stored._clock.floor == 0
    stored.note(stored.events.TIME_SAVED)
    assert events(stored, 1) == [("time saved", "")]
    assert started()._clock.floor == 1800000000


def test_what_is_still_in_the_root_is_moved_into_its_folder():
    factory()
    moved = ["address", "enrolment.a", "enrolment.b", "key", "locked", "settings.a", "settings.b"]
    for name in moved + ["main.py", "boot.py"]:
        put(name, b"of " + name.encode())
    opened()
    assert listed() == ["boot.py", "data", "main.py"]
    assert listed("/data") == moved
    with open(FOLDER + "/data/key", "rb") as file:
        assert file.read() == b"of key"
    put("key", b"the rest, after a power cut")
    opened()
    with open(FOLDER + "/data/key", "rb") as file:
        assert file.read() == b"the rest, after a power cut"


def test_a_folder_that_cannot_be_filled_is_told_and_the_box_goes_on():
    factory()

    class Full(Rooted):
        @staticmethod
        def mkdir(path):
            raise OSError(28)

    module.os = Full
    stored = opened()
    assert stored.found == config.fill(config.default())
    assert "/data cannot be filled" in stored._status.rows[conditions.STORED][1]


def test_what_an_older_version_left_is_moved_in_first_and_may_fail():
    factory()
    moved = []

    def take_over(settings, enrolment):
        moved.append((settings, enrolment))
        raise StorageError("the enrolment of version 1 cannot be used")

    module.take_over = take_over
    stored = opened()
    assert stored.login is None
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
        put("data/" + name, b"")

    class Watched(Rooted):
        @staticmethod
        def remove(path):
            removed.append(path.rsplit("/", 1)[1])
            os.remove(path)

    assert stored.is_locked()
    module.os = Watched
    stored.forget()
    assert removed == ["address", "key", "locked"]
    assert not stored.is_locked()
    stored.forget()  # may be done again
    assert listed("/data") == []
    before = stored.identity.box
    assert started().identity.box != before
