"""Run a script of on_box/ under MicroPython, beside the firmware, and take its answer."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alertbox.sim.box import micropython

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).with_name("on_box")
# As the virtual box has, and the cells of a flash. In a larger heap garbage lies longer, and to find room takes longer.
_HEAP = "640K"
_PATIENCE_S = 300


@dataclass(frozen=True)
class Answer:
    """`figures`: the JSON of the last line. `log_bytes`: what the firmware wrote on its console before."""

    figures: dict[str, Any]
    log_bytes: int


def run(script: str, heap: str = _HEAP) -> Answer:
    path = os.pathsep.join(str(ROOT / part) for part in ("firmware", "boards/unix"))
    done = subprocess.run(
        [micropython(), "-X", f"heapsize={heap}", str(SCRIPTS / script)],
        env={**os.environ, "MICROPYPATH": f"{SCRIPTS}{os.pathsep}{path}{os.pathsep}.frozen"},
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
    )
    if done.returncode:
        raise RuntimeError(f"{script} failed under MicroPython:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    log, _, answer = done.stdout.rstrip("\n").rpartition("\n")
    return Answer(json.loads(answer), len(log.encode()) + 1 if log else 0)
