"""The virtual box's flash file, and the littlefs in it, from the host's side."""

import contextlib
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from littlefs import LittleFS
from littlefs.context import UserContext

FLASH_BYTES = 4 * 1024 * 1024
_BLOCK = 4096
_SLOT_HEAD = 16  # see slot()


def make_blank(path: Path) -> None:
    path.write_bytes(b"\xff" * FLASH_BYTES)


def put_files(path: Path, table: Path, files: dict[str, bytes]) -> None:
    """Write files into the filesystem partition, the box being off."""
    with _changing(path, table) as filesystem:
        for name, data in files.items():
            if "/" in name.strip("/"):
                filesystem.makedirs(name.rpartition("/")[0], exist_ok=True)
            with filesystem.open(name, "wb") as file:
                file.write(data)


def move_files(path: Path, table: Path, names: dict[str, str]) -> None:
    """Move files within the filesystem partition, the box being off."""
    with _changing(path, table) as filesystem:
        for old, new in names.items():
            filesystem.rename(old, new)


def document_path(name: str, end: str = "a") -> str:
    """Where the box has one of the two slots of its `settings` or `enrolment`."""
    return f"data/{name}.{end}"


def get_file(path: Path, table: Path, name: str) -> bytes:
    """A file of the filesystem partition; FileNotFoundError if there is none."""
    with path.open("rb") as flash:
        filesystem, _ = _mount(flash, table)
        with filesystem.open(name, "rb") as file:
            data: bytes = file.read()
            return data


def document(path: Path, table: Path, name: str) -> dict[str, Any]:
    """What the box has stored under this name, the newer of its two slots; KeyError if nothing."""
    with path.open("rb") as flash:
        filesystem, _ = _mount(flash, table)
        found = []
        for end in "ab":
            with contextlib.suppress(FileNotFoundError), filesystem.open(document_path(name, end), "rb") as file:
                data = file.read()
                found.append((struct.unpack_from("<I", data, 4)[0], data[_SLOT_HEAD:]))
    if not found:
        raise KeyError(f"the box has stored no {name}")
    stored: dict[str, Any] = json.loads(max(found)[1])
    return stored


@contextlib.contextmanager
def _changing(path: Path, table: Path) -> Iterator[LittleFS]:
    with path.open("r+b") as flash:
        filesystem, context = _mount(flash, table)
        yield filesystem
        filesystem.unmount()
        flash.seek(partition(table, "vfs")[0])
        flash.write(context.buffer)


def _mount(flash: BinaryIO, table: Path) -> tuple[LittleFS, UserContext]:
    offset, size = partition(table, "vfs")
    flash.seek(offset)
    context = UserContext(size)
    context.buffer = bytearray(flash.read(size))
    # MicroPython's VfsLfs2 uses these sizes; the block count is the partition's.
    filesystem = LittleFS(
        context, block_size=_BLOCK, block_count=size // _BLOCK, read_size=32, prog_size=32, lookahead_size=32
    )
    return filesystem, context


def slot(document: dict[str, Any]) -> bytes:
    """A document as the first of the box's two slots holds it; firmware/box/storage/slots.py has the form."""
    payload = json.dumps(document, ensure_ascii=False).encode()
    head = struct.pack("<4sII", b"ABS1", 1, len(payload))
    return head + struct.pack("<I", zlib.crc32(head + payload)) + payload


def partition(table: Path, name: str) -> tuple[int, int]:
    """(offset, size) in bytes of a row of an ESP-IDF partition table in CSV form."""
    for line in table.read_text().splitlines():
        fields = [part.strip() for part in line.split("#")[0].split(",")]
        if fields[0] == name:
            return int(fields[3], 0), int(fields[4], 0)
    raise KeyError(f"{table} has no partition {name}")
