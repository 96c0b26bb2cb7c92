"""`alertbox town`: the folder with a town's authority and its boxes."""

from pathlib import Path

import click

from alertbox.texts import say
from alertbox.town import Town

_FOLDER = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Make a town's folder, and look after its boxes."""


@command.command(epilog="\b\nExample:\n  alertbox town create town --name localhost")
@click.argument("folder", type=_FOLDER)
@click.option(
    "--name", "names", multiple=True, default=["localhost"], help="Host name or IP address of the broker; repeatable."
)
def create(folder: Path, names: tuple[str, ...]) -> None:
    """Make the certificate authority, the broker's certificate and an empty database in FOLDER."""
    Town.create(folder, names)
    click.echo(say("town-created", path=folder))


@command.command()
@click.argument("folder", type=_FOLDER)
def boxes(folder: Path) -> None:
    """List the boxes: id, day of enrolment, day of revocation, name."""
    for box in Town.open(folder).boxes():
        revoked = f"{box.revoked_at:%Y-%m-%d}" if box.revoked_at else "-"
        click.echo(f"{box.id}  {box.enrolled_at:%Y-%m-%d}  {revoked:10}  {box.name}")


@command.command()
@click.argument("folder", type=_FOLDER)
@click.argument("name")
def revoke(folder: Path, name: str) -> None:
    """Refuse the alerts of the box called NAME from now on."""
    Town.open(folder).revoke(name)
    click.echo(say("revoked", name=name))


@command.command()
@click.argument("folder", type=_FOLDER)
def passwords(folder: Path) -> None:
    """Print the boxes' logins as a password file of mosquitto, hashed."""
    click.echo(Town.open(folder).registry.password_file(), nl=False)
