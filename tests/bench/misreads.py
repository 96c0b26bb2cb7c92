"""Gestures over bad contacts: how many the box misreads, and other libraries on the same edges.

The box's button with its real interrupt handler and its own rhythm (10 to 20 ms, up to 4 ms late). The others with the
same thresholds and as their manuals say: polled every millisecond wherever that can matter, or told of each edge. Only
the strongest report of a gesture is asked for, since not all know a hold after clicks.
"""

import json
import os
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random
from shutil import which
from types import ModuleType
from typing import Any

import hands
from box.inputs.button import Button
from hands import CLICK, DOUBLE, HOLD, HOLD_MS, STUCK, WINDOW_MS, Edges, Hand, Recording
from rows import Peer, Row

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "build" / "peers"  # `make setup` puts them there
_CHUNK = 1_250
_LATE_US = 4000  # of a service, at most
_HANDLER_US = 300  # until a handler runs, at most
_QUEUED = 8  # handlers at most, in a stall
_JOINED_US = 1000 * (WINDOW_MS + 50)  # a pause that a spike within 50 ms before its end may have made a short one
_RAISED_IN_1000 = 1

Reports = list[tuple[int, int]]  # microseconds, code


@dataclass(frozen=True)
class Scene:
    """`limits_raised`: noise may raise one gesture in 1,000. Where a stall hid a gesture, ambiguity must raise it."""

    name: str
    record: Callable[[Random, int], Recording]
    count: int
    limits_raised: bool = True


SCENES = (
    Scene("over bouncing and spiking contacts", hands.bad_contact, 100_000),
    Scene("over switches as Ganssle measured them", hands.measured_switches, 20_000),
    Scene("over contacts that drop out for 6 to 40 ms", hands.dropouts, 20_000),
    Scene("that are spike trains", hands.spike_trains, 5_000),
    Scene("that are one spike in a stall", hands.spikes_in_stalls, 5_000),
    Scene("in stalls of 0.2, 1.5, 20 s", hands.hands_in_stalls, 5_000, limits_raised=False),
)


def rows() -> list[Row]:
    chunks = [(scene, seed) for scene in SCENES for seed in range(0, scene.count, _CHUNK)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(_chunk, *zip(*chunks, strict=True)))
    found = []
    for scene in SCENES:
        mine = [part for (of, _), part in zip(chunks, parts, strict=True) if of is scene]
        found += _rows(scene, {who: [sum(part[who][i] for part in mine) for i in (0, 1)] for who in mine[0]})
    return found


def _rows(scene: Scene, total: dict[str, list[int]]) -> list[Row]:
    ours = total.pop("box")
    most = scene.count * _RAISED_IN_1000 // 1000 if scene.limits_raised else None
    name = f"of {scene.count:,} gestures {scene.name}"
    found = []
    for i, (what, goal) in enumerate((("lost or lowered", 0), ("raised", most))):
        found.append(Row(f"{what} {name}", ours[i], "gestures", goal=goal))
        for who, theirs in total.items():
            found.append(Row(f"the same, {what} by {who}", theirs[i], "gestures", peer=Peer("box", ours[i])))
    return found


def _chunk(scene: Scene, seed: int) -> dict[str, tuple[int, int]]:
    """{who: (gestures lost or lowered, raised)} for so many gestures."""
    recording = scene.record(Random(seed), _CHUNK)
    answers = {"box": judge(recording.hands, box_reads(recording, seed))}
    # The others stand still as well: they see all edges of a stall at its end.
    late = [(_awake(recording.stalls, at), closed) for at, closed in recording.edges]
    for name, reads in peers().items():
        answers[name] = judge(recording.hands, reads(late))
    return answers


def judge(hands: Sequence[Hand], reports: Reports) -> tuple[int, int]:
    """(lost or lowered, raised), by the strongest report of each gesture. Two that are read as one are one raised."""
    told = [0] * len(hands)
    starts = [hand.told_from for hand in hands]
    for at, code in reports:
        i = max(0, bisect_right(starts, at) - 1)
        if code != STUCK:
            told[i] = max(told[i], code)
    lowered = raised = 0
    for i, hand in enumerate(hands):
        if not told[i] and _read_as_one(hands[i : i + 2], told[i + 1 : i + 2]):
            continue  # the next, or both, is raised
        lowered += told[i] < hand.strongest
        raised += told[i] > max(hand.strongest, hand.most)
    return lowered, raised


def _read_as_one(both: Sequence[Hand], told: Sequence[int]) -> bool:
    if len(both) < 2 or not both[0].presses or not both[1].presses:
        return False
    rest = both[1].presses[0][0] - both[0].presses[-1][1]
    return rest < _JOINED_US and told[0] > both[0].strongest


def _awake(stalls: Sequence[tuple[int, int]], at: int) -> int:
    """When Python runs that should run at this moment."""
    i = bisect_right(stalls, (at, 1 << 60)) - 1
    return max(at, stalls[i][1]) if i >= 0 else at


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


def box_reads(recording: Recording, seed: int, **thresholds: int) -> Reports:
    """What the box's button reports."""
    random = Random(seed)
    pin = _Pin()
    button = Button(pin, pin.now_ms, **thresholds)
    reports: Reports = []
    button._on_gesture = lambda code, t_ms: reports.append((pin.now_us, code))
    events = _events(recording, random)
    service_us = random.randrange(20_000)
    for at, closed in [*events, (events[-1][0] + 5_000_000, None)]:
        while service_us < at:
            pin.now_us = max(pin.now_us, service_us)
            service_us = pin.now_us + 1000 * button.service() + random.randrange(_LATE_US)
            service_us = _awake(recording.stalls, service_us)
        if closed is None:
            pin.now_us = at
            pin.handler(pin)
        else:
            pin.closed = closed
    return reports


def _events(recording: Recording, random: Random) -> list[tuple[int, bool | None]]:
    """An edge changes the level at once; its handler (None) runs a little later, and reads what is then."""
    events: list[tuple[int, bool | None]] = list(recording.edges)
    end = waiting = 0
    for at, _ in recording.edges:
        run = _awake(recording.stalls, at + random.randint(0, _HANDLER_US))
        waiting = waiting + 1 if run == end else 1
        end = run
        if waiting <= _QUEUED:
            events.append((run, None))
    events.sort(key=lambda event: event[0])
    return events


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
