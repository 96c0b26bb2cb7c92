"""The technician's way in, wired: the console's table, and what stands behind each part of it."""

import os
import select
import sys

import board
import micropython
from box import start
from box.console.bips import BipMethods
from box.console.deeds import Deeds
from box.console.documents import Documents
from box.console.facts import Facts
from box.console.lock import Lock
from box.console.serial import Console
from box.core.access import Access
from box.version import BUILT, VERSION
from box.wiring.flash import LOCK_FILE


class _Chip:
    """What the deeds need of the chip and its flash."""

    reset = staticmethod(start.restart)
    kbd_intr = staticmethod(micropython.kbd_intr)

    def __init__(self, stored):
        self.forget = stored.forget


def console(
    stored, town, clock, signer, issuer, wifi, test_mode, radio, state, checks, is_busy, is_wanted, is_down
) -> Console:
    """`town`: the key that signs technicians' certificates, or None; from `state` on: see console/deeds.py."""
    identity, journal, events = stored.identity, stored.journal, stored.events
    access = Access(identity.box, town or b"", stored.is_locked())
    about = {"version": VERSION, "board": board.NAME}
    lock = Lock(access, LOCK_FILE, clock, os.urandom, is_busy)
    parts = (
        Facts(identity, about, state, clock, BUILT, events, journal, access, test_mode),
        lock,
        Deeds(
            identity,
            signer,
            issuer,
            journal,
            clock,
            test_mode,
            wifi,
            checks,
            is_busy,
            is_wanted,
            is_down,
            _Chip(stored),
        ),
        BipMethods(radio.bips, radio.pairing, clock),
        Documents(stored.settings, stored.enrolment, lock.show, is_busy),
    )
    table: dict = {}
    for part in parts:
        table.update(part.table())
    poller = select.poll()
    poller.register(sys.stdin.buffer, select.POLLIN)
    return Console(table, access, clock, sys.stdin.buffer, poller, sys.stdout.buffer.write)
