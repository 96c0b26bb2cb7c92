"""Alerts and acknowledgements: the host's bodies, limits, order, and what is refused."""

import json
from binascii import hexlify, unhexlify

from box.core import alert, cbor, cose

VECTORS = __file__.rsplit("/", 2)[0] + "/vectors/"
with open(VECTORS + "alerts.json") as file:
    ALERTS = json.load(file)
with open(VECTORS + "acks.json") as file:
    ACKS = json.load(file)
BOX = unhexlify(ALERTS["box"])
PLAIN = ALERTS["alerts"][0]["fields"]


def encode(**changes):
    fields = dict(PLAIN)
    fields["box"] = BOX
    fields.update(changes)
    return alert.encode(**fields)


def is_refused(function, *arguments, **fields):
    try:
        function(*arguments, **fields)
    except (alert.AlertError, cbor.CborError):
        return True
    return False


def test_bodies_are_the_hosts():
    for vector in ALERTS["alerts"]:
        assert encode(**vector["fields"]) == unhexlify(vector["body"]), vector["name"]


def test_bodies_decode_to_their_fields():
    for vector in ALERTS["alerts"]:
        expected = dict(vector["fields"])
        expected["box"] = BOX
        assert alert.decode(unhexlify(vector["body"])) == expected, vector["name"]


def test_the_largest_alert_has_124_bytes():
    largest = encode(
        boot=2**32 - 1,
        sequence=2**32 - 1,
        kind=max(alert.KINDS),
        source=255,
        pressed=2**32 - 1,
        uptime=2**32 - 1,
        back=65535,
        flags=255,
    )
    assert len(cose.sign1(largest, bytes(64))) == 124
    for kind in alert.KINDS:
        assert len(encode(kind=kind)) <= len(encode(kind=max(alert.KINDS))), kind


def test_uptime_and_the_way_back_stop_at_their_greatest_value():
    fields = alert.decode(encode(uptime=2**32 + 5, back=70000))
    assert fields["uptime"] == 2**32 - 1
    assert fields["back"] == 65535


def test_fields_out_of_range_are_not_encoded():
    wrong = (
        ("box", b"1234567"),
        ("box", "12345678"),
        ("boot", -1),
        ("boot", 2**32),
        ("sequence", 0),
        ("sequence", 2**32),
        ("kind", 0),
        ("kind", 7),
        ("kind", 200),
        ("source", 256),
        ("source", True),
        ("pressed", -1),
        ("pressed", 2**32),
        ("pressed", 1.5),
        ("uptime", -1),
        ("back", -1),
        ("flags", 256),
        ("flags", None),
    )
    for name, value in wrong:
        assert is_refused(encode, **{name: value}), name


def test_unknown_kinds_and_keys_are_read_and_known_fields_kept():
    for name, body in ALERTS["newer_bodies"].items():
        fields = alert.decode(unhexlify(body))
        assert fields["sequence"] == PLAIN["sequence"], name
    assert alert.decode(unhexlify(ALERTS["newer_bodies"]["an unknown kind"]))["kind"] == 200


def test_broken_bodies_are_refused():
    for name, body in ALERTS["broken_bodies"].items():
        assert is_refused(alert.decode, unhexlify(body)), name
    for body in (b"", b"\x01", b"\x80", b"\xa0", b"\xff"):
        assert is_refused(alert.decode, body), body


def test_order_is_alarm_help_inform_cancel_test_faults_heartbeat():
    order = (alert.ALARM, alert.HELP, alert.INFORM, alert.CANCEL_REQUEST, alert.TEST, alert.TAMPER, alert.HEARTBEAT)
    ranks = [alert.strength(kind) for kind in order]
    assert ranks == sorted(ranks, key=lambda rank: -rank)
    assert len(set(ranks)) == len(order)
    faults = {alert.strength(kind) for kind in alert.KINDS if kind not in order}
    assert faults == {alert.strength(alert.TAMPER)}


def test_an_unknown_kind_ranks_as_a_fault():
    assert alert.strength(200) == alert.strength(alert.TAMPER)


def test_presses_outrank_everything_else():
    weakest = min([alert.strength(kind) for kind in alert.PRESSES])
    for kind in alert.KINDS:
        assert (kind in alert.PRESSES) == (alert.strength(kind) >= weakest), kind


def test_the_box_id_comes_from_the_public_key():
    assert alert.box_id(unhexlify(ALERTS["public"])) == BOX


def test_acknowledgements_decode():
    for vector in ACKS["acks"]:
        expected = (unhexlify(ACKS["box"]), vector["sequence"], vector["time"], vector["state"])
        assert alert.decode_ack(unhexlify(vector["body"])) == expected, vector["name"]


def test_broken_acknowledgements_are_refused():
    for name, body in ACKS["broken_bodies"].items():
        assert is_refused(alert.decode_ack, unhexlify(body)), name


def test_an_alert_body_is_no_acknowledgement():
    assert is_refused(alert.decode_ack, encode())


def case_alert(fields):
    """Encoded fields come back; the body is the result, for comparison with another library's."""
    body = alert.encode(
        unhexlify(fields["box"]),
        fields["boot"],
        fields["sequence"],
        fields["kind"],
        fields["source"],
        fields["pressed"],
        fields["uptime"],
        fields["back"],
        fields["flags"],
    )
    assert len(cose.sign1(body, bytes(64))) <= 124
    decoded = alert.decode(body)
    decoded["box"] = hexlify(decoded["box"]).decode()
    assert decoded == fields
    return hexlify(body).decode()


def case_hostile_body(bodies):
    """Any bytes end in a ValueError of ours or in fields within their ranges."""
    return [fields_or_none(unhexlify(body)) for body in bodies]


def fields_or_none(body):
    try:
        fields = alert.decode(body)
    except (alert.AlertError, cbor.CborError):
        return None
    assert len(fields.pop("box")) == 8
    assert fields["pressed"] is None or 0 <= fields["pressed"] < 2**32
    assert 0 < fields["sequence"] < 2**32
    assert 0 <= fields["back"] < 2**16
    assert 0 <= fields["flags"] < 2**8
    return fields


def case_hostile_ack(bodies):
    """Any bytes end in a ValueError of ours or in an acknowledgement within its ranges."""
    return [ack_or_none(unhexlify(body)) for body in bodies]


def ack_or_none(body):
    try:
        box, sequence, time, state = alert.decode_ack(body)
    except (alert.AlertError, cbor.CborError):
        return None
    assert len(box) == 8
    assert 0 < sequence < 2**32
    assert 0 <= time < 2**32
    assert state in (alert.RECEIVED, alert.IN_CHARGE)
    return [sequence, time, state]
