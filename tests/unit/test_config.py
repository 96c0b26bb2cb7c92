"""Settings and enrolment: which documents are right, and what can be done with a right one."""

import json

from box.core import config, config_schema, strict_json

VECTORS = __file__.rsplit("/", 2)[0] + "/vectors/"
DEFAULTS = {
    "version": 2,
    "shop": {"name": "", "address": "", "latitude": None, "longitude": None, "zone": "Europe/Paris"},
    "contacts": [],
    "policy": {
        "button": {"click": "inform", "double": "help", "hold": "alarm"},
        "foot": {"click": "inform", "double": "help", "hold": "alarm"},
        "bip": {"click": "inform", "double": "help", "hold": "alarm"},
        "contacts": {"inform": "box", "help": "box", "alarm": "box"},
    },
    "wifi": [],
    "receiver": {"host": "", "port": 8883, "server_name": ""},
    "lte": {"apn": "", "user": "", "password": "", "pin": ""},
    "bips": [],
    "silent_hours": None,
    "siren": {"allowed": False, "form": "", "max_s": 180},
    "templates": {"language": "fr", "inform": "", "help": "", "alarm": ""},
    "inputs": {"button": "open", "foot": "none", "tamper": "closed", "mains_s": 60},
}
TWO_NETWORKS = {"version": 2, "wifi": [{"ssid": "a", "key": "password-a"}, {"ssid": "b", "key": "password-b"}]}


def vectors(name):
    with open(VECTORS + name + ".json", encoding="utf-8") as file:
        return json.load(file)


_FULL = [json.dumps(vector["document"]) for vector in vectors("settings") if vector["name"] == "every field"][0]


def full():
    return json.loads(_FULL)


def refused(action):
    """The ConfigError that an action ends in; None if it does not."""
    try:
        action()
    except config.ConfigError as error:
        return error
    return None


def path_of(action):
    error = refused(action)
    return error and error.path


# ---- is it right? ----


def test_the_vectors_are_taken_or_refused_at_the_field_they_name():
    for name, check in (("settings", config.check), ("enrolment", config.check_enrolment)):
        for vector in vectors(name):
            assert path_of(lambda: check(vector["document"])) == vector["path"], vector["name"]  # noqa: B023 - at once


def test_a_refusal_names_the_field_and_tells_no_value():
    count = 0
    for vector in vectors("settings"):
        error = refused(lambda: config.check(vector["document"]))  # noqa: B023
        if error:
            count += 1
            text = str(error)
            assert text.startswith(vector["path"] or "the document") and "expected: " in text, text
            assert len(text) < 150, text
    assert count > 90
    secret = refused(lambda: config.check({"version": 2, "wifi": [{"ssid": "a", "key": "geheim!"}]}))
    assert str(secret) == "wifi.0.key has not 8 to 63 characters; expected: the network's key in ASCII, or empty"


def test_every_default_is_right_and_is_what_the_contract_says():
    whole = config.fill(config.default())
    assert whole == DEFAULTS
    config.check(whole)
    for kind in ("contact", "wifi", "bip", "silent"):
        assert [row[0] for row in config_schema.fields(kind)], kind


def test_numbers_beyond_a_float_and_not_a_number_are_refused():
    for value in (float("inf"), -float("inf"), float("nan"), 10**400):
        document = {"version": 2, "shop": {"latitude": value, "longitude": 0}}
        assert path_of(lambda: config.check(document)) == "shop.latitude"  # noqa: B023
    assert path_of(lambda: config.check({"version": 2, "receiver": {"port": 10**40}})) == "receiver.port"


def test_half_a_surrogate_pair_is_no_character():
    assert path_of(lambda: config.check({"version": 2, "shop": {"name": chr(0xD83E)}})) == "shop.name"


# ---- as bytes ----

JSON = (
    (b' {"a" : [1, -2.5, 1E2, 0, true, false, null, "x"] }\r\n', {"a": [1, -2.5, 100.0, 0, True, False, None, "x"]}),
    (b'"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9"', '"\\/\b\f\n\r\t\xe9'),
    ('"\u00e9\u20ac\U0001f98a"'.encode(), "\u00e9\u20ac\U0001f98a"),
    (b'"\\ud83e\\udd8a\\uD83E\\uDD8A"', "\U0001f98a\U0001f98a"),
    (b"[[],{}]", [[], {}]),
    (b"-0", 0),
    (b'"\x7f"', "\x7f"),
)
NO_JSON = (
    b"", b" ", b"{", b"[", b"[1", b'{"a"', b'{"a":', b'{"a":1', b'"', b'"a', b'"\\', b'"\\"', b'"\\u12"', b'"\\u12x4"',
    b'{"a" 1}', b'{"a",1}', b"{1:2}", b"[1 2]", b"[1,]", b"[,1]", b'{"a":1,}', b"{,}", b"[1}", b'{"a":1]', b":1", b",1",
    b"{}{}", b"[] x", b"1 2", b'{"a":1,"a":1}', b"01", b"-", b"+1", b".5", b"1.", b"1e", b"1e+", b"0x1", b"1_0", b"--1",
    b"NaN", b"Infinity", b"-Infinity", b"nan", b"True", b"nul", b"truex", b"'a'", b'"\\x41"', b'"a\nb"', b'"\x00"',
    b'"\\ud83e"', b'"\\ud83ex"', b'"\\ud83e\\u0041"', b'"\\udd8a"', b'"\xff"', b'"\xc3"', b"\xef\xbb\xbf{}", b"\x00{}",
    b"9" * 25, b"[" * 9 + b"]" * 9, b"[" * 2000, b'{"a":' * 2000, b"/**/1", b"1//",
)  # fmt: skip


def test_json_is_read_as_it_is_written():
    for data, value in JSON:
        assert strict_json.loads(data) == value, data
    assert type(strict_json.loads(b"1")) is int and type(strict_json.loads(b"1.0")) is float
    assert strict_json.loads(b"[" * 8 + b"]" * 8)


def test_what_is_no_json_is_refused():
    for data in NO_JSON:
        assert path_of(lambda: config.decode(data)) == "", data  # noqa: B023


def test_a_document_has_at_most_8192_bytes():
    assert config.decode(b" " * 8190 + b"{}") == {}
    assert path_of(lambda: config.decode(b" " * 8191 + b"{}")) == ""
    assert path_of(lambda: config.encode({"version": 2, "shop": {"name": "x" * 8192}})) == ""


def test_a_document_is_the_same_after_storing():
    assert config.decode(config.encode(full())) == full()


# ---- fields by path ----


def test_a_field_is_got_by_its_path_or_its_default():
    document = full()
    for path, value in (
        ("contacts.1.number", "+33388123456"),
        ("contacts.2.takeover", True),
        ("policy.contacts.help", "both"),
        ("bips.0.policy", None),
        ("bips.1.policy.click", "alarm"),
        ("receiver.port", 8883),
        ("version", 2),
        ("wifi.1", {"ssid": "Café été", "key": ""}),
    ):
        assert config.get(document, path) == value, path
    assert config.get({"version": 2}, "") == DEFAULTS
    for path in (
        "shop.colour",
        "contacts.3",
        "contacts.-1",
        "contacts.x",
        "contacts.²",
        "bips.0.policy.click",
        ".",
        "shop.",
    ):
        assert path_of(lambda: config.get(document, path)) == path  # noqa: B023


def test_putting_a_field_makes_a_new_document_and_leaves_the_old():
    old = full()
    new = config.put(old, "contacts.1.number", "+33612000000")
    assert old == full() and config.diff(old, new) == ["contacts.1.number"]
    assert config.get(new, "contacts.1.number") == "+33612000000"


def test_a_field_can_be_put_where_no_part_is_yet():
    for path, value in (
        ("policy.button.click", "help"),
        ("wifi.0", {"ssid": "a"}),
        ("wifi.0.ssid", "a"),
        ("siren.max_s", 30),
        ("shop", {"name": "a"}),
    ):
        document = config.put(config.default(), path, value)
        config.check(document)
        found = config.get(document, path)
        assert found == value or all(found[name] == value[name] for name in value), path


def test_items_are_added_at_the_end_replaced_and_taken_out_by_null():
    document = full()
    one = {"name": "x", "number": "+33600000000", "rank": 4}
    assert config.put(document, "contacts.3", one)["contacts"] == document["contacts"] + [one]
    assert config.put(document, "contacts.0", one)["contacts"] == [one] + document["contacts"][1:]
    assert config.put(document, "contacts.1", None)["contacts"] == [document["contacts"][0], document["contacts"][2]]
    for path in ("contacts.4", "contacts.-1", "contacts.name", "contacts.99999", "contacts.0.name.x"):
        assert path_of(lambda: config.put(document, path, one)) == path  # noqa: B023
    assert path_of(lambda: config.put(document, "contacts.3", None)) == "contacts.3"


def test_null_is_a_value_outside_a_list():
    assert config.put(full(), "silent_hours", None)["silent_hours"] is None
    assert config.put(full(), "bips.1.policy", None)["bips"][1]["policy"] is None


def test_a_field_goes_back_to_its_default():
    document = full()
    assert config.get(config.reset(document, "siren.max_s"), "siren.max_s") == 180
    assert config.get(config.reset(document, "policy"), "policy.bip.click") == "inform"
    assert len(config.reset(document, "contacts.0")["contacts"]) == 2
    assert config.reset(document, "") == config.default()
    assert config.diff(config.default(), config.reset(config.default(), "shop.name")) == []
    assert path_of(lambda: config.reset(document, "shop.colour")) == "shop.colour"


def test_differences_are_paths_in_the_order_of_the_fields():
    old, new = full(), full()
    new["templates"]["alarm"] = "{shop}"
    new["version"] = 2
    new["contacts"][2]["rank"] = 4
    new["contacts"].pop(1)
    new["shop"]["name"] = "Tabac"
    del new["siren"]
    assert config.diff(old, new) == [
        "shop.name",
        "contacts.1.name",
        "contacts.1.number",
        "contacts.1.by",
        "contacts.1.rank",
        "contacts.1.takeover",
        "contacts.1.quiet",
        "contacts.2",
        "siren.allowed",
        "siren.form",
        "siren.max_s",
        "templates.alarm",
    ]
    assert config.diff(config.default(), DEFAULTS) == [] and config.diff(DEFAULTS, config.default()) == []


# ---- secrets ----


def test_an_export_has_null_for_each_secret_and_shows_none():
    shown = config.redact(full())
    assert shown["wifi"] == [{"ssid": "boutique", "key": None}, {"ssid": "Café été", "key": ""}]
    assert shown["lte"] == {"apn": "iot.example", "user": "box", "password": None, "pin": None}
    assert [bip["key"] for bip in shown["bips"]] == [None, None]
    text = json.dumps(shown)
    for secret in ("correct horse", "p@ss word", '"1234"', "00112233445566778899aabbccddeeff", "ffeeddcc"):
        assert secret not in text
    assert config.redact(config.default()) == config.default()


def test_an_import_with_nulls_keeps_the_secrets_of_the_box():
    assert config.merge_secrets(config.redact(full()), full()) == full()
    turned = {"version": 2, "wifi": [{"ssid": "b", "key": None}, {"ssid": "a", "key": "a new key"}]}
    merged = config.merge_secrets(turned, TWO_NETWORKS)
    assert merged["wifi"] == [{"ssid": "b", "key": "password-b"}, {"ssid": "a", "key": "a new key"}]
    assert turned["wifi"][0]["key"] is None


def test_an_import_with_a_null_that_the_box_does_not_know_is_refused():
    for part, path in (
        ({"wifi": [{"ssid": "c", "key": None}]}, "wifi.0.key"),
        ({"wifi": [{"key": None}]}, "wifi.0.key"),
        ({"lte": {"pin": None}}, "lte.pin"),
        ({"bips": [{"mac": "a4c138000001", "key": None}]}, "bips.0.key"),
    ):
        assert path_of(lambda: config.merge_secrets(part, TWO_NETWORKS)) == path  # noqa: B023
        assert path_of(lambda: config.merge_secrets(part, config.default())) == path  # noqa: B023


def test_secrets_are_merged_into_any_nonsense_without_harm():
    for part in (None, 1, "x", [], {"wifi": 1}, {"wifi": [None, 2, [], {}]}, {"lte": []}, {"lte": None}, {"bips": {}}):
        assert config.merge_secrets(part, full()) == part


# ---- older versions ----


def test_an_older_version_is_brought_up_step_by_step():
    config._STEPS[-1] = lambda document: {"version": 0, "shop": {"name": document["shop"]}}
    config._STEPS[0] = lambda document: {"version": 2, "shop": document["shop"]}
    try:
        assert config.migrate({"version": -1, "shop": "Tabac"}) == {"version": 2, "shop": {"name": "Tabac"}}
    finally:
        config._STEPS.clear()
    for document in ({"version": 2}, {"version": 3}, {"version": 1}, {}, None, []):
        assert config.migrate(document) == document


def test_version_1_without_its_fields_is_refused():
    account = {
        "issued": 1,
        "host": "h",
        "port": 1,
        "server_name": "s",
        "user": "u",
        "password": "p",
        "secret": "00" * 32,
    }
    account["wifi"] = ["shop", "key of shop"]
    config.from_version_1(account, b"ca")
    for name in account:
        less = {field: account[field] for field in account if field != name}
        assert path_of(lambda: config.from_version_1(less, b"ca")) == ""  # noqa: B023
    for wrong in (None, [], 1, "x"):
        assert path_of(lambda: config.from_version_1(wrong, b"ca")) == ""  # noqa: B023
    assert path_of(lambda: config.from_version_1(account, b"")) == "ca"
    account["wifi"] = ["shop", "short"]
    assert path_of(lambda: config.from_version_1(account, b"ca")) == "wifi.0.key"


# ---- properties ----


def case_any_document_is_right_or_a_config_error(document):
    errors = [refused(lambda: check(document)) for check in (config.check, config.check_enrolment)]  # noqa: B023
    merged = path_of(lambda: config.merge_secrets(document, full()))
    return [[error.path, str(error)] if error else None for error in errors] + [merged]


def case_a_right_document_stays_right_and_the_same(document):
    if refused(lambda: config.check(document)):
        return None
    whole = config.fill(document)
    config.check(whole)
    assert config.fill(whole) == whole
    assert config.diff(document, document) == config.diff(document, whole) == config.diff(whole, document) == []
    assert config.merge_secrets(config.redact(document), document) == document
    assert config.decode(config.encode(document)) == document
    changes = config.diff(config.default(), document)
    for path in changes:
        assert config.diff(document, config.put(document, path, config.get(document, path))) == []
        less = config.reset(document, path)
        assert path.split(".")[0] in [change.split(".")[0] for change in config.diff(document, less)]
    return changes


def case_any_path_is_a_field_or_a_config_error(data):
    path, value = data
    results = []
    for action in (
        lambda: config.get(full(), path),
        lambda: config.reset(full(), path),
        lambda: config.check(config.put(full(), path, value)),
    ):
        results.append(path_of(action))
    return results


def case_any_text_is_json_or_refused(text):
    try:
        return [strict_json.loads(text.encode())]
    except strict_json.JsonError:
        return None
