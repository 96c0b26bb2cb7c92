"""Many boxes at once. Each has its own thread and its own esptool; one that fails stops no other."""

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from alertbox.errors import UserError
from alertbox.flash import checking, writing
from alertbox.flash.image import Image

# Port, stage ("connect", "write", "verify", "restart", "check"), and how much of that stage is done, 0 to 1.
Progress = Callable[[str, str, float], None]


@dataclass(frozen=True)
class Outcome:
    """Of one box: `identity` if all went well, else `error`. `mac` is known once the chip has answered."""

    port: str
    mac: str | None = None
    identity: checking.Identity | None = None
    error: UserError | None = None


def flash(
    ports: list[str],
    image: Image,
    *,
    baud: int = writing.BAUD,
    progress: Progress = lambda port, stage, done: None,
    finished: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Write the image to the box at each port and wait for its identity; `finished` gets each outcome as it comes."""

    def one(port: str) -> Outcome:
        outcome = _one(port, file, image, baud, progress)
        finished(outcome)
        return outcome

    with tempfile.TemporaryDirectory(prefix="alertbox-flash-") as folder:
        file = Path(folder) / "image.bin"
        file.write_bytes(image.data)
        with ThreadPoolExecutor(max_workers=len(ports)) as pool:
            running = [pool.submit(one, port) for port in ports]
    return [box.result() for box in running]


def _one(port: str, file: Path, image: Image, baud: int, progress: Progress) -> Outcome:
    written = writing.write(port, file, image.board, baud, lambda stage, done: progress(port, stage, done))
    if written.fault:
        return Outcome(port, written.mac, error=written.fault)
    progress(port, "check", 0.0)
    try:
        return Outcome(port, written.mac, checking.identity(port, image.board))
    except UserError as error:
        return Outcome(port, written.mac, error=error)
