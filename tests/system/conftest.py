"""The box that the system tests drive: the virtual one, or a real one by `--box=serial:PORT`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from stepping import advance_until
from world import WORLDS, World, lacks

_OF_FIXTURES = {"make_box": ("put_documents",)}  # it makes boxes as a test wants them


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs a verb that the box under test lacks."""
    kind = config.getoption("--box").kind
    for item in items:
        if Path(__file__).parent in item.path.parents:
            verb = lacks(kind, needs(item))
            if verb is not None:
                item.add_marker(pytest.mark.skip(reason=f"this box has no verb {verb}"))


def needs(item: pytest.Item) -> list[str]:
    fixtures = getattr(item, "fixturenames", ())
    declared = [verb for mark in item.iter_markers("needs") for verb in mark.args]
    return declared + [verb for name in fixtures for verb in _OF_FIXTURES.get(name, ())]


@pytest.fixture
def world(box_choice: Any, tmp_path: Path) -> Iterator[World]:
    """The box under test, for what any box can do; a virtual one is blank and armed."""
    with WORLDS[box_choice.kind].at(box_choice.address, tmp_path / "box") as world:
        yield cast(World, world)  # a test declares what it does with it


@pytest.fixture
def make_box(tmp_path: Path) -> Iterator[Callable[..., VirtualBox]]:
    """Start virtual boxes; a test that uses this controls the world around the box."""
    boxes: list[VirtualBox] = []
    with ExitStack() as stack:

        def make(*arguments: Any, **options: Any) -> VirtualBox:
            options.setdefault("folder", tmp_path / "box")
            boxes.append(stack.enter_context(VirtualBox(*arguments, **options)))
            return boxes[-1]

        yield make
    for box in boxes:  # pytest shows it where the test fails, and anyhow with -rP
        print(*box.console_lines, sep="\n")


@pytest.fixture
def box(make_box: Callable[..., VirtualBox], receiver: ReceiverThread) -> VirtualBox:
    """An enrolled virtual box on a stepped clock, its link up."""
    box = make_box(receiver, clock="stepped")
    advance_until(box, lambda: any(line.text.startswith("connected") for line in box.log))
    return box
