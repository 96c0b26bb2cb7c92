"""Who may import whom, and how large what wires may grow. The source is read, none of it run."""

import ast
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from source_imports import Import, imports

ROOT = Path(__file__).parents[1]

PURE = {"json", "struct", "hashlib", "binascii", "cryptolib"}
LANGUAGE = PURE | {"array", "collections", "errno", "gc", "io", "math", "micropython", "random", "sys", "time"}
# Only the wiring says which pin and which board.
HARDWARE = {"machine"}
CHIP = {"machine", "network", "bluetooth", "espnow", "aioespnow", "esp32", "neopixel", "select", "socket", "ssl", "tls"}
BASE = {"box.core", "box.errors", "box.log", "box.clock", "box.version"}
DRIVER = LANGUAGE | CHIP | BASE | {"asyncio"}
SERVICE = LANGUAGE | BASE | {"asyncio"}


class Only(set[str]):
    """These and what is below them, nothing else."""


class Never(set[str]):
    """All but these and what is below them."""


ANYTHING = Never()

FIRMWARE = {"box", "board"}  # each side checks the other, so neither may borrow its code
HOST = {"contract", "box", "town", "receiver", "provision", "flash", "sim", "demo", "commands", "cli"}


def host_parts(*permitted: str) -> Never:
    """No part of the host tools but these."""
    return Never(FIRMWARE | {f"alertbox.{name}" for name in HOST.difference(permitted)})


RULES: tuple[tuple[str, Only | Never], ...] = (
    ("firmware/boot.py", ANYTHING),
    ("firmware/main.py", ANYTHING),
    # They know all the parts.
    *((f"firmware/box/{name}", ANYTHING) for name in ("app.py", "safe.py", "start.py", "power.py", "wiring/**")),
    ("firmware/bundle.py", Only({"io", "json", "os", "sys", "vfs"})),  # it comes before all else
    ("firmware/box/core/**", Only(PURE | {"box.core"})),
    ("firmware/box/storage/**", Only(SERVICE | {"os", "box.storage"})),
    *((f"firmware/box/{name}/**", Only(DRIVER - HARDWARE)) for name in ("inputs", "outputs")),
    *((f"firmware/box/{name}/**", Only(DRIVER - HARDWARE | {f"box.{name}"})) for name in ("transports", "modem")),
    # Drivers, stores and transports come as arguments.
    *((f"firmware/box/{name}/**", Only(SERVICE | {f"box.{name}"})) for name in ("bips", "alerts", "update", "console")),
    ("firmware/box/*", Only(SERVICE)),
    ("firmware/**", Only()),  # a new folder needs a row of its own
    ("boards/unix/**", Never({"box"})),  # the virtual chip knows nothing of the box that runs on it
    ("boards/**", Only()),  # constants
    ("host_tools/alertbox/contract/**", host_parts("contract")),
    ("host_tools/alertbox/box/**", host_parts("box", "contract")),
    ("host_tools/alertbox/town/**", host_parts("town", "contract")),
    # Of a town the receiver knows a protocol of its own, and how an invite is written.
    (
        "host_tools/alertbox/receiver/**",
        Never(
            host_parts("receiver", "town", "contract")
            | {f"alertbox.town.{name}" for name in ("Town", "folder", "authority", "technicians")}
        ),
    ),
    ("host_tools/**", Never(FIRMWARE)),
)


def complaints(root: Path) -> list[str]:
    """`path:line: may not import name` for every import below `root` that breaks a rule."""
    found = []
    for path in sorted(path for top in ("firmware", "boards", "host_tools") for path in (root / top).rglob("*.py")):
        relative = path.relative_to(root)
        rule = next(rule for pattern, rule in RULES if _fits(relative.parts, pattern.split("/")))
        for item in imports(path.read_text(encoding="utf-8"), ".".join(relative.parts[1:-1])):
            if not _permitted(item, rule):
                found.append(f"{relative.as_posix()}:{item.line}: may not import {item.names[-1]}")
    return found


def _fits(parts: tuple[str, ...], pattern: list[str]) -> bool:
    if pattern[-1] == "**":
        parts, pattern = parts[: len(pattern) - 1], pattern[:-1]
    return len(parts) == len(pattern) and all(map(fnmatchcase, parts, pattern))


def _permitted(item: Import, rule: Only | Never) -> bool:
    listed = any(name == root or name.startswith(f"{root}.") for name in item.names for root in rule)
    if isinstance(rule, Only):
        return listed and not item.computed
    return not listed


def test_nothing_in_this_repository_breaks_a_rule():
    assert complaints(ROOT) == []


BAD_IMPORTS = [
    ("firmware/box/core/bad.py", "import time", "time"),
    ("firmware/box/core/bad.py", "from asyncio import sleep", "asyncio.sleep"),
    ("firmware/box/core/bad.py", "import json, os", "os"),
    ("firmware/box/core/bad.py", "from box.log import Log", "box.log.Log"),
    ("firmware/box/core/bad.py", "from box.storage import journal", "box.storage.journal"),
    ("firmware/box/core/bad.py", "from ..storage import journal", "box.storage.journal"),
    ("firmware/box/core/bad.py", "def f():\n    import machine", "machine"),
    ("firmware/box/core/bad.py", "__import__('machine')", "machine"),
    ("firmware/box/core/bad.py", "__import__('mac' + 'hine')", "__import__('mac' + 'hine')"),
    ("firmware/box/core/deeper/bad.py", "import time", "time"),
    ("firmware/box/storage/bad.py", "import esp32", "esp32"),
    ("firmware/box/storage/bad.py", "from box.alerts import outbox", "box.alerts.outbox"),
    ("firmware/box/inputs/bad.py", "import box.outputs.lights", "box.outputs.lights"),
    ("firmware/box/inputs/bad.py", "from ..transports import mqtt", "box.transports.mqtt"),
    ("firmware/box/inputs/bad.py", "from box.inputs import button", "box.inputs.button"),
    ("firmware/box/inputs/bad.py", "import machine", "machine"),
    ("firmware/box/outputs/bad.py", "import board", "board"),
    ("firmware/box/transports/bad.py", "import os", "os"),
    ("firmware/box/transports/bad.py", "from box.modem import at", "box.modem.at"),
    ("firmware/box/modem/bad.py", "from box.alerts import outbox", "box.alerts.outbox"),
    ("firmware/box/bips/bad.py", "from box.inputs import ble", "box.inputs.ble"),
    ("firmware/box/bips/bad.py", "import bluetooth", "bluetooth"),
    ("firmware/box/alerts/bad.py", "from box.storage.ring import Ring", "box.storage.ring.Ring"),
    ("firmware/box/alerts/bad.py", "from box.transports.mqtt import Mqtt", "box.transports.mqtt.Mqtt"),
    ("firmware/box/update/bad.py", "import os", "os"),
    ("firmware/box/console/bad.py", "import machine", "machine"),
    ("firmware/box/console/bad.py", "from box.bips import registry", "box.bips.registry"),
    ("firmware/box/parts.py", "import machine", "machine"),
    ("firmware/bundle.py", "from box import log", "box.log"),
    ("firmware/newpart/bad.py", "import json", "json"),
    ("boards/any/board.py", "import machine", "machine"),
    ("boards/unix/modules/machine.py", "import box.core.ring", "box.core.ring"),
    ("host_tools/alertbox/bad.py", "from box.core import cbor", "box.core.cbor"),
    ("host_tools/alertbox/bad.py", "import importlib\nimportlib.import_module('board')", "board"),
    ("host_tools/alertbox/contract/bad.py", "from box.core import cbor", "box.core.cbor"),
    ("host_tools/alertbox/contract/bad.py", "from alertbox.box import session", "alertbox.box.session"),
    ("host_tools/alertbox/contract/bad.py", "from alertbox.town import Town", "alertbox.town.Town"),
    ("host_tools/alertbox/contract/bad.py", "import alertbox.receiver.log", "alertbox.receiver.log"),
    ("host_tools/alertbox/contract/bad.py", "def f():\n    import alertbox.commands.town", "alertbox.commands.town"),
    ("host_tools/alertbox/box/bad.py", "from alertbox.town import technicians", "alertbox.town.technicians"),
    ("host_tools/alertbox/box/bad.py", "from alertbox.receiver import StoredAlert", "alertbox.receiver.StoredAlert"),
    (
        "host_tools/alertbox/town/bad.py",
        "from alertbox.receiver.store import database",
        "alertbox.receiver.store.database",
    ),
    ("host_tools/alertbox/town/bad.py", "from ..box import session", "alertbox.box.session"),
    ("host_tools/alertbox/receiver/bad.py", "from alertbox.town import Town", "alertbox.town.Town"),
    ("host_tools/alertbox/receiver/store/bad.py", "import alertbox.town.folder", "alertbox.town.folder"),
    ("host_tools/alertbox/receiver/bad.py", "from alertbox.commands import town", "alertbox.commands.town"),
    ("host_tools/alertbox/receiver/bad.py", "from alertbox.provision import sms", "alertbox.provision.sms"),
    ("host_tools/alertbox/receiver/bad.py", "from alertbox.flash import board", "alertbox.flash.board"),
    ("host_tools/alertbox/receiver/bad.py", "from alertbox.sim import VirtualBox", "alertbox.sim.VirtualBox"),
]


@pytest.mark.parametrize(("path", "source", "name"), BAD_IMPORTS)
def test_a_planted_bad_import_is_named_with_its_line(tmp_path, path, source, name):
    plant(tmp_path, path, f'"""Planted."""\n{source}\n')
    line = 2 + source.count("\n")
    assert complaints(tmp_path) == [f"{path}:{line}: may not import {name}"]


GOOD_IMPORTS = [
    ("firmware/main.py", "from box import app"),
    ("firmware/box/app.py", "import machine, board\nfrom box.transports import mqtt"),
    ("firmware/box/core/good.py", "import json\nfrom box.core import cbor\nfrom . import cose"),
    ("firmware/box/inputs/good.py", "import asyncio, esp32\nfrom box.core import gesture\nfrom box.log import Log"),
    ("firmware/box/storage/journal.py", "import os\nfrom box.storage import ring\nfrom box.core import alert"),
    ("firmware/box/wiring/radio.py", "import board, machine\nfrom box.bips import registry"),
    ("boards/unix/modules/machine.py", "import os\nfrom virtual import chip"),
    ("boards/unix/modules/machine.py", "import boxes, boardwalk"),
    ("host_tools/alertbox/town/good.py", "from alertbox.contract import formats\nfrom alertbox.town import invites"),
    ("host_tools/alertbox/receiver/good.py", "from alertbox.town.invites import Invite\nimport alertbox.contract"),
    ("host_tools/alertbox/commands/good.py", "from alertbox.receiver import Receiver\nfrom alertbox.town import Town"),
    ("host_tools/alertbox/good.py", "import importlib\nimport cbor2\nimportlib.import_module(name)"),
]


@pytest.mark.parametrize(("path", "source"), GOOD_IMPORTS)
def test_a_permitted_import_is_no_complaint(tmp_path, path, source):
    plant(tmp_path, path, source)
    assert complaints(tmp_path) == []


def test_every_rule_is_broken_by_a_planted_import():
    """So that no row of the table goes untested; a row that forbids nothing cannot be broken."""
    planted = [next(p for p, _ in RULES if _fits(Path(path).parts, p.split("/"))) for path, _, _ in BAD_IMPORTS]
    forbidding = [pattern for pattern, rule in RULES if rule is not ANYTHING]
    assert [pattern for pattern in forbidding if pattern not in planted] == []


def plant(root: Path, path: str, source: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(source, encoding="utf-8")


# ---- shape ----

MOST_ARGUMENTS = 5  # of a constructor, keyword-only ones aside: a record says its fields' names wherever it is made
MOST_LINES = {"firmware/box/app.py": 120}  # it wires, and decides nothing
WIRES = ("firmware/box/app.py", "firmware/box/wiring/*")


def shapes(root: Path) -> list[str]:
    """`path:line: what is too large` below `root`."""
    found = []
    for path in sorted(path for top in ("firmware", "host_tools") for path in (root / top).rglob("*.py")):
        relative = path.relative_to(root)
        text = path.read_text(encoding="utf-8")
        lines, most = len(text.splitlines()), MOST_LINES.get(relative.as_posix())
        if most and lines > most:
            found.append(f"{relative.as_posix()}:{lines}: has more than {most} lines")
        if any(_fits(relative.parts, pattern.split("/")) for pattern in WIRES):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                count = len(node.args.posonlyargs) + len(node.args.args) - 1
                if count > MOST_ARGUMENTS:
                    found.append(f"{relative.as_posix()}:{node.lineno}: takes {count} arguments")
    return found


def test_no_constructor_takes_more_than_five_arguments_and_what_wires_stays_short():
    assert shapes(ROOT) == []


def test_a_planted_constructor_that_asks_for_too_much_is_named(tmp_path):
    source = '"""Planted."""\nclass A:\n    def __init__(self, a, b, c, d, e{more}):\n        pass\n'
    plant(tmp_path, "firmware/box/alerts/bad.py", source.format(more=", f"))
    plant(tmp_path, "firmware/box/parts.py", source.format(more=", *, f, g"))
    plant(tmp_path, "host_tools/alertbox/box/bad.py", source.format(more=", f"))
    plant(tmp_path, "firmware/box/core/good.py", source.format(more=""))
    plant(tmp_path, "firmware/box/wiring/good.py", source.format(more=", f, g"))
    assert shapes(tmp_path) == [
        "firmware/box/alerts/bad.py:3: takes 6 arguments",
        "host_tools/alertbox/box/bad.py:3: takes 6 arguments",
    ]


def test_an_app_that_has_grown_is_named(tmp_path):
    plant(tmp_path, "firmware/box/app.py", "pass\n" * 121)
    assert shapes(tmp_path) == ["firmware/box/app.py:121: has more than 120 lines"]
