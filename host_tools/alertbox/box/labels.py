"""The text of the QR code on a kit's bip: `BIP:<MAC>;<key>;<name>`.

Our own form. No maker prints the key: a Shelly makes a new one whenever its encryption is turned on, and shows it in
its own app only. Whoever packs a kit reads it there, and prints the label.
"""

import re
from dataclasses import dataclass

from alertbox.errors import UserError

_LABEL = re.compile(r"BIP:((?:[0-9A-F]{2}:?){5}[0-9A-F]{2});([0-9A-F]{32});([^;]{1,40})", re.IGNORECASE)


@dataclass(frozen=True)
class BipLabel:
    """mac: 12 hex digits, key: 32, both lower case."""

    mac: str
    key: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "BipLabel":
        match = _LABEL.fullmatch(text.strip())
        if match is None:
            raise UserError("bips-label")
        return cls(match[1].replace(":", "").lower(), match[2].lower(), match[3].strip())
