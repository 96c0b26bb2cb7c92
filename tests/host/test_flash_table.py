"""The partition table, against the bytes that ESP-IDF's own tool made, and what cannot be flashed."""

import pytest
from alertbox.errors import UserError
from alertbox.flash import board, table
from stock_image import BOOTLOADER_OFFSET, real

FLASH = 4 * 2**20
# The table of the stock image, as MicroPython has it in its sources.
STOCK_TABLE = """
# Name,   Type, SubType, Offset,   Size, Flags
nvs,      data, nvs,     0x9000,   0x6000,
phy_init, data, phy,     0xf000,   0x1000,
factory,  app,  factory, 0x10000,  0x1f0000,
vfs,      data, 0x81,    0x200000, 0x200000,
"""


def read(tmp_path, text):
    path = tmp_path / "partitions.csv"
    path.write_text(text)
    return table.read(path, FLASH)


def test_a_table_is_byte_for_byte_what_esp_idf_makes_of_the_same_rows(tmp_path):
    at = table.OFFSET - BOOTLOADER_OFFSET
    assert table.binary(read(tmp_path, STOCK_TABLE)) == real().read_bytes()[at : at + table.SIZE]


def test_the_binary_form_reads_back_as_the_same_rows():
    rows = table.read(board.load("esp32_wrover").partitions, FLASH)
    assert [row.name for row in rows] == ["nvs", "phy_init", "factory", "journal", "events", "bips", "plan", "vfs"]
    assert table.parse(table.binary(rows)) == rows


@pytest.mark.parametrize("name", board.known())
def test_every_board_has_a_table_with_what_an_image_needs(name):
    about = board.load(name)
    rows = table.read(about.partitions, about.flash_bytes)
    assert [table.find(rows, row).name for row in ("factory", "journal", "events", "bips", "vfs")]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("more, data, 0x42, 0x1ff000, 0x2000", "flash-table-overlap"),
        ("more, data, 0x42, 0x8000, 0x1000", "flash-table-overlap"),
        ("more, data, 0x42, 0x3ff000, 0x2000", "flash-table-overlap"),
        ("vfs, data, 0x42, 0x400000, 0x1000", "flash-table-rows"),
        ("more, data, 0x42, 0x400000, 0x1000", "flash-table-too-big"),
        ("more, data, 0x42, 0x400800, 0x1000", "flash-table-alignment"),
        ("more, data, 0x42, 0x400000, 0x800", "flash-table-alignment"),
        ("more, data, 0x42, 0x400000, 0", "flash-table-alignment"),
        ("more, app, 0x10, 0x408000, 0x10000", "flash-table-alignment"),
        ("more, data, 0x42, 0x400000", "flash-table-line"),
        ("more, thing, 0x42, 0x400000, 0x1000", "flash-table-line"),
        ("more, data, 0x142, 0x400000, 0x1000", "flash-table-line"),
        ("sixteen_letters_, data, 0x42, 0x400000, 0x1000", "flash-table-line"),
        ("more, data, 0x42, -0x1000, 0x1000", "flash-table-line"),
    ],
)
def test_a_row_that_cannot_be_is_refused(tmp_path, line, key):
    with pytest.raises(UserError) as refused:
        read(tmp_path, STOCK_TABLE + line)
    assert refused.value.key == key


def test_a_row_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="journal"):
        table.find(read(tmp_path, STOCK_TABLE), "journal")
