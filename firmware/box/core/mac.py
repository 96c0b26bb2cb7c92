"""HMAC-SHA-256 (RFC 2104), HKDF-SHA-256 (RFC 5869) and a constant-time comparison.

MicroPython has no hmac module and its hashlib objects have no copy(), so each
HMAC hashes both padded key blocks anew: four SHA-256 blocks for a short message.
"""

import hashlib

_BLOCK = 64
_INNER = int.from_bytes(b"\x36" * _BLOCK, "big")
_OUTER = int.from_bytes(b"\x5c" * _BLOCK, "big")


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return the 32-byte HMAC; a key longer than 64 bytes is hashed first, as the standard says."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    block = int.from_bytes(key + bytes(_BLOCK - len(key)), "big")
    inner = hashlib.sha256((block ^ _INNER).to_bytes(_BLOCK, "big") + message).digest()
    outer: bytes = hashlib.sha256((block ^ _OUTER).to_bytes(_BLOCK, "big") + inner).digest()
    return outer


def hkdf_sha256(secret: bytes, info: bytes, length: int = 32) -> bytes:
    """Derive `length` bytes (1..8160) for the use named by `info`; no salt, so the salt is 32 zeros."""
    if not 0 < length <= 255 * 32:
        raise ValueError("HKDF gives 1 to 8160 bytes")
    key = hmac_sha256(bytes(32), secret)
    block = output = b""
    for counter in range(1, (length + 31) // 32 + 1):
        block = hmac_sha256(key, block + info + bytes((counter,)))
        output += block
    return output[:length]


def equal(a: bytes, b: bytes) -> bool:
    """Compare without stopping at the first difference, so that timing tells nothing of where it is."""
    if len(a) != len(b):
        return False
    difference = 0
    for x, y in zip(a, b):  # noqa: B905 (MicroPython's zip has no `strict`; the lengths are equal)
        difference |= x ^ y
    return difference == 0
