"""How fast the stepped clock runs: twenty minutes of an armed box in which nothing happens.

Most of it is the firmware's own: its buttons and its radio are looked at every 20 ms.
"""

import time

from alertbox.sim import VirtualBox
from rows import Row

_MINUTES = 20


def rows() -> list[Row]:
    with VirtualBox(clock="stepped") as box:
        begin = time.monotonic()
        box.advance(_MINUTES * 60 * 1000)
        seconds = time.monotonic() - begin
    return [Row(f"{_MINUTES} virtual minutes of the armed box", seconds, "s", goal=1.0)]
