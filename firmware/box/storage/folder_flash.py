"""A block device in a folder, for development boards without our partitions.

The stock image's partition table has no raw partitions. There, each 4 KiB block
is a file, blank when missing, and littlefs makes each change atomic. It wears
the flash far more than a raw partition: the box says so in its log.
"""

import os

_BLOCK = 4096


class FolderFlash:
    """NOR semantics as `esp32.Partition`: programming only clears bits."""

    def __init__(self, folder: str, blocks: int):
        self._folder = folder
        self._blocks = blocks
        try:
            os.mkdir(folder)
        except OSError:
            pass  # it is there already; if not, the first write says so

    def _path(self, block: int) -> str:
        return "%s/%d" % (self._folder, block)

    def ioctl(self, op: int, arg: int = 0) -> int:
        if op == 4:
            return self._blocks
        if op == 5:
            return _BLOCK
        if op == 6:
            try:
                os.remove(self._path(arg))
            except OSError:
                pass  # blank already
        return 0

    def readblocks(self, block: int, buf: bytearray, offset: int = 0) -> None:
        for i in range(len(buf)):
            buf[i] = 0xFF
        try:
            with open(self._path(block), "rb") as file:
                file.seek(offset)
                file.readinto(buf)
        except OSError:
            pass  # a missing block is blank

    def writeblocks(self, block: int, buf: bytes, offset: int) -> None:
        old = bytearray(len(buf))
        self.readblocks(block, old, offset)
        for i in range(len(buf)):
            old[i] &= buf[i]
        try:
            file = open(self._path(block), "r+b")
        except OSError:
            file = open(self._path(block), "w+b")
        with file:
            # littlefs fills a gap before `offset` with zeros, which would read as programmed.
            end = file.seek(0, 2)
            while end < offset:
                end += file.write(b"\xff" * min(128, offset - end))
            file.seek(offset)
            file.write(old)
