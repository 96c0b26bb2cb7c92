"""Virtual time in the system tests."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

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


def glows(box: VirtualBox, ms: int) -> list[tuple[int, int]]:
    """Each time that the light comes on in so long: how long it is on, and until it comes on again; in milliseconds."""
    changes: list[tuple[float, bool]] = []
    happened = box._happened
    light, active = box._outputs["light"]

    def note(event: dict[str, Any]) -> None:
        if event["event"] == "pin" and event["pin"] == light:
            changes.append((event["us"] / 1000, event["level"] == active))
        happened(event)

    box._happened = note  # type: ignore[method-assign]
    box.advance(ms)
    box.advance(1)  # whose answer comes after all that happened before
    box._happened = happened  # type: ignore[method-assign]
    on = [at for at, lit in changes if lit]
    return [
        (round(min(at for at, lit in changes if not lit and at > since) - since), round(again - since))
        for since, again in pairwise(on)
    ]
