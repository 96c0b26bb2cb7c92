"""Bring the real box to `armed` in steps, so that the heap can be read between them. Runs on both ports.

Around it the virtual chip, before the first reading: pins, flash cells and clock are hardware. Without Wi-Fi, so that
no connection is under way; enrolled, so that every task of a box in service runs.
"""

import os
import random
import sys

_kept = []  # what main.py leaves in the heap before the application is loaded


class _Ram:
    """A block device in RAM, for littlefs."""

    def __init__(self, blocks):
        self._cells = bytearray(4096 * blocks)

    def ioctl(self, op, arg):
        return {4: len(self._cells) // 4096, 5: 4096}.get(op, 0)

    def readblocks(self, block, buf, offset=0):
        at = block * 4096 + offset
        buf[:] = memoryview(self._cells)[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        at = block * 4096 + offset
        self._cells[at : at + len(buf)] = buf


def chip(rows, cells):
    """The hardware: `rows` of the partition table, on `cells` bytes of flash. Imports what the image has."""
    from virtual import clock, nor
    from virtual.chip import chip

    chip.clock = clock.RealClock()
    chip.rtc = clock.RealTimeClock(chip.clock, 0)
    chip.wifi_up = False
    chip.notify = lambda event: None
    chip.partitions = [tuple(row) for row in rows]
    blank = bytearray(cells)
    for i in range(cells):
        blank[i] = 0xFF
    chip.flash = nor.NorFlash(blank)
    if not hasattr(os, "urandom"):  # the 32-bit port
        os.urandom = lambda count: bytes([random.getrandbits(8) for _ in range(count)])
    for name in ("array", "binascii", "errno", "esp32", "gc", "hashlib", "json", "machine", "network"):
        __import__(name)
    for name in ("select", "socket", "ssl", "struct", "time", "asyncio"):
        __import__(name)


def littlefs(blocks):
    """A fresh littlefs at `/`; the host's files move to `/host`."""
    import vfs

    device = _Ram(blocks)
    vfs.VfsLfs2.mkfs(device)
    return device


def mount(device):
    import vfs

    vfs.umount("/")
    vfs.mount(vfs.VfsPosix("/"), "/host")
    vfs.mount(vfs.VfsLfs2(device), "/")


def put(files):
    """The enrolment, {name: hex}."""
    os.mkdir("/data")
    for name in files:
        with open("/" + name, "wb") as file:
            file.write(bytes.fromhex(files[name]))


def load(names):
    """Every module of the application, as main.py loads them. `names`: the first line of its bundle, which stays."""
    if sys.platform == "webassembly":
        _as_on_a_chip()
    _kept.append(__import__("bundle"))
    _kept.append(__import__("json").loads(names))
    __import__("box.app")
    if sys.platform == "webassembly":
        # Nobody types; that port's asyncio cannot wait for a stream.
        sys.modules["box.console.serial"]._readable = lambda stream: sys.modules["asyncio"].Event().wait()


def compile_all(sources):
    """The code of {module: source}, as a frozen image has it in flash."""
    return [(name, compile(sources[name], name, "exec")) for name in sources]


def run_all(codes):
    """What running the modules makes: globals, functions and classes, which a frozen image has in the heap as well.

    `load` came before, so that what they import is there.
    """
    made = []
    for name, code in codes:
        made.append({"__name__": name})
        exec(code, made[-1])
    return made


class _Errno:
    """That port's files speak of a missing file with the host's number, 44."""

    ENOENT = 44

    def __getattr__(self, name):
        return getattr(_errno, name)


_errno = __import__("errno")


def _as_on_a_chip():
    sys.modules["errno"] = _Errno()


def arm():
    """Start the box; the caller lets the loop run."""
    return sys.modules["asyncio"].create_task(sys.modules["box.app"].Box().run())
