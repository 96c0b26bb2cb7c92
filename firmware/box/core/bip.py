"""A bip that is bound: one record of all that is known of it.

Pure. One object, since a chip's heap pays for each: what its parts keep stands here, and bip_guard, bip_gesture,
bip_faults and storage/bip_counters.py work on it. Defaults are on the class; a bip takes room only for what differs.
"""

import hashlib
from binascii import unhexlify

# Kinds of bips: how long a hold is kept back, in milliseconds, until it is sure that no press follows.
# A `switch` says that it is held at the begin of every press (Shelly's Wall Switch 4 and RC Button 4 do), a `button`
# once it has been held. An `auto` is a switch if it has several buttons, as those have.
KINDS: dict = {"auto": None, "button": 0, "switch": 1500}
# Beside the gestures, and on flash: a hold that is not told yet; a press was told although its counter had fallen.
KEPT_BACK, FELL = 5, 6


class Bip:
    """`row`: its item in the settings; `meanings`: gesture -> kind of alert (see policy). `mac`: 6 bytes, as printed;
    `key`: 16 bytes, or none: then anybody can imitate it. Times are milliseconds; None: never."""

    kind = "auto"
    supervision_ms = 0  # silence that is a fault; 0: none

    # On flash, by storage/bip_counters.py; -1: none.
    last = -1  # the counter that was accepted last; after a start the one that flash has
    reserved = -1  # up to here presence is let through without a write
    position = -1  # of the newest record
    fell = -1  # the counter of the last press that was told although its counter had fallen
    newest = 0  # what the newest record tells: a gesture, KEPT_BACK, FELL, or 0

    # bip_guard
    rssi: "int | None" = None  # dBm of the last packet from its address, genuine or not
    presses = 0  # since the start, and likewise:
    refused = 0
    proven = False  # something has been let through since the start, so that `reserved` is of no more account
    unproven = -1  # highest counter that may be new or not
    stale = -1  # of the last packet with a right seal that was not let through, or of the one before the last that was
    told_ms: "int | None" = None  # the last press that was told although its counter had fallen
    pairing_ms: "int | None" = None
    believed_ms: "int | None" = None  # of a bip without a key
    tries = 0  # to open a packet, in vain, within a second from here on
    tries_ms: "int | None" = None

    # bip_gesture
    holds = 0  # buttons whose hold is kept back, as bits
    begun_ms = 0  # the first of these, and the last
    hold_ms = 0
    held_ms: "int | None" = None
    pressed_ms: "int | None" = None

    # bip_faults
    percent: "int | None" = None  # of its battery
    battery_low = False
    suspected = 0
    suspicions = 0
    suspicion_ms = 0
    fallen_ms: "int | None" = None  # the last packet whose counter had fallen
    faults = 0  # as of the last look

    def __init__(self, row: dict, meanings: bytes, now_ms: int):
        self.number = row["id"]
        self.name = row["name"]
        self.mac = unhexlify(row["mac"])
        self.key = unhexlify(row.get("key", ""))
        self.meanings = meanings
        self.alive_ms = now_ms  # the last sign of life, or since when it could have given one
        # Only what differs from the class's takes room.
        if row.get("kind", "auto") != "auto":
            self.kind = row["kind"]
        if row.get("supervision_s", 0):
            self.supervision_ms = row["supervision_s"] * 1000

    @property
    def heard_ms(self) -> "int | None":
        """The last packet that was let through."""
        return self.alive_ms if self.proven else None

    def fingerprint(self) -> bytes:
        """Eight bytes that stand for this bip under this key, so that no other one inherits its counters."""
        digest: bytes = hashlib.sha256(self.mac + self.key).digest()
        return digest[:8]


class Bips:
    """The bips by address. Most of what the radio hears is foreign: that is dropped here, without any allocation."""

    def __init__(self, bips: list):
        self._bips: dict = {}
        for bip in bips:
            place = _tail(bip.mac)
            while place in self._bips:  # another one's address ends alike
                place += 1
            self._bips[place] = bip

    def find(self, address: bytes) -> "Bip | None":
        """The bip with this address (6 bytes or a view of them), or None."""
        place = _tail(address)
        while place in self._bips:
            bip: Bip = self._bips[place]
            if bip.mac == address:
                return bip
            place += 1
        return None


def _tail(address: bytes) -> int:
    # Views cannot be keys of a dict, and 24 bits are a small integer on the chip too.
    return address[3] << 16 | address[4] << 8 | address[5]
