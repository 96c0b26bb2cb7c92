"""What every test shares: which box the system tests drive, and how Hypothesis generates."""

import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import settings
from micropython_process import version

if TYPE_CHECKING:  # the unit tests need neither, and loading them takes longer than a file of theirs
    from alertbox.receiver import ReceiverThread
    from alertbox.town import Town

# The same cases in every run, so that a red build is red again on the next machine. To look for new ones:
# `pytest --hypothesis-profile=random tests/unit`. No deadline: a slow machine is no bug.
settings.register_profile("reproducible", derandomize=True, database=None, deadline=None, max_examples=200)
settings.register_profile("random", derandomize=False, deadline=None, max_examples=1000)
# Of `make mutate`, which runs a case again for each change.
settings.register_profile("mutants", derandomize=True, database=None, deadline=None, max_examples=20)
settings.load_profile("reproducible")


class BoxChoice(NamedTuple):
    """The box under test: the virtual one (`sim`), or a real one behind a serial `port` or a pty."""

    kind: str
    address: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.address}" if self.address else self.kind


def _box_choice(text: str) -> BoxChoice:
    match = re.fullmatch(r"(sim)|(serial|pty):(.+)", text)
    if match is None:
        # pytest reads an OSError or ValueError of an option's type as a usage error without our sentence.
        raise pytest.UsageError(f"--box={text} is not a box: use sim, serial:PORT or pty:PATH")
    return BoxChoice(match[1] or match[2], match[3] or "")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--box",
        type=_box_choice,
        default=BoxChoice("sim", ""),
        metavar="sim|serial:PORT|pty:PATH",
        help="the box that tests/system drives (default: sim, the virtual box)",
    )


def pytest_report_header(config: pytest.Config) -> str:
    return f"box under test: {config.getoption('--box')}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coverage counts what the unit tests run, and tracing does not slow a test that has a real clock in it."""
    for item in items:
        if Path(__file__).with_name("unit") not in item.path.parents:
            item.add_marker("no_cover")  # pytest-cov's


@pytest.fixture(scope="session")
def box_choice(pytestconfig: pytest.Config) -> BoxChoice:
    """What `--box` named: `.kind` is sim, serial or pty; `.address` the port or path, empty for sim."""
    choice: BoxChoice = pytestconfig.getoption("--box")
    return choice


@pytest.fixture
def town(tmp_path: Path) -> "Town":
    from alertbox.town import Town

    return Town.create(tmp_path / "town")


@pytest.fixture
def receiver(town: "Town") -> "Iterator[ReceiverThread]":
    """The town's."""
    from alertbox.receiver import ReceiverThread

    with ReceiverThread(town) as running:
        yield running


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many unit tests ran under each interpreter. Here, as the head of a parallel run reads no other conftest."""
    parts = []
    for interpreter in ("cpython", "micropython"):
        outcomes = [
            report.outcome
            for reports in terminalreporter.stats.values()
            for report in reports
            if getattr(report, "when", None) == "call" and report.nodeid.endswith(f"[{interpreter}]")
        ]
        parts.append(f"{len(outcomes)} under {interpreter} ({outcomes.count('passed')} passed)")
    terminalreporter.section("unit tests")
    terminalreporter.line(f"unit tests: {', '.join(parts)}")
    terminalreporter.line(f"interpreters: CPython {platform.python_version()}, MicroPython {version()}")
