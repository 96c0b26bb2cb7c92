"""Run every file of this folder under CPython and under MicroPython's unix port, in one pytest run.

A `test_x` function becomes the items `test_x[cpython]` and `test_x[micropython]`; so does a `case_x` function, a
property: Hypothesis generates its data under CPython, data and results are saved to
build/cases/<module>.<case>.jsonl, and MicroPython must give the same result for the same data.

One MicroPython process serves the tests of a file, each on request (see on_micropython.py). A test that ends the
process, or answers later than UNIT_TIMEOUT_S seconds, has failed; the next one gets a new process.
"""

import contextlib
import functools
import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from micropython_process import ROOT, Interpreter, MicroPythonFailure, to_json

UNIT = Path(__file__).parent
CASES = ROOT / "build" / "cases"


class OnMicroPython(pytest.Item):
    """One function under MicroPython."""

    parent: "UnitFile"

    def __init__(self, *, function: Callable[..., Any], **keywords: Any):
        super().__init__(**keywords)
        self._function = function

    def runtest(self) -> None:
        file, name = self.parent, self._function.__name__
        try:
            if name.startswith("test_"):
                file.interpreter.ask(name)
            else:
                self._replay(file, name)
        finally:
            if file.interpreter.printed:
                self.add_report_section("call", "micropython", file.interpreter.printed)

    def _replay(self, file: "UnitFile", name: str) -> None:
        path = file.saved_cases(name)
        with path.open(encoding="utf-8") as file_of_cases:  # not splitlines(), which splits at U+0085 too
            lines = list(file_of_cases)
        if not lines:
            raise MicroPythonFailure("No data passes under CPython: there is nothing to compare with.")
        for number, line in enumerate(lines, 1):
            data, expected = json.loads(line)
            where = f"{path.relative_to(ROOT)}:{number}\ndata:        {to_json(data)}\ncpython:     {to_json(expected)}"
            try:
                result = file.interpreter.ask(name, data)
            except MicroPythonFailure as failure:
                raise MicroPythonFailure(f"{where}\nmicropython: {failure}") from None
            if result != expected:
                raise MicroPythonFailure(f"The results differ.\n{where}\nmicropython: {to_json(result)}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, MicroPythonFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._function.__code__.co_firstlineno - 1, self.name


@functools.cache
def all_strategies() -> dict[str, dict[str, Any]]:
    """{module: {case: strategy}} from the STRATEGIES of every strategies_*.py. Raises ValueError for a bad key."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(UNIT.glob("strategies_*.py")):
        for key, strategy in runpy.run_path(str(path))["STRATEGIES"].items():
            module, _, case = key.partition(".")
            if not (UNIT / f"{module}.py").exists():
                raise ValueError(f"{path.name} has a strategy for {key}, and there is no tests/unit/{module}.py.")
            if case in found.setdefault(module, {}):
                raise ValueError(f"{path.name} has a second strategy for {key}.")
            found[module][case] = strategy
    return found


class UnitFile(pytest.Module):
    """A test_*.py of this folder."""

    def collect(self) -> Iterator[pytest.Item]:
        functions = {
            name: value
            for name, value in vars(self.obj).items()
            if name.startswith(("test_", "case_")) and callable(value)
        }
        self.interpreter = Interpreter(self.path.stem)
        self.strategies = self._strategies([name for name in functions if name.startswith("case_")])
        self._explored: set[str] = set()
        CASES.mkdir(parents=True, exist_ok=True)  # and with it build/, where tests put their files
        for name, function in functions.items():
            under_cpython = self._exploration(name) if name in self.strategies else function
            yield pytest.Function.from_parent(self, name=f"{name}[cpython]", callobj=under_cpython)
            yield OnMicroPython.from_parent(self, name=f"{name}[micropython]", function=function)

    def saved_cases(self, name: str) -> Path:
        """The file of this case's data and results, made now unless this run has made it."""
        if name not in self._explored:
            with contextlib.suppress(Exception):  # the cpython item reports it; here the data that passed count
                self._exploration(name)()
        return CASES / f"{self.path.stem}.{name}.jsonl"

    def teardown(self) -> None:
        self.interpreter.close()

    def _strategies(self, cases: list[str]) -> dict[str, Any]:
        """This file's strategies by the case's name. A case without one, or one without a case, is an error."""
        try:
            found = all_strategies().get(self.path.stem, {})
        except ValueError as error:
            raise self.CollectError(str(error)) from None
        for name in sorted(found.keys() ^ set(cases)):
            if name in found:
                what = f"a strategies_*.py names {name}, and there is no such function in this file."
            else:
                what = f'{name} has no strategy: put one for "{self.path.stem}.{name}" into a strategies_*.py.'
            raise self.CollectError(f"{self.path.relative_to(ROOT)}: {what}")
        return found

    def _exploration(self, name: str) -> Callable[[], None]:
        case = getattr(self.obj, name)

        def explore_and_save() -> None:
            passed: dict[str, str] = {}

            @given(self.strategies[name])
            def explore(data: Any) -> None:
                text = to_json(data)
                # Through JSON, as the data reach MicroPython: a tuple is a list on both sides.
                passed[text] = to_json(case(json.loads(text)))

            self._explored.add(name)
            try:
                explore()
            finally:
                lines = (f"[{data}, {result}]\n" for data, result in passed.items())
                (CASES / f"{self.path.stem}.{name}.jsonl").write_text("".join(lines), encoding="utf-8")

        return explore_and_save


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> UnitFile:
    return UnitFile.from_parent(parent, path=module_path)
