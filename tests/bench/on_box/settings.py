"""A commit of large settings, step by step: microseconds of code, and what each step does on flash."""

import json
import time

import vfs
from box.console.documents import Documents
from box.core import config
from box.storage.documents import Settings
from box.storage.slots import Slots
from measured_flash import MeasuredFlash

_ROUNDS = 8  # other programs take their share of a PC: each step counts at its quickest
_BLOCKS = 24
_TEMPLATE = "{shop}, {address}: "


def _settings(mark):
    """All that there is room for, and with another `mark` different in each part."""
    gestures = {"click": "inform", "double": "help", "hold": "alarm"}
    return {
        "version": config.VERSION,
        "shop": {"name": "T" * 59 + mark, "address": "\u00e9" * 119 + mark, "latitude": 48.85, "longitude": 2.35},
        "contacts": [
            {"name": "c" * 39 + mark, "number": "+3361234567%d" % i, "by": "both", "rank": i + 1, "quiet": False}
            for i in range(5)
        ],
        "policy": {"button": gestures, "foot": gestures, "bip": gestures, "contacts": {"help": "both"}},
        "wifi": [{"ssid": "network %d" % i, "key": "k" * 62 + mark} for i in range(3)],
        "receiver": {"host": "receiver.example.org", "port": 8883, "server_name": "receiver.example.org"},
        "lte": {"apn": "internet.example", "user": "u" * 60, "password": "p" * 60, "pin": "1234"},
        "bips": [
            {
                "id": i + 1,
                "mac": "a4c1380000%02x" % i,
                "key": "0f" * 16,
                "name": "b" * 38 + mark,
                "policy": gestures,
                "supervision_s": 3600,
            }
            for i in range(16)
        ],
        "silent_hours": {"from": "20:00", "to": "08:00"},
        "siren": {"allowed": True, "form": "2026/17"},
        "templates": dict.fromkeys(("inform", "help", "alarm"), _TEMPLATE + "t" * 120 + mark),
        "inputs": {"button": "open", "foot": "open", "tamper": "closed", "mains_s": 60},
    }


_flash = MeasuredFlash(_BLOCKS)


def _state():
    return _flash.us, _flash.reads, _flash.read_bytes, _flash.programs, _flash.erases


def _walk(steps):
    """[[microseconds without flash, reads, bytes read, programs, erases]] of each step, and the value."""
    found = []
    while True:
        before, begin = _state(), time.ticks_us()
        try:
            next(steps)
        except StopIteration as stop:
            return found, stop.value
        us = time.ticks_diff(time.ticks_us(), begin)
        found.append([after - was for was, after in zip(before, _state())])
        found[-1][0] = us - found[-1][0]


def _commit(documents, settings, data):
    compared, (document, changes) = _walk(documents._compared(data))
    assert len(changes) == 29
    stored, _ = _walk(settings.store_steps(document))
    return compared + stored


vfs.VfsLfs2.mkfs(_flash)
vfs.mount(vfs.VfsLfs2(_flash), "/box")
_store = Settings(Slots("/box/settings"))
_documents = Documents(_store, None, None, None)
_old, _new = [json.dumps(_settings(mark)).encode() for mark in "on"]
_best = None
for _ in range(_ROUNDS):
    _store.save(json.loads(_old))
    _now = _commit(_documents, _store, _new)
    if _best is None:
        _best = _now
    for _step, _other in zip(_best, _now):
        _step[0] = min(_step[0], _other[0])
        _step[1:] = [max(pair) for pair in zip(_step[1:], _other[1:])]
print(json.dumps({"bytes": len(_new), "steps": _best}))
