"""Boxes made of the host's libraries."""

import pytest
from alertbox.receiver import ReceiverThread
from fake_box import FakeBox


@pytest.fixture
def box(receiver: ReceiverThread) -> FakeBox:
    """Enrolled with `receiver`."""
    box = FakeBox()
    box.account = receiver.enrol(box.public, "Boulangerie")
    return box
