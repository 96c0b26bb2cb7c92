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


def test_hkdf_gives_any_length_the_standard_gives_and_a_key_by_default():
    assert len(mac.hkdf_sha256(b"secret", b"ack")) == 32
    longest = mac.hkdf_sha256(b"secret", b"ack", 255 * 32)
    assert len(longest) == 255 * 32
    for length in (1, 31, 32, 33, 64, 65):
        assert mac.hkdf_sha256(b"secret", b"ack", length) == longest[:length]


def test_hkdf_works_out_no_block_that_it_does_not_give():
    hmac, calls = mac.hmac_sha256, []

    def counted(key, message):
        calls.append(message)
        return hmac(key, message)

    mac.hmac_sha256 = counted
    try:
        for length, blocks in ((1, 1), (32, 1), (33, 2), (64, 2), (65, 3)):
            calls.clear()
            mac.hkdf_sha256(b"secret", b"ack", length)
            assert len(calls) == 1 + blocks, length
    finally:
        mac.hmac_sha256 = hmac
