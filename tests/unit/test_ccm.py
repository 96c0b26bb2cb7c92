"""AES-CCM opens what the host's library has sealed, and nothing that was changed."""

import json

from box.core import ccm

VECTORS = json.load(open(__file__.rsplit("/", 2)[0] + "/vectors/bthome.json"))["ccm"]
unhex = bytes.fromhex


def parts(vector):
    return [unhex(vector[name]) for name in ("key", "nonce", "sealed", "tag")]


def test_what_the_hosts_library_sealed_is_opened_at_the_lengths_around_a_block_and_at_the_longest():
    for vector in VECTORS:
        assert ccm.unseal(*parts(vector)) == unhex(vector["message"])


def test_one_changed_bit_anywhere_is_refused():
    vector = parts(VECTORS[5])
    assert len(vector[2]) == 17
    for which in range(4):
        for bit in range(8 * len(vector[which])):
            changed = bytearray(vector[which])
            changed[bit // 8] ^= 1 << bit % 8
            assert ccm.unseal(*(vector[:which] + [bytes(changed)] + vector[which + 1 :])) is None


def test_a_message_cut_short_or_made_longer_is_refused():
    key, nonce, sealed, tag = parts(VECTORS[4])
    for other in (sealed[:-1], sealed + b"\0", b"", sealed + sealed):
        assert ccm.unseal(key, nonce, other, tag) is None


def test_wrong_lengths_are_refused_without_an_exception():
    key, nonce, sealed, tag = parts(VECTORS[4])
    for other in (nonce[:-1], nonce + b"\0", b""):
        assert ccm.unseal(key, other, sealed, tag) is None
    for other in (tag[:-1], tag + b"\0", b""):
        assert ccm.unseal(key, nonce, sealed, other) is None
    assert ccm.unseal(key, nonce, bytes(256), tag) is None


def case_unseal(data):
    """data: key, nonce, sealed, tag as hex: mostly no right tag; the interpreters must agree all the same."""
    message = ccm.unseal(*[unhex(part) for part in data])
    return None if message is None else message.hex()
