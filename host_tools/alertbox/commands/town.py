"""`alertbox town`: the folder with a town's authority, its boxes and its technicians, and what its shops pressed."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import click

from alertbox.commands._alert_line import listed_line
from alertbox.commands.technician import PUBLIC, RIGHTS_LIST, SERVICE_RIGHTS
from alertbox.contract.console_rpc import printable
from alertbox.receiver import Accounts
from alertbox.receiver.store.false_alarms import WITHDRAWN_FROM, SourceCount
from alertbox.texts import say
from alertbox.town import Town
from alertbox.town.technicians import certificate_to_line

_FOLDER = click.Path(path_type=Path)
_SHOP = click.option("--shop", metavar="NAME", help="Of this shop only: its name, or its box's id.")
_JSON = click.option("--json", "as_json", is_flag=True, help="A JSON array, for scripts.")


@click.group()
def command() -> None:
    """Make a town's folder, and look after its boxes and their false alarms."""


@command.command(epilog="\b\nExample:\n  alertbox town create town --name localhost")
@click.argument("folder", type=_FOLDER)
@click.option(
    "--name", "names", multiple=True, default=["localhost"], help="Host name or IP address of the broker; repeatable."
)
def create(folder: Path, names: tuple[str, ...]) -> None:
    """Make the certificate authority, the broker's certificate and an empty database in FOLDER."""
    Accounts.open(Town.create(folder, names))
    click.echo(say("town-created", path=folder))


@command.command()
@click.argument("folder", type=_FOLDER)
def boxes(folder: Path) -> None:
    """List the boxes: id, day of enrolment, day of revocation, name."""
    for box in _accounts(folder).boxes():
        revoked = f"{box.revoked_at:%Y-%m-%d}" if box.revoked_at else "-"
        click.echo(f"{box.id}  {box.enrolled_at:%Y-%m-%d}  {revoked:10}  {box.name}")


@command.command()
@click.argument("folder", type=_FOLDER)
@click.argument("name")
def revoke(folder: Path, name: str) -> None:
    """Refuse the alerts of the box called NAME from now on."""
    _accounts(folder).revoke(name)
    click.echo(say("revoked", name=name))


@command.command()
@click.argument("folder", type=_FOLDER)
def passwords(folder: Path) -> None:
    """Print the boxes' logins as a password file of mosquitto, hashed."""
    click.echo(_accounts(folder).password_file(), nl=False)


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


@command.command()
@click.argument("folder", type=_FOLDER)
@_SHOP
@click.option("--last", default=20, show_default=True, type=click.IntRange(min=1), help="How many at most.")
@_JSON
def alerts(folder: Path, shop: str | None, last: int, as_json: bool) -> None:
    """List the latest alerts, the last that arrived first: when, which shop, what was pressed, kind, sequence.

    Heartbeats are left out.
    """
    found = _accounts(folder).false_alarms.alerts(shop, last)
    if as_json:
        rows = [
            {
                "pressed_at": alert.pressed_at.isoformat(),
                "shop": alert.name,
                "box": alert.box,
                "source": alert.source_name,
                "kind": alert.kind_name,
                "sequence": alert.sequence,
                "incident": alert.incident,
                "test": alert.test,
                "false": false,
            }
            for alert, false in found
        ]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    if not found:
        click.echo(say("town-no-alerts"))
    for alert, false in found:
        click.echo(listed_line(alert, false))


@command.command("false")
@click.argument("folder", type=_FOLDER)
@click.argument("shop")
@click.argument("sequence", type=click.IntRange(1, 0xFFFFFFFF))
@click.option("--undo", is_flag=True, help="It was no false alarm after all.")
def say_false(folder: Path, shop: str, sequence: int, undo: bool) -> None:
    """Say that the press SEQUENCE of SHOP was a false alarm, and show where its bips stand.

    `alertbox town alerts` shows the sequences. SHOP is its name, or its box's id.
    """
    false_alarms = _accounts(folder).false_alarms
    if undo:
        name = false_alarms.take_back(shop, sequence)
        click.echo(say("false-taken-back", name=printable(name), sequence=sequence))
    else:
        click.echo(listed_line(false_alarms.say(shop, sequence), True))
    _show(false_alarms.counts(shop))


@command.command()
@click.argument("folder", type=_FOLDER)
@_SHOP
@_JSON
def bips(folder: Path, shop: str | None, as_json: bool) -> None:
    """Count presses and false alarms within twelve months, by bip and button.

    False presses of one incident count once. A shop keeps its count when its box is replaced.
    """
    counts = _accounts(folder).false_alarms.counts(shop)
    if as_json:
        click.echo(json.dumps([asdict(count) for count in counts], ensure_ascii=False))
        return
    if not counts:
        click.echo(say("town-no-presses"))
    _show(counts)


def _accounts(folder: Path) -> Accounts:
    return Accounts.open(Town.open(folder))


def _show(counts: Iterable[SourceCount]) -> None:
    """A line each; then, of a shop that may lose the response, a warning."""
    warnings = {}
    for count in counts:
        shop = printable(count.shop)
        line = say("false-count", name=shop, source=count.source, presses=count.presses, count=count.false_alarms)
        click.echo(line)
        if count.shop_false_alarms >= WITHDRAWN_FROM:
            warnings[shop] = say("false-withdrawn", name=shop, count=count.shop_false_alarms)
    for warning in warnings.values():
        click.echo(warning)
