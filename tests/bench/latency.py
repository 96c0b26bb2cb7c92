"""Press to verified: from classification on the box to the receiver's commit, over loopback TLS, on real clocks.

The box runs the whole firmware on the unix port with its own clock, so 300 presses take three minutes. The time begins
when the box's `classified` line reaches this process and ends with the receiver's `stored` event, which follows its
commit. In the pause of each press the floor sends an alert signed beforehand, from a process of its own, through a
radio of the same kind (a relay of this process) to the same broker and receiver.
"""

import json
import queue
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from alertbox.sim.air import Air
from fake_box import FakeBox
from rows import Peer, Row
from scene import temporary_town

_PRESSES = 300
_CLICK_MS = 120
_PATIENCE_S = 20


def rows() -> list[Row]:
    box_ms, floor_ms = _measure(_PRESSES)
    median, floor_median = statistics.median(box_ms), statistics.median(floor_ms)
    p99, floor_p99 = percentile(box_ms, 99), percentile(floor_ms, 99)
    name = f"press to verified, {_PRESSES} presses"
    return [
        Row(f"{name}, median", median, "ms", goal=50, peer=Peer("floor", floor_median)),
        Row(f"{name}, p99", p99, "ms", goal=150, peer=Peer("floor", floor_p99)),
        Row(f"{name}, median / floor's", median / floor_median, "ratio", goal=1.5),
    ]


def percentile(values: Sequence[float], percent: int) -> float:
    """By nearest rank: a value that occurred."""
    return sorted(values)[-(-len(values) * percent // 100) - 1]


def _measure(presses: int) -> tuple[list[float], list[float]]:
    """Milliseconds of the box and of the floor."""
    box_ms, floor_ms = [], []
    with temporary_town() as town, ReceiverThread(town) as receiver:
        stored = _Stored(receiver)
        with VirtualBox(receiver) as box, _floor(receiver) as floor:
            box.wait_log("mqtt", "connected")
            for _ in range(presses):
                mark = len(box.log)
                box.press("button", _CLICK_MS)
                floor_ms.append(1000 * floor.send_next(stored))
                classified = box.wait_log("pins", "classified", since=mark).at
                name = box.wait_log("issuer", "journalled", since=mark).fields["seq"]
                box_ms.append(1000 * (stored.at(box_id(box), int(name)) - classified))
    return box_ms, floor_ms


def box_id(box: VirtualBox) -> str:
    return str(box.account["user"])


class _Stored:
    """When the receiver had committed which alert."""

    def __init__(self, receiver: ReceiverThread) -> None:
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._times: dict[tuple[str, int], float] = {}
        receiver.events.append(self._on_event)

    def _on_event(self, event: dict[str, Any]) -> None:
        if event["event"] == "stored":
            self._events.put(event)

    def at(self, box: str, sequence: int) -> float:
        while (box, sequence) not in self._times:
            event = self._events.get(timeout=_PATIENCE_S)
            self._times[event["box"], event["sequence"]] = event["at"]
        return self._times[box, sequence]


class _Floor:
    def __init__(self, process: "subprocess.Popen[str]", box: FakeBox) -> None:
        self._process = process
        self._box = box
        self._sequence = 0

    def ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def send_next(self, stored: _Stored) -> float:
        """Seconds from before its publish to the commit."""
        self._sequence += 1
        begin = float(self.ask(self._box.alert(self._sequence).hex()))
        return stored.at(self._box.id, self._sequence) - begin


@contextmanager
def _floor(receiver: ReceiverThread) -> Iterator[_Floor]:
    box, air = FakeBox(), Air()
    air.upstream = ("127.0.0.1", receiver.port)
    box.account = receiver.enrol(box.public, "Floor", port=air.port)
    account = box.account
    command = [sys.executable, str(Path(__file__).with_name("floor.py"))]
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            floor = _Floor(process, box)
            floor.ask(json.dumps(account))
            yield floor
            assert process.stdin is not None
            process.stdin.close()
    finally:
        air.close()
