"""Deterministic CBOR (RFC 8949, section 4.2.1) for small messages.

The decoder is for untrusted input and accepts exactly what the encoder writes:
whole messages of integers, byte and text strings, lists, maps with ascending
integer keys, tags, true, false and null, in their shortest form. So
`encode(decode(data)) == data` for all it accepts, and two different byte strings
never mean the same. Floats, other simple values and indefinite lengths are refused.
"""

from box.core import utf8

MAX_DEPTH = 8  # of nesting: bounds the recursion below
MAX_ITEMS = 256  # in one message: bounds the objects made from it

_UINT, _NINT, _BYTES, _TEXT, _LIST, _MAP, _TAG, _SIMPLE = range(8)
_SIMPLE_VALUES = {20: False, 21: True, 22: None}
_UINT64_MAX = 0xFFFFFFFFFFFFFFFF


class CborError(ValueError):
    """The bytes are not a message we accept, or the value is not one we can encode."""


class Tag:
    """A tagged value."""

    def __init__(self, number: int, value: object):
        self.number = number
        self.value = value


def encode(value: object) -> bytes:
    """Encode None, bool, int (64 bits), bytes, str, list, Tag, and dict with int keys (in any order)."""
    return _encode(value, MAX_DEPTH)


def _encode(value: object, depth: int) -> bytes:
    if depth == 0:
        raise CborError("nested too deeply")
    if value is None or isinstance(value, bool):
        return b"\xf6" if value is None else (b"\xf5" if value else b"\xf4")
    if isinstance(value, int):
        return _head(_UINT, value) if value >= 0 else _head(_NINT, -1 - value)
    if isinstance(value, (bytes, bytearray)):
        return _head(_BYTES, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(_TEXT, len(text)) + text
    if isinstance(value, list):
        return _head(_LIST, len(value)) + b"".join([_encode(item, depth - 1) for item in value])
    if isinstance(value, dict):
        # Sorted here because a MicroPython dict has no order; encoded keys sort as the standard wants.
        pairs = sorted([(_key(key), _encode(item, depth - 1)) for key, item in value.items()])
        return _head(_MAP, len(pairs)) + b"".join([key + item for key, item in pairs])
    if isinstance(value, Tag):
        return _head(_TAG, value.number) + _encode(value.value, depth - 1)
    raise CborError("cannot encode " + type(value).__name__)


def _key(key: object) -> bytes:
    if isinstance(key, bool) or not isinstance(key, int):
        raise CborError("a map's key must be an integer")
    return _encode(key, 1)


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes((major << 5 | value,))
    if value > _UINT64_MAX:
        raise CborError("more than 64 bits")
    size = 0  # the argument takes 2**size bytes
    while value >> (8 << size):
        size += 1
    return bytes((major << 5 | 24 + size,)) + value.to_bytes(1 << size, "big")


def decode(data: bytes) -> object:
    """Decode one whole message, or raise CborError. Makes nothing larger than the input."""
    decoder = _Decoder(bytes(data))
    value = decoder.item(MAX_DEPTH)
    if decoder.at != len(decoder.data):
        raise CborError("bytes after the end")
    return value


class _Decoder:
    def __init__(self, data: bytes):
        self.data = data
        self.at = 0
        self.items_left = MAX_ITEMS

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise CborError("cut short")
        part = self.data[self.at : end]
        self.at = end
        return part

    def head(self) -> tuple[int, int]:
        """Return (major type, argument) and count one item."""
        if self.items_left == 0:
            raise CborError("too many items")
        self.items_left -= 1
        first = self.take(1)[0]
        major, value = first >> 5, first & 31
        if value < 24:
            return major, value
        if value > 27 or major == _SIMPLE:
            raise CborError("indefinite lengths, floats and reserved heads are not accepted")
        size = 1 << value - 24
        value = int.from_bytes(self.take(size), "big")
        if value < (24 if size == 1 else 1 << 4 * size):
            raise CborError("not the shortest form")
        return major, value

    def item(self, depth: int) -> object:
        if depth == 0:
            raise CborError("nested too deeply")
        major, value = self.head()
        if major == _UINT:
            return value
        if major == _NINT:
            return -1 - value
        if major == _BYTES:
            return self.take(value)
        if major == _TEXT:
            return _text(self.take(value))
        if major == _LIST:
            # A false count fails at the first item that is not there; nothing is reserved for it.
            items: list[object] = []
            while len(items) < value:
                items.append(self.item(depth - 1))
            return items
        if major == _MAP:
            return self.map(value, depth)
        if major == _TAG:
            return Tag(value, self.item(depth - 1))
        if value not in _SIMPLE_VALUES:
            raise CborError("unknown simple value")
        return _SIMPLE_VALUES[value]

    def map(self, count: int, depth: int) -> dict[int, object]:
        """Read a map whose encoded keys ascend strictly: that refuses duplicates too."""
        entries: dict[int, object] = {}
        last = b""
        while len(entries) < count:
            start = self.at
            major, value = self.head()
            if major not in (_UINT, _NINT):
                raise CborError("a map's key must be an integer")
            encoded = self.data[start : self.at]
            if encoded <= last:
                raise CborError("keys not ascending")
            last = encoded
            entries[value if major == _UINT else -1 - value] = self.item(depth - 1)
        return entries


def _text(raw: bytes) -> str:
    try:
        return utf8.decode(raw)
    except ValueError:
        raise CborError("not UTF-8") from None
