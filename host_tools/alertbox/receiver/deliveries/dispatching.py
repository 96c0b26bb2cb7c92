"""Hand over what is stored, once.

The mark in the database follows a dispatch by a commit, and under load by tens of alerts. A receiver that is
killed in between would dispatch them all again. So each dispatch is noted at once in a small file beside the
database: its key before, the end of the line after. That costs two writes and no wait for the disk, and what was
written outlives the process (SIGKILL, a crash), though not the machine's power.

What holds: after a kill at most one dispatch is in doubt, the one whose line has no end. It is done again, and
says so (`repeated`): a call for help is better heard twice than not at all. After a power cut, whatever the file
lost is done again without saying so: at most what was dispatched since the last commit. A second receiver on the
same SQLite file finds the notes taken and does without; its alerts are safe, and its kills are not covered.
"""

import fcntl
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from alertbox.receiver.log import JsonLog
from alertbox.receiver.store.records import Silence, StoredAlert

Record = TypeVar("Record", StoredAlert, Silence)

# How a line ends: done; an error was raised, so nothing was dispatched; cut off, and not done again since.
_DONE, _FAILED, _DOUBT = "", "failed", "doubt"


class Notes:
    """The file. It is emptied whenever the database has caught up, so it holds one commit's worth."""

    def __init__(self, path: Path, log: JsonLog) -> None:
        self._path = path
        self._log = log
        self._file: int | None = None
        self._earlier: dict[str, str] = {}

    def open(self) -> None:
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            self._log.warning("notes-taken", detail="another receiver runs on this database")
            return
        self._file = file
        *whole, cut_off = self._path.read_text().split("\n")
        self._earlier = {key: ending for key, _, ending in (line.partition(" ") for line in whole)}
        if cut_off:
            self._earlier[cut_off] = _DOUBT
            self.end(_DOUBT)

    def done(self, key: str) -> bool:
        """An earlier run did it."""
        return self._earlier.get(key) == _DONE

    def in_doubt(self, key: str) -> bool:
        """An earlier run began it, and was killed."""
        return self._earlier.get(key) == _DOUBT

    def begin(self, key: str) -> None:
        self._write(key)

    def end(self, ending: str) -> None:
        self._write(f" {ending}\n" if ending else "\n")

    def clear(self) -> None:
        """The database says it all now."""
        if self._file is not None:
            os.ftruncate(self._file, 0)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, text: str) -> None:
        if self._file is None:
            return
        try:
            os.write(self._file, text.encode())
        except OSError as error:
            # A full disk must not keep a call for help from being dispatched.
            self._log.error("notes-failed", reason=str(error))


class Dispatching:
    """`mark(record)` queues the database's mark. The hooks are another's code; they must not block."""

    def __init__(self, notes: Notes, mark: Callable[[StoredAlert | Silence], None], log: JsonLog) -> None:
        self._notes = notes
        self._mark = mark
        self._log = log

    def hand_over(self, record: Record, hook: Callable[[Record], None]) -> Record | None:
        """Call the hook; what it was given, or None if it failed: then the next start tries again."""
        key = _key(record)
        if self._notes.in_doubt(key):
            record = replace(record, repeated=True)
        self._notes.begin(key)
        try:
            hook(record)
        except Exception as error:  # noqa: BLE001 - another's code: its fault must not stop the receiver
            self._notes.end(_FAILED)
            self._log.error("dispatch-failed", box=record.box, sequence=record.sequence, reason=repr(error))
            return None
        fields = {"repeated": True} if record.repeated else {}
        if isinstance(record, StoredAlert) and record.test:
            fields["test"] = True
        self._log.info("dispatched", box=record.box, sequence=record.sequence, what=_what(record), **fields)
        self._notes.end(_DONE)
        self._mark(record)
        return record

    def was_done(self, record: StoredAlert | Silence) -> bool:
        """An earlier run handed it over and did not live to mark it: it is marked now."""
        done = self._notes.done(_key(record))
        if done:
            self._mark(record)
        return done


def _what(record: StoredAlert | Silence) -> str:
    return "silence" if isinstance(record, Silence) else "alert"


def _key(record: StoredAlert | Silence) -> str:
    return f"{_what(record)}/{record.box}/{record.sequence}"
