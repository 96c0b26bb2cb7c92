"""Write the BTHome vectors with the host's libraries alone: `cryptography` and `bthome-ble` seal what is sealed.

Nothing here imports firmware/. Key, address and the first vectors are the ones of the format's own documents and of
public reports about the buttons; they are asserted, so that nobody changes them by accident.
Run: python tests/vectors/make_bthome.py
"""

import contextlib
import io
import json
from pathlib import Path

from bthome_ble.bthome_v2_encryption import encrypt_payload
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
MAC = bytes.fromhex("5448e68f80a5")
UUID = bytes.fromhex("d2fc")
SEALED, SEALED_ON_TRIGGER, PLAIN, PLAIN_ON_TRIGGER = 0x41, 0x45, 0x40, 0x44
COUNTER = 1122868

# Device information, data, counter bytes: service data.
BASE = (
    (SEALED, "02ca0903bf13", "00112233", "d2fc41a47266c95f730011223378237214"),
    (SEALED, "02ca0903bf13", "33221100", "d2fc41e445f3c9962b332211006c7c4519"),
    (SEALED_ON_TRIGGER, "002a01613a01", "34221100", "d2fc45833793782301342211005642cb92"),
    (SEALED_ON_TRIGGER, "002a01613a02", "34221100", "d2fc458337937823023422110070bf8674"),
    (SEALED_ON_TRIGGER, "002a01613a04", "34221100", "d2fc4583379378230434221100f2141ff4"),
    (SEALED_ON_TRIGGER, "002a01613a80", "34221100", "d2fc4583379378238034221100693612cb"),
)

CLICK, DOUBLE, HOLD = 1, 2, 3
# Name: objects, gesture, battery, packet id, released.
OBJECTS: dict[str, tuple[str, int, int | None, int | None, bool]] = {
    "nothing": ("", 0, None, None, False),
    "presence": ("000701643a00", 0, 100, 7, False),
    "press": ("000801643a01", CLICK, 100, 8, False),
    "double press": ("3a02", DOUBLE, None, None, False),
    "triple press": ("3a03", DOUBLE, None, None, False),
    "long press": ("3a04", HOLD, None, None, False),
    "long double press": ("3a05", HOLD, None, None, False),
    "long triple press": ("3a06", HOLD, None, None, False),
    "hold": ("3a80", HOLD, None, None, False),
    "hold as older Shelly firmware says it": ("3afe", HOLD, None, None, False),
    "hold released": ("3a81", 0, None, None, True),
    "an event without a name counts upwards": ("3a07", DOUBLE, None, None, False),
    "two buttons, the second pressed": ("00093a003a01", CLICK, None, 9, False),
    "two buttons, the stronger first": ("3a803a01", HOLD, None, None, False),
    "two buttons, one released, one pressed": ("3a813a01", CLICK, None, None, True),
    "the objects of a weather station before the button": ("0002016402ca0903bf1304138a013a02", DOUBLE, 100, 2, False),
    "a text before the button": ("530548656c6c6f3a01", CLICK, None, None, False),
    "an empty text": ("53003a01", CLICK, None, None, False),
    "an empty text at the end": ("3a015300", CLICK, None, None, False),
    "raw bytes, a time and a signed number": ("50a1b2c3d454021234593a3a04", HOLD, None, None, False),
    "a command with two bytes of its own": ("3b0200abcd3a01", CLICK, None, None, False),
    "a command whose reserved bits are set": ("3be200abcd3a01", CLICK, None, None, False),
    "type and firmware after the button": ("3a01f00100f100010204f2000106", CLICK, None, None, False),
    "an unknown id ends it": ("01553a01383a02", CLICK, 85, None, False),
    "an unknown id at the start": ("ff3a02", 0, None, None, False),
    "a value is cut short": ("01553a", 0, 85, None, False),
    "a long value is cut short": ("01553e010203", 0, 85, None, False),
    "a text is cut short": ("3a01530548", CLICK, None, None, False),
    "a text without its length": ("3a0153", CLICK, None, None, False),
    "a battery above 100 %": ("01653a01", CLICK, None, None, False),
}


def structure(kind: int, data: bytes) -> bytes:
    return bytes((len(data) + 1, kind)) + data


FLAGS = structure(0x01, b"\x06")


def sealed(objects: bytes, counter: bytes, info: int = SEALED_ON_TRIGGER, mac: bytes = MAC, key: bytes = KEY) -> bytes:
    """Service data, made by the reference library's own example (which prints what it does)."""
    with contextlib.redirect_stdout(io.StringIO()):
        return encrypt_payload(objects, mac, UUID, bytes((info,)), counter, key)


def advertisement(objects: bytes, counter: int | None, mac: bytes = MAC, key: bytes = KEY) -> bytes:
    """A button's whole advertisement; `counter` None: in the clear."""
    if counter is None:
        return FLAGS + structure(0x16, UUID + bytes((PLAIN_ON_TRIGGER,)) + objects)
    return FLAGS + structure(0x16, sealed(objects, counter.to_bytes(4, "little"), mac=mac, key=key))


def shelly(flags: int) -> bytes:
    """Manufacturer data as a Shelly button sends it in its scan response: flags, model, MAC."""
    return structure(0xFF, b"\xa9\x0b\x01" + flags.to_bytes(2, "little") + b"\x0b\x01\x00\x0a" + MAC)


def ccm_vectors() -> list[dict[str, str]]:
    found = []
    for size in (0, 1, 6, 15, 16, 17, 31, 32, 33, 100, 239, 240, 241, 255):
        key, nonce = bytes((size ^ i * 7) & 0xFF for i in range(16)), bytes((size + i) & 0xFF for i in range(13))
        message = bytes((size * 3 + i * 5) & 0xFF for i in range(size))
        both = AESCCM(key, tag_length=4).encrypt(nonce, message, None)
        found.append(
            {
                "key": key.hex(),
                "nonce": nonce.hex(),
                "message": message.hex(),
                "sealed": both[:-4].hex(),
                "tag": both[-4:].hex(),
            }
        )
    return found


def refused() -> dict[str, str]:
    """Advertisements that hold nothing to read, or are malformed."""
    plain = structure(0x16, UUID + bytes((PLAIN,)) + b"\x3a\x01")
    good = FLAGS + plain
    return {
        "nothing": "",
        "flags alone": FLAGS.hex(),
        "another service": (FLAGS + structure(0x16, b"\x1c\x18\x40\x3a\x01")).hex(),
        "another company": (FLAGS + structure(0xFF, b"\x4c\x00\x10\x05")).hex(),
        "BTHome data twice": (good + plain).hex(),
        "a structure beyond the end": (good + b"\x05\x09ab").hex(),
        "a length at the end": (good + b"\x05").hex(),
        "cut in its data": good[:-1].hex(),
        "no device information": (FLAGS + structure(0x16, UUID)).hex(),
        "half a UUID": structure(0x16, b"\xd2").hex(),
        "bytes after the end": (good + b"\x00\x01").hex(),
        "version 1": structure(0x16, UUID + b"\x20\x3a\x01").hex(),
        "version 3": structure(0x16, UUID + b"\x60\x3a\x01").hex(),
        "the MAC comes first": structure(0x16, UUID + b"\x42" + MAC[::-1] + b"\x3a\x01").hex(),
        "sealed, and too short for counter and MIC": structure(0x16, UUID + b"\x41" + bytes(7)).hex(),
    }


def bthome_vectors() -> dict:
    for info, data, counter, expected in BASE:
        assert sealed(bytes.fromhex(data), bytes.fromhex(counter), info).hex() == expected
    return {
        "key": KEY.hex(),
        "mac": MAC.hex(),
        "base": [
            {"objects": data, "payload": (FLAGS + structure(0x16, bytes.fromhex(s))).hex()} for _, data, _, s in BASE
        ],
        "objects": [
            {
                "name": name,
                "gesture": gesture,
                "battery": battery,
                "packet_id": packet_id,
                "released": released,
                "plain": advertisement(bytes.fromhex(data), None).hex(),
                "sealed": advertisement(bytes.fromhex(data), COUNTER).hex(),
                "counter": COUNTER,
            }
            for name, (data, gesture, battery, packet_id, released) in OBJECTS.items()
        ],
        "refused": refused(),
        "padded": (advertisement(b"\x3a\x01", None) + bytes(5)).hex(),
        "shelly": [
            {"flags": flags, "payload": (structure(0x09, b"SBBT-002C") + shelly(flags)).hex()}
            for flags in (0, 1, 9, 24)
        ],
        "ccm": ccm_vectors(),
    }


def text() -> str:
    """The file as it is checked in."""
    return json.dumps(bthome_vectors(), indent=1) + "\n"


def main() -> None:
    (Path(__file__).parent / "bthome.json").write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
