"""What the chip's own start-up does: flash and filesystem, then boot.py, then main.py.

A main.py in the box's filesystem was put there by a person: it and what lies beside it
is the whole application then, as on the chip. Without one, the sources of this repository are.
"""

import os
import sys

import vfs

from virtual import clock, nor
from virtual.chip import chip

# How a start goes on after boot.py: a host tool that soft-resets from the raw prompt wants no main.py.
MAIN, PROMPT, RAW = "main", "prompt", "raw"


def start(settings):
    board = "/host/boards/" + settings["board"]
    _build(settings, board)
    _mount()
    if not _exists("/main.py"):
        sys.path[3:3] = [board, "/host/firmware"]
    _connect(settings, board)
    from virtual import control

    __import__("boot")
    try:
        if settings["start"] == MAIN:
            __import__("main")
    finally:
        control.mark("prompt")
        if settings["start"] == RAW:
            control.mark("raw")  # the friendly prompt that comes now is for no eyes but the host's


def _build(settings, board):
    chip.clock = clock.SteppedClock() if settings["clock"] == "stepped" else clock.RealClock()
    chip.rtc = clock.RealTimeClock(chip.clock, settings["rtc"])
    chip.mac = bytes.fromhex(settings["mac"])
    chip.air = settings["air"]
    chip.dns = settings["dns"]
    chip.wifi_up = settings["wifi"]
    chip.networks = settings["networks"]
    chip.interrupt_index = settings["interrupt_index"]
    chip.reset_cause = settings["reset_cause"]
    chip.partitions = _partition_rows(board + "/partitions.csv")
    cells = vfs.VfsPosix("/")  # mounted nowhere, so that no path leads to the cells but the flash itself
    chip.flash = nor.open_file(settings["flash"], lambda path, mode, *_: cells.open(path, mode))
    chip.flash.on_cut = lambda: chip.die("power cut")
    if chip.clock.stepped:
        from virtual import tasks  # it needs `time`, which needs the clock

        sys.modules["_asyncio"] = tasks
    from modules import micropython

    sys.modules["micropython"] = micropython  # a built-in module wins over the path, but not over this


def _partition_rows(path):
    """Rows of a partition table in ESP-IDF's CSV form, as Partition.info() gives them."""
    types = {"app": 0, "data": 1}
    subtypes = {"factory": 0, "nvs": 2, "phy": 1}
    rows = []
    with open(path) as table:
        for line in table:
            fields = [field.strip() for field in line.split("#")[0].split(",")]
            if len(fields) >= 5:
                name, kind, subtype, offset, size = fields[:5]
                number = subtypes[subtype] if subtype in subtypes else int(subtype, 0)
                rows.append((types[kind], number, int(offset, 0), int(size, 0), name, False))
    return rows


def _mount():
    from esp32 import Partition

    device = Partition("vfs")
    try:
        filesystem = vfs.VfsLfs2(device)
    except OSError:
        vfs.VfsLfs2.mkfs(device)
        filesystem = vfs.VfsLfs2(device)
    vfs.mount(filesystem, "/")


def _exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _connect(settings, board):
    """Wire the pins to the world: as the board has them, whatever board.py the application brings."""
    import asyncio

    from virtual import control, loop, sleep

    names = {}
    with open(board + "/board.py") as source:
        exec(source.read(), names)
    channel = control.Control(settings["control"], names["INPUTS"])
    loop.install(channel.idle)
    for name, (number, active, _) in names["INPUTS"].items():
        chip.pin(number).level = active if settings["inputs"].get(name) else 1 - active
    chip.battery_row = names.get("BATTERY")
    chip.battery(settings["battery_mv"])
    channel.send({"event": "on", "us": chip.clock.now_us(), "outputs": names["OUTPUTS"]})
    if settings["carry"]:
        sleep.take_over(settings["carry"])
    asyncio.create_task(channel.run())
