"""Signatures: right, made from fresh nonces even with a dead random source, and quick when a pair is ready."""

import hashlib
from binascii import hexlify, unhexlify

from box.core import mac, p256, signer

PRIVATE = hashlib.sha256(b"a private key for tests").digest()
SCALAR = int.from_bytes(PRIVATE, "big")


def stuck(size):
    """A dead random source."""
    return bytes(size)


def new_signer(boot=1, random=stuck):
    return signer.Signer(PRIVATE, boot, random)


def refill(box_signer, pairs=1):
    for _ in range(pairs):
        p256.finish(box_signer.refill())


def is_right(signature, message, k):
    """Check a signature by the equation s k = e + r d that defines it, k being known to the test."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    return r == p256.finish(p256.pair(k))[1] and s * k % p256.N == (digest + r * SCALAR) % p256.N


def nonce(boot, index, random_bytes=bytes(32)):
    material = random_bytes + boot.to_bytes(4, "big") + index.to_bytes(4, "big")
    return int.from_bytes(mac.hmac_sha256(PRIVATE, material), "big")


def counted(function, *arguments):
    """Return (result, number of modular multiplications)."""
    mulmod = p256.mulmod
    count = [0]

    def counting(a, b, modulus):
        count[0] += 1
        return mulmod(a, b, modulus)

    p256.mulmod = counting
    try:
        return function(*arguments), count[0]
    finally:
        p256.mulmod = mulmod


def test_signatures_with_and_without_a_ready_pair_satisfy_the_equation():
    box_signer = new_signer(boot=9)
    assert is_right(box_signer.sign(b"first"), b"first", nonce(9, 1))
    refill(box_signer)
    assert is_right(box_signer.sign(b"second"), b"second", nonce(9, 2))


def test_the_nonce_takes_in_key_random_bytes_boot_and_index():
    def other(size):
        return b"\x07" * size

    assert is_right(new_signer(boot=2**32 - 1, random=other).sign(b"x"), b"x", nonce(2**32 - 1, 1, b"\x07" * 32))
    rs = [new_signer(boot=1).sign(b"x")[:32], new_signer(boot=2).sign(b"x")[:32]]
    rs.append(new_signer(boot=1, random=other).sign(b"x")[:32])
    rs.append(signer.Signer(hashlib.sha256(PRIVATE).digest(), 1, stuck).sign(b"x")[:32])
    assert len(set(rs)) == 4


def test_a_stuck_random_source_repeats_no_r_over_a_thousand_restarts():
    seen = set()
    for boot in range(1, 1001):
        seen.add(new_signer(boot=boot).sign(b"alert")[:32])
    assert len(seen) == 1000


def test_a_stuck_random_source_repeats_no_r_within_a_boot():
    box_signer = new_signer()
    seen = set()
    for round_number in range(10):
        refill(box_signer, round_number % 4)
        for _ in range(3):
            seen.add(box_signer.sign(b"the same message")[:32])
    assert len(seen) == 30


def test_the_pool_fills_to_four_and_no_further():
    box_signer = new_signer()
    counts = []
    for _ in range(6):
        refill(box_signer)
        counts.append(box_signer.ready)
    assert counts == [1, 2, 3, 4, 4, 4]
    assert counted(refill, box_signer)[1] == 0


def test_a_signature_takes_one_pair_and_it_is_gone():
    box_signer = new_signer()
    refill(box_signer, 2)
    pairs = list(box_signer._pool)
    r = box_signer.sign(b"x")[:32]
    assert box_signer.ready == 1
    used = [pair for pair in pairs if pair not in box_signer._pool]
    assert [pair[1].to_bytes(32, "big") for pair in used] == [r]


def test_a_pair_leaves_the_pool_even_if_signing_fails():
    box_signer = new_signer()
    refill(box_signer)
    mulmod = p256.mulmod

    def failing(a, b, modulus):
        raise MemoryError

    p256.mulmod = failing
    try:
        box_signer.sign(b"x")
    except MemoryError:
        assert box_signer.ready == 0
    else:
        raise AssertionError("the failure was planted")
    finally:
        p256.mulmod = mulmod


def test_a_ready_pair_makes_a_signature_two_multiplications():
    box_signer = new_signer()
    refill(box_signer)
    assert counted(box_signer.sign, b"x")[1] == 2
    assert counted(box_signer.sign, b"x")[1] == 1590 + 2


def test_refilling_works_in_slices_and_the_pool_may_be_used_meanwhile():
    box_signer = new_signer()
    refill(box_signer)
    steps = box_signer.refill()
    slices = 0
    for _ in steps:
        slices += 1
        if slices == 10:
            box_signer.sign(b"a press meanwhile")
            assert box_signer.ready == 0
    assert slices >= 1590 // 50
    assert box_signer.ready == 1


def test_s_of_zero_takes_the_next_pair():
    box_signer = new_signer()
    refill(box_signer)
    good_r = box_signer._pool[0][1]
    box_signer._pool.append((0, good_r + 1))  # an inverse of 0 makes s 0
    assert box_signer.sign(b"x")[:32] == good_r.to_bytes(32, "big")
    assert box_signer.ready == 0


def test_r_of_zero_takes_the_next_nonce():
    box_signer = new_signer()
    pair = p256.pair
    asked = []

    def first_r_is_zero(k):
        asked.append(k)
        yield
        if len(asked) == 1:
            return 1, 0
        return (yield from pair(k))

    p256.pair = first_r_is_zero
    try:
        signature = box_signer.sign(b"x")
    finally:
        p256.pair = pair
    assert asked == [nonce(1, 1), nonce(1, 2)]
    assert is_right(signature, b"x", nonce(1, 2))


def test_nonces_outside_the_range_are_dropped_not_reduced():
    box_signer = new_signer()
    hmac_sha256 = mac.hmac_sha256
    wrong = [bytes(32), p256.N.to_bytes(32, "big"), b"\xff" * 32]

    def first_are_wrong(key, message):
        return wrong.pop() if wrong else hmac_sha256(key, message)

    mac.hmac_sha256 = first_are_wrong
    try:
        signature = box_signer.sign(b"x")
    finally:
        mac.hmac_sha256 = hmac_sha256
    assert is_right(signature, b"x", nonce(1, 4))


def test_a_wrong_private_key_or_boot_count_is_refused():
    wrong = (
        (bytes(32), 1),
        (p256.N.to_bytes(32, "big"), 1),
        (PRIVATE[:31], 1),
        (PRIVATE + b"\x00", 1),
        (PRIVATE, -1),
        (PRIVATE, 2**32),
    )
    for private, boot in wrong:
        try:
            signer.Signer(private, boot, stuck)
        except ValueError:
            continue
        raise AssertionError(private)


def test_a_made_key_signs_and_has_its_public_key():
    state = [PRIVATE]

    def random(size):
        state[0] = hashlib.sha256(state[0]).digest()
        return (state[0] + PRIVATE)[:size]

    private, public = p256.finish(signer.generate_key(random))
    assert len(private) == 32
    assert public == p256.finish(p256.public_key(int.from_bytes(private, "big")))
    assert len(signer.Signer(private, 1, random).sign(b"x")) == 64


def test_no_key_is_made_from_a_stuck_random_source():
    try:
        p256.finish(signer.generate_key(stuck))
    except ValueError:
        return
    raise AssertionError("every box would get this key")


def case_signature(data):
    """A signature is r and s in range; it is the result, for verification by another library."""
    box_signer = signer.Signer(unhexlify(data["private"]), data["boot"], lambda size: unhexlify(data["random"])[:size])
    refill(box_signer, data["ready"])
    signature = box_signer.sign(unhexlify(data["message"]))
    for part in (signature[:32], signature[32:]):
        assert 0 < int.from_bytes(part, "big") < p256.N
    return hexlify(signature).decode()
