"""The benchmarks' rows, the budgets and the one place for estimates."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import esp32
import interpreter
import latency
import pytest
import run
import size
from rich.console import Console
from rows import Peer, Row, table

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "tests" / "bench"
KEYS = {"name", "value", "unit", "goal", "better", "met", "peer"}


@pytest.mark.parametrize(
    ("value", "goal", "better", "met"),
    [
        (50.0, 50.0, "lower", True),
        (50.1, 50.0, "lower", False),
        (1000.0, 1000.0, "higher", True),
        (999.0, 1000.0, "higher", False),
        (1e9, None, "lower", True),
    ],
)
def test_a_goal_is_met_at_its_figure_and_missed_beyond_it(value, goal, better, met):
    assert Row("x", value, "ms", goal=goal, better=better).met is met


def test_the_file_is_a_list_of_rows_with_exactly_the_agreed_keys(tmp_path):
    rows = [Row("plain", 1.5, "ms"), Row("compared", 3, "ratio", goal=2, peer=Peer("floor", 1.25))]
    run.write(rows, tmp_path / "new" / "bench.json")
    written = json.loads((tmp_path / "new" / "bench.json").read_text())
    assert [set(row) for row in written] == [KEYS, KEYS]
    assert written[0] == {
        "name": "plain",
        "value": 1.5,
        "unit": "ms",
        "goal": None,
        "better": "lower",
        "met": True,
        "peer": None,
    }
    assert written[1]["met"] is False
    assert written[1]["peer"] == {"name": "floor", "value": 1.25}


@pytest.mark.parametrize("script", ["share.py", "crypto.py", "wear.py"])
def test_a_script_that_runs_beside_the_firmware_still_fits_it(script):
    """They call the firmware's parts directly: a changed signature shows here, not in the next bench."""
    assert interpreter.run(script).figures


def test_a_benchmark_that_breaks_takes_no_other_with_it(monkeypatch):
    def broken() -> list[Row]:
        raise ValueError("it broke")

    monkeypatch.setitem(sys.modules, "broken", SimpleNamespace(rows=broken))
    monkeypatch.setitem(sys.modules, "fine", SimpleNamespace(rows=lambda: [Row("kept", 1, "ms")]))
    kept, failed = run.measure(["broken", "fine"], Console(quiet=True))
    assert [row.name for row in kept] == ["kept"]
    assert failed == ["broken"]


def test_every_row_is_a_line_of_the_table():
    assert table([Row("a", 1, "ms"), Row("b", 12345, "ms", goal=1)]).row_count == 2


def test_every_benchmark_that_is_listed_exists():
    assert [name for name in run.MODULES if not (BENCH / f"{name}.py").is_file()] == []


def test_every_benchmark_finds_what_it_imports_when_it_is_run_as_make_runs_it():
    """pytest's own path would hide what is missing."""
    program = "import importlib, run; [importlib.import_module(name) for name in run.MODULES]"
    environment = {**os.environ, "PYTHONPATH": str(run.ROOT / "tests" / "bench")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_percentile_is_a_value_that_occurred():
    values = [float(n) for n in range(300, 0, -1)]
    assert latency.percentile(values, 99) == 297
    assert latency.percentile(values, 100) == 300
    assert latency.percentile([7.0], 99) == 7


def test_the_factor_and_the_chips_multiplication_stand_in_one_place():
    """A second copy would be changed without the first."""
    assert 60 <= esp32.FACTOR <= 100
    copies = re.compile(rf"\b{esp32.FACTOR}\b|{re.escape(str(esp32.MULMOD_MS))}\b|_MS(_PER_\w+)? = 0\.|115\.2")
    others = [path for path in BENCH.rglob("*.py") if path.name not in ("esp32.py", "receiver_load.py")]
    assert len(others) > 8
    assert [path.name for path in others if copies.search(path.read_text())] == []


def test_a_figure_over_its_budget_is_named_with_the_excess():
    budget = {"loaded_bytes": 100, "live_heap_bytes": 50}
    assert size.over(budget, {"loaded_bytes": 100, "live_heap_bytes": 50}) == {}
    assert size.over(budget, {"loaded_bytes": 103, "live_heap_bytes": 50}) == {"loaded_bytes": 3}


def test_a_budget_for_what_nobody_measures_is_an_error():
    with pytest.raises(KeyError):
        size.over({"loaded_byte": 1}, {"loaded_bytes": 1})


@pytest.fixture
def measured_in_no_time(tmp_path, monkeypatch):
    """`make size` with one board and invented figures: 100 bytes of heap loaded, 30 frozen, 10 + 5 + 5 live."""
    board = tmp_path / "boards" / "small"
    board.mkdir(parents=True)
    heap = {"before": 100, "loaded": 200, "armed": 210, "frozen": 30, "littlefs": 5, "tls": 5}
    monkeypatch.setattr(size, "ROOT", tmp_path)
    monkeypatch.setattr(size, "compile_firmware", lambda target: {"a.py": 40, "b.py": 50})
    monkeypatch.setattr(size, "settings", lambda board, firmware: {})
    monkeypatch.setattr(size, "unix_heap", lambda told: heap)
    monkeypatch.setattr(size, "wasm_heap", lambda told: heap)
    return board / "budget.json"


@pytest.mark.parametrize(
    ("name", "bytes_"), [("loaded_bytes", 100), ("frozen_bytes", 30), ("live_heap_bytes", 20)], ids=str
)
def test_the_size_gate_fails_when_a_board_is_over_its_budget(measured_in_no_time, capsys, name, bytes_):
    measured_in_no_time.write_text(json.dumps({name: bytes_}))
    assert size.main() == 0
    measured_in_no_time.write_text(json.dumps({name: bytes_ - 1}))
    assert size.main() == 1
    assert f"small is over its budget: {name} by 1 bytes" in capsys.readouterr().out


def test_the_board_has_budgets_for_its_code_in_memory_and_for_the_heap_beside_it():
    budget = json.loads((ROOT / "boards" / "esp32_wrover" / "budget.json").read_text())
    assert set(budget) == {"loaded_bytes", "live_heap_bytes"}
