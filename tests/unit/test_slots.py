"""Two files, one payload: the newest undamaged one counts. For power cuts: tests/system/test_settings_power_cuts.py."""

import os
import struct
from binascii import crc32

from box.core.steps import finish
from box.errors import StorageError
from box.storage import slots
from box.storage.slots import Slots

PATH = "build/slots-test"
FILES = (PATH + ".a", PATH + ".b")


def fresh():
    for path in FILES + (PATH + ".new", PATH + ".too"):
        try:
            os.remove(path)
        except OSError:
            pass
    return Slots(PATH)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


def record(serial, payload, magic=b"ABS1"):
    head = struct.pack("<4sII", magic, serial, len(payload))
    return head + struct.pack("<I", crc32(head + payload)) + payload


def fails(action):
    """The sentence of the StorageError that an action ends in."""
    try:
        action()
    except StorageError as error:
        return str(error)
    return None


class failing_open:
    """Instead of `open`: a file opened for writing loses its last bytes, or cannot be written at all."""

    def __init__(self, lost):
        self._lost = lost

    def __call__(self, path, mode):
        if "w" not in mode:
            return open(path, mode)
        if not self._lost:
            raise OSError(28)
        return Losing(open(path, mode), self._lost)


class Losing:
    def __init__(self, file, lost):
        self._file = file
        self._lost = lost

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def write(self, data):
        self._file.write(data[: -self._lost])


def fails_to_open(path):
    try:
        open(path).close()
    except OSError:
        return True
    return False


def test_nothing_stored_is_none_and_no_error():
    store = fresh()
    assert store.load() is None and store.read() == []
    put(FILES[0], b"")  # created, and the power went before it was closed
    assert store.load() is None
    store.store(b"x")
    assert store.load() == b"x"


def test_what_was_stored_last_counts_and_the_one_before_is_kept():
    store = fresh()
    for i in range(5):
        store.store(b"payload %d" % i)
        assert store.load() == b"payload %d" % i == Slots(PATH).load()
    assert store.read() == [b"payload 4", b"payload 3"]
    assert content(FILES[0]) == record(5, b"payload 4") and content(FILES[1]) == record(4, b"payload 3")


def test_an_empty_payload_and_a_long_one_are_kept():
    store = fresh()
    for payload in (b"", bytes(range(256)) * 32):
        store.store(payload)
        assert store.load() == payload


def test_a_damaged_file_does_not_count_whatever_the_damage():
    store = fresh()
    good, newer = record(1, b"old"), record(2, b"new")
    put(FILES[0], good)
    damages = [newer[:i] for i in range(len(newer))] + [newer + b"\0", record(2, b"new", b"ABS2")]
    for i in range(len(newer)):
        for bit in (1, 128):
            damages.append(newer[:i] + bytes([newer[i] ^ bit]) + newer[i + 1 :])
    for damage in damages:
        put(FILES[1], damage)
        assert store.read() == [b"old"], damage
    put(FILES[1], newer)
    assert store.read() == [b"new", b"old"]


def test_a_damaged_pair_is_an_error_and_not_blank():
    store = fresh()
    put(FILES[1], b"garbage")
    assert "damaged" in fails(store.load)
    put(FILES[0], record(1, b"x")[:-1])
    assert "damaged" in fails(store.load)
    store.store(b"provisioned again")
    assert store.load() == b"provisioned again"


def test_the_next_store_replaces_the_damaged_file_and_never_the_good_one():
    store = fresh()
    for damaged in FILES:
        other = FILES[damaged == FILES[0]]
        put(other, record(7, b"good"))
        put(damaged, record(8, b"bad")[:-1])
        store.store(b"new")
        assert content(other) == record(7, b"good") and content(damaged) == record(8, b"new")


def test_a_write_that_fails_or_does_not_hold_is_an_error_and_the_old_counts():
    store = fresh()
    store.store(b"old")
    for lost, reason in ((0, "cannot be written"), (1, "does not hold")):
        slots.open = failing_open(lost)
        try:
            assert reason in fails(lambda: store.store(b"new"))
        finally:
            del slots.open
        assert store.load() == b"old"
    assert "cannot be written" in fails(lambda: Slots("no-such-folder/x").store(b"x"))


def test_erasing_leaves_nothing_and_may_be_done_again():
    store = fresh()
    store.erase()
    store.store(b"a")
    store.store(b"b")
    store.erase()
    assert store.load() is None
    for path in FILES:
        try:
            os.stat(path)
        except OSError:
            continue
        raise AssertionError(path)
    put(FILES[0], b"garbage")
    store.erase()
    assert store.load() is None


def test_an_erase_that_is_cut_leaves_the_newer():
    class Cut(Exception):
        pass

    class Dying:
        """The module os: the power goes at the second removal of the two."""

        stat = os.stat
        removed = []

        @staticmethod
        def remove(path):
            if Dying.removed:
                raise Cut
            os.remove(path)
            Dying.removed.append(path)

    for count in (2, 3):
        store = fresh()
        for i in range(count):
            store.store(b"payload %d" % i)
        Dying.removed.clear()
        slots.os = Dying
        try:
            store.erase()
            raise AssertionError("there was no cut")
        except Cut:
            pass
        finally:
            slots.os = os
        assert store.read() == [b"payload %d" % (count - 1)]


def test_what_is_stored_between_the_steps_of_another_store_stays_and_the_other_is_refused():
    store = fresh()
    store.store(b"old")
    steps = store.store_steps(bytes(5000))
    for _ in range(3):
        next(steps)
    store.store(b"between")
    assert "meanwhile" in fails(lambda: finish(steps))
    assert store.read() == [b"between", b"old"]


def test_a_store_that_was_cut_short_leaves_nothing_that_counts_and_an_erase_removes_it():
    store = fresh()
    store.store(b"old")
    steps = store.store_steps(bytes(5000))
    for _ in range(3):
        next(steps)
    del steps
    assert Slots(PATH).read() == [b"old"]
    Slots(PATH).erase()
    assert fails_to_open(PATH + ".new") and fails_to_open(PATH + ".too")


def test_a_step_writes_half_a_block_of_flash_at_most():
    store = fresh()
    written = []

    class Counting:
        def __call__(self, path, mode):
            self.file = open(path, mode)
            return self.file if "w" not in mode else self

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, data):
            written[-1] += len(data)
            self.file.write(data)

    slots.open = Counting()
    try:
        steps = store.store_steps(bytes(8192))
        while True:
            written.append(0)
            try:
                next(steps)
            except StopIteration:
                break
    finally:
        del slots.open
    assert sum(written) == 8192 + 16 and max(written) <= 2048
