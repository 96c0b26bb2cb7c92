"""`shop.toml`: one shop's settings as a person writes them, and back.

The names are those of the settings document. On top of it: numbers as they are written in France, ranks from the
order, a kit's bip by the text of its QR code, and what a file may leave to the box: a secret (the box keeps it, or it
is given otherwise), the receiver (enrolment brings it) and the bips (pairing brings them), or their numbers.
"""

import difflib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError
from tomlkit.items import Table

from alertbox.box.labels import BipLabel
from alertbox.contract.settings import MOST_BIPS, VERSION, Problem, Settings, SettingsRefused, dotted, known
from alertbox.errors import UserError
from alertbox.provision import numbers
from alertbox.texts import say

# Given a network's name, asks for its key, which neither file, environment nor box has; None leaves it open.
Ask = Callable[[str], str | None]

_LEFT_TO_BOX = ("receiver", "bips")
_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"' -]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*=")


class ShopFileRefused(UserError):
    """Every fault of the file, a line each: where, what, and what to do."""

    def __init__(self, path: Path, faults: list[tuple[int | None, tuple[str | int, ...], str]]) -> None:
        super().__init__("provision-file-refused", path=path, faults="")
        self.faults = faults

    def __str__(self) -> str:
        lines = []
        for line, path, sentence in self.faults:
            where = say("provision-file-line", line=line) + " " if line else ""
            lines.append(
                f"\n  {where}{dotted(tuple(step + 1 if isinstance(step, int) else step for step in path))}: {sentence}"
            )
        return say(self.key, path=self.fields["path"], faults="".join(lines))


def load(path: Path, box: Settings, ask: Ask | None = None) -> Settings:
    """The settings in the file at `path`, for a box that has the settings `box` now (secrets null).

    A fault ends in ShopFileRefused, with all of them.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = tomlkit.parse(text).unwrap()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("provision-file-unreadable", path=path, detail=getattr(error, "strerror", error)) from error
    except ParseError as error:
        raise UserError("provision-file-syntax", path=path, line=error.line, detail=_reason(error)) from error
    except TOMLKitError as error:
        raise UserError("provision-file-twice", path=path, detail=error) from error
    lines = _lines(text)
    faults = _prepare(document) + _prepare_bips(document, box)
    try:
        settings = Settings.read({"version": VERSION, **_left_to_box(document, box), **document}, export=True)
    except SettingsRefused as error:
        named = {path for path, _ in faults}
        faults += [(problem.path, _sentence(problem)) for problem in error.problems if problem.path not in named]
    if faults:
        placed = [(_line(lines, where), where, sentence) for where, sentence in faults]
        raise ShopFileRefused(path, sorted(placed, key=lambda fault: fault[0] or 0))
    return with_secrets(settings, box, ask)


def _prepare(document: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    """Numbers to E.164, ranks by place, absent secrets to null. What is wrong with the numbers is returned."""
    faults: list[tuple[tuple[str | int, ...], str]] = []
    if "version" in document:
        faults.append((("version",), say("provision-bad-unknown")))
    for place, contact in enumerate(_rows(document, "contacts")):
        contact.setdefault("rank", place + 1)
        if isinstance(contact.get("number"), str):
            try:
                contact["number"] = numbers.to_e164(contact["number"])
            except UserError as error:
                faults.append((("contacts", place, "number"), str(error)))
                # So that the rest is checked too, and this number is not named twice.
                contact["number"] = f"+9990000000{place}"
    for part, fields in (("wifi", ("key",)), ("bips", ("key",)), ("lte", ("password", "pin"))):
        for row in _rows(document, part):
            for field in fields:
                row.setdefault(field, None)
    return faults


def _prepare_bips(document: dict[str, Any], box: Settings) -> list[tuple[tuple[str | int, ...], str]]:
    """Labels to fields; a number to each that has none: the box's own, else a free one."""
    faults: list[tuple[tuple[str | int, ...], str]] = []
    rows = _rows(document, "bips")
    for place, row in enumerate(rows):
        if "label" in row:
            try:
                label = BipLabel.parse(str(row.pop("label")))
            except UserError as error:
                faults.append((("bips", place, "label"), str(error)))
                row.update(mac=f"{place:012x}", key=None)
            else:
                row.update(mac=label.mac, key=label.key)
                row.setdefault("name", label.name)
    numbers_of = {bip.mac: bip.id for bip in box.bips}
    kinds_of = {bip.mac: bip.kind for bip in box.bips}
    taken = {row.get("id", numbers_of.get(row.get("mac", ""))) for row in rows}
    for row in rows:
        free = (number for number in range(1, MOST_BIPS + 2) if number not in taken)
        row.setdefault("id", numbers_of.get(row.get("mac", "")) or next(free))
        taken.add(row["id"])
        row.setdefault("kind", kinds_of.get(row.get("mac", ""), "auto"))
    return faults


def _rows(document: dict[str, Any], part: str) -> list[dict[str, Any]]:
    rows = document.get(part)
    return [row for row in (rows if isinstance(rows, list) else [rows]) if isinstance(row, dict)]


def _left_to_box(document: dict[str, Any], box: Settings) -> dict[str, Any]:
    kept = box.model_dump(by_alias=True)
    left = {part: kept[part] for part in _LEFT_TO_BOX if part not in document}
    return left | ({} if "lte" in document else {"lte": {"password": None, "pin": None}})


# ---- Secrets ----------------------------------------------------------------------


def with_secrets(settings: Settings, box: Settings, ask: Ask | None) -> Settings:
    """Every secret that is still null: from the environment, else the box keeps its own, else ask, else refuse."""
    document = settings.model_dump(by_alias=True)
    held = {network.ssid: network.key for network in box.wifi}
    for place, network in enumerate(document["wifi"]):
        if network["key"] is None:
            given = os.environ.get("ALERTBOX_WIFI_KEY" + (f"_{place + 1}" if place else ""))
            network["key"] = given if given is not None else _ask_key(network["ssid"], held, ask)
    for field in ("password", "pin"):
        if document["lte"][field] is None:
            kept = None if getattr(box.lte, field) is None else ""
            document["lte"][field] = os.environ.get(f"ALERTBOX_LTE_{field.upper()}", kept)
    keys = {held.mac: held.key for held in box.bips}
    for bip in document["bips"]:
        if bip["key"] is None:
            if bip["mac"] not in keys:
                raise UserError("provision-bip-key", name=bip["name"])
            bip["key"] = keys[bip["mac"]]  # null, for the box to keep it; or empty: it has none
    return Settings.read(document, export=True)


def _ask_key(ssid: str, held: dict[str, str | None], ask: Ask | None) -> str | None:
    if ssid in held:
        return held[ssid]
    if ask is None:
        raise UserError("provision-wifi-key-missing", ssid=ssid)
    return ask(ssid)


# ---- Where a fault is -------------------------------------------------------------


def _sentence(problem: Problem) -> str:
    """An unknown name gets the nearest that is known."""
    if problem.key != "provision-bad-unknown":
        return str(problem)
    near = difflib.get_close_matches(str(problem.path[-1]), known(problem.path[:-1]), n=1, cutoff=0.5)
    if near:
        return say("provision-bad-unknown-near", near=near[0])
    return say("provision-bad-unknown-known", known=", ".join(known(problem.path[:-1])))


def _lines(text: str) -> dict[tuple[str | int, ...], int]:
    """path: line of its key or header. A scan of the usual ways to write them, to help a person, not a parser."""
    found: dict[tuple[str | int, ...], int] = {}
    counts: dict[str, int] = {}
    header: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            name = match[2].replace('"', "").replace("'", "")
            header = tuple(name.split("."))
            if match[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                found.setdefault(header, number)
                header = (*header, counts[name])
            elif header[0] in counts:  # [bips.policy] belongs to the last [[bips]]
                header = (header[0], counts[str(header[0])], *header[1:])
            found.setdefault(header, number)
        elif match := _KEY.match(line):
            found.setdefault((*header, *match[1].split(".")), number)
    return found


def _line(lines: dict[tuple[str | int, ...], int], path: tuple[str | int, ...]) -> int | None:
    """Of the field, else of the part that it should stand in."""
    return next((lines[path[:length]] for length in range(len(path), 0, -1) if path[:length] in lines), None)


def _reason(error: ParseError) -> str:
    return re.sub(r" at line \d+ col \d+$", "", str(error))


# ---- Export -----------------------------------------------------------------------


def dump(settings: Settings, box: str) -> str:
    """The file that gives these settings again to the same box. Secrets are left out, with a comment in their place."""
    document = tomlkit.document()
    for line in say("provision-export-head", box=box).split("\n"):
        document.add(tomlkit.comment(line))
    parts = settings.document()
    for name in known(())[1:]:
        if name not in parts:
            continue
        value = parts[name]
        if isinstance(value, list):
            rows = tomlkit.aot()
            for row in sorted(value, key=lambda row: row["rank"]) if name == "contacts" else value:
                rows.append(_table(row))
            document.append(name, rows)
        elif value is not None:
            document.append(name, _table(value))
    return tomlkit.dumps(document)


def _table(fields: dict[str, Any]) -> Table:
    table = tomlkit.table()
    for name, value in fields.items():
        if isinstance(value, dict):
            table.append(name, _table(value))
        elif value is not None:
            table.append(name, numbers.show(value) if name == "number" else value)
        elif name in ("key", "password", "pin"):
            table.add(tomlkit.comment(say("provision-export-secret", name=name)))
    return table
