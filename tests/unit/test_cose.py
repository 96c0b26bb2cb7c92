"""The envelopes: the host's messages open, ours equal the host's, and nothing else gets through."""

import json
from binascii import unhexlify

from box.core import cose

VECTORS = __file__.rsplit("/", 2)[0] + "/vectors/"
with open(VECTORS + "alerts.json") as file:
    ALERTS = json.load(file)
with open(VECTORS + "acks.json") as file:
    ACKS = json.load(file)
KEY = unhexlify(ACKS["key"])


def open_ack(data, key=KEY, aad=cose.ACK_AAD):
    """Return the body, or None if it is refused with CoseError."""
    try:
        return cose.open_mac0(data, key, aad)
    except cose.CoseError:
        return None


def open_alert(data):
    """Return (body, signature), or None if it is refused with CoseError; what opens must be made of these two."""
    try:
        body, signature = cose.open_sign1(data)
    except cose.CoseError:
        return None
    assert cose.sign1(body, signature) == data
    return body, signature


def with_bit_changed(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_the_signed_part_is_the_hosts():
    for vector in ALERTS["alerts"]:
        assert cose.signed_part(unhexlify(vector["body"])) == unhexlify(vector["signed_part"]), vector["name"]


def test_an_alert_opens_to_its_body_and_signature_and_joins_again():
    for vector in ALERTS["alerts"]:
        message = unhexlify(vector["message"])
        body, signature = open_alert(message)
        assert body == unhexlify(vector["body"]), vector["name"]
        assert signature == message[-64:], vector["name"]


def test_malformed_alerts_are_refused():
    for name, data in ALERTS["refused"].items():
        assert open_alert(unhexlify(data)) is None, name


def test_a_signature_of_another_size_is_not_joined():
    for size in (0, 63, 65):
        try:
            cose.sign1(b"body", bytes(size))
        except cose.CoseError:
            continue
        raise AssertionError(size)


def test_acknowledgements_open_to_their_bodies():
    for vector in ACKS["acks"]:
        assert open_ack(unhexlify(vector["message"])) == unhexlify(vector["body"]), vector["name"]


def test_forged_and_malformed_acknowledgements_are_refused():
    for name, data in ACKS["refused"].items():
        assert open_ack(unhexlify(data)) is None, name


def test_an_acknowledgement_opens_under_its_own_key_and_context_only():
    message = unhexlify(ACKS["acks"][0]["message"])
    assert open_ack(message) is not None
    assert open_ack(message, key=with_bit_changed(KEY, 0)) is None
    assert open_ack(message, aad=b"alertbox/command/1") is None


def test_an_alert_is_no_acknowledgement_and_an_acknowledgement_no_alert():
    assert open_ack(unhexlify(ALERTS["alerts"][0]["message"])) is None
    assert open_alert(unhexlify(ACKS["acks"][0]["message"])) is None


def test_every_changed_bit_of_an_acknowledgement_is_refused():
    message = unhexlify(ACKS["acks"][0]["message"])
    for bit in range(8 * len(message)):
        assert open_ack(with_bit_changed(message, bit)) is None, bit


def test_every_changed_bit_of_an_alert_is_refused_or_shows_in_body_or_signature():
    message = unhexlify(ALERTS["alerts"][0]["message"])
    whole = open_alert(message)
    for bit in range(8 * len(message)):
        assert open_alert(with_bit_changed(message, bit)) != whole, bit


def test_every_truncation_is_refused():
    for message, opener in (
        (unhexlify(ALERTS["alerts"][0]["message"]), open_alert),
        (unhexlify(ACKS["acks"][0]["message"]), open_ack),
    ):
        for length in range(len(message)):
            assert opener(message[:length]) is None, length


def case_hostile_alert(messages):
    """Any bytes are refused with CoseError, or are exactly the envelope of what came out."""
    return [open_alert(unhexlify(message)) is None for message in messages]


def case_hostile_ack(messages):
    """Any bytes but a message of the host's are refused with CoseError."""
    genuine = [vector["message"] for vector in ACKS["acks"]]
    refused = [open_ack(unhexlify(message)) is None for message in messages]
    assert refused == [message not in genuine for message in messages]
    return refused
