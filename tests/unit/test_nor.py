"""The fake flash is as nasty as the real one."""

import os

from virtual.nor import BLOCK, NorFlash, PowerCut, open_file

COUNT, SIZE, ERASE, SYNC = 4, 5, 6, 3


def blank(blocks=2):
    return NorFlash(bytearray(b"\xff" * (blocks * BLOCK)))


def read(flash, block, offset, size):
    buffer = bytearray(size)
    flash.readblocks(block, buffer, offset)
    return bytes(buffer)


def cut(flash, operations, seed, action):
    """Do `action` with the power going at one of its operations; returns the flash after the restart."""
    flash.cut_after(operations, seed)
    try:
        action()
    except PowerCut:
        return flash.restart()
    raise AssertionError("no power cut")


def raises(error, action):
    try:
        action()
    except error:
        return True
    return False


def test_a_blank_flash_reads_as_ff_and_tells_its_geometry():
    flash = blank(3)
    assert flash.ioctl(COUNT) == 3 and flash.ioctl(SIZE, 0) == BLOCK and flash.ioctl(SYNC) == 0
    assert flash.ioctl(99) is None
    assert read(flash, 2, BLOCK - 4, 4) == b"\xff" * 4


def test_a_program_only_clears_bits_and_the_fake_counts_what_it_refused():
    flash = blank()
    flash.writeblocks(0, b"\x30", 5)
    assert flash.refused_sets == 0
    flash.writeblocks(0, b"\x34", 5)
    assert read(flash, 0, 4, 3) == b"\xff\x30\xff"
    assert flash.refused_sets == 1
    flash.writeblocks(0, b"\x10", 5)
    assert read(flash, 0, 5, 1) == b"\x10" and flash.refused_sets == 1


def test_an_erase_sets_one_block_and_is_counted_there():
    flash = blank(3)
    for block in range(3):
        flash.writeblocks(block, b"\x00\x00", BLOCK - 2)
    assert flash.ioctl(ERASE, 1) == 0
    assert [read(flash, block, BLOCK - 2, 2) for block in range(3)] == [b"\0\0", b"\xff\xff", b"\0\0"]
    assert list(flash.programs) == [1, 1, 1] and list(flash.erases) == [0, 1, 0] and flash.operations == 4


def test_writing_without_an_offset_erases_first():
    flash = blank(3)
    flash.writeblocks(1, b"\0", 0)
    flash.writeblocks(1, b"\x55" * (2 * BLOCK))
    assert read(flash, 1, 0, 4) == b"\x55" * 4 and read(flash, 2, BLOCK - 1, 1) == b"\x55"
    assert list(flash.erases) == [0, 1, 1] and flash.refused_sets == 0


def test_reads_and_programs_may_cross_blocks_but_not_the_end():
    flash = blank()
    flash.writeblocks(0, b"\1\2\3\4", BLOCK - 2)
    assert read(flash, 0, BLOCK - 2, 4) == b"\1\2\3\4" and list(flash.programs) == [1, 1]
    assert raises(OSError, lambda: flash.writeblocks(1, b"\0\0", BLOCK - 1))
    assert raises(OSError, lambda: read(flash, 2, 0, 1))
    assert raises(OSError, lambda: flash.ioctl(ERASE, 2))
    assert raises(OSError, lambda: flash.writeblocks(0, b"\0"))


def test_the_power_goes_at_the_counted_operation_and_stays_away_until_the_restart():
    flash = blank()
    flash.cut_after(3, 1)
    flash.writeblocks(0, b"\0", 0)
    flash.ioctl(ERASE, 1)
    assert raises(PowerCut, lambda: flash.writeblocks(0, b"\0", 1))
    assert raises(PowerCut, lambda: read(flash, 0, 0, 1))
    assert raises(PowerCut, lambda: flash.ioctl(ERASE, 0))
    after = flash.restart()
    assert read(after, 0, 0, 1) == b"\0" and after.operations == 3
    assert raises(PowerCut, lambda: read(flash, 0, 0, 1))


def test_a_cut_program_clears_no_cell_that_it_should_not():
    outcomes = set()
    for seed in range(40):
        flash = blank()
        flash.writeblocks(0, b"\x0f" * 8, 0)
        flash = cut(flash, 1, seed, lambda flash=flash: flash.writeblocks(0, b"\x05" * 12, 0))
        for _ in range(5):
            now = read(flash, 0, 0, 16)
            assert now[12:] == b"\xff" * 4
            assert all(byte & 5 == 5 for byte in now[:12]) and all(byte & 0xF0 == 0 for byte in now[:8])
            outcomes.add("done" if now[:12] == b"\x05" * 12 else "none" if now[:8] == b"\x0f" * 8 else "half")
    assert outcomes == {"done", "none", "half"}


def test_a_cut_erase_leaves_some_cells_some_set_some_flaky():
    kinds = set()
    for seed in range(40):
        flash = blank()
        flash.writeblocks(0, bytes(BLOCK), 0)
        flash = cut(flash, 1, seed, lambda flash=flash: flash.ioctl(ERASE, 0))
        first, second = read(flash, 0, 0, BLOCK), read(flash, 0, 0, BLOCK)
        kinds.add("flaky" if first != second else "set" if max(first) else "untouched")
        flash.ioctl(ERASE, 0)
        assert read(flash, 0, 0, BLOCK) == b"\xff" * BLOCK
    assert kinds == {"flaky", "set", "untouched"}


def flaky_flash(seed=0):
    """A flash whose cut program left flaky cells in 0..63 of block 0."""
    while True:
        flash = blank()
        flash = cut(flash, 1, seed, lambda flash=flash: flash.writeblocks(0, bytes(64), 0))
        if len({read(flash, 0, 0, 64) for _ in range(4)}) > 1:
            return flash
        seed += 1


def test_flaky_cells_read_differently_until_programmed_or_erased():
    flash = flaky_flash().restart()
    assert len({read(flash, 0, 0, 64) for _ in range(8)}) > 1
    flash.writeblocks(0, b"\xff" * 64, 0)  # programming ones changes nothing
    assert len({read(flash, 0, 0, 64) for _ in range(8)}) > 1
    flash.writeblocks(0, bytes(64), 0)
    assert {read(flash, 0, 0, 64) for _ in range(8)} == {bytes(64)}
    flash = flaky_flash(100)
    flash.ioctl(ERASE, 0)
    assert {read(flash, 0, 0, 64) for _ in range(8)} == {b"\xff" * 64}


def test_a_flash_in_a_file_keeps_cells_and_flaky_cells():
    path = "nor-test.bin"
    seed = 0
    try:
        while True:
            with open(path, "wb") as file:
                file.write(b"\xff" * (2 * BLOCK))
            died = []
            flash = open_file(path)
            flash.on_cut = lambda died=died: died.append(1)
            flash.cut_after(2, seed)
            flash.writeblocks(1, b"abc", 7)
            flash.writeblocks(1, bytes(64), 64)
            assert died == [1]
            again = open_file(path)
            assert read(again, 1, 6, 5) == b"\xffabc\xff"
            if len({read(again, 1, 64, 64) for _ in range(8)}) > 1:
                break
            seed += 1
        again.writeblocks(1, bytes(64), 64)
        assert {read(open_file(path), 1, 64, 64) for _ in range(4)} == {bytes(64)}
    finally:
        for name in (path, path + ".weak"):
            try:
                os.remove(name)
            except OSError:
                pass


def case_the_same_seed_gives_the_same_flash(data):
    """data: [[operation, block, offset, size, byte], ...], a power cut at `cut` with `seed`."""
    flash = blank()
    flash.cut_after(data["cut"], data["seed"])
    reads = []
    for erase, block, offset, size, byte in data["operations"]:
        try:
            if erase:
                flash.ioctl(ERASE, block)
            else:
                flash.writeblocks(block, bytes([byte] * size), offset)
        except PowerCut:
            flash = flash.restart()
        first = read(flash, block, offset, size)
        reads.append(sum([(i % 251 + 1) * value for i, value in enumerate(first)]))
    return [reads, list(flash.programs), list(flash.erases), flash.refused_sets]
