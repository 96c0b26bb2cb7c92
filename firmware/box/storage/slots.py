"""Two files that hold one payload: a write takes the place of the older, so a power cut leaves the old or the new.

Each is a header and the payload. The one with the higher serial counts; the other is what was there before.
littlefs shows a file as it was until it is closed, and one that was never closed as empty.
"""

import os
import struct
from binascii import crc32
from errno import ENOENT

from box.core.steps import finish
from box.errors import StorageError

_MAGIC = b"ABS1"
_HEADER = "<4sII"  # magic, serial, length of the payload; then the CRC-32 of both
_AT = 16  # where the payload begins
_LOOK = 256  # bytes read at a time
_STEP = 2048  # bytes written at a time: half a block, so one erase at most


class Slots:
    """The files `path`.a and `path`.b; what is being written is in `path`.new, or in .too while that is, too."""

    def __init__(self, path: str):
        self._new, self._too = path + ".new", path + ".too"
        self._paths = (path + ".a", path + ".b")

    def read(self) -> list:
        """The payloads, the newest first; none if nothing was ever stored. StorageError if no file is undamaged."""
        found = self._valid(True)
        if not found and any(map(_size, self._paths)):
            raise StorageError("%s and .b are damaged; provision this box again" % self._paths[0])
        return [payload for _, _, payload in found]

    def load(self) -> "bytes | None":
        """The newest payload; None if nothing was ever stored. Raises StorageError as `read` does."""
        found = self.read()
        return found[0] if found else None

    def store(self, payload: bytes) -> None:
        """When this returns, the payload is on flash and has been read back. StorageError if flash fails."""
        finish(self.store_steps(payload))

    def store_steps(self, payload: bytes):
        """`store` in steps. StorageError also if something else was stored between them."""
        serial, path = place = self._next()
        new = self._new
        self._new, self._too = self._too, new
        header = struct.pack(_HEADER, _MAGIC, serial, len(payload))
        header += struct.pack("<I", crc32(payload, crc32(header)))
        try:
            with open(new, "wb") as file:
                file.write(header)
                for at in range(0, len(payload), _STEP):
                    yield
                    file.write(payload[at : at + _STEP])
            yield
            # Its checksum is of the payload that was to be written, whatever was.
            if not _read(new, False):
                raise StorageError("%s does not hold what was written to it" % new)
            yield
            if self._next() != place:
                raise StorageError("something else was stored meanwhile; try again")
            os.rename(new, path)
        except OSError as error:
            raise StorageError("%s cannot be written: %s" % (path, error))

    def erase(self) -> None:
        """Remove both, the older first: a power cut between the two leaves the newer. StorageError if flash fails."""
        newest = self._valid()[:1]
        first = self._other(newest[0][1]) if newest else self._paths[0]
        for path in (self._new, self._too, first, self._other(first)):
            try:
                os.remove(path)
            except OSError as error:
                if error.errno != ENOENT:
                    raise StorageError("%s cannot be removed: %s" % (path, error))

    def _next(self) -> tuple:
        """(serial, path) of the next write."""
        found = self._valid()
        return (found[0][0] + 1, self._other(found[0][1])) if found else (1, self._paths[0])

    def _other(self, path: str) -> str:
        return self._paths[path == self._paths[0]]

    def _valid(self, whole: bool = False) -> list:
        """(serial, path, payload) of each undamaged file, the newest first."""
        found = []
        for path in self._paths:
            one = _read(path, whole)
            if one:
                found.append((one[0], path, one[1]))
        return sorted(found, reverse=True)


def _size(path: str) -> int:
    try:
        return os.stat(path)[6]
    except OSError:
        return 0


def _read(path: str, whole: bool) -> "tuple | None":
    """(serial, payload) of a file; None if it is missing, damaged or cannot be read.

    The payload is left out, and takes no memory, where not the `whole` is wanted.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_AT)
            payload = part = file.read() if whole else b""
            if len(head) < _AT:
                return None
            magic, serial, left = struct.unpack(_HEADER, head[: _AT - 4])
            checksum = crc32(head[: _AT - 4])
            while True:
                checksum = crc32(part, checksum)
                left -= len(part)
                part = file.read(_LOOK)
                if not part:
                    break
    except OSError:
        return None
    is_right = magic == _MAGIC and not left and struct.pack("<I", checksum) == head[_AT - 4 :]
    return (serial, payload) if is_right else None
