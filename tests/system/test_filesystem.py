"""The box's filesystem: the application as it is installed, how often a start reads it, and where data lies."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alertbox.flash import application
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox, flash
from installed_box import BOARD, LONG_LOG, install, reads_to_armed, reads_to_look, rewrite

pytestmark = pytest.mark.needs("power_cut", "power_on", "stored")

MOST_TO_ARMED, MOST_TO_LOOK = 8000, 1500


def installed(folder: Path) -> Path:
    folder.mkdir()
    install(folder)
    return folder


@pytest.mark.parametrize("rewritten", [0, LONG_LOG], ids=["new", "with a long log"])
def test_a_start_reads_flash_seldom_until_the_button_is_looked_at_and_until_it_is_armed(
    make_box: Callable[..., VirtualBox], tmp_path: Path, rewritten: int
):
    box = make_box(folder=installed(tmp_path / "board"), clock="stepped")
    box.power_cut()
    rewrite(box, rewritten)
    box.power_on()
    assert reads_to_armed(box) <= MOST_TO_ARMED
    assert reads_to_look(box) <= MOST_TO_LOOK


def test_single_files_that_a_developer_copied_win_over_the_bundle(make_box: Callable[..., VirtualBox], tmp_path: Path):
    folder = installed(tmp_path / "board")
    files = application.modules(BOARD)
    del files["box/version.mpy"]
    files["box/version.py"] = b"VERSION = 'copied'\nBUILT = 1767225600\n"
    flash.put_files(folder / "flash.bin", BOARD.partitions, files)
    box = make_box(folder=folder)
    assert box.wait_log("app", "start").fields["version"] == "copied"


@pytest.mark.parametrize("names", [("key",), ("settings.a", "enrolment.a"), ("key", "settings.a", "enrolment.a")])
def test_what_an_older_version_kept_in_the_root_is_found_again(
    make_box: Callable[..., VirtualBox], receiver: ReceiverThread, names: tuple[str, ...]
):
    """Also if the power went in the middle of moving it: then only some of it is there."""
    box = make_box(receiver, clock="stepped")
    key, cells = box.public_key, box.folder / "flash.bin"
    box.power_cut()
    flash.move_files(cells, box.partitions, {f"data/{name}": name for name in names})
    mark = len(box.log)
    box.power_on()
    assert box.public_key == key
    assert box.wait_log("app", "identity", since=mark)
    assert box.stored("settings")["shop"]["name"] == box.name
    assert not any(line.text.startswith(("not usable", "key and journal")) for line in box.log[mark:])
