"""`alertbox enrol`: take a box into service."""

import os
from pathlib import Path

import click

from alertbox.errors import UserError
from alertbox.formats import box_id
from alertbox.texts import say
from alertbox.town import Town


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--public", required=True, metavar="HEX", help="The box's public key, as the box shows it.")
@click.option("--name", required=True, help="The shop's name. A box that has it already is revoked.")
@click.option("--host", required=True, help="Where the box finds the broker: host name or IP address.")
@click.option("--port", default=8883, show_default=True, help="The broker's port.")
@click.option("--server-name", help="The name that the box demands in the certificate (default: the town's first).")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the box's files.")
@click.option("--wifi", default="", metavar="NAME", help="The shop's Wi-Fi.")
@click.option("--wifi-key", envvar="ALERTBOX_WIFI_KEY", help="Its key (or in $ALERTBOX_WIFI_KEY, or asked for).")
@click.option("--siren", is_flag=True, help="The site's signed risk form allows the siren.")
def command(
    folder: Path,
    public: str,
    name: str,
    host: str,
    port: int,
    server_name: str | None,
    out: Path,
    wifi: str,
    wifi_key: str | None,
    siren: bool,
) -> None:
    """Take a box into service in the town at FOLDER, and write the files that the box needs."""
    if wifi and wifi_key is None:
        wifi_key = click.prompt("Wi-Fi key", hide_input=True, default="")
    try:
        key = bytes.fromhex(public)
    except ValueError as error:
        raise UserError("bad-public-key") from error
    town = Town.open(folder)
    files = town.enrol(key, name, host, port, server_name=server_name, wifi=(wifi, wifi_key or ""), siren=siren)
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file, content in files.items():
            with os.fdopen(os.open(out / file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
                stream.write(content)
    except OSError as error:
        raise UserError("cannot-write", path=out, detail=error.strerror) from error
    click.echo(say("enrolled", name=name, box=box_id(key).hex(), path=out))
