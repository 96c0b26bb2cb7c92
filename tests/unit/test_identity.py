"""The box's key: made once, read back, and given up only when its file is damaged."""

import os
from binascii import crc32

from box.core import alert, p256, signer
from box.errors import StorageError
from box.storage import identity

PATH = "build/identity.test"


def remove(*paths):
    for path in paths or (PATH, PATH + ".new"):
        try:
            os.remove(path)
        except OSError:
            pass


def put(data, path=PATH):
    with open(path, "wb") as file:
        file.write(data)


def content():
    with open(PATH, "rb") as file:
        return file.read()


def counting():
    """A source that never repeats itself: the same keys in each run."""
    state = [0]

    def random(size):
        state[0] += 1
        return bytes([(state[0] * 37 + i * 11) & 0xFF for i in range(size)])

    return random


def whole(private=bytes(range(32)), public=b"\x04" + bytes(range(64))):
    return private + public + crc32(private + public).to_bytes(4, "big")


def fails(action):
    try:
        action()
    except StorageError as error:
        return str(error)
    return None


def test_a_box_without_a_key_file_has_no_identity():
    remove()
    assert identity.load(PATH) is None


def test_a_stored_key_is_read_as_it_was_stored():
    put(whole())
    found = identity.load(PATH)
    public = b"\x04" + bytes(range(64))
    assert (found.private, found.public, found.box) == (bytes(range(32)), public, alert.box_id(public))


def test_a_damaged_key_file_is_no_identity():
    for i in range(101):
        data = bytearray(whole())
        data[i] ^= 1
        put(data)
        assert identity.load(PATH) is None, i
    for data in (b"", whole()[:-1], whole() + b"\x00", whole()[:97], bytes(4)):
        put(data)
        assert identity.load(PATH) is None


def test_a_key_is_not_given_up_for_a_passing_fault():
    assert "the key cannot be read" in fails(lambda: identity.load("build"))


def test_a_key_that_is_made_is_stored_and_its_halves_belong_together():
    remove()
    made = identity.make(PATH, counting())
    private, public = p256.finish(signer.generate_key(counting()))
    assert (made.private, made.public, made.box) == (private, public, alert.box_id(public))
    assert content() == whole(private, public)
    found = identity.load(PATH)
    assert (found.private, found.public) == (private, public)
    assert (PATH.rsplit("/", 1)[1] + ".new") not in os.listdir("build")


def test_a_power_cut_while_a_key_is_made_leaves_the_old_one():
    remove()
    put(whole())

    class Cut(Exception):
        pass

    class Dying:
        """The module os at a power cut before the rename."""

        @staticmethod
        def rename(old, new):
            raise Cut

    identity.os = Dying
    try:
        identity.make(PATH, counting())
        raise AssertionError("there was no cut")
    except Cut:
        pass
    finally:
        identity.os = os
    assert content() == whole()
    remove(PATH)
    assert identity.load(PATH) is None


def test_a_key_that_flash_does_not_hold_is_none():
    class Forgetful:
        """The module os whose rename is lost, or leaves another key."""

        left = None

        @staticmethod
        def rename(old, new):
            remove(PATH)
            if Forgetful.left:
                put(Forgetful.left)

    identity.os = Forgetful
    try:
        for left in (None, b"torn", whole()):
            Forgetful.left = left
            remove(PATH)
            assert "could not be stored" in fails(lambda: identity.make(PATH, counting()))
    finally:
        identity.os = os


def test_a_source_that_repeats_itself_makes_no_key():
    remove()
    try:
        identity.make(PATH, lambda size: bytes(size))
        raise AssertionError("a key was made")
    except ValueError:
        pass
    assert identity.load(PATH) is None
