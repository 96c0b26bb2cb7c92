"""The box's key: made here, kept on flash, sent nowhere.

Key and sequence live and die together: a box whose ring was lost must not start
again at 1 under the old key, so it gets a new key and has to be enrolled again.
"""

import os
from binascii import crc32
from errno import ENOENT

from box.core import alert, p256, signer
from box.errors import StorageError

_PRIVATE, _PUBLIC = 32, 65


class Identity:
    """`private` 32 bytes; `public` 65 bytes (0x04 || x || y); `box` 8 bytes."""

    def __init__(self, private: bytes, public: bytes):
        self.private = private
        self.public = public
        self.box = alert.box_id(public)


def load(path: str) -> "Identity | None":
    """The stored identity; None if there is none or the file is damaged (a cut while it was made).

    StorageError if it cannot be read: a key must not be given up for a passing fault.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        if error.errno == ENOENT:
            return None
        raise StorageError("the key cannot be read: %s" % error)
    body = data[: _PRIVATE + _PUBLIC]
    if len(data) != _PRIVATE + _PUBLIC + 4 or crc32(body) != int.from_bytes(data[-4:], "big"):
        return None
    return Identity(body[:_PRIVATE], body[_PRIVATE:])


def make(path: str, random) -> Identity:
    """Make a key and store it. `random(n)` gives n bytes from the hardware generator (radio on)."""
    private, public = p256.finish(signer.generate_key(random))
    identity = Identity(private, public)
    body = identity.private + identity.public
    with open(path + ".new", "wb") as file:
        file.write(body + crc32(body).to_bytes(4, "big"))
    os.rename(path + ".new", path)
    stored = load(path)
    if stored is None or stored.private != identity.private:
        raise StorageError("the new key could not be stored; check the filesystem")
    return identity
