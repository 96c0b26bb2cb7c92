"""shop.toml: what it gives, what it leaves to the box, and where its faults are."""

import re
import tomllib
from pathlib import Path

import pytest
from alertbox import texts
from alertbox.contract.settings import Settings, default, diff, known, masked
from alertbox.errors import UserError
from alertbox.provision import shopfile

EXAMPLE = Path(shopfile.__file__).parents[2] / "shop.example.toml"
BOX = Settings.read(
    {
        "version": 2,
        "wifi": [{"ssid": "Livebox-4F2A", "key": None}],
        "receiver": {"host": "alertes.example.org"},
        "lte": {"password": None, "pin": None},
        "bips": [{"id": 3, "mac": "a4c138000001", "key": None, "name": "Comptoir"}],
    },
    export=True,
)


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    monkeypatch.setattr(texts, "_chosen", "en")
    for name in ("ALERTBOX_WIFI_KEY", "ALERTBOX_WIFI_KEY_2", "ALERTBOX_LTE_PASSWORD", "ALERTBOX_LTE_PIN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def load(tmp_path):
    def load(text: str, box: Settings = BOX, ask: shopfile.Ask | None = None) -> Settings:
        path = tmp_path / "shop.toml"
        path.write_text(text, encoding="utf-8")
        return shopfile.load(path, box, ask)

    return load


def faults(load, text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(shopfile.ShopFileRefused) as refused:
        load(text)
    return [(line, ".".join(map(str, path))) for line, path, _ in refused.value.faults]


def test_the_example_is_right_and_names_every_field():
    shopfile.load(EXAMPLE, BOX)
    named = set(re.findall(r"^#? ?\[{0,2}([a-z_.]+)\]{0,2}(?: =|$|  )", EXAMPLE.read_text(), re.MULTILINE))

    def names(path: tuple[str, ...]) -> set[str]:
        return {name for field in known(path) for name in {field, *names((*path, field))}}

    parts = {part for name in named for part in name.split(".")}
    assert names(()) - {"version"} - parts == set()


def test_the_example_is_right_with_what_it_comments_out():
    text = "\n".join(re.sub(r"^# (?=\[|[a-z_]+ = )", "", line) for line in EXAMPLE.read_text().splitlines())
    document = tomllib.loads(text.replace('key = "..."', 'key = "motdepasse"'))
    assert set(document) == set(known(())) - {"version"}
    assert document["bips"][0]["policy"]["hold"] == "alarm"


def test_numbers_are_taken_as_in_france_and_ranks_from_the_order(load):
    settings = load(
        '[[contacts]]\nname = "A"\nnumber = "06 12 34 56 78"\n[[contacts]]\nname = "B"\nnumber = "+352 621 123 456"\n'
    )
    assert [(row.name, row.number, row.rank) for row in settings.contacts] == [
        ("A", "+33612345678", 1),
        ("B", "+352621123456", 2),
    ]


def test_a_bips_kind_that_is_left_out_stays_as_it_was_learnt(load):
    held = {"id": 3, "mac": "a4c138000001", "key": None, "name": "Mur", "kind": "switch"}
    box = Settings.read({"version": 2, "bips": [held]}, export=True)
    bip = '[[bips]]\nmac = "a4c138000001"\nname = "Porte"\n'
    assert load(bip, box).bips[0].kind == "switch"
    assert load(bip + 'kind = "button"\n', box).bips[0].kind == "button"


def test_what_is_left_out_goes_to_its_default_but_receiver_and_bips_stay(load):
    settings = load("")
    assert settings.wifi == []
    assert (settings.receiver, settings.bips) == (BOX.receiver, BOX.bips)
    assert load('[receiver]\nhost = "other.example"\n').receiver.host == "other.example"


@pytest.mark.parametrize(
    ("text", "line", "path", "near"),
    [
        ('[shop]\nname = "x"\naddr = "y"\n', 3, "shop.addr", "`address`"),
        ('[shpo]\nname = "x"\n', 1, "shpo", "`shop`"),
        ('[[contacts]]\nname = "A"\nnumb = "06 12 34 56 78"\n', 3, "contacts.0.numb", "`number`"),
        ('[policy.button]\nclicks = "help"\n', 2, "policy.button.clicks", "`click`"),
        ('[shop]\nzzzz = "x"\n', 2, "shop.zzzz", "name, address, latitude, longitude"),
        ("version = 2\n", 1, "version", "not a setting"),
    ],
)
def test_an_unknown_name_is_refused_with_its_line_and_the_nearest_that_is_known(load, text, line, path, near):
    with pytest.raises(shopfile.ShopFileRefused) as refused:
        load(text)
    found = next(fault for fault in refused.value.faults if ".".join(map(str, fault[1])) == path)
    assert found[0] == line
    assert near in found[2]


def test_all_faults_come_at_once_with_their_lines(load):
    text = (
        '[shop]\nname = "x"\nlatitude = 48.5\n\n[[contacts]]\nname = "A"\nnumber = "17"\n\n'
        '[[contacts]]\nname = ""\nnumber = "06 12 34 56 78"\n\n[siren]\nmax_s = 500\n'
    )
    assert faults(load, text) == [
        (1, "shop.longitude"),
        (7, "contacts.0.number"),
        (10, "contacts.1.name"),
        (14, "siren.max_s"),
    ]


def test_a_double_number_is_refused_however_it_is_written(load):
    row = '[[contacts]]\nname = "A"\nnumber = "{}"\n'
    assert faults(load, row.format("06 12 34 56 78") + row.format("+33612345678")) == [(6, "contacts.1.number")]


def test_two_emergency_numbers_are_two_faults_and_not_doubles(load):
    row = '[[contacts]]\nname = "A"\nnumber = "{}"\n'
    assert faults(load, row.format("17") + row.format("17")) == [(3, "contacts.0.number"), (6, "contacts.1.number")]


def test_what_is_no_toml_is_told_with_its_line(load):
    with pytest.raises(UserError, match="line 2"):
        load("[shop]\nname = \n")
    with pytest.raises(UserError, match="TOML"):
        load("a = 1\na = 2\n")


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        shopfile.load(tmp_path / "none.toml", BOX)


def test_a_left_out_key_is_the_boxs_own_for_a_network_that_it_knows(load):
    assert load('[[wifi]]\nssid = "Livebox-4F2A"\n').wifi[0].key is None


def test_a_left_out_key_comes_from_the_environment_by_the_networks_place(load, monkeypatch):
    monkeypatch.setenv("ALERTBOX_WIFI_KEY", "first-key")
    monkeypatch.setenv("ALERTBOX_WIFI_KEY_2", "second-key")
    monkeypatch.setenv("ALERTBOX_LTE_PIN", "1234")
    settings = load('[[wifi]]\nssid = "a"\n[[wifi]]\nssid = "b"\n')
    assert [network.key for network in settings.wifi] == ["first-key", "second-key"]
    assert settings.lte.pin == "1234"


def test_a_left_out_key_is_asked_for_or_refused_for_a_network_that_the_box_does_not_know(load):
    assert load('[[wifi]]\nssid = "new"\n', ask=lambda ssid: f"key of {ssid}").wifi[0].key == "key of new"
    with pytest.raises(UserError, match="new"):
        load('[[wifi]]\nssid = "new"\n')


def test_the_modems_secrets_are_kept_where_the_box_has_them_and_empty_on_a_blank_one(load):
    assert (load("").lte.pin, load("", default()).lte.pin) == (None, "")


def test_a_bip_that_the_box_does_not_know_needs_its_key(load):
    bip = '[[bips]]\nmac = "a4c13800000{}"\nname = "Réserve"\n'
    assert load(bip.format(1)).bips[0].key is None
    with pytest.raises(UserError, match="Réserve"):
        load(bip.format(2))


def test_a_bip_that_has_no_key_can_be_named(load):
    box = Settings.read({"version": 2, "bips": [{"id": 3, "mac": "a4c138000001", "name": "Bip 3"}]}, export=True)
    (bip,) = load('[[bips]]\nmac = "a4c138000001"\nname = "Porte"\n', box).bips
    assert (bip.id, bip.key, bip.name) == (3, "", "Porte")


def test_a_bip_keeps_its_number_and_a_new_one_gets_the_lowest_that_is_free(load):
    bip = '[[bips]]\nmac = "a4c13800000{}"\nname = "b"\nkey = "00112233445566778899aabbccddeeff"\n'
    text = bip.format(2) + bip.format(1) + bip.format(4) + "id = 1\n"
    assert [(row.mac[-1], row.id) for row in load(text).bips] == [("2", 2), ("1", 3), ("4", 1)]


def test_a_bip_is_what_its_label_says(load):
    label = "BIP:A4:C1:38:00:00:05;00112233445566778899AABBCCDDEEFF;Caisse"
    (bip,) = load(f'[[bips]]\nlabel = "{label}"\nsupervision_s = 3600\n').bips
    assert (bip.mac, bip.key, bip.name) == ("a4c138000005", "00112233445566778899aabbccddeeff", "Caisse")
    assert (bip.id, bip.supervision_s) == (1, 3600)
    (bip,) = load(f'[[bips]]\nlabel = "{label}"\nname = "Réserve"\n').bips
    assert bip.name == "Réserve"


def test_a_label_that_is_none_is_named(load):
    assert faults(load, '[[bips]]\nname = "b"\nlabel = "BIP:1;2;3"\n') == [(3, "bips.0.label")]


def test_an_export_gives_the_same_settings_again_and_holds_no_secret(load):
    full = Settings.read(
        {
            **BOX.document(),
            "shop": {"name": 'Chez "Léa" # 1', "address": "rue", "latitude": 48.5846, "longitude": -7.7},
            "contacts": [
                {"name": "B", "number": "+352621123456", "rank": 4, "quiet": True},
                {"name": "A", "number": "+33612345678", "rank": 2},
            ],
            "policy": {"bip": {"click": "help"}},
            "silent_hours": {"from": "22:00", "to": "07:00"},
            "siren": {"allowed": True, "form": "2026-017"},
            "templates": {"help": "{shop} 17"},
        },
        export=True,
    )
    text = shopfile.dump(full, "0011223344556677")
    assert "# key: left out" in text
    assert diff(full, load(text, full)) == []
    written = shopfile.dump(masked(full), "0011223344556677")
    assert diff(full, load(written, full)) == []
