"""A virtual bip from the shell: paired in one terminal, pressed in another, as the package's README shows it."""

import contextlib
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

ROOT = Path(__file__).parents[2]
_ALERTBOX = str(Path(sys.executable).parent / "alertbox")
_PATIENCE_S = 20
_CONSOLE = re.compile(r'\d+ (INFO|WARNING|ERROR) |\{"')  # the box's own lines


@contextlib.contextmanager
def terminal(*words: str) -> Iterator[Any]:
    environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "COLUMNS": "200"}
    arguments = ["--lang", "en", *words]
    child = pexpect.spawn(_ALERTBOX, arguments, env=environment, dimensions=(50, 250), encoding="utf-8", echo=False)
    child.delaybeforesend = None
    child.logfile_read = _Heard()
    child.timeout = _PATIENCE_S
    try:
        yield child
    finally:
        child.close(force=True)


class _Heard:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def lines(child: Any) -> list[str]:
    """What stands there, without the box's console."""
    heard = child.logfile_read.text.replace("\r", "").splitlines()
    return [line for line in heard if line and not _CONSOLE.match(line)]


def session() -> str:
    """Both terminals' text; what differs each time is made the same."""
    with terminal("sim", "--keys") as sim:
        sim.expect("  alertbox (bips learn [^\r]*)\r")
        learn = shlex.split(sim.match[1])
        sim.expect("leave")
        with terminal(*learn) as other:
            other.expect("a minute for it")
            for count in (1, 2, 3):
                sim.send("b")
                other.expect("Listening for" if count == 3 else f"Press {count} of 3")
            sim.send("i")
            other.expect(pexpect.EOF)
            pairing = lines(other)
        sim.send("b")
        sim.expect("Receiver: [^\r]*\r")
        sim.send("B")
        sim.expect("Receiver: [^\r]*\r")
        sim.send("q")
        sim.expect(pexpect.EOF)
        text = "\n".join(["$ alertbox sim --keys", *lines(sim), "", "$ alertbox " + shlex.join(learn), *pairing])
    text = text.replace(learn[2], "/dev/pts/3")
    return re.sub(r"for \d+ s", "for 60 s", re.sub(r"port: \d+", "port: 34161", text)) + "\n"


@pytest.fixture(scope="module")
def seen() -> str:
    return session()


def test_a_virtual_bip_is_paired_and_pressed_as_the_readme_shows(seen: str):
    readme = (ROOT / "host_tools" / "alertbox" / "README.md").read_text(encoding="utf-8")
    assert seen in readme, seen


def test_its_presses_reach_the_receiver(seen: str):
    assert "Receiver: alarm, sequence 2, from Boulangerie Martin, bip 1: verified and stored, joins incident 1." in seen
