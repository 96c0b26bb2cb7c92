"""The run on the box, against one that may forget: nothing is written too early, and what is written is proved."""

import json
from typing import Any

import pytest
from alertbox.contract.settings import Settings, default
from alertbox.errors import UserError
from alertbox.provision import writing
from alertbox.town.invites import Enrolled
from provision_box import BOX, ProvisionBox

SHOP = default().changed("shop", {"name": "Tabac"})
RECEIVER = {"host": "alertes.example", "port": 8883, "server_name": "alertes.example"}


class Technician:
    certificate = b"certificate"

    def sign(self, data: bytes, /) -> bytes:
        return bytes(64)


def receiver_takes(box: str) -> Any:
    return lambda public, name: Enrolled({"version": 2, "user": box}, RECEIVER, box)


def test_a_box_is_found_with_its_settings_and_their_secrets_left_out():
    found = writing.meet(ProvisionBox({"version": 2, "wifi": [{"ssid": "a", "key": "motdepasse"}]}), None)
    assert (found.box, found.enrolled, found.settings.wifi[0].key) == (BOX, False, None)


def test_a_locked_box_wants_a_technician_before_anything_is_read():
    with pytest.raises(UserError) as refused:
        writing.meet(ProvisionBox(locked=True), None)
    assert refused.value.key == "provision-locked"
    assert writing.meet(ProvisionBox(locked=True), Technician()).locked


def test_a_given_secret_that_the_box_has_already_is_no_change():
    box = ProvisionBox({"version": 2, "wifi": [{"ssid": "a", "key": "motdepasse"}, {"ssid": "b", "key": "motdepasse"}]})
    held = writing.meet(box, None).settings

    def news(*wifi: tuple[str, str | None]) -> list[str | None]:
        settings = held.changed("wifi", [{"ssid": ssid, "key": key} for ssid, key in wifi])
        return [network.key for network in writing.keep_known_secrets(box, held, settings).wifi]

    assert news(("a", "motdepasse"), ("b", None)) == [None, None]
    assert news(("a", "motdepasse"), ("b", "unautremot")) == [None, "unautremot"]
    # Told apart by their place at the box, so a moved one stays as it was given.
    assert news(("b", "motdepasse"), ("a", "motdepasse")) == ["motdepasse", "motdepasse"]
    assert box.done == []


def test_a_fingerprint_that_does_not_belong_to_the_key_is_refused():
    box = ProvisionBox()
    box.identity["box"] = "0" * 16
    with pytest.raises(UserError) as refused:
        writing.meet(box, None)
    assert refused.value.key == "provision-odd-identity"


def test_settings_of_an_unknown_version_are_one_sentence():
    with pytest.raises(UserError) as refused:
        writing.meet(ProvisionBox({"version": 3}), None)
    assert refused.value.key == "provision-box-settings"


def test_a_receiver_that_took_another_box_ends_it():
    found = writing.meet(ProvisionBox(), None)
    assert writing.enrol(found, receiver_takes(BOX), "Tabac").fingerprint == BOX
    with pytest.raises(UserError) as refused:
        writing.enrol(found, receiver_takes("f" * 16), "Tabac")
    assert refused.value.key == "provision-fingerprints-differ"


def test_settings_are_written_before_the_enrolment_and_read_back_alike():
    box = ProvisionBox()
    enrolled = receiver_takes(BOX)("", "")
    settings = writing.with_receiver(SHOP, enrolled)
    writing.write(box, settings, enrolled)
    writing.restart(box, None)
    assert box.done == ["commit settings", "commit enrolment", "restart"]
    assert box.settings["receiver"] == {"host": "alertes.example", "server_name": "alertes.example"}
    assert writing.differences(settings, box) == []


def test_a_box_that_lost_something_is_named_with_the_field():
    box = ProvisionBox()
    box.forgets = "shop"
    writing.write(box, SHOP, None)
    writing.restart(box, None)
    assert [change.path for change in writing.differences(SHOP, box)] == [("shop", "name")]


def test_a_locked_box_is_unlocked_again_after_the_restart():
    box = ProvisionBox(locked=True)
    writing.meet(box, Technician())
    writing.restart(box, Technician())
    assert box.unlocked


def test_a_kept_secret_stays_in_the_box():
    box = ProvisionBox({"version": 2, "wifi": [{"ssid": "a", "key": "motdepasse"}], "lte": {"pin": "1234"}})
    held = writing.meet(box, None).settings
    writing.write(box, held.changed("shop", {"name": "Tabac"}), None)
    assert (box.settings["wifi"][0]["key"], box.settings["lte"]["pin"]) == ("motdepasse", "1234")


def test_a_document_goes_out_compact_and_with_its_accents():
    sent: dict[str, bytes] = {}

    class Line(ProvisionBox):
        def put(self, name: str, data: bytes, progress: object = None) -> None:
            sent[name] = data
            super().put(name, data)

    settings = default().changed("shop", {"name": "Café"})
    writing.write(Line(), settings, None)
    assert sent["settings"] == '{"version":2,"shop":{"name":"Café"}}'.encode()
    assert Settings.read(json.loads(sent["settings"])) == settings


def test_a_test_alert_ends_with_received_or_with_a_sentence_after_its_time():
    box = ProvisionBox()
    box.delivery = ["waiting", "waiting", "received"]
    waited: list[float] = []
    writing.try_alert(box, 60, lambda: sum(waited), waited.append)
    assert len(waited) == 2
    box.delivery = ["waiting"]
    with pytest.raises(UserError) as lost:
        writing.try_alert(box, 60, lambda: sum(waited), waited.append)
    assert lost.value.key == "provision-test-lost"
    assert 60 <= sum(waited) < 63
