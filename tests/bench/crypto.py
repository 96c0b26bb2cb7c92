"""Signatures: a pair computed ahead, a whole signature, and the one at a press, which has a pair ready.

The box verifies no signature, so there is no figure for one: it checks the receiver's HMAC instead.
"""

import esp32
from interpreter import run
from rows import Peer, Row


def rows() -> list[Row]:
    figures = run("crypto.py").figures
    online, full, pair = (figures[name] for name in ("online", "full", "pair"))
    return [
        Row(
            "modular multiplication, 256 bits",
            figures["mulmod_us"],
            "us",
            peer=Peer("ESP32, emulated", esp32.MULMOD_MS * 1000),
        ),
        *_both("signature at the press, its pair ready", online),
        *_both("signature without a pair", full),
        *_both("pair (nonce, inverse, r)", pair),
        Row(
            "signature at the press / without a pair",
            online["us"] / full["us"],
            "ratio",
            goal=0.01,
            peer=Peer("by multiplications", online["mulmods"] / full["mulmods"]),
        ),
    ]


def _both(name: str, case: dict[str, float]) -> list[Row]:
    """On the unix port, and estimated by the multiplications in it; hashing is left out of the estimate."""
    return [
        Row(f"{name}, unix port", case["us"] / 1000, "ms"),
        Row(f"{name}, ESP32 estimate", esp32.mulmods_ms(case["mulmods"]), "ms"),
    ]
