"""`alertbox receiver`: receive alerts until Ctrl-C, and invite boxes."""

import asyncio
import contextlib
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import click

from alertbox.errors import UserError
from alertbox.receiver import Accounts, Receiver
from alertbox.receiver.log import JsonLog
from alertbox.texts import say
from alertbox.town import Town, invites

_FOLDER = click.Path(path_type=Path)
_EXAMPLE = """\b
Example:
  alertbox town create town
  alertbox receiver invite town --name "Boulangerie Martin"
  alertbox receiver run town --port 0 --for 2"""


@click.group(epilog=_EXAMPLE)
def command() -> None:
    """Receive, verify, store and acknowledge the alerts of a town; invite its boxes."""


@command.command()
@click.argument("folder", type=_FOLDER)
@click.option("--listen", default="127.0.0.1", show_default=True, help="Address of the embedded broker.")
@click.option("--port", default=8883, show_default=True, help="Its port; 0 takes a free one.")
@click.option(
    "--enrol-port", type=int, help="Port of the enrolment service (default: the one after --port; 0 takes a free one)."
)
@click.option(
    "--broker",
    metavar="URL",
    envvar="ALERTBOX_BROKER",
    help="Use another broker instead: mqtts://USER:PASSWORD@HOST:PORT (or in $ALERTBOX_BROKER).",
)
@click.option("--broker-ca", type=click.Path(path_type=Path), help="CA of that broker, PEM (default: the town's).")
@click.option("--client-id", default="alertbox-receiver", show_default=True, help="This receiver's name at the broker.")
@click.option("--log", "log_file", type=click.Path(path_type=Path), help="Append the log here (default: stderr).")
@click.option("--for", "seconds", type=click.FloatRange(min=0), help="Stop after so many seconds.")
def run(
    folder: Path, port: int, enrol_port: int | None, log_file: Path | None, seconds: float | None, **options: Any
) -> None:
    """Receive, verify, store and acknowledge the alerts of the town at FOLDER until Ctrl-C.

    The log is one JSON object a line.
    """
    town = Town.open(folder)
    if enrol_port is None:
        enrol_port = port and port + 1
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(_open(log_file)) if log_file else sys.stderr
        asyncio.run(_receive(Receiver(town, port=port, enrol_port=enrol_port, log=JsonLog(stream), **options), seconds))


@command.command()
@click.argument("folder", type=_FOLDER)
@click.option("--name", metavar="SHOP", help="The only shop that it is for (default: any, also one in service).")
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 720), help="How long it is open.")
@click.option("--host", help="Where the technician and the box find the receiver (default: the town's first name).")
@click.option("--port", default=invites.DEFAULT_PORT, show_default=True, help="Port of the enrolment service.")
def invite(folder: Path, hours: int, **options: Any) -> None:
    """Print an invite: one line with which a technician enrols one box, once, over the network.

    Hand it over like a key: whoever has it first can use it. The receiver must be running then.
    """
    invite = Accounts.open(Town.open(folder)).invite(hours=hours, **options)
    until = datetime.now() + timedelta(hours=hours)
    click.echo(say("enrolment-invited", address=invite.address, when=f"{until:%Y-%m-%d %H:%M}"), err=True)
    click.echo(invite.line)


def _open(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise UserError("cannot-write", path=path, detail=error.strerror) from error


async def _receive(service: Receiver, seconds: float | None) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with service:
        click.echo(say("ready", address=service.address))
        click.echo(say("enrolment-ready", port=service.enrol_port))
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(service.run())]
        done, rest = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        for task in done:
            task.result()
    counters = service.counters()
    click.echo(say("stopped", received=counters["received"], refused=sum(counters["refused"].values())))
