"""The row of a benchmark: one figure with its goal, as it stands in build/bench.json and in the table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich import box
from rich.table import Table


class LeftOut(Exception):
    """A benchmark cannot be made here; the text says why, to a person."""


@dataclass(frozen=True)
class Peer:
    """What the figure is compared with, measured in the same run and in the same unit."""

    name: str
    value: float


@dataclass(frozen=True)
class Row:
    """`goal` None: reported without one, so it cannot be missed."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    better: Literal["lower", "higher"] = "lower"
    peer: Peer | None = None

    @property
    def met(self) -> bool:
        if self.goal is None:
            return True
        return self.value <= self.goal if self.better == "lower" else self.value >= self.goal

    def as_json(self) -> dict[str, Any]:
        row = asdict(self)
        return row | {"met": self.met}


def table(rows: Sequence[Row]) -> Table:
    """For people; the JSON has the full digits."""
    shown = Table(box=box.SIMPLE)
    shown.add_column("figure")
    for name in ("value", "unit", "goal", "met"):
        shown.add_column(name, justify="right")
    shown.add_column("peer")
    for row in rows:
        sign = "<=" if row.better == "lower" else ">="
        goal = "" if row.goal is None else f"{sign} {row.goal:g}"
        verdict = "" if row.goal is None else "yes" if row.met else "[bold red]NO[/]"
        peer = f"{row.peer.name}: {_digits(row.peer.value)}" if row.peer else ""
        shown.add_row(row.name, _digits(row.value), row.unit, goal, verdict, peer)
    return shown


def _digits(value: float) -> str:
    """Three figures, and never an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
