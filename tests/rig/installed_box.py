"""A virtual box whose flash holds the application as `alertbox flash` installs it, and how often a start reads it."""

from pathlib import Path

from alertbox.flash import application, board, table
from alertbox.sim import VirtualBox, flash
from stepping import advance_until

BOARD = board.load("esp32_wrover")
_ROWS = table.read(BOARD.partitions, BOARD.flash_bytes)
_EMPTY_V = 3.1
LONG_LOG = 48  # stores of the settings after which littlefs reads most; it tidies up after 56
_LOOK_MS = 10 * 60 * 1000  # so often it wakes by itself
_ENROLMENT = {
    "version": 2,
    "issued": 1_800_000_000,
    "user": "0011223344556677",
    "password": "x" * 32,
    "secret": "00" * 32,
    "ca": "30" * 400,
}


def install(folder: Path) -> None:
    """Make the flash in `folder`; MicroPython itself, which the virtual box brings, is not in it."""
    row = table.find(_ROWS, "vfs")
    flash.make_blank(folder / "flash.bin")
    with (folder / "flash.bin").open("r+b") as cells:
        cells.seek(row.offset)
        cells.write(application.filesystem(application.files(BOARD), row.size))


def rewrite(box: VirtualBox, times: int) -> None:
    """Enrol it, then store its settings anew, the box being off; littlefs adds each to its folder's log."""
    files = {flash.document_path("settings"): flash.slot({"version": 2})}
    flash.put_files(
        box.folder / "flash.bin", box.partitions, {flash.document_path("enrolment"): flash.slot(_ENROLMENT)}
    )
    for _ in range(times):
        flash.put_files(box.folder / "flash.bin", box.partitions, files)


def reads(box: VirtualBox) -> int:
    """Reads of all partitions since this start."""
    return sum(sum(box.wear(row.name)["reads"]) for row in _ROWS)


def read_bytes(box: VirtualBox) -> int:
    counted: int = box.wear("vfs")["read_bytes"]
    return counted


def reads_to_armed(box: VirtualBox) -> int:
    """Of a start anew. The stepped clock stands still from the moment that the box is armed."""
    box.power_cut()
    box.power_on()
    return reads(box)


def reads_to_look(box: VirtualBox) -> int:
    """Of a wake that looks at button and cell and goes back to sleep: what is counted ends there."""
    box.mains(False)
    box.battery(_EMPTY_V)
    advance_until(box, lambda: box.asleep, most_ms=120_000, step_ms=1000)
    before = len(box.log)
    box.advance(_LOOK_MS + 1000)
    box.wait_log("power", "back to sleep", since=before)
    box.wait_for(lambda: box.asleep)
    return reads(box)
