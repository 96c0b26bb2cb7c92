"""Are these settings, is this an enrolment? Whole, field by field, with a sentence for people about the first fault.

Pure. The fields are the table in config_schema.py; here is what the words of its types mean, and what concerns several
fields at once.
"""

# A generator's type has a name in the module typing only, which MicroPython has not: generators go without.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls

from box.core import config_schema, hours
from box.core.steps import finish

DIGITS = "0123456789"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_STRENGTHS = ("inform", "help", "alarm")  # the weaker first
_ONCE = {"contact": ("number", "rank"), "wifi": ("ssid",), "bip": ("id", "mac")}  # no two items of a list have the same


class ConfigError(ValueError):
    """A document that cannot be taken, or a path into none. `path`: where; the text is a sentence for a person."""

    def __init__(self, path: str, sentence: str):
        super().__init__(sentence)
        self.path = path


def check(document: object) -> None:
    """Raise ConfigError unless these are settings, right in every field."""
    finish(check_steps(document))


def check_steps(document: object):
    """`check` in steps, one for each object in it."""
    yield from _check_object(document, "settings", "", "settings")


def check_enrolment(document: object) -> None:
    """Raise ConfigError unless this is an enrolment, right in every field."""
    finish(check_enrolment_steps(document))


def check_enrolment_steps(document: object):
    yield from _check_object(document, "enrolment", "", "an enrolment")


def join(path: str, name: object) -> str:
    return "%s.%s" % (path, name) if path else str(name)


def _wrong(path: str, fault: str, about: str) -> ConfigError:
    return ConfigError(path, "%s %s; expected: %s" % (path or "the document", fault, about))


def _check_object(value: object, kind: str, path: str, about: str):
    if not isinstance(value, dict):
        raise _wrong(path, "is no object", about)
    rows = config_schema.fields(kind)
    known = {row[0]: row for row in rows}
    for name in sorted(value):  # MicroPython's dicts have no order, and which fault is named must not depend on it
        if name not in known:
            raise _wrong(join(path, name), "is unknown here", "one of " + ", ".join([row[0] for row in rows]))
    for row in rows:
        place = join(path, row[0])
        if row[0] in value:
            yield from _check_field(value[row[0]], row, place)
        elif row[4] == "!":
            raise _wrong(place, "is missing", row[5])
    rule = _RULES.get(kind)
    wrong = rule({row[0]: value.get(row[0], config_schema.default_of(row)) for row in rows}) if rule else ""
    yield
    if wrong:
        raise _wrong(join(path, wrong), "does not fit the rest", known[wrong][5])


def _check_field(value: object, row: list, path: str):
    _, kind, low, high, absent, about = row
    if kind[-1] == "?" and value is None:
        return
    if kind[0] == ">":
        yield from _check_object(value, kind.strip(">?"), path, about)
    elif kind[-1] == "*":
        yield from _check_list(value, kind[:-1], int(high), path, about)
    elif value != "" or absent != '""':
        fault = _fault(value, kind.rstrip("?"), low, high)
        if fault:
            raise _wrong(path, fault, about)


def _check_list(value: object, kind: str, longest: int, path: str, about: str):
    if not isinstance(value, list):
        raise _wrong(path, "is no list", about)
    if len(value) > longest:
        raise _wrong(path, "has more than %d items" % longest, about)
    for i, item in enumerate(value):
        yield from _check_object(item, kind, join(path, i), "one of " + about)
        for name in _ONCE[kind]:
            if item[name] in [other[name] for other in value[:i]]:
                raise _wrong("%s.%d.%s" % (path, i, name), "is there twice", "another one in each item")


def _fault(value: object, field: str, low: str, high: str) -> str:
    """What is wrong with a number or a text; nothing is the empty text. A bool is no number here."""
    if field == "flag":
        return "" if type(value) is bool else "is not true or false"
    if field in ("whole", "degrees"):
        if not (type(value) is int or (type(value) is float and field == "degrees")):
            return "is no number" if field == "degrees" else "is no whole number"
        return "" if int(low) <= value <= int(high) else "is not " + _range(low, high)
    if not isinstance(value, str):
        return "is no text"
    if "|" in field:
        return "" if value in field.split("|") else "is none of " + field.replace("|", ", ")
    size = _bytes_of_line(value)
    if size < 0:
        return "has a control character"
    if field != "bytes":
        size = len(value)
    if not int(low) <= size <= int(high):
        return "has not %s %s" % (_range(low, high), "bytes" if field == "bytes" else "characters")
    return "" if field not in _FORMS or _FORMS[field](value) else "has not the right form"


def _range(low: str, high: str) -> str:
    return low if low == high else "%s to %s" % (low, high)


def _bytes_of_line(text: str) -> int:
    """Bytes of UTF-8; -1 if there is a control character, or what is no character: half a surrogate pair."""
    try:
        data = text.encode()
    except ValueError:
        return -1
    if len(data) == len(text):  # ASCII
        return -1 if data and (min(data) < 0x20 or 0x7F in data) else len(data)
    size = 0
    for character in text:
        code = ord(character)
        if code < 0x20 or 0x7F <= code < 0xA0 or 0x2028 <= code <= 0x2029 or 0xD800 <= code < 0xE000:
            return -1
        size += 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
    # MicroPython lets UTF-8 in that is longer than it need be.
    return size if size == len(data) else -1


def _is_template(text: str) -> bool:
    for name in ("shop", "address", "time", "map", "code"):
        text = text.replace("{%s}" % name, ".")
    return "{" not in text and "}" not in text


# A text of the right length, never an empty one, is of this form:
_FORMS: dict = {
    "ascii": lambda text: max(text) <= "~",
    "quotable": lambda text: max(text) <= "~" and '"' not in text,
    "digits": lambda text: not text.strip(DIGITS),
    "hex": lambda text: not text.strip(DIGITS + "abcdef") and not len(text) % 2,
    "host": lambda text: not text.strip(DIGITS + _LETTERS + "._-"),
    "phone": lambda text: text[0] == "+" and text[1] != "0" and not text[1:].strip(DIGITS),
    "hour": lambda text: (
        text[2] == ":" and not (text[:2] + text[3:]).strip(DIGITS) and text[:2] < "24" and text[3:] < "60"
    ),
    "template": _is_template,
    "zone": lambda text: text in hours.zones(),
}


def _weaker(values: dict) -> str:
    click, double, hold = [_STRENGTHS.index(values[name]) for name in ("click", "double", "hold")]
    return "double" if double < click else "hold" if hold < double else ""


def _half_a_place(values: dict) -> str:
    if (values["latitude"] is None) == (values["longitude"] is None):
        return ""
    return "latitude" if values["latitude"] is None else "longitude"


# The field that does not fit the others of an object, or an empty text.
_RULES: dict = {
    "gestures": _weaker,
    "shop": _half_a_place,
    "silent": lambda values: "to" if values["to"] == values["from"] else "",
    "siren": lambda values: "form" if values["allowed"] and not values["form"] else "",
    "bip": lambda values: "policy" if values["policy"] and not values["key"] else "",
    "enrolment": lambda values: "town" if values["town"] and values["town"][:2] != "04" else "",
}
