"""The stock MicroPython image: the file from micropython.org, checked before anything is written.

One file holds bootloader, partition table and application as they lie in flash, from the chip's bootloader offset on.
"""

import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from alertbox.errors import UserError
from alertbox.flash import table
from alertbox.flash.board import Board

PAGE = "https://micropython.org/download/{board}/"
# What the tests write and read back. Any from 1.23 on loads .mpy 6.3, which our mpy-cross makes.
OLDEST = (1, 25)

_MAGIC = 0xE9
_HEADER, _SEGMENT, _DIGEST = 24, 8, 32
_SEGMENTS, _CHIP, _HAS_DIGEST = 1, 12, 23  # offsets in the header
_CHECKSUM_SEED = 0xEF
_PSRAM = "SPIRAM"


@dataclass(frozen=True)
class _Chip:
    """Its number in an image's header, and where its ROM expects the bootloader."""

    number: int
    bootloader: int


# ESP-IDF's numbers. Another kind of chip is a row.
CHIPS = {
    "esp32": _Chip(0, 0x1000),
    "esp32s2": _Chip(2, 0x1000),
    "esp32c3": _Chip(5, 0x0),
    "esp32s3": _Chip(9, 0x0),
    "esp32c6": _Chip(13, 0x0),
}


@dataclass(frozen=True)
class Stock:
    """`app` is for the application's partition; `machine` is what MicroPython's prompt says that it runs on."""

    path: Path
    bootloader: bytes
    bootloader_offset: int
    app: bytes
    version: str
    machine: str


def find(board: Board, given: Path | None = None) -> Path:
    """The file given, or the newest for this board in the cache folder."""
    if given is not None:
        return given
    files = [file for file in cache().glob(f"{board.stock_name}-*.bin") if _DATED.match(_rest(file, board))]
    if not files:
        page = PAGE.format(board=board.micropython_board)
        raise UserError("flash-stock-missing", name=f"{board.stock_name}-*.bin", page=page, folder=cache())
    return max(files, key=lambda file: file.name)


def cache() -> Path:
    """Where installers keep images: $ALERTBOX_CACHE, else ~/.cache/alertbox."""
    return Path(os.environ.get("ALERTBOX_CACHE") or Path.home() / ".cache" / "alertbox")


_DATED = re.compile(r"\d{8}-")  # and no further variant: ESP32_GENERIC-20250415-v1.25.0.bin


def _rest(file: Path, board: Board) -> str:
    return file.name.removeprefix(f"{board.stock_name}-")


def load(path: Path, board: Board) -> Stock:
    """Take the image apart; UserError if it is damaged, too old, not MicroPython or not for this board."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError("flash-stock-unreadable", path=path, detail=error.strerror) from error
    if len(data) < _HEADER or data[0] != _MAGIC:
        raise UserError("flash-stock-not-image", path=path)
    chip = CHIPS[board.chip]
    if int.from_bytes(data[_CHIP : _CHIP + 2], "little") != chip.number:
        raise UserError("flash-stock-chip", path=path, chip=board.chip.upper(), name=f"{board.stock_name}-*.bin")
    at = table.OFFSET - chip.bootloader
    apps = [row for row in table.parse(data[at : at + table.SIZE]) if row.is_app]
    if not apps:
        raise UserError("flash-stock-not-image", path=path)
    bootloader, app = data[:at], data[apps[0].offset - chip.bootloader :]
    _image_size(path, bootloader)
    app = app[: _image_size(path, app)]
    version, machine = _banner(path, app)
    # The machine's name has it in both variants, "SPIRAM" and "SPIRAM_OCT". Without, TLS finds no room.
    if _PSRAM in board.micropython_variant and _PSRAM not in machine:
        raise UserError("flash-stock-no-psram", path=path, machine=machine, name=f"{board.stock_name}-*.bin")
    return Stock(path, bootloader, chip.bootloader, app, version, machine)


def _image_size(path: Path, data: bytes) -> int:
    """Bytes of the ESP-IDF image that `data` begins with; its checksum and its digest must be right."""
    if len(data) < _HEADER or data[0] != _MAGIC:
        raise UserError("flash-stock-damaged", path=path)
    at, checksum = _HEADER, _CHECKSUM_SEED
    for _ in range(data[_SEGMENTS]):
        length = int.from_bytes(data[at + 4 : at + _SEGMENT], "little")
        checksum ^= _xor(data[at + _SEGMENT : at + _SEGMENT + length])
        at += _SEGMENT + length
    at += 16 - at % 16  # the checksum is the last byte of a line of 16
    whole = at <= len(data) and data[at - 1] == checksum
    if whole and data[_HAS_DIGEST]:
        whole = sha256(data[:at]).digest() == data[at : at + _DIGEST]
        at += _DIGEST
    if not whole:
        raise UserError("flash-stock-damaged", path=path)
    return at


def _xor(data: bytes) -> int:
    """All bytes, by halving: an application has 1.6 million of them."""
    number, bits = int.from_bytes(data, "little"), 8 * len(data)
    while bits > 8:
        half = (bits // 16 + bits // 8 % 2) * 8
        number = number >> half ^ number & (1 << half) - 1
        bits = half
    return number


def _banner(path: Path, app: bytes) -> tuple[str, str]:
    """Version and machine, as they stand in the image for the prompt's first line."""
    version = re.search(rb"MicroPython v((\d+)\.(\d+)[\w.+-]*) on ", app)
    machine = re.search(rb"; ([\x20-\x7e]+ with ESP32[\x20-\x7e]*)\0", app)
    if not version or not machine:
        raise UserError("flash-stock-not-micropython", path=path)
    text = version[1].decode()
    if (int(version[2]), int(version[3])) < OLDEST:
        raise UserError("flash-stock-old", path=path, version=text, oldest=".".join(map(str, OLDEST)))
    return text, machine[1].decode()
