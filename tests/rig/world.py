"""A box and what is around it, by verbs: one suite for the virtual box and for a real one.

A test names the verbs that it needs, `@pytest.mark.needs("press", "mains")`; where the box under test (`--box=`) lacks
one, the test is skipped and says which. A world of another kind (a fixture board that presses a real button) is a class
with the verbs that it has, and a row in WORLDS.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, Self

from alertbox.sim import VirtualBox
from alertbox.sim.console import LogLine
from cable_box import BoardBox, PtyBox


class World(Protocol):
    """The verbs that any box might have. Of a real one only those are there that something does to it."""

    log: list[LogLine]

    def wait_log(self, module: str, text: str, since: int = 0, timeout: float = 20) -> LogLine: ...

    @property
    def serial(self) -> str:
        """The path of its serial line, for whoever wants to talk to it."""

    def restart(self) -> None:
        """From its first line on; nothing is waited for."""

    def press(self, name: str = "button", ms: int = 120) -> float: ...

    def edges(self, name: str, edges: Sequence[tuple[int, int]]) -> float: ...

    def mains(self, on: bool) -> None: ...

    def wifi(self, up: bool) -> None: ...

    def advertise(self, mac: str, payload: bytes, rssi: int = -60) -> int: ...


class VirtualWorld(VirtualBox):
    """The virtual box has every verb, and those that nothing could do to a board."""

    @classmethod
    def at(cls, address: str, folder: Path) -> Self:
        return cls(folder=folder)

    def restart(self) -> None:
        self.power_cut()
        self.power_on()


# By the kind that `--box` names; each is opened by `at(address, folder)`, with a folder for what it keeps.
WORLDS: dict[str, type[VirtualWorld] | type[BoardBox] | type[PtyBox]] = {
    "sim": VirtualWorld,
    "serial": BoardBox,
    "pty": PtyBox,
}
_NO_VERBS = frozenset({"log", "wait_log"})
VERBS = frozenset(name for name in vars(World) if not name.startswith("_")) - _NO_VERBS
# Of the virtual box alone: its time, its power, what it is made of, and what a person would have to look at.
VIRTUAL_VERBS = frozenset((
    "advance", "battery", "begin_edges", "crowd", "edges_during_stall", "end_scan", "fail", "internet", "light", "plug",
    "power_cut", "power_cut_at_flash_operation", "power_on", "put_documents", "set_clock", "set_networks", "siren",
    "stall", "stored", "tamper", "unplug", "upstream", "wear",
))  # fmt: skip


def lacks(kind: str, verbs: Iterable[str]) -> str | None:
    """The first of the verbs that a box of this kind does not have. ValueError for a word that is no verb."""
    for verb in verbs:
        if verb not in VERBS | VIRTUAL_VERBS:
            raise ValueError(f"{verb!r} is no verb of tests/rig/world.py")
        if not hasattr(WORLDS[kind], verb):
            return verb
    return None
