"""ECDSA on P-256, the verifying half: only for the technician's certificate and unlocking, never at a press.

A generator, like p256's long works: it yields after at most 50 modular multiplications. One double-and-add carries
both multiples: the public key's by the signed digits of its scalar (NAF), the base point's by p256's comb in the last
52 doublings, which the two share. That needs no table for the key and no addition but p256's: 3,900 multiplications.

Everything here is public, so branches may depend on it. Where p256's addition meets equal or opposite points, the
signature is refused: only a key made on purpose (the base point itself, say) leads there.
"""

# A generator's type has a name in the module typing only, which MicroPython has not: generators go without.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls

import hashlib

from box.core import p256
from box.core.p256 import COLUMNS, TEETH, N, P

_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_BITS = 257  # of a scalar's signed digits


def point(public: bytes) -> "tuple[int, int] | None":
    """The point of a public key of 65 bytes 0x04 || x || y; None if that is not one on the curve."""
    if len(public) != 65 or public[0] != 4:
        return None
    x, y = int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")
    if x >= P or y >= P or (y * y - (x * x - 3) * x - _B) % P:
        return None
    return x, y


def verify(public: bytes, message: bytes, signature: bytes):
    """Generate: return whether `signature` (r || s, 64 bytes) is the ES256 signature of `message` by this key."""
    key = point(public)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if key is None or len(signature) != 64 or not (0 < r < N and 0 < s < N):
        return False
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    inverse = yield from p256._invert(s, N)
    try:
        x, _, z = yield from _sum(p256.mulmod(digest, inverse, N), p256.mulmod(r, inverse, N), key)
    except ArithmeticError:
        return False
    square = p256.mulmod(z, z, P)
    # x was reduced modulo N when r was made, so r stands for r + N too, where that is a coordinate.
    return any((p256.mulmod(candidate, square, P) - x) % P == 0 for candidate in (r, r + N) if candidate < P)


def _sum(base_scalar: int, key_scalar: int, key: tuple[int, int]):
    """Generate: return base_scalar times the base point plus key_scalar times the key, in Jacobian coordinates."""
    signs = (base_scalar if base_scalar & 1 else base_scalar + N) >> 1 | 1 << (TEETH * COLUMNS - 1)
    # Digit i of the NAF is bit i + 1 of 3 k, less bit i + 1 of k.
    plus, minus = 3 * key_scalar, key_scalar
    x, y = key
    total: "tuple[int, int, int] | None" = None
    for bit in range(_BITS, -1, -1):
        if bit < COLUMNS or bit % 3 == 0:
            yield
        if total:
            total = p256._double(*total)
        digit = (plus >> bit + 1 & 1) - (minus >> bit + 1 & 1)
        if digit:
            total = p256._add(*total, x, digit * y) if total else (x, digit * y, 1)
        if bit < COLUMNS:
            addend = p256._look_up(signs, bit)
            total = p256._add(*total, *addend) if total else addend + (1,)
    yield
    return total
