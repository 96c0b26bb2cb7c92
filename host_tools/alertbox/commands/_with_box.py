"""How every command that talks to a box begins: the port is found, the box met, and unlocked if need be."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from alertbox.box.finding import find_box
from alertbox.box.session import BoxConsole
from alertbox.texts import say
from alertbox.town.technicians import Technician


def with_box(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command its box as first argument: behind PORT or found, and unlocked if a technician is named."""

    @click.argument("port", required=False)
    @click.option(
        "--technician",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Folder of your key and certificate, to unlock a locked box.",
    )
    @functools.wraps(function)
    def command(port: str | None, technician: Path | None, **options: Any) -> None:
        person = Technician.open(technician, ask=_ask) if technician else None
        with BoxConsole(port or find_box()) as console:
            if person is not None:
                console.unlock(person)
            function(console, **options)

    return command


def _ask() -> str:
    return str(click.prompt(say("console-passphrase"), hide_input=True, err=True))
