"""Write settings.json and enrolment.json: documents that the box and the host's tool take or refuse alike.

Each entry is {"name", "document", "path"}: `path` is null where the document is right, and where it is not the field
that both must name. A refused document has one fault only, so that the order of checking does not matter.
Nothing here imports either side. Run: python tests/vectors/make_settings.py
"""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

REMOVE = object()
_HOLD_ONLY = {"click": "alarm", "double": "alarm", "hold": "alarm"}

FULL: dict[str, Any] = {
    "version": 2,
    "shop": {
        "name": "Tabac de la Gare",
        "address": "12 rue de l’Église, 67000 Strasbourg",
        "latitude": 48.5846,
        "longitude": 7.7349,
        "zone": "Indian/Reunion",
    },
    "contacts": [
        {"name": "Anaïs", "number": "+33612345678", "by": "both", "rank": 1, "takeover": True, "quiet": False},
        {"name": "Voisin", "number": "+33388123456", "by": "call", "rank": 2, "takeover": False, "quiet": True},
        {"name": "Police municipale", "number": "+33388000000", "by": "sms", "rank": 5},
    ],
    "policy": {
        "button": {"click": "inform", "double": "help", "hold": "alarm"},
        "foot": {"click": "help", "double": "alarm", "hold": "alarm"},
        "bip": {"click": "help", "double": "help", "hold": "alarm"},
        "contacts": {"inform": "box", "help": "both", "alarm": "receiver"},
    },
    "wifi": [{"ssid": "boutique", "key": "correct horse"}, {"ssid": "Café été", "key": ""}],
    "receiver": {"host": "alerte.example.fr", "port": 8883, "server_name": "alerte.example.fr"},
    "lte": {"apn": "iot.example", "user": "box", "password": "p@ss word", "pin": "1234"},
    "bips": [
        {"id": 1, "mac": "a4c138000001", "key": "00112233445566778899aabbccddeeff", "name": "Comptoir", "policy": None},
        {
            "id": 7,
            "mac": "a4c138000002",
            "key": "ffeeddccbbaa99887766554433221100",
            "name": "Réserve",
            "policy": _HOLD_ONLY,
            "supervision_s": 3600,
            "kind": "switch",
        },
    ],
    "silent_hours": {"from": "22:00", "to": "06:30"},
    "siren": {"allowed": True, "form": "2026-017, signed 3 May 2026", "max_s": 120},
    "templates": {
        "language": "fr",
        "inform": "{shop}: appui à {time}. {map}",
        "help": "{shop}, {address}: À L’AIDE. Répondez {code} pour prendre en charge.",
        "alarm": "",
    },
    "inputs": {"button": "closed", "foot": "open", "tamper": "none", "mains_s": 5},
}


def _bips(count: int) -> list[dict[str, Any]]:
    return [{"id": i, "mac": f"a4c1380000{i:02x}", "key": "0f" * 16, "name": "b"} for i in range(1, count + 1)]


# name: (path, value) to put into FULL; REMOVE takes the field away.
VALID: dict[str, tuple[str, Any]] = {
    "a shop without a place": ("shop", {"name": "Tabac"}),
    "a place in whole degrees": ("shop", {"latitude": 48, "longitude": -180}),
    "a place of nulls": ("shop", {"latitude": None, "longitude": None}),
    "a name of 60 characters beyond ASCII": ("shop.name", "é" * 60),
    "a name with a character beyond 0xFFFF": ("shop.name", "Chez 🦊"),
    "five contacts": (
        "contacts",
        [{"name": f"c{i}", "number": f"+3361234567{i}", "rank": 6 - i} for i in range(1, 6)],
    ),
    "no contact": ("contacts", []),
    "the shortest number": ("contacts.0.number", "+12345678"),
    "the longest number": ("contacts.0.number", "+123456789012345"),
    "a place in the list is no rank": ("contacts", [{"name": "a", "number": "+33612345678", "rank": 4}]),
    "one click calls the police": ("policy.button", _HOLD_ONLY),
    "a policy of one word": ("policy.button", {"hold": "alarm"}),
    "nobody is told of a click": ("policy.contacts.inform", "nobody"),
    "no Wi-Fi": ("wifi", []),
    "a name of Wi-Fi of 32 bytes": ("wifi.0.ssid", "é" * 16),
    "the shortest key of Wi-Fi": ("wifi.0.key", "12345678"),
    "the longest key of Wi-Fi": ("wifi.0.key", "~" * 63),
    "a Wi-Fi without a key's field": ("wifi.0", {"ssid": "open"}),
    "a receiver by its address": ("receiver", {"host": "192.0.2.1", "port": 65535, "server_name": "receiver"}),
    "no receiver yet": ("receiver", {"host": ""}),
    "a PIN of eight digits": ("lte.pin", "12345678"),
    "no PIN": ("lte.pin", ""),
    "no bip": ("bips", []),
    "sixteen bips": ("bips", _bips(16)),
    "a bip without a key": ("bips.0.key", REMOVE),
    "a bip whose key is empty": ("bips.0.key", ""),
    "the longest supervision": ("bips.0.supervision_s", 86400),
    "no supervision": ("bips.1.supervision_s", 0),
    "a bip that is a button": ("bips.1.kind", "button"),
    "a bip of whatever kind": ("bips.1.kind", "auto"),
    "no silent hours": ("silent_hours", None),
    "silent hours by day": ("silent_hours", {"from": "00:00", "to": "23:59"}),
    "a siren that is not allowed needs no form": ("siren", {"allowed": False}),
    "the shortest siren": ("siren.max_s", 10),
    "all placeholders": ("templates.alarm", "{shop}{address}{time}{map}{code}"),
    "the same placeholder twice": ("templates.alarm", "{shop} {shop}"),
    "the longest template": ("templates.alarm", "x" * 160),
    "a foot switch that opens": ("inputs.foot", "closed"),
    "the shortest wait for mains": ("inputs.mains_s", 1),
    "nothing but a button": ("inputs", {}),
    "every zone's first": ("shop.zone", "Europe/Paris"),
    "every zone's last": ("shop.zone", "Pacific/Gambier"),
    "English": ("templates.language", "en"),
}

# name: (path, value, path of the fault if it is another)
INVALID: dict[str, tuple[str, Any] | tuple[str, Any, str]] = {
    "no version": ("version", REMOVE),
    "the version as a text": ("version", "2"),
    "the version as a fraction": ("version", 2.0),
    "an older version": ("version", 1),
    "a newer version": ("version", 3),
    "an unknown part": ("color", "red"),
    "an unknown field of a part": ("shop.colour", "red"),
    "an unknown field of a contact": ("contacts.1.phone", "+33612345678"),
    "an unknown gesture": ("policy.button.triple", "alarm"),
    "an unknown source": ("policy.tamper", _HOLD_ONLY),
    "a part that is null": ("shop", None),
    "a part that is a list": ("shop", []),
    "a list that is an object": ("contacts", {}),
    "a list that is null": ("wifi", None),
    "a shop's name that is a number": ("shop.name", 7),
    "a shop's name that is null": ("shop.name", None),
    "a shop's name of 61 characters": ("shop.name", "x" * 61),
    "a shop's name of two lines": ("shop.name", "a\nb"),
    "a shop's name with a control character": ("shop.name", "a\u0085b"),
    "a shop's name with a line separator": ("shop.name", "a\u2028b"),
    "an address of 121 characters": ("shop.address", "x" * 121),
    "a latitude beyond the pole": ("shop.latitude", 90.001),
    "a longitude beyond the date line": ("shop.longitude", -181),
    "a latitude that is a text": ("shop.latitude", "48.5"),
    "a latitude that is true": ("shop.latitude", True),
    "a latitude without a longitude": ("shop", {"latitude": 48.5}, "shop.longitude"),
    "a longitude without a latitude": ("shop", {"latitude": None, "longitude": 7.7}, "shop.latitude"),
    "six contacts": (
        "contacts",
        [{"name": f"c{i}", "number": f"+3361234567{i}", "rank": 1 + i % 5} for i in range(6)],
    ),
    "a contact that is null": ("contacts.1", None),
    "a contact without a name": ("contacts.0.name", REMOVE),
    "a contact with an empty name": ("contacts.0.name", ""),
    "a contact's name of 41 characters": ("contacts.0.name", "x" * 41),
    "a contact without a number": ("contacts.0.number", REMOVE),
    "a national number": ("contacts.0.number", "0612345678"),
    "a number of seven digits": ("contacts.0.number", "+1234567"),
    "a number of sixteen digits": ("contacts.0.number", "+1234567890123456"),
    "a number with blanks": ("contacts.0.number", "+33 6 12 34 56 78"),
    "a number that begins with zero": ("contacts.0.number", "+0612345678"),
    "a number in other digits": ("contacts.0.number", "+٣٣٦١٢٣٤٥٦٧٨"),
    "a number that is a number": ("contacts.0.number", 33612345678),
    "the same number twice": ("contacts.1.number", "+33612345678"),
    "a contact without a rank": ("contacts.0.rank", REMOVE),
    "rank 0": ("contacts.0.rank", 0),
    "rank 6": ("contacts.0.rank", 6),
    "a rank that is true": ("contacts.0.rank", True),
    "a rank that is a fraction": ("contacts.0.rank", 1.0),
    "the same rank twice": ("contacts.1.rank", 1),
    "a contact by fax": ("contacts.0.by", "fax"),
    "a contact by a list": ("contacts.0.by", ["sms"]),
    "takeover as a number": ("contacts.0.takeover", 1),
    "quiet as a text": ("contacts.0.quiet", "no"),
    "an unknown kind": ("policy.button.hold", "panic"),
    "a double press weaker than a click": ("policy.button.click", "alarm", "policy.button.double"),
    "a hold weaker than a double press": ("policy.bip.hold", "inform"),
    "an unknown one to reach contacts": ("policy.contacts.help", "town"),
    "four Wi-Fis": ("wifi", [{"ssid": f"w{i}"} for i in range(4)]),
    "a Wi-Fi without a name": ("wifi.0.ssid", REMOVE),
    "a Wi-Fi with an empty name": ("wifi.0.ssid", ""),
    "a name of Wi-Fi of 33 bytes": ("wifi.0.ssid", "é" * 16 + "x"),
    "a key of Wi-Fi of 7 characters": ("wifi.0.key", "1234567"),
    "a key of Wi-Fi of 64 characters": ("wifi.0.key", "a" * 64),
    "a key of Wi-Fi beyond ASCII": ("wifi.0.key", "motdepasse-é"),
    "a key of Wi-Fi that is null": ("wifi.0.key", None),
    "the same Wi-Fi twice": ("wifi.1.ssid", "boutique"),
    "a receiver's host with a blank": ("receiver.host", "alerte example.fr"),
    "a receiver's host as a URL": ("receiver.host", "mqtts://alerte.example.fr"),
    "a receiver's host of 254 characters": ("receiver.host", "a" * 254),
    "a server name beyond ASCII": ("receiver.server_name", "été.example.fr"),
    "port 0": ("receiver.port", 0),
    "port 65536": ("receiver.port", 65536),
    "a port that is a text": ("receiver.port", "8883"),
    "an access point's name with a quote": ("lte.apn", 'iot"'),
    "an access point's name of 64 characters": ("lte.apn", "a" * 64),
    "an LTE user with a quote": ("lte.user", 'a"b'),
    "an LTE password of 64 characters": ("lte.password", "a" * 64),
    "an LTE password that is null": ("lte.password", None),
    "a PIN of three digits": ("lte.pin", "123"),
    "a PIN of nine digits": ("lte.pin", "123456789"),
    "a PIN of letters": ("lte.pin", "12a4"),
    "a PIN that is a number": ("lte.pin", 1234),
    "seventeen bips": ("bips", [*_bips(16), {**_bips(1)[0], "mac": "a4c1380000ff"}]),
    "a bip without a number": ("bips.0.id", REMOVE),
    "a bip of number 0": ("bips.0.id", 0),
    "a bip of number 17": ("bips.0.id", 17),
    "a bip's number as a text": ("bips.0.id", "1"),
    "two bips of one number": ("bips.1.id", 1),
    "a supervision of more than a day": ("bips.1.supervision_s", 86401),
    "a supervision of less than nothing": ("bips.1.supervision_s", -1),
    "a supervision that is null": ("bips.1.supervision_s", None),
    "an unknown kind of bip": ("bips.1.kind", "wall"),
    "a kind of bip that is null": ("bips.1.kind", None),
    "a bip without an address": ("bips.0.mac", REMOVE),
    "a bip's address with colons": ("bips.0.mac", "a4:c1:38:00:00:01"),
    "a bip's address in capitals": ("bips.0.mac", "A4C138000001"),
    "a bip's address of 14 digits": ("bips.0.mac", "a4c13800000100"),
    "the same bip twice": ("bips.1.mac", "a4c138000001"),
    "a policy of a bip without a key": ("bips.1.key", REMOVE, "bips.1.policy"),
    "a policy of a bip whose key is empty": ("bips.1.key", "", "bips.1.policy"),
    "a bip's key of 31 digits": ("bips.0.key", "0" * 31),
    "a bip's key that is no hex": ("bips.0.key", "g" * 32),
    "a bip's key that is null": ("bips.0.key", None),
    "a bip without a name": ("bips.0.name", REMOVE),
    "a bip's policy that is a word": ("bips.0.policy", "alarm"),
    "a bip's hold weaker than its click": ("bips.1.policy.hold", "help"),
    "silent hours without an end": ("silent_hours", {"from": "22:00"}, "silent_hours.to"),
    "silent hours at 24:00": ("silent_hours.to", "24:00"),
    "silent hours at 12:60": ("silent_hours.to", "12:60"),
    "silent hours in short": ("silent_hours.from", "7:00"),
    "silent hours with a sign": ("silent_hours.from", "+7:00"),
    "silent hours of no length": ("silent_hours", {"from": "22:00", "to": "22:00"}, "silent_hours.to"),
    "a siren without a form": ("siren.form", REMOVE),
    "a siren with an empty form": ("siren.form", ""),
    "a siren of 9 s": ("siren.max_s", 9),
    "a siren of 181 s": ("siren.max_s", 181),
    "a siren allowed by 1": ("siren.allowed", 1),
    "an unknown language": ("templates.language", "de"),
    "an unknown zone": ("shop.zone", "Europe/Berlin"),
    "no zone": ("shop.zone", ""),
    "a zone in small letters": ("shop.zone", "europe/paris"),
    "a button that is not there": ("inputs.button", "none"),
    "a foot switch that is true": ("inputs.foot", True),
    "a wait for mains of 0 s": ("inputs.mains_s", 0),
    "a wait for mains of more than an hour": ("inputs.mains_s", 3601),
    "an unknown input": ("inputs.hand", "open"),
    "a foot switch's hold weaker than its double press": ("policy.foot.hold", "help"),
    "a template of 161 characters": ("templates.help", "x" * 161),
    "a template of two lines": ("templates.help", "a\r\nb"),
    "an unknown placeholder": ("templates.help", "{shop} {phone}"),
    "an open brace": ("templates.help", "{shop"),
    "a closed brace": ("templates.help", "shop}"),
    "a brace in a brace": ("templates.help", "{{shop}}"),
}

ENROLMENT: dict[str, Any] = {
    "version": 2,
    "issued": 1_790_000_000,
    "user": "0011223344556677",
    "password": "a-long-password",
    "secret": hashlib.sha256(b"alertbox test vectors: the per-box secret").hexdigest(),
    "ca": "30820101" + "5a" * 257,
    "town": "04" + "6b" * 64,
}
ENROLMENT_VALID: dict[str, tuple[str, Any]] = {
    "no key of the town": ("town", REMOVE),
    "an empty key of the town": ("town", ""),
    "the latest time": ("issued", 0xFFFFFFFF),
    "the longest password": ("password", "x" * 128),
    "a CA of 2048 bytes": ("ca", "5a" * 2048),
}
ENROLMENT_INVALID: dict[str, tuple[str, Any]] = {
    **{f"no {field}": (field, REMOVE) for field in ENROLMENT if field != "town"},
    "an older version": ("version", 1),
    "an unknown field": ("host", "alerte.example.fr"),
    "issued as a text": ("issued", "1790000000"),
    "issued beyond 32 bits": ("issued", 1 << 32),
    "issued before 1970": ("issued", -1),
    "an empty user": ("user", ""),
    "a user of two lines": ("user", "a\nb"),
    "an empty password": ("password", ""),
    "a password of 129 characters": ("password", "x" * 129),
    "a short secret": ("secret", "00" * 31),
    "a secret in capitals": ("secret", "AB" * 32),
    "an empty CA": ("ca", ""),
    "a CA of an odd length": ("ca", "308"),
    "a CA of 2049 bytes": ("ca", "5a" * 2049),
    "a town's key of 64 bytes": ("town", "04" + "6b" * 63),
    "a town's key that is compressed": ("town", "02" + "6b" * 64),
    "a town's key that is null": ("town", None),
}


def changed(document: Any, path: str, value: Any) -> Any:
    """A copy of a document with one field put, or taken away."""
    copied = place = copy.deepcopy(document)
    *way, last = [int(name) if name.isdigit() else name for name in path.split(".")]
    for name in way:
        place = place[name]
    if value is REMOVE:
        del place[last]
    else:
        place[last] = value
    return copied


def rows(full: Any, valid: Any, invalid: Any, changed: Any) -> list[dict]:
    """A vector for each entry of the two tables."""
    found = [{"name": "every field", "document": full, "path": None}]
    found += [{"name": name, "document": changed(full, *put), "path": None} for name, put in valid.items()]
    for name, (path, value, *fault) in invalid.items():
        found.append({"name": name, "document": changed(full, path, value), "path": fault[0] if fault else path})
    found += [
        {"name": f"no object but {value!r}", "document": value, "path": ""}
        for value in (None, True, 2, 2.5, "version", [], [full])
    ]
    return found


def part(document: Any, path: str, value: Any) -> Any:
    """The part of the settings that the path leads into, with one field put, beside the version and nothing else."""
    whole = changed(document, path, value)
    return {name: whole[name] for name in ("version", path.split(".")[0]) if name in whole}


def settings() -> list[dict]:
    return [
        {"name": "nothing but the version", "document": {"version": 2}, "path": None},
        {"name": "no part", "document": {}, "path": "version"},
        *rows(FULL, VALID, INVALID, part),
    ]


def enrolment() -> list[dict]:
    return rows(ENROLMENT, ENROLMENT_VALID, ENROLMENT_INVALID, changed)


FILES = {"settings.json": settings, "enrolment.json": enrolment}


def text_of(name: str) -> str:
    """The text of one vector file as it is checked in: a vector a line."""
    lines = [json.dumps(vector, ensure_ascii=False) for vector in FILES[name]()]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main() -> None:
    for name in FILES:
        (Path(__file__).parent / name).write_text(text_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
