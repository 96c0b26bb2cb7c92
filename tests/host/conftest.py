"""A town, its receiver, and boxes made of the host's libraries."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alertbox.receiver import ReceiverThread
from alertbox.town import Town
from fake_box import FakeBox


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town.create(tmp_path / "town")


@pytest.fixture
def receiver(town: Town) -> Iterator[ReceiverThread]:
    with ReceiverThread(town) as receiver:
        yield receiver


@pytest.fixture
def box(receiver: ReceiverThread) -> FakeBox:
    """Enrolled with `receiver`."""
    box = FakeBox()
    box.account = receiver.enrol(box.public, "Boulangerie")
    return box
