"""The host's own check of the settings, against the vectors that the box is held to, and what differs for people."""

import json
from pathlib import Path

import pytest
from alertbox import texts
from alertbox.contract.settings import Settings, SettingsRefused, default, diff, known, label, masked

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "settings.json").read_text())
FULL = next(vector["document"] for vector in VECTORS if vector["name"] == "every field")


def full(**parts: object) -> Settings:
    return Settings.read({**FULL, **parts})


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_document_is_taken_or_its_field_named_as_the_vectors_say(vector):
    if vector["path"] is None:
        assert Settings.read(vector["document"]).version == 2
        return
    with pytest.raises(SettingsRefused) as refused:
        Settings.read(vector["document"])
    assert [problem.dotted for problem in refused.value.problems] == [vector["path"]]


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_refusal_of_the_vectors_is_a_sentence(language, monkeypatch):
    monkeypatch.setattr(texts, "_chosen", language)
    for vector in VECTORS:
        if vector["path"] is not None:
            with pytest.raises(SettingsRefused) as refused:
                Settings.read(vector["document"])
            assert str(refused.value).endswith("."), str(refused.value)


def test_all_faults_of_a_document_are_named_at_once():
    with pytest.raises(SettingsRefused) as refused:
        full(shop={"name": "x" * 61, "phone": "1"}, receiver={"port": 0})
    assert {problem.dotted for problem in refused.value.problems} == {"shop.name", "shop.phone", "receiver.port"}


def test_a_document_comes_back_as_it_was():
    assert Settings.read(full().document()) == full()
    assert default().document() == {"version": 2}


def test_a_null_for_a_secret_is_for_exports_only():
    wifi = [{"ssid": "boutique", "key": None}]
    with pytest.raises(SettingsRefused):
        full(wifi=wifi)
    assert Settings.read({**FULL, "wifi": wifi}, export=True).wifi[0].key is None


def test_a_changed_number_is_one_change_of_that_contact():
    contacts = [dict(contact) for contact in FULL["contacts"]]
    contacts[1]["number"] = "+33388123457"
    changes = diff(full(), full(contacts=contacts))
    assert [(change.path, change.old, change.new) for change in changes] == [
        (("contacts", 1, "number"), "+33388123456", "+33388123457")
    ]


def test_a_removed_contact_is_one_change_and_none_of_those_below():
    changes = diff(full(), full(contacts=FULL["contacts"][1:]))
    assert [(change.path, change.new) for change in changes] == [(("contacts", 0), None)]


def test_the_order_in_the_document_is_no_change_of_contacts_but_is_of_networks():
    assert diff(full(), full(contacts=FULL["contacts"][::-1])) == []
    changes = diff(full(), full(wifi=FULL["wifi"][::-1]))
    assert [(change.path, change.new) for change in changes] == [(("wifi",), ["Café été", "boutique"])]


def test_a_secret_that_is_kept_is_no_change_and_one_that_is_written_is():
    held = masked(full())
    assert diff(held, held) == []
    changes = diff(held, Settings.read({**held.document(), "lte": {**FULL["lte"], "password": None}}, export=True))
    assert [(change.path, change.secret) for change in changes] == [(("lte", "pin"), True)]


def test_masked_settings_hold_no_secret():
    text = json.dumps(masked(full()).document())
    assert not [
        secret for secret in ("correct horse", "p@ss word", "1234", FULL["bips"][0]["key"]) if f'"{secret}"' in text
    ]


def test_every_field_has_a_name_for_people_in_both_languages(monkeypatch):
    def paths(at: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [path for name in known(at) for path in [(*at, name), *paths((*at, name))]]

    for language in texts.LANGUAGES:
        monkeypatch.setattr(texts, "_chosen", language)
        for path in paths(()):
            if path != ("version",):
                assert f"provision-field-{'-'.join(path)}" in texts.catalogue(language)
    assert label(("contacts", 1, "number")) == "Contact 2, numéro"
