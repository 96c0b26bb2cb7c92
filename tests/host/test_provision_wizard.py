"""The wizard as a technician sees it: a real terminal of 80 columns, in French, and a box of the test's."""

import ast
import re
from pathlib import Path

import pytest
from alertbox import texts
from alertbox.provision import wizard
from wizard_terminal import COLUMNS, DOWN, WizardTerminal, lure


def done(transcript: str) -> list[str]:
    """What the box was asked to do: the program's last line."""
    return list(ast.literal_eval(transcript.strip().splitlines()[-1].removeprefix("done: ")))


@pytest.fixture(scope="module")
def written() -> tuple[int, str]:
    return lure(write=True)


def test_a_blank_box_is_made_a_shops_own(written):
    status, transcript = written
    assert status == 0
    assert done(transcript) == ["commit settings", "commit enrolment", "restart", "test"]
    assert "0 différence" in transcript


def test_an_emergency_number_is_refused_with_the_reason_and_asked_again(written):
    assert "17 est un numéro d'urgence" in written[1]
    assert written[1].count("? Numéro de Marie Durand") == 2


def test_the_screen_is_french_and_shows_no_secret(written):
    transcript = written[1]
    assert "motdepasse" not in transcript
    assert "ab1." not in transcript.replace("commence par ab1.", "")
    for english in ("Yes", "arrow", "Enter ", "[Y/n]"):
        assert english not in transcript


def test_the_transcript_is_the_same_each_time(written):
    assert lure(write=True)[1] == written[1]


def test_every_question_has_a_hint_above_it(written):
    lines = written[1].splitlines()
    for place, line in enumerate(lines):
        if line.startswith("? ") and not lines[place - 1].startswith(("! ", "d'une personne")):
            assert lines[place - 1].startswith("  "), line
            assert len(line) <= COLUMNS


def test_no_to_the_last_question_writes_nothing():
    status, transcript = lure(write=False)
    assert status == 1
    assert done(transcript) == []
    assert "rien n'a été écrit" in transcript


def test_ctrl_c_leaves_everything_as_it_was_and_says_so():
    terminal = WizardTerminal("provision")
    terminal.answer("Nom de la boutique", "Tabac")
    terminal.interrupt("Adresse")
    assert terminal.end() == 1
    assert "Abandon : rien n'a été écrit" in terminal.text()
    assert done(terminal.text()) == []


def test_lang_makes_it_english_and_the_summary_leads_back_to_any_part():
    terminal = WizardTerminal("--lang", "en", "provision", "--dry-run", "/dev/ttyUSB0")
    terminal.answer("Name of the shop", "Tabac")
    terminal.answer("Address")
    terminal.answer("Latitude, longitude")
    terminal.answer("Name of the contact", "Marie")
    terminal.answer("Number of Marie", "06 12 34 56 78")
    terminal.answer("How is Marie reached?")
    terminal.answer("Marie: the SMS")
    terminal.answer("If Marie takes charge")
    terminal.answer("Contacts: 1 of 5")
    terminal.answer("Does the box use the shop's Wi-Fi?", DOWN)
    terminal.answer("Access point (APN)")
    terminal.answer("Does the SIM card ask for a PIN?")
    terminal.answer("Is everything right?", DOWN)
    terminal.answer("Name of the shop", "\x15Bar")
    terminal.answer("Address")
    terminal.answer("Latitude, longitude")
    terminal.answer("Is everything right?")
    terminal.answer("Invite")
    assert terminal.end() == 0
    assert "Bar à 14:32" in terminal.text()
    assert "nothing was written" in terminal.text()
    assert done(terminal.text()) == []


def test_every_question_and_hint_has_its_words():
    source = (
        Path(wizard.__file__).read_text() + (Path(wizard.__file__).parents[1] / "commands/provision.py").read_text()
    )
    names = set(re.findall(r'ask\.(?:text|secret|yes|choose)\(\s*"([a-z-]+)"', source))
    names |= {"wifi-key", "list-contacts", "list-wifi", "policy-button", "policy-bip"}
    for name in names:
        assert {f"provision-ask-{name}", f"provision-hint-{name}"} <= texts.catalogue("fr").keys()


def test_the_transcript_in_the_papers_is_what_a_technician_sees_now(written):
    """Then `python tests/rig/wizard_terminal.py` has the new one, up to its last line."""
    transcript = written[1]
    shown = transcript[: transcript.index("done: [")].rstrip()
    readme = (Path(__file__).parents[2] / "host_tools" / "README.md").read_text(encoding="utf-8")
    assert shown in readme
