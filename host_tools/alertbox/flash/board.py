"""What the flash tool has to know about a board: `boards/<name>/board.json`, and where its other files are."""

import json
from dataclasses import dataclass
from pathlib import Path

from alertbox.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
_BOARDS = ROOT / "boards"


@dataclass(frozen=True)
class Board:
    """`chip` as esptool calls it; `micropython_board` and `micropython_variant` as MicroPython's download page does."""

    name: str
    chip: str
    flash_bytes: int
    micropython_board: str
    micropython_variant: str

    @property
    def folder(self) -> Path:
        return _BOARDS / self.name

    @property
    def partitions(self) -> Path:
        return self.folder / "partitions.csv"

    @property
    def stock_name(self) -> str:
        """How the files of its MicroPython image begin."""
        return "-".join(part for part in (self.micropython_board, self.micropython_variant) if part)


def known() -> list[str]:
    return sorted(file.parent.name for file in _BOARDS.glob("*/board.json"))


def load(name: str) -> Board:
    if name not in known():
        raise UserError("flash-no-board", name=name, known=", ".join(known()))
    about = json.loads((_BOARDS / name / "board.json").read_text())
    return Board(
        name, about["chip"], about["flash_bytes"], about["micropython_board"], about.get("micropython_variant", "")
    )
