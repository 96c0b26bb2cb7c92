"""The box's reading of BTHome beside that of the reference library, on advertisements that the library's code seals.

Both start from the bytes on the air: `bluetooth-data-tools` takes them apart for `bthome-ble`, as in service there.
"""

import json
from pathlib import Path
from typing import Any, cast

import make_bthome
import pytest
from bluetooth_data_tools import parse_advertisement_data_bytes
from box.core import bip_guard, bthome
from box.core.bip import Bip
from box.core.gesture import CLICK, DOUBLE, HOLD
from bthome_ble import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak
from hypothesis import given
from hypothesis import strategies as st

VECTORS = Path(__file__).parents[1] / "vectors" / "bthome.json"
KEY, MAC = make_bthome.KEY, make_bthome.MAC
ADDRESS = ":".join(f"{byte:02X}" for byte in MAC)

# What the library calls the events, and what they mean here.
GESTURES = {
    "press": CLICK,
    "double_press": DOUBLE,
    "triple_press": DOUBLE,
    "long_press": HOLD,
    "long_double_press": HOLD,
    "long_triple_press": HOLD,
    "hold_press": HOLD,
}
# Events that the library has no name for, of which the box makes a gesture; 81 is `hold_release` there.
EVENTS = [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x80, 0x81]


def peer(payload: bytes, key: bytes | None) -> list[Any] | None:
    """[gesture, battery, packet id, released] as the reference library has it; None if it takes nothing from it."""
    name, uuids, service_data, manufacturer_data, power = parse_advertisement_data_bytes(payload)
    if not service_data:
        return None
    receiver = BTHomeBluetoothDeviceData(bindkey=key)
    update = receiver.update(
        BluetoothServiceInfoBleak(
            name=name or ADDRESS,
            address=ADDRESS,
            rssi=-60,
            manufacturer_data=manufacturer_data,
            service_data=service_data,
            service_uuids=uuids,
            source="",
            device=cast(Any, None),
            advertisement=None,
            connectable=False,
            time=0.0,
            tx_power=power,
            raw=payload,
        )
    )
    if receiver.encryption_scheme.name != "NONE" and not receiver.bindkey_verified:
        return None
    events = {event.event_type for event in update.events.values()}
    values = {key.key: value.native_value for key, value in update.entity_values.items()}
    battery = values.get("battery")
    return [
        max((GESTURES[event] for event in events if event in GESTURES), default=0),
        battery if isinstance(battery, int | float) and battery <= 100 else None,
        values.get("packet_id"),
        "hold_release" in events,
    ]


def ours(payload: bytes, key: bytes | None) -> list[Any] | None:
    frame = bthome.split(MAC, payload)
    if frame is None:
        return None
    seal: Any = frame.seal
    events = frame.events if seal is None else key and seal.open(key)
    return [events.strongest, events.battery, events.packet_id, events.released > 0] if events else None


def test_the_checked_in_vectors_are_what_make_bthome_writes():
    assert VECTORS.read_text(encoding="utf-8") == make_bthome.text()


PEERLESS = {  # what the library reads otherwise, and why
    "hold as older Shelly firmware says it",  # it does not know the event FE
    "an event without a name counts upwards",
    "nothing",  # it wants an object at least
}


@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text(encoding="utf-8"))["objects"], ids=lambda v: v["name"])
def test_the_vectors_are_read_alike(vector):
    if vector["name"] in PEERLESS:
        pytest.skip("the library has no such case")
    expected = [vector[name] for name in ("gesture", "battery", "packet_id", "released")]
    for payload, key in ((vector["plain"], None), (vector["sealed"], KEY)):
        assert peer(bytes.fromhex(payload), key) == ours(bytes.fromhex(payload), key) == expected


def test_every_object_id_has_the_length_that_the_library_gives_it():
    """A press after the object is seen by both, or by neither, for every id and length of value."""
    different = []
    for kind in range(256):
        for size in range(7):
            objects = bytes((kind,)) + bytes(b"\x01\x00\x00\x00\x00\x00"[:size]) + b"\x3a\x02"
            if kind == 0x3A and size == 0:
                continue  # a button's event of 3A, which has no name
            payload = make_bthome.advertisement(objects, None)
            if (peer(payload, None) or [0])[0] != (ours(payload, None) or [0])[0]:
                different.append((hex(kind), size))
    assert different == []


@st.composite
def _objects(draw: st.DrawFn) -> bytes:
    """Objects of a button and others, each id once at most but for buttons (the library names doubles otherwise)."""
    known = st.tuples(st.just(0x3A), st.sampled_from(EVENTS).map(lambda event: bytes((event,))))
    other = st.tuples(
        st.sampled_from([0x00, 0x01, 0x02, 0x05, 0x2D, 0x3C, 0x3E, 0x51, 0x55, 0xF2]), st.binary(min_size=4, max_size=4)
    )
    lengths = {0x00: 1, 0x01: 1, 0x02: 2, 0x05: 3, 0x2D: 1, 0x3C: 2, 0x3E: 4, 0x51: 2, 0x55: 4, 0xF2: 3}
    found = draw(st.lists(other, max_size=3, unique_by=lambda item: item[0])) + draw(st.lists(known, max_size=3))
    if draw(st.booleans()):
        found.sort(key=lambda item: item[0])
    data = b"".join(bytes((kind,)) + value[: lengths.get(kind, 1)] for kind, value in found)
    return data[: draw(st.sampled_from([len(data), max(0, len(data) - 1)]))]


@given(_objects().filter(lambda data: len(data) >= 2), st.integers(1, 2**32 - 1), st.booleans())
def test_generated_advertisements_are_read_alike(objects, counter, is_sealed):
    payload = make_bthome.advertisement(objects, counter if is_sealed else None)
    key = KEY if is_sealed else None
    assert ours(payload, key) == peer(payload, key)


@given(_objects().filter(lambda data: len(data) >= 2), st.integers(1, 2**32 - 1), st.data())
def test_what_was_changed_on_the_air_is_refused_by_both(objects, counter, data):
    payload = bytearray(make_bthome.advertisement(objects, counter))
    at = data.draw(st.integers(8, len(payload) - 1))  # behind the device information, which says how to read it
    payload[at] ^= data.draw(st.integers(1, 255))
    assert ours(bytes(payload), KEY) is None
    assert peer(bytes(payload), KEY) is None


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(EVENTS[1:8])), max_size=12))
def test_the_strict_receiver_lets_through_no_more_than_the_library_and_never_a_lower_counter(packets):
    """The library takes counters below 100 as a restart; the box does so only as of an unsure source."""
    bip = Bip({"id": 1, "name": "b", "mac": MAC.hex(), "key": KEY.hex()}, bytes(5), 0)
    last = -1
    for turn, (counter, event) in enumerate(packets):
        payload = make_bthome.advertisement(bytes((0x3A, event)), counter)
        frame = bthome.split(MAC, payload)
        assert frame
        verdict = bip_guard.take(bip, frame, turn * 5000)
        assert (verdict is not None and verdict.authentic) == (counter > last)
        if verdict and verdict.authentic:
            last = counter
            assert [verdict.gesture] == (peer(payload, KEY) or [])[:1]
