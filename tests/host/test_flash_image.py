"""The image: where each part lies, what is in the filesystem, and that the same sources give the same bytes."""

import json
import subprocess

import pytest
from alertbox.errors import UserError
from alertbox.flash import application, board, image, stock, table
from alertbox.sim.box import micropython
from stock_image import APP_OFFSET, BOOTLOADER_OFFSET, made

BOARD = board.load("esp32_wrover")
ROWS = {row.name: row for row in table.read(BOARD.partitions, BOARD.flash_bytes)}
_MPY_VERSION = 6
# Mounts the filesystem as the chip does, from a copy in memory, and tells every file.
_MOUNT = """
import binascii, json, sys, vfs

class Ram:
    def __init__(self, data):
        self.data = data

    def readblocks(self, block, buf, offset=0):
        at = block * 4096 + offset
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        raise OSError(30)

    def ioctl(self, op, arg):
        return {4: len(self.data) // 4096, 5: 4096}.get(op, 0)

with open(sys.argv[1], "rb") as file:
    mounted = vfs.VfsLfs2(Ram(file.read()))

def walk(folder):
    found = {}
    for name, kind, *_ in mounted.ilistdir(folder):
        path = folder + "/" + name if folder else name
        if kind == 0x4000:
            found.update(walk(path))
        else:
            with mounted.open(path, "rb") as file:
                found[path] = binascii.hexlify(file.read()).decode()
    return found

print(json.dumps({"files": walk(""), "statvfs": mounted.statvfs("")}))
"""


@pytest.fixture
def built(tmp_path):
    path = tmp_path / "stock.bin"
    path.write_bytes(made())
    return image.build(BOARD, stock.load(path, BOARD))


def mounted(data, folder):
    """What MicroPython finds in a littlefs: {"files": bytes by path, "statvfs"}."""
    (folder / "vfs.bin").write_bytes(data)
    (folder / "mount.py").write_text(_MOUNT)
    command = [micropython(), "-X", "heapsize=16M", str(folder / "mount.py"), str(folder / "vfs.bin")]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told | {"files": {name: bytes.fromhex(text) for name, text in told["files"].items()}}


def test_each_part_lies_where_the_table_says_and_the_rest_is_blank(built):
    rest = bytearray(built.data)
    assert len(rest) == BOARD.flash_bytes
    table_bytes = table.binary(list(ROWS.values()))
    for at, part in (
        (BOOTLOADER_OFFSET, built.stock.bootloader),
        (table.OFFSET, table_bytes),
        (APP_OFFSET, built.stock.app),
    ):
        assert rest[at : at + len(part)] == part
        rest[at : at + len(part)] = b"\xff" * len(part)
    files = ROWS["vfs"]
    rest[files.offset : files.end] = b"\xff" * files.size
    assert rest == b"\xff" * BOARD.flash_bytes


def test_micropython_mounts_the_filesystem_and_finds_every_file(built, tmp_path):
    row = ROWS["vfs"]
    found = mounted(built.data[row.offset : row.end], tmp_path)
    assert found["files"] == application.files(BOARD)
    block, _, blocks, free, *_ = found["statvfs"]
    assert block * blocks == row.size
    assert free / blocks > 0.7


def test_only_what_start_up_takes_as_source_is_source_and_the_rest_is_in_the_bundle():
    files = application.files(BOARD)
    assert set(files) == {"boot.py", "main.py", "bundle.mpy", "app.bundle"}
    head, _, body = files["app.bundle"].partition(b"\n")
    offsets = json.loads(head)
    assert {path for path, offset in offsets.items() if offset is None} >= {"/box", "/box/core"}
    modules = application.modules(BOARD)
    assert {f"/{name}" for name in modules if name != "bundle.mpy"} == {path for path in offsets if path[-4:] == ".mpy"}
    at = offsets["/box/core/alert.mpy"]
    assert body[at:].startswith(modules["box/core/alert.mpy"])


def test_every_module_is_of_the_mpy_version_that_the_oldest_micropython_loads():
    headers = {(data[:1], data[1], data[2]) for data in application.modules(BOARD).values()}
    assert headers == {(b"M", _MPY_VERSION, 0)}  # no native code, so of no architecture


def test_the_same_sources_give_the_same_image(built):
    assert image.build(BOARD, built.stock).data == built.data


def test_a_stock_application_larger_than_its_partition_is_refused(tmp_path):
    path = tmp_path / "stock.bin"
    path.write_bytes(made(app_bytes=0x1F0000))
    with pytest.raises(UserError) as refused:
        image.build(BOARD, stock.load(path, BOARD))
    assert refused.value.key == "flash-stock-too-big"


def test_an_application_larger_than_the_filesystem_is_refused():
    with pytest.raises(UserError) as refused:
        application.filesystem({"big": bytes(70_000)}, 64 * 1024)
    assert refused.value.key == "flash-application-too-big"


def test_a_source_that_does_not_compile_is_named(tmp_path, monkeypatch):
    (tmp_path / "box").mkdir()
    for name, text in {"boot.py": "", "main.py": "", "box/broken.py": "def ("}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(application, "_FIRMWARE", tmp_path)
    with pytest.raises(UserError, match=r"box/broken\.py.*SyntaxError"):
        application.files(BOARD)


def test_an_unknown_board_is_answered_with_those_there_are():
    with pytest.raises(UserError, match="esp32_wrover"):
        board.load("esp33")
