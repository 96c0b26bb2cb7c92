"""`alertbox sim`: a virtual box and its receiver, from the shell."""

import contextlib
import tempfile
import threading
from pathlib import Path

import click

from alertbox import texts
from alertbox.errors import UserError
from alertbox.receiver import ReceiverThread, StoredAlert
from alertbox.sim import VirtualBox, keys
from alertbox.town import Town

_GAP_MS = 180
_WINDOW_MS = 700  # after which what was pressed is decided


class _Presses(click.ParamType[list[int]]):
    """`120,120`: presses of so many milliseconds, close together: one gesture."""

    name = "MS[,MS...]"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> list[int]:
        try:
            presses = [int(part) for part in value.split(",")]
        except ValueError:
            presses = [0]
        if not all(1 <= press <= 60_000 for press in presses):
            self.fail(f"{value!r} is not a list of presses of 1 to 60000 ms, like 120 or 120,120")
        return presses


@click.command(epilog="\b\nExample:\n  alertbox sim --press 120,120")
@click.option("--press", "gestures", type=_Presses(), multiple=True, help="Press, wait for the delivery, and leave.")
@click.option("--keys", "with_keys", is_flag=True, help="Press keys; shows which.")
@click.option("--clock", type=click.Choice(["real", "stepped"]), default="real", show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="Keep the box's flash and the town here.")
@click.option("--heapsize", default="512K", show_default=True, help="The box's MicroPython heap.")
def command(gestures: list[list[int]], with_keys: bool, clock: str, folder: Path | None, heapsize: str) -> None:
    """Run a virtual box: the firmware on this computer, with a receiver to talk to.

    Shows the box's console and each alert as the receiver stored it. Without --press or --keys it runs until
    Ctrl-C; the box's USB serial is the pty that is named at the start.
    """
    if clock == "stepped" and not gestures:
        raise UserError("stepped-needs-press")
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertbox-sim-")))
        place = folder / "town"
        town = Town.open(place) if place.exists() else Town.create(place)
        receiver = stack.enter_context(ReceiverThread(town, on_event=_tell_refusal))
        box = VirtualBox(receiver, folder=folder / "box", clock=clock, heapsize=heapsize, on_console=click.echo)
        with contextlib.suppress(KeyboardInterrupt), box:
            click.echo(texts.say("sim-ready", serial=box.serial, port=receiver.port))
            if gestures:
                for presses in gestures:
                    _gesture(box, receiver, presses)
            elif with_keys:
                click.echo("\n".join(keys.help_lines()))
                receiver.events.append(lambda event: _tell_stored(receiver, event))
                keys.play(box, click.echo)
            else:
                threading.Event().wait()


def _gesture(box: VirtualBox, receiver: ReceiverThread, presses: list[int]) -> None:
    """Press, wait until the box has told what it made of it, then until the receiver has it."""
    edges, at = [], 0
    for press in presses:
        edges += [(at * 1000, 1), ((at + press) * 1000, 0)]
        at += press + _GAP_MS
    mark = len(box.log)
    box.edges("button", edges)
    if box.clock == "stepped":
        box.advance(_WINDOW_MS)
    sequence = int(box.wait_log("issuer", "journalled", since=mark).fields["seq"])
    alert = receiver.wait_for(lambda alert: alert.sequence == sequence)
    box.wait_log("dispatcher", f"received seq={sequence}", since=mark)
    click.echo(_line(alert))


def _line(alert: StoredAlert) -> str:
    return texts.say("sim-stored", kind=alert.kind_name, sequence=alert.sequence, name=alert.name)


def _tell_stored(receiver: ReceiverThread, event: dict[str, object]) -> None:
    if event["event"] == "stored":
        click.echo(texts.say("sim-stored", kind=event["kind"], sequence=event["sequence"], name=event["box"]))


def _tell_refusal(event: dict[str, object]) -> None:
    if event["event"] == "refused":
        click.echo(texts.say("demo-refused", reason=event["reason"]))
