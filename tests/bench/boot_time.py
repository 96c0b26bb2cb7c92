"""From the start of the process to `armed`: interpreter, compiling the sources, flash, key, button; and flash reads.

The chip starts from compiled files and takes other times for everything: no estimate for it is made from the time. What
it reads of its flash is counted on a virtual box that was installed as `alertbox flash` does.
"""

import statistics
import tempfile
import time
from pathlib import Path

import esp32
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from installed_box import LONG_LOG, install, read_bytes, reads_to_armed, reads_to_look, rewrite
from rows import Peer, Row
from scene import temporary_town

_BOOTS = 10


def rows() -> list[Row]:
    return [_time(), *_reads()]


def _time() -> Row:
    with temporary_town() as town, ReceiverThread(town) as receiver, VirtualBox(receiver) as box:
        times = []
        for _ in range(_BOOTS):
            box.power_cut()
            begin = time.monotonic()
            times.append(box.power_on().at - begin)
    median = Peer("median", statistics.median(times))
    return Row(f"boot to armed, unix port, longest of {_BOOTS}", max(times), "s", goal=0.2, peer=median)


def _reads() -> list[Row]:
    """With littlefs's log at its longest: of all starts, one of those that read most."""
    with tempfile.TemporaryDirectory(prefix="alertbox-bench-") as folder:
        install(Path(folder))
        with VirtualBox(folder=Path(folder), clock="stepped") as box:
            box.power_cut()
            rewrite(box, LONG_LOG)
            box.power_on()
            armed = reads_to_armed(box)
            reading_ms = esp32.flash_ms(armed, read_bytes(box), 0)
            look = reads_to_look(box)
    return [
        Row("flash reads to armed", armed, "reads", goal=8000),
        Row("flash reads to the first look at the button", look, "reads", goal=1500),
        Row("flash reading to armed, ESP32 estimate", reading_ms, "ms"),
    ]
