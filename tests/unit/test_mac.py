"""HMAC and HKDF against the host's libraries, and the comparison of tags."""

import json
from binascii import unhexlify

from box.core import mac

with open(__file__.rsplit("/", 2)[0] + "/vectors/acks.json") as file:
    VECTORS = json.load(file)


def test_hmac_matches_the_host_for_keys_below_at_and_above_one_block():
    for vector in VECTORS["macs"]:
        key, message = unhexlify(vector["key"]), unhexlify(vector["message"])
        assert mac.hmac_sha256(key, message) == unhexlify(vector["mac"]), vector


def test_hkdf_matches_the_host():
    secret = unhexlify(VECTORS["secret"])
    for vector in VECTORS["derived"]:
        key = mac.hkdf_sha256(secret, vector["info"].encode(), vector["length"])
        assert key == unhexlify(vector["key"]), vector


def test_hkdf_matches_test_case_3_of_rfc_5869():
    key = mac.hkdf_sha256(b"\x0b" * 22, b"", 42)
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    assert key == unhexlify(expected)


def test_hkdf_refuses_lengths_that_the_standard_does_not_give():
    for length in (-1, 0, 255 * 32 + 1):
        try:
            mac.hkdf_sha256(b"secret", b"ack", length)
        except ValueError:
            continue
        raise AssertionError(length)


def test_equal_sees_every_single_bit_and_the_length():
    tag = bytes(range(32))
    assert mac.equal(tag, bytes(range(32)))
    for bit in range(256):
        other = bytearray(tag)
        other[bit // 8] ^= 1 << bit % 8
        assert not mac.equal(tag, bytes(other)), bit
    assert not mac.equal(tag, tag[:31])
    assert not mac.equal(tag, tag + b"\x00")
    assert mac.equal(b"", b"")
