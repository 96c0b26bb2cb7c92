"""The settings and the enrolment: defaults, fields by path, what differs, secrets, and what older versions stored.

Pure. A document is what JSON holds, and sparse: a field that is absent has its default. Only what `check` has passed is
*right*; a function that takes a right document does not look again. Nothing here changes a document in place.
A path names a field, as `contacts.0.number`; the empty path is the whole document.
"""

# A generator's type has a name in the module typing only, which MicroPython has not: generators go without.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls

import json

from box.core import config_schema, strict_json
from box.core.config_check import (
    DIGITS,
    ConfigError,
    check,
    check_enrolment,
    join,
)
from box.core.steps import finish

VERSION = 2
LONGEST = 8192  # bytes of a document

_ABSENT = object()
# A part, what tells its items apart if it is a list, and its secrets.
_SECRETS = (("wifi", "ssid", ("key",)), ("lte", "", ("password", "pin")), ("bips", "mac", ("key",)))
# {version: what makes the next version's settings of it}. Version 1 had no settings of their own: `from_version_1`.
_STEPS: dict = {}


def default() -> dict:
    """The settings of a box that has none."""
    return {"version": VERSION}


# ---- as bytes ----


def decode(data: bytes) -> object:
    """The document that bytes hold, not checked yet. Raises ConfigError if they are no JSON, or too many."""
    return finish(decode_steps(data))


def decode_steps(data: bytes):
    if len(data) > LONGEST:
        raise ConfigError("", "the document is too long; it may have %d bytes" % LONGEST)
    try:
        return (yield from strict_json.steps(data))
    except strict_json.JsonError as error:
        raise ConfigError("", "the document is no JSON: %s" % error)


def encode(document: dict) -> bytes:
    """Bytes for a right document. Raises ConfigError if they are too many."""
    data = json.dumps(document, separators=(",", ":")).encode()
    if len(data) > LONGEST:
        raise ConfigError("", "the document is too long; shorten its texts until it has %d bytes" % LONGEST)
    return data


# ---- defaults ----


def _inner(row: list) -> str:
    """The kind of object that a field holds one or several of."""
    return str(row[1]).strip(">?*")


def fill(document: dict, kind: str = "settings") -> dict:
    """A right document, or an object of this kind out of one, with every default put in."""
    whole = {}
    for row in config_schema.fields(kind):
        value = document.get(row[0], config_schema.default_of(row))
        if isinstance(value, dict):
            value = fill(value, _inner(row))
        elif isinstance(value, list):
            value = [fill(item, _inner(row)) for item in value]
        whole[row[0]] = value
    return whole


def diff(old: dict, new: dict) -> list:
    """The paths of what differs between two right documents, defaults included, in the order of the fields."""
    found: list = finish(diff_steps(old, new))
    return found


def diff_steps(old: dict, new: dict):
    found: list = []
    yield from _differences(found, old, new, "settings", "")
    return found


def _differences(found: list, old: object, new: object, kind: str, path: str):
    if old == new:
        return
    yield
    if isinstance(old, dict) and isinstance(new, dict):
        for row in config_schema.fields(kind):
            one, other = [document.get(row[0], config_schema.default_of(row)) for document in (old, new)]
            yield from _differences(found, one, other, _inner(row), join(path, row[0]))
    elif isinstance(old, list) and isinstance(new, list):
        for i in range(max(len(old), len(new))):
            one, other = [items[i] if i < len(items) else None for items in (old, new)]
            yield from _differences(found, one, other, kind, join(path, i))
    else:
        found.append(path)


# ---- one field ----


def get(document: dict, path: str) -> object:
    """The field of a right document, or its default. Raises ConfigError if there is none of this path."""
    value: object = fill(document)
    for name in path.split(".") if path else ():
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and 0 <= _index(name) < len(value):
            value = value[_index(name)]
        else:
            raise _no_field(path)
    return value


def put(document: dict, path: str, value: object) -> dict:
    """A new document with this field; nothing is checked. The place after a list's last adds an item; None in a list's
    place takes the item out. Raises ConfigError if the path leads nowhere."""
    return _put(document, path.split(".") if path else [], value, path)  # type: ignore[return-value]


def _put(place: object, names: list, value: object, path: str) -> object:
    if not names:
        return value
    name = names[0]
    if isinstance(place, list):
        index = _index(name)
        last = index == len(place)
        if not 0 <= index <= len(place) or (last and value is None):
            raise _no_field(path)
        item = _put({} if last else place[index], names[1:], value, path)
        return place[:index] + ([] if item is None or item is _ABSENT else [item]) + place[index + 1 :]
    if not isinstance(place, dict):
        raise _no_field(path)
    changed = dict(place)
    inner = place.get(name)
    if inner is None:
        inner = [] if len(names) > 1 and _index(names[1]) >= 0 else {}
    inner = _put(inner, names[1:], value, path)
    if inner is _ABSENT:
        changed.pop(name, None)
    else:
        changed[name] = inner
    return changed


def reset(document: dict, path: str) -> dict:
    """A new document with this field at its default, or without this item of a list. Raises ConfigError as `get`."""
    get(document, path)
    return put(document, path, _ABSENT) if path else default()


def _index(name: str) -> int:
    """The place in a list that a path's name means; -1 if it means none."""
    return int(name) if 0 < len(name) < 3 and not name.strip(DIGITS) else -1


def _no_field(path: str) -> ConfigError:
    return ConfigError(path, "%s is no field; `get` an empty path to see all of them" % path)


# ---- secrets ----


def redact(document: dict) -> dict:
    """A right document with None for each secret; an empty one, as of an open network, hides nothing and stays."""
    copied: dict = _copy(document)  # type: ignore[assignment]
    for _, _, _, item, name in _secrets(copied):
        item[name] = None if item[name] else ""
    return copied


def merge_secrets(new: object, old: dict) -> object:
    """`new`, not checked yet, with each secret that is None as it is in the right document `old`.

    Networks are told apart by ssid, bips by mac. Raises ConfigError if `old` has no such secret.
    """
    if not isinstance(new, dict):
        return new
    copied: dict = _copy(new)  # type: ignore[assignment]
    for path, part, identity, item, name in _secrets(copied):
        if item[name] is None:
            for _, _, _, known, _ in [row for row in _secrets(old) if row[1] == part and row[4] == name]:
                if not identity or known[identity] == item.get(identity):
                    item[name] = known[name] or None
            if item[name] is None:
                raise ConfigError(path, "%s is null, and this box has none to keep; give it" % path)
    return copied


def _secrets(document: dict) -> list:
    """(path, part, what tells items apart, the object it is in, its name) of each secret, in a wrong document too."""
    found = []
    for part, identity, names in _SECRETS:
        value = document.get(part)
        items = [value] if not identity else value if isinstance(value, list) else []
        for i, item in enumerate(items):
            for name in names if isinstance(item, dict) else ():
                if name in item:
                    place = join(part, i) if identity else part
                    found.append((join(place, name), part, identity, item, name))
    return found


def _copy(value: object) -> object:
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


# ---- older versions ----


def migrate(document: object) -> object:
    """Settings of any version as settings of this one; what has no known version stays, for `check` to refuse."""
    while isinstance(document, dict) and document.get("version") in _STEPS:
        document = _STEPS[document["version"]](document)
    return document


def from_version_1(account: object, ca: bytes) -> tuple:
    """(settings, enrolment) out of version 1's enrolment and CA certificate, both right. Raises ConfigError.

    The town's key did not exist: such a box cannot be locked before it is enrolled again.
    """
    try:
        ssid, key = account["wifi"]  # type: ignore[index]
        settings = default()
        settings["wifi"] = [{"ssid": ssid, "key": key}]
        settings["receiver"] = {name: account[name] for name in ("host", "port", "server_name")}  # type: ignore[index]
        if account.get("siren") is True:  # type: ignore[attr-defined]
            settings["siren"] = {"allowed": True, "form": "of version 1"}
        enrolment = {name: account[name] for name in ("issued", "user", "password", "secret")}  # type: ignore[index]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError("", "the enrolment of version 1 has not its fields: %s" % error)
    enrolment["version"] = VERSION
    enrolment["ca"] = ca.hex()
    check(settings)
    check_enrolment(enrolment)
    return settings, enrolment
