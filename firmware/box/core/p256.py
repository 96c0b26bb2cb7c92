"""ECDSA on P-256, the signing half: multiples of the base point, inverses, public keys.

What takes long is a generator: it yields after at most 50 modular multiplications, so that the event loop stays
alive (`finish` runs one to its end). All modular multiplications go through `mulmod`.

What is guaranteed: for every scalar the same operations run in the same order and the same table entries are read;
no branch and no index depends on a secret. Multiples of the base point use a comb of 5 teeth whose digits are all
+1 or -1, so no column is ever skipped; every look-up reads all 16 entries and selects by masks; inverses are
Fermat powers with the fixed windows of a public exponent. What is not guaranteed: the integers of CPython and
MicroPython do not take constant time (a smaller or a negative one is a little faster), and old values stay on the heap
until overwritten. So it withstands who counts operations, not who measures nanoseconds at the chip.

The addition formulas fail for equal or opposite points. Random scalars do not lead there; if it happens,
ArithmeticError is raised, never a wrong result returned.
"""

# A generator's type has a name in the module typing only, which MicroPython has not: generators go without.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls

from box.core import p256_table
from box.core.steps import finish as finish

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF  # the field
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # the order of the base point

TEETH = 5
COLUMNS = 52  # TEETH * COLUMNS = 260 bits, enough for a scalar below 2 N

_COLUMNS_PER_SLICE = 2  # 2 * (8 + 11) multiplications
_WINDOWS_PER_SLICE = 8  # 8 * (4 + 1) multiplications
_COORDINATE = (1 << 256) - 1


def _load(table: bytes) -> tuple[int, ...]:
    """Return the table's points as integers x << 256 | y, so that one mask selects a whole point."""
    return tuple([int.from_bytes(table[at : at + 64], "big") for at in range(0, len(table), 64)])


_TABLE = _load(p256_table.TABLE)


def mulmod(a: int, b: int, modulus: int) -> int:
    """Multiply: the only place where a modular multiplication is done."""
    return a * b % modulus


def private_key(seed: bytes) -> int:
    """Turn 48 random bytes into a private scalar 1..N-1; the bias of the reduction is below 2**-127."""
    if len(seed) != 48:
        raise ValueError("a private key is made from 48 random bytes")
    return 1 + int.from_bytes(seed, "big") % (N - 1)


def public_key(private: int):
    """Generate: return the public key of a private scalar, 65 bytes 0x04 || x || y."""
    x, y, z = yield from _multiply_base(private)
    inverse = yield from _invert(z, P)
    square = mulmod(inverse, inverse, P)
    x = mulmod(x, square, P)
    y = mulmod(y, mulmod(square, inverse, P), P)
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def pair(k: int):
    """Generate: return (k**-1 mod N, r) for a nonce k in 1..N-1, where r is the x of k times the base point, mod N.

    Both are as secret as the private key. r may be 0 in theory: the caller takes another nonce.
    """
    x, _, z = yield from _multiply_base(k)
    inverse = yield from _invert(z, P)
    r = mulmod(x, mulmod(inverse, inverse, P), P) % N
    k_inverse = yield from _invert(k, N)
    return k_inverse, r


def _multiply_base(scalar: int):
    """Generate: return scalar times the base point in Jacobian coordinates."""
    if not 0 < scalar < N:
        raise ValueError("the scalar must be in 1..N-1")
    # An odd number is a sum of all powers 2**0..2**259, each taken positive or negative; adding the odd order
    # makes an even scalar odd and changes no point. Bit i of `signs` says whether 2**i is taken positive.
    odd = scalar + N * (1 - (scalar & 1))
    signs = odd >> 1 | 1 << (TEETH * COLUMNS - 1)
    x, y = _look_up(signs, COLUMNS - 1)
    z = 1
    for column in range(COLUMNS - 2, -1, -1):
        if (COLUMNS - 2 - column) % _COLUMNS_PER_SLICE == 0:
            yield
        x, y, z = _double(x, y, z)
        x, y, z = _add(x, y, z, *_look_up(signs, column))
    yield
    return x, y, z


def _look_up(signs: int, column: int) -> tuple[int, int]:
    """Return the affine point for a column of the comb, reading every entry of the table.

    The table holds the 16 points whose top tooth is positive; the others are their negatives.
    """
    digit = 0
    for tooth in range(TEETH):
        digit |= (signs >> tooth * COLUMNS + column & 1) << tooth
    negative = 1 - (digit >> TEETH - 1)
    wanted = (digit ^ -negative) & 15
    point = 0
    for index in range(16):
        # The mask is -1 (all ones) for the wanted index and 0 for every other.
        point |= _TABLE[index] & (((index ^ wanted) + 15 >> 4) - 1)
    y = point & _COORDINATE
    return point >> 256, y + negative * (P - 2 * y)


def _double(x: int, y: int, z: int) -> tuple[int, int, int]:
    """Double a Jacobian point: 8 multiplications. Coordinates may come and go a few times P off their residue."""
    delta = mulmod(z, z, P)
    gamma = mulmod(y, y, P)
    beta = mulmod(x, gamma, P)
    alpha = mulmod(3 * (x - delta), x + delta, P)
    x_out = mulmod(alpha, alpha, P) - 8 * beta
    y_out = mulmod(alpha, 4 * beta - x_out, P) - 8 * mulmod(gamma, gamma, P)
    return x_out, y_out, mulmod(2 * y, z, P)


def _add(x: int, y: int, z: int, x2: int, y2: int) -> tuple[int, int, int]:
    """Add the affine point (x2, y2) to a Jacobian one: 11 multiplications; raise if the two are equal or opposite."""
    z_square = mulmod(z, z, P)
    h = mulmod(x2, z_square, P) - x
    slope = mulmod(y2, mulmod(z, z_square, P), P) - y
    z_out = mulmod(z, h, P)
    if z_out == 0:
        raise ArithmeticError("equal or opposite points")
    h_square = mulmod(h, h, P)
    h_cube = mulmod(h, h_square, P)
    v = mulmod(x, h_square, P)
    x_out = mulmod(slope, slope, P) - h_cube - 2 * v
    y_out = mulmod(slope, v - x_out, P) - mulmod(y, h_cube, P)
    return x_out, y_out, z_out


def _invert(value: int, modulus: int):
    """Generate: return value**(modulus - 2), the inverse modulo a 256-bit prime, by 64 windows of 4 bits.

    Windows of zero are skipped: the exponent is public.
    """
    powers = [1, value]
    for _ in range(14):
        powers.append(mulmod(powers[-1], value, modulus))
    yield
    exponent = modulus - 2
    result = powers[exponent >> 252]
    for window in range(62, -1, -1):
        if window % _WINDOWS_PER_SLICE == _WINDOWS_PER_SLICE - 1:
            yield
        for _ in range(4):
            result = mulmod(result, result, modulus)
        digit = exponent >> 4 * window & 15
        if digit:
            result = mulmod(result, powers[digit], modulus)
    yield
    return result
