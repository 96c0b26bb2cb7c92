"""A commit of large settings: nothing of it may hold the box up for longer than a press may go unread."""

import esp32
from interpreter import run
from rows import Peer, Row


def rows() -> list[Row]:
    figures = run("settings.py", heap="2M").figures  # the flash model makes large integers
    steps = [
        esp32.code_ms(us) + esp32.flash_ms(reads, read_bytes, programs, erases)
        for us, reads, read_bytes, programs, erases in figures["steps"]
    ]
    return [
        Row(
            f"longest piece of a commit of {figures['bytes']:,} bytes of settings, ESP32 estimate",
            max(steps),
            "ms",
            goal=100,
            peer=Peer(f"all {len(steps)} pieces", sum(steps)),
        )
    ]
