"""`alertbox provision --file` and `--export`: the real command line, with a box of the test's behind the port."""

import sys
from pathlib import Path
from typing import Any

import pytest
from alertbox import cli, texts
from alertbox.receiver import Accounts
from alertbox.town import Town
from alertbox.town.invites import Invite
from provision_box import BOX, ProvisionBox, main

SHOP = """
[shop]
name = "Tabac de la Gare"
[[contacts]]
name = "Marie Durand"
number = "06 12 34 56 78"
[[wifi]]
ssid = "Livebox-4F2A"
key = "motdepasse"
"""
INVITE = Invite("alertes.lure.example", 8884, "ab" * 16, "cd" * 16, None).line


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the command with words after `provision`; gives exit status, output and errors."""
    from alertbox.commands import provision

    # What `main` replaces, to be put back.
    for place, name in ((provision, "open_box"), (provision, "find_box"), (Invite, "redeem"), (sys, "argv")):
        monkeypatch.setattr(place, name, getattr(place, name))
    monkeypatch.setattr(sys, "argv", ["alertbox"])
    monkeypatch.setattr(cli, "COMMANDS", dict(cli.COMMANDS))
    monkeypatch.setattr(texts, "_chosen", None)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (tmp_path / "shop.toml").write_text(SHOP)

    def run(*words: str, box: ProvisionBox | None = None, lang: str = "en") -> tuple[int, str, str]:
        status: Any = 0
        try:
            main(["--lang", lang, "provision", *words], box or ProvisionBox())
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        return int(status or 0), out, err

    return run


@pytest.fixture
def shop(tmp_path) -> str:
    return str(tmp_path / "shop.toml")


def test_a_file_is_written_enrolled_restarted_read_back_and_tested(run, shop):
    box = ProvisionBox()
    status, out, err = run("--file", shop, "--yes", "--invite", INVITE, "--test", "--lock", box=box)
    assert (status, err) == (0, "")
    assert box.done == ["commit settings", "commit enrolment", "restart", "test", "lock"]
    assert box.settings["contacts"][0]["number"] == "+33612345678"
    assert box.settings["receiver"]["host"] == "alertes.lure.example"
    assert "0 differences" in out
    assert out.count("698b ea63 dc44 a344") == 3  # found, on the box, at the receiver


def test_no_secret_is_on_the_screen_and_numbers_are(run, shop):
    status, out, _ = run("--file", shop, "--yes")
    assert status == 0
    assert "motdepasse" not in out
    assert "06 12 34 56 78" in out


def test_a_second_run_changes_nothing_but_the_key_that_the_file_gives(run, shop):
    box = ProvisionBox()
    run("--file", shop, "--yes", "--invite", INVITE, box=box)
    before = dict(box.settings)
    Path(shop).write_text(SHOP.replace('key = "motdepasse"\n', ""))
    box.done.clear()
    status, out, _ = run("--file", shop, "--yes", box=box)
    assert (status, box.done) == (0, [])
    assert "has these settings already" in out
    assert box.settings == before


def test_a_dry_run_writes_nothing_with_a_box_or_without(run, shop):
    for words in ([], ["/dev/ttyUSB0"]):
        box = ProvisionBox()
        status, out, _ = run(*words, "--file", shop, "--dry-run", box=box)
        assert (status, box.done, box.settings) == (0, [], {"version": 2})
        assert "Tabac de la Gare" in out
        assert "nothing was written" in out


def test_a_file_without_yes_and_without_a_terminal_writes_nothing(run, shop):
    box = ProvisionBox()
    status, _, err = run("--file", shop, box=box)
    assert (status, box.done) == (1, [])
    assert "--yes" in err


def test_a_box_that_forgets_is_told_and_fails(run, shop):
    box = ProvisionBox()
    box.forgets = "contacts"
    status, out, err = run("--file", shop, "--yes", box=box)
    assert status == 1
    assert "Marie Durand" in out.split("checked by the box")[1]
    assert "differs from what was written" in err


def test_a_refused_file_reaches_no_box(run, shop):
    Path(shop).write_text(SHOP.replace("06 12 34 56 78", "17"))
    box = ProvisionBox()
    status, _, err = run("--file", shop, "--yes", box=box)
    assert (status, box.done) == (1, [])
    assert "line 6" in err
    assert "contacts.1.number" in err


def test_enrolment_in_a_towns_folder_sets_the_receiver(run, shop, tmp_path):
    town = Town.create(tmp_path / "town", ["alertes.lure.example"])
    box = ProvisionBox()
    status, _, err = run("--file", shop, "--yes", "--town", str(town.path), "--receiver", "192.0.2.7:9993", box=box)
    assert (status, err) == (0, "")
    assert box.settings["receiver"] == {"host": "192.0.2.7", "port": 9993, "server_name": "alertes.lure.example"}
    assert box.enrolment is not None
    assert box.enrolment["user"] == BOX
    assert [enrolled.name for enrolled in Accounts.open(town).boxes()] == ["Tabac de la Gare"]


def test_an_enrolled_box_is_enrolled_again_only_if_that_is_asked(run, shop):
    for words, again in ((["--invite", INVITE], False), (["--invite", INVITE, "--enrol"], True)):
        box = ProvisionBox(enrolled=True)
        run("--file", shop, "--yes", *words, box=box)
        assert ("commit enrolment" in box.done) is again


def test_an_export_is_for_its_owner_holds_no_secret_and_overwrites_nothing(run, tmp_path):
    box = ProvisionBox({"version": 2, "wifi": [{"ssid": "a", "key": "motdepasse"}], "shop": {"name": "Tabac"}})
    path = tmp_path / "export.toml"
    assert run("--export", str(path), box=box)[0] == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert "motdepasse" not in path.read_text()
    status, _, err = run("--export", str(path), box=box)
    assert (status, "already exists" in err) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        ["--yes"],
        ["--file", "shop.toml", "--enrol"],
        ["--town", "t", "--invite", INVITE],
        ["--receiver", "x", "--dry-run"],
        ["--invite", "ab1.xx"],
        ["--file", "none.toml", "--dry-run"],
    ],
)
def test_words_that_do_not_fit_end_in_one_sentence(run, words):
    status, _, err = run(*words)
    assert status == 1
    assert len(err.strip().splitlines()) == 1


def test_ctrl_c_while_writing_says_what_the_box_has(run, shop):
    class Cut(ProvisionBox):
        def commit(self, name: str, data: bytes) -> Any:
            raise KeyboardInterrupt

    status, _, err = run("--file", shop, "--yes", box=Cut())
    assert (status, "old settings or the new ones" in err) == (1, True)


@pytest.mark.parametrize("lang", texts.LANGUAGES)
def test_no_line_of_a_screen_is_wider_than_80_columns(run, shop, lang):
    status, out, _ = run("--file", shop, "--yes", "--invite", INVITE, lang=lang)
    assert status == 0
    assert max(map(len, out.splitlines())) <= 80
