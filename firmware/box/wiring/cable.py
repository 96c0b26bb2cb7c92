"""The technician's way in: the console's table, and what stands behind each part of it."""

import os
import select
import sys

import micropython

from box import start
from box.console.bips import BipMethods
from box.console.deeds import Deeds
from box.console.documents import Documents
from box.console.facts import Facts
from box.console.lock import Lock
from box.console.serial import Console
from box.core.access import Access
from box.wiring.flash import LOCK_FILE


class _Chip:
    """What the deeds need of the chip."""

    reset = staticmethod(start.restart)
    kbd_intr = staticmethod(micropython.kbd_intr)
    random = staticmethod(os.urandom)


def console(box) -> Console:
    """`box`: the record of its parts, see app.py. The town's key signs technicians' certificates."""
    stored = box.stored
    town = stored.login.town if stored.login else None
    access = Access(stored.identity.box, town or b"", stored.is_locked())
    lock = Lock(box, access, LOCK_FILE, os.urandom)
    parts = (
        Facts(box, access),
        lock,
        Deeds(box, _Chip),
        BipMethods(box.radio.bips, box.radio.pairing, box.clock),
        Documents(stored.settings, stored.enrolment, lock.show, box.status),
    )
    poller = select.poll()
    poller.register(sys.stdin.buffer, select.POLLIN)
    return Console(parts, access, box.clock, (sys.stdin.buffer, poller, sys.stdout.buffer.write))
