"""The journal's flash over its life, and how long a start reads it, on the virtual NOR flash.

Bodies have the size that alerts have in practice; the contents mean nothing to the journal.
"""

import gc
import json
import time

from box.core import alert
from box.storage.journal import Journal
from measured_flash import MeasuredFlash

_BLOCKS = 32
_ALERTS = 5000
_SCANS = 200
_SIGNATURE = bytes(range(64))


def _body(sequence):
    return alert.encode(b"\x01" * 8, 1, sequence, alert.INFORM, 1, 1800000000 + sequence, 1000 + sequence, 0, 0)


def _journal():
    flash = MeasuredFlash(_BLOCKS)
    journal = Journal(flash)
    journal.recover()
    journal.format(b"\x01" * 8)
    return flash, journal


def _append(journal, kind=alert.INFORM):
    sequence = journal.next_sequence
    journal.append(sequence, kind, _body(sequence), _SIGNATURE)
    return sequence


def _life(in_charge):
    """Programs and erases an alert; one arrives, is received (and taken charge of), idle time passes."""
    flash, journal = _journal()
    programs, erases = flash.programs, flash.erases
    for _ in range(_ALERTS):
        sequence = _append(journal)
        if in_charge:
            journal.in_charge(sequence)
        journal.received(sequence)
        while journal.prepare():
            pass
    return {"programs": (flash.programs - programs) / _ALERTS, "erases": (flash.erases - erases) / _ALERTS}


def _scan(delivered):
    """A start that finds every slot used; `delivered`: and nothing left to send, or as many presses as it can hold."""
    flash, journal = _journal()
    try:
        for _ in range(_BLOCKS * 40):
            sequence = _append(journal)
            if delivered:
                journal.received(sequence)
            while journal.prepare():
                pass
    except Exception as error:  # noqa: BLE001 - JournalFull is the end; anything else is told
        if type(error).__name__ != "JournalFull":
            raise
    times = []
    for _ in range(_SCANS):
        gc.collect()
        again = Journal(flash)
        before = flash.us, flash.reads, flash.read_bytes, flash.programs
        begin = time.ticks_us()
        again.recover()
        times.append(time.ticks_diff(time.ticks_us(), begin) - (flash.us - before[0]))
        reads = flash.reads - before[1], flash.read_bytes - before[2], flash.programs - before[3]
    return {
        "code_us": min(times),  # nothing but computation: whatever makes it longer is the PC's other work
        "reads": reads[0],
        "read_bytes": reads[1],
        "programs": reads[2],
        "undelivered": again.undelivered(),
    }


print(
    json.dumps(
        {
            "alerts": _ALERTS,
            "received": _life(False),
            "in_charge": _life(True),
            "scan_delivered": _scan(True),
            "scan_undelivered": _scan(False),
        }
    )
)
