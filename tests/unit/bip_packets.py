"""A bip for the tests: it seals its packets itself, so that both interpreters can make as many as they like.

`cryptography` is not there under MicroPython; test_bip_guard holds this to the vectors, which it has made.
"""

import cryptolib
from box.core import alert, bip_faults, bip_guard, bthome
from box.core.bip import Bip

KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
MAC = bytes.fromhex("5448e68f80a5")
OTHER_KEY, OTHER_MAC = KEY[1:] + KEY[:1], MAC[1:] + MAC[:1]
PRESENCE, PRESS, DOUBLE_PRESS, HOLD_PRESS, RELEASE = 0x00, 0x01, 0x02, 0x80, 0x81
PAIRING = bytes.fromhex("06ffa90b011000")  # a Shelly's manufacturer data with the flag of pairing mode


def seal(key, nonce, message):
    """AES-CCM (RFC 3610): message and 4-byte tag, sealed."""
    aes = cryptolib.aes(key, 1)
    state = aes.encrypt(bytes((0x09,)) + nonce + bytes((0, len(message))))
    sealed = b""
    for start in range(0, len(message), 16):
        block = message[start : start + 16]
        stream = aes.encrypt(bytes((0x01,)) + nonce + bytes((0, start // 16 + 1)))
        sealed += xor(block, stream)
        state = aes.encrypt(xor(block + bytes(16 - len(block)), state))
    return sealed + xor(state[:4], aes.encrypt(bytes((0x01,)) + nonce + bytes(2)))


def xor(a, b):
    return bytes([a[i] ^ b[i] for i in range(len(a))])


def packet(counter, event=PRESENCE, battery=90, key=KEY, mac=MAC):
    """A button's advertisement, sealed."""
    head = bytes((0xD2, 0xFC, 0x45))
    count = counter.to_bytes(4, "little")
    both = seal(key, mac + head + count, bytes((0x00, counter & 0xFF, 0x01, battery, 0x3A, event)))
    data = head + both[:-4] + count + both[-4:]
    return b"\x02\x01\x06" + bytes((len(data) + 1, 0x16)) + data


def switch(counter, *events, key=KEY, mac=MAC):
    """An advertisement of a bip with four buttons, the first of which do this."""
    head = bytes((0xD2, 0xFC, 0x45))
    count = counter.to_bytes(4, "little")
    objects = bytes((0x00, counter & 0xFF, 0x01, 100))
    for button in range(4):
        objects += bytes((0x3A, events[button] if button < len(events) else 0))
    both = seal(key, mac + head + count, objects)
    data = head + both[:-4] + count + both[-4:]
    return b"\x02\x01\x06" + bytes((len(data) + 1, 0x16)) + data


def plain(event=PRESS, number=0):
    """The same in the clear; `number`: the packet's."""
    return b"\x02\x01\x06" + b"\x0a\x16\xd2\xfc\x44\x00" + bytes((number,)) + b"\x01\x5a\x3a" + bytes((event,))


def forged(counter, i=0):
    """A packet whose MIC is wrong."""
    good = packet(counter, PRESS)
    return good[:-4] + bytes((good[-4] ^ 0xFF,)) + i.to_bytes(3, "little")


MEANINGS = bytes((0, alert.INFORM, alert.HELP, alert.ALARM, alert.BUTTON_STUCK))


def bound(mac=MAC, key=KEY, last=-1, reserved=-1, now_ms=0, number=1, **row):
    """A bip as the box has it; `last`, `reserved`: of its counters on flash."""
    found = {"id": number, "mac": mac.hex(), "key": key.hex(), "name": "Bip"}
    found.update(row)
    bip = Bip(found, MEANINGS, now_ms)
    bip.last, bip.reserved = last, reserved
    return bip


class Receiver:
    """A bip and what judges it, from packet to verdict."""

    def __init__(self, bip):
        self.bip = bip

    def __getattr__(self, name):
        return getattr(self.bip, name)

    def take(self, payload, now_ms):
        frame = bthome.split(self.bip.mac, payload)
        return frame and bip_guard.take(self.bip, frame, now_ms)

    def look(self, now_ms):
        return bip_faults.changes(self.bip, now_ms)
