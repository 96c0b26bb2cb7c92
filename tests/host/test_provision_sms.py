"""How long an SMS is, by 3GPP TS 23.038 and 23.040, and what stands in it."""

import pytest
from alertbox.contract.settings import KINDS, Settings, default
from alertbox.provision import sms

SHOP = {"name": "Tabac", "address": "12 rue de la Gare", "latitude": 47.6864, "longitude": 6.4962}

# text, alphabet, length, parts
LENGTHS = [
    ("", "GSM-7", 0, 1),
    ("a" * 160, "GSM-7", 160, 1),
    ("a" * 161, "GSM-7", 161, 2),
    ("a" * 306, "GSM-7", 306, 2),
    ("a" * 307, "GSM-7", 307, 3),
    ("éèàù@£Ç\n", "GSM-7", 8, 1),
    ("€" * 80, "GSM-7", 160, 1),  # each an escape and a character
    ("a" * 152 + "€" + "b" * 10, "GSM-7", 164, 2),
    ("€" * 153, "GSM-7", 306, 3),  # 76 fit into a part of 153: none is split
    ("ç" * 70, "UCS-2", 70, 1),
    ("ê" * 71, "UCS-2", 71, 2),
    ("ê" * 134, "UCS-2", 134, 2),
    ("’", "UCS-2", 1, 1),
    ("🦊" * 35, "UCS-2", 70, 1),
    ("🦊" * 67, "UCS-2", 134, 3),  # 33 fit into a part of 67
]


@pytest.mark.parametrize(("text", "alphabet", "length", "parts"), LENGTHS)
def test_alphabet_length_and_parts(text, alphabet, length, parts):
    measured = sms.measure(text)
    assert (measured.alphabet, measured.length, measured.parts) == (alphabet, length, parts)


def test_the_characters_that_cost_a_text_its_alphabet_are_named():
    assert sms.measure("l’Église ça ça").costly == "’ç"
    assert sms.measure("Église").costly == ""


@pytest.mark.parametrize("language", sms.BUILT_IN)
def test_the_built_in_texts_are_of_the_cheap_alphabet_and_short(language):
    for text in sms.BUILT_IN[language].values():
        assert sms.measure(text).alphabet == "GSM-7"
        assert len(text) <= 160


def test_a_text_asks_a_person_to_call_the_police_and_only_help_and_alarm_have_a_code():
    settings = Settings.read({"version": 2, "shop": SHOP})
    for kind in ("help", "alarm"):
        assert "17" in sms.fill(settings, kind)
        assert sms.EXAMPLE_CODE in sms.fill(settings, kind)
    assert sms.EXAMPLE_CODE not in sms.fill(settings, "inform")


def test_a_template_is_filled_in_and_a_name_with_braces_is_not_filled_again():
    shop = {**SHOP, "name": "{address}"}
    settings = Settings.read(
        {"version": 2, "shop": shop, "templates": {"help": "{shop}|{address}|{time}|{map}|{code}"}}
    )
    assert sms.fill(settings, "help") == (
        "{address}|12 rue de la Gare|14:32|https://osm.org/?mlat=47.6864&mlon=6.4962|83"
    )


def test_who_reads_what():
    contacts = [
        {"name": "calls", "number": "+33612345671", "rank": 3, "by": "call"},
        {"name": "quiet", "number": "+33612345672", "rank": 2, "quiet": True},
        {"name": "all", "number": "+33612345673", "rank": 1},
    ]
    settings = Settings.read({"version": 2, "contacts": contacts})
    assert [contact.name for contact in sms.readers(settings, "inform")] == ["all"]
    assert [contact.name for contact in sms.readers(settings, "alarm")] == ["all", "quiet"]
    assert set(sms.previews(default())) == set(KINDS)
