"""What was handed over, noted at once: a kill cannot make the next start hand it over again.

The outcome of a delivery reaches the database by a commit, under load tens of deliveries later. A receiver that is
killed in between would repeat them all. So a small file beside the database has a line before each delivery and one
after it. That costs two writes and no wait for the disk. What was written outlives the process (SIGKILL, a crash),
though not the machine's power.

What holds: after a kill a delivery is in doubt if its first line stands without the second; a plugin has one at a
time. It is done again and says so (`repeated`): a call for help is better heard twice than not at all. After a power
cut, whatever the file lost is done again without saying so: at most what was delivered since the last commit. A second
receiver on the same SQLite file finds the notes taken and does without; its alerts are safe, its kills not covered.
"""

import fcntl
import os
from collections import Counter
from pathlib import Path

from alertbox.receiver.log import JsonLog

_BEGIN, _DONE, _FAILED = "begin", "done", "failed"


class Notes:
    """The file at `path`. It is emptied whenever the database has caught up, so it holds one commit's worth."""

    def __init__(self, path: Path, log: JsonLog) -> None:
        self._path = path
        self._log = log
        self._file: int | None = None
        self._done: set[str] = set()
        self._doubtful: Counter[str] = Counter()  # begun, and neither done nor known to have failed

    def open(self) -> None:
        """Read the notes of the run before. If another receiver holds them, this one does without."""
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            self._log.warning("notes-taken", detail="another receiver runs on this database")
            return
        self._file = file
        for line in self._path.read_text().splitlines():
            word, _, key = line.partition(" ")
            self._read(word, key)

    def was_done(self, key: str) -> bool:
        """An earlier run did it."""
        return key in self._done

    def in_doubt(self, key: str) -> bool:
        """It was begun, and nobody knows how it ended."""
        return self._doubtful[key] > 0

    def begin(self, key: str) -> None:
        self._note(_BEGIN, key)

    def end(self, key: str, *, done: bool) -> None:
        """Not `done`: an error says that nothing was handed over."""
        self._note(_DONE if done else _FAILED, key)

    def clear(self) -> None:
        """The database says it all now, but for what is in doubt."""
        self._done.clear()
        if self._file is not None:
            os.ftruncate(self._file, 0)
            for key in self._doubtful:
                self._write(_BEGIN, key)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _note(self, word: str, key: str) -> None:
        self._read(word, key)
        self._write(word, key)

    def _read(self, word: str, key: str) -> None:
        if word == _BEGIN:
            self._doubtful[key] += 1
        elif word == _FAILED and self._doubtful[key] > 1:
            self._doubtful[key] -= 1
        else:
            del self._doubtful[key]
        if word == _DONE:
            self._done.add(key)

    def _write(self, word: str, key: str) -> None:
        if self._file is None:
            return
        try:
            os.write(self._file, f"{word} {key}\n".encode())
        except OSError as error:
            # A full disk must not keep a call for help from being delivered.
            self._log.error("notes-failed", reason=str(error))
