"""`alertbox status`: how a box is, on one screen."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from alertbox.box.session import BoxConsole
from alertbox.commands._with_box import with_box
from alertbox.contract.console_rpc import printable
from alertbox.errors import UserError
from alertbox.texts import say


def _text(value: Any) -> str:
    return printable(str(value))


def _yes(value: Any) -> str:
    return say("console-yes" if value else "console-no")


def _span(seconds: Any) -> str:
    if not isinstance(seconds, int) or seconds < 0:
        return _text(seconds)
    days, seconds = divmod(seconds, 86400)
    clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return say("console-days", days=days, clock=clock) if days else clock


def _when(utc: Any) -> str:
    try:
        return f"{datetime.fromtimestamp(utc).astimezone():%Y-%m-%d %H:%M:%S %Z}"
    except (TypeError, ValueError, OverflowError, OSError):
        return "-" if utc is None else _text(utc)


def _of(**words: str) -> Callable[[Any], str]:
    """A word of the box, in the person's language."""
    return lambda value: say(words[value]) if isinstance(value, str) and value in words else _text(value)


def _or_none(value: Any) -> str:
    return say("console-none") if value in (None, "", False) else _text(value)


# What is shown, in this order: name in the box's answer, how it is written. The label is `console-status-<name>`.
_ROWS: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("box", _text),
    ("version", _text),
    ("board", _text),
    ("fault", _or_none),
    ("enrolled", _yes),
    ("wifi", _yes),
    ("link", _yes),
    ("undelivered", _text),
    ("mains", _yes),
    ("test_mode", _yes),
    ("locked", _yes),
    ("unlocked", _or_none),
    ("utc", _when),
    ("clock", _of(unset="console-clock-unset", saved="console-clock-saved", set="console-clock-set")),
    ("uptime", _span),
    ("boot", _text),
    ("heap", _text),
)


@click.command(epilog="\b\nExample:\n  alertbox status /dev/ttyUSB0")
@with_box
def command(box: BoxConsole) -> None:
    """Show how the box on the serial port PORT is; without PORT, the one that answers."""
    status = box.call("status")
    if not isinstance(status, dict):
        raise UserError("console-garbled", path=box.path)
    told = box.identity | status
    rows = [(say(f"console-status-{name}"), write(told[name])) for name, write in _ROWS if name in told]
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        click.echo(f"{label:{width}}  {value}")
