"""The contacts' SMS as they will arrive: the text with its fields filled in, its alphabet and its parts.

3GPP TS 23.038: a text of the GSM alphabet has 160 septets in one SMS (a few characters take two), else 70 UTF-16
units. TS 23.040: a part of a longer one loses six octets to its header, so 153 or 67, and neither an escaped
character nor a surrogate pair is split.
"""

import re
from dataclasses import dataclass

from gsm0338 import Codec

from alertbox.contract.settings import KINDS, Contact, Settings

# {code} answers "I take charge"; the message asks a person to call the police, since a machine may not. GSM alphabet
# only: one circumflex would halve the length of a part.
BUILT_IN = {
    "fr": {
        "inform": "{shop} à {time}: la boutique signale un problème. Prenez des nouvelles. Lieu: {address} {map}",
        "help": "AU SECOURS {shop} {time}. Appelez le 17. Lieu: {address} {map} Répondez {code} si vous y allez.",
        "alarm": "ALARME {shop} {time}. Appelez le 17. Lieu: {address} {map} Répondez {code} si vous y allez.",
    },
    "en": {
        "inform": "{shop} at {time}: the shop reports a problem. Please ask how they are. Place: {address} {map}",
        "help": "HELP {shop} {time}. Call 17. Place: {address} {map} Reply {code} if you take charge.",
        "alarm": "ALARM {shop} {time}. Call 17. Place: {address} {map} Reply {code} if you take charge.",
    },
}
EXAMPLE_TIME, EXAMPLE_CODE = "14:32", "83"

_SINGLE, _PART = {"GSM-7": 160, "UCS-2": 70}, {"GSM-7": 153, "UCS-2": 67}
_CODEC = Codec()


@dataclass(frozen=True)
class Sms:
    """`length` counts septets or UTF-16 units, of which `fits` go into the SMS or its parts together.

    `costly` are the characters that force the alphabet of 70 upon the text.
    """

    text: str
    alphabet: str
    length: int
    parts: int
    fits: int
    costly: str


def measure(text: str) -> Sms:
    """Alphabet, length and parts of a text."""
    costly = "".join(dict.fromkeys(char for char in text if not _widths("GSM-7", char)))
    alphabet = "UCS-2" if costly else "GSM-7"
    widths = [_widths(alphabet, char) for char in text]
    length, parts, free = sum(widths), 1, _SINGLE[alphabet]
    if length > free:
        free = _PART[alphabet]
        for width in widths:
            if width > free:
                parts, free = parts + 1, _PART[alphabet]
            free -= width
    fits = _SINGLE[alphabet] if parts == 1 else parts * _PART[alphabet]
    return Sms(text, alphabet, length, parts, fits, costly)


def _widths(alphabet: str, char: str) -> int:
    """Septets or UTF-16 units of a character; 0 if the alphabet has it not."""
    if alphabet == "UCS-2":
        return len(char.encode("utf-16-be")) // 2
    try:
        return len(_CODEC.encode(char)[0])
    except UnicodeEncodeError:
        return 0


def fill(settings: Settings, kind: str) -> str:
    """The SMS of one kind, with an example's time and code. Blanks that an empty field leaves are closed."""
    template = getattr(settings.templates, kind) or BUILT_IN[settings.templates.language][kind]
    shop = settings.shop
    place = "" if shop.latitude is None else f"https://osm.org/?mlat={shop.latitude:.4f}&mlon={shop.longitude:.4f}"
    fields = {"shop": shop.name, "address": shop.address, "time": EXAMPLE_TIME, "map": place, "code": EXAMPLE_CODE}
    text = re.sub("{([a-z]+)}", lambda match: fields[match[1]], template)
    return " ".join(text.split())


def previews(settings: Settings) -> dict[str, Sms]:
    """kind: the SMS that the contacts get."""
    return {kind: measure(fill(settings, kind)) for kind in KINDS}


def readers(settings: Settings, kind: str) -> list[Contact]:
    """Who gets an SMS of this kind, first called first."""
    contacts = sorted(settings.contacts, key=lambda contact: contact.rank)
    return [contact for contact in contacts if contact.by != "call" and not (kind == "inform" and contact.quiet)]
