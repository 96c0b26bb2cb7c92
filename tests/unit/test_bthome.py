"""What a bip says is read as the format says, and no garbage raises."""

import json

from box.core import bthome

VECTORS = json.load(open(__file__.rsplit("/", 2)[0] + "/vectors/bthome.json"))
unhex = bytes.fromhex
KEY, MAC = unhex(VECTORS["key"]), unhex(VECTORS["mac"])


def said(report):
    return None if report is None else [report.gesture, report.battery, report.packet_id, report.released]


def test_the_documents_vectors_are_opened():
    assert len(VECTORS["base"]) == 6
    for vector in VECTORS["base"]:
        frame = bthome.split(unhex(vector["payload"]))
        assert bthome.unseal(frame, MAC, KEY) == unhex(vector["objects"])


def test_objects_are_read_or_skipped_as_the_format_allows_plain_and_sealed():
    for vector in VECTORS["objects"]:
        expected = [vector[name] for name in ("gesture", "battery", "packet_id", "released")]
        assert said(bthome.read(unhex(vector["plain"]), MAC)) == expected, vector["name"]
        assert said(bthome.read(unhex(vector["sealed"]), MAC, KEY)) == expected, vector["name"]
        assert bthome.split(unhex(vector["sealed"])).counter == vector["counter"]
        assert bthome.split(unhex(vector["plain"])).counter is None


def test_malformed_advertisements_and_foreign_ones_are_nothing():
    for name, payload in VECTORS["refused"].items():
        assert bthome.split(unhex(payload)) is None, name
        assert bthome.read(unhex(payload), MAC, KEY) is None, name


def test_padding_after_the_end_is_allowed():
    assert said(bthome.read(unhex(VECTORS["padded"]), MAC)) == [1, None, None, False]


def test_what_is_sealed_is_nothing_without_the_right_key_and_address():
    sealed = unhex(VECTORS["objects"][2]["sealed"])
    assert bthome.read(sealed, MAC, KEY) is not None
    assert bthome.read(sealed, MAC) is None
    assert bthome.read(sealed, MAC, KEY[1:] + KEY[:1]) is None
    assert bthome.read(sealed, MAC[1:] + MAC[:1], KEY) is None


def test_shellys_flags_are_read_beside_or_without_bthome_data():
    for vector in VECTORS["shelly"]:
        alone = unhex(vector["payload"])
        frame = bthome.split(alone)
        assert frame.info is None and frame.shelly == vector["flags"]
        assert bthome.read(alone, MAC, KEY) is None
        both = bthome.split(alone + unhex(VECTORS["padded"]))
        assert both.info == 0x44 and both.shelly == vector["flags"]


def test_manufacturer_blocks_cut_short_or_unknown_hold_no_flags():
    head = unhex("a90b")
    for blocks in ("", "01", "0118", "0c010118", "0a0102", "0b0100"):
        data = head + unhex(blocks)
        assert bthome.split(bytes((len(data) + 1, 0xFF)) + data).shelly == 0, blocks


def test_no_cut_and_no_changed_byte_raises():
    for vector in VECTORS["objects"]:
        for name in ("plain", "sealed"):
            payload = unhex(vector[name])
            for at in range(len(payload)):
                bthome.read(payload[:at], MAC, KEY)
                for byte in (0, 1, 0x7F, 0xFF):
                    bthome.read(payload[:at] + bytes((byte,)) + payload[at + 1 :], MAC, KEY)


def case_any_bytes_are_read_alike(data):
    """data: an advertisement as hex, whatever it is."""
    payload = unhex(data)
    frame = bthome.split(payload)
    if frame is None:
        assert bthome.read(payload, MAC, KEY) is None
        return None
    assert frame.info is not None or bthome.read(payload, MAC, KEY) is None
    return [frame.info, frame.counter, frame.body.hex(), frame.shelly, said(bthome.read(payload, MAC, KEY))]


def case_any_objects_are_read_alike(data):
    """data: objects as hex. What is read of a part is never more than what is read of the whole."""
    objects = unhex(data)
    whole = said(bthome.objects(objects))
    part = said(bthome.objects(objects[:-1]))
    assert part[0] <= whole[0] and part[3] <= whole[3]
    return whole
