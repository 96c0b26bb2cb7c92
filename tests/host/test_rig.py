"""The same system tests drive a box at a cable: here a virtual one, which the tests know by its pty alone."""

import subprocess
import sys
from pathlib import Path

import pytest
from alertbox.sim import VirtualBox

ROOT = Path(__file__).parents[2]
CHOSEN = (
    "tests/system/test_any_box.py",
    "tests/system/test_presses.py",
    "tests/system/test_examples.py::test_a_wrong_option_is_a_usage_error_with_status_2",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run on a box at a pty."""
    with VirtualBox(folder=tmp_path_factory.mktemp("box")) as box:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", f"--box=pty:{box.serial}", *CHOSEN]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120).stdout


def test_what_a_cable_is_enough_for_runs_on_a_box_at_a_cable(report: str):
    names = {line.split()[0] for line in report.splitlines() if line.startswith("tests/system/test_any_box.py::")}
    assert names
    assert [name for name in names if f"{name} PASSED" not in report] == [], report


def test_what_needs_a_hand_on_the_button_says_which_verb_the_box_lacks(report: str):
    lines = [line for line in report.splitlines() if line.startswith("SKIPPED")]
    assert lines
    assert all("this box has no verb edges" in line and "test_presses.py" in line for line in lines), report


def test_what_has_nothing_to_do_with_the_box_runs_all_the_same(report: str):
    assert "test_a_wrong_option_is_a_usage_error_with_status_2 PASSED" in report
