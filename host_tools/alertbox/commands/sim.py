"""`alertbox sim`: a virtual box and its receiver, from the shell."""

import contextlib
import tempfile
import threading
import time
from pathlib import Path

import click

from alertbox import texts
from alertbox.box.session import BoxConsole
from alertbox.commands._alert_line import stored_line
from alertbox.errors import UserError
from alertbox.receiver import ReceiverThread, StoredAlert
from alertbox.sim import VirtualBox, keys
from alertbox.sim.bip import VirtualBip
from alertbox.town import Town

_GAP_MS = 180
_WINDOW_MS = 700  # after which what was pressed is decided
_BIP = "BIP:A4C138000001;00112233445566778899AABBCCDDEEFF;Comptoir"
_HEARD_S, _ASK_AGAIN_S = 1.5, 0.1  # how long a press may take to be heard, and how often to ask
_PACKETS = {"press": VirtualBip.press, "double": VirtualBip.double, "hold": VirtualBip.hold}


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


@click.command(epilog="\b\nExample:\n  alertbox sim --press 120,120\n  alertbox sim --bip press --bip hold")
@click.option("--press", "gestures", type=_Presses(), multiple=True, help="Press, wait for the delivery, and leave.")
@click.option(
    "--bip",
    "bip_gestures",
    type=click.Choice(list(_PACKETS)),
    multiple=True,
    help="Pair a virtual bip, press it so, wait for the delivery, and leave.",
)
@click.option("--keys", "with_keys", is_flag=True, help="Press keys; shows which.")
@click.option("--clock", type=click.Choice(["real", "stepped"]), default="real", show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="Keep the box's flash and the town here.")
@click.option("--heapsize", default="640K", show_default=True, help="The box's MicroPython heap.")
def command(
    gestures: list[list[int]],
    bip_gestures: tuple[str, ...],
    with_keys: bool,
    clock: str,
    folder: Path | None,
    heapsize: str,
) -> None:
    """Run a virtual box: the firmware on this computer, with a receiver to talk to.

    Shows the box's console and each alert as the receiver stored it. Without --press, --bip or --keys it runs until
    Ctrl-C; the box's USB serial is the pty that is named at the start.

    With --keys a virtual bip is near. To pair it, type the `alertbox bips learn` that is shown in another terminal and
    press b three times here; then b, d and B are its presses.
    """
    if clock == "stepped" and bip_gestures:
        raise click.UsageError("--bip needs the real clock: pairing is timed by the console.")
    if clock == "stepped" and not gestures:
        raise UserError("stepped-needs-press")
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertbox-sim-")))
        place = folder / "town"
        town = Town.open(place) if place.exists() else Town.create(place)
        receiver = stack.enter_context(ReceiverThread(town, on_event=_tell))
        box = VirtualBox(receiver, folder=folder / "box", clock=clock, heapsize=heapsize, on_console=click.echo)
        # The counter rises from one run to the next: a box in a kept folder knows this bip.
        bip = VirtualBip.from_label(_BIP, counter=int(time.time()))
        with contextlib.suppress(KeyboardInterrupt), box:
            click.echo(texts.say("sim-ready", serial=box.serial, port=receiver.port))
            for presses in gestures:
                _gesture(box, receiver, presses)
            if bip_gestures:
                _pair(box, bip)
            for name in bip_gestures:
                mark = len(box.log)
                box.advertise(bip.mac, _PACKETS[name](bip))
                _delivered(box, receiver, mark)
            if gestures or bip_gestures:
                return
            if with_keys:
                click.echo(texts.say("sim-bip", serial=box.serial, label=bip.label))
                click.echo("\n".join(keys.help_lines()))
                keys.play(box, bip, click.echo)
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
    _delivered(box, receiver, mark)


def _delivered(box: VirtualBox, receiver: ReceiverThread, mark: int) -> None:
    sequence = int(box.wait_log("issuer", "journalled", since=mark).fields["seq"])
    receiver.wait_for(lambda alert: alert.sequence == sequence)
    box.wait_log("outbox", f"received seq={sequence}", since=mark)


def _pair(box: VirtualBox, bip: VirtualBip) -> None:
    """As `alertbox bips learn` does, the bip being pressed until the box has heard it three times."""
    with BoxConsole(box.serial) as console:
        state = console.call("learn", bip.name, None, bip.key)
        while state["state"] == "listening":
            heard, until = state["presses"], time.monotonic() + _HEARD_S
            box.advertise(bip.mac, bip.press())
            while state["state"] == "listening" and state["presses"] == heard and time.monotonic() < until:
                time.sleep(_ASK_AGAIN_S)
                state = console.call("learn_state")
    if state["state"] != "bound":
        raise UserError("sim-bip-unpaired", state=state["state"])
    click.echo(texts.say("sim-bip-paired", mac=bip.mac, number=state["bip"]))


def _tell(event: dict[str, object]) -> None:
    if event["event"] == "stored":
        alert = event["alert"]
        assert isinstance(alert, StoredAlert)
        click.echo(stored_line(alert))
    elif event["event"] == "refused":
        click.echo(texts.say("demo-refused", reason=event["reason"]))
