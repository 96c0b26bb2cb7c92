"""`alertbox provision --file` on a blank virtual box, and what console and settings take of the chip.

Measured from the start of the tool's process to its end: enrolment by an invite, the restart of the box and the
read-back are in it. The virtual box receives at the line's pace, so the time that those bytes need is taken off. It
answers without pace: the line time of what it says is neither in the figure nor taken off; the peer has both.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import weight
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from alertbox.sim.box import ROOT
from alertbox.sim.uart import BYTE_S
from rows import Peer, Row
from scene import temporary_town

_RUNS = 5
_PATIENCE_S = 120
_ALERTBOX = Path(sys.executable).with_name("alertbox")
_SHOP = ROOT / "host_tools" / "shop.example.toml"
_NETWORKS = {"Livebox-4F2A": "livebox-key"}
# What came with the console and the settings, whole; what older modules grew by is not counted.
_MODULES = (
    *("console/serial", "console/facts", "console/lock", "console/deeds", "console/documents", "wiring/cable"),
    *("storage/documents", "storage/slots", "wiring/flash"),
    *("core/rpc", "core/access", "core/commissioning", "core/p256_verify", "core/strict_json", "core/utf8"),
    *("core/config", "core/config_check", "core/config_schema"),
)
# In place of wiring/cable.py: a box without console, stores and the log's tail, and otherwise as it is.
_NO_DOOR = """
import asyncio
from box import log

class _Nobody:
    async def run(self):
        await asyncio.Event().wait()

class _NoTail:
    def add(self, line):
        pass

def console(stored, *arguments, **named):
    del stored.settings, stored.enrolment
    log.tail = _NoTail()
    return _Nobody()
"""


def rows() -> list[Row]:
    beyond, line = zip(*_runs(), strict=True)
    return [
        Row(
            f"provisioning from a file beyond the line rate, longest of {_RUNS}",
            max(beyond),
            "s",
            goal=3,
            peer=Peer("line time of the bytes both ways, median", statistics.median(line)),
        ),
        Row("console and settings, compiled", weight.code_bytes(_MODULES), "bytes", goal=30 * 1024),
        *weight.live_heap("console, stores and log tail", {"wiring/cable": _NO_DOOR}, 5 * 1024),
    ]


def _runs() -> list[tuple[float, float]]:
    """(seconds beyond the line rate, line seconds both ways) of each blank box."""
    with temporary_town() as town, ReceiverThread(town) as receiver:
        return [_run(receiver) for _ in range(_RUNS)]


def _run(receiver: ReceiverThread) -> tuple[float, float]:
    said: list[int] = []
    with VirtualBox(receiver, enrol=False, networks=_NETWORKS) as box:
        uart = _Count(box)
        box._on_console = lambda line: said.append(len(line.encode()) + 2)
        invite = receiver.invite(host="localhost").line
        words = ["provision", box.serial, "--file", str(_SHOP), "--invite", invite, "--yes"]
        environment = os.environ | {"ALERTBOX_WIFI_KEY": _NETWORKS["Livebox-4F2A"]}
        begin = time.monotonic()
        done = subprocess.run([_ALERTBOX, *words], env=environment, capture_output=True, text=True, timeout=_PATIENCE_S)
        took = time.monotonic() - begin
        if done.returncode:
            raise RuntimeError(f"{done.stderr}{box.console_lines[-10:]}")
    return took - uart.bytes * BYTE_S, (uart.bytes + sum(said)) * BYTE_S


class _Count:
    """The bytes that the tool sends to a box."""

    def __init__(self, box: VirtualBox) -> None:
        self.bytes = 0
        wire = box._console.uart.wire
        send = wire.send

        def counted(data: bytes, now: float) -> None:
            self.bytes += len(data)
            send(data, now)

        wire.send = counted  # type: ignore[method-assign]
