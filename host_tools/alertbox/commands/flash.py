"""`alertbox flash`: put MicroPython and the application on one box or several."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from alertbox.box import serial_port
from alertbox.errors import UserError
from alertbox.flash import board, checking, image, several, stock, writing
from alertbox.texts import say

_EXAMPLE = """\b
Examples:
  alertbox flash                      the one box that is plugged in
  alertbox flash --all                every box that is plugged in, at once
  alertbox flash /dev/ttyUSB0 /dev/ttyUSB1 --micropython ESP32_GENERIC-SPIRAM-20250911-v1.26.1.bin
  alertbox flash --image-only box.bin"""


@click.command(epilog=_EXAMPLE)
@click.argument("ports", nargs=-1, metavar="[PORT]...")
@click.option("--all", "every", is_flag=True, help="Every port at which something is plugged in.")
@click.option("--board", "name", default="esp32_wrover", show_default=True, help="A folder of boards/.")
@click.option(
    "--micropython",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The stock MicroPython image (default: the newest in $ALERTBOX_CACHE or ~/.cache/alertbox).",
)
@click.option("--baud", default=writing.BAUD, show_default=True, help="Speed of the line.")
@click.option("--image-only", type=click.Path(path_type=Path), metavar="OUT", help="Write the image to a file instead.")
@click.option("--yes", is_flag=True, help="Ask nothing: overwrite boxes that are in service too.")
def command(
    ports: tuple[str, ...],
    every: bool,
    name: str,
    micropython: Path | None,
    baud: int,
    image_only: Path | None,
    yes: bool,
) -> None:
    """Write MicroPython and the application to the box at each PORT, and check that it answers.

    The whole flash is written: it becomes a new box, with a new key and no settings, that has to be enrolled.
    """
    about = board.load(name)
    built = image.build(about, stock.load(stock.find(about, micropython), about))
    if image_only is not None:
        _save(image_only, built)
        click.echo(say("flash-image-written", path=image_only, mib=len(built.data) // 2**20))
        return
    chosen = _choose(ports, every)
    if not yes:
        _ask(_in_service(chosen))
    if not _flash(chosen, built, baud):
        sys.exit(1)


def _save(path: Path, built: image.Image) -> None:
    try:
        path.write_bytes(built.data)
    except OSError as error:
        raise UserError("cannot-write", path=path, detail=error.strerror) from error


def _choose(ports: tuple[str, ...], every: bool) -> list[str]:
    """The ports given, each once; else the only one there is, or all of them if that was asked for."""
    if ports:
        return list(dict.fromkeys(ports))
    found = [port.path for port in serial_port.find_ports()]
    if not found:
        raise UserError("flash-no-port")
    if len(found) > 1 and not every:
        raise UserError("flash-several-ports", ports=", ".join(found))
    return found


def _in_service(ports: list[str]) -> list[str]:
    """A sentence for each box whose key and settings would be lost."""
    with ThreadPoolExecutor(max_workers=len(ports)) as pool:
        boxes = zip(ports, pool.map(checking.in_service, ports), strict=True)
    return [say("flash-in-service", path=port, box=box.box, waiting=box.undelivered) for port, box in boxes if box]


def _ask(doubts: list[str]) -> None:
    if not doubts:
        return
    click.echo("\n".join(doubts), err=True)
    if not sys.stdin.isatty():
        raise UserError("flash-needs-yes")
    # click's own question takes only an English yes.
    answer = click.prompt(say("flash-go-on"), default="", show_default=False, prompt_suffix=" ", err=True)
    if not answer.strip().lower().startswith(say("flash-yes")):
        raise UserError("flash-nothing-written")


def _flash(ports: list[str], built: image.Image, baud: int) -> bool:
    """Whether all went well. A table moves while they are written; a line for each box stays."""
    screen = Console(highlight=False)
    columns = TextColumn("{task.fields[port]}"), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as shown:
        tasks = {port: shown.add_task(say("flash-stage-connect"), total=1.0, port=port) for port in ports}

        def moved(port: str, stage: str, done: float) -> None:
            # What follows the writing takes seconds of unknown number: the bar stays full.
            completed = {"connect": 0.0, "write": done}.get(stage, 1.0)
            shown.update(tasks[port], description=say(f"flash-stage-{stage}"), completed=completed)

        def finished(outcome: several.Outcome) -> None:
            shown.remove_task(tasks[outcome.port])
            screen.print(_line(outcome, built.stock.version), markup=False, soft_wrap=True)

        outcomes = several.flash(ports, built, baud=baud, progress=moved, finished=finished)
    good = sum(outcome.error is None for outcome in outcomes)
    click.echo(say("flash-summary", good=good, all=len(outcomes)))
    return good == len(outcomes)


def _line(outcome: several.Outcome, micropython: str) -> str:
    mac = outcome.mac or "-"
    if outcome.identity is None:
        return say("flash-box-failed", path=outcome.port, mac=mac, error=outcome.error)
    box, version = outcome.identity.box, outcome.identity.version
    return say("flash-box-done", path=outcome.port, mac=mac, micropython=micropython, version=version, box=box)
