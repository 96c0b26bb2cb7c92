"""Sign alerts with ES256, with nonces computed ahead while the box is idle.

A signature needs a pair (k**-1, r) that depends on no message. A pool of them makes the signature at a press two
modular multiplications instead of a whole scalar multiplication. A pair and one signature made with it reveal the
private key, so pairs live in RAM only and each leaves the pool before it is used. (Python cannot overwrite an
integer: the memory keeps its bits until it is used again.)

k = HMAC(private key, 32 random bytes | boot | index). The caller keeps the boot count on flash and never repeats it
for a key, and the index never repeats within a boot: a dead random source cannot repeat a nonce.
"""

# A generator's type has a name in the module typing only, which MicroPython has not: generators go without.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls

import hashlib

from box.core import mac, p256

POOL_SIZE = 4

_UINT32 = 0xFFFFFFFF


def generate_key(random):
    """Generate in slices: return a new (private key of 32 bytes, public key of 65 bytes).

    `random(n)` gives n bytes of the hardware generator. A source that is stuck would give every box the same key:
    it raises ValueError.
    """
    seed = random(48)
    if random(48) == seed:
        raise ValueError("the random source repeats itself: no key can be made")
    private = p256.private_key(seed)
    public = yield from p256.public_key(private)
    return private.to_bytes(32, "big"), public


class Signer:
    """Signs for one key during one boot; `random(n)` gives n bytes of the hardware generator."""

    def __init__(self, private: bytes, boot: int, random):
        self._scalar = int.from_bytes(private, "big")
        if len(private) != 32 or not 0 < self._scalar < p256.N:
            raise ValueError("a private key is 32 bytes, 1..N-1")
        if not 0 <= boot <= _UINT32:
            raise ValueError("the boot count has 32 bits")
        self._private = private
        self._boot = boot.to_bytes(4, "big")
        self._random = random
        self._index = 0
        self._pool: list[tuple[int, int]] = []

    @property
    def ready(self) -> int:
        """How many signatures can be made at once."""
        return len(self._pool)

    def refill(self):
        """Generate: add one pair to the pool, in slices of at most 50 modular multiplications; none if it is full."""
        if len(self._pool) < POOL_SIZE:
            pair = yield from self._new_pair()
            self._pool.append(pair)

    def sign(self, message: bytes) -> bytes:
        """Return the signature r || s (64 bytes); it takes a whole pair's time if none is ready."""
        digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
        while True:
            k_inverse, r = self._pool.pop() if self._pool else p256.finish(self._new_pair())
            s = p256.mulmod(k_inverse, digest + p256.mulmod(r, self._scalar, p256.N), p256.N)
            if s:
                signature: bytes = r.to_bytes(32, "big") + s.to_bytes(32, "big")
                return signature

    def _new_pair(self):
        while True:
            k_inverse, r = yield from p256.pair(self._nonce())
            if r:
                return k_inverse, r

    def _nonce(self) -> int:
        """Return a fresh k in 1..N-1; values outside are dropped, not reduced, which would prefer small ones."""
        while True:
            self._index += 1
            index = self._index.to_bytes(4, "big")
            k = int.from_bytes(mac.hmac_sha256(self._private, self._random(32) + self._boot + index), "big")
            if 0 < k < p256.N:
                return k
