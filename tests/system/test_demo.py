"""`alertbox demo`: the story is told, and its verdict can fail."""

import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from alertbox.commands import demo
from alertbox.demo.story import STORY

_ALERTBOX = str(Path(sys.executable).parent / "alertbox")


def test_the_demo_delivers_all_that_it_presses_and_refuses_all_attacks():
    result = subprocess.run([_ALERTBOX, "--lang", "en", "demo"], capture_output=True, text=True, timeout=120)
    lines = result.stdout.splitlines()
    assert lines[-1] == "demo: 8 pressed, 8 delivered, 0 lost, 0 duplicated, 3 refused", result.stdout + result.stderr
    assert result.returncode == 0
    told = [line for line in lines if re.match(r"  #\d+ ", line)]
    assert len(told) == 8
    for line in told:
        moments = [int(number) for number in re.findall(r"[a-z] (\d+)", line.split(":")[1])]
        assert moments == sorted(moments), line
    assert [line.split(": ")[1] for line in lines if line.startswith("  refused")] == [
        "bip-replay",
        "replay",
        "signature",
    ]
    shown = [line.removeprefix("  Receiver: ") for line in lines if line.startswith("  Receiver: ")]
    start = "{}, sequence {}, from Boulangerie Martin, {}: verified and stored"
    assert shown == [
        start.format("alarm", 7, "bip 1") + ".",
        start.format("inform", 8, "bip 2") + ", joins incident 7.",
        start.format("inform", 9, "bip 1") + ", joins incident 7.",
        start.format("bip-lost", 10, "bip 1") + ".",
        start.format("mains-lost", 11, "box") + ".",
        start.format("mains-back", 12, "box") + ".",
    ]


@dataclass(frozen=True)
class Stored:
    """What the verdict looks at of a stored alert."""

    sequence: int
    kind_name: str
    source_name: str = "box"
    incident: int = 0
    flags: tuple[str, ...] = ()


def stored(kinds: list[tuple[Any, ...]]) -> list[Stored]:
    return [Stored(i + 1, *row) for i, row in enumerate(kinds)]


_FIRST = {1: 1, 2: 7}  # sequence that begins each incident of the story
SCRIPT = [(kind, act.source, _FIRST[act.incident]) for act in STORY for kind in act.kinds]
FAULTS = [("inform", "bip 1", 7, ("source-unauthenticated",)), ("mains-lost", "box", 9), ("mains-back", "box", 10)]
GOOD = stored(SCRIPT + FAULTS)
REFUSED = {"replay": 1, "signature": 1, "bip-replay": 1}
SWAPPED = stored([SCRIPT[1], SCRIPT[0], *SCRIPT[2:], *FAULTS])
EXTRA = [*GOOD, Stored(12, "alarm", "bip 1", 7)]
SOURCELESS = stored([*SCRIPT[:7], ("inform", "bip 1", 7), *FAULTS])
APART = stored([*SCRIPT[:7], ("inform", "bip 2", 8), *FAULTS])
NOT_BEGUN = stored([*SCRIPT[:6], ("alarm", "bip 1", 1), ("inform", "bip 2", 1), *FAULTS])


@pytest.mark.parametrize(
    ("stored", "dispatched", "refused", "line"),
    [
        (GOOD[:7] + GOOD[8:], GOOD, REFUSED, "8 pressed, 7 delivered, 1 lost, 0 duplicated, 3 refused"),
        (EXTRA, EXTRA, REFUSED, "1 duplicated"),
        (GOOD, [*GOOD, GOOD[0]], REFUSED, "1 duplicated"),
        ([replace(GOOD[0], kind_name="alarm"), *GOOD[1:]], GOOD, REFUSED, "1 lost"),
        (GOOD, GOOD, {"replay": 1, "signature": 1}, "2 refused"),
        (GOOD, GOOD, {"replay": 2, "signature": 1}, "3 refused"),
        (SWAPPED, SWAPPED, REFUSED, "0 lost"),
        (SOURCELESS, SOURCELESS, REFUSED, "not of the source"),
        (APART, APART, REFUSED, "or the incident"),
        (NOT_BEGUN, NOT_BEGUN, REFUSED, "or the incident"),
        (GOOD[:-1], GOOD[:-1], REFUSED, "inform, mains-lost instead of inform, mains-lost, mains-back"),
    ],
)
def test_a_wrong_number_is_said_and_fails(stored, dispatched, refused, line, capsys):
    assert demo._verdict(stored, dispatched, refused) is False
    assert line in capsys.readouterr().out


def test_the_right_numbers_pass():
    assert demo._verdict(GOOD, GOOD, REFUSED) is True
