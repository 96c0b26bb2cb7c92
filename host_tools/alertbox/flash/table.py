"""The partition table: from the board's `partitions.csv` to the bytes that the chip's bootloader reads.

The binary form is ESP-IDF's: at 0x8000, 32 bytes a row, then a row with the MD5 of those before, the rest blank.
"""

import struct
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

from alertbox.errors import UserError

OFFSET = 0x8000
SIZE = 0xC00  # what the bootloader reads
ROW = struct.Struct("<2sBBII16sI")
MAGIC = b"\xaa\x50"
_MD5_MARK = b"\xeb\xeb" + b"\xff" * 14
_FIRST = 0x9000  # the table has its sector to itself
_APP, _DATA = 0, 1
_TYPES = {"app": _APP, "data": _DATA}
_SUBTYPES = {"factory": 0x00, "phy": 0x01, "nvs": 0x02}
_ALIGNMENT = {_APP: 0x10000, _DATA: 0x1000}  # the flash cache maps applications in pages of 64 KiB
_SECTOR = 0x1000


@dataclass(frozen=True)
class Row:
    name: str
    type: int
    subtype: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size

    @property
    def is_app(self) -> bool:
        return self.type == _APP


def read(path: Path, flash_bytes: int) -> list[Row]:
    """The rows in the order of their offsets; UserError if they cannot be on a flash of that size."""
    rows = []
    for line in path.read_text().splitlines():
        text = line.split("#")[0].strip()
        if text:
            rows.append(_parse(path, text))
    rows.sort(key=lambda row: row.offset)
    _check(path, rows, flash_bytes)
    return rows


def find(rows: list[Row], name: str) -> Row:
    for row in rows:
        if row.name == name:
            return row
    raise UserError("flash-table-missing", row=name)


def binary(rows: list[Row]) -> bytes:
    """SIZE bytes for OFFSET."""
    body = b"".join(ROW.pack(MAGIC, row.type, row.subtype, row.offset, row.size, row.name.encode(), 0) for row in rows)
    return (body + _MD5_MARK + md5(body, usedforsecurity=False).digest()).ljust(SIZE, b"\xff")


def parse(data: bytes) -> list[Row]:
    """The rows of a table in binary form; none if there is no table."""
    rows = []
    for at in range(0, len(data) - ROW.size + 1, ROW.size):
        magic, kind, subtype, offset, size, name, _ = ROW.unpack_from(data, at)
        if magic != MAGIC:
            break
        rows.append(Row(name.rstrip(b"\0").decode("ascii", "replace"), kind, subtype, offset, size))
    return rows


def _parse(path: Path, text: str) -> Row:
    fields = [field.strip() for field in text.split(",")]
    try:
        name, kind, subtype, offset, size = fields[:5]
        row = Row(name, _number(kind, _TYPES), _number(subtype, _SUBTYPES), int(offset, 0), int(size, 0))
        ROW.pack(MAGIC, row.type, row.subtype, row.offset, row.size, name.encode("ascii"), 0)
    except (ValueError, struct.error) as error:
        raise UserError("flash-table-line", path=path, line=text) from error
    if not name or len(name) > 15:
        raise UserError("flash-table-line", path=path, line=text)
    return row


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text, 0)


def _check(path: Path, rows: list[Row], flash_bytes: int) -> None:
    if len({row.name for row in rows}) != len(rows) or len(rows) > SIZE // ROW.size - 1:
        raise UserError("flash-table-rows", path=path)
    end, before = _FIRST, "partition table"
    for row in rows:
        if row.offset < end:
            raise UserError("flash-table-overlap", path=path, row=row.name, other=before)
        if row.offset % _ALIGNMENT.get(row.type, _SECTOR) or row.size % _SECTOR or not row.size:
            raise UserError("flash-table-alignment", path=path, row=row.name)
        if row.end > flash_bytes:
            raise UserError("flash-table-too-big", path=path, row=row.name, mib=f"{flash_bytes / 2**20:g}")
        end, before = row.end, row.name
