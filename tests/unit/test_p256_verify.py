"""Verifying: the host's signatures and no others, in short slices, at a known cost."""

import json
from binascii import hexlify, unhexlify
from hashlib import sha256

from box.core import p256, p256_verify

with open(__file__.rsplit("/", 2)[0] + "/vectors/console.json") as file:
    SIGNATURES = json.load(file)["signatures"]

SLICE_LIMIT = 50  # modular multiplications between two yields


def fields(vector):
    return [unhexlify(vector[name]) for name in ("public", "message", "signature")]


def is_right(public, message, signature):
    return p256.finish(p256_verify.verify(public, message, signature))


def slices_of(vector):
    """How many multiplications each slice of one verification has."""
    mulmod = p256.mulmod
    counts = [0]

    def counted(a, b, modulus):
        counts[-1] += 1
        return mulmod(a, b, modulus)

    p256.mulmod = counted
    try:
        for _ in p256_verify.verify(*fields(vector)):
            counts.append(0)
    finally:
        p256.mulmod = mulmod
    return counts


def test_the_hosts_signatures_are_right():
    for vector in SIGNATURES["good"]:
        assert is_right(*fields(vector)) is True, vector


def test_altered_and_degenerate_signatures_messages_and_keys_are_refused():
    for vector in SIGNATURES["refused"]:
        assert is_right(*fields(vector)) is False, vector["name"]


def test_changed_bits_all_over_a_signature_are_refused():
    public, message, signature = fields(SIGNATURES["good"][1])
    for bit in range(0, 512, 7):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not is_right(public, message, bytes(changed)), bit


def test_what_is_refused_at_once_costs_no_multiplication():
    refused = {vector["name"]: vector for vector in SIGNATURES["refused"]}
    for name in ("r 0", "s the order", "a point off the curve", "63 bytes"):
        assert slices_of(refused[name]) == [0], name


def test_no_slice_has_more_than_fifty_multiplications():
    for vector in SIGNATURES["good"]:
        assert max(slices_of(vector)) <= SLICE_LIMIT


def test_a_verification_costs_less_than_4200_multiplications():
    for vector in SIGNATURES["good"]:
        assert 3500 < sum(slices_of(vector)) < 4200


BASE = p256.finish(p256.public_key(1))  # as the key: its multiples and the comb's may meet


def test_points_that_meet_are_added_up_rightly():
    x, y = p256_verify.point(BASE)
    total = p256.finish(p256_verify._sum(1, 1, (x, y)))
    double = p256._double(x, y, 1)
    assert (total[0] * double[2] ** 2 - double[0] * total[2] ** 2) % p256.P == 0


def test_a_signature_whose_points_cancel_out_is_refused():
    digest = int.from_bytes(sha256(b"message").digest(), "big")
    r = s = p256.N - digest % p256.N  # so that the base point counts -1 times and the key once
    cancels = "no error"
    try:
        p256.finish(p256_verify._sum(p256.N - 1, 1, p256_verify.point(BASE)))
    except ArithmeticError:
        cancels = "refused"
    assert cancels == "refused"
    assert is_right(BASE, b"message", r.to_bytes(32, "big") + s.to_bytes(32, "big")) is False


def case_any_64_bytes_are_no_signature(data):
    public, message, _ = fields(SIGNATURES["good"][1])
    assert not is_right(public, message, unhexlify(data))
    return True


def case_any_point_is_on_the_curve_or_refused(data):
    found = p256_verify.point(unhexlify(data))
    if found is None:
        return None
    x, y = found
    assert (y * y - x * x * x + 3 * x - p256_verify._B) % p256.P == 0
    return hexlify(x.to_bytes(32, "big")).decode()
