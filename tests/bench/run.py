"""`make bench`: measure everything in one go, print the table, write build/bench.json.

    python tests/bench/run.py              all of it, about seven minutes
    python tests/bench/run.py wear share   only these; build/bench.json then holds only these

A benchmark is a module beside this one with `rows() -> list[Row]`, named in MODULES. Exit status 0 whether the goals
are met or not: a figure that is missed is a finding, not a failure; the table says which. 1 if a benchmark broke.
"""

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "build" / "bench.json"
sys.path[:0] = [str(ROOT / part) for part in ("tests/rig", "tests/size", "firmware")]

from rows import LeftOut, Row, table  # noqa: E402 - `python tests/bench/run.py` alone puts this folder on the path

_WIDTH = 140  # so that each row stays one line, also in a file
MODULES = (
    "latency",
    "share",
    "crypto",
    "boot_time",
    "virtual_time",
    "wear",
    "throughput",
    "bips",
    "misreads",
    "settings",
    "provisioning",
    "flashing",
)


def measure(names: list[str], console: Console) -> tuple[list[Row], list[str]]:
    """The rows, and the names of the benchmarks that broke."""
    rows: list[Row] = []
    failed: list[str] = []
    for name in names:
        begin = time.monotonic()
        try:
            rows += importlib.import_module(name).rows()
        except LeftOut as reason:
            console.print(f"{name}: left out: {reason}")
            continue
        except Exception:  # noqa: BLE001 - whatever it was, it must not take the minutes of the others with it
            console.print_exception()
            failed.append(name)
            continue
        console.print(f"{name}: {time.monotonic() - begin:.0f} s")
    return rows, failed


def write(rows: list[Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure, print a table, write build/bench.json.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(MODULES)}; all by default")
    chosen = parser.parse_args().modules or list(MODULES)
    unknown = set(chosen) - set(MODULES)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    console = Console(width=max(_WIDTH, Console().width))
    rows, failed = measure(chosen, console)
    write(rows, RESULT)
    console.print(table(rows))
    with_goal = [row for row in rows if row.goal is not None]
    met = sum(row.met for row in with_goal)
    console.print(f"bench: {met} of {len(with_goal)} goals met; {RESULT.relative_to(ROOT)}")
    if failed:
        console.print(f"bench: broken: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
