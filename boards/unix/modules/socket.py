"""`socket` of the virtual ESP32: every address leads to the host's end of the radio.

With Wi-Fi down names do not resolve and connections hang, as on the chip.
Not modelled: DNS over UDP, listening sockets, lwIP's limit of sockets.
"""

import usocket
from usocket import *  # noqa: F403 - extends the unix port's own module, which this one shadows
from virtual.chip import chip

_UNRESOLVED = -202  # lwIP's answer when there is no network


def getaddrinfo(host, port, af=0, type=0, proto=0, flags=0):
    if not chip.wifi_up:
        raise OSError(_UNRESOLVED)
    return usocket.getaddrinfo("127.0.0.1", chip.air, af, type or usocket.SOCK_STREAM)
