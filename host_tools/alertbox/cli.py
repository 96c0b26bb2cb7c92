"""The `alertbox` command: a table of commands, each in a module of its own.

A user's mistake ends in one sentence and exit status 1 (2 for usage); a
traceback is a fault of ours.
"""

import importlib
import sys

import click

from alertbox import __version__, texts
from alertbox.errors import UserError

# name: what it does, in a line. The command is `command` in alertbox.commands.<name>, a dash being an underscore there.
COMMANDS = {
    "town": "Make and look after a town's folder: its own CA, its boxes.",
    "flash": "Put MicroPython and the application on a box, or on several at once.",
    "provision": "Make a box a shop's own: settings, enrolment, test.",
    "technician": "Make a technician's key on this laptop, and install its certificate.",
    "receiver": "Receive, verify, store and acknowledge alerts; invite boxes.",
    "sim": "Run a virtual box: the firmware on this computer.",
    "demo": "Tell the whole story in the terminal, and check the numbers.",
    "status": "Show how a box on a serial port is.",
    "console": "Talk to a box on a serial port.",
    "bips": "List, pair, rename and remove the bips of a box.",
    "survey": "Show live how well a box hears each bip.",
    "test-alert": "Have a box send a test alert, and wait until its receiver has it.",
}


class _Commands(click.Group):
    """Loads a command only when it is used: `alertbox --help` stays quick."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"alertbox.commands.{name.replace('-', '_')}").command
        command.short_help = COMMANDS[name]
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="alertbox")
@click.option("--lang", type=click.Choice(texts.LANGUAGES), help="Language of what is shown; default: $LANG.")
def _alertbox(lang: str | None) -> None:
    """Host tools of the Alertbox distress kit."""
    texts.choose(lang)


def main() -> None:
    try:
        _alertbox(prog_name="alertbox")
    except UserError as error:
        click.echo(f"alertbox: {error}", err=True)
        sys.exit(1)
