"""The folder that stands in for raw flash on a development board."""

import os
import sys

from box.storage.folder_flash import FolderFlash
from box.storage.ring import Ring

_FOLDER = "build/folder-flash-" + sys.implementation.name


def blank(blocks):
    for path in ("build", _FOLDER):
        try:
            os.mkdir(path)
        except OSError:
            pass
    for name in os.listdir(_FOLDER):
        os.remove(_FOLDER + "/" + name)
    return FolderFlash(_FOLDER, blocks)


def read(flash, block, offset, size):
    buf = bytearray(size)
    flash.readblocks(block, buf, offset)
    return bytes(buf)


def test_a_block_is_blank_until_it_is_programmed():
    flash = blank(4)
    assert read(flash, 3, 4000, 96) == b"\xff" * 96
    flash.writeblocks(3, b"\x12\x34", 4090)
    assert read(flash, 3, 4088, 8) == b"\xff\xff\x12\x34\xff\xff\xff\xff"
    assert read(flash, 3, 0, 100) == b"\xff" * 100


def test_programming_only_clears_bits_and_erasing_sets_them():
    flash = blank(4)
    flash.writeblocks(0, b"\x30", 7)
    flash.writeblocks(0, b"\x34", 7)
    assert read(flash, 0, 7, 1) == b"\x30"
    flash.ioctl(6, 0)
    assert read(flash, 0, 7, 1) == b"\xff"


def test_the_ring_works_on_it_and_survives_a_restart():
    flash = blank(4)
    ring = Ring(flash, 128)
    ring.recover()
    for number in range(1, 101):
        ring.append(number, b"record %d" % number)
        while ring.prepare():
            pass
    again = Ring(FolderFlash(_FOLDER, 4), 128)
    seen = []
    again.recover(lambda position, number, payload, marks: seen.append((number, bytes(payload))))
    assert seen[-1] == (100, b"record 100")
    assert again.next_id == 101


def test_a_block_is_read_written_and_erased_from_its_start_as_a_partitions_is():
    flash = blank(4)
    flash.writeblocks(2, b"\x12\x34", 0)
    buf = bytearray(3)
    flash.readblocks(2, buf)
    assert bytes(buf) == b"\x12\x34\xff"
    assert (flash.ioctl(4), flash.ioctl(5), flash.ioctl(6, 2), flash.ioctl(6, 3), flash.ioctl(1)) == (4, 4096, 0, 0, 0)
    assert read(flash, 2, 0, 3) == b"\xff" * 3


def test_a_program_far_into_a_block_leaves_all_before_it_blank():
    for offset in (1, 127, 128, 129, 256, 1000):
        flash = blank(4)
        flash.writeblocks(1, b"\x00", offset)
        assert read(flash, 1, 0, offset + 2) == b"\xff" * offset + b"\x00\xff"
