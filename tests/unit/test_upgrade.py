"""What earlier versions stored opens under this one, and stores that do not pass are told from those that are blank."""

import json
import os

from bip_packets import bound
from box import log
from box.core import config
from box.core.gesture import HOLD
from box.errors import StorageError
from box.storage import documents
from box.storage.bip_counters import BipCounters
from box.storage.documents import EnrolmentStore, Settings, take_over
from box.storage.slots import Slots
from virtual.nor import BLOCK, NorFlash

SAMPLES = __file__.rsplit("/", 2)[0] + "/upgrade/"
FOLDER = "build/upgrade-test-"
SETTINGS, ENROLMENT = FOLDER + "settings", FOLDER + "enrolment"
OLD = (FOLDER + "enrolment.json", FOLDER + "ca.der")

log.now = lambda: 0  # the chip's clock is not there under CPython


def content(path):
    with open(path, "rb") as file:
        return file.read()


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


def exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def fresh():
    """Both stores, blank, and none of version 1's files."""
    for path in (SETTINGS + ".a", SETTINGS + ".b", ENROLMENT + ".a", ENROLMENT + ".b") + OLD:
        if exists(path):
            os.remove(path)
    return Settings(Slots(SETTINGS)), EnrolmentStore(Slots(ENROLMENT))


def put_version_1():
    put(OLD[0], content(SAMPLES + "1/enrolment.json"))
    put(OLD[1], content(SAMPLES + "1/ca.der"))


def fails(action):
    try:
        action()
    except StorageError as error:
        return str(error)
    return None


VERSION_1 = {
    "version": 2,
    "wifi": [{"ssid": "Café de la Gare", "key": "correct horse"}],
    "receiver": {"host": "192.0.2.7", "port": 8883, "server_name": "alerte.example.fr"},
    "siren": {"allowed": True, "form": "of version 1"},
}


def test_version_1_becomes_settings_and_an_enrolment():
    settings, enrolment = fresh()
    put_version_1()
    take_over(settings, enrolment, FOLDER)
    assert settings.load() == VERSION_1
    found = enrolment.load()
    old = json.loads(content(SAMPLES + "1/enrolment.json"))
    assert (found.issued, found.user, found.password) == (old["issued"], old["user"], old["password"])
    assert found.secret == bytes.fromhex(old["secret"]) and found.ca == content(SAMPLES + "1/ca.der")
    assert found.town is None
    assert not exists(OLD[0]) and not exists(OLD[1])


def test_taking_over_again_changes_nothing():
    settings, enrolment = fresh()
    take_over(settings, enrolment, FOLDER)
    assert settings.load() == config.default() and enrolment.load() is None
    put_version_1()
    take_over(settings, enrolment, FOLDER)
    mine = config.put(settings.load(), "shop.name", "Tabac")
    settings.save(mine)
    put_version_1()  # as after a power cut before they were removed
    take_over(settings, enrolment, FOLDER)
    assert settings.load() == mine and not exists(OLD[0])


def test_a_damaged_version_1_is_an_error_and_stays():
    settings, enrolment = fresh()
    for account in (b"", b"{", b'{"version": 1}', content(SAMPLES + "1/enrolment.json")[:-2]):
        put_version_1()
        put(OLD[0], account)
        assert "enrol this box again" in fails(lambda: take_over(settings, enrolment, FOLDER))
        assert exists(OLD[0]) and settings.load() == config.default() and enrolment.load() is None
    put_version_1()
    os.remove(OLD[1])
    assert "ca" in fails(lambda: take_over(settings, enrolment, FOLDER))


def test_version_2_opens():
    settings, enrolment = Settings(Slots(SAMPLES + "2/settings")), EnrolmentStore(Slots(SAMPLES + "2/enrolment"))
    with open(__file__.rsplit("/", 2)[0] + "/vectors/settings.json", encoding="utf-8") as file:
        full = [vector["document"] for vector in json.load(file) if vector["name"] == "every field"][0]
    del full["bips"][1]["kind"]  # there was none yet
    assert settings.load() == full
    assert settings.load()["shop"]["latitude"] == 48.5846
    found = enrolment.load()
    assert found.user == "0011223344556677" and len(found.secret) == 32 and len(found.town) == 65


def test_the_bips_counters_of_version_2_open():
    cells = bytearray(b"\xff" * (4 * BLOCK))
    for line in content(SAMPLES + "2/bips.txt").decode().split("\n")[:-1]:
        place, data = line.split(" ")
        cells[int(place) : int(place) + 64] = bytes.fromhex(data)
    key = bytes(range(16))
    bips = [bound(bytes.fromhex("5448e68f800" + str(number)), key, number=number) for number in (1, 2)]
    counters = BipCounters(NorFlash(cells), bytes(range(8)))
    counters.recover(bips)
    assert not counters.fresh and counters.pending(7) == (1, HOLD) and counters.pending(8) is None
    assert [(bip.last, bip.reserved, bip.fell) for bip in bips] == [(1780672257, 1780672264, -1), (41, 105, -1)]


def test_a_newer_slot_that_does_not_pass_gives_way_to_the_older():
    settings, _ = fresh()
    settings.save(config.put(config.default(), "shop.name", "Tabac"))
    for newer in (b'{"version":3,"shop":{"colour":"red"}}', b"{", b"\xff", b'{"version":2,"shop":1}'):
        Slots(SETTINGS).store(newer)
        assert settings.load()["shop"]["name"] == "Tabac", newer
        settings.save(settings.load())


def test_slots_of_which_none_passes_are_an_error_and_not_the_defaults():
    settings, enrolment = fresh()
    for store in (settings, enrolment):
        for slots in (Slots(SETTINGS), Slots(ENROLMENT)):
            slots.store(b'{"version":3}')
            slots.store(b"[]")
        assert "provision this box again" in fails(store.load)
    settings.save(config.default())
    assert settings.load() == config.default()


def test_what_is_not_right_is_not_stored():
    settings, _ = fresh()
    settings.save(VERSION_1)
    for wrong in (
        {"version": 2, "shop": 1},
        {"version": 1},
        None,
        {"version": 2, "wifi": [{"ssid": "a", "key": None}]},
    ):
        try:
            settings.save(wrong)
        except config.ConfigError:
            continue
        raise AssertionError(wrong)
    assert settings.load() == VERSION_1


def test_version_1_is_looked_for_in_the_root():
    settings, enrolment = fresh()
    looked = []

    class Root:
        """The module os, and open."""

        def __call__(self, path, mode):
            looked.append(path)
            raise OSError(2, "")

        def remove(self, path):
            looked.append(path)
            raise OSError(2, "")

    documents.os = documents.open = Root()
    try:
        take_over(settings, enrolment)
    finally:
        documents.os = os
        del documents.open
    assert looked == ["/enrolment.json", "/enrolment.json", "/ca.der"]
