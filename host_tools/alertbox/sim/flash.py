"""The virtual box's flash file, and the littlefs in it, from the host's side."""

from pathlib import Path

from littlefs import LittleFS
from littlefs.context import UserContext

FLASH_BYTES = 4 * 1024 * 1024
_BLOCK = 4096


def make_blank(path: Path) -> None:
    path.write_bytes(b"\xff" * FLASH_BYTES)


def put_files(path: Path, table: Path, files: dict[str, bytes]) -> None:
    """Write files into the filesystem partition, the box being off."""
    offset, size = partition(table, "vfs")
    with path.open("r+b") as flash:
        flash.seek(offset)
        context = UserContext(size)
        context.buffer = bytearray(flash.read(size))
        # MicroPython's VfsLfs2 uses these sizes; the block count is the partition's.
        filesystem = LittleFS(
            context, block_size=_BLOCK, block_count=size // _BLOCK, read_size=32, prog_size=32, lookahead_size=32
        )
        for name, data in files.items():
            with filesystem.open(name, "wb") as file:
                file.write(data)
        filesystem.unmount()
        flash.seek(offset)
        flash.write(context.buffer)


def partition(table: Path, name: str) -> tuple[int, int]:
    """(offset, size) in bytes of a row of an ESP-IDF partition table in CSV form."""
    for line in table.read_text().splitlines():
        fields = [part.strip() for part in line.split("#")[0].split(",")]
        if fields[0] == name:
            return int(fields[3], 0), int(fields[4], 0)
    raise KeyError(f"{table} has no partition {name}")
