"""The runner of tests/unit is itself tested: planted test files, and what a pytest run of its own reports on them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
INI = "[pytest]\naddopts = --import-mode=importlib -rA --tb=short\npythonpath = firmware tests/unit tests/tools\n"
ON_MICROPYTHON = "import sys\nMICROPYTHON = sys.implementation.name == 'micropython'\n"


class Run:
    """A finished pytest run: its whole output, and {"test_x[cpython]": "PASSED" or "FAILED"}."""

    def __init__(self, output: str):
        self.output = output
        self.outcomes = {
            name: word for word, name in re.findall(r"^(PASSED|FAILED) \S+::(\S+\])", output, re.MULTILINE)
        }


@pytest.fixture
def run(tmp_path):
    """Write `test_planted.py` and `strategies_planted.py` into a tree with the runner in it, and run pytest there."""
    unit = tmp_path / "tests" / "unit"
    unit.mkdir(parents=True)
    (tmp_path / "firmware" / "box" / "core").mkdir(parents=True)
    shutil.copytree(TESTS / "tools", tmp_path / "tests" / "tools")
    for name in ("conftest.py", "unit/conftest.py", "unit/on_micropython.py"):
        shutil.copy(TESTS / name, tmp_path / "tests" / name)
    (tmp_path / "pytest.ini").write_text(INI)

    def run_pytest(source: str, strategies: dict[str, str] | None = None, *arguments: str, **environment: str) -> Run:
        (unit / "test_planted.py").write_text(ON_MICROPYTHON + source)
        rows = "".join(f'    "test_planted.{name}": {strategy},\n' for name, strategy in (strategies or {}).items())
        text = f"from hypothesis import strategies as st\n\nSTRATEGIES = {{\n{rows}}}\n"
        (unit / "strategies_planted.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        # Without the installed plugins, which the runner does not need, a run takes a third of the time.
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment}
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        return Run(result.stdout + result.stderr)

    return run_pytest


def test_a_test_runs_once_on_each_interpreter_and_both_are_counted(run):
    result = run("def test_a(): pass\ndef test_b(): pass\n")
    assert result.outcomes == dict.fromkeys(
        ("test_a[cpython]", "test_a[micropython]", "test_b[cpython]", "test_b[micropython]"), "PASSED"
    )
    assert "unit tests: 2 under cpython (2 passed), 2 under micropython (2 passed)" in result.output
    assert re.search(r"^interpreters: CPython 3\.\d+\.\d+, MicroPython 1\.\d+", result.output, re.MULTILINE)


def test_a_failure_on_micropython_alone_is_reported_for_micropython_with_its_line(run):
    result = run("def test_a():\n    print('seen')\n    assert not MICROPYTHON, 'only here'\n")
    assert result.outcomes == {"test_a[cpython]": "PASSED", "test_a[micropython]": "FAILED"}
    assert 'test_planted.py", line 5, in test_a\n    assert not MICROPYTHON' in result.output
    assert "AssertionError: only here" in result.output
    assert re.search(r"Captured micropython call -+\nseen", result.output)


def test_a_failure_on_cpython_alone_is_reported_for_cpython(run):
    result = run("def test_a():\n    assert MICROPYTHON\n")
    assert result.outcomes == {"test_a[cpython]": "FAILED", "test_a[micropython]": "PASSED"}


def test_a_file_that_micropython_cannot_import_fails_each_of_its_tests_there(run):
    result = run("if MICROPYTHON:\n    import absent\ndef test_a(): pass\ndef test_b(): pass\n")
    assert (result.outcomes["test_a[micropython]"], result.outcomes["test_b[micropython]"]) == ("FAILED", "FAILED")
    assert "no module named 'absent'" in result.output


CRASH = """
def test_before(): pass
def test_crash():
    if MICROPYTHON:
        import uctypes
        uctypes.bytearray_at(1, 4)[0] = 1
def test_exit():
    if MICROPYTHON:
        sys.exit()
def test_after(): pass
"""


def test_a_crash_or_an_exit_fails_the_test_that_did_it_and_the_rest_still_runs(run):
    result = run(CRASH, None, "-k", "micropython")
    assert result.outcomes == {
        "test_before[micropython]": "PASSED",
        "test_crash[micropython]": "FAILED",
        "test_exit[micropython]": "FAILED",
        "test_after[micropython]": "PASSED",
    }
    assert "MicroPython ended in the middle of the test, with status -11" in result.output


def test_a_hang_is_ended_by_the_time_out_and_the_rest_still_runs(run):
    source = "def test_hang():\n    while MICROPYTHON: pass\ndef test_after(): pass\n"
    result = run(source, None, "-k", "micropython", UNIT_TIMEOUT_S="0.5")
    assert result.outcomes == {"test_hang[micropython]": "FAILED", "test_after[micropython]": "PASSED"}
    assert "MicroPython gave no answer in 0.5 s" in result.output


def test_a_single_item_and_a_stop_at_the_first_failure_are_respected(run):
    source = "def test_a():\n    assert 0\ndef test_b(): pass\n"
    assert run(source, None, "tests/unit/test_planted.py::test_b[micropython]").outcomes == {
        "test_b[micropython]": "PASSED"
    }
    assert run(source, None, "-x").outcomes == {"test_a[cpython]": "FAILED"}


def test_a_missing_interpreter_fails_the_test_and_is_never_skipped(run):
    result = run("def test_a(): pass\n", MICROPYTHON="/absent/micropython")
    assert result.outcomes == {"test_a[cpython]": "PASSED", "test_a[micropython]": "FAILED"}
    assert "Run `make setup`, or set MICROPYTHON" in result.output


TEXT_AND_NUMBERS = "st.tuples(st.text(), st.integers(-(2**53), 2**53), st.dictionaries(st.text(), st.booleans()))"


def test_the_cases_that_hypothesis_made_give_equal_results_on_both(run, tmp_path):
    result = run("def case_a(data):\n    return data\n", {"case_a": TEXT_AND_NUMBERS})
    assert result.outcomes == {"case_a[cpython]": "PASSED", "case_a[micropython]": "PASSED"}
    saved = (tmp_path / "build" / "cases" / "test_planted.case_a.jsonl").read_bytes()
    assert 100 <= saved.count(b"\n") <= 200


def test_a_case_whose_results_differ_shows_its_data_and_both_results(run):
    source = "def case_a(data):\n    return data + 1 if MICROPYTHON and data == 7 else data\n"
    result = run(source, {"case_a": "st.integers(0, 9)"})
    assert result.outcomes == {"case_a[cpython]": "PASSED", "case_a[micropython]": "FAILED"}
    assert re.search(r"jsonl:\d+\ndata: +7\ncpython: +7\nmicropython: 8\n", result.output)


def test_a_case_that_raises_on_micropython_shows_its_data_and_the_traceback(run):
    source = "def case_a(data):\n    assert not (MICROPYTHON and data == 7)\n    return data\n"
    result = run(source, {"case_a": "st.integers(0, 9)"}, "-k", "micropython")  # alone: the data are made first
    assert result.outcomes == {"case_a[micropython]": "FAILED"}
    assert re.search(r"data: +7\ncpython: +7\nmicropython: AssertionError", result.output)


def test_a_property_that_fails_on_cpython_fails_there_with_the_smallest_data(run):
    result = run("def case_a(data):\n    assert data < 50\n    return data\n", {"case_a": "st.integers(0, 99)"})
    assert result.outcomes == {"case_a[cpython]": "FAILED", "case_a[micropython]": "PASSED"}
    assert "data=50" in result.output


def test_a_property_that_nothing_passes_fails_on_both(run):
    result = run("def case_a(data):\n    assert 0\n", {"case_a": "st.integers()"})
    assert result.outcomes == {"case_a[cpython]": "FAILED", "case_a[micropython]": "FAILED"}
    assert "there is nothing to compare with" in result.output


def test_an_asynchronous_test_which_nobody_awaits_fails_on_both(run):
    result = run("async def test_a():\n    assert 0\n")
    assert result.outcomes == {"test_a[cpython]": "FAILED", "test_a[micropython]": "FAILED"}
    assert "test_a returned what JSON cannot hold" in result.output


def test_the_generated_cases_are_the_same_in_every_run(run, tmp_path):
    path = tmp_path / "build" / "cases" / "test_planted.case_a.jsonl"
    saved = []
    for _ in range(2):
        run("def case_a(data):\n    return data\n", {"case_a": "st.lists(st.integers())"}, "-k", "cpython")
        saved.append(path.read_bytes())
        path.unlink()
    assert saved[0] == saved[1]


def test_a_case_without_a_strategy_and_a_strategy_without_a_case_are_errors(run):
    assert "tests/unit/test_planted.py: case_a has no strategy" in run("def case_a(data): pass\n").output
    result = run("def test_a(): pass\n", {"case_a": "st.text()"})
    assert "tests/unit/test_planted.py: a strategies_*.py names case_a" in result.output
    assert result.outcomes == {}
