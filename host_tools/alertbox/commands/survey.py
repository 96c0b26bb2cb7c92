"""`alertbox survey`: how well the box hears each bip, while the technician walks and presses."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from alertbox.box import bip_rows
from alertbox.box.bip_rows import BipRow, SurveyRow
from alertbox.box.session import BoxConsole
from alertbox.commands._with_box import with_box
from alertbox.contract.console_rpc import printable
from alertbox.errors import UserError
from alertbox.texts import say

_ASK_AGAIN_S = 0.5
# The chip hears down to about -97 dBm. A person's body, a crate of bottles or a closed drawer each take 10 dB and more.
_GOOD_DBM, _WEAK_DBM = -75, -87
_GOOD_LOSS, _WEAK_LOSS = 0.0, 0.1
_VERDICTS = ("good", "weak", "no")


class Spot:
    """What was heard of one bip so far, and what is to be thought of it."""

    def __init__(self, bip: BipRow, presses: int) -> None:
        self.bip = bip
        self.expected = presses
        self.rssi: list[int] = []
        self.presses = 0
        self._packets = 0

    def heard(self, row: SurveyRow) -> None:
        if row.rssi is not None and row.packets > self._packets:
            self.rssi.append(row.rssi)
        self._packets = row.packets
        self.presses = row.presses

    @property
    def loss(self) -> float | None:
        """Of the test presses; None as long as there was none."""
        return max(0.0, 1 - self.presses / self.expected) if self.presses else None

    @property
    def signal(self) -> str:
        return "no" if not self.rssi else _verdict(-self.rssi[-1], -_GOOD_DBM, -_WEAK_DBM)

    @property
    def verdict(self) -> str:
        """By the weakest signal, and by what was lost if it was pressed."""
        if not self.rssi:
            return "no"
        worst = _verdict(-min(self.rssi), -_GOOD_DBM, -_WEAK_DBM)
        lost = "good" if self.loss is None else _verdict(self.loss, _GOOD_LOSS, _WEAK_LOSS)
        # Every press that came in from a weak place is a place that will do.
        return lost if worst == "no" and self.loss == 0 and self.presses else max(worst, lost, key=_VERDICTS.index)

    def document(self) -> dict[str, Any]:
        signal = self.rssi and {"min": min(self.rssi), "max": max(self.rssi), "last": self.rssi[-1]}
        return {
            "bip": self.bip.number,
            "name": self.bip.name,
            "mac": self.bip.mac,
            "dbm": signal or None,
            "presses": self.presses,
            "expected": self.expected if self.presses else None,
            "loss": self.loss,
            "verdict": self.verdict,
        }


def _verdict(value: float, good: float, weak: float) -> str:
    return "good" if value <= good else "weak" if value <= weak else "no"


@click.command(epilog="\b\nExample:\n  alertbox survey /dev/ttyUSB0 --save survey.json")
@click.option("--presses", default=20, show_default=True, type=click.IntRange(1, 1000), help="Test presses per bip.")
@click.option("--seconds", type=click.FloatRange(min=0), help="Stop after so long; without it: when you press Ctrl-C.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Keep the result, for the papers.")
@with_box
def command(box: BoxConsole, presses: int, seconds: float | None, save: Path | None) -> None:
    """Show how well the box hears each bip, live, while you walk through the shop and press it.

    Press each bip as often as --presses says, at the place where it will be worn or fixed. It ends when all were heard
    so often, or at Ctrl-C. Meanwhile every alert is marked as a test.
    """
    spots = [Spot(bip, presses) for bip in bip_rows.bips(box)]
    if not spots:
        raise UserError("survey-no-bips")
    box.call("commission", True)
    try:
        box.call("survey", False)
        _walk(box, spots, seconds)
    finally:
        box.call("survey", False)
        box.call("commission", False)
    Console(highlight=False).print(_table(spots, final=True))
    if save is not None:
        _save(save, box, spots)
        click.echo(say("survey-saved", path=save))


def _walk(box: BoxConsole, spots: list[Spot], seconds: float | None) -> None:
    began = time.monotonic()
    console = Console(highlight=False, file=sys.stderr)
    console.print(say("survey-walk", presses=spots[0].expected))
    try:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while seconds is None or time.monotonic() - began < seconds:
                rows = {row.number: row for row in bip_rows.survey(box)}
                for spot in spots:
                    if spot.bip.number in rows:
                        spot.heard(rows[spot.bip.number])
                live.update(_table(spots), refresh=True)
                if all(spot.presses >= spot.expected for spot in spots):
                    return
                time.sleep(_ASK_AGAIN_S)
    except KeyboardInterrupt:
        pass


def _table(spots: list[Spot], final: bool = False) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("bip", "signal", "presses", "loss", "verdict"):
        table.add_column(say(f"survey-{name}"))
    for spot in spots:
        loss = "" if spot.loss is None else f"{spot.loss:.0%}"
        table.add_row(
            printable(spot.bip.name),
            f"{spot.rssi[-1]} dBm" if spot.rssi else "-",
            f"{spot.presses}/{spot.expected}",
            loss if final or spot.presses >= spot.expected else "",
            say(f"survey-{spot.verdict if final else spot.signal}"),
        )
    return table


def _save(path: Path, box: BoxConsole, spots: list[Spot]) -> None:
    document = {
        "box": box.identity["box"],
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "bips": [spot.document() for spot in spots],
    }
    try:
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError("survey-not-saved", path=path, detail=error.strerror or error) from error
