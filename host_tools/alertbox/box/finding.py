"""Which of this computer's serial ports has a box on it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from alertbox.box.serial_port import Port, find_ports
from alertbox.box.session import BoxConsole
from alertbox.contract.console_rpc import printable
from alertbox.errors import UserError
from alertbox.texts import say

_PATIENCE_S = 0.75  # of each of two tries: a box answers within 0.1 s, unless it is in a TLS handshake


@dataclass(frozen=True)
class PortAnswer:
    """What answers at a port: a box's identity, or why there is none."""

    port: Port
    identity: dict[str, Any] | None
    error: UserError | None = None

    def __str__(self) -> str:
        if self.identity is None:
            return f"{self.port.name}: {self.error}"
        version = printable(str(self.identity.get("version", "?")))
        return say("console-found", name=self.port.name, box=self.identity["box"], version=version)


def probe(port: Port) -> PortAnswer:
    """Ask at a port who is there; takes about two seconds where nobody is."""
    try:
        with BoxConsole(port.path, patience=_PATIENCE_S) as console:
            return PortAnswer(port, console.identity)
    except UserError as error:
        return PortAnswer(port, None, error)


def ask_every_port() -> list[PortAnswer]:
    """Ask at every port at once."""
    ports = find_ports()
    with ThreadPoolExecutor(max_workers=len(ports) or 1) as pool:
        return list(pool.map(probe, ports))


def find_box() -> str:
    """The path of the port with the one box that answers; a UserError lists the ports if it is not one."""
    found = ask_every_port()
    if not found:
        raise UserError("console-no-port")
    boxes = [each for each in found if each.identity]
    if len(boxes) == 1:
        return boxes[0].port.path
    listing = "".join(f"\n  {each}" for each in found)
    raise UserError("console-several" if boxes else "console-none-answers", list=listing)
