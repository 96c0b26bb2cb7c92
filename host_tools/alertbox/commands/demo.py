"""`alertbox demo`: play the story, then hold the receiver's records against the script."""

import contextlib
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import click

from alertbox import texts
from alertbox.commands._alert_line import stored_line
from alertbox.demo.provisioning import NETWORK, NETWORK_KEY, bips, provision
from alertbox.demo.screen import open_screen
from alertbox.demo.story import STORY, Act, Stage
from alertbox.demo.timeline import Timeline
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from alertbox.town import Town

_PATIENCE_S = 30
_HEAP = "512K"  # on 64 bits, fakes and source loading included: the chip has more
_PRESSES = ("inform", "help", "alarm")
_USUAL = "button"  # what its gestures become has rows of its own
_FAULTS = ("mains-lost", "mains-back")
_UNSURE = "source-unauthenticated"  # the flag of what an attacker may have sent


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
            stage = Stage(box, receiver, timeline, bips())
            refused: Counter[str] = Counter()
            for act in STORY:
                screen.act(texts.say(act.text))
                seen = len(receiver.alerts())
                _perform(act, stage)
                if act.faults or act.source != _USUAL:
                    for alert in receiver.alerts()[seen:]:
                        screen.note(stored_line(alert))
                if act.refused:
                    before, refused = refused, stage.refused()
                    for reason in refused - before:
                        screen.refused(reason)
            stored = [alert for alert in receiver.alerts() if alert.kind_name in _PRESSES + _FAULTS]
            refused = stage.refused()
    return _verdict(stored, receiver.dispatched, refused)


def _perform(act: Act, stage: Stage) -> None:
    """Play one act and wait until what must come of it has come; what never comes shows in the verdict."""
    with contextlib.suppress(TimeoutError, RuntimeError):
        act.play(stage)
        if act.refused:
            reason = act.refused
            stage.receiver.wait_until(lambda: stage.refused()[reason] > 0, _PATIENCE_S)
        stage.box.wait_for(stage.timeline.complete, _PATIENCE_S)


class _Alert(Protocol):
    """What the verdict looks at of a stored alert."""

    @property
    def sequence(self) -> int: ...

    @property
    def kind_name(self) -> str: ...

    @property
    def source_name(self) -> str: ...

    @property
    def incident(self) -> int: ...

    @property
    def flags(self) -> Collection[str]: ...


def _verdict(stored: Sequence[_Alert], dispatched: Sequence[_Alert], refused: Mapping[str, int]) -> bool:
    """Say the last line; True if the receiver ended up with exactly what the script pressed, in its order."""
    script = [(kind, act.source, act.incident) for act in STORY for kind in act.kinds]
    expected = Counter(kind for kind, _, _ in script)
    faults = [kind for act in STORY for kind in act.faults]
    in_order = sorted(stored, key=lambda alert: alert.sequence)
    presses = [alert for alert in in_order if alert.kind_name in _PRESSES and _UNSURE not in alert.flags]
    came = Counter(alert.kind_name for alert in presses)
    delivered = sum((expected & came).values())
    lost = len(script) - delivered
    duplicated = sum((came - expected).values()) + len(dispatched) - len({a.sequence for a in dispatched})
    numbers = f"{len(script)} pressed, {delivered} delivered, {lost} lost, {duplicated} duplicated"
    wrong = None if lost or duplicated else _difference(script, presses)
    if wrong:
        click.echo(texts.say(wrong))
    told = [alert.kind_name for alert in in_order if alert.kind_name in _FAULTS or _UNSURE in alert.flags]
    if told != faults:
        click.echo(texts.say("demo-faults", came=", ".join(told) or "-", expected=", ".join(faults)))
    click.echo(f"demo: {numbers}, {sum(refused.values())} refused")
    expected_refusals = Counter(act.refused for act in STORY if act.refused)
    return not (lost or duplicated or wrong) and told == faults and Counter(refused) == expected_refusals


def _difference(script: list[tuple[str, str, int]], presses: list[_Alert]) -> str | None:
    """How what came differs from the script, as the name of a sentence; None if it does not."""
    if [alert.kind_name for alert in presses] != [kind for kind, _, _ in script]:
        return "demo-order"
    begun = list(dict.fromkeys(alert.incident for alert in presses))  # the story counts them from 1
    came = [(alert.source_name, begun.index(alert.incident) + 1) for alert in presses]
    return None if came == [(source, incident) for _, source, incident in script] else "demo-incident"
