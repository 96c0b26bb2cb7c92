"""The box that the system tests drive: the virtual one, or a real one by `--box=serial:PORT`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from stepping import advance_until


@pytest.fixture
def make_box(box_choice: Any, tmp_path: Path) -> Iterator[Callable[..., VirtualBox]]:
    """Start virtual boxes; a test that uses this controls the world around the box."""
    if box_choice.kind != "sim":
        pytest.skip("this test presses, cuts and stalls: nothing does that to a real board yet")
    with ExitStack() as stack:

        def make(*arguments: Any, **options: Any) -> VirtualBox:
            options.setdefault("folder", tmp_path / "box")
            return stack.enter_context(VirtualBox(*arguments, **options))

        yield make


@pytest.fixture
def box(make_box: Callable[..., VirtualBox], receiver: ReceiverThread) -> VirtualBox:
    """An enrolled virtual box on a stepped clock, its link up."""
    box = make_box(receiver, clock="stepped")
    advance_until(box, lambda: any(line.text.startswith("connected") for line in box.log))
    return box
