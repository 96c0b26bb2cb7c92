"""`network` of the virtual ESP32: a Wi-Fi station.

Which access points there are, with their keys, the host says, and whether all of them are up. Joining one takes a
little while, and like the chip the station rejoins by itself. Where its DNS server's address leads, `socket` says.
Not modelled: what a weak signal does, hidden networks, WPA3 and enterprise networks, power saving, DHCP; a wrong
key is found out as fast as a right one.
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
_SCAN_MS = 1500  # 13 channels for 120 ms each, in which nothing else runs
_CONFIGURATION = ("192.0.2.20", "255.255.255.0", "192.0.2.1", "192.0.2.53")  # address, mask, gateway, DNS
_UNCONFIGURED = ("0.0.0.0",) * 4


class WLAN:
    IF_STA = 0
    PM_NONE = 0
    PM_PERFORMANCE = 1
    SEC_OPEN = 0
    SEC_WPA2 = 3

    def __init__(self, interface_id=STA_IF):
        self._active = False
        self._wanted = False
        self._ssid = self._key = ""
        self._since = None  # when it began to join what it has or will have joined

    def active(self, is_active=None):
        if is_active is None:
            return self._active
        if is_active and chip.faults.get("radio"):
            raise RuntimeError("Wifi Unknown Error 0x0101")  # ESP_ERR_NO_MEM
        self._active = bool(is_active)
        return None

    def _must_run(self):
        if not self._active:
            raise OSError("Wifi Not Started")

    def connect(self, ssid=None, key=None, *, bssid=None):
        self._must_run()
        if ssid is not None:
            self._ssid, self._key = ssid, key or ""
        self._wanted = True
        self._since = None

    def disconnect(self):
        self._must_run()
        self._wanted = False

    def isconnected(self):
        return self._state() == STAT_GOT_IP

    def status(self, param=None):
        state = self._state()
        if param == "rssi":
            return _rssi([ssid for ssid, _ in chip.networks].index(self._ssid)) if state == STAT_GOT_IP else 0
        return state

    def ifconfig(self):
        return _CONFIGURATION if self.isconnected() else _UNCONFIGURED

    def config(self, param=None, **settings):
        return {"mac": chip.mac, "ssid": self._ssid}.get(param)

    def scan(self):
        """(ssid, bssid, channel, RSSI, security, hidden) of each, in no order."""
        if not self._active:
            raise OSError("STA must be active")
        chip.stall(_SCAN_MS)
        found = []
        for place, (ssid, key) in enumerate(chip.networks if chip.wifi_up else ()):
            bssid = bytes([2, 0, 0, 0, 0, place])
            security = WLAN.SEC_WPA2 if key else WLAN.SEC_OPEN
            found.append((ssid.encode(), bssid, 1 + 5 * place % 13, _rssi(place), security, False))
        return found[::-1]

    def _state(self):
        chip.fail("wlan")
        state = self._verdict()
        if state != STAT_CONNECTING:
            self._since = None
            return state
        if self._since is None:
            self._since = time.ticks_ms()
        joined = time.ticks_diff(time.ticks_ms(), self._since) >= _JOIN_MS
        return STAT_GOT_IP if joined else STAT_CONNECTING

    def _verdict(self):
        if not (self._active and self._wanted):
            return STAT_IDLE
        keys = [key for ssid, key in chip.networks if ssid == self._ssid and chip.wifi_up]
        if not keys:
            return STAT_NO_AP_FOUND
        return STAT_CONNECTING if keys[0] == self._key else STAT_WRONG_PASSWORD


def _rssi(place):
    """dBm of an access point: the first of the table is the nearest."""
    return -50 - 7 * place
