"""`alertbox flash`, the real command and the real esptool, on ESP32s whose bootloaders are mocks behind ptys."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
import serial
from alertbox.errors import UserError
from alertbox.flash import application, board, checking, stock
from alertbox.flash import image as image_of
from alertbox.sim import VirtualBox
from mock_board import FLASH_2_MIB, MAC, MockBoard
from pty_port import PtyPort
from stock_image import psram, real

ALERTBOX = Path(sys.executable).parent / "alertbox"
BOARD = board.load("esp32_wrover")
BOX = "00112233445566ff"


class Application:
    """What was written to the board, as far as its console goes."""

    def __init__(
        self, *, enrolled: bool = False, undelivered: int = 0, version: str = checking.application_version()
    ) -> None:
        self.asked: list[str] = []
        self._answers = {
            "identity": {"box": BOX, "public": "04" * 65, "version": version, "board": BOARD.name},
            "status": {"boot": 1, "enrolled": enrolled, "undelivered": undelivered},
        }
        self._heard = b""

    def __call__(self, board: MockBoard, data: bytes) -> None:
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            request = json.loads(line.partition(b"\x1e")[2])
            self.asked.append(request["method"])
            reply = {"jsonrpc": "2.0", "id": request["id"], "result": self._answers[request["method"]]}
            board.say(b"\x1e" + json.dumps(reply).encode() + b"\n")


def flash(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [str(ALERTBOX), "--lang", "en", "flash", "--micropython", str(psram()), *map(str, arguments)]
    settings = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 120} | options
    return subprocess.run(command, **settings)  # type: ignore[call-overload]


def flashed(folder: Path, data: bytes) -> Path:
    """A virtual box's folder with this in its flash."""
    (folder / "box").mkdir()
    (folder / "box" / "flash.bin").write_bytes(data)
    return folder / "box"


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    out: Path = tmp_path_factory.mktemp("image") / "box.bin"
    made = flash("--image-only", out)
    assert made.returncode == 0, made.stderr
    return out


def test_what_is_written_verified_and_read_back_is_the_image(image, tmp_path):
    told = Application()
    with MockBoard(application=told) as box:
        done = flash(box.path, "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        line = (
            f"{box.path}: ready. MAC {MAC}, MicroPython 1.25.0, Alertbox {checking.application_version()}, key {BOX}."
        )
        assert done.stdout.splitlines() == [line, "1 of 1 boxes ready. Next: `alertbox provision`."]
        assert told.asked == ["identity"]
        back = box.flash(tmp_path)
    assert hashlib.sha256(back).digest() == hashlib.sha256(image.read_bytes()).digest()


@pytest.mark.needs("press")
def test_a_virtual_box_starts_from_what_lies_in_the_image_alone(
    tmp_path, monkeypatch, make_box: Callable[..., VirtualBox]
):
    """The firmware in the image calls itself by another version, so it is not this folder's that runs."""
    sources = tmp_path / "firmware"
    shutil.copytree(board.ROOT / "firmware", sources)
    version = sources / "box" / "version.py"
    version.write_text(version.read_text().replace(checking.application_version(), "9.9.9"))
    monkeypatch.setattr(application, "_FIRMWARE", sources)
    built = image_of.build(BOARD, stock.load(psram(), BOARD))
    box = make_box(folder=flashed(tmp_path, built.data))
    assert box.wait_log("app", "start").fields["version"] == "9.9.9"
    box.wait_log("app", "armed")
    mark = len(box.log)
    box.press("button", 120)
    assert box.wait_log("issuer", "journalled", since=mark).fields["seq"] == "1"


@pytest.mark.needs("serial")
def test_a_flashed_box_has_made_its_own_key_and_tells_it(image, tmp_path, make_box: Callable[..., VirtualBox]):
    box = make_box(folder=flashed(tmp_path, image.read_bytes()))
    found = checking.identity(box.serial, BOARD)
    assert box.public_key is not None
    assert found.box == hashlib.sha256(box.public_key).hexdigest()[:16]


def test_a_failing_box_stops_no_other_and_each_has_its_line(image):
    with (
        MockBoard(application=Application()) as good,
        MockBoard(chip="esp32s3") as other,
        MockBoard(flash_id=FLASH_2_MIB) as small,
        MockBoard(cut_after=200_000) as cut,
    ):
        done = flash("--yes", good.path, other.path, small.path, cut.path)
        lines = {line.split(":")[0]: line.split(": ", 1)[1] for line in done.stdout.splitlines() if ": " in line}
        assert done.returncode == 1
        assert lines[good.path].startswith(f"ready. MAC {MAC}")
        assert lines[other.path].startswith("FAILED (MAC -). The chip is an ESP32-S3, and the board has an ESP32:")
        assert lines[small.path].startswith(
            f"FAILED (MAC {MAC}). The chip has 2 MiB of flash, and the board has 4 MiB:"
        )
        assert lines[cut.path].startswith(f"FAILED (MAC {MAC}). The connection broke off in the middle")
        assert done.stdout.splitlines()[-1].startswith("1 of 4 boxes ready.")


class Deaf(PtyPort):
    """A port at which nobody answers."""

    def take(self, data: bytes) -> None:
        pass


def test_a_chip_that_is_not_in_its_bootloader_is_told_to_hold_boot():
    with Deaf() as port:
        done = flash("--yes", port.path)
    assert done.returncode == 1
    assert "hold its BOOT button down" in done.stdout


def test_a_port_that_another_program_holds_or_that_is_not_there_is_one_sentence():
    with Deaf() as port, serial.Serial(port.path, exclusive=True):
        done = flash("--yes", port.path, "/dev/ttyNowhere")
    assert done.returncode == 1
    busy, missing = (
        next(line for line in done.stdout.splitlines() if line.startswith(name)) for name in (port.path, "/dev/ttyN")
    )
    assert "open: close it" in busy
    assert "There is no port" in missing


@pytest.mark.parametrize("status", [{"enrolled": True}, {"undelivered": 2}], ids=str)
def test_a_box_in_service_is_not_overwritten_when_nobody_can_answer(status):
    told = Application(**status)
    with MockBoard(application=told) as box:
        done = flash(box.path)
        assert done.returncode == 1
        assert f"Box {BOX} at {box.path} is in service" in done.stderr
        assert "Nothing was written, for nobody is at the terminal" in done.stderr
        assert told.asked == ["identity", "status"]
        assert not box.programmed


@pytest.mark.parametrize(("answer", "written"), [("o", True), ("n", False), ("", False)])
def test_the_question_is_asked_and_answered_in_french(answer, written):
    # Of another chip: esptool leaves it at once.
    with MockBoard(application=Application(enrolled=True), chip="esp32s3") as box:
        arguments = ["--lang", "fr", "flash", "--micropython", str(psram()), box.path]
        screen = pexpect.spawn(str(ALERTBOX), arguments, encoding="utf-8", timeout=60)
        screen.expect_exact("Programmer quand même ? [o/N]")
        screen.sendline(answer)
        screen.expect_exact("choisissez le bon --board" if written else "Rien n'a été programmé.")
        screen.expect(pexpect.EOF)
        screen.close()
        assert screen.exitstatus == 1
        assert box.programmed is written


def test_what_answers_after_the_writing_must_be_what_was_written():
    with MockBoard(application=Application(version="0.0.1")) as box, pytest.raises(UserError) as refused:
        checking.identity(box.path, BOARD)
    assert "What answers is esp32_wrover 0.0.1, not what was written" in str(refused.value)


def test_a_board_that_never_answers_after_the_writing_is_a_fault():
    with MockBoard() as box, pytest.raises(UserError) as refused:
        checking.identity(box.path, BOARD, patience_s=0)
    assert refused.value.key == "flash-no-answer"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "the board needs an image that uses its PSRAM"), ("fr", "la carte demande une image qui utilise sa PSRAM")],
)
def test_an_image_without_psram_is_refused_whatever_was_said_yes_to(language, sentence):
    with MockBoard() as box:
        arguments = [ALERTBOX, "--lang", language, "flash", "--yes", "--micropython", real(), box.path]
        done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert sentence in done.stderr
        assert "ESP32_GENERIC-SPIRAM-*.bin" in done.stderr
        assert not box.programmed


def test_without_an_image_the_command_says_which_one_to_fetch(tmp_path):
    command = [str(ALERTBOX), "--lang", "en", "flash", "--image-only", "out.bin"]
    environment = dict(os.environ, ALERTBOX_CACHE=str(tmp_path))
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "download the newest ESP32_GENERIC-SPIRAM-*.bin from https://micropython.org/download/" in done.stderr
    assert not (tmp_path / "out.bin").exists()
