"""What the box finds on flash at its start, opened in the order that a press needs it.

A fault leaves the box armed with what is sound: without settings it has the defaults, without an enrolment it
journals and waits. `fault` then tells the technician.
"""

import os

from box.core import config
from box.errors import StorageError
from box.log import Log
from box.storage import identity
from box.storage.bip_counters import BipCounters
from box.storage.documents import EnrolmentStore, Settings, take_over
from box.storage.events import EventLog
from box.storage.folder_flash import FolderFlash
from box.storage.journal import Journal
from box.storage.slots import Slots
from esp32 import Partition

KEY_FILE = "/key"
ADDRESS_FILE = "/address"
LOCK_FILE = "/locked"

_log = Log("startup")


def _flash(label: str, blocks: int):
    """The raw partition `label`, or a folder of `blocks` blocks where the partition table is not ours."""
    found = Partition.find(Partition.TYPE_DATA, label=label)
    if found:
        return found[0]
    _log.warning("no such partition, using a folder: for development only", label=label)
    return FolderFlash("/" + label, blocks)


class Stored:
    """`settings`, `enrolment`: the stores; `fault`: None or a sentence.

    `journal`, `identity`, `events`, `counters` (the bips', not recovered yet) are there once they are opened.
    """

    def __init__(self, clock) -> None:
        self._clock = clock
        self.settings = Settings(Slots("/settings"))
        self.enrolment = EnrolmentStore(Slots("/enrolment"))
        self.fault: "str | None" = None
        self.new_key = False

    def take_over(self) -> None:
        """Move in what an older version left."""
        self._try(lambda: take_over(self.settings, self.enrolment))

    def load_settings(self) -> dict:
        """The settings, filled; the defaults if they cannot be used."""
        return config.fill(self._try(self.settings.load) or config.default())

    def load_enrolment(self):
        return self._try(self.enrolment.load)

    def open_journal(self) -> None:
        self.journal = Journal(_flash("journal", 32))
        self.journal.recover()

    def open_identity(self, random) -> None:
        """Load the key or make one; `random` is only random with the radio on. The journal is open."""
        known = identity.load(KEY_FILE)
        if known is not None and self.journal.holds(known.box):
            self.identity = known
            return
        if known is not None or not self.journal.fresh:
            _log.error("key and journal do not belong together: new key, enrol this box again")
        self.identity = identity.make(KEY_FILE, random)
        self.journal.format(self.identity.box)
        self.new_key = True

    def open_events(self, reset_cause: int) -> None:
        self.events = EventLog(_flash("events", 16))
        self.events.recover(self.journal.highest_boot, "reset %d" % reset_cause)
        if self.new_key:
            self.events.record(None, 0, self.events.KEY_MADE)

    def open_counters(self) -> None:
        self.counters = BipCounters(_flash("bips", 8), self.identity.box)

    def note(self, code: int, detail: str = "") -> None:
        """Write an event that the box can do without."""
        try:
            self.events.record(self._clock.utc_to_save(), self._clock.uptime_s(), code, detail)
        except StorageError as error:
            _log.error("an event is not on flash", reason=error)

    @staticmethod
    def is_locked() -> bool:
        return _exists(LOCK_FILE)

    def forget(self) -> None:
        """Back to how it left the factory, with a new key at the next start.

        The mark of the lock goes last: a power cut in between leaves a locked box.
        """
        self.settings.erase()
        self.enrolment.erase()
        for path in (ADDRESS_FILE, KEY_FILE, LOCK_FILE):
            if _exists(path):
                os.remove(path)

    def _try(self, load):
        try:
            return load()
        except StorageError as error:
            _log.error("not usable", reason=error)
            self.fault = str(error)
            return None


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True
