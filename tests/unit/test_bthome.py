"""What a bip says is read as the format says, and no garbage raises."""

import json

from box.core import bthome
from box.core.gesture import CLICK, DOUBLE

VECTORS = json.load(open(__file__.rsplit("/", 2)[0] + "/vectors/bthome.json"))
unhex = bytes.fromhex
KEY, MAC = unhex(VECTORS["key"]), unhex(VECTORS["mac"])


def said(report):
    return None if report is None else [report.strongest, report.battery, report.packet_id, report.released > 0]


def read(payload, mac=MAC, key=None):
    """What an advertisement says, opened with `key` if it is sealed; None if there is nothing to read."""
    frame = bthome.split(mac, payload)
    if frame is None or frame.seal is None:
        return frame and frame.events
    return frame.seal.open(key) if key else None


def flags(frame):
    return frame.buzzer << 3 | frame.pairing << 4


def test_the_documents_vectors_are_opened():
    assert len(VECTORS["base"]) == 6
    for vector in VECTORS["base"]:
        assert said(read(unhex(vector["payload"]), MAC, KEY)) == said(bthome.objects(unhex(vector["objects"])))


def test_objects_are_read_or_skipped_as_the_format_allows_plain_and_sealed():
    for vector in VECTORS["objects"]:
        expected = [vector[name] for name in ("gesture", "battery", "packet_id", "released")]
        assert said(read(unhex(vector["plain"]), MAC)) == expected, vector["name"]
        assert said(read(unhex(vector["sealed"]), MAC, KEY)) == expected, vector["name"]
        assert bthome.split(MAC, unhex(vector["sealed"])).counter == vector["counter"]
        assert bthome.split(MAC, unhex(vector["plain"])).counter is None


def test_malformed_advertisements_and_foreign_ones_are_nothing():
    for name, payload in VECTORS["refused"].items():
        assert bthome.split(MAC, unhex(payload)) is None, name
        assert read(unhex(payload), MAC, KEY) is None, name


def test_padding_after_the_end_is_allowed():
    assert said(read(unhex(VECTORS["padded"]), MAC)) == [1, None, None, False]


def test_what_is_sealed_is_nothing_without_the_right_key_and_address():
    sealed = unhex(VECTORS["objects"][2]["sealed"])
    assert read(sealed, MAC, KEY) is not None
    assert read(sealed, MAC) is None
    assert read(sealed, MAC, KEY[1:] + KEY[:1]) is None
    assert read(sealed, MAC[1:] + MAC[:1], KEY) is None


def test_shellys_flags_are_read_beside_or_without_bthome_data():
    for vector in VECTORS["shelly"]:
        alone = unhex(vector["payload"])
        frame = bthome.split(MAC, alone)
        assert frame.events is None and frame.seal is None and flags(frame) == vector["flags"] & 0x18
        assert read(alone, MAC, KEY) is None
        both = bthome.split(MAC, alone + unhex(VECTORS["padded"]))
        assert both.events and flags(both) == vector["flags"] & 0x18


def test_manufacturer_blocks_cut_short_or_unknown_hold_no_flags():
    head = unhex("a90b")
    for blocks in ("", "01", "0118", "0c010118", "0a0102", "0b0100"):
        data = head + unhex(blocks)
        assert flags(bthome.split(MAC, bytes((len(data) + 1, 0xFF)) + data)) == 0, blocks


def test_no_cut_and_no_changed_byte_raises():
    for vector in VECTORS["objects"]:
        for name in ("plain", "sealed"):
            payload = unhex(vector[name])
            for at in range(len(payload)):
                read(payload[:at], MAC, KEY)
                for byte in (0, 1, 0x7F, 0xFF):
                    read(payload[:at] + bytes((byte,)) + payload[at + 1 :], MAC, KEY)


def test_each_button_tells_its_own():
    """The service data that a Wall Switch sends for one press, and one with all of it at once."""
    held = bthome.objects(unhex("008401643afe3a003a003a00"))
    assert (held.buttons, held.holds, held.decided, held.gesture, held.battery) == (4, 1, 0, 0, 100)
    pressed = bthome.objects(unhex("008501643a013a003a003a00"))
    assert (pressed.buttons, pressed.holds, pressed.decided, pressed.gesture) == (4, 0, 1, CLICK)
    several = bthome.objects(unhex("3a803a013a813a02"))
    assert (several.holds, several.decided, several.released, several.gesture) == (1, 10, 4, DOUBLE)


def case_any_bytes_are_read_alike(data):
    """data: an advertisement as hex, whatever it is."""
    payload = unhex(data)
    frame = bthome.split(MAC, payload)
    if frame is None:
        assert read(payload, MAC, KEY) is None
        return None
    assert frame.events is None or frame.seal is None
    return [frame.counter, flags(frame), said(frame.events), said(read(payload, MAC, KEY))]


def case_any_objects_are_read_alike(data):
    """data: objects as hex. What is read of a part is never more than what is read of the whole."""
    objects = unhex(data)
    whole = said(bthome.objects(objects))
    part = said(bthome.objects(objects[:-1]))
    assert part[0] <= whole[0] and part[3] <= whole[3]
    return whole
