"""The box's bips as its console tells them, a few a line."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from alertbox.box.session import BoxConsole
from alertbox.errors import UserError

_MOST = 16


@dataclass(frozen=True)
class BipRow:
    """battery: %; heard: seconds since a packet was let through; rssi: dBm; None: not known yet. refused: packets."""

    number: int
    name: str
    mac: str
    battery: int | None
    heard: int | None
    rssi: int | None
    presses: int
    refused: int
    faults: list[str]


@dataclass(frozen=True)
class SurveyRow:
    """Since the survey began. age: milliseconds since the last packet."""

    number: int
    rssi: int | None
    age: int | None
    packets: int
    presses: int


def bips(box: BoxConsole) -> list[BipRow]:
    return [BipRow(*row) for row in _paged(box, "bips", (), len(fields(BipRow)))]


def survey(box: BoxConsole) -> list[SurveyRow]:
    return [SurveyRow(*row) for row in _paged(box, "survey", (True,), len(fields(SurveyRow)))]


def _paged(box: BoxConsole, method: str, params: Iterable[object], length: int) -> list[list[Any]]:
    found: list[list[Any]] = []
    while len(found) < _MOST:
        answer = box.call(method, *params, len(found))
        rows = answer.get("bips") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or any(not isinstance(row, list) or len(row) != length for row in rows):
            raise UserError("console-garbled", path=box.path)
        if not rows:
            break
        found += rows
    return found
