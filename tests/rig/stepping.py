"""Virtual time in the system tests."""

from collections.abc import Callable

from alertbox.sim import VirtualBox


def advance_until(box: VirtualBox, condition: Callable[[], bool], most_ms: int = 60_000, step_ms: int = 100) -> None:
    """Let virtual time pass until a condition on the box holds."""
    for _ in range(most_ms // step_ms):
        if condition():
            return
        box.advance(step_ms)
    raise AssertionError(f"not within {most_ms} ms of virtual time; last lines: {box.console_lines[-10:]}")


def share_lit(box: VirtualBox) -> float:
    """Share of two seconds in which the light is on."""
    lit = 0
    for _ in range(40):
        box.advance(50)
        lit += box.light()
    return lit / 40
