"""P-256: right against the host's library, the same trace for every scalar, short slices, honest failures."""

import hashlib
import json
from binascii import hexlify, unhexlify

from box.core import p256, p256_table

with open(__file__.rsplit("/", 2)[0] + "/vectors/p256.json") as file:
    POINTS = json.load(file)["points"]

SLICE_LIMIT = 50  # modular multiplications between two yields
BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

MULTIPLIED_MOD_P, MULTIPLIED_MOD_N, YIELDED = 0x80, 0x81, 0xFF  # in a trace; below 16: a table index


def scalar(number):
    return 1 + int.from_bytes(hashlib.sha256(b"scalar %d" % number).digest(), "big") % (p256.N - 1)


def integer(text):
    return int.from_bytes(unhexlify(text), "big")


def trace_of(make_steps, *arguments):
    """Run a generator of p256 and return all it did, one byte each: multiplications, table indices, yields."""
    trace = bytearray()

    class TracedTable:
        def __init__(self, table):
            self.table = table

        def __getitem__(self, index):
            trace.append(index)
            return self.table[index]

    mulmod, table = p256.mulmod, p256._TABLE

    def traced_mulmod(a, b, modulus):
        trace.append(MULTIPLIED_MOD_P if modulus == p256.P else MULTIPLIED_MOD_N)
        return mulmod(a, b, modulus)

    p256.mulmod, p256._TABLE = traced_mulmod, TracedTable(table)
    try:
        for _ in make_steps(*arguments):
            trace.append(YIELDED)
    finally:
        p256.mulmod, p256._TABLE = mulmod, table
    return bytes(trace)


def longest_slice(trace):
    longest = current = 0
    for event in trace:
        if event == YIELDED:
            current = 0
        elif event >= MULTIPLIED_MOD_P:
            current += 1
            longest = max(longest, current)
    return longest


def affine_sum(a, b):
    """Add two different or equal points by the textbook: slow, and nothing of it is shared with p256."""
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], p256.P - 2, p256.P)
    else:
        slope = (b[1] - a[1]) * pow((b[0] - a[0]) % p256.P, p256.P - 2, p256.P)
    x = (slope * slope - a[0] - b[0]) % p256.P
    return x, (slope * (a[0] - x) - a[1]) % p256.P


def test_the_table_is_made_from_the_base_point():
    teeth = [BASE]
    for _ in range(p256.TEETH - 1):
        point = teeth[-1]
        for _ in range(p256.COLUMNS):
            point = affine_sum(point, point)
        teeth.append(point)
    expected = b""
    for index in range(16):
        point = teeth[4]
        for tooth in range(4):
            x, y = teeth[tooth]
            point = affine_sum(point, (x, y if index >> tooth & 1 else p256.P - y))
        expected += point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
    assert expected == p256_table.TABLE


def test_public_keys_are_the_hosts():
    for vector in POINTS:
        public = p256.finish(p256.public_key(integer(vector["scalar"])))
        assert public == unhexlify(vector["public"]), vector["name"]


def test_pairs_are_the_hosts():
    for vector in POINTS:
        pair = p256.finish(p256.pair(integer(vector["scalar"])))
        assert pair == (integer(vector["inverse"]), integer(vector["r"])), vector["name"]


def test_a_look_up_gives_every_point_and_its_negative():
    for index in range(16):
        x, y = p256._TABLE[index] >> 256, p256._TABLE[index] & (1 << 256) - 1
        # Column 0 with the top tooth positive, and all its teeth turned round.
        for teeth, expected in ((16 | index, (x, y)), (15 - index, (x, p256.P - y))):
            signs = 0
            for tooth in range(p256.TEETH):
                signs |= (teeth >> tooth & 1) << tooth * p256.COLUMNS
            assert p256._look_up(signs, 0) == expected, teeth


def test_indices_and_operations_are_the_same_for_a_thousand_scalars():
    expected = trace_of(p256.pair, scalar(0))
    assert expected.count(bytes((15,))) == p256.COLUMNS
    for number in range(1, 1000):
        assert trace_of(p256.pair, scalar(number)) == expected, number


def test_scalars_of_a_special_form_leave_the_same_trace():
    expected = trace_of(p256.pair, scalar(0))
    for vector in POINTS:
        assert trace_of(p256.pair, integer(vector["scalar"])) == expected, vector["name"]


def test_every_look_up_reads_all_entries_in_order():
    indices = [event for event in trace_of(p256.pair, scalar(0)) if event < 16]
    assert indices == list(range(16)) * p256.COLUMNS


def test_public_keys_leave_the_same_trace():
    expected = trace_of(p256.public_key, scalar(0))
    for number in range(1, 20):
        assert trace_of(p256.public_key, scalar(number)) == expected, number


def test_no_slice_has_more_than_fifty_multiplications():
    assert 0 < longest_slice(trace_of(p256.pair, scalar(0))) <= SLICE_LIMIT
    assert 0 < longest_slice(trace_of(p256.public_key, scalar(0))) <= SLICE_LIMIT


def test_a_pair_costs_1590_multiplications():
    trace = trace_of(p256.pair, scalar(0))
    # 51 columns of a doubling (8) and an addition (11), two inverses, and x = X / Z**2.
    assert trace.count(bytes((MULTIPLIED_MOD_P,))) == 51 * 19 + 298 + 2
    assert trace.count(bytes((MULTIPLIED_MOD_N,))) == 321


def test_equal_and_opposite_points_raise_instead_of_adding():
    x, y = BASE
    z = 12345
    square = z * z % p256.P
    for other_y in (y, p256.P - y):
        try:
            p256._add(x * square % p256.P, other_y * square * z % p256.P, z, x, y)
        except ArithmeticError:
            continue
        raise AssertionError(other_y)


def test_the_scalar_that_meets_an_equal_point_raises():
    # Twice a table entry: before the last column the sum is that entry, and the last column adds it again.
    twice_entry_1 = 2 * (2**208 - 2**156 - 2**104 - 2**52 + 1)
    try:
        p256.finish(p256.pair(twice_entry_1))
    except ArithmeticError:
        return
    raise AssertionError("the pair would be wrong")


def test_scalars_out_of_range_are_refused():
    for wrong in (-1, 0, p256.N, p256.N + 1, 2**256):
        for function in (p256.pair, p256.public_key):
            try:
                p256.finish(function(wrong))
            except ValueError:
                continue
            raise AssertionError(wrong)


def test_private_keys_are_in_range_and_use_every_byte_of_the_seed():
    assert p256.private_key(bytes(48)) == 1
    assert 0 < p256.private_key(b"\xff" * 48) < p256.N
    seen = set()
    for position in range(48):
        seed = bytearray(48)
        seed[position] = 1
        seen.add(p256.private_key(bytes(seed)))
    assert len(seen) == 48


def test_seeds_of_another_size_are_refused():
    for size in (0, 32, 47, 49):
        try:
            p256.private_key(bytes(size))
        except ValueError:
            continue
        raise AssertionError(size)


def case_pair(text):
    """The inverse is one; inverse and r are the result, for comparison with another library's."""
    k = integer(text)
    inverse, r = p256.finish(p256.pair(k))
    assert inverse * k % p256.N == 1
    return [hexlify(value.to_bytes(32, "big")).decode() for value in (inverse, r)]
