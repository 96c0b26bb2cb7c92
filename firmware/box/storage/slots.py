"""Two files that hold one payload: a write goes to the other one, so a power cut leaves the old or the new.

Each is a header and the payload. The one with the higher serial counts; the other is what was there before.
littlefs shows a file as it was until it is closed, and one that was never closed as empty.
"""

import os
import struct
from binascii import crc32
from errno import ENOENT

from box.errors import StorageError

_MAGIC = b"ABS1"
_HEADER = "<4sII"  # magic, serial, length of the payload; then the CRC-32 of both
_AT = 16  # where the payload begins


class Slots:
    """The files `path`.a and `path`.b."""

    def __init__(self, path: str):
        self._paths = (path + ".a", path + ".b")

    def read(self) -> list:
        """The payloads, the newest first; none if nothing was ever stored. StorageError if no file is undamaged."""
        found = self._valid()
        if not found and any(map(_size, self._paths)):
            raise StorageError("%s and .b are damaged; provision this box again" % self._paths[0])
        return [payload for _, _, payload in found]

    def load(self) -> "bytes | None":
        """The newest payload; None if nothing was ever stored. Raises StorageError as `read` does."""
        found = self.read()
        return found[0] if found else None

    def store(self, payload: bytes) -> None:
        """When this returns, the payload is on flash and has been read back. StorageError if flash fails."""
        found = self._valid()
        serial, path = (found[0][0] + 1, self._other(found[0][1])) if found else (1, self._paths[0])
        header = struct.pack(_HEADER, _MAGIC, serial, len(payload))
        header += struct.pack("<I", crc32(payload, crc32(header)))
        try:
            with open(path, "wb") as file:
                file.write(header)
                file.write(payload)
        except OSError as error:
            raise StorageError("%s cannot be written: %s" % (path, error))
        if _read(path) != (serial, payload):
            raise StorageError("%s does not hold what was written to it" % path)

    def erase(self) -> None:
        """Remove both, the older first: a power cut between the two leaves the newer. StorageError if flash fails."""
        newest = self._valid()[:1]
        first = self._other(newest[0][1]) if newest else self._paths[0]
        for path in (first, self._other(first)):
            try:
                os.remove(path)
            except OSError as error:
                if error.errno != ENOENT:
                    raise StorageError("%s cannot be removed: %s" % (path, error))

    def _other(self, path: str) -> str:
        return self._paths[path == self._paths[0]]

    def _valid(self) -> list:
        """(serial, path, payload) of each undamaged file, the newest first."""
        found = []
        for path in self._paths:
            one = _read(path)
            if one:
                found.append((one[0], path, one[1]))
        return sorted(found, reverse=True)


def _size(path: str) -> int:
    try:
        return os.stat(path)[6]
    except OSError:
        return 0


def _read(path: str) -> "tuple | None":
    """(serial, payload) of a file; None if it is missing, damaged or cannot be read."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    if len(data) < _AT:
        return None
    magic, serial, size = struct.unpack(_HEADER, data[: _AT - 4])
    payload = data[_AT:]
    checksum = struct.unpack("<I", data[_AT - 4 : _AT])[0]
    if magic != _MAGIC or size != len(payload) or checksum != crc32(payload, crc32(data[: _AT - 4])):
        return None
    return serial, payload
