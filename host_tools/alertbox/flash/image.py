"""One image of the whole flash: stock MicroPython, our partition table, the application's filesystem.

Everything else stays blank (0xFF), the two rings of alerts and events among it: a box without rings makes a fresh key.
"""

from dataclasses import dataclass

from alertbox.errors import UserError
from alertbox.flash import application, table
from alertbox.flash.board import Board
from alertbox.flash.stock import Stock

_APPLICATION_ROW, _FILES_ROW = "factory", "vfs"


@dataclass(frozen=True)
class Image:
    """`data` is written from address 0."""

    board: Board
    stock: Stock
    data: bytes


def build(board: Board, stock: Stock) -> Image:
    rows = table.read(board.partitions, board.flash_bytes)
    row = table.find(rows, _APPLICATION_ROW)
    if len(stock.app) > row.size:
        raise UserError("flash-stock-too-big", path=stock.path, kib=len(stock.app) // 1024 + 1, room=row.size // 1024)
    files = table.find(rows, _FILES_ROW)
    data = bytearray(b"\xff" * board.flash_bytes)
    for offset, part in (
        (stock.bootloader_offset, stock.bootloader),
        (table.OFFSET, table.binary(rows)),
        (row.offset, stock.app),
        (files.offset, application.filesystem(application.files(board), files.size)),
    ):
        data[offset : offset + len(part)] = part
    return Image(board, stock, bytes(data))
