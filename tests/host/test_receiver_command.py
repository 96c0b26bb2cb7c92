"""The shell's side of town, enrolment and receiver: what a person types, and what a mistake ends in."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alertbox.receiver import Accounts, ReceiverThread
from alertbox.town import Town
from alertbox.town.invites import Invite
from fake_box import FakeBox

ENVIRONMENT = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}
ALERTBOX = [sys.executable, "-c", "from alertbox.cli import main; main()"]


def run(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    variables = ENVIRONMENT | environment
    command = [*ALERTBOX, *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=60)


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", int, int]]:
    """A receiver in a process of its own, ready, its port and that of its enrolment service."""
    process = subprocess.Popen(
        [*ALERTBOX, "receiver", "run", "town", "--port", "0", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        ready = process.stdout.readline()
        assert ready.startswith("Receiver ready on 127.0.0.1:")
        enrolment = process.stdout.readline()
        assert enrolment.startswith("Boxes enrol over HTTPS on port ")
        yield process, int(ready.split(":")[1].split(".")[0]), int(enrolment.split()[-1].rstrip("."))
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Town.create(tmp_path / "town")
    return tmp_path


def test_a_town_is_made_a_box_enrolled_and_revoked(tmp_path):
    box = FakeBox()
    assert run(tmp_path, "town", "create", "town", "--name", "alerts.example.org").returncode == 0
    account = Accounts.open(Town.open(tmp_path / "town")).enrol(box.public, "Boulangerie", "192.0.2.7", 8883)
    assert (account["host"], account["port"], account["server_name"]) == ("192.0.2.7", 8883, "alerts.example.org")
    assert run(tmp_path, "town", "revoke", "town", "Boulangerie").returncode == 0
    assert "Boulangerie" in run(tmp_path, "town", "boxes", "town").stdout
    assert run(tmp_path, "town", "passwords", "town").stdout == ""


def test_the_receiver_says_where_it_listens_and_ends_with_ctrl_c(folder):
    with running(folder) as (process, port, _):
        box = FakeBox()
        box.account = Accounts.open(Town.open(folder / "town")).enrol(box.public, "Boulangerie", "127.0.0.1", port)
        with box.connected() as connection:
            connection.publish(box.alert(1))
            assert connection.ack() == 1
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        assert output == "Receiver stopped: 1 alerts received, 0 refused.\n"


def test_an_invite_is_printed_alone_and_enrols_a_box(folder):
    done = run(folder, "receiver", "invite", "town", "--name", "Boulangerie", "--host", "127.0.0.1", "--port", "9000")
    assert done.returncode == 0, done.stderr
    invite = Invite.parse(done.stdout)
    assert (invite.host, invite.port, invite.name) == ("127.0.0.1", 9000, "Boulangerie")
    assert done.stdout == invite.line + "\n"
    assert "127.0.0.1:9000" in done.stderr
    assert invite.token not in done.stderr
    box = FakeBox()
    with running(folder) as (_, _, port):
        replace(invite, port=port).redeem(box.public.hex())
    assert [one.id for one in Accounts.open(Town.open(folder / "town")).boxes()] == [box.id]


def test_a_technician_is_certified_by_lines_of_text(folder):
    quiet = {"ALERTBOX_TECHNICIAN_PASSPHRASE": "Fougasse"}
    made = run(folder, "technician", "new", "me", **quiet)
    assert made.returncode == 0, made.stderr
    certify = ["town", "technician", "town", "--name", "Zoé Faure", "--public", made.stdout.strip()]
    certified = run(folder, *certify, "--days", "30", "--rights", "read,test")
    assert certified.returncode == 0, certified.stderr
    (folder / "certificate").write_text(certified.stdout)
    for given in (certified.stdout.strip(), "certificate"):
        installed = run(folder, "technician", "install", "me", given, **quiet)
        assert installed.returncode == 0, installed.stderr
        assert "Zoé Faure" in installed.stdout
    shown = run(folder, "technician", "show", "me", **quiet).stdout
    assert shown == f"Zoé Faure, until {datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}: read, test.\n"
    assert run(folder, *certify, "--rights", "all").returncode == 2
    assert run(folder, *certify, "--days", "4000").returncode == 2


def test_a_killed_receiver_has_what_it_acknowledged(folder):
    box = FakeBox()
    with running(folder) as (process, port, _):
        box.account = Accounts.open(Town.open(folder / "town")).enrol(box.public, "Boulangerie", "127.0.0.1", port)
        with box.connected() as connection:
            for sequence in range(1, 21):
                connection.publish(box.alert(sequence))
            acknowledged = {connection.ack() for _ in range(10)}
            process.kill()
            process.wait()
    with ReceiverThread(Town.open(folder / "town")) as receiver:
        assert acknowledged <= {alert.sequence for alert in receiver.alerts()}


def test_the_log_goes_to_a_file(folder):
    done = run(folder, "receiver", "run", "town", "--port", "0", "--for", "0", "--log", "log.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["event"] for line in (folder / "log.jsonl").read_text().splitlines()][-1] == "stopped"


@pytest.mark.parametrize(
    "arguments",
    [
        ["receiver", "run", "nowhere"],
        ["receiver", "run", "town", "--broker", "http://localhost"],
        ["receiver", "run", "town", "--port", "0", "--log", "no/such/folder"],
        ["receiver", "run", "town", "--port", "0", "--enrol-port", "70000", "--log", "log"],
        ["receiver", "invite", "town", "--host", "elsewhere"],
        ["receiver", "invite", "town", "--name", " "],
        ["town", "technician", "town", "--name", "A", "--public", "zz"],
        ["technician", "show", "town"],
        ["town", "create", "town"],
        ["town", "revoke", "town", "Nobody"],
    ],
)
def test_a_mistake_ends_in_one_sentence_and_status_1(folder, arguments):
    done = run(folder, *arguments)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_damaged_database_ends_in_one_sentence(folder):
    (folder / "town" / "receiver.db").write_bytes(b"not a database" * 1000)
    done = run(folder, "receiver", "run", "town", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "alertbox: town/receiver.db is damaged or is not the receiver's database: restore it from a backup."
    )


def test_a_mistake_is_told_in_french(folder):
    assert "n'est pas le dossier" in run(folder, "--lang", "fr", "receiver", "run", "nowhere").stderr
