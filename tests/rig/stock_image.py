"""Stock MicroPython images for tests: the real one that `make setup` fetched, and small ones made up here."""

import os
import struct
from functools import reduce
from hashlib import sha256
from operator import xor
from pathlib import Path

import pytest
from alertbox.flash import table

STOCK = Path(__file__).parents[2] / "build" / "stock"
BANNER = b"MicroPython v1.26.1 on 2025-09-11\0; Generic ESP32 module with SPIRAM with ESP32\0"
BOOTLOADER_OFFSET, APP_OFFSET = 0x1000, 0x10000
_DIGEST_BYTES = 32
ESP32, ESP32_S3 = 0, 9  # chip numbers in an image's header


def real() -> Path:
    """The official ESP32_GENERIC image; without it the test is skipped."""
    files = sorted(STOCK.glob("ESP32_GENERIC-2*.bin"))
    if not files:
        pytest.skip(f"no official MicroPython image in {STOCK}: `make setup` fetches one")
    return files[-1]


def psram() -> Path:
    """The official image with one that uses PSRAM as its name, which no package brings; skips as `real` does."""
    file = STOCK / "with_psram.bin"
    old, new = b"; Generic ESP32 module with", b"; Generic SPIRAM board with"
    data = real().read_bytes()
    at = APP_OFFSET - BOOTLOADER_OFFSET
    body = bytearray(data[at:-_DIGEST_BYTES].replace(old, new))
    body[-1] ^= reduce(xor, old + new)  # the checksum
    mine = file.with_suffix(f".{os.getpid()}")  # several processes test at once
    mine.write_bytes(data[:at] + body + sha256(body).digest())
    return mine.replace(file)


def made(*, chip: int = ESP32, banner: bytes = BANNER, app_bytes: int = 5000) -> bytes:
    """An image that is whole in every respect but that nothing could run it."""
    rows = [table.Row("nvs", 1, 2, 0x9000, 0x6000), table.Row("factory", 0, 0, APP_OFFSET, 0x1F0000)]
    image = part(chip, b"bootloader").ljust(table.OFFSET - BOOTLOADER_OFFSET, b"\xff") + table.binary(rows)
    return image.ljust(APP_OFFSET - BOOTLOADER_OFFSET, b"\xff") + part(chip, banner.ljust(app_bytes, b"\x55"))


def part(chip: int, segment: bytes) -> bytes:
    """An ESP-IDF image with one segment, its checksum and its digest."""
    header = struct.pack("<BBBBI4xH9xB", 0xE9, 1, 2, 0x20, 0x40080000, chip, 1)
    body = header + struct.pack("<II", 0x3F400020, len(segment)) + segment
    checksum = reduce(xor, segment, 0xEF)
    body += bytes(15 - len(body) % 16) + bytes([checksum])
    return body + sha256(body).digest()
