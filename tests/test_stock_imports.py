"""The firmware imports only what the stock ESP32 image has: nothing is to be installed beside it.

What the image has is read from its stubs (build/typings, made by `make setup`):

- A stub at the top level was generated on the chip or from the image's frozen modules, and says so in its header.
- The folder `stdlib` is for type checkers: CPython's library with MicroPython's edits, and it also names modules that
  MicroPython lacks (enum, typing). From there count those that MicroPython's unix port has too, built from the same
  sources: it says which in help("modules").
"""

import re
import subprocess
from pathlib import Path

import pytest
from micropython_process import MICROPYTHON
from source_imports import imports

ROOT = Path(__file__).parents[1]
STUBS = ROOT / "build" / "typings"
HEADER = re.compile(r"^Module: '.+' on micropython-v.*-esp32-|^# Micropython v\S+ frozen stubs", re.MULTILINE)


def stub_files(folder: Path) -> dict[str, Path]:
    """{module: its stub}, a package by its __init__."""
    modules = {path.stem: path for path in folder.glob("*.pyi")}
    return modules | {path.parent.name: path for path in folder.glob("*/__init__.pyi")}


@pytest.fixture(scope="module")
def image_modules() -> set[str]:
    listing = subprocess.run([MICROPYTHON, "-c", "help('modules')"], capture_output=True, text=True, check=True).stdout
    unix_port = {name.partition("/")[0] for name in listing.split()}
    on_the_chip = {name for name, path in stub_files(STUBS).items() if HEADER.search(path.read_text(encoding="utf-8"))}
    return on_the_chip | (stub_files(STUBS / "stdlib").keys() & unix_port)


def missing(firmware: Path, image: set[str]) -> list[str]:
    """`path:line: module` for every import of a module that neither the firmware nor the image has."""
    own = {path.stem for path in firmware.iterdir() if path.is_dir() or path.suffix == ".py"}
    own.add("board")  # boards/*/board.py is copied beside main.py
    found = []
    for path in sorted(firmware.rglob("*.py")):
        relative = path.relative_to(firmware)
        for item in imports(path.read_text(encoding="utf-8"), ".".join(relative.parts[:-1])):
            if item.names[0].partition(".")[0] not in own | image:
                found.append(f"{relative.as_posix()}:{item.line}: {item.names[0]}")
    return found


def test_every_module_that_the_firmware_imports_is_in_the_stock_image(image_modules):
    assert missing(ROOT / "firmware", image_modules) == []


def test_the_image_has_what_is_documented_and_lacks_what_only_type_checkers_know(image_modules):
    chip = {"machine", "network", "bluetooth", "espnow", "aioespnow", "esp32", "neopixel", "socket", "ssl", "vfs"}
    language = {"os", "sys", "json", "struct", "hashlib", "binascii", "cryptolib", "array", "io", "time", "asyncio"}
    assert (chip | language) - image_modules == set()
    assert image_modules & {"enum", "typing", "types", "abc", "_typeshed", "_mpy_shed", "hmac", "dataclasses"} == set()


@pytest.mark.parametrize("module", ["hmac", "typing", "dataclasses", "termios", "mpremote.main"])
def test_a_planted_import_of_an_absent_module_is_named(tmp_path, image_modules, module):
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "bad.py").write_text(f"import asyncio, box.core, board\n\nimport {module}\n")
    assert missing(tmp_path, image_modules) == [f"box/bad.py:3: {module}"]
