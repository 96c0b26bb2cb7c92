"""`socket` of the virtual ESP32: every address leads to the host's end of the radio, over UDP to its DNS server.

With Wi-Fi down nothing can be addressed and connections hang, as on the chip.
Not modelled: names (the chip looks them up with the whole box standing still, so the firmware must not ask),
addresses where nobody is, listening sockets, lwIP's limit of sockets.
"""

import asyncio.core as core

import usocket
from usocket import *  # noqa: F403 - extends the unix port's own module, which this one shadows
from virtual.chip import chip

_UNRESOLVED = -202  # lwIP's answer when there is no network


def getaddrinfo(host, port, af=0, type=0, proto=0, flags=0):
    chip.fail("socket")
    if not chip.wifi_up or host.strip("0123456789."):
        raise OSError(_UNRESOLVED)
    if type == usocket.SOCK_DGRAM:
        core._io_queue.written = True  # what a datagram brings, loop.py cannot foresee: it has to wait for it
        return usocket.getaddrinfo("127.0.0.1", chip.dns, af, type)
    return usocket.getaddrinfo("127.0.0.1", chip.air, af, type or usocket.SOCK_STREAM)
