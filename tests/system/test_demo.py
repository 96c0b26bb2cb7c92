"""`alertbox demo`: the story is told, and its verdict can fail."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from alertbox.commands import demo
from alertbox.demo.story import STORY

_ALERTBOX = str(Path(sys.executable).parent / "alertbox")


def test_the_demo_delivers_all_that_it_presses_and_refuses_both_attacks():
    result = subprocess.run([_ALERTBOX, "--lang", "en", "demo"], capture_output=True, text=True, timeout=120)
    lines = result.stdout.splitlines()
    assert lines[-1] == "demo: 6 pressed, 6 delivered, 0 lost, 0 duplicated, 2 refused", result.stdout + result.stderr
    assert result.returncode == 0
    told = [line for line in lines if re.match(r"  #\d+ ", line)]
    assert len(told) == 6
    for line in told:
        moments = [int(number) for number in re.findall(r"[a-z] (\d+)", line.split(":")[1])]
        assert moments == sorted(moments), line


@dataclass(frozen=True)
class Stored:
    """What the verdict looks at of a stored alert."""

    sequence: int
    kind_name: str


GOOD = [Stored(i + 1, kind) for i, kind in enumerate(kind for act in STORY for kind in act.kinds)]
REFUSED = {"replay": 1, "signature": 1}


@pytest.mark.parametrize(
    ("stored", "dispatched", "refused", "line"),
    [
        (GOOD[:-1], GOOD[:-1], REFUSED, "6 pressed, 5 delivered, 1 lost, 0 duplicated, 2 refused"),
        ([*GOOD, Stored(7, "help")], [*GOOD, Stored(7, "help")], REFUSED, "1 duplicated"),
        (GOOD, [*GOOD, GOOD[0]], REFUSED, "1 duplicated"),
        ([Stored(1, "alarm"), *GOOD[1:]], GOOD, REFUSED, "1 lost"),
        (GOOD, GOOD, {"replay": 1}, "1 refused"),
        (GOOD, GOOD, {"replay": 2}, "2 refused"),
        ([Stored(1, "help"), Stored(2, "inform"), *GOOD[2:]], GOOD, REFUSED, "0 lost"),
    ],
)
def test_a_wrong_number_is_said_and_fails(stored, dispatched, refused, line, capsys):
    assert demo._verdict(stored, dispatched, refused) is False
    assert line in capsys.readouterr().out


def test_the_right_numbers_pass():
    assert demo._verdict(GOOD, GOOD, REFUSED) is True
