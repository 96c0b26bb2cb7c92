"""`alertbox technician`: a technician's own key on this laptop, and the town's certificate for it."""

import os
from pathlib import Path

import click

from alertbox.errors import UserError
from alertbox.texts import say
from alertbox.town.technicians import PASSPHRASE_VARIABLE, RIGHTS, Certificate, Technician, certificate_from_line

_FOLDER = click.Path(path_type=Path)
# For whoever installs and mends; `develop` lets Ctrl-C stop a box, and is asked for by name.
SERVICE_RIGHTS = "read,settings,test,restart,enrol"


class _Public(click.ParamType[bytes]):
    name = "HEX"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> bytes:
        try:
            return bytes.fromhex(value)
        except ValueError as error:
            raise UserError("enrolment-technician-bad-public") from error


class _Rights(click.ParamType[list[str]]):
    name = "RIGHT[,RIGHT...]"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> list[str]:
        rights = [part.strip() for part in value.split(",")]
        unknown = [right for right in rights if right not in RIGHTS]
        if unknown:
            self.fail(f"{', '.join(unknown)!r}: choose among {', '.join(RIGHTS)}", param, context)
        return rights


PUBLIC = _Public()
RIGHTS_LIST = _Rights()


@click.group()
def command() -> None:
    """Make a technician's key, and install the town's certificate for it."""


@command.command()
@click.argument("folder", type=_FOLDER)
def new(folder: Path) -> None:
    """Make a key in FOLDER and print its public part, which the town certifies.

    A passphrase protects it, asked for or in $ALERTBOX_TECHNICIAN_PASSPHRASE; an empty one leaves it to the
    rights on the file.
    """
    passphrase = os.environ.get(PASSPHRASE_VARIABLE)
    if passphrase is None:
        prompt = say("enrolment-technician-new-passphrase")
        passphrase = click.prompt(prompt, hide_input=True, confirmation_prompt=True, default="", show_default=False)
    technician = Technician.create(folder, passphrase)
    click.echo(say("enrolment-technician-created", path=folder), err=True)
    click.echo(technician.public.hex())


@command.command()
@click.argument("folder", type=_FOLDER)
@click.argument("certificate")
def install(folder: Path, certificate: str) -> None:
    """Keep CERTIFICATE, the line that the town printed or a file with it, beside the key in FOLDER."""
    about = Technician.open(folder, ask_passphrase).install(certificate_from_line(_text(certificate)))
    click.echo(say("enrolment-technician-installed", **_fields(about)))


@command.command()
@click.argument("folder", type=_FOLDER)
def show(folder: Path) -> None:
    """Show the certificate in FOLDER: name, last day, rights."""
    click.echo(say("enrolment-technician-shown", **_fields(Technician.open(folder, ask_passphrase).about)))


def ask_passphrase() -> str:
    """For `Technician.open`."""
    passphrase: str = click.prompt(say("enrolment-technician-ask-passphrase"), hide_input=True, err=True)
    return passphrase


def _text(certificate: str) -> str:
    if certificate.startswith("atc1."):
        return certificate
    try:
        return Path(certificate).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("enrolment-technician-bad-certificate") from error


def _fields(about: Certificate) -> dict[str, str]:
    rights = ", ".join(name for name in RIGHTS if name in about.rights)
    return {"name": about.name, "when": f"{about.expires:%Y-%m-%d}", "rights": rights}
