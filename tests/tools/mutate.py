"""Change the code in small ways, one at a time, and see whether its nearest tests notice: `make mutate`.

    make mutate                     every module of `NEAREST`, some of them at a time
    make mutate ONLY=core/cbor      one module, or a folder: ONLY=storage

mutmut makes the changes and runs the tests, under CPython. It works in build/mutate, on a copy: the working tree is
never changed. It changes neither what a module computes when it is imported, such as a constant, nor a text that is
only logged or raised. The survivors of each module stand in tests/mutants.md, each under its reason. This fails if
one is missing there, if one that stands there is killed by now, or if fewer than `FLOOR` percent are killed.
"""

import argparse
import ast
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import tomlkit
from mutate_nearest import FOLDERS, NEAREST, Row

ROOT = Path(__file__).parents[2]
TREE = ROOT / "build" / "mutate"
LIST = ROOT / "tests" / "mutants.md"
FLOOR = 90

# A loop that a change made endless must not take the machine's memory.
_MEMORY = 3 << 30
_KILLED = {1, 3, 36, 24, -24, 152, -9, -11}  # pytest's failures; mutmut's time-outs; the kernel's
# No MicroPython: its absence is found out sooner than its version. No plugins but those that are named: less to load.
_ENVIRONMENT = {"MICROPYTHON": "/nowhere", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
_WORDS = [r"_log\.", r"\.log\.", r"raise \w+\("]


class Mutant(NamedTuple):
    """What was changed where: `from_` and `to` are lines without their indentation."""

    module: str
    function: str
    from_: str
    to: str

    def __str__(self) -> str:
        return f"- {self.module} {self.function}: `{self.from_}` -> `{self.to}`"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="a module or a folder of NEAREST, such as core/cbor")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    rows = [row for row in (chosen(row, arguments.only) for row in NEAREST) if row.modules]
    if not rows:
        print(f"There is no {arguments.only} among the modules of tests/tools/mutate_nearest.py.")
        return 2
    listed, problems, killed, all_ = read_list(), 0, 0, 0
    for module in forgotten():
        print(f"{module} has no row in tests/tools/mutate_nearest.py.")
        problems += 1
    make_tree()
    for row in rows:
        counts, survivors = run(row, arguments.jobs)
        for module in row.modules:
            dead, total = counts[module]
            killed, all_ = killed + dead, all_ + total
            print(f"{module:32} {dead:5} of {total:5} killed, {percent(dead, total)}", flush=True)
            found = {mutant for mutant in survivors if mutant.module == module}
            known = {mutant for mutant in listed if mutant.module == module}
            for mutant in sorted(found - known):
                print(f"  no reason in tests/mutants.md:\n  {mutant}")
            for mutant in sorted(known - found):
                print(f"  tests/mutants.md lists what is killed or gone:\n  {mutant}")
            problems += len(found ^ known)
    print(f"{'all':32} {killed:5} of {all_:5} killed, {percent(killed, all_)} (at least {FLOOR} % are wanted)")
    return 1 if problems or killed * 100 < all_ * FLOOR else 0


def forgotten() -> list[str]:
    """Modules of the folders that decide, with a function to change, that are in no row."""
    known = {module for row in NEAREST for module in row.modules}
    paths = [path for folder in FOLDERS for path in sorted((ROOT / "firmware" / "box" / folder).glob("*.py"))]
    modules = [f"{path.parent.name}/{path.stem}" for path in paths if "def " in path.read_text(encoding="utf-8")]
    return [module for module in modules if module not in known]


def percent(killed: int, all_: int) -> str:
    return f"{100 * killed / all_:.1f} %" if all_ else "nothing to change"


def chosen(row: Row, only: str) -> Row:
    modules = tuple(name for name in row.modules if name == only or name.startswith(only and f"{only}/"))
    return row._replace(modules=modules)


def read_list() -> set[Mutant]:
    """What tests/mutants.md lists. A line that is no mutant is text."""
    pattern = re.compile(r"- (\S+) (\S+): `(.*)` -> `(.*)`")
    matches = (pattern.fullmatch(line) for line in LIST.read_text(encoding="utf-8").splitlines())
    return {Mutant(*match.groups()) for match in matches if match}


def make_tree() -> None:
    """The copy. mutmut finds the packages in `src`; the tests find what else they read where it was."""
    shutil.rmtree(TREE, ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("tests", "boards", "firmware", "host_tools"):
        shutil.copytree(ROOT / folder, TREE / folder, ignore=ignore)
    for folder in ("src", "build"):
        (TREE / folder).mkdir()
    for package in ("firmware/box", "host_tools/alertbox"):
        (TREE / package).rename(TREE / "src" / Path(package).name)
    for path in (TREE / "src" / "box").rglob("*.py"):
        path.write_text(without_property_decorators(path.read_text(encoding="utf-8")), encoding="utf-8")


def without_property_decorators(source: str) -> str:
    """The same properties, made by a call after the function: mutmut changes no function that has a decorator."""
    lines = source.splitlines()
    for node in sorted(ast.walk(ast.parse(source)), key=lambda node: -getattr(node, "lineno", 0)):
        if isinstance(node, ast.FunctionDef) and [ast.unparse(one) for one in node.decorator_list] == ["property"]:
            lines.insert(node.end_lineno or 0, f"{' ' * node.col_offset}{node.name} = property({node.name})")
            lines[node.lineno - 2] = ""
    return "\n".join(lines) + "\n"


def run(row: Row, jobs: int) -> tuple[dict[str, tuple[int, int]], list[Mutant]]:
    """{module: (killed, all)}, and what survived."""
    write_settings(row)
    shutil.rmtree(TREE / "mutants", ignore_errors=True)
    log = TREE / "mutmut.log"
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            [Path(sys.executable).with_name("mutmut"), "run", "--max-children", str(jobs)],
            cwd=TREE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_ENVIRONMENT},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY)),
            check=False,
        )
    if done.returncode != 0:
        print(log.read_text(encoding="utf-8")[-5000:])
        raise SystemExit(f"mutmut ended with status {done.returncode} on {', '.join(row.modules)}.")
    counts, survivors = {}, []
    for module in row.modules:
        results = json.loads((TREE / "mutants" / meta(module)).read_text(encoding="utf-8"))["exit_code_by_key"]
        alive = [name for name, status in results.items() if status not in _KILLED]
        counts[module] = len(results) - len(alive), len(results)
        survivors += list(described(module, alive))
    return counts, survivors


def source(module: str) -> str:
    """Of `core/cbor` or `receiver/intake`, where it lies in the copy."""
    package = "alertbox" if module.startswith("receiver/") else "box"
    return f"src/{package}/{module}.py"


def meta(module: str) -> str:
    return source(module) + ".meta"


def described(module: str, names: list[str]) -> Iterator[Mutant]:
    """mutmut numbers its changes, and the numbers move with every edit: each is told by its lines."""
    program = (
        "import json, sys; from mutmut.mutation.diff_apply import get_diff_for_mutant as diff\n"
        "print(json.dumps({name: diff(name, path=sys.argv[1]) for name in sys.argv[2:]}))"
    )
    command = [sys.executable, "-c", program, source(module), *names]
    diffs = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=True).stdout if names else "{}"
    for name, diff in json.loads(diffs).items():
        lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++", "@@"))]
        before, after = ([line[1:].strip() for line in lines if line.startswith(sign)] for sign in "-+")
        function = re.sub(r"__mutmut_\d+$", "", name.rpartition(".")[2])
        function = function.removeprefix("x_") if function.startswith("x_") else function[2:].replace("ǁ", ".")
        yield Mutant(module, function, " ".join(before), " ".join(after))


def write_settings(row: Row) -> None:
    settings = tomlkit.parse((ROOT / "pyproject.toml").read_text(encoding="utf-8")).unwrap()
    pytest = settings["tool"]["pytest"]["ini_options"]
    pytest["addopts"] = "--import-mode=importlib -p no:cacheprovider -p _hypothesis_pytestplugin -p mutate_plugin"
    pytest["pythonpath"] = ["src" if path == "firmware" else path for path in pytest["pythonpath"]]
    mutmut = {
        "source_paths": ["src"],
        "only_mutate": [source(module) for module in row.modules],
        "also_copy": ["boards", "firmware", "host_tools", "build"],
        "do_not_mutate_patterns": _WORDS,
        "pytest_add_cli_args_test_selection": [f"tests/{test}.py" for test in row.tests],
        "pytest_add_cli_args": ["--hypothesis-profile=mutants", "-k", "not micropython"],
    }
    document = {"tool": {"pytest": {"ini_options": pytest}, "mutmut": mutmut}}
    (TREE / "pyproject.toml").write_text(tomlkit.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
