"""The box's own share of a press: classified until TLS has the packet."""

import esp32
from interpreter import run
from rows import Peer, Row


def rows() -> list[Row]:
    answer = run("share.py")
    figures = answer.figures
    code_us = figures["median_us"] - figures["flash_us"]
    flash_ms = esp32.flash_ms(figures["reads"], figures["read_bytes"], figures["programs"])
    # Its lines for a press are `journalled`, `sending` and `received`; the last comes after TLS has the packet.
    serial_ms = esp32.serial_ms(answer.log_bytes / figures["presses"])
    return [
        Row(
            "the box's share of a press, unix port, median",
            figures["median_us"] / 1000,
            "ms",
            goal=5,
            peer=Peer(f"worst of {figures['presses']}", figures["worst_us"] / 1000),
        ),
        Row("the same, ESP32 estimate: code and flash", esp32.code_ms(code_us) + flash_ms, "ms"),
        Row("the same, ESP32 estimate: log lines at 115,200 baud", serial_ms, "ms"),
    ]
