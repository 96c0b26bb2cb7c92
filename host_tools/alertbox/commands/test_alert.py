"""`alertbox test-alert`: does an alert of this box reach the receiver?"""

import time
from typing import Any

import click

from alertbox.box.session import BoxConsole
from alertbox.commands._with_box import with_box
from alertbox.errors import UserError
from alertbox.texts import say

_ASK_AGAIN_S = 0.1
_THERE = ("received", "in-charge")


@click.command(epilog="\b\nExample:\n  alertbox test-alert /dev/ttyUSB0 --timeout 60")
@click.option("--timeout", default=30.0, show_default=True, type=click.FloatRange(min=0), help="Seconds to wait.")
@with_box
def command(box: BoxConsole, timeout: float) -> None:
    """Have the box on the serial port PORT send a TEST alert, and wait until its receiver has it.

    Exit status 1 if it is not there in time. Nobody is called: the alert is marked as a test from end to end.
    """
    began = time.monotonic()
    sequence = _field(box, box.call("test"), "sequence")
    click.echo(say("console-test-issued", sequence=sequence))
    while _field(box, box.call("delivery", sequence), "state") not in _THERE:
        if time.monotonic() - began > timeout:
            raise UserError("console-test-late", sequence=sequence, seconds=f"{timeout:g}")
        box.listen(_ASK_AGAIN_S)
    click.echo(say("console-test-received", seconds=f"{time.monotonic() - began:.2f}"))


def _field(box: BoxConsole, answer: Any, name: str) -> Any:
    if not isinstance(answer, dict) or name not in answer:
        raise UserError("console-garbled", path=box.path)
    return answer[name]
