"""BTHome v2: what a wireless bip says in an advertisement, as a Frame.

Pure, and total: whatever bytes came over the air, nothing raises. Format: https://bthome.io/format

An advertisement is a row of structures, each `length, type, data`. One of type 16 (service data) with UUID FCD2
carries BTHome: a byte of device information, then objects, each an id and its value, in the clear; or sealed:
objects | counter (4, little endian) | MIC (4). The nonce is MAC (6, as printed) | D2FC | device information | counter.

Beside it, or in the answer to an active scan, Shelly's buttons send manufacturer data (company 0BA9): blocks of an id
and a value of known length, of which block 01 holds flags. Nothing protects those.
"""

from box.core import ccm
from box.core.bip_frame import Events, Frame
from box.core.gesture import CLICK, DOUBLE, HOLD

_BUZZER, _PAIRING = 8, 16  # Shelly's flags of interest

_SERVICE_DATA, _MANUFACTURER = 0x16, 0xFF
_UUID = b"\xd2\xfc"
_SHELLY = b"\xa9\x0b"
_SHELLY_BLOCKS = {0x01: 2, 0x0A: 6, 0x0B: 2}  # flags, MAC, model

# Device information: bit 0 sealed, bit 1 the MAC comes first (no button does that), bits 5-7 the version.
_SEALED, _WITH_MAC, _VERSION_SHIFT, _VERSION = 1, 2, 5, 2
_TAIL = 4 + ccm.TAG_SIZE  # after the counter

# How many bytes of value follow each object id, a row of 16 ids a line. 0: no such id; t: a length byte, then so many;
# c: the same for a command, its length in five bits and without its code. Ids F0 to F2 tell the device's type and
# firmware.
_LENGTHS = "11223322213322211122211111111111111111111111111100000000001c22422232221222234444422tt42111244222124411"
_INFO_LENGTHS = {0xF0: "2", 0xF1: "4", 0xF2: "3"}

_PACKET_ID, _BATTERY, _BUTTON = 0x00, 0x01, 0x3A
_NONE, _RELEASED = 0x00, 0x81
_HOLDS = (0x80, 0xFE)  # FE: as older Shelly firmware says it
# press; double, triple press; long, long double, long triple press, which are told at their end
_EVENTS = {0x01: CLICK, 0x02: DOUBLE, 0x03: DOUBLE, 0x04: HOLD, 0x05: HOLD, 0x06: HOLD}
_UNKNOWN_EVENT = DOUBLE  # somebody did something to the button that we have no name for: counted upwards


class _Seal:
    """Around the objects of a packet, until they are opened."""

    def __init__(self, nonce: bytes, body: bytes, mic: bytes):
        self._nonce = nonce
        self._body = body
        self._mic = mic

    def open(self, key: bytes) -> "Events | None":
        data = ccm.unseal(key, self._nonce, self._body, self._mic)
        return None if data is None else objects(data)


def split(address: bytes, payload: bytes) -> "Frame | None":
    """Take the advertisement of `address` (6 bytes, as printed) apart, nothing decrypted; None if it is malformed
    anywhere, or has nothing for us."""
    frame = Frame(bytes(address))
    found = False
    at = 0
    size = len(payload)
    while at < size and payload[at]:
        end = at + 1 + payload[at]
        if end > size:
            return None
        kind = payload[at + 1]
        if kind == _SERVICE_DATA and payload[at + 2 : at + 4] == _UUID and end >= at + 4:
            if frame.events or frame.seal or not _split_service_data(frame, payload[at + 4 : end]):
                return None
            found = True
        elif kind == _MANUFACTURER and payload[at + 2 : at + 4] == _SHELLY and end >= at + 4:
            flags = _shelly_flags(payload[at + 4 : end])
            frame.pairing = frame.pairing or bool(flags & _PAIRING)
            frame.buzzer = frame.buzzer or bool(flags & _BUZZER)
            found = True
        at = end
    if not found or any(payload[at:]):  # a length of 0 ends it: what follows is padding
        return None
    return frame


def _split_service_data(frame: Frame, data: bytes) -> bool:
    info = data[0] if data else 0
    if info >> _VERSION_SHIFT != _VERSION or info & _WITH_MAC:
        return False
    if not info & _SEALED:
        frame.events = objects(data[1:])
        return True
    if len(data) < 1 + _TAIL:
        return False
    counter = data[-_TAIL : -ccm.TAG_SIZE]
    frame.counter = int.from_bytes(counter, "little")
    frame.seal = _Seal(frame.who + _UUID + data[:1] + counter, data[1:-_TAIL], data[-ccm.TAG_SIZE :])
    return True


def _shelly_flags(data: bytes) -> int:
    at = 0
    while at < len(data):
        block = data[at]
        end = at + 1 + _SHELLY_BLOCKS.get(block, len(data))
        if end > len(data):
            break
        if block == 1:
            return data[at + 1] | data[at + 2] << 8
        at = end
    return 0


def objects(data: bytes) -> Events:
    """Read the objects. An unknown id or a value cut short ends it; what came before stays valid."""
    events = Events()
    at = 0
    size = len(data)
    while at < size:
        kind = data[at]
        form = _LENGTHS[kind] if kind < len(_LENGTHS) else _INFO_LENGTHS.get(kind, "0")
        at += 1
        if form == "0":
            break
        if form in "tc":
            if at == size:
                break
            length = data[at] if form == "t" else (data[at] & 0x1F) + 1
            at += 1
        else:
            length = int(form)
        if at + length > size:
            break
        if length:
            _note(events, kind, data[at])
        at += length
    return events


def _note(events: Events, kind: int, value: int) -> None:
    if kind == _PACKET_ID:
        events.packet_id = value
    elif kind == _BATTERY:
        if value <= 100:
            events.battery = value
    elif kind == _BUTTON:
        button = 1 << events.buttons
        events.buttons += 1
        if value in _HOLDS:
            events.holds |= button
        elif value == _RELEASED:
            events.released |= button
        elif value != _NONE:
            events.decided |= button
            events.gesture = max(events.gesture, _EVENTS.get(value, _UNKNOWN_EVENT))
