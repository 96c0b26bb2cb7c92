"""A Bluetooth bip for the tests, sealed by the reference library `bthome-ble`: it shares no code with the box."""

import contextlib
import io

from bthome_ble.bthome_v2_encryption import encrypt_payload

CLICK, DOUBLE, TRIPLE, LONG, HOLD = 0x01, 0x02, 0x03, 0x04, 0x80
_FLAGS = b"\x02\x01\x06"
_UUID = b"\xd2\xfc"


class Bip:
    """`packet` is what it sends next. counter: of the packet before; it rises with each."""

    def __init__(self, number: int = 1, name: str = "Caisse", counter: int = 0, battery: int = 90) -> None:
        self.number = number
        self.name = name
        self.counter = counter
        self.battery = battery
        self.mac = f"5448e68f80{number:02x}"
        self.key = bytes(range(number, number + 16))

    def row(self, **more: object) -> dict[str, object]:
        """Its item in the settings."""
        return {"id": self.number, "mac": self.mac, "key": self.key.hex(), "name": self.name, **more}

    def packet(self, *events: int) -> bytes:
        """An advertisement with these button events; none: it only says that it is there."""
        self.counter += 1
        buttons = b"".join(bytes((0x3A, event)) for event in events)
        return self.sealed(bytes((0x00, self.counter & 0xFF, 0x01, self.battery)) + buttons)

    def sealed(self, objects: bytes) -> bytes:
        info = bytes((0x45,))
        counter = self.counter.to_bytes(4, "little")
        with contextlib.redirect_stdout(io.StringIO()):  # the library's example prints what it does
            return _structure(encrypt_payload(objects, bytes.fromhex(self.mac), _UUID, info, counter, self.key))

    def plain(self, event: int = CLICK) -> bytes:
        """The same unsealed."""
        self.counter += 1
        return _structure(_UUID + bytes((0x44, 0x00, self.counter & 0xFF, 0x01, self.battery, 0x3A, event)))


def _structure(service_data: bytes) -> bytes:
    return _FLAGS + bytes((len(service_data) + 1, 0x16)) + service_data


def shelly(flags: int) -> bytes:
    """Shelly's manufacturer data with these flags, as in the answer to an active scan."""
    return bytes((6, 0xFF, 0xA9, 0x0B, 0x01)) + flags.to_bytes(2, "little")
