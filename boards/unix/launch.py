"""Start the virtual ESP32: `micropython launch.py settings.json`.

Builds the chip, mounts its littlefs at `/` as the chip's own start-up does (the
host's files move to `/host`), then runs the same boot.py and main.py as the chip.
"""

import gc
import json
import sys

import vfs

gc.threshold(4096)  # as main.py does
with open(sys.argv[1]) as _file:
    settings = json.load(_file)
vfs.umount("/")
vfs.mount(vfs.VfsPosix("/"), "/host")
_root = "/host" + settings["root"]
sys.path[:] = [
    _root + "/boards/unix/modules",
    _root + "/boards/unix",
    _root + "/boards/" + settings["board"],
    _root + "/firmware",
    ".frozen",
]

from virtual import clock, nor  # noqa: E402 - the path above must come first
from virtual.chip import chip  # noqa: E402


def partition_rows(path):
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


def build():
    chip.clock = clock.SteppedClock() if settings["clock"] == "stepped" else clock.RealClock()
    chip.rtc = clock.RealTimeClock(chip.clock, settings["rtc"])
    chip.mac = bytes.fromhex(settings["mac"])
    chip.air = settings["air"]
    chip.dns = settings["dns"]
    chip.wifi_up = settings["wifi"]
    chip.reset_cause = settings["reset_cause"]
    chip.partitions = partition_rows(_root + "/boards/" + settings["board"] + "/partitions.csv")
    chip.flash = nor.open_file("/host" + settings["flash"])
    chip.flash.on_cut = lambda: chip.die("power cut")
    if chip.clock.stepped:
        from virtual import tasks  # it needs `time`, which needs the clock

        sys.modules["_asyncio"] = tasks


def mount():
    from esp32 import Partition

    device = Partition("vfs")
    try:
        filesystem = vfs.VfsLfs2(device)
    except OSError:
        vfs.VfsLfs2.mkfs(device)
        filesystem = vfs.VfsLfs2(device)
    vfs.mount(filesystem, "/")


def start():
    import asyncio

    import board
    from virtual import control, loop

    channel = control.Control(settings["control"], board.INPUTS)
    loop.install(channel.idle)
    for name, (number, active, _) in board.INPUTS.items():
        chip.pin(number).level = active if settings["inputs"].get(name) else 1 - active
    channel.send({"event": "on", "us": chip.clock.now_us(), "outputs": board.OUTPUTS})
    asyncio.create_task(channel.run())


build()
mount()
start()
try:
    __import__("boot")
    __import__("main")
except Exception as error:  # noqa: BLE001 - whatever ended the firmware belongs on its console
    sys.print_exception(error)
chip.die("main.py ended")
