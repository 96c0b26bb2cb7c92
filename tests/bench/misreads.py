"""100,000 gestures over bouncing contacts: how many the box misreads, and other libraries on the same edges.

The box's button with its real interrupt handler and its own rhythm (10 to 20 ms, up to 4 ms late). The others with the
same thresholds and as their manuals say: polled every millisecond wherever that can matter, or told of each edge. Of
them only the strongest report of a gesture is asked for, since not all know a hold after clicks.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from itertools import repeat
from pathlib import Path
from random import Random
from shutil import which
from types import ModuleType
from typing import Any

from box.inputs.button import Button
from hands import CLICK, DOUBLE, HOLD, HOLD_MS, STUCK, WINDOW_MS, Edges, Hand, generate
from rows import Peer, Row

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "build" / "peers"  # `make setup` puts them there
GESTURES = 100_000
_CHUNK = 6_250
_LATE_US = 4000  # of a service, at most
_HANDLER_US = 300  # until a handler runs, at most
_REPORT_LATE_US = 45_000  # so much after the moment that decides, at most: settling, bounce, service

Reports = list[tuple[int, int]]  # microseconds, code


def rows() -> list[Row]:
    starts = range(0, GESTURES, _CHUNK)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(_chunk, starts, repeat(_CHUNK)))
    total = {name: [sum(part[name][i] for part in parts) for i in (0, 1)] for name in parts[0]}
    ours = total.pop("box")
    found = [
        Row(f"gestures misread of {GESTURES:,} over bouncing contacts", ours[0], "gestures", goal=0),
        Row("of these lost or lowered", ours[1], "gestures", goal=0),
    ]
    for name, (misread, lowered) in total.items():
        found.append(Row(f"the same edges, misread by {name}", misread, "gestures", peer=Peer("box", ours[0])))
        found.append(Row(f"the same edges, lost or lowered by {name}", lowered, "gestures", peer=Peer("box", ours[1])))
    return found


def _chunk(seed: int, count: int) -> dict[str, tuple[int, int]]:
    """{who: (gestures misread, of these lost or lowered)} for so many gestures."""
    hands, edges = generate(count, seed)
    answers = {"box": judge(hands, box_reads(edges, seed), exactly=True)}
    for name, reads in peers().items():
        answers[name] = judge(hands, reads(edges), exactly=False)
    return answers


def judge(hands: Sequence[Hand], reports: Reports, exactly: bool) -> tuple[int, int]:
    """Compare gesture by gesture. `exactly`: every report, in order; else only the strongest."""
    misread = lowered = at = 0
    for i, hand in enumerate(hands):
        # The first thing that can be told of the next gesture comes later than the last of this one.
        end = hands[i + 1].presses[0][0] + _REPORT_LATE_US if i + 1 < len(hands) else 1 << 60
        mine = []
        while at < len(reports) and reports[at][0] < end:
            mine.append(reports[at][1])
            at += 1
        strongest = max((code for code in mine if code != STUCK), default=0)
        misread += mine != list(hand.reports) if exactly else strongest != hand.strongest
        lowered += strongest < hand.strongest
    return misread, lowered


# ---- the box ----


class _Pin:
    """The contact, and the clock that the button reads."""

    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self) -> None:
        self.closed = False
        self.now_us = 0

    def irq(self, handler: Callable[["_Pin"], None], trigger: int) -> None:
        self.handler = handler

    def value(self) -> int:
        return 0 if self.closed else 1

    def now_ms(self) -> int:
        return self.now_us // 1000


def box_reads(edges: Edges, seed: int, **thresholds: int) -> Reports:
    """What the box's button reports."""
    random = Random(seed)
    pin = _Pin()
    button = Button(pin, pin.now_ms, **thresholds)
    reports: Reports = []
    button._on_gesture = lambda code, t_ms: reports.append((pin.now_us, code))
    # An edge changes the level at once; its handler runs a little later, and reads what is then.
    events: list[tuple[int, bool | None]] = list(edges)
    events += [(at + random.randint(0, _HANDLER_US), None) for at, _ in edges]
    events.sort(key=lambda event: event[0])
    service_us = 0
    for at, closed in [*events, (events[-1][0] + 5_000_000, None)]:
        while service_us < at:
            pin.now_us = service_us
            service_us += 1000 * button.service() + random.randrange(_LATE_US)
        if closed is None:
            pin.now_us = at
            pin.handler(pin)
        else:
            pin.closed = closed
    return reports


# ---- the others ----


def peers() -> dict[str, Callable[[Edges], Reports]]:
    """{name and version: how it reads edges} of those that are installed."""
    found: dict[str, Callable[[Edges], Reports]] = {}
    if (PEERS / "adafruit_debouncer.py").exists():
        library = _adafruit()
        found[f"adafruit-circuitpython-debouncer {library.__version__}"] = lambda edges: _adafruit_reads(library, edges)
    package = PEERS / "node_modules" / "button-events"
    if package.exists() and which("node"):
        version = json.loads((package / "package.json").read_text())["version"]
        found[f"button-events {version} (npm)"] = lambda edges: _button_events_reads(package, edges)
    return found


def _adafruit() -> Any:
    """The library, which wants two modules of its boards."""
    chip, typing, io = (
        ModuleType("micropython"),
        ModuleType("circuitpython_typing"),
        ModuleType("circuitpython_typing.io"),
    )
    chip.const = lambda value: value  # type: ignore[attr-defined]
    io.ROValueIO = object  # type: ignore[attr-defined]
    stand_ins = {module.__name__: module for module in (chip, typing, io)}
    sys.modules.update(stand_ins)
    sys.path.insert(0, str(PEERS))
    try:
        return import_module("adafruit_debouncer")
    finally:
        sys.path.remove(str(PEERS))
        for name in stand_ins:
            del sys.modules[name]


def _adafruit_reads(library: Any, edges: Edges) -> Reports:
    now_ms = 0
    closed = False
    library.ticks_ms = lambda: now_ms & (1 << 29) - 1
    button = library.Button(lambda: not closed, WINDOW_MS, HOLD_MS, interval=0.010)
    reports: Reports = []
    shown = 0
    for i, (at, level) in enumerate(edges):
        closed = level
        until_ms = (edges[i + 1][0] if i + 1 < len(edges) else at + 5_000_000) // 1000
        for now_ms in _moments(at // 1000 + 1, until_ms):
            button.update()
            code = (
                HOLD if button.long_press else CLICK if button.short_count == 1 else DOUBLE if button.short_count else 0
            )
            if code and code != shown:
                reports.append((now_ms * 1000, code))
            shown = code
    return reports


def _moments(edge_ms: int, end_ms: int) -> Iterator[int]:
    """Every millisecond in which an update may find something new: until a level settles, and about its thresholds."""
    for begin in (0, WINDOW_MS, HOLD_MS):
        for moment in range(edge_ms + begin, edge_ms + begin + 20):
            if moment > end_ms:
                return
            yield moment


def _button_events_reads(package: Path, edges: Edges) -> Reports:
    """Its timers run on the edges' time."""
    task = {"package": str(package), "window_ms": WINDOW_MS, "hold_ms": HOLD_MS, "edges": edges}
    script = Path(__file__).parent / "peers" / "button_events.js"
    done = subprocess.run(["node", script], input=json.dumps(task), capture_output=True, text=True, check=True)
    meaning = {"clicked": CLICK, "double_clicked": DOUBLE, "triple_clicked": DOUBLE, "quadruple_clicked": DOUBLE}
    return [
        (at, HOLD if name.endswith("pressed") else meaning[name])
        for at, name in json.loads(done.stdout)
        if name != "released"
    ]
