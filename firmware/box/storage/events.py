"""The event log: what happened to the box, and how often it has started.

No personal data. Every event carries its boot count, so that the count outlives
the rotation of the ring; it feeds the signatures' nonces and so never repeats.
"""

import struct

from box.storage.ring import Ring

_SLOT_SIZE = 64
_EVENT = "<IIIB"  # boot, UTC or 0, uptime in seconds, code; then the detail in ASCII
_EVENT_SIZE = 13
_DETAIL = 37

_NAMES = (
    "unknown",
    "boot",
    "link up",
    "link down",
    "storage fault",
    "key made",
    "time saved",
    "task died",
    "bip fault",
    "bip well",
    "bip paired",
    "bip removed",
    "siren",
    "jamming",
    "battery empty",
)


class EventLog:
    """Events on `device`, a block device of its own; 16 blocks hold the last 800 and more."""

    BOOT, LINK_UP, LINK_DOWN, STORAGE_FAULT, KEY_MADE, TIME_SAVED, TASK_DIED = range(1, 8)
    BIP_FAULT, BIP_WELL, BIP_PAIRED, BIP_REMOVED, SIREN, JAMMING = range(8, 14)
    EMPTY = 14

    def __init__(self, device):
        self._ring = Ring(device, _SLOT_SIZE)
        self.boot = 0  # this start's count, from recover() on
        self.last_utc = 0  # of the newest event with a time: the clock was past it

    def recover(self, boot_floor: int, detail: str = "") -> None:
        """Read the log after a start, count this boot and record it: with that on flash the count is used up.

        `boot_floor`: the highest boot count known from elsewhere (the journal), in case this ring was lost.
        """
        self._ring.recover()
        self.boot = boot_floor
        for _, _, payload in self._ring.recent():
            boot, self.last_utc, _, _ = struct.unpack_from(_EVENT, payload)
            self.boot = max(self.boot, boot)
            if self.last_utc:
                break
        self.boot += 1
        self.record(0, 0, self.BOOT, detail)

    def record(self, utc: "int | None", uptime_s: int, code: int, detail: str = "") -> None:
        """Write an event: one program. `utc`: Unix seconds, 0 or None while unset. StorageError if flash fails."""
        text = bytes([byte if byte < 0x80 else 0x3F for byte in detail.encode()[:_DETAIL]])
        self._ring.append(self._ring.next_id, struct.pack(_EVENT, self.boot, utc or 0, uptime_s, code), text)

    def last(self, count: int, skip: int = 0) -> list:
        """The newest events but the first `skip`, newest first."""
        events: list = []
        for _, number, payload in self._ring.recent():
            if len(events) == count:
                break
            if skip:
                skip -= 1
                continue
            boot, utc, uptime_s, code = struct.unpack_from(_EVENT, payload)
            detail = bytes(payload[_EVENT_SIZE:]).decode()
            name = _NAMES[code if code < len(_NAMES) else 0]
            events.append({"id": number, "boot": boot, "utc": utc, "uptime": uptime_s, "event": name, "detail": detail})
        return events

    def last_detail(self, code: int) -> "str | None":
        """The detail of the newest event of this code, or None."""
        for _, _, payload in self._ring.recent():
            if payload[_EVENT_SIZE - 1] == code:
                return bytes(payload[_EVENT_SIZE:]).decode()
        return None

    def prepare(self) -> bool:
        """Idle work, one step: at most one erase (about 45 ms). False if there is nothing to do."""
        return self._ring.prepare()
