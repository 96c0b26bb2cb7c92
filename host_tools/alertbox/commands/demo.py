"""`alertbox demo`: play the story, then hold the receiver's records against the script."""

import contextlib
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import click

from alertbox import texts
from alertbox.demo.provisioning import NETWORK, NETWORK_KEY, provision
from alertbox.demo.screen import open_screen
from alertbox.demo.story import STORY, Act, Stage
from alertbox.demo.timeline import Timeline
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from alertbox.town import Town

_PATIENCE_S = 30
_HEAP = "448K"  # on 64 bits, fakes and source loading included: the chip has more
_PRESSES = ("inform", "help", "alarm")


@click.command()
def command() -> None:
    """Press, cut, forge: the main job from end to end, on a virtual box in real time.

    Ends with `demo: P pressed, D delivered, 0 lost, 0 duplicated, R refused`, and exits 1 if a number is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="alertbox-demo-") as folder:
        sys.exit(0 if _play(Path(folder)) else 1)


def _play(folder: Path) -> bool:
    with open_screen() as screen:
        screen.act(texts.say("demo-setting-up"))
        timeline = Timeline(screen.alert)
        town = Town.create(folder / "town")
        with (
            ReceiverThread(town, on_event=timeline.on_receiver_event) as receiver,
            VirtualBox(
                receiver, enrol=False, networks={NETWORK: NETWORK_KEY}, folder=folder / "box", heapsize=_HEAP
            ) as box,
        ):
            screen.act(texts.say("demo-provisioning"))
            screen.note(provision(box, receiver))
            box.wait_log("mqtt", "connected")
            stage = Stage(box, receiver, timeline)
            for act in STORY:
                screen.act(texts.say(act.text))
                _perform(act, stage)
                if act.refused:
                    screen.refused(act.refused)
            stored = [alert for alert in receiver.alerts() if alert.kind_name in _PRESSES]
            refused = receiver.counters()["refused"]
    return _verdict(stored, receiver.dispatched, refused)


def _perform(act: Act, stage: Stage) -> None:
    """Play one act and wait until what must come of it has come; what never comes shows in the verdict."""
    with contextlib.suppress(TimeoutError, RuntimeError):
        act.play(stage)
        if act.refused:
            reason = act.refused
            stage.receiver.wait_until(lambda: reason in stage.receiver.counters()["refused"], _PATIENCE_S)
        stage.box.wait_for(stage.timeline.complete, _PATIENCE_S)


class _Alert(Protocol):
    """What the verdict looks at of a stored alert."""

    @property
    def sequence(self) -> int: ...

    @property
    def kind_name(self) -> str: ...


def _verdict(stored: Sequence[_Alert], dispatched: Sequence[_Alert], refused: dict[str, int]) -> bool:
    """Say the last line; True if the receiver ended up with exactly what the script pressed, in its order."""
    expected = [kind for act in STORY for kind in act.kinds]
    expected_refusals = Counter(act.refused for act in STORY if act.refused)
    came = Counter(alert.kind_name for alert in stored)
    delivered = sum((Counter(expected) & came).values())
    lost = len(expected) - delivered
    duplicated = sum((came - Counter(expected)).values()) + len(dispatched) - len({a.sequence for a in dispatched})
    in_order = [alert.kind_name for alert in sorted(stored, key=lambda alert: alert.sequence)] == expected
    numbers = f"{len(expected)} pressed, {delivered} delivered, {lost} lost, {duplicated} duplicated"
    if lost == 0 and not in_order:
        click.echo(texts.say("demo-order"))
    click.echo(f"demo: {numbers}, {sum(refused.values())} refused")
    return lost == 0 and duplicated == 0 and in_order and Counter(refused) == expected_refusals
