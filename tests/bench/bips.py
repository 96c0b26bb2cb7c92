"""Advertisements: most are foreign, so what one of those takes decides how much a busy street costs."""

import esp32
from interpreter import run
from rows import Row

_CROWD = 200  # foreign advertisements a second


def rows() -> list[Row]:
    figures = run("bips.py").figures
    foreign_us, opened_us = figures["foreign_us"], figures["opened_us"]
    busy_ms = _CROWD * esp32.code_ms(foreign_us)
    return [
        Row("foreign advertisement, 16 bips bound, unix port", foreign_us, "us", goal=15),
        Row("heap kept by 20,000 foreign advertisements", figures["kept"], "bytes", goal=0),
        Row("bound advertisement opened (AES-CCM), unix port", opened_us / 1000, "ms", goal=0.3),
        Row("bound advertisement opened, ESP32 estimate", esp32.code_ms(opened_us), "ms"),
        Row(f"{_CROWD} foreign advertisements a second, ESP32 estimate, in each second", busy_ms, "ms", goal=20),
    ]
