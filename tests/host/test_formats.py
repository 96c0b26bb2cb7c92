"""The host's reading of alerts, and its acknowledgements, against the vectors and against nonsense."""

import json
from datetime import UTC, datetime
from pathlib import Path

import cbor2
import pytest
from alertbox.contract import formats
from alertbox.contract.formats import Alert, Refused
from fake_box import FakeBox
from hypothesis import given
from hypothesis import strategies as st

VECTORS = Path(__file__).parents[1] / "vectors"
ALERTS = json.loads((VECTORS / "alerts.json").read_text())
ACKS = json.loads((VECTORS / "acks.json").read_text())
PUBLIC = formats.load_public_key(bytes.fromhex(ALERTS["public"]))
BOX = bytes.fromhex(ALERTS["box"])

fake = FakeBox()
KEY = formats.load_public_key(fake.public)


def read(message: bytes) -> Alert:
    return formats.decode_alert(message, KEY, fake.box)


def reason(message: bytes) -> str:
    with pytest.raises(Refused) as refused:
        read(message)
    return refused.value.reason


@pytest.mark.parametrize("vector", ALERTS["alerts"], ids=lambda vector: vector["name"])
def test_a_vector_is_read_field_by_field(vector):
    alert = formats.decode_alert(bytes.fromhex(vector["message"]), PUBLIC, BOX)
    fields = vector["fields"]
    assert (alert.boot, alert.sequence, alert.kind) == (fields["boot"], fields["sequence"], fields["kind"])
    assert (alert.source, alert.uptime) == (fields["source"], fields["uptime"])
    pressed = fields["pressed"]
    assert alert.pressed == (None if pressed is None else datetime.fromtimestamp(pressed, UTC))
    assert sum(1 << formats.FLAGS.index(flag) for flag in alert.flags) == fields["flags"]


@pytest.mark.parametrize("name", ALERTS["refused"])
def test_an_envelope_that_the_contract_excludes_is_garbage(name):
    with pytest.raises(Refused, match="garbage"):
        formats.decode_alert(bytes.fromhex(ALERTS["refused"][name]), PUBLIC, BOX)


@pytest.mark.parametrize("name", ALERTS["broken_bodies"])
def test_a_signed_body_that_the_contract_excludes_is_refused(name):
    body = cbor2.loads(bytes.fromhex(ALERTS["broken_bodies"][name]))
    if body[2] == BOX:
        body[2] = fake.box
    expected = {"format version 2": "version", "a short box id": "wrong-topic"}.get(name, "garbage")
    assert reason(fake.sign(cbor2.dumps(body))) == expected


def test_unknown_keys_and_kinds_are_kept():
    alert = read(fake.alert(5, kind=200, more={11: "later", 70000: [1, b"\x02", None]}))
    assert alert.kind_name == "kind-200"
    assert alert.unknown == {11: "later", 70000: [1, b"\x02", None]}


def test_the_incident_is_the_sequence_of_its_first_alert():
    assert read(fake.alert(9, back=2)).incident == 7


def test_an_impossible_distance_does_not_cost_the_press():
    assert read(fake.alert(9, back=9)).incident == 9


WRONG = {
    "nothing": (b"", "garbage"),
    "a word": (b"online", "garbage"),
    "cut off": (FakeBox().alert(1)[:60], "garbage"),
    "a byte more": (fake.alert(1) + b"\0", "garbage"),
    "no map": (fake.sign(cbor2.dumps([1, 2])), "garbage"),
    "a byte after the body": (fake.sign(cbor2.dumps(fake.body(1)) + b"\0"), "garbage"),
    "one key twice": (fake.sign(b"\xa2\x01\x01\x01\x01"), "garbage"),
    "a negative key": (fake.sign(cbor2.dumps(fake.body(1, more={-1: 0}))), "garbage"),
    "a source that is true": (fake.sign(cbor2.dumps(fake.body(1, source=True))), "garbage"),
    "endless arrays": (fake.sign(b"\x9f" * 500), "garbage"),
    "another box's key": (FakeBox().alert(1), "signature"),
    "another box's id": (fake.alert(1, more={2: b"8 bytes!"}), "wrong-topic"),
    "version 2": (fake.alert(1, more={1: 2}), "version"),
    "a body too large": (fake.alert(1, more={11: "x" * 1000}), "too-large"),
    "a message too large": (b"\0" * 1_000_000, "too-large"),
}


@pytest.mark.parametrize(("message", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(message, expected):
    assert reason(message) == expected


def test_any_changed_bit_is_refused():
    message = fake.alert(1)
    for bit in range(len(message) * 8):
        changed = bytearray(message)
        changed[bit // 8] ^= 1 << bit % 8
        assert reason(bytes(changed)) in ("garbage", "signature")


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(data):
    assert reason(data) == "garbage"


@given(st.binary(max_size=300))
def test_no_bytes_behind_the_right_beginning_do_more_than_be_refused(data):
    assert reason(bytes.fromhex("d28443a10126a0") + data) in ("garbage", "signature")


@given(st.binary(max_size=300))
def test_no_signed_bytes_do_more_than_be_refused(data):
    assert reason(fake.sign(data)) in ("garbage", "version")


@given(st.dictionaries(st.integers(0, 12), st.integers(-1, 2**33) | st.none() | st.binary(max_size=9)))
def test_a_signed_body_is_read_or_refused(changed):
    try:
        alert = read(fake.alert(1, more=changed))
    except Refused:
        return
    assert 1 <= alert.incident <= alert.sequence < 2**32


def test_acknowledgements_are_the_vectors():
    secret, box = bytes.fromhex(ACKS["secret"]), bytes.fromhex(ACKS["box"])
    key = formats.ack_key(secret)
    assert key.hex() == ACKS["key"]
    states = {number: name for name, number in formats.ACK_STATES.items()}
    for vector in ACKS["acks"]:
        made = formats.encode_ack(key, box, vector["sequence"], vector["time"], states[vector["state"]])
        assert made.hex() == vector["message"], vector["name"]
