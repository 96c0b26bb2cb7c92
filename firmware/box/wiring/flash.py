"""What the box finds on flash at its start, opened in the order that a press needs it.

A fault leaves the box armed with what is sound: without settings it has the defaults, without an enrolment it
journals and waits. `fault` then tells the technician.
"""

import os

from esp32 import Partition

from box.core import conditions, config
from box.errors import StorageError
from box.log import Log
from box.storage import identity
from box.storage.bip_counters import BipCounters
from box.storage.documents import EnrolmentStore, Settings, take_over
from box.storage.events import EventLog
from box.storage.folder_flash import FolderFlash
from box.storage.journal import Journal
from box.storage.plan import Plan
from box.storage.slots import Slots

# What is written in service has a folder of its own. littlefs adds each change to its folder's log, and whoever looks
# for a file there reads all of it: in the root, that made a start read main.py's name 400 times instead of 30.
_FOLDER = "/data"
_SETTINGS, _ENROLMENT = _FOLDER + "/settings", _FOLDER + "/enrolment"
KEY_FILE = _FOLDER + "/key"
ADDRESS_FILE = _FOLDER + "/address"
LOCK_FILE = _FOLDER + "/locked"
_MOVED = ("settings.a", "settings.b", "enrolment.a", "enrolment.b", "key", "address", "locked")  # once in the root

# Conditions that the event log tells of: the events of their begin and end.
_EVENTS = {
    conditions.PATH_LOST: (EventLog.LINK_DOWN, EventLog.LINK_UP),
    conditions.JAMMED: (EventLog.JAMMING, EventLog.JAMMING),
}

_log = Log("flash")


def _flash(label: str, blocks: int):
    """The raw partition `label`, or a folder of `blocks` blocks where the partition table has none."""
    found = Partition.find(Partition.TYPE_DATA, label=label)
    if found:
        return found[0]
    _log.warning("no such partition, using a folder", label=label)
    return FolderFlash("/" + label, blocks)


def _tidy() -> None:
    """Make the folder, and move in what is still in the root: a power cut in between leaves the rest for next time."""
    try:
        there = [entry[0] for entry in os.ilistdir("/")]
        if _FOLDER[1:] not in there:
            os.mkdir(_FOLDER)
        for name in _MOVED:
            if name in there:
                os.rename("/" + name, _FOLDER + "/" + name)
    except OSError as error:
        raise StorageError("%s cannot be filled: %s" % (_FOLDER, error))


class Stored:
    """`settings`, `enrolment`: the stores; `login`: what the latter holds, None if nothing that can be used.

    `journal`, `identity`, `events`, `plan`, `counters` (the bips', not recovered yet) are there once they are opened.
    """

    def __init__(self, clock, status) -> None:
        self._clock = clock
        self._status = status
        self.settings = Settings(Slots(_SETTINGS))
        self.enrolment = EnrolmentStore(Slots(_ENROLMENT))
        self._new_key = False

    def open_documents(self) -> dict:
        """The settings, filled; the defaults if they cannot be used. What an older version left is moved in first."""
        self._try(_tidy)
        self._try(lambda: take_over(self.settings, self.enrolment))
        self.login = self._try(self.enrolment.load)
        return config.fill(self._try(self.settings.load) or config.default())

    @property
    def is_new(self) -> bool:
        """Nobody has enrolled it: what is pressed reaches its receiver later, and must not call people then.

        One whose enrolment cannot be read any more is not new: it has been in service.
        """
        return self.login is None and not self._status.is_on(conditions.STORED)

    def open_journal(self) -> None:
        self.journal = Journal(_flash("journal", 32))
        self.journal.recover()

    def open_rest(self, random, reset_cause: int) -> None:
        """What the alerts of a journal that is open need. `random` is only random with the radio on."""
        self._open_identity(random)
        self.events = EventLog(_flash("events", 16))
        self.events.recover(self.journal.highest_boot, "reset %d" % reset_cause)
        if self._new_key:
            self.events.record(None, 0, self.events.KEY_MADE)
        self._clock.start_at(max(self.events.last_utc, self.login.issued if self.login else 0))
        self.counters = BipCounters(_flash("bips", 8), self.identity.box)
        plan = _flash("plan", 8)
        self.plan = Plan(plan, self.identity.box)
        self.plan.recover()
        self._status.set(conditions.OLD_TABLE, isinstance(plan, FolderFlash))

    def _open_identity(self, random) -> None:
        """Load the key, or make one."""
        known = identity.load(KEY_FILE)
        if known is not None and self.journal.holds(known.box):
            self.identity = known
            return
        if known is not None or not self.journal.fresh:
            _log.error("key and journal do not belong together: new key, enrol this box again")
        self.identity = identity.make(KEY_FILE, random)
        self.journal.format(self.identity.box)
        self._new_key = True

    def condition(self, row: int, on: bool) -> None:
        if row in _EVENTS:
            begins, ends = _EVENTS[row]
            self.note(begins if on else ends, "" if begins != ends else "begun" if on else "over")

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
            self._status.set(conditions.STORED, True, str(error))
            return None


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True
