"""`alertbox console`: a person's prompt, or a script's, over the methods of the box's console."""

import asyncio
import json
import math
import sys
from collections.abc import Iterator
from typing import Any

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.patch_stdout import patch_stdout

from alertbox.box.session import BoxConsole
from alertbox.commands._with_box import with_box
from alertbox.contract.console_rpc import METHODS
from alertbox.errors import UserError
from alertbox.texts import say

_LEAVE = {"exit", "quit"}
_HELP = {"help", "?"}
_LISTEN_S = 0.1


@click.command(epilog="\b\nExamples:\n  alertbox console /dev/ttyUSB0\n  echo 'get shop.name' | alertbox console")
@with_box
def command(box: BoxConsole) -> None:
    """Talk to the box on the serial port PORT: a method a line, then its parameters.

    Parameters are JSON or bare words: `set shop.name "Boulangerie Martin"`, `set siren.allowed false`. `help` lists
    the methods. From a pipe the first line that fails ends it, with exit status 1.
    """
    if sys.stdin.isatty():
        asyncio.run(_talk(box))
    else:
        for line in sys.stdin:
            if not _do(box, line):
                break


class _Cleared(Exception):
    """Ctrl-C at the prompt."""


async def _talk(box: BoxConsole) -> None:
    """Prompt after prompt, until Ctrl-D or a lost cable. A mistake is told, and the prompt comes back."""
    completer = WordCompleter([*METHODS, "help", "exit"], sentence=True)
    session: PromptSession[str] = PromptSession(completer=completer, interrupt_exception=_Cleared)
    box.on_line = click.echo
    click.echo(say("console-welcome", box=box.box, path=box.path))
    while True:
        try:
            if not _do(box, await _line(box, session)):
                return
        except EOFError:
            return
        except _Cleared:
            pass
        except UserError as error:
            if error.key == "console-cable":
                raise
            click.echo(str(error), err=True)


async def _line(box: BoxConsole, session: "PromptSession[str]") -> str:
    """A line from a person; meanwhile what the box logs appears above it."""
    answered = False

    async def listen() -> None:
        while not answered:
            await asyncio.to_thread(box.listen, _LISTEN_S)

    with patch_stdout(raw=True):
        asking, listening = asyncio.create_task(session.prompt_async("alertbox> ")), asyncio.create_task(listen())
        await asyncio.wait({asking, listening}, return_when=asyncio.FIRST_COMPLETED)
        answered = True
        if not asking.done():  # the cable is out
            asking.cancel()
            await asyncio.wait({asking})
        await listening
        return await asking


def _do(box: BoxConsole, line: str) -> bool:
    """Do a line; False if there shall be no further one."""
    first, *params = words(line) or [""]
    name = str(first)
    if name in _LEAVE:
        return False
    if name in _HELP:
        click.echo(_help())
    elif name == "read" and len(params) == 1:  # a whole document, instead of its pieces
        click.echo(box.read(str(params[0])).decode("utf-8", "replace"))
    elif name and not name.startswith("#"):
        click.echo(json.dumps(box.call(name, *params), ensure_ascii=False, indent=2))
    return True


def words(line: str) -> list[Any]:
    """The words of a line: each JSON if it is JSON up to a blank, else the bare word up to the next blank."""
    return list(_words(line.strip()))


def _words(line: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(parse_constant=_finite, parse_float=_finite)
    while line:
        try:
            value, end = decoder.raw_decode(line)
        except (ValueError, RecursionError):
            end = 0
        if end == 0 or line[end : end + 1].strip():
            value, end = line.split(maxsplit=1)[0], len(line.split(maxsplit=1)[0])
        yield value
        line = line[end:].lstrip()


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not JSON")
    return value


def _help() -> str:
    rows = [(f"{name} {method.params}".strip(), say(f"console-help-{name}")) for name, method in METHODS.items()]
    rows += [("read NAME", say("console-help-read-whole")), ("exit", say("console-help-exit"))]
    width = max(len(left) for left, _ in rows)
    return "\n".join([*(f"{left:{width}}  {right}" for left, right in rows), "", say("console-help-values")])
