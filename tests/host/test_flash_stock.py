"""The stock MicroPython image: what is taken, what is refused, and where it is looked for."""

from dataclasses import replace

import pytest
from alertbox.errors import UserError
from alertbox.flash import board, stock
from stock_image import APP_OFFSET, BANNER, BOOTLOADER_OFFSET, ESP32_S3, made, real

BOARD = board.load("esp32_wrover")
PLAIN = replace(BOARD, micropython_variant="")


def load(tmp_path, data, about=BOARD):
    path = tmp_path / "image.bin"
    path.write_bytes(data)
    return stock.load(path, about)


def refusal(tmp_path, data):
    with pytest.raises(UserError) as refused:
        load(tmp_path, data)
    return refused.value.key


def test_the_official_image_is_taken_apart_and_tells_version_and_machine():
    found = stock.load(real(), PLAIN)
    assert (found.version, found.machine) == ("1.25.0", "Generic ESP32 module with ESP32")
    assert found.bootloader_offset == BOOTLOADER_OFFSET
    data = real().read_bytes()
    assert found.bootloader == data[: 0x8000 - BOOTLOADER_OFFSET]
    assert found.app == data[APP_OFFSET - BOOTLOADER_OFFSET :]


@pytest.mark.parametrize(
    ("variant", "machine", "taken"),
    [
        ("SPIRAM", "Generic ESP32 module with SPIRAM with ESP32", True),
        ("SPIRAM_OCT", "Generic ESP32S3 module with Octal-SPIRAM with ESP32S3", True),
        ("SPIRAM", "Generic ESP32 module with ESP32", False),
        ("SPIRAM_OCT", "Generic ESP32S3 module with ESP32S3", False),
        ("", "Generic ESP32 module with ESP32", True),
    ],
)
def test_an_image_without_psram_is_refused_for_a_board_that_needs_it(tmp_path, variant, machine, taken):
    data = made(banner=f"MicroPython v1.26.1 on 2025-09-11\0; {machine}\0".encode())
    about = replace(BOARD, micropython_variant=variant)
    if taken:
        assert load(tmp_path, data, about).machine == machine
        return
    with pytest.raises(UserError, match=r"PSRAM.*ESP32_GENERIC-SPIRAM") as refused:
        load(tmp_path, data, about)
    assert refused.value.key == "flash-stock-no-psram"


@pytest.mark.parametrize("at", [0x40, APP_OFFSET - BOOTLOADER_OFFSET + 0x400, -1, -40])
def test_one_changed_byte_is_found(tmp_path, at):
    data = bytearray(made())
    data[at] ^= 1
    assert refusal(tmp_path, bytes(data)) == "flash-stock-damaged"


@pytest.mark.parametrize("length", [APP_OFFSET - BOOTLOADER_OFFSET, APP_OFFSET - BOOTLOADER_OFFSET + 30, -1, -2000])
def test_half_a_download_is_found(tmp_path, length):
    assert refusal(tmp_path, made()[:length]) == "flash-stock-damaged"


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"", "flash-stock-not-image"),
        (b"<html>404</html>" * 10, "flash-stock-not-image"),
        (made()[APP_OFFSET - BOOTLOADER_OFFSET :], "flash-stock-not-image"),  # the application alone, .app-bin
        (made(chip=ESP32_S3), "flash-stock-chip"),
        (made(banner=b"Tasmota"), "flash-stock-not-micropython"),
        (made(banner=BANNER.replace(b"1.26.1", b"1.24.1")), "flash-stock-old"),
    ],
    ids=["empty", "web page", "application alone", "other chip", "other firmware", "too old"],
)
def test_a_file_that_is_not_the_stock_image_is_refused(tmp_path, data, key):
    assert refusal(tmp_path, data) == key


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(UserError) as refused:
        stock.load(tmp_path / "none.bin", BOARD)
    assert refused.value.key == "flash-stock-unreadable"


def test_the_newest_image_of_the_boards_variant_is_taken_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ALERTBOX_CACHE", str(tmp_path))
    names = [
        "ESP32_GENERIC-SPIRAM-20250415-v1.25.0.bin",
        "ESP32_GENERIC-SPIRAM-20250911-v1.26.1.bin",
        "ESP32_GENERIC-20251209-v1.27.0.bin",
        "ESP32_GENERIC-SPIRAM-OTA-20251209-v1.27.0.bin",
        "ESP32_GENERIC_S3-20251209-v1.27.0.bin",
    ]
    for name in names:
        (tmp_path / name).touch()
    assert stock.find(BOARD).name == "ESP32_GENERIC-SPIRAM-20250911-v1.26.1.bin"
    assert stock.find(BOARD, tmp_path / "mine.bin").name == "mine.bin"


def test_an_empty_cache_says_what_to_fetch_and_where(tmp_path, monkeypatch):
    monkeypatch.setenv("ALERTBOX_CACHE", str(tmp_path))
    with pytest.raises(UserError) as refused:
        stock.find(BOARD)
    sentence = str(refused.value)
    assert "ESP32_GENERIC-SPIRAM-*.bin" in sentence
    assert "https://micropython.org/download/ESP32_GENERIC/" in sentence
    assert str(tmp_path) in sentence
