"""MicroPython's module `cryptolib` for CPython, by `cryptography`: ECB and encryption only, as the box uses it.

MicroPython has its own and never sees this one.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_ECB = 1


class aes:  # noqa: N801 - its name on the chip
    """A cipher object. `key`: 16 or 32 bytes, as there; a wrong length is a ValueError."""

    def __init__(self, key: bytes, mode: int, iv: bytes | None = None):
        if mode != _ECB or iv is not None:
            raise NotImplementedError("only ECB, mode 1, is stood in for")
        if len(key) not in (16, 32):
            raise ValueError("key")
        self._encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()

    def encrypt(self, data: bytes | bytearray, into: bytearray | None = None) -> bytes | bytearray:
        """Encrypt whole blocks, into a buffer if one is given (it may be `data`)."""
        if len(data) % 16:
            raise ValueError("blksize % 16")
        result = self._encryptor.update(bytes(data))
        if into is None:
            return result
        into[: len(result)] = result
        return into
