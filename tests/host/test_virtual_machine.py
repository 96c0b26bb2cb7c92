"""What the virtual box's host end makes of a terminal and a channel that a busy machine serves late and in pieces."""

import os
import pty
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from alertbox.sim.channel import Channel
from alertbox.sim.console import Console
from alertbox.sim.output import Output, mark
from pty_port import PtyPort

WAIT_S = 20
STREAM = b"1 INFO app armed\n" + mark("advanced") + b"caf\xc3\xa9 \xfe\xfdbox:\xfe\xfd\n" + mark("asleep") + b"2 INFO"
TOLD = ["1 INFO app armed", "mark advanced", "café \ufffd\ufffdbox:\ufffd\ufffd", "mark asleep", "2 INFO"]


def taken_apart(pieces: list[bytes]) -> list[str]:
    told: list[str] = []
    output = Output(lambda _: None, lambda line, _: told.append(line), lambda name: told.append(f"mark {name}"))
    for piece in pieces:
        output.feed(piece, 0.0)
    output.end_line(0.0)
    return told


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_lines_and_marks_are_the_same_wherever_the_stream_is_cut(cut: int):
    assert taken_apart([STREAM[:cut], STREAM[cut:]]) == TOLD


def test_a_mark_that_a_dying_box_began_is_text_and_the_next_one_is_a_mark():
    assert taken_apart([b"\xfe\xfdbox:adv", mark("ended")]) == ["mark ended", "\ufffd\ufffdbox:adv"]


@pytest.fixture
def told() -> dict[str, threading.Event]:
    return {"a line": threading.Event(), "advanced": threading.Event()}


@pytest.fixture
def console(told: dict[str, threading.Event]) -> Iterator[Console]:
    console = Console(lambda line, _: told[line].set(), lambda name: told[name].set())
    yield console
    console.close()


def test_a_mark_of_which_the_terminal_hands_over_the_rest_late_is_not_lost(
    console: Console, told: dict[str, threading.Event]
):
    """The console once took the beginning for text when it had to do something else before the rest came."""
    whole = mark("advanced")
    console.say(b"a line\n" + whole[:4])
    assert told["a line"].wait(WAIT_S)
    console.unplug()
    console.plug()
    console.say(whole[4:])
    assert told["advanced"].wait(WAIT_S)


class _Process:
    def poll(self) -> None:
        return None


def test_a_command_to_a_life_that_ended_is_settled_although_the_next_one_has_begun():
    """The host once waited for the answer if it was asleep between the two lives."""
    changed = threading.Condition()
    channel = Channel(changed, lambda _: None)
    process = cast("subprocess.Popen[bytes]", _Process())

    def live() -> tuple[socket.socket, threading.Thread]:
        thread = threading.Thread(target=channel.follow, args=(process,), daemon=True)
        thread.start()
        box = socket.create_connection(("127.0.0.1", channel.port))
        with changed:
            assert changed.wait_for(lambda: channel.open, WAIT_S)
        return box, thread

    def end(life: tuple[Any, threading.Thread]) -> None:
        life[0].close()
        life[1].join(WAIT_S)

    first = live()
    number = channel.send("stall", {})
    assert not channel.settled(number)
    end(first)
    second = live()
    assert channel.settled(number)
    assert not channel.settled(channel.send("stall", {}))
    end(second)
    channel.close()


class Silent(PtyPort):
    def take(self, data: bytes) -> None:
        pass


@contextmanager
def another_terminal() -> Iterator[None]:
    """Somebody else's, who gets the lowest number that is free."""
    ends = pty.openpty()
    try:
        yield
    finally:
        for end in ends:
            os.close(end)


def test_the_port_of_a_pulled_cable_leads_to_nobody_elses_terminal():
    """esptool tried again after a cut, and its sync packets stood in the log of another test's box."""
    console = Console(lambda text, at: None, lambda name: None)
    try:
        with Silent() as port:
            paths = [console.path, port.path]
            assert all(os.path.exists(path) for path in paths)
            console.unplug()
            port.pull()
            with another_terminal(), another_terminal():
                assert not any(os.path.exists(path) for path in paths)
        console.plug()
        assert os.path.exists(console.path)
    finally:
        console.close()
