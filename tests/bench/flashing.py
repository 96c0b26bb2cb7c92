"""`alertbox flash` against bare esptool: the same image, the same mock of a chip, a line of 460,800 baud.

The line is paced in `MockBoard`. Both are measured from the start of their process to its end, so that ours carries
all that it adds: the image, esptool's own process, the question who answers.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from alertbox.flash import board, checking, image, stock, writing
from mock_board import MockBoard
from rows import LeftOut, Peer, Row
from stock_image import STOCK, psram

_BUILDS = 5
_BOXES = 4
_ALERTBOX = Path(sys.executable).with_name("alertbox")


def rows() -> list[Row]:
    if not any(STOCK.glob("ESP32_GENERIC-2*.bin")):
        raise LeftOut(f"no official MicroPython image in {STOCK}; `make setup` fetches one")
    stock_file = psram()
    about = board.load("esp32_wrover")
    build_s = statistics.median(_build_s(about, stock_file) for _ in range(_BUILDS))
    with tempfile.TemporaryDirectory(prefix="alertbox-bench-") as folder:
        file = Path(folder) / "image.bin"
        file.write_bytes(image.build(about, stock.load(stock_file, about)).data)
        bare_s = _bare_s(file)
    one_s, four_s = _ours_s(stock_file, 1), _ours_s(stock_file, _BOXES)
    overhead = 100 * (one_s - bare_s) / bare_s
    name = f"flashing at {writing.BAUD:,} baud"
    return [
        Row("image build, application compiled", build_s, "s", goal=5),
        Row(f"{name}, over bare esptool", overhead, "%", goal=10, peer=Peer("bare esptool, s", bare_s)),
        Row(f"{name}, {_BOXES} boxes / one box", four_s / one_s, "ratio", goal=1.5, peer=Peer("one box, s", one_s)),
    ]


def _build_s(about: board.Board, file: Path) -> float:
    begin = time.monotonic()
    image.build(about, stock.load(file, about))
    return time.monotonic() - begin


def _bare_s(file: Path) -> float:
    with MockBoard(baud=writing.BAUD) as box:
        line = ["--port", box.path, "--baud", str(writing.BAUD)]
        return _run_s([sys.executable, "-m", "esptool", "--chip", "esp32", *line, "write-flash", "0x0", str(file)])


def _ours_s(file: Path, boxes: int) -> float:
    with ExitStack() as stack:
        ports = [stack.enter_context(MockBoard(baud=writing.BAUD, application=_answer)).path for _ in range(boxes)]
        return _run_s([str(_ALERTBOX), "flash", "--yes", "--micropython", str(file), *ports])


def _run_s(command: list[str]) -> float:
    begin = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - begin


def _answer(box: MockBoard, line: bytes) -> None:
    """The flashed application's console, which is up at once: a chip's start is no cost of the tool."""
    identity = {
        "box": "0" * 16,
        "public": "04" * 65,
        "version": checking.application_version(),
        "board": "esp32_wrover",
    }
    reply = {"jsonrpc": "2.0", "id": json.loads(line.partition(b"\x1e")[2])["id"], "result": identity}
    box.say(b"\x1e" + json.dumps(reply).encode() + b"\n")
