"""Cut the power at every flash operation of what the box does with its settings. Runs under MicroPython.

Each scenario begins on a littlefs in the virtual NOR flash. For every operation n, and every seed of what a cut leaves,
the cells are copied, the power goes at the n-th program or erase, the filesystem is mounted again on the same cells,
and the scenario says what is there. The last line printed is {scenario: {"operations": n, "found": {outcome: count}}}.

A cut leaves an operation half done. Cells that then read 0 or 1 at random are left out, but for the scenarios named
`flaky`: littlefs takes such a cell for what it reads first, and may lose there what is written next.
"""

import json
import os
import sys

import vfs  # type: ignore[import-not-found]
from box import log
from box.core import config
from box.storage.documents import EnrolmentStore, Settings, take_over
from box.storage.slots import Slots
from virtual.nor import BLOCK, NorFlash, PowerCut

SEEDS = 6
BLOCKS = 24
SAMPLES = sys.argv[1] + "/tests/upgrade/1/"
OLD = {"version": 2, "shop": {"name": "old", "address": "x" * 120}}
# Of 7 KiB, so that it lies in several blocks.
NEW = {
    "version": 2,
    "shop": {"name": "new"},
    "bips": [
        {"id": i + 1, "mac": f"{i:012x}", "key": "0f" * 16, "name": "\u00e9" * 40, "policy": None} for i in range(16)
    ],
    "contacts": [{"name": "\u20ac" * 40, "number": f"+3361234567{i}", "rank": i} for i in range(1, 6)],
    "templates": {"inform": "\u20ac" * 160, "help": "\u20ac" * 160, "alarm": "\u20ac" * 160},
}
LAST = {"version": 2, "shop": {"name": "last"}}
DOCUMENTS = {"old": OLD, "new": NEW, "last": LAST, "nothing": None}

log.now = lambda: 0


def sample(name):
    with open(SAMPLES + name, "rb") as file:
        return file.read()


MIGRATED = config.from_version_1(json.loads(sample("enrolment.json")), sample("ca.der"))


class Box:
    """The filesystem on a flash, and the stores on it."""

    def __init__(self, flash):
        self.flash = flash
        vfs.mount(vfs.VfsLfs2(flash), "/box")
        self.settings = Settings(Slots("/box/settings"))
        self.enrolment = EnrolmentStore(Slots("/box/enrolment"))


def off():
    vfs.umount("/box")


def nothing(box):
    pass


def saved(*documents):
    def prepare(box):
        for document in documents:
            box.settings.save(document)

    return prepare


def version_1(box):
    for name in ("enrolment.json", "ca.der"):
        with open("/box/" + name, "wb") as file:
            file.write(sample(name))


def save_new(box):
    box.settings.save(NEW)


def migrate(box):
    take_over(box.settings, box.enrolment, "/box/")


def erase(box):
    box.settings.erase()


def which(box):
    """What the settings are."""
    document = box.settings.document()
    found = [name for name in DOCUMENTS if DOCUMENTS[name] == document]
    return found[0] if found else f"a mixture: {document}"


def usable(box):
    """What the settings are; others can be stored on what the cut left."""
    found = which(box)
    box.settings.save(LAST)
    assert which(box) == "last"
    return found


def finished(box):
    """After the next start's migration, everything is there and the old files are gone."""
    before = "begun" if "enrolment.json" in os.listdir("/box") else "done"
    migrate(box)
    assert (box.settings.document(), box.enrolment.document()) == MIGRATED
    assert not [name for name in os.listdir("/box") if name in ("enrolment.json", "ca.der")]
    return before


# name: (what is on flash before, what the power goes in, what the next start does and finds)
SCENARIOS = {
    "the first settings": (nothing, save_new, usable),
    "new settings over old ones in one slot": (saved(OLD), save_new, usable),
    "new settings over old ones in both slots": (saved(LAST, OLD), save_new, usable),
    "the migration of version 1": (version_1, migrate, finished),
    "a factory reset": (saved(NEW, OLD), erase, usable),
    "flaky: new settings over old ones in one slot": (saved(OLD), save_new, which),
    "flaky: new settings over old ones in both slots": (saved(LAST, OLD), save_new, which),
}
_dead: list = []  # boxes whose power went, kept: the finaliser of a file in mid-write would write on


def cut(cells, act, operations, seed, flaky):
    """The flash after a cut at this operation; None if `act` needs fewer."""
    box = Box(NorFlash(bytearray(cells)))
    box.flash.cut_after(operations, seed)
    try:
        act(box)
    except PowerCut:
        off()
        after = box.flash.restart() if flaky else NorFlash(box.flash._cells)
        box.flash._cells = b""
        _dead.append(box)
        return after
    off()
    assert box.flash.refused_sets == 0
    return None


def run(prepare, act, find, flaky):
    flash = NorFlash(bytearray(b"\xff" * (BLOCKS * BLOCK)))
    vfs.VfsLfs2.mkfs(flash)
    prepare(Box(flash))
    off()
    cells = bytes(flash._cells)
    found: dict = {}
    operations = 0
    while True:
        operations += 1
        for seed in range(SEEDS):
            after = cut(cells, act, operations, seed, flaky)
            if after is None:
                return {"operations": operations - 1, "found": found}
            outcome = find(Box(after))
            off()
            found[outcome] = found.get(outcome, 0) + 1


print(json.dumps({name: run(*SCENARIOS[name], name.startswith("flaky")) for name in SCENARIOS}))
