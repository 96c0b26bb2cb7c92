"""Power goes at every flash operation of a settings write: the old settings or the new, never a mixture.

The box's own code on a real littlefs, on the virtual NOR flash, under MicroPython: settings_power_cuts.py.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from micropython_process import MICROPYTHON, ROOT

SCRIPT = Path(__file__).with_name("settings_power_cuts.py")
PATH = os.pathsep.join(("firmware", "boards/unix", ".frozen"))
SEEDS = 6  # of each cut, as in the script

# What a start may find after a cut. The new is in place with the last program of a rename, and nearly every cut in it
# undoes it, so that only of the longer stories all must have happened somewhere in the sweep.
OUTCOMES = {
    "the first settings": {"nothing", "new"},
    "new settings over old ones in one slot": {"old", "new"},
    "new settings over old ones in both slots": {"old", "new"},
    "the migration of version 1": {"begun", "done"},
    "a factory reset": {"old", "nothing"},
    "flaky: new settings over old ones in one slot": {"old", "new"},
    "flaky: new settings over old ones in both slots": {"old", "new"},
}


@pytest.fixture(scope="module")
def sweep() -> Any:
    result = subprocess.run(
        [MICROPYTHON, "-X", "heapsize=32M", str(SCRIPT), str(ROOT)],
        cwd=ROOT,
        env={**os.environ, "MICROPYPATH": PATH},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("scenario", OUTCOMES)
def test_a_power_cut_leaves_the_old_or_the_new(sweep, scenario):
    found, operations = sweep[scenario]["found"], sweep[scenario]["operations"]
    assert set(found) <= OUTCOMES[scenario]
    assert "new" in OUTCOMES[scenario] or set(found) == OUTCOMES[scenario]
    assert sum(found.values()) == SEEDS * operations


def test_every_scenario_was_swept(sweep):
    assert set(sweep) == set(OUTCOMES)
    assert all(swept["operations"] >= 2 for swept in sweep.values())
