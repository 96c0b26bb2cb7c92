"""`alertbox town`: the folder with a town's authority, its boxes and its technicians."""

from pathlib import Path

import click

from alertbox.commands.technician import PUBLIC, RIGHTS_LIST, SERVICE_RIGHTS
from alertbox.technician import certificate_to_line
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


@command.command()
@click.argument("folder", type=_FOLDER)
@click.option("--name", required=True, help="The technician's name, as boxes log it.")
@click.option("--public", required=True, type=PUBLIC, help="As `alertbox technician new` printed it.")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 366), help="How long it holds.")
@click.option("--rights", default=SERVICE_RIGHTS, show_default=True, type=RIGHTS_LIST, help="What it allows.")
def technician(folder: Path, name: str, public: bytes, days: int, rights: list[str]) -> None:
    """Print a technician's certificate: one line, not secret, for `alertbox technician install`.

    It cannot be revoked on a box: whoever has the technician's key opens the town's boxes until it expires.
    """
    click.echo(certificate_to_line(Town.open(folder).technician(name, public, days, rights)))
