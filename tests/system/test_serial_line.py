"""The virtual box's serial line does what the chip's does: pace, a small buffer, Ctrl-C, a cable that can be pulled."""

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from alertbox.sim import VirtualBox
from alertbox.sim.uart import BYTE_S, ROOM
from board_program import Holder, start_program

pytestmark = pytest.mark.needs("serial", "plug", "unplug")

# Ctrl-C off; tells what it reads, read as the box does: poll, then drain. "d" turns Ctrl-C on.
ECHO = """
import asyncio, micropython, select, sys
import asyncio.core as core
micropython.kbd_intr(-1)
poll = select.poll()
poll.register(sys.stdin, select.POLLIN)
one = bytearray(1)

def readable():
    yield core._io_queue.queue_read(sys.stdin)

def drain():
    got = b""
    while poll.poll(0) and sys.stdin.buffer.readinto(one):
        got += one
    return got

async def main():
    line = b""
    while True:
        await readable()
        line += drain()
        if line.endswith(b"\\n"):
            print("got", line)
            if line == b"d\\n":
                micropython.kbd_intr(3)
            line = b""

print("ready")
"""
RUN_ECHO = ECHO + "asyncio.run(main())\n"

# Blocked until a file comes into being, as C code blocks the loop.
BLOCKED = """
import vfs
there = vfs.VfsPosix(%r)
print("blocked")
while True:
    try:
        there.stat("/go")
        break
    except OSError:
        pass
print("read", len(drain()))
print("read", len(drain()))
"""

Start = Callable[..., VirtualBox]


@pytest.fixture
def start(make_box: Start, tmp_path: Path) -> Start:
    return partial(start_program, make_box, tmp_path / "board")


@pytest.mark.parametrize("clock", ["real", "stepped"])
def test_a_line_wakes_the_loop_also_while_time_stands_still(start: Start, clock):
    box = start(RUN_ECHO, clock=clock)
    with Holder(box.serial) as holder:
        for text in (b"one\n", b"\x1e{}\n", b"two\n"):
            holder.write(text)
            holder.read_until(b"got %r\n" % text)


@pytest.mark.parametrize("clock", ["real", "stepped"])
def test_bytes_come_at_the_lines_pace(start: Start, clock):
    box = start(RUN_ECHO, clock=clock)
    with Holder(box.serial) as holder:
        holder.write(b"a\n")
        holder.read_until(b"got")
        line = b"x" * 199 + b"\n"  # the longest that the box's console takes
        began = time.monotonic()
        for _ in range(10):
            holder.write(line)
            holder.read_until(b"got %r\n" % line)
        assert time.monotonic() - began >= 10 * len(line) * BYTE_S
    assert box.serial_dropped == 0


def test_what_the_buffer_cannot_hold_is_lost(start: Start, tmp_path: Path):
    box = start(ECHO + BLOCKED % str(tmp_path))
    with Holder(box.serial) as holder:
        holder.read_until(b"blocked")
        holder.write(b"x" * (ROOM + 340))
        wait_until(lambda: box.serial_dropped > 0 and not box._console.uart.busy)
        (tmp_path / "go").touch()
        kept = ROOM + 340 - box.serial_dropped
        holder.read_until(b"read %d\n" % kept)
        holder.read_until(b"read 0\n")
    # The kernel counts what it carries a little late: some pieces more may slip in.
    assert ROOM <= kept <= ROOM + 100


def test_ctrl_c_interrupts_while_it_is_on_and_leads_to_the_prompt(start: Start):
    box = start("while True: pass\n")
    with Holder(box.serial) as holder:
        holder.write(b"\x03print(6 * 7)\r")
        holder.read_until(b"KeyboardInterrupt")
        holder.read_until(b"\r\n42\n")
    assert box.at_prompt


def test_ctrl_c_is_a_byte_while_it_is_off(start: Start):
    box = start(RUN_ECHO)
    with Holder(box.serial) as holder:
        holder.write(b"a\x03\x00\xff\x03\n")
        holder.read_until(b"got b'a\\x03\\x00\\xff\\x03\\n'\n")
        holder.write(b"d\n")
        holder.read_until(b"got b'd\\n'\n")
        holder.write(b"x\n")  # once it answers this, it has done that
        holder.read_until(b"got b'x\\n'\n")
        assert not box.at_prompt
        holder.write(b"\x03")
        holder.read_until(b">>> ")


def test_ctrl_c_interrupts_what_was_pasted_at_the_raw_prompt(start: Start):
    box = start("while True: pass\n")
    with Holder(box.serial) as holder:
        holder.write(b"\x03\r\x01")
        holder.read_until(b"raw REPL; CTRL-B to exit\r\n>")
        holder.write(b"\x05A\x01")
        holder.read_until(b"R\x01\x80\x00\x01")
        holder.write(b"print('in')\nwhile True: pass\n\x04")
        holder.read_until(b"in\n")
        holder.write(b"\x03")
        holder.read_until(b"KeyboardInterrupt")
        holder.read_until(b"\x04>")


def test_many_ctrl_c_do_not_end_the_box(start: Start):
    """The unix port may end at one that comes while it collects garbage, or at a second one."""
    box = start("while True: pass\n")
    with Holder(box.serial) as holder:
        holder.write(b"\x03" * 300 + b"kept = 6 * 7\r")
        for _ in range(50):
            holder.write(b"exec('print(2 * 21)\\nwhile True: pass')\r")
            holder.read_until(b"\n42\n")
            holder.write(b"\x03" * 5)
            holder.read_until(b"KeyboardInterrupt")
        holder.write(b"kept\r")
        holder.read_until(b"\n42\n")


def test_a_signal_that_ends_the_process_at_its_prompt_leads_back_to_the_prompt(start: Start):
    """What is left of the race between Ctrl-C and the end of a line of code: its variables are gone, the box is not."""
    box = start("while True: pass\n")
    with Holder(box.serial) as holder:
        holder.write(b"\x03")
        holder.read_until(b">>> ")
        assert box._process is not None
        box._process.send_signal(signal.SIGINT)
        holder.read_until(b">>> ")
        holder.write(b"6 * 7\r")
        holder.read_until(b"\n42\n")
    assert box.at_prompt


def test_what_the_box_says_reaches_the_holder_byte_by_byte(start: Start):
    """Also what looks like the beginning of the virtual board's own words."""
    box = start("import sys\nsys.stdin.readline()\nsys.stdout.buffer.write(bytes(range(256)) * 8 + b'\\xfe\\xfdbo')\n")
    with Holder(box.serial) as holder:
        holder.write(b"\n")
        assert holder.read_until(b"\xfe\xfdbo").endswith(bytes(range(256)) * 8 + b"\xfe\xfdbo")


def test_a_pulled_cable_ends_the_holders_pty_and_leaves_the_box_running(start: Start):
    box = start(RUN_ECHO)
    with Holder(box.serial) as holder:
        holder.write(b"half a li")
        box.unplug()
        assert box.serial == ""
        with pytest.raises((EOFError, OSError)):
            holder.read_until(b"never")
        with pytest.raises(OSError, match="."):
            os.write(holder._fd, b"x")
    box.plug()
    with Holder(box.serial) as holder:
        holder.write(b"\n")
        holder.read_until(b"got b'")
        holder.write(b"again\n")
        holder.read_until(b"got b'again\\n'\n")


def test_an_idle_line_costs_nothing(start: Start):
    box = start(RUN_ECHO)
    with Holder(box.serial) as holder:
        holder.write(b"x\n")
        holder.read_until(b"got b'x\\n'\n")
        spent = time.process_time()
        assert holder.quiet(2)
        assert time.process_time() - spent < 0.05


def wait_until(condition: Callable[[], bool]) -> None:
    """For what tells nobody that it has happened."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
