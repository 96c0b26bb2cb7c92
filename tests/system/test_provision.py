"""The command line against a box: from a blank one to a test alert at the receiver, and everything in between.

`alertbox` is a process of its own, as a technician starts it; the box is the whole firmware behind its pty.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from alertbox.box.session import BoxConsole, BoxRefused
from alertbox.contract import formats
from alertbox.receiver import Accounts, ReceiverThread
from alertbox.sim import VirtualBox
from alertbox.town import Town
from alertbox.town.technicians import Technician
from console_box import ConsoleBox

pytestmark = pytest.mark.needs("press", "serial", "plug", "unplug")

ALERTBOX = Path(sys.executable).with_name("alertbox")
NETWORKS = {"Livebox-4F2A": "livebox-key"}
SHOP = """
[shop]
name = "Tabac de la Gare"
address = "12 rue de la Gare, 70200 Lure"
[[contacts]]
name = "Marie Durand"
number = "06 12 34 56 78"
[[wifi]]
ssid = "Livebox-4F2A"
"""
RENAMED = SHOP.replace("Marie Durand", "Paul Martin")


class Ran(NamedTuple):
    status: int
    out: str
    err: str


def alertbox(*words: str | Path, stdin: str = "") -> Ran:
    done = subprocess.run(
        [ALERTBOX, "--lang", "en", *words], input=stdin, env=environment(), capture_output=True, text=True, timeout=90
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def environment() -> dict[str, str]:
    return os.environ | {"ALERTBOX_WIFI_KEY": NETWORKS["Livebox-4F2A"], "LC_ALL": "C.UTF-8"}


def one_sentence(ran: Ran, *words: str) -> None:
    """It failed, and tells in one line what to do."""
    assert ran.status == 1
    assert len(ran.err.splitlines()) == 1
    for word in words:
        assert word in ran.err


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town.create(tmp_path_factory.mktemp("provision") / "town")


@pytest.fixture(scope="module")
def receiver(town: Town) -> Iterator[ReceiverThread]:
    with ReceiverThread(town) as running:
        yield running


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A shop.toml with this text."""
    folder = tmp_path_factory.mktemp("shops")

    def write(text: str = SHOP) -> Path:
        path = folder / f"shop{len(list(folder.iterdir()))}.toml"
        path.write_text(text)
        return path

    return write


class Served(NamedTuple):
    """A box that was blank, and how it was provisioned."""

    box: VirtualBox
    id: str
    ran: Ran


def box_id(box: VirtualBox) -> str:
    assert box.public_key is not None
    return formats.box_id(box.public_key).hex()


@pytest.fixture(scope="module")
def served(
    receiver: ReceiverThread, shop: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served") / "box"
    with VirtualBox(receiver, enrol=False, networks=NETWORKS, folder=folder) as box:
        invite = alertbox("receiver", "invite", receiver.town.path, "--port", str(receiver.enrol_port))
        ran = alertbox("provision", box.serial, "--file", shop(), "--invite", invite.out.strip(), "--yes", "--test")
        yield Served(box, box_id(box), ran)


def settings(box: VirtualBox) -> dict[str, Any]:
    with BoxConsole(box.serial) as console:
        return json.loads(console.read("settings"))


def boots(box: VirtualBox) -> int:
    return sum(line.text.startswith("armed") for line in box.log)


def password(receiver: ReceiverThread, box: str) -> str:
    """What the broker knows of a box's password, a hash; a KeyError if the box is revoked."""
    return dict(line.split(":", 1) for line in receiver.accounts.password_file().splitlines())[box]


def test_a_blank_box_is_provisioned_by_an_invite_until_its_test_alert_is_received(served, receiver):
    box, own, ran = served
    assert (ran.status, ran.err) == (0, "")
    grouped = " ".join(own[at : at + 4] for at in range(0, 16, 4))
    assert ran.out.count(grouped) == 3  # as found, on the box, at the receiver
    assert "Marie Durand" in ran.out.split("checked by the box")[0]
    assert "0 differences" in ran.out
    assert "The receiver has acknowledged the test alert" in ran.out
    assert NETWORKS["Livebox-4F2A"] not in ran.out
    test = receiver.wait_for(lambda alert: alert.box == own)
    assert (test.kind_name, test.for_people, test.name) == ("test", False, "Tabac de la Gare")
    assert boots(box) == 2
    mark = len(box.log)
    box.press("button", 120)
    sequence = int(box.wait_log("issuer", "journalled", since=mark).fields["seq"])
    receiver.wait_for(lambda alert: alert.box == own and alert.sequence == sequence and alert.for_people)


def test_a_box_provisioned_in_a_towns_folder_takes_its_shop_over_from_the_box_before(
    make_box, receiver, town, shop, tmp_path
):
    before = make_box(receiver, name="Poste de la Gare", folder=tmp_path / "before")
    box = make_box(receiver, enrol=False, networks=NETWORKS)
    where = ["--town", town.path, "--receiver", f"localhost:{receiver.port}"]
    text = SHOP.replace("Tabac de la Gare", "Poste de la Gare")
    ran = alertbox("provision", box.serial, "--file", shop(text), "--yes", "--test", *where)
    assert (ran.status, ran.err) == (0, "")
    assert "0 differences" in ran.out
    assert "acknowledged" in ran.out
    assert receiver.wait_for(lambda alert: alert.box == box_id(box)).kind_name == "test"
    revoked = {known.id: known.revoked_at is not None for known in Accounts.open(town).boxes()}
    assert (revoked[box_id(before)], revoked[box_id(box)]) == (True, False)


def test_status_test_alert_and_console_talk_to_the_box(served, receiver):
    box, own, _ = served
    box.wait_log("mqtt", "connected")
    status = alertbox("status", box.serial)
    rows = {line[:24].strip(): line[24:].strip() for line in status.out.splitlines()}
    assert (rows["Box"], rows["Fault"], rows["Receiver reached"]) == (own, "none", "yes")
    before = len(receiver.alerts())
    tested = alertbox("test-alert", box.serial)
    assert (tested.status, "The receiver has it" in tested.out) == (0, True)
    assert [alert.kind_name for alert in receiver.alerts()[before:] if alert.box == own] == ["test"]
    script = "get shop.name\nset siren.max_s 90\nget siren.max_s\ndefault siren.max_s\nget siren.max_s\n"
    talked = alertbox("console", box.serial, stdin=script)
    assert (talked.status, talked.err) == (0, "")
    assert [word for word in ("Tabac de la Gare", "90", "180") if word in talked.out] == [
        "Tabac de la Gare",
        "90",
        "180",
    ]
    wrong = alertbox("console", box.serial, stdin="set siren.max_s 9\n")
    one_sentence(wrong, "siren.max_s")
    assert settings(box).get("siren", {}).get("max_s", 180) == 180


def test_the_same_file_again_changes_nothing_and_restarts_nothing(served, shop):
    before = boots(served.box), settings(served.box)
    ran = alertbox("provision", served.box.serial, "--file", shop(), "--yes")
    assert (ran.status, ran.err) == (0, "")
    assert "the box has these settings already" in ran.out
    assert (boots(served.box), settings(served.box)) == before


def test_a_dry_run_names_the_differences_and_writes_nothing(served, shop):
    before = boots(served.box), settings(served.box)
    ran = alertbox("provision", served.box.serial, "--file", shop(RENAMED), "--dry-run")
    assert (ran.status, ran.err) == (0, "")
    assert "Paul Martin" in ran.out
    assert "Marie Durand" in ran.out
    assert (boots(served.box), settings(served.box)) == before


def test_a_changed_file_is_written_and_only_the_difference_is_named(served, receiver, shop):
    box = served.box
    before = boots(box)
    try:
        ran = alertbox("provision", box.serial, "--file", shop(RENAMED), "--yes", "--test")
        assert (ran.status, ran.err) == (0, "")
        assert "Contact 1, name" in ran.out
        assert "Shop, name" not in ran.out
        assert "0 differences" in ran.out
        assert boots(box) == before + 1
        assert settings(box)["contacts"][0]["name"] == "Paul Martin"
    finally:
        with BoxConsole(box.serial) as console:
            console.call("set", "contacts.0.name", "Marie Durand")


def test_an_export_is_a_file_that_changes_nothing_here_and_makes_another_box_alike(served, make_box, tmp_path):
    path = tmp_path / "export.toml"
    exported = alertbox("provision", served.box.serial, "--export", path)
    assert (exported.status, exported.err) == (0, "")
    assert NETWORKS["Livebox-4F2A"] not in path.read_text()
    before = boots(served.box)
    assert alertbox("provision", served.box.serial, "--file", path, "--yes").status == 0
    assert boots(served.box) == before
    other = make_box(enrol=False)
    ran = alertbox("provision", other.serial, "--file", path, "--yes")
    assert (ran.status, ran.err) == (0, "")
    assert "0 differences" in ran.out
    assert settings(other) == settings(served.box)


def test_enrolled_again_by_an_invite_a_box_has_another_password(served, receiver, shop):
    box = served.box
    old = password(receiver, served.id)
    invite = receiver.invite(host="localhost").line
    mark = len(box.log)
    ran = alertbox("provision", box.serial, "--file", shop(), "--invite", invite, "--enrol", "--yes", "--test")
    assert (ran.status, ran.err) == (0, "")
    assert "acknowledged" in ran.out
    assert password(receiver, served.id) != old
    box.wait_log("mqtt", "connected", since=mark)
    again = alertbox("provision", box.serial, "--file", shop(), "--invite", invite, "--enrol", "--yes")
    one_sentence(again, "invite")
    assert alertbox("test-alert", box.serial).status == 0


def test_a_cable_pulled_in_the_middle_ends_in_one_sentence_and_leaves_the_former_settings(served, shop):
    box = served.box
    before = settings(box)
    mark = len(box.console_lines)
    words = ["provision", box.serial, "--file", str(shop(RENAMED)), "--yes"]
    with subprocess.Popen(
        [ALERTBOX, "--lang", "en", *words], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        box.wait_for(lambda: any('"next"' in line for line in box.console_lines[mark:]))
        box.unplug()
        out, err = process.communicate(timeout=60)
    box.plug()
    one_sentence(Ran(process.returncode, out, err), "cable")
    assert settings(box) == before
    assert alertbox("status", box.serial).status == 0


def test_a_device_that_is_no_box_ends_in_one_sentence(shop):
    with ConsoleBox(identity={"device": "printer"}) as printer:
        one_sentence(alertbox("provision", printer.path, "--file", shop(), "--yes"), printer.path, "Alertbox")


def test_a_locked_box_is_provisioned_with_the_technicians_key_only(served, town, shop, tmp_path):
    box = served.box
    ada = Technician.create(tmp_path / "ada")
    ada.install(town.technician("Ada", ada.public, 30, ["read", "settings", "test", "restart"]))
    words = ["provision", box.serial, "--file", shop(RENAMED), "--yes"]
    assert alertbox("provision", box.serial, "--file", shop(), "--yes", "--lock").status == 0
    mark = len(box.log)
    one_sentence(alertbox(*words), "--technician")
    assert not [line for line in box.log[mark:] if "stored" in line.text]
    ran = alertbox(*words, "--test", "--technician", ada.path)
    assert (ran.status, ran.err) == (0, "")
    assert "0 differences" in ran.out
    named = alertbox("console", box.serial, "--technician", ada.path, stdin="get contacts.0.name\nlock\n")
    assert "Paul Martin" in named.out
    with BoxConsole(box.serial) as console, pytest.raises(BoxRefused) as refused:
        console.read("settings")
    assert refused.value.code == "locked"
