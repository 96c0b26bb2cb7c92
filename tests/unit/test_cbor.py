"""The encoder writes what RFC 8949 shows; the decoder takes exactly that and refuses the rest with one error."""

import hashlib
from binascii import hexlify, unhexlify

from box.core import cbor

# Value and encoding, from appendix A of RFC 8949 where it has them.
EXAMPLES = (
    (0, "00"),
    (1, "01"),
    (10, "0a"),
    (23, "17"),
    (24, "1818"),
    (100, "1864"),
    (255, "18ff"),
    (256, "190100"),
    (1000, "1903e8"),
    (65535, "19ffff"),
    (65536, "1a00010000"),
    (1000000, "1a000f4240"),
    (4294967295, "1affffffff"),
    (4294967296, "1b0000000100000000"),
    (1000000000000, "1b000000e8d4a51000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-1, "20"),
    (-10, "29"),
    (-24, "37"),
    (-25, "3818"),
    (-100, "3863"),
    (-1000, "3903e7"),
    (-18446744073709551616, "3bffffffffffffffff"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    (b"", "40"),
    (b"\x01\x02\x03\x04", "4401020304"),
    ("", "60"),
    ("IETF", "6449455446"),
    ('"\\', "62225c"),
    ("\u00fc", "62c3bc"),
    ("\u6c34", "63e6b0b4"),
    ("\U00010151", "64f0908591"),
    ([], "80"),
    ([1, 2, 3], "83010203"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    (list(range(1, 26)), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
    ({}, "a0"),
    ({1: 2, 3: 4}, "a201020304"),
    ({24: 1, -1: 2, 10: 3, 500: 4, -30: 5}, "a50a031818011901f4042002381d05"),
)

REFUSED = (
    ("nothing", ""),
    ("a byte after the end", "0000"),
    ("0 in two bytes", "1800"),
    ("23 in two bytes", "1817"),
    ("255 in three bytes", "1900ff"),
    ("65535 in five bytes", "1a0000ffff"),
    ("2**32 - 1 in nine bytes", "1b00000000ffffffff"),
    ("a string's length in two bytes", "5801ff"),
    ("reserved heads", "1c"),
    ("an indefinite byte string", "5f4100ff"),
    ("an indefinite text string", "7f6100ff"),
    ("an indefinite list", "9f01ff"),
    ("an indefinite map", "bf0102ff"),
    ("a break alone", "ff"),
    ("a half float", "f93c00"),
    ("a float", "fa47c35000"),
    ("a double", "fb3ff199999999999a"),
    ("undefined", "f7"),
    ("simple value 16", "f0"),
    ("simple value 255", "f8ff"),
    ("false in two bytes", "f814"),
    ("a key twice", "a201000101"),
    ("a key twice and a third key", "a2010001010202"),
    ("keys descending", "a202000100"),
    ("-1 before 1", "a220000100"),
    ("a text key", "a1616100"),
    ("a byte string key", "a1416100"),
    ("a list as key", "a18000"),
    ("a map without its last value", "a101"),
    ("a list cut short", "8201"),
    ("a byte string of 2**64 - 1", "5bffffffffffffffff"),
    ("a text string of 2**32 - 1", "7affffffff"),
    ("a list of 2**64 - 1", "9bffffffffffffffff"),
    ("a map of 2**64 - 1", "bbffffffffffffffff"),
    ("a tag of nothing", "d2"),
    ("UTF-8 cut short", "61c3"),
    ("UTF-8 that goes on without a start", "6180"),
    ("UTF-8 of a surrogate", "63eda080"),
    ("UTF-8 of / in two bytes", "62c0af"),
    ("UTF-8 of NUL in two bytes", "62c080"),
    ("UTF-8 of a three-byte form in four", "64f08282ac"),
    ("UTF-8 beyond U+10FFFF", "64f4908080"),
    ("UTF-8 with a five-byte start", "65f888808080"),
    ("UTF-8 with a byte that never stands there", "61ff"),
)


def build(node):
    """Build a value from JSON-able data: ["int", "-5"], ["bytes", hex], ["list", [...]], ["map", [[key, node]...]]."""
    kind, content = node
    if kind == "int":
        return int(content)
    if kind == "bytes":
        return unhexlify(content)
    if kind == "list":
        return [build(item) for item in content]
    if kind == "map":
        return {int(key): build(item) for key, item in content}
    return content


def is_refused(data):
    """Decode: True if it ends in CborError; otherwise the accepted message must encode to the same bytes."""
    try:
        value = cbor.decode(data)
    except cbor.CborError:
        return True
    assert cbor.encode(value) == data, hexlify(data)
    return False


def test_values_encode_as_the_standard_shows():
    for value, expected in EXAMPLES:
        assert cbor.encode(value) == unhexlify(expected), value


def test_examples_decode_to_their_values():
    for value, encoded in EXAMPLES:
        decoded = cbor.decode(unhexlify(encoded))
        assert decoded == value, encoded
        assert type(decoded) is type(value), encoded


def test_a_tag_keeps_its_number_and_value():
    tag = cbor.decode(unhexlify("c11a514b67b0"))
    assert (tag.number, tag.value) == (1, 1363896240)
    assert cbor.encode(tag) == unhexlify("c11a514b67b0")


def test_a_memoryview_decodes_to_values_of_its_own():
    source = bytearray(b"\x82\x42ab\x01")
    value = cbor.decode(memoryview(source))
    source[2] = 0
    assert value == [b"ab", 1]


def test_malformed_messages_are_refused():
    for name, data in REFUSED:
        assert is_refused(unhexlify(data)), name


def test_every_truncation_is_refused():
    for _, encoded in EXAMPLES:
        data = unhexlify(encoded)
        for length in range(len(data)):
            assert is_refused(data[:length]), encoded


def test_all_messages_of_one_and_two_bytes_are_refused_or_come_back_unchanged():
    accepted = 0
    for first in range(256):
        accepted += not is_refused(bytes((first,)))
        for second in range(256):
            accepted += not is_refused(bytes((first, second)))
    # 24 + 24 small integers, 4 empty things and 3 simple values in one byte. In two: 232 + 232 integers, 256 byte
    # strings, 128 texts, and a list or one of 24 tags around each of the one-byte messages.
    assert accepted == 55 + 232 + 232 + 256 + 128 + 25 * 55


def test_thousands_of_random_messages_are_refused_or_come_back_unchanged():
    refused = 0
    for number in range(5000):
        digest = hashlib.sha256(str(number).encode()).digest()
        refused += is_refused(digest[: 3 + digest[0] % 12])
    assert 4000 < refused < 5000


def test_nesting_is_bounded_when_decoding():
    assert not is_refused(b"\x81" * (cbor.MAX_DEPTH - 1) + b"\x00")
    for opening in (b"\x81", b"\xa1\x00", b"\xd2"):
        assert is_refused(opening * cbor.MAX_DEPTH + b"\x00"), opening
        assert is_refused(opening * 100_000 + b"\x00"), opening


def test_nesting_is_bounded_when_encoding():
    value = []
    for _ in range(cbor.MAX_DEPTH):
        value = [value]
    assert is_unencodable(value)
    value.append(value)
    assert is_unencodable(value)


def test_nesting_is_bounded_alike_through_lists_maps_and_tags():
    for wrap, head in (
        (lambda value: [value], b"\x81"),
        (lambda value: {0: value}, b"\xa1\x00"),
        (lambda value: cbor.Tag(2, value), b"\xc2"),
    ):
        value, encoded = 1, b"\x01"
        for _ in range(cbor.MAX_DEPTH - 1):
            value, encoded = wrap(value), head + encoded
        assert cbor.encode(value) == encoded
        assert not is_refused(encoded)
        assert is_unencodable(wrap(value))
        assert is_refused(head + encoded)


def test_the_heads_that_have_no_length_are_refused_with_any_bytes_after_them():
    for major in range(8):
        for info in (28, 29, 30, 31):
            for rest in (b"", bytes(16), b"\x01" * 32, b"\xff" * 40, b"\x7f" * 300):
                assert is_refused(bytes((major << 5 | info,)) + rest)


def test_the_number_of_items_is_bounded():
    head = b"\x98" + bytes((cbor.MAX_ITEMS - 1,))
    assert not is_refused(head + bytes(cbor.MAX_ITEMS - 1))
    assert is_refused(b"\x99\x01\x00" + bytes(256))


def is_unencodable(value):
    try:
        cbor.encode(value)
    except cbor.CborError:
        return True
    return False


def test_what_has_no_encoding_is_refused():
    for value in (1.5, (1, 2), object(), 1 << 64, -(1 << 64) - 1, {"text": 1}, {True: 1}, {None: 1}, [1.5], {1: 1.5}):
        assert is_unencodable(value), value


def case_round_trip(node):
    """Any value comes back from its encoding; the encoding is the result, for comparison with another library's."""
    value = build(node)
    encoded = cbor.encode(value)
    assert cbor.decode(encoded) == value
    return hexlify(encoded).decode()


def case_hostile(messages):
    """Any bytes are refused with CborError or come back unchanged from the encoder."""
    return [is_refused(unhexlify(message)) for message in messages]
