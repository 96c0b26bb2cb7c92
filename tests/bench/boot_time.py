"""From the start of the process to `armed`: interpreter, compiling the sources, flash, key, button.

The chip starts from compiled files and takes other times for everything: no estimate for it is made from this.
"""

import statistics
import time

from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from rows import Peer, Row
from scene import temporary_town

_BOOTS = 10


def rows() -> list[Row]:
    with temporary_town() as town, ReceiverThread(town) as receiver, VirtualBox(receiver) as box:
        times = []
        for _ in range(_BOOTS):
            box.power_cut()
            begin = time.monotonic()
            times.append(box.power_on().at - begin)
    median = Peer("median", statistics.median(times))
    return [Row(f"boot to armed, unix port, longest of {_BOOTS}", max(times), "s", goal=0.5, peer=median)]
