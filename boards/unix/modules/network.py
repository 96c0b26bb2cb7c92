"""`network` of the virtual ESP32: a Wi-Fi station.

Not modelled: radio strength, channels, authentication, power saving, DHCP.
The access point is up or down as the control channel says; joining it takes
a little while, and like the chip the station rejoins by itself. Where its DNS
server's address leads, `socket` says.
"""

import time

from virtual.chip import chip

STA_IF = 0
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202

_JOIN_MS = 50
_CONFIGURATION = ("192.0.2.20", "255.255.255.0", "192.0.2.1", "192.0.2.53")  # address, mask, gateway, DNS
_UNCONFIGURED = ("0.0.0.0",) * 4


class WLAN:
    IF_STA = 0
    PM_NONE = 0
    PM_PERFORMANCE = 1

    def __init__(self, interface_id=STA_IF):
        self._active = False
        self._wanted = False
        self._up_since = None

    def active(self, is_active=None):
        if is_active is None:
            return self._active
        self._active = bool(is_active)
        return None

    def connect(self, ssid=None, key=None, *, bssid=None):
        self._wanted = True
        self._up_since = None

    def disconnect(self):
        self._wanted = False

    def isconnected(self):
        chip.fail("wlan")
        if not (self._active and self._wanted and chip.wifi_up):
            self._up_since = None
            return False
        if self._up_since is None:
            self._up_since = time.ticks_ms()
        return time.ticks_diff(time.ticks_ms(), self._up_since) >= _JOIN_MS

    def status(self, param=None):
        if self.isconnected():
            return -50 if param == "rssi" else STAT_GOT_IP
        if not self._wanted:
            return STAT_IDLE
        return STAT_CONNECTING if chip.wifi_up else STAT_NO_AP_FOUND

    def ifconfig(self):
        return _CONFIGURATION if self.isconnected() else _UNCONFIGURED

    def config(self, param=None, **settings):
        return chip.mac if param == "mac" else None
