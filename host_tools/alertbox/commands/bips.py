"""`alertbox bips`: the bips of a box, and pairing."""

import json
import time
from collections.abc import Callable
from typing import Any

import click

from alertbox.box import bip_rows
from alertbox.box.labels import BipLabel
from alertbox.box.session import BoxConsole
from alertbox.commands._with_box import with_box
from alertbox.contract.console_rpc import printable
from alertbox.contract.settings import BIP_KINDS, GESTURES, KINDS, MOST_BIPS, Settings
from alertbox.errors import UserError
from alertbox.texts import say

_ASK_AGAIN_S = 0.3
_KIND = click.Choice(BIP_KINDS)
_OPTIONAL_KEY = click.option("--key", metavar="HEX", help="Its new key, 32 digits; without it, the one that it had.")


class _Policy(click.ParamType[dict[str, str]]):
    """`inform,help,alarm`: what a press, two presses and a held press mean."""

    name = "KIND,KIND,KIND"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> dict[str, str]:
        kinds = value.split(",")
        if len(kinds) != len(GESTURES) or not set(kinds) <= set(KINDS):
            self.fail(f"{value!r} is not three of {', '.join(KINDS)}, like help,help,alarm")
        return dict(zip(GESTURES, kinds, strict=True))


@click.group()
def command() -> None:
    """List, pair, rename and remove the bips of the box on the serial port PORT."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON array, for scripts.")
@with_box
def list_bips(box: BoxConsole, as_json: bool) -> None:
    """Show every bip: battery, when and how well it was heard, what is wrong."""
    rows = bip_rows.bips(box)
    if as_json:
        click.echo(json.dumps([vars(row) for row in rows], ensure_ascii=False))
        return
    if not rows:
        click.echo(say("bips-none"))
    for row in rows:
        click.echo(
            say(
                "bips-row",
                number=row.number,
                name=printable(row.name),
                mac=row.mac,
                battery="?" if row.battery is None else row.battery,
                heard=say("bips-never") if row.heard is None else say("bips-ago", seconds=row.heard),
                rssi="?" if row.rssi is None else row.rssi,
                presses=row.presses,
            )
        )
        for fault in row.faults:
            click.echo("   " + say("bips-fault", fault=printable(fault)))


@command.command()
@click.option("--name", help="What it is called; a label has a name too.")
@click.option("--label", metavar="TEXT", help="The text of the QR code on it: address, key and name.")
@click.option("--key", metavar="HEX", help="Its key, 32 digits; asked for if neither it nor a label is given.")
@click.option("--no-key", is_flag=True, help="It has none: anybody can imitate it, and it only informs.")
@click.option("--policy", type=_Policy(), help="What one, two and a held press mean; default: as all bips.")
@click.option("--supervise", "seconds", type=click.IntRange(0, 86400), default=0, help="Silence in s that is a fault.")
@click.option("--kind", type=_KIND, help="Whether it says held at each press (switch) or not; default: it is learnt.")
@with_box
def learn(
    box: BoxConsole,
    name: str | None,
    label: str | None,
    key: str | None,
    no_key: bool,
    policy: dict[str, str] | None,
    seconds: int,
    kind: str | None,
) -> None:
    """Pair the bip that is pressed three times within a minute."""
    printed = BipLabel.parse(label) if label else None
    name = name or (printed.name if printed else None)
    if name is None:
        raise UserError("bips-name")
    key = printed.key if printed else key
    if no_key and (key or policy):
        raise UserError("bips-key-or-none")
    if not no_key:
        key = key or click.prompt(say("bips-ask-key"), hide_input=True)
    box.call("learn", name, policy, str(key or "").lower(), seconds)
    number = _follow(box, seconds, no_key)
    if kind:
        _set_kind(box, number, kind)
    if no_key:
        click.echo(say("bips-no-key"))


@command.command()
@click.argument("number", type=int)
@_OPTIONAL_KEY
@with_box
def repair(box: BoxConsole, number: int, key: str | None) -> None:
    """Pair bip NUMBER again, whose battery was changed: press it three times."""
    box.call("bip_repair", number, *([key.lower()] if key else []))
    _follow(box, 0)
    if not key:
        click.echo(say("bips-same-key"))


def _follow(box: BoxConsole, seconds: int, no_key: bool = False) -> int:
    """Tell how pairing goes, until it is over; the number of the bip that was paired."""
    click.echo(say("bips-press"))
    state = _until(box, lambda state: state["state"] != "listening", _Presses())
    if state["state"] != "bound":
        heard = "keyed" if no_key else "sealed"
        reason = "plain" if state["plain"] else heard if state["sealed"] else "silent"
        raise UserError("bips-not-stored" if state["state"] == "failed" else f"bips-not-bound-{reason}")
    click.echo(say("bips-bound", number=state["bip"], mac=state["mac"]))
    click.echo(say("bips-wait", seconds=state["left"]))
    state = _until(box, lambda state: state["presence"] or not state["left"], lambda state: None)
    if state.get("kind") == "switch":
        click.echo(say("bips-switch"))
    if state["buzzer"]:
        click.echo(say("bips-buzzer"))
    if not state["presence"]:
        click.echo(say("bips-no-presence"))
    elif not seconds:
        click.echo(say("bips-supervise", number=state["bip"]))
    return int(state["bip"])


class _Presses:
    """Tells each press once."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, state: dict[str, Any]) -> None:
        if state["presses"] > self._told:
            self._told = state["presses"]
            click.echo(say("bips-pressed", count=self._told))


def _until(
    box: BoxConsole, over: Callable[[dict[str, Any]], object], tell: Callable[[dict[str, Any]], object]
) -> dict[str, Any]:
    while True:
        state = box.call("learn_state")
        if not isinstance(state, dict) or not {"state", "presses", "left", "presence"} <= state.keys():
            raise UserError("console-garbled", path=box.path)
        tell(state)
        if over(state):
            return state
        time.sleep(_ASK_AGAIN_S)


@command.command()
@click.argument("number", type=int)
@click.argument("name")
@with_box
def rename(box: BoxConsole, number: int, name: str) -> None:
    """Give bip NUMBER another NAME."""
    box.call("bip_rename", number, name)
    click.echo(say("bips-renamed", number=number, name=name))


@command.command()
@click.argument("number", type=int)
@click.argument("kind", type=_KIND)
@with_box
def kind(box: BoxConsole, number: int, kind: str) -> None:
    """Say of which KIND bip NUMBER is, if pairing has not learnt it."""
    _set_kind(box, number, kind)


def _set_kind(box: BoxConsole, number: int, kind: str) -> None:
    box.call("bip_kind", number, kind)
    click.echo(say("bips-kind", number=number, kind=kind))


@command.command()
@click.argument("number", type=int)
@with_box
def remove(box: BoxConsole, number: int) -> None:
    """Forget bip NUMBER: its presses alert nobody any more."""
    box.call("bip_remove", number)
    click.echo(say("bips-removed", number=number))


@command.command()
@click.option("--label", "labels", metavar="TEXT", multiple=True, required=True, help="The text of a QR code.")
@with_box
def add(box: BoxConsole, labels: tuple[str, ...]) -> None:
    """Store a kit's bips by the texts of their QR codes, without pressing them; the box then restarts."""
    settings = Settings.read(json.loads(box.read("settings")), export=True)
    rows = [bip.model_dump(by_alias=True) for bip in settings.bips]
    for text in labels:
        label = BipLabel.parse(text)
        held = next((row for row in rows if row["mac"] == label.mac), None)
        if held is None:
            numbers = [row["id"] for row in rows]
            held = {"id": next(number for number in range(1, MOST_BIPS + 2) if number not in numbers), "mac": label.mac}
            rows.append(held)
        held |= {"key": label.key, "name": label.name}
    data = json.dumps(settings.changed("bips", rows).document(), ensure_ascii=False).encode()
    box.put("settings", data)
    box.commit("settings", data)
    box.call("restart")
    box.wait_restart()
    click.echo(say("bips-added", count=len(labels)))
