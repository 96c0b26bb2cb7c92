"""AES-128-CCM (RFC 3610) as BTHome uses it: 13-byte nonce, 4-byte tag, no associated data. It opens, it does not seal.

`cryptolib` has ECB, CBC and CTR only, so both halves of CCM, the CBC-MAC and the
counter mode, are made block by block from ECB: memory does not grow with the message.
"""

import cryptolib

from box.core import mac

NONCE_SIZE, TAG_SIZE = 13, 4
LONGEST = 255  # bytes of message: more than an advertisement holds, and its length and block count fit in one byte

_ECB = 1
_BLOCK = 16
# First byte of a block: for the MAC, the tag's size as (4 - 2) / 2 << 3 and the two bytes of length as 2 - 1;
# for the key stream, the latter alone.
_MAC_FLAGS, _STREAM_FLAGS = 0x09, 0x01


def unseal(key: bytes, nonce: bytes, sealed: bytes, tag: bytes) -> "bytes | None":
    """Return the message, or None unless the tag is right for key (16 bytes), nonce and message.

    Nothing of the message leaves here before the tag has been checked.
    """
    size = len(sealed)
    if len(nonce) != NONCE_SIZE or len(tag) != TAG_SIZE or size > LONGEST:
        return None
    aes = cryptolib.aes(key, _ECB)
    counter = bytearray(_BLOCK)
    counter[1:14] = nonce
    state = bytearray(counter)
    counter[0], state[0], state[15] = _STREAM_FLAGS, _MAC_FLAGS, size
    first = aes.encrypt(counter)  # of the key stream: it covers the tag
    aes.encrypt(state, state)
    stream = bytearray(_BLOCK)
    message = bytearray(size)
    for start in range(0, size, _BLOCK):
        counter[15] += 1
        aes.encrypt(counter, stream)
        for i in range(min(_BLOCK, size - start)):
            byte = sealed[start + i] ^ stream[i]
            message[start + i] = byte
            state[i] ^= byte
        aes.encrypt(state, state)
    expected = bytes([state[i] ^ first[i] for i in range(TAG_SIZE)])
    return bytes(message) if mac.equal(expected, tag) else None
